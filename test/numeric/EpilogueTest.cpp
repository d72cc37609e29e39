//===- EpilogueTest.cpp - Kernels that run unit by unit of a product --------------===//
//
// What is made of a product while it is in the cache, at sizes that fill no unit, one and several: what the evaluator says, which knows no units; the same bits as
// the same kernels have where the product is an array; the same bits with any number of threads and of what a function for products of the context gives.
//
//===----------------------------------------------------------------------===//

#include "CompiledSpec.h"
#include "Operands.h"

#include "passes/fuse/Epilogue.h"

#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"
#include "llvm/ADT/StringSet.h"

#include <cmath>
#include <cstring>
#include <map>
#include <thread>

using namespace gradus;
using namespace gradus::reference;

static const char spec[] = R"(
/// A bias along the rows, a number for each of them, and a full operand, in the four layouts of the operands.
fn layer(X: [n, d], U: [d, h], b: [h], s: [n], R: [n, h]) {
  y[i, j] = tanh(sum[k](X[i, k] * U[k, j]) + b[j]) * s[i] - R[i, j]
  return y
}
fn turned(X: [n, d], U: [h, d], b: [h], s: [n], R: [n, h]) {
  y[i, j] = tanh(sum[k](X[i, k] * U[j, k]) + b[j]) * s[i] - R[i, j]
  return y
}
fn gram(X: [d, n], U: [d, h], b: [h], s: [n], R: [n, h]) {
  y[i, j] = tanh(sum[k](X[k, i] * U[k, j]) + b[j]) * s[i] - R[i, j]
  return y
}
fn both(X: [d, n], U: [h, d], b: [h], s: [n], R: [n, h]) {
  y[i, j] = tanh(sum[k](X[k, i] * U[j, k]) + b[j]) * s[i] - R[i, j]
  return y
}

/// A count along each axis, and two results.
fn counted(X: [n, d], U: [d, h]) {
  z = X @ U
  y[i, j] = where(i > j, z[i, j], 0.0)
  v = z^2
  return y, v
}

/// Results that the epilogue reads where they stand; what each unit says of its points; both in one kernel; of several matrices.
fn kept(X: [n, d], U: [d, h], b: [h]) {
  z = X @ U
  return z, tanh(z + b)
}
fn asked(X: [n, d], U: [d, h]) {
  z = X @ U
  return max(z), min(abs(z)), any(z > 1.5), all(isfinite(z)), sum(where(z > 0, 1, 0))
}
fn asked_in_place(X: [n, d], U: [d, h]) {
  z = X @ U
  return z, max(z), all(z < 2)
}
fn asked_while_stored(X: [n, d], U: [d, h]) {
  y = tanh(X @ U)
  return y, max(y), any(y < -0.5)
}
fn several(A: [q, n, d], B: [q, d, h]) {
  z[i, m, j] = sum[k](A[m, i, k] * B[m, k, j])
  return z, tanh(z), min(z), all(z < 2)
}
fn rows_of_two(A: [q, n, d], B: [d, h]) {
  z[m, i, j] = sum[k](A[m, i, k] * B[k, j])
  return z, tanh(z), min(z), all(z < 2)
}

/// Behind a nest of rows, which begins with the product, or behind its kernels one after the other: that depends on h.
fn behind(X: [n, d], U: [d, h], V: [d, h]) {
  z = X @ U
  return tanh(z + max(X @ V))
}

/// In a loop, of two products of which one is the operand of the other's kernel.
fn repeated(X: [n, n]) {
  loop 3 with Y = X {
    A = Y @ Y
    Y' = 0.5 * A + 0.25 * (A @ Y) - Y
  }
  return Y
}

/// The gradient of W is a product, too wide for a nest of rows, and next values of two arrays are made of it in their places.
loss squares(W: [d, 129], X: [n, d], Y: [n, 129]) = mean((X @ W - Y)^2)
rule momentum(lr = 0.1, mu = 0.9) {
  param w
  grad g
  state m = 0
  m' = mu * m + g
  w' = w - lr * m'
}
train fit = minimize squares over W with momentum()
loss crossed(W: [d, 129], X: [n, d], Y: [n, 129]) = mean[i, j]((sum[k](X[i, k] * W[k, j]) - Y[i, j])^2)
train fit_crossed = minimize crossed over W with momentum()
)";

namespace {

struct Sizes {
  int64_t n, d, h;
};

/// The machine code of the spec, and that of the same kernels without an epilogue.
struct Both {
  explicit Both(const char *dtype) : whole("epilogues.grad", spec, dtype) {
    if (!whole.compiled)
      return;
    planned = whole.module->clone();
    mlir::PassManager planning(&whole.context);
    buildPhasesUpTo(planning, Phase::Fuse, {});
    if (failed(planning.run(*planned)))
      return;
    planned->walk([&](KernelOp kernel) {
      if (kernel->removeAttr(epilogueAttribute))
        withEpilogue.insert(kernel->getParentOfType<FuncOp>().getSymName());
    });
    apart = Compiled::create(*planned, error);
  }

