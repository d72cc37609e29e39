//===- ContractTest.cpp - Products of matrices and vectors ----------------------===//

#include "test/codegen/cpu/Harness.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace gradus::test;

static std::string source(const char *a, const char *la, const char *b, const char *lb, const char *y, const char *ly) {
  std::string A = std::string("!gradus.array<") + a + ", f32>", B = std::string("!gradus.array<") + b + ", f32>",
              Y = std::string("!gradus.array<") + y + ", f32>";
  return "gradus.func fn @product(%a: " + A + " {gradus.name = \"a\", gradus.role = #gradus.role<data>}, %b: " + B +
         " {gradus.name = \"b\", gradus.role = #gradus.role<data>}) -> (" + Y +
         " {gradus.name = \"y\", gradus.role = #gradus.role<value>}) {\n  %y = gradus.contract %a " + la + ", %b " + lb + " -> " + ly + " : " + A +
         ", " + B + " -> " + Y + "\n  gradus.return %y : " + Y + "\n}";
}

static std::vector<float> numbers(int64_t n, float step) {
  std::vector<float> x(n);
  for (int64_t i = 0; i < n; ++i)
    x[i] = std::sin(step * i);
  return x;
}

/// y[i, j] = sum over k of A(i, k) B(k, j), with either operand stored transposed.
class Layouts : public testing::TestWithParam<std::tuple<bool, bool>> {};

TEST_P(Layouts, MatrixTimesMatrix) {
  auto [isA, isB] = GetParam();
  Compiled code(source(isA ? "[k, n]" : "[n, k]", isA ? "[1, 0]" : "[0, 1]", isB ? "[m, k]" : "[k, m]", isB ? "[2, 1]" : "[1, 2]",
                       "[n, m]", "[0, 2]"));
  ASSERT_TRUE(code.jit) << code.error;
  gradus_context context = threads();
  for (auto [n, k, m] : {std::tuple<int64_t, int64_t, int64_t>{1, 1, 1}, {5, 7, 10}, {4, 16, 16}, {33, 64, 35}, {2, 5000, 17}, {0, 3, 2}, {3, 0, 2}}) {
    std::vector<float> a = numbers(n * k, 0.7f), b = numbers(k * m, 0.3f), y(n * m, -1.0f), threaded(n * m);
    for (std::vector<float> *out : {&y, &threaded}) {
      Call call;
      call.add(a.data(), isA ? std::vector<int64_t>{k, n} : std::vector<int64_t>{n, k});
      call.add(b.data(), isB ? std::vector<int64_t>{m, k} : std::vector<int64_t>{k, m});
      call.add(out->data(), {n, m});
      ASSERT_EQ(call.run(*code.jit, "product", out == &y ? nullptr : &context), 0);
    }
    EXPECT_EQ(y, threaded);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < m; ++j) {
        double sum = 0;
        for (int64_t l = 0; l < k; ++l)
          sum += static_cast<double>(a[isA ? l * n + i : i * k + l]) * b[isB ? j * k + l : l * m + j];
        EXPECT_NEAR(y[i * m + j], sum, 1e-4) << n << ' ' << k << ' ' << m;
      }
  }
}

INSTANTIATE_TEST_SUITE_P(Contract, Layouts, testing::Combine(testing::Bool(), testing::Bool()));

TEST(Contract, MatrixTimesVectorBothWays) {
  Compiled forward(source("[n, k]", "[0, 1]", "[k]", "[1]", "[n]", "[0]")), backward(source("[n, k]", "[0, 1]", "[n]", "[0]", "[k]", "[1]"));
  ASSERT_TRUE(forward.jit && backward.jit) << forward.error << backward.error;
  for (auto [n, k] : {std::pair<int64_t, int64_t>{1, 1}, {9, 70}, {130, 200}, {3, 64}}) {
    std::vector<float> a = numbers(n * k, 0.7f), x = numbers(k, 0.3f), z = numbers(n, 0.2f), y(n), w(k);
    Call call, other;
    call.add(a.data(), {n, k});
    call.add(x.data(), {k});
    call.add(y.data(), {n});
    other.add(a.data(), {n, k});
    other.add(z.data(), {n});
    other.add(w.data(), {k});
    ASSERT_EQ(call.run(*forward.jit, "product"), 0);
    ASSERT_EQ(other.run(*backward.jit, "product"), 0);
    for (int64_t i = 0; i < n; ++i) {
      double sum = 0;
      for (int64_t j = 0; j < k; ++j)
        sum += static_cast<double>(a[i * k + j]) * x[j];
      EXPECT_NEAR(y[i], sum, 1e-4);
    }
    for (int64_t j = 0; j < k; ++j) {
      double sum = 0;
      for (int64_t i = 0; i < n; ++i)
        sum += static_cast<double>(a[i * k + j]) * z[i];
      EXPECT_NEAR(w[j], sum, 1e-4);
    }
  }
}

TEST(Contract, AWorkspaceThatDoesNotFitIsSaid) {
  // Over an axis of size 0 neither operand needs memory, but the product has 2^74 elements: the bytes are 0 modulo 2^64.
  Compiled code(R"(
!x = !gradus.array<[n, k], f32>
!w = !gradus.array<[k, m], f32>
!p = !gradus.array<[n, m], f32>
gradus.func loss @squares(%x: !x {gradus.name = "x", gradus.role = #gradus.role<data>}, %w: !w {gradus.name = "w", gradus.role = #gradus.role<param>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %p = gradus.contract %x [0, 1], %w [1, 2] -> [0, 2] : !x, !w -> !p
  %s = gradus.mul %p, %p : !p
  %r = gradus.reduce sum %s axes [0, 1] : !p to !gradus.array<[], f64>
  gradus.return %r : !gradus.array<[], f64>
})");
  ASSERT_TRUE(code.jit) << code.error;
  auto *workspace = code.jit->lookupAs<size_t(const gradus_tensor *, size_t)>("squares__workspace");
  for (int exponent : {3, 37, 62}) {
    int64_t x[] = {int64_t(1) << exponent, 0}, w[] = {0, int64_t(1) << exponent};
    gradus_tensor tensors[] = {{nullptr, x, nullptr, 2, GRADUS_F32, GRADUS_CPU, 0}, {nullptr, w, nullptr, 2, GRADUS_F32, GRADUS_CPU, 0}};
    EXPECT_EQ(workspace(tensors, 1) == SIZE_MAX, exponent > 3);
  }
}
