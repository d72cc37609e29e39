//===- ElementwiseTest.cpp - Steps of rules, element by element -----------------===//

#include "test/codegen/cpu/Harness.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

using namespace gradus::test;

static constexpr char momentum[] = R"(
!s = !gradus.array<[], f64>
!r = !gradus.array<[], f32>
!v = !gradus.array<[w.numel], f32>
gradus.func rule_step @momentum.step(%lr: !s {gradus.name = "lr", gradus.role = #gradus.role<hyper>},
    %beta: !s {gradus.name = "beta", gradus.role = #gradus.role<hyper>},
    %w: !v {gradus.name = "w", gradus.role = #gradus.role<param>}, %g: !v {gradus.name = "g", gradus.role = #gradus.role<grad>},
    %m: !v {gradus.name = "m", gradus.role = #gradus.role<state>})
    -> (!v {gradus.name = "w", gradus.of = 2 : i64, gradus.role = #gradus.role<next>},
        !v {gradus.name = "m", gradus.of = 4 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %b = gradus.cast %beta : !s to !r
  %bv = gradus.broadcast %b axes [] : !r to !v
  %bm = gradus.mul %bv, %m : !v
  %mn = gradus.add %bm, %g : !v
  %root = gradus.sqrt %mn : !v
  %l = gradus.cast %lr : !s to !r
  %lv = gradus.broadcast %l axes [] : !r to !v
  %u = gradus.div %root, %lv : !v
  %wn = gradus.sub %w, %u : !v
  gradus.return %wn, %mn : !v, !v
})";

class Sizes : public testing::TestWithParam<int64_t> {};

/// Every tail of a vector and of a block, against the same operations one by one; no byte past the end changes.
TEST_P(Sizes, StepIsTheSameAsOneByOne) {
  Compiled code(momentum);
  ASSERT_TRUE(code.jit) << code.error;
  int64_t n = GetParam();
  std::vector<float> w(n + 16), g(n + 16), m(n + 16);
  for (int64_t i = 0; i < n + 16; ++i) {
    w[i] = std::sin(0.1f * i);
    g[i] = 1.0f + std::cos(0.3f * i);
    m[i] = 0.5f + 0.001f * (i % 7);
  }
  std::vector<float> w0 = w, m0 = m;
  auto runWith = [&](const gradus_context *context) {
    w = w0;
    m = m0;
    Call call;
    call.hyper = {0.1, 0.9};
    call.add(w.data(), {n});
    call.add(g.data(), {n});
    call.add(m.data(), {n});
    EXPECT_EQ(call.run(*code.jit, "momentum_step", context), 0);
    EXPECT_EQ(call.report.committed, 1);
    EXPECT_EQ(call.report.t, 1u);
    EXPECT_TRUE(std::isnan(call.report.value));
  };
  runWith(nullptr);
  for (int64_t i = 0; i < n; ++i) {
    volatile float product = 0.9f * m0[i];
    float next = product + g[i];
    volatile float step = std::sqrt(next) / 0.1f;
    ASSERT_EQ(m[i], next) << i;
    ASSERT_EQ(w[i], w0[i] - step) << i;
  }
  for (int64_t i = n; i < n + 16; ++i) {
    ASSERT_EQ(w[i], w0[i]);
    ASSERT_EQ(m[i], m0[i]);
  }
  std::vector<float> serial = w;
  gradus_context context = threads();
  runWith(&context);
  EXPECT_EQ(std::memcmp(serial.data(), w.data(), w.size() * sizeof(float)), 0);
}

INSTANTIATE_TEST_SUITE_P(Elementwise, Sizes, testing::Values(0, 1, 15, 16, 17, 4095, 4096, 4097, 100000));

/// A kernel of more than 1,000 additions has one copy of its code, with a mask in every step: the same elements, and no other byte.
TEST(Elementwise, LargeKernelIsTheSameAsOneByOne) {
  constexpr int links = 300;
  std::string body;
  for (int i = 1; i <= links; ++i) {
    std::string number = std::to_string(i), last = std::to_string(i - 1);
    body += "  %q" + number + " = gradus.sqrt %a" + last + " : !v\n  %a" + number + " = gradus.add %q" + number + ", %g : !v\n";
  }
  Compiled code(R"(
!s = !gradus.array<[], f64>
!v = !gradus.array<[w.numel], f32>
gradus.func rule_step @long.step(%w: !v {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !v {gradus.name = "g", gradus.role = #gradus.role<grad>})
    -> (!v {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %a0 = gradus.add %w, %g : !v
)" + body + "  gradus.return %a" + std::to_string(links) + " : !v\n}");
  ASSERT_TRUE(code.jit) << code.error;
  for (int64_t n : {0, 1, 16, 37, 4100}) {
    std::vector<float> w(n + 16, 2.0f), g(n + 16);
    for (int64_t i = 0; i < n + 16; ++i)
      g[i] = 1.0f + 0.25f * (i % 11);
    Call call;
    call.add(w.data(), {n});
    call.add(g.data(), {n});
    ASSERT_EQ(call.run(*code.jit, "long_step"), 0);
    for (int64_t i = 0; i < n; ++i) {
      float expected = 2.0f + g[i];
      for (int link = 0; link < links; ++link)
        expected = std::sqrt(expected) + g[i];
      ASSERT_EQ(w[i], expected) << i;
    }
    for (int64_t i = n; i < n + 16; ++i)
      ASSERT_EQ(w[i], 2.0f) << i;
  }
}

/// Slots of different sizes and ranks; the norm of all of them scales each.
TEST(Elementwise, CollectionIsReducedOverAllSlots) {
  Compiled code(R"(
!s = !gradus.array<[], f64>
!r = !gradus.array<[], f32>
!v = !gradus.array<[w.numel], f32>
gradus.func rule_step @normal.step(%w: !v {gradus.name = "w", gradus.role = #gradus.role<param>},
    %g: !v {gradus.name = "g", gradus.role = #gradus.role<grad>})
    -> (!v {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %gg = gradus.mul %g, %g : !v
  %q = gradus.reduce sum %gg axes [0] : !v to !s
  %a = gradus.all_reduce sum %q : !s
  %n = gradus.sqrt %a : !s
  %nr = gradus.cast %n : !s to !r
  %nv = gradus.broadcast %nr axes [] : !r to !v
  %u = gradus.div %g, %nv : !v
  %wn = gradus.sub %w, %u : !v
  gradus.return %wn : !v
})");
  ASSERT_TRUE(code.jit) << code.error;
  std::vector<float> w(6, 1.0f), g(6, 3.0f), w2(1, 1.0f), g2(1, 4.0f);
  for (float &x : g)
    x = std::sqrt(1.5f);
  Call call;
  call.slots = 2;
  call.add(w.data(), {2, 3});
  call.add(g.data(), {2, 3});
  call.add(w2.data(), {1});
  call.add(g2.data(), {1});
  ASSERT_EQ(call.run(*code.jit, "normal_step"), 0);
  EXPECT_NEAR(w2[0], 1 - 4 / 5.0, 1e-6);
  EXPECT_NEAR(w[5], 1 - std::sqrt(1.5) / 5, 1e-6);
}
