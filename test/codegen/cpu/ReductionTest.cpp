//===- ReductionTest.cpp - The one tree of every sum ----------------------------===//

#include "test/codegen/cpu/Harness.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace gradus::test;

static constexpr char sums[] = R"(
!s = !gradus.array<[], f64>
!v = !gradus.array<[n], f32>
!x = !gradus.array<[n, c], f32>
!c = !gradus.array<[c], f32>
gradus.func loss @total(%x: !v {gradus.name = "x", gradus.role = #gradus.role<data>})
    -> (!s {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %r = gradus.reduce sum %x axes [0] : !v to !s
  gradus.return %r : !s
}
gradus.func fn @rows(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>})
    -> (!v {gradus.name = "sum", gradus.role = #gradus.role<value>}, !v {gradus.name = "max", gradus.role = #gradus.role<value>},
        !gradus.array<[n], i64> {gradus.name = "arg", gradus.role = #gradus.role<value>}) {
  %a = gradus.reduce sum %x axes [1] : !x to !v
  %b = gradus.reduce max %x axes [1] : !x to !v
  %i = gradus.arg_reduce max %x axis 1 : !x to !gradus.array<[n], i64>
  gradus.return %a, %b, %i : !v, !v, !gradus.array<[n], i64>
}
gradus.func fn @columns(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>})
    -> (!c {gradus.name = "sum", gradus.role = #gradus.role<value>}) {
  %a = gradus.reduce sum %x axes [0] : !x to !c
  gradus.return %a : !c
}
)";

/// The documented tree, in plain C++: 16 lanes, blocks of 4,096, pairwise above.
static float treeSum(const float *x, int64_t n) {
  std::vector<float> blocks;
  for (int64_t low = 0; low < n; low += 4096) {
    float lane[16] = {};
    for (int64_t i = low; i < std::min(n, low + 4096); ++i)
      lane[i % 16] += x[i];
    for (int half = 8; half >= 1; half /= 2)
      for (int i = 0; i < half; ++i)
        lane[i] += lane[i + half];
    blocks.push_back(lane[0]);
  }
  for (size_t stride = 1; stride < blocks.size(); stride *= 2)
    for (size_t i = 0; i + stride < blocks.size(); i += 2 * stride)
      blocks[i] += blocks[i + stride];
  return blocks.empty() ? 0.0f : blocks[0];
}

static std::vector<float> numbers(int64_t n) {
  std::vector<float> x(n);
  for (int64_t i = 0; i < n; ++i)
    x[i] = std::sin(0.37f * i) + 0.01f * (i % 11);
  return x;
}

class Sums : public testing::TestWithParam<int64_t> {};

TEST_P(Sums, HasTheBitsOfTheTreeWithAnyThreads) {
  Compiled code(sums);
  ASSERT_TRUE(code.jit) << code.error;
  int64_t n = GetParam();
  std::vector<float> x = numbers(n);
  gradus_context context = threads();
  for (const gradus_context *use : {static_cast<const gradus_context *>(nullptr), static_cast<const gradus_context *>(&context)}) {
    Call call;
    call.add(x.data(), {n});
    ASSERT_EQ(call.run(*code.jit, "total", use), 0);
    EXPECT_EQ(call.report.value, static_cast<double>(treeSum(x.data(), n)));
  }
}

INSTANTIATE_TEST_SUITE_P(Reduction, Sums, testing::Values(0, 1, 15, 16, 17, 4095, 4096, 4097, 12289, 100000));

TEST(Reduction, RowsAndColumns) {
  Compiled code(sums);
  ASSERT_TRUE(code.jit) << code.error;
  gradus_context context = threads();
  for (auto [n, c] : {std::pair<int64_t, int64_t>{3, 10}, {1, 1}, {7, 16}, {5, 33}, {2, 9001}, {5000, 18}, {0, 4}, {3, 0}}) {
    std::vector<float> x = numbers(n * c), sum(n), max(n), columns(c, -1.0f);
    std::vector<int64_t> arg(n);
    if (n * c > 3)
      x[3] = x[2];
    Call call;
    call.add(x.data(), {n, c});
    call.add(sum.data(), {n});
    call.add(max.data(), {n});
    call.add(arg.data(), {n});
    ASSERT_EQ(call.run(*code.jit, "rows", &context), 0);
    for (int64_t i = 0; i < n; ++i) {
      EXPECT_EQ(sum[i], treeSum(&x[i * c], c));
      int64_t best = c ? 0 : -1; // of nothing there is no place
      for (int64_t j = 1; j < c; ++j)
        best = x[i * c + j] > x[i * c + best] ? j : best;
      EXPECT_EQ(arg[i], best);
      EXPECT_EQ(max[i], c ? x[i * c + best] : -INFINITY);
    }
    Call other;
    other.add(x.data(), {n, c});
    other.add(columns.data(), {c});
    ASSERT_EQ(other.run(*code.jit, "columns", &context), 0);
    for (int64_t j = 0; j < c; ++j) {
      double expected = 0;
      for (int64_t i = 0; i < n; ++i)
        expected += x[i * c + j];
      EXPECT_NEAR(columns[j], expected, 1e-5 * (n + 1));
    }
  }
}
