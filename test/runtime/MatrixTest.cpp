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
