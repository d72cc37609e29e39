//===- RowNestTest.cpp - Kernels that go through their rows together --------------===//
//
// Losses of rows and their derivatives, at numbers of rows that fill no block, one and several: what the evaluator says, which knows no blocks, and the
// same bits with any number of threads.
//
//===----------------------------------------------------------------------===//

#include "CompiledSpec.h"
#include "Operands.h"

#include "passes/fuse/RowNest.h"

#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

#include <cmath>
#include <cstring>

using namespace gradus;
using namespace gradus::reference;

static const char spec[] = R"(
/// Value, gradient and product with the Hessian of a generalised linear model.
fn logistic(X: [n, d], w: [d], u: [d], y: [n]) {
  f(v) = mean(softplus(-y * (X @ v)))
  return f(w), grad f(w), hess f(w) @ u
}

/// Products of matrices, which are in the nest where c is small.
fn classes(X: [n, d], W: [d, c], b: [c], label: [n] int) {
  z[i, k] = sum[j](X[i, j] * W[j, k]) + b[k]
  e = mean[i](logsumexp[k](z[i, k]) - z[i, label[i]])
  return e, grad[W](e), grad[b](e)
}

/// A sum over each row of what has but the rows, times what another kernel of the nest has stored.
fn scaled(X: [n, d], w: [d], a: [n]) {
  e = mean[i](softplus(sum[j](X[i, j] * w[j])) * sum[j](a[i] * exp(X[i, j])))
  return e, grad[w](e)
}

/// Logits, their derivative, and the largest of each row.
fn entropy(z: [n, c], label: [n] int) {
  f(x) = mean[i](logsumexp[k](x[i, k]) - x[i, label[i]])
  first[i] = argmax[k](z[i, k])
  return f(z), grad f(z), first
}

/// The largest and the smallest of each row, and what is shifted by the largest.
fn extremes(z: [n, c]) {
  most[i] = max[k](z[i, k])
  least[i] = min[k](z[i, k])
  all[i] = logsumexp[k](z[i, k])
  return most, least, all
}

fn top(z: [n, c]) {
  most[i] = max[k](z[i, k])
  return most
}

/// Three axes: maxima over the middle one, what is left, and sums over the rows that keep the others.
fn boxes(t: [n, p, q], s: [n]) {
  top[i, k] = max[j](t[i, j, k])
  rest[i, j, k] = (t[i, j, k] - top[i, k]) * s[i]
  planes[j, k] = sum[i](rest[i, j, k])
  lines[k] = sum[i, j](rest[i, j, k])
  return planes, lines, max(rest), rest
}
)";

namespace {

struct Sizes {
  int64_t n, d, c;
};

class RowNests : public ::testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    static std::map<std::string, std::unique_ptr<CompiledSpec>> all; // compiled once for all tests
    std::unique_ptr<CompiledSpec> &known = all[GetParam()];
    if (!known)
      known = std::make_unique<CompiledSpec>("rows.grad", spec, GetParam());
    built = known.get();
    ASSERT_TRUE(built->compiled) << built->error;
  }

  void expectAll(const char *name, const Arrays<double> &arguments);

  CompiledSpec *built = nullptr;
};

} // namespace

static Array<double> numbers(llvm::ArrayRef<int64_t> shape, uint64_t seed) { return makeNumbers(shape, seed, 18); }

static Array<double> labels(int64_t n, int64_t c) {
  std::vector<int64_t> elements;
  for (int64_t i = 0; i < n; ++i)
    elements.push_back(i * 7 % c);
  return Array<double>::integer({n}, elements);
}

