//===- LinearAlgebraTest.cpp - Factorizations on both engines ---------------------===//
//
// Spec functions at matrices of all sizes, regular and not: compiled with the runtime's own functions and with LAPACK's, interpreted, and
// held against the laws that define them. Where a factor is not unique, what is made of it is compared.
//
//===----------------------------------------------------------------------===//

#include "CompiledSpec.h"

#include "runtime/gradus_lapack.h"

#include "gtest/gtest.h"

#include <random>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

/// Each function takes square matrices A [n, n], others X [n, m], stacks S [b, n, n] and vectors v [n] by their names.
static constexpr char spec[] = R"(
fn factor(A: [n, n]) {
  L, ok = cholesky(A)
  return L, ok, L @ L.T
}
fn systems(A: [n, n], X: [n, m], v: [n]) {
  Y, ok = solve(A, X)
  return Y, ok, A @ Y, A.T @ solve[transposed](A, X), A @ solve(A, v), A @ inverse(A)
}
fn triangles(A: [n, n], X: [n, m]) {
  Y, ok = solve[lower](A, X)
  return ok, tril(A) @ Y, triu(A) @ solve[upper](A, X), tril(A).T @ solve[transposed, lower](A, X), triu(A).T @ solve[upper, transposed](A, X)
}
fn positive(A: [n, n], X: [n, m], v: [n]) {
  x, ok = solve[positive](A, v)
  return x, ok, solve[positive](A, X)
}
fn determinants(A: [n, n]) {
  v, s = logdet(A)
  return v, s, det(A)
}
fn orthogonal(X: [n, m]) {
  Q, R = qr(X)
  return Q @ R, Q.T @ Q, R.T @ R
}
fn unique(X: [n, m]) {
  Q, R = qr(X)
  return Q, R
}
fn spectrum(A: [n, n]) {
  e, Q, ok = eigh(A)
  return e, ok, (Q * e) @ Q.T, Q.T @ Q
}
fn singular(X: [n, m]) {
  U, s, V, ok = svd(X)
  return s, ok, (U * s) @ V.T, U.T @ U, V.T @ V, norm2(X)
}
fn functions(A: [n, n], X: [n, m]) { return X @ pinv(X) @ X, expm(0.1 * A), expm(A / 64) }
fn stacks(S: [b, n, n], W: [b, n], X: [n, m]) {
  L, ok = cholesky(S)
  y[i, :] = solve(S[i, :, :], W[i, :])
  z[i, :, :] = solve(S[i, :, :], X)
  d[i] = logdet(S[i, :, :])
  E[i, :, :] = pinv(S[i, :, :])
  return L, ok, y, z, d, E, solve(S, W), inverse(S)
}
fn only(A: [n, n]) {
  L, ok = cholesky(A)
  e, Q = eigh(A)
  v, s = logdet(A)
  return ok, s, e
}
fn inside(A: [n, n], steps: int) {
  L, fine = cholesky(A)
  loop steps with B = A, c = 0.0 {
    M, ok = cholesky(B)
    when ok { B' = M @ M.T + inverse(B) } else { B' = 2 * B }
    c' = c + logdet(B)
  }
  return B, c, if fine then sum(L) else 0
}
)";

namespace {

enum class Point { Regular, Symmetric, Singular, NotFinite, Zero };
constexpr Point points[] = {Point::Regular, Point::Symmetric, Point::Singular, Point::NotFinite, Point::Zero};

/// Few digits, so that f32 holds them. Square matrices have a large diagonal.
Array<double> makeArray(const Shape &shape, unsigned seed, Point point) {
  auto x = Array<double>::zeros(Kind::Real, shape);
  std::mt19937_64 bits(seed);
  for (double &v : x.reals)
    v = static_cast<double>(static_cast<int64_t>(bits() % 257) - 128) / 128;
  if (shape.size() < 2 || point == Point::Zero) {
    if (point == Point::Zero)
      std::fill(x.reals.begin(), x.reals.end(), 0.0);
    return x;
  }
  int64_t rows = shape[shape.size() - 2], columns = shape.back(), size = rows * columns;
  for (int64_t first = 0; first < x.size(); first += size)
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) {
        double &v = x.reals[first + i * columns + j];
        if (rows == columns && i == j)
          v = static_cast<double>(rows) + static_cast<double>(i) / 4 + (point == Point::Symmetric ? 1 : v);
        if (point == Point::Symmetric && rows == columns && i < j)
          v = x.reals[first + j * columns + i] = v / 2;
        if (point == Point::Singular && (i == rows / 2 || j == columns / 2))
          v = 0;
      }
  if (point == Point::NotFinite && !x.reals.empty())
    x.reals[(x.size() / columns - 1) * columns] = seed % 2 ? std::nan("") : std::numeric_limits<double>::infinity();
  return x;
}

