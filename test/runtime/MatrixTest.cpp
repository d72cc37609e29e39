//===- MatrixTest.cpp - The runtime's own factorizations and LAPACK's --------------===//
//
// What no spec can see: very large and very small numbers, the room in the workspace, and that nothing but the results is written.
//
//===----------------------------------------------------------------------===//

#include "gradus_lapack.h"
#include "gradus_openmp.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <vector>

namespace {

struct Workspace {
  explicit Workspace(int64_t bytes) : bytes(bytes), data(static_cast<char *>(std::aligned_alloc(64, bytes + 64)), &std::free) {
    std::fill_n(data.get() + bytes, 64, 'x');
  }
  /// Whether nobody wrote behind its end.
  bool isWhole() const { return std::all_of(data.get() + bytes, data.get() + bytes + 64, [](char c) { return c == 'x'; }); }

  int64_t bytes;
  std::unique_ptr<char, decltype(&std::free)> data;
};

class Matrix : public testing::TestWithParam<bool> {
protected:
  const gradus_linear_algebra *with() const { return GetParam() ? gradus_lapack() : nullptr; }
};

} // namespace

TEST_P(Matrix, staysInItsWorkspace) {
  for (int64_t rows : {1, 2, 3, 10, 40, 65})
    for (int64_t columns : {1, 2, 5, 17, 64}) {
      int64_t const k = std::min(rows, columns);
      std::vector<float> a(rows * columns), u(rows * k), s(k), v(columns * k), r(k * columns);
      for (size_t i = 0; i < a.size(); ++i)
        a[i] = std::sin(static_cast<float>(i * i + 1));
      std::vector<float> const before = a;
      Workspace svd(gradus_matrix_workspace(GRADUS_SVD, GRADUS_F32, rows, columns)), qr(gradus_matrix_workspace(GRADUS_QR, GRADUS_F32, rows, columns));
      EXPECT_EQ(gradus_matrix_svd(with(), GRADUS_F32, rows, columns, a.data(), u.data(), s.data(), v.data(), svd.data.get()), 1);
      EXPECT_EQ(gradus_matrix_qr(with(), GRADUS_F32, rows, columns, a.data(), u.data(), r.data(), qr.data.get()), 1);
      EXPECT_TRUE(svd.isWhole() && qr.isWhole()) << rows << " x " << columns;
      EXPECT_EQ(a, before);
    }
  for (int64_t n : {1, 2, 7, 33, 65}) {
    std::vector<double> a(n * n), b(n * 3, 1.0), x(n * 3), e(n), v(n * n);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j)
        a[i * n + j] = 1.0 / static_cast<double>(i + j + 1) + (i == j ? 1 : 0);
    Workspace solve(gradus_matrix_workspace(GRADUS_SOLVE, GRADUS_F64, n, n)), eigh(gradus_matrix_workspace(GRADUS_EIGH, GRADUS_F64, n, n));
    for (int32_t kind : {GRADUS_GENERAL, GRADUS_LOWER, GRADUS_UPPER, GRADUS_POSITIVE})
      for (int32_t transposed : {0, 1})
        EXPECT_EQ(gradus_matrix_solve(with(), GRADUS_F64, kind, transposed, n, 3, a.data(), b.data(), x.data(), solve.data.get()), 1);
    EXPECT_EQ(gradus_matrix_eigh(with(), GRADUS_F64, n, a.data(), e.data(), v.data(), eigh.data.get()), 1);
    EXPECT_TRUE(solve.isWhole() && eigh.isWhole()) << n;
  }
}

TEST_P(Matrix, holdsAtTheEndsOfTheRange) {
  for (float scale : {1e-30F, 1e30F}) {
    // [[2, 1], [1, 2]] has the eigenvalues 1 and 3, and these singular values.
    std::vector<float> a{2 * scale, scale, scale, 2 * scale}, e(2), u(4), s(2), v(4);
    Workspace room(gradus_matrix_workspace(GRADUS_SVD, GRADUS_F32, 2, 2));
    ASSERT_EQ(gradus_matrix_eigh(with(), GRADUS_F32, 2, a.data(), e.data(), v.data(), room.data.get()), 1);
    EXPECT_NEAR(e[0] / scale, 1, 1e-5);
    EXPECT_NEAR(e[1] / scale, 3, 1e-5);
    ASSERT_EQ(gradus_matrix_svd(with(), GRADUS_F32, 2, 2, a.data(), u.data(), s.data(), v.data(), room.data.get()), 1);
    EXPECT_NEAR(s[0] / scale, 3, 1e-5);
    EXPECT_NEAR(s[1] / scale, 1, 1e-5);
    ASSERT_EQ(gradus_matrix_qr(with(), GRADUS_F32, 2, 2, a.data(), u.data(), v.data(), room.data.get()), 1);
    EXPECT_NEAR(v[0] / scale, std::sqrt(5.0), 1e-5);
  }
}