void RowNests::expectAll(const char *name, const Arrays<double> &arguments) {
  std::string error;
  FuncOp func = built->module->lookupSymbol<FuncOp>(name);
  ASSERT_TRUE(func);
  auto expected = evaluate<double>(func, arguments, error);
  ASSERT_TRUE(succeeded(expected)) << error;
  built->compiled->context = nullptr;
  auto alone = built->compiled->call(name, {arguments}, error);
  ASSERT_TRUE(succeeded(alone)) << error;
  double tolerance = llvm::StringRef(GetParam()) == "f32" ? 1e-4 : 1e-11;
  for (auto [result, got] : llvm::enumerate(alone->front())) {
    const Array<double> &wanted = (*expected)[result];
    ASSERT_EQ(got.shape, wanted.shape);
    EXPECT_EQ(got.ints, wanted.ints);
    double size = 0.01;
    for (double number : wanted.reals)
      size = std::fmax(size, std::fabs(number));
    for (size_t i = 0; i < wanted.reals.size(); ++i)
      if (!std::isnan(got.reals[i]) || !std::isnan(wanted.reals[i])) // a mean of nothing
        ASSERT_NEAR(got.reals[i], wanted.reals[i], tolerance * size) << "result " << result << ", element " << i;
  }
  for (int64_t threads : {1, 2, 3, 7}) {
    gradus_context context{};
    context.user = &threads;
    context.parallel_for = runParallel;
    built->compiled->context = &context;
    auto again = built->compiled->call(name, {arguments}, error);
    ASSERT_TRUE(succeeded(again)) << error;
    for (auto [got, wanted] : llvm::zip_equal(again->front(), alone->front())) {
      EXPECT_EQ(std::memcmp(got.reals.data(), wanted.reals.data(), 8 * wanted.reals.size()), 0) << threads << " threads";
      EXPECT_EQ(got.ints, wanted.ints) << threads << " threads";
    }
  }
  built->compiled->context = nullptr;
}

TEST_P(RowNests, GeneralisedLinearModel) {
  for (auto [n, d] : std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {1, 256}, {15, 17}, {17, 256}, {1023, 1}, {1023, 17}, {170, 256}, {5000, 2}}) {
    SCOPED_TRACE(std::to_string(n) + " x " + std::to_string(d));
    Array<double> y = numbers({n}, 4);
    for (double &label : y.reals)
      label = label < 0 ? -1 : 1;
    expectAll("logistic", {numbers({n, d}, 1), numbers({d}, 2), numbers({d}, 3), y});
  }
}

TEST_P(RowNests, NoRows) { expectAll("logistic", {numbers({0, 5}, 1), numbers({5}, 2), numbers({5}, 3), numbers({0}, 4)}); }

TEST_P(RowNests, RowsAlongTheLanes) {
  for (int64_t n : {1, 15, 17, 1023, 40000}) // at last several blocks in a super-block
    expectAll("scaled", {numbers({n, 8}, 1), numbers({8}, 2), numbers({n}, 3)});
}

TEST_P(RowNests, FewClassesAndMany) {
  for (Sizes sizes : {Sizes{1, 1, 1}, Sizes{15, 17, 3}, Sizes{17, 256, 5}, Sizes{1023, 17, 32}, Sizes{1023, 17, 33}, Sizes{301, 33, 40}}) {
    SCOPED_TRACE(std::to_string(sizes.n) + " x " + std::to_string(sizes.d) + " x " + std::to_string(sizes.c));
    expectAll("classes", {numbers({sizes.n, sizes.d}, 1), numbers({sizes.d, sizes.c}, 2), numbers({sizes.c}, 3), labels(sizes.n, sizes.c)});
  }
}

TEST_P(RowNests, CrossEntropy) {
  // At last a row that is larger than a block of rows.
  for (auto [n, c] : std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {15, 64}, {17, 17}, {401, 5}, {2, 6001}}) {
    SCOPED_TRACE(std::to_string(n) + " x " + std::to_string(c));
    expectAll("entropy", {numbers({n, c}, 1), labels(n, c)});
  }
}

/// max and min of IEEE 754: a NaN wins, and +0 is more than -0.
static double extreme(const std::vector<double> &numbers, bool isMax) {
  double best = numbers.front();
  for (double number : numbers) {
    if (std::isnan(number))
      return number;
    bool isMore = number == best ? std::signbit(number) != isMax && std::signbit(best) == isMax : isMax ? number > best : number < best;
    best = isMore ? number : best;
  }
  return best;
}

static bool isSame(double a, double b) { return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b)); }