class LinearAlgebra : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    static std::map<std::string, std::unique_ptr<CompiledSpec>> all; // compiled once for all tests
    std::unique_ptr<CompiledSpec> &built = all[GetParam()];
    if (!built)
      built = std::make_unique<CompiledSpec>("matrices.grad", spec, GetParam());
    ASSERT_TRUE(built->compiled) << built->error;
    module = *built->module;
    compiled = built->compiled.get();
    compiled->context = nullptr;
    lapack.linear_algebra = gradus_lapack();
  }
  double tolerance() const { return StringRef(GetParam()) == "f32" ? 2e-3 : 1e-9; }

  static Arrays<double> argumentsOf(FuncOp func, int64_t n, int64_t m, Point point) {
    Arrays<double> args;
    unsigned seed = 5;
    for (Type type : func.getArgumentTypes()) {
      Shape shape;
      for (Attribute dim : cast<ArrayType>(type).getShape())
        shape.push_back(sizeOf(dim, n, m));
      if (cast<ArrayType>(type).isInt())
        args.push_back(Array<double>::scalarInt(3));
      else
        args.push_back(makeArray(shape, seed++, point));
    }
    return args;
  }
  static int64_t sizeOf(Attribute dim, int64_t n, int64_t m) {
    StringRef name = cast<StringAttr>(dim).getValue();
    return name == "n" ? n : name == "m" ? m : 3;
  }

  void expectSame(const Array<double> &a, const Array<double> &b) {
    EXPECT_EQ(a.shape, b.shape);
    EXPECT_EQ(a.ints, b.ints);
    ASSERT_EQ(a.reals.size(), b.reals.size());
    for (size_t i = 0; i < a.reals.size(); ++i) {
      double x = a.reals[i], y = b.reals[i];
      bool isSame = x == y || (std::isnan(x) && std::isnan(y)) || std::fabs(x - y) <= tolerance() * std::fmax(1, std::fabs(y));
      ASSERT_TRUE(isSame) << "element " << i << " is " << x << ", expected " << y;
    }
  }

  ModuleOp module;
  Compiled *compiled = nullptr;
  gradus_context lapack{};
  std::string error;
};

Array<double> identity(int64_t n) {
  auto one = Array<double>::zeros(Kind::Real, {n, n});
  for (int64_t i = 0; i < n; ++i)
    one.reals[i * n + i] = 1;
  return one;
}

std::string describe(FuncOp func, int64_t n, int64_t m, Point point) {
  return func.getSymName().str() + " at " + std::to_string(n) + ", " + std::to_string(m) + ", point " + std::to_string(static_cast<int>(point));
}

constexpr std::pair<int64_t, int64_t> sizes[] = {{0, 2}, {2, 0}, {1, 1}, {1, 3}, {2, 5}, {3, 3}, {7, 4}, {7, 12}, {33, 20}};

} // namespace

TEST_P(LinearAlgebra, AgreesWithTheEvaluator) {
  for (FuncOp func : module.getOps<FuncOp>())
    for (auto [n, m] : sizes)
      for (Point point : points) {
        if (func.getSymName() == "unique" && (point == Point::Singular || point == Point::Zero))
          continue;
        SCOPED_TRACE(describe(func, n, m, point));
        Arrays<double> args = argumentsOf(func, n, m, point);
        auto expected = evaluate<double>(func, args, error);
        ASSERT_TRUE(succeeded(expected)) << error;
        for (const gradus_context *with : {static_cast<const gradus_context *>(nullptr), static_cast<const gradus_context *>(&lapack)}) {
          SCOPED_TRACE(with ? "with LAPACK" : "with the runtime's own functions");
          compiled->context = with;
          auto got = compiled->call(func.getSymName(), args, error);
          ASSERT_TRUE(succeeded(got)) << error;
          for (auto [index, both] : llvm::enumerate(llvm::zip_equal(got->front(), *expected))) {
            SCOPED_TRACE("result " + std::to_string(index));
            expectSame(std::get<0>(both), std::get<1>(both));
          }
          if (HasFatalFailure())
            return;
        }
      }
}