TEST_P(Matrix, takesMatricesWithoutElements) {
  double value = 5, sign = 5;
  EXPECT_EQ(gradus_matrix_cholesky(with(), GRADUS_F64, 0, nullptr, nullptr, nullptr), 1);
  EXPECT_EQ(gradus_matrix_logdet(with(), GRADUS_F64, 0, nullptr, &value, &sign, nullptr), 1);
  EXPECT_EQ(value, 0);
  EXPECT_EQ(sign, 1);
  EXPECT_EQ(gradus_matrix_svd(with(), GRADUS_F64, 3, 0, nullptr, nullptr, nullptr, nullptr, nullptr), 1);
  EXPECT_EQ(gradus_matrix_workspace(GRADUS_SVD, GRADUS_F64, 3, 0), 0);
}

INSTANTIATE_TEST_SUITE_P(Who, Matrix, testing::Bool(), [](const auto &info) { return std::string(info.param ? "Lapack" : "Own"); });

TEST(MatrixContext, ofOpenmpUsesTheRuntimesOwn) { EXPECT_EQ(gradus_openmp_context().linear_algebra, nullptr); }

/// Each operand in rows or in columns, with room between them, against loops.
TEST(MatrixProduct, byBlas) {
  EXPECT_EQ(gradus_lapack()->product, nullptr);
  auto *product = gradus_blas()->product;
  for (auto [rows, inner, columns] : {std::tuple<int64_t, int64_t, int64_t>{1, 1, 1}, {3, 4, 5}, {17, 1, 9}, {1, 30, 8}})
    for (bool turnsA : {false, true})
      for (bool turnsB : {false, true}) {
        int64_t const apartA = (turnsA ? rows : inner) + 2, apartB = (turnsB ? inner : columns) + 1, apartY = columns + 3;
        std::vector<double> a((turnsA ? inner : rows) * apartA), b((turnsB ? columns : inner) * apartB), y(rows * apartY, -7.0);
        for (size_t i = 0; i < a.size(); ++i)
          a[i] = std::sin(0.7 * static_cast<double>(i));
        for (size_t i = 0; i < b.size(); ++i)
          b[i] = std::sin(0.3 * static_cast<double>(i));
        int64_t const aRow = turnsA ? 1 : apartA, aColumn = turnsA ? apartA : 1, bRow = turnsB ? 1 : apartB, bColumn = turnsB ? apartB : 1;
        ASSERT_EQ(product(GRADUS_F64, rows, columns, inner, a.data(), aRow, aColumn, b.data(), bRow, bColumn, y.data(), apartY), 1);
        std::vector<float> const a32(a.begin(), a.end()), b32(b.begin(), b.end());
        std::vector<float> y32(y.size());
        ASSERT_EQ(product(GRADUS_F32, rows, columns, inner, a32.data(), aRow, aColumn, b32.data(), bRow, bColumn, y32.data(), apartY), 1);
        for (int64_t i = 0; i < rows; ++i)
          for (int64_t j = 0; j < apartY; ++j) {
            double sum = j < columns ? 0 : -7;
            for (int64_t k = 0; k < inner && j < columns; ++k)
              sum += a[i * aRow + k * aColumn] * b[k * bRow + j * bColumn];
            EXPECT_NEAR(y[i * apartY + j], sum, 1e-13);
            if (j < columns)
              EXPECT_NEAR(y32[i * apartY + j], sum, 1e-5);
          }
      }
}

/// What BLAS cannot take is declined, before anything is read or written.
TEST(MatrixProduct, byBlasOrNot) {
  auto *product = gradus_blas()->product;
  EXPECT_EQ(product(GRADUS_F32, int64_t(1) << 31, 1, 1, nullptr, 1, 1, nullptr, 1, 1, nullptr, 1), 0);
  EXPECT_EQ(product(GRADUS_F32, 2, 2, 2, nullptr, 4, 2, nullptr, 2, 1, nullptr, 2), 0); // every other element of a row
  EXPECT_EQ(product(GRADUS_F32, 2, 2, 2, nullptr, 2, 1, nullptr, 0, 1, nullptr, 2), 0); // rows over one another
}

TEST(MatrixProduct, aTableMayHaveNothingElse) {
  gradus_linear_algebra with{};
  with.product = gradus_blas()->product;
  double const a[] = {4, 2, 2, 5};
  double l[4];
  ASSERT_EQ(gradus_matrix_cholesky(&with, GRADUS_F64, 2, a, l, nullptr), 1);
  EXPECT_EQ(std::vector<double>(l, l + 4), (std::vector<double>{2, 0, 1, 2}));
}