TEST_P(RowNests, ExtremesOfSpecialRows) {
  double inf = std::numeric_limits<double>::infinity(), nan = std::nan(""), large = std::ldexp(1.0, 127);
  for (size_t c : {1, 63, 64, 200, 6001}) {
    std::vector<std::vector<double>> rows;
    auto add = [&](double most, std::initializer_list<std::pair<size_t, double>> others) {
      rows.emplace_back(c, most);
      for (auto [at, number] : others)
        rows.back()[at % c] = number;
    };
    add(-1, {{3, 2.5}});
    add(1, {{3, nan}});
    add(1, {{c - 1, nan}});
    add(-0.0, {{70, 0.0}, {71, -3}});
    add(0.0, {{70, -0.0}, {71, 3}});
    add(-0.0, {});
    add(-inf, {});
    add(large, {{66, inf}, {67, -large}});
    add(1, {{66, inf}, {67, -inf}, {68, nan}});
    Array<double> z = Array<double>::real({int64_t(rows.size()), int64_t(c)}, {});
    for (const std::vector<double> &row : rows)
      z.reals.insert(z.reals.end(), row.begin(), row.end());
    std::string error;
    auto both = built->compiled->call("extremes", {{z}}, error), top = built->compiled->call("top", {{z}}, error);
    ASSERT_TRUE(succeeded(both) && succeeded(top)) << error;
    for (auto [i, row] : llvm::enumerate(rows)) {
      SCOPED_TRACE("row " + std::to_string(i) + " of " + std::to_string(c));
      double most = extreme(row, true);
      EXPECT_PRED2(isSame, top->front()[0].reals[i], most);
      EXPECT_PRED2(isSame, both->front()[0].reals[i], most);
      EXPECT_PRED2(isSame, both->front()[1].reals[i], extreme(row, false));
      // ln of the sum of exponentials: where the largest is no finite number, it is that.
      double sum = both->front()[2].reals[i];
      bool isFine = std::isfinite(most) ? sum >= most && sum <= most + std::log(double(c)) + 1e-5 * std::fabs(most) + 1e-5 : isSame(sum, most);
      EXPECT_TRUE(isFine) << sum;
    }
  }
}

/// Whatever bits a NaN has that f32 has too: no share of its row is a number.
TEST_P(RowNests, SharesBesideNan) {
  for (uint64_t payload : {0x1fffffffULL << 22, 0x1ULL << 29, 0x1ffULL << 29, 0x155ULL << 29, 0x0ULL})
    for (uint64_t sign : {0ULL, 1ULL << 63}) {
      constexpr int64_t n = 6, c = 40;
      Array<double> z = numbers({n, c}, 1);
      double nan = llvm::bit_cast<double>(sign | 0x7ff8000000000000ULL | payload);
      for (int64_t i = 1; i < n; i += 2)
        z.reals[i * c + 7 * i] = nan;
      std::string error;
      auto got = built->compiled->call("entropy", {{z, labels(n, c)}}, error);
      ASSERT_TRUE(succeeded(got)) << error;
      EXPECT_TRUE(std::isnan(got->front()[0].reals[0]));
      for (int64_t at = 0; at < n * c; ++at)
        EXPECT_EQ(std::isnan(got->front()[1].reals[at]), at / c % 2 == 1) << at << ", payload " << payload;
    }
}

TEST_P(RowNests, MoreAxes) {
  for (int64_t n : {1, 15, 301})
    for (int64_t q : {1, 16, 19})
      expectAll("boxes", {numbers({n, 3, q}, 1), numbers({n}, 2)});
}

INSTANTIATE_TEST_SUITE_P(Types, RowNests, ::testing::Values("f32", "f64"), [](const auto &info) { return std::string(info.param); });

/// That the above tests what it says: all but a few kernels are in nests.
TEST(RowNestPlan, TheseFunctionsHaveNests) {
  CompiledSpec built("rows.grad", spec, "f32");
  ASSERT_TRUE(built.compiled) << built.error;
  mlir::PassManager planning(&built.context);
  buildPhasesUpTo(planning, Phase::Fuse, {});
  ASSERT_TRUE(succeeded(planning.run(*built.module)));
  for (FuncOp func : built.module->getOps<FuncOp>()) {
    int64_t nested = 0;
    func.walk([&](KernelOp kernel) { nested += kernel->hasAttr(nestAttribute); });
    bool isShort = func.getSymName() == "boxes" || func.getSymName() == "extremes";
    EXPECT_GE(nested, func.getSymName() == "top" ? 0 : isShort ? 2 : 4) << func.getSymName().str();
  }
}