TEST_P(LinearAlgebra, KeepsItsLaws) {
  // Of each function, which results are the first argument, and which the identity.
  struct Law {
    const char *name;
    std::vector<unsigned> same, unit;
  };
  const Law laws[] = {{"factor", {2}, {}}, {"orthogonal", {0}, {1}}, {"spectrum", {2}, {3}}, {"singular", {2}, {3, 4}}, {"systems", {}, {5}}};
  for (const Law &law : laws)
    for (auto [n, m] : sizes) {
      auto func = module.lookupSymbol<FuncOp>(law.name);
      SCOPED_TRACE(describe(func, n, m, Point::Symmetric));
      Arrays<double> args = argumentsOf(func, n, m, Point::Symmetric);
      auto got = compiled->call(law.name, args, error);
      ASSERT_TRUE(succeeded(got)) << error;
      for (unsigned index : law.same)
        expectSame(got->front()[index], args[0]);
      for (unsigned index : law.unit)
        expectSame(got->front()[index], identity(got->front()[index].shape[0]));
    }
}

TEST_P(LinearAlgebra, SaysWhereThereIsNoFactor) {
  auto one = [&](const char *name, Point point, unsigned result) {
    auto func = module.lookupSymbol<FuncOp>(name);
    auto got = compiled->call(name, argumentsOf(func, 7, 4, point), error);
    return succeeded(got) ? got->front()[result] : Array<double>();
  };
  EXPECT_EQ(one("factor", Point::Symmetric, 1).ints, std::vector<int64_t>{1});
  EXPECT_EQ(one("factor", Point::Zero, 1).ints, std::vector<int64_t>{0});
  EXPECT_TRUE(llvm::all_of(one("factor", Point::Zero, 0).reals, [](double x) { return std::isnan(x); }));
  EXPECT_EQ(one("systems", Point::Singular, 1).ints, std::vector<int64_t>{0});
  EXPECT_TRUE(llvm::all_of(one("systems", Point::Singular, 0).reals, [](double x) { return std::isnan(x); }));
  EXPECT_EQ(one("determinants", Point::Singular, 0).reals, std::vector<double>{-std::numeric_limits<double>::infinity()});
  EXPECT_EQ(one("determinants", Point::Singular, 2).reals, std::vector<double>{0});
  EXPECT_EQ(one("spectrum", Point::NotFinite, 1).ints, std::vector<int64_t>{0});
  EXPECT_EQ(one("singular", Point::Singular, 1).ints, std::vector<int64_t>{1});
  EXPECT_EQ(one("singular", Point::NotFinite, 1).ints, std::vector<int64_t>{0});
}

TEST_P(LinearAlgebra, IsTheSameInPieces) {
  gradus_context pieces{};
  pieces.parallel_for = [](void *, int64_t count, gradus_body body, void *closure) {
    for (int64_t end = count; end > 0; --end)
      body(closure, end - 1, end);
  };
  for (FuncOp func : module.getOps<FuncOp>()) {
    SCOPED_TRACE(func.getSymName().str());
    Arrays<double> args = argumentsOf(func, 33, 40, Point::Symmetric);
    std::vector<Buffer> whole = compiled->makeBuffers(func.getSymName(), args), cut = compiled->makeBuffers(func.getSymName(), args);
    gradus_report first{}, second{};
    ASSERT_EQ(compiled->run(func.getSymName(), args, whole, first), 0);
    ASSERT_EQ(compiled->run(func.getSymName(), args, cut, second, &pieces), 0);
    for (auto [a, b] : llvm::zip_equal(whole, cut))
      EXPECT_EQ(a.bytes(), b.bytes());
  }
}

INSTANTIATE_TEST_SUITE_P(Types, LinearAlgebra, testing::Values("f32", "f64"), [](const auto &info) { return std::string(info.param); });
