//===- IndexTest.cpp - Indices that come from data ------------------------------===//

#include "test/codegen/cpu/Harness.h"

#include <gtest/gtest.h>

using namespace gradus::test;

static constexpr char picked[] = R"(
!s = !gradus.array<[], f64>
!v = !gradus.array<[n], f32>
!i = !gradus.array<[n], i64>
!x = !gradus.array<[n, c], f32>
gradus.func fn @pick(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>}, %y: !i {gradus.name = "y", gradus.role = #gradus.role<data>})
    -> (!s {gradus.name = "sum", gradus.role = #gradus.role<value>}, !v {gradus.name = "z", gradus.role = #gradus.role<value>}) {
  %k = gradus.iota 0 : !i
  %z = gradus.gather %x[%k, %y] : !x, (!i, !i) -> !v
  %r = gradus.reduce sum %z axes [0] : !v to !s
  gradus.return %r, %z : !s, !v
}
gradus.func fn @spread(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>}, %y: !i {gradus.name = "y", gradus.role = #gradus.role<data>},
    %u: !v {gradus.name = "u", gradus.role = #gradus.role<data>})
    -> (!x {gradus.name = "z", gradus.role = #gradus.role<value>}) {
  %k = gradus.iota 0 : !i
  %z = gradus.scatter_add %x[%k, %y], %u : !x, (!i, !i), !v
  gradus.return %z : !x
}
)";

TEST(Index, GatherAndScatter) {
  Compiled code(picked);
  ASSERT_TRUE(code.jit) << code.error;
  for (int64_t n : {0, 1, 17, 40}) {
    std::vector<float> x(n * 3), z(n, -1.0f), u(n), spread(n * 3);
    std::vector<int64_t> y(n);
    for (int64_t i = 0; i < n * 3; ++i)
      x[i] = static_cast<float>(i);
    double sum = 0, total = -5;
    for (int64_t i = 0; i < n; ++i) {
      y[i] = (i * 7) % 3;
      u[i] = 0.5f * i;
      sum += x[i * 3 + y[i]];
    }
    Call call;
    call.add(x.data(), {n, 3});
    call.add(y.data(), {n});
    call.add(&total, {});
    call.add(z.data(), {n});
    ASSERT_EQ(call.run(*code.jit, "pick"), 0);
    EXPECT_EQ(total, sum);
    Call other;
    other.add(x.data(), {n, 3});
    other.add(y.data(), {n});
    other.add(u.data(), {n});
    other.add(spread.data(), {n, 3});
    ASSERT_EQ(other.run(*code.jit, "spread"), 0);
    for (int64_t i = 0; i < n; ++i) {
      EXPECT_EQ(z[i], x[i * 3 + y[i]]);
      for (int64_t j = 0; j < 3; ++j)
        EXPECT_EQ(spread[i * 3 + j], x[i * 3 + j] + (j == y[i] ? u[i] : 0.0f));
    }
  }
}

TEST(Index, OutsideIsRefusedAndNothingIsWritten) {
  Compiled code(picked);
  ASSERT_TRUE(code.jit) << code.error;
  for (int64_t bad : {int64_t(3), int64_t(-1), INT64_MIN}) {
    std::vector<float> x(60, 1.0f), z(20, -7.0f);
    std::vector<int64_t> y(20, 2);
    y[18] = bad;
    double total = -5;
    Call call;
    call.add(x.data(), {20, 3});
    call.add(y.data(), {20});
    call.add(&total, {});
    call.add(z.data(), {20});
    EXPECT_EQ(call.run(*code.jit, "pick"), GRADUS_ERROR_INDEX);
    EXPECT_EQ(total, -5);
    EXPECT_EQ(z, std::vector<float>(20, -7.0f));
    EXPECT_EQ(call.report.committed, 0);
  }
}

/// w' = w - g w[j] for every tensor, where j = 10^9 argmax(g): computed, and far outside unless the first gradient is the largest.
static constexpr char computed[] = R"(
!s = !gradus.array<[], f32>
!j = !gradus.array<[], i64>
!v = !gradus.array<[p], f32>
gradus.func rule_step @far(%w: !v {gradus.name = "w", gradus.role = #gradus.role<param>}, %g: !v {gradus.name = "g", gradus.role = #gradus.role<grad>})
    -> (!v {gradus.name = "w", gradus.of = 0 : i64, gradus.role = #gradus.role<next>}) attributes {open} {
  %far = gradus.constant dense<1000000000> : tensor<i64>
  %k = gradus.arg_reduce max %g axis 0 : !v to !j
  %j = gradus.mul %k, %far : !j
  %e = gradus.gather %w[%j] : !v, (!j) -> !s
  %b = gradus.broadcast %e axes [] : !s to !v
  %d = gradus.mul %g, %b : !v
  %n = gradus.sub %w, %d : !v
  gradus.return %n : !v
}
)";

TEST(Index, ARefusedSlotLeavesTheOthersAsTheyWere) {
  Compiled code(computed);
  ASSERT_TRUE(code.jit) << code.error;
  std::vector<float> w(6, 1.0f), good{5, 1, 2}, bad{1, 5, 2};
  for (bool isRefused : {true, false}) {
    Call call;
    call.slots = 2;
    call.add(w.data(), {3});
    call.add(good.data(), {3});
    call.add(w.data() + 3, {3});
    call.add(isRefused ? bad.data() : good.data(), {3});
    ASSERT_EQ(call.run(*code.jit, "far"), isRefused ? GRADUS_ERROR_INDEX : 0);
    std::vector<float> expected = isRefused ? std::vector<float>(6, 1.0f) : std::vector<float>{-4, 0, -1, -4, 0, -1};
    EXPECT_EQ(w, expected);
  }
}