  CompiledSpec whole;
  mlir::OwningOpRef<mlir::ModuleOp> planned;
  std::unique_ptr<Compiled> apart;
  std::string error;
  llvm::StringSet<> withEpilogue; ///< the names of functions
};

class Epilogues : public ::testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    static std::map<std::string, std::unique_ptr<Both>> all; // compiled once for all tests
    std::unique_ptr<Both> &known = all[GetParam()];
    if (!known)
      known = std::make_unique<Both>(GetParam());
    built = known.get();
    ASSERT_TRUE(built->whole.compiled) << built->whole.error;
    ASSERT_TRUE(built->apart) << built->error;
  }
  void expectAll(const char *name, const Arrays<double> &arguments, bool isEvaluated = true);

  Both *built = nullptr;
};

} // namespace

static Array<double> numbers(llvm::ArrayRef<int64_t> shape, uint64_t seed) { return makeNumbers(shape, seed, 21); }

static std::thread::id caller;
static int64_t numAsked;

/// Products with two roundings, row by row; every third is left to us.
template <typename T>
static void multiply(int64_t rows, int64_t columns, int64_t inner, const T *a, int64_t aRow, int64_t aColumn, const T *b, int64_t bRow, int64_t bColumn, T *y,
                     int64_t yRow) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      T sum = 0;
      for (int64_t k = 0; k < inner; ++k)
        sum += a[i * aRow + k * aColumn] * b[k * bRow + j * bColumn];
      y[i * yRow + j] = sum;
    }
}
static int32_t productOfContext(int32_t dtype, int64_t rows, int64_t columns, int64_t inner, const void *a, int64_t aRow, int64_t aColumn, const void *b, int64_t bRow,
                                int64_t bColumn, void *y, int64_t yRow) {
  EXPECT_EQ(std::this_thread::get_id(), caller);
  EXPECT_GT(rows * columns * inner, 0);
  if (++numAsked % 3 == 0) {
    std::memset(y, 255, dtype == GRADUS_F32 ? 4 : 8);
    return 0;
  }
  if (dtype == GRADUS_F32)
    multiply(rows, columns, inner, static_cast<const float *>(a), aRow, aColumn, static_cast<const float *>(b), bRow, bColumn, static_cast<float *>(y), yRow);
  else
    multiply(rows, columns, inner, static_cast<const double *>(a), aRow, aColumn, static_cast<const double *>(b), bRow, bColumn, static_cast<double *>(y), yRow);
  return 1;
}

void Epilogues::expectAll(const char *name, const Arrays<double> &arguments, bool isEvaluated) {
  ASSERT_TRUE(built->withEpilogue.contains(name));
  std::string error;
  auto call = [&](Compiled &code, gradus_context *context) {
    code.context = context;
    auto results = code.call(name, {arguments}, error);
    code.context = nullptr;
    EXPECT_TRUE(succeeded(results)) << error;
    return succeeded(results) ? results->front() : Arrays<double>();
  };
  FuncOp func = built->whole.module->lookupSymbol<FuncOp>(name);
  mlir::FailureOr<Arrays<double>> expected = isEvaluated ? evaluate<double>(func, arguments, error) : call(*built->apart, nullptr);
  ASSERT_TRUE(succeeded(expected)) << error;
  double tolerance = llvm::StringRef(GetParam()) == "f32" ? 1e-4 : 1e-12;
  auto expectNear = [&](const Arrays<double> &got) {
    ASSERT_EQ(got.size(), expected->size());
    for (size_t result = 0; result < got.size(); ++result) {
      ASSERT_EQ(got[result].shape, (*expected)[result].shape);
      EXPECT_EQ(got[result].ints, (*expected)[result].ints) << "result " << result;
      for (size_t i = 0; i < got[result].reals.size(); ++i) {
        double wanted = (*expected)[result].reals[i];
        ASSERT_NEAR(got[result].reals[i], wanted, tolerance * (1 + std::fabs(wanted))) << "result " << result << ", element " << i;
      }
    }
  };
  auto expectSame = [&](const Arrays<double> &got, const Arrays<double> &wanted, const std::string &what) {
    ASSERT_EQ(got.size(), wanted.size());
    for (size_t result = 0; result < got.size(); ++result) {
      EXPECT_EQ(got[result].ints, wanted[result].ints) << what;
      EXPECT_EQ(std::memcmp(got[result].reals.data(), wanted[result].reals.data(), 8 * wanted[result].reals.size()), 0) << what;
    }
  };
  Arrays<double> alone = call(*built->whole.compiled, nullptr);
  expectNear(alone);
  expectSame(call(*built->apart, nullptr), alone, "the product is an array");
  for (int64_t threads : {1, 2, 3, 7}) {
    gradus_context context{};
    context.user = &threads;
    context.parallel_for = runParallel;
    expectSame(call(*built->whole.compiled, &context), alone, std::to_string(threads) + " threads");
    gradus_linear_algebra functions{};
    functions.product = productOfContext;
    context.linear_algebra = &functions;
    caller = std::this_thread::get_id();
    expectNear(call(*built->whole.compiled, &context));
  }
}

