//===- OrderTest.cpp - Sorts, cumulations and recurrences on both engines --------===//
//
// Spec functions at rows that are empty, of one element, full of ties, with NaN, infinities and both zeros, and of 10^5 elements: compiled
// and interpreted at the same stored numbers, and compiled once more in pieces of uneven size, from the last to the first.
//
//===----------------------------------------------------------------------===//

#include "CompiledSpec.h"

#include "gtest/gtest.h"

#include <random>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

static constexpr char spec[] = R"(
fn sorted(x: [n]) { v, o = sort(x); return v, o }
fn descending(x: [n]) { v, o = sort[descending](x); return v, o }
fn columns(x: [n, m]) { v, o = sort[axis = 0](x); return v, o }
fn rows(x: [n, m]) { v, o = sort[axis = 1, descending](x); return v, o }
fn orders(x: [n, m]) { o[i, k] = argsort[k](x[i, k]); return o, rank(x), rank[descending, axis = 0](x) }
fn quantiles(x: [n, m]) { q[i] = quantile[k](x[i, k], 0.25); return q, quantile[axis = 0](x, 0.3), median[axis = 1](x) }
fn total(x: [n, m]) = median(x)
fn extremes(x: [n, m]) = cummax[axis = 0](x) - cummin[axis = 1, reverse](x)
fn sums(x: [n, m]) { y[i, k] = cumsum[k](x[i, k]); return y, cumsum[axis = 0, reverse](x) }
fn forward(x: [n, m], c: [m]) { A[k, i] = x[k, i] + c[i] / 4 * A[k - 1, i], A[-1, i] = c[i]; return A }
fn backward(x: [n, m], c: [n]) { A[i, k] = max(x[i, k], 0.5 * A[i, k + 1] - c[i]), A[i, m] = 1; return A }
fn level(x: [n, m], q: []) = quantile(x, q)
fn gated(x: [n, m]) { A[k, i] = where(x[k, i] > 0, A[k - 1, i], x[k, i]), A[-1, i] = 0; return A }
fn halves(x: [n]) { A[k] = A[k + 1] / 2, A[n] = 1; B[k] = if x[k] > 0 then 0 else B[k - 1] + 1, B[-1] = 0; return A * x, B }
fn numbers(x: [n]) { A[k] = x[k] + 0.5 * A[k - 1], A[-1] = 0; c[k] = c[k + 1] + (x[k] > 0), c[n] = 0; return A, c }
)";

/// Few different numbers, so that many are equal, and all that is special.
static Array<double> makeArray(Shape shape, unsigned seed, bool isSpecial) {
  auto x = Array<double>::zeros(Kind::Real, shape);
  std::mt19937_64 bits(seed);
  double inf = std::numeric_limits<double>::infinity();
  const double special[] = {0.0, -0.0, inf, -inf, std::nan(""), 1};
  for (double &v : x.reals)
    v = isSpecial && bits() % 4 == 0 ? special[bits() % std::size(special)] : static_cast<double>(static_cast<int64_t>(bits() % 41) - 20) / 8;
  return x;
}

namespace {

class Order : public testing::TestWithParam<const char *>, protected CompiledSpec {
protected:
  Order() : CompiledSpec("order.grad", spec, GetParam()) {}
  void SetUp() override { ASSERT_TRUE(compiled) << error; }

  /// Compares the two engines at one point.
  void compare(FuncOp func, const Arrays<double> &args) {
    auto expected = evaluate<double>(func, args, error);
    ASSERT_TRUE(succeeded(expected)) << error;
    auto got = compiled->call(func.getSymName(), args, error);
    ASSERT_TRUE(succeeded(got)) << error;
    double tolerance = StringRef(GetParam()) == "f32" ? 1e-4 : 1e-11;
    for (auto [a, b] : llvm::zip_equal(got->front(), *expected)) {
      EXPECT_EQ(a.shape, b.shape);
      EXPECT_EQ(a.ints, b.ints);
      ASSERT_EQ(a.reals.size(), b.reals.size());
      for (size_t i = 0; i < a.reals.size(); ++i) {
        double x = a.reals[i], y = b.reals[i];
        bool isSame = x == y || (std::isnan(x) && std::isnan(y)) || std::fabs(x - y) <= tolerance * std::fmax(1, std::fabs(y));
        ASSERT_TRUE(isSame) << "element " << i << " is " << x << ", by the evaluator " << y;
      }
    }
  }

  /// The arguments of a function for rows and columns.
  static Arrays<double> argumentsOf(FuncOp func, int64_t n, int64_t m, unsigned seed, bool isSpecial) {
    Arrays<double> args;
    for (Type type : func.getArgumentTypes()) {
      Shape shape;
      for (Attribute dim : cast<ArrayType>(type).getShape())
        shape.push_back(cast<StringAttr>(dim).getValue() == "n" ? n : m);
      args.push_back(makeArray(shape, seed++, isSpecial));
    }
    return args;
  }
};

} // namespace

TEST_P(Order, AgreesWithTheEvaluator) {
  for (FuncOp func : module->getOps<FuncOp>())
    for (auto [n, m] : {std::pair<int64_t, int64_t>{0, 3}, {3, 0}, {1, 1}, {2, 5}, {7, 16}, {33, 17}, {100, 45}})
      for (bool isSpecial : {false, true}) {
        SCOPED_TRACE(func.getSymName().str() + " at " + std::to_string(n) + ", " + std::to_string(m) + (isSpecial ? " with special numbers" : ""));
        compare(func, argumentsOf(func, n, m, 7, isSpecial));
        if (testing::Test::HasFatalFailure())
          return;
      }
}

TEST_P(Order, SortsManyElements) {
  for (const char *name : {"sorted", "descending", "numbers"}) {
    auto func = module->lookupSymbol<FuncOp>(name);
    compare(func, argumentsOf(func, 100000, 0, 3, StringRef(name) != "numbers"));
  }
  auto total = module->lookupSymbol<FuncOp>("total"), columns = module->lookupSymbol<FuncOp>("columns");
  compare(total, argumentsOf(total, 1000, 100, 3, false));
  compare(columns, argumentsOf(columns, 1000, 100, 3, true));
}

TEST_P(Order, IsTheSameInPieces) {
  gradus_context pieces{};
  pieces.parallel_for = [](void *, int64_t count, gradus_body body, void *closure) {
    for (int64_t end = count, piece = 1; end > 0; piece = piece % 3 + 1) {
      int64_t begin = std::max<int64_t>(0, end - piece);
      body(closure, begin, end);
      end = begin;
    }
  };
  for (FuncOp func : module->getOps<FuncOp>()) {
    SCOPED_TRACE(func.getSymName().str());
    Arrays<double> args = argumentsOf(func, 300, 200, 11, false);
    std::vector<Buffer> whole = compiled->makeBuffers(func.getSymName(), args), cut = compiled->makeBuffers(func.getSymName(), args);
    gradus_report first{}, second{};
    ASSERT_EQ(compiled->run(func.getSymName(), args, whole, first), 0);
    ASSERT_EQ(compiled->run(func.getSymName(), args, cut, second, &pieces), 0);
    EXPECT_TRUE(first.value == second.value || std::isnan(first.value));
    for (auto [a, b] : llvm::zip_equal(whole, cut))
      EXPECT_EQ(a.bytes(), b.bytes());
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Order, testing::Values("f32", "f64"), [](const auto &info) { return std::string(info.param); });