// A unit has 144 rows, or 288 where rows of the first operand lie together, and 128 columns or 64; half of them in f64.
static const Sizes allSizes[] = {{1, 1, 1}, {3, 5, 7}, {6, 128, 16}, {15, 17, 33}, {144, 129, 128}, {145, 3, 129}, {289, 130, 65}, {300, 2, 257}, {5, 300, 1}};

TEST_P(Epilogues, Layers) {
  for (auto [n, d, h] : allSizes) {
    SCOPED_TRACE(std::to_string(n) + " x " + std::to_string(d) + " x " + std::to_string(h));
    Array<double> b = numbers({h}, 3), s = numbers({n}, 4), r = numbers({n, h}, 5);
    expectAll("layer", {numbers({n, d}, 1), numbers({d, h}, 2), b, s, r});
    expectAll("turned", {numbers({n, d}, 1), numbers({h, d}, 2), b, s, r});
    expectAll("gram", {numbers({d, n}, 1), numbers({d, h}, 2), b, s, r});
    expectAll("both", {numbers({d, n}, 1), numbers({h, d}, 2), b, s, r});
  }
}

TEST_P(Epilogues, NothingToSum) { expectAll("layer", {numbers({7, 0}, 1), numbers({0, 5}, 2), numbers({5}, 3), numbers({7}, 4), numbers({7, 5}, 5)}); }

TEST_P(Epilogues, NoElements) {
  expectAll("layer", {numbers({0, 4}, 1), numbers({4, 5}, 2), numbers({5}, 3), numbers({0}, 4), numbers({0, 5}, 5)});
  expectAll("layer", {numbers({7, 4}, 1), numbers({4, 0}, 2), numbers({0}, 3), numbers({7}, 4), numbers({7, 0}, 5)});
}

TEST_P(Epilogues, CountsAndSeveralResults) {
  for (auto [n, d, h] : allSizes)
    expectAll("counted", {numbers({n, d}, 1), numbers({d, h}, 2)});
}

TEST_P(Epilogues, InPlace) {
  for (auto [n, d, h] : allSizes) {
    expectAll("kept", {numbers({n, d}, 1), numbers({d, h}, 2), numbers({h}, 3)});
    expectAll("several", {numbers({3, n, d}, 1), numbers({3, d, h}, 2)});
    expectAll("rows_of_two", {numbers({3, n, d}, 1), numbers({d, h}, 2)});
  }
}

TEST_P(Epilogues, WhatUnitsSay) {
  for (auto [n, d, h] : allSizes)
    for (const char *name : {"asked", "asked_in_place", "asked_while_stored"})
      expectAll(name, {numbers({n, d}, 1), numbers({d, h}, 2)});
  for (const char *name : {"asked", "asked_in_place", "asked_while_stored"})
    expectAll(name, {numbers({7, 0}, 1), numbers({0, 5}, 2)});
}

TEST_P(Epilogues, BehindANest) {
  for (auto [n, d, h] : allSizes)
    expectAll("behind", {numbers({n, d}, 1), numbers({d, h}, 2), numbers({d, h}, 3)});
}

TEST_P(Epilogues, InALoop) {
  for (int64_t n : {1, 17, 150})
    expectAll("repeated", {numbers({n, n}, 1)});
}

TEST_P(Epilogues, NextValues) {
  for (const char *name : {"fit.step", "fit_crossed.step"}) {
    SCOPED_TRACE(name);
    FuncOp func = built->whole.module->lookupSymbol<FuncOp>(name);
    ASSERT_TRUE(func);
    for (auto [d, n, h] : allSizes) {
      llvm::StringMap<int64_t> sizes{{"n", n}, {"d", d}};
      Arrays<double> arguments;
      for (auto [number, type] : llvm::enumerate(func.getArgumentTypes())) {
        llvm::SmallVector<int64_t> shape;
        for (mlir::Attribute dim : cast<ArrayType>(type).getShape())
          shape.push_back(isa<mlir::StringAttr>(dim) ? sizes.lookup(cast<mlir::StringAttr>(dim)) : cast<mlir::IntegerAttr>(dim).getInt());
        arguments.push_back(cast<ArrayType>(type).isFloat() ? numbers(shape, number + 1) : Array<double>::integer(shape, {1}));
      }
      expectAll(name, arguments, /*isEvaluated=*/n * d < 20); // the evaluator differentiates once for each parameter
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Epilogues, ::testing::Values("f32", "f64"), [](const auto &info) { return std::string(info.param); });
