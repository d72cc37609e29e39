//===- StabilityTest.cpp - Each stable form where the naive one fails ------------===//
//
// The reference evaluator computes what the spec says, literally; there the value or the derivative fails. After the phases it must
// be right, and without the one pattern wrong again. Expected values are to 16 digits.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/Phases.h"
#include "passes/simplify/Patterns.h"
#include "test/passes/simplify/Forms.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace gradus;
using namespace gradus::reference;
using namespace gradus::test;

namespace {

class Stability : public testing::TestWithParam<Form> {};

bool isNear(double got, double expected) { return std::fabs(got - expected) <= 1e-12 * std::fabs(expected); }

bool isRight(const Arrays<double> &results, const Form &form) {
  return isNear(results[0].reals[0], form.value) && isNear(results[1].reals[0], form.derivative);
}

/// Value and derivatives after the phases up to simplify, without one pattern if it has a name.
Arrays<double> runPhases(const Form &form, llvm::StringRef left) {
  Program program(writeGradient(form.body));
  mlir::PassManager passes(&program.context);
  if (left.empty()) {
    buildPhasesUpTo(passes, Phase::Simplify);
  } else {
    mlir::RewritePatternSet set(&program.context);
    populateStability(set);
    llvm::SmallVector<std::string> disabled;
    for (const auto &pattern : set.getNativePatterns())
      if (pattern->getDebugName().rsplit(':').second == left)
        disabled.push_back(pattern->getDebugName().str());
    EXPECT_FALSE(disabled.empty());
    mlir::FrozenRewritePatternSet patterns(std::move(set), disabled);
    EXPECT_TRUE(succeeded(mlir::applyPatternsGreedily(program.func(), patterns)));
    passes.addNestedPass<FuncOp>(createDifferentiate());
  }
  EXPECT_TRUE(succeeded(passes.run(*program.module)));
  return program.run({vec({form.x}), vec({form.y})});
}

TEST_P(Stability, IsGainedWhereTheNaiveFormFails) {
  const Form &form = GetParam();
  EXPECT_FALSE(isRight(Program(writeGradient(form.body)).run({vec({form.x}), vec({form.y})}), form)) << "the naive form is right here: the row shows nothing";
  Arrays<double> stable = runPhases(form, "");
  EXPECT_TRUE(isRight(stable, form)) << "value " << stable[0].reals[0] << ", derivative " << stable[1].reals[0];
  EXPECT_FALSE(isRight(runPhases(form, form.pattern), form)) << "another pattern does the same";
}

/// At ordinary points each form is the naive one.
TEST_P(Stability, IsTheSameFunction) {
  const Form &form = GetParam();
  for (double x : {-0.3, -0.9, -2.5, 0.4, 3.0})
    for (double y : {-0.3, 0.75}) {
      Arrays<double> naive = Program(writeGradient(form.body)).run({vec({x}), vec({y})});
      Program program(writeGradient(form.body));
      mlir::PassManager passes(&program.context);
      buildPhasesUpTo(passes, Phase::Simplify);
      ASSERT_TRUE(succeeded(passes.run(*program.module)));
      Arrays<double> stable = program.run({vec({x}), vec({y})});
      for (unsigned k = 0; k < 3; ++k) {
        double a = naive[k].reals[0], b = stable[k].reals[0];
        if (std::isfinite(a) && llvm::StringRef(form.pattern) != "Variance") // which is right at no point
          EXPECT_NEAR(a, b, 1e-12 * std::fmax(1, std::fabs(a))) << "result " << k << " at " << x << ", " << y;
      }
    }
}

INSTANTIATE_TEST_SUITE_P(All, Stability, testing::ValuesIn(stableForms), [](const auto &info) { return std::string(info.param.pattern); });

TEST(StabilityTable, HasARowForEachPattern) {
  mlir::MLIRContext context;
  context.loadDialect<GradusDialect>();
  mlir::RewritePatternSet set(&context);
  populateStability(set);
  std::set<std::string> rows;
  for (const Form &form : stableForms)
    rows.insert(form.pattern);
  EXPECT_EQ(rows, namesOf(set));
}

/// log(e^a + e^b) at infinities and where both are equal.
TEST(LogAddExp, KeepsInfinitiesAndSharesATie) {
  auto run = [](double x, double y) {
    Program program(writeGradient("%e = gradus.exp %x : $D\n%f = gradus.exp %y : $D\n%a = gradus.add %e, %f : $D\n%r = gradus.log %a : $D"));
    mlir::PassManager passes(&program.context);
    buildPhasesUpTo(passes, Phase::Simplify);
    EXPECT_TRUE(succeeded(passes.run(*program.module)));
    return program.run({vec({x}), vec({y})});
  };
  EXPECT_EQ(run(-inf, -inf)[0].reals[0], -inf);
  EXPECT_EQ(run(-inf, 2)[0].reals[0], 2);
  EXPECT_EQ(run(inf, 2)[0].reals[0], inf);
  EXPECT_EQ(run(inf, inf)[0].reals[0], inf);
  EXPECT_TRUE(std::isnan(run(qnan, 1)[0].reals[0]));
  EXPECT_DOUBLE_EQ(run(800, 800)[1].reals[0], 0.5);
  EXPECT_DOUBLE_EQ(run(800, 800)[2].reals[0], 0.5);
}

/// The derivative of order `order` of %r in %x, at `point`, as %d<order>.
std::string writeOrder(int order, const std::string &point, const std::string &body) {
  if (order == 0)
    return "%x = gradus.reshape " + point + " : $D to $D\n" + writeConstants() + body + "\n%d0 = gradus.reshape %r : $D to $D\n";
  std::string k = std::to_string(order), inner = std::to_string(order - 1);
  return "%v" + k + ", %d" + k + " = gradus.grad (" + point + ") : ($D) -> ($S, $D) {\n^bb0(%p" + k + ": $D):\n" + writeOrder(order - 1, "%p" + k, body) + "%s" + k +
         " = gradus.reduce sum %d" + inner + " axes [0] : $D to $S\ngradus.yield %s" + k + " : $S\n}\n";
}

double runOrder(int order, double x, const std::string &body) {
  std::string text = writeOrder(order, "%a0", body) + "gradus.return %d" + std::to_string(order) + " : $D";
  Program program(function({"[1], f64"}, {"[1], f64"}, withTypes(text)));
  mlir::PassManager passes(&program.context);
  buildPhasesUpTo(passes, Phase::Simplify);
  EXPECT_TRUE(succeeded(passes.run(*program.module)));
  return program.run({vec({x})})[0].reals[0];
}

/// Of a sum that ends, each derivative loses a term.
TEST(Series, KeepTheDerivativesOfHigherOrder) {
  auto run = runOrder;
  const char *exponential = "%e = gradus.expm1 %x : $D\n%r = gradus.sub %e, %x : $D", *sine = "%s = gradus.sin %x : $D\n%r = gradus.sub %x, %s : $D";
  for (double x : {-0.24, 1e-3, 0.2})
    for (int order : {2, 3, 5})
      EXPECT_NEAR(run(order, x, exponential), std::exp(x), 1e-14) << order << " at " << x;
  for (double x : {-0.95, 1e-3, 0.7}) {
    EXPECT_NEAR(run(2, x, sine), std::sin(x), 1e-15 + 1e-14 * std::fabs(std::sin(x))) << x;
    EXPECT_NEAR(run(3, x, sine), std::cos(x), 1e-14) << x;
    EXPECT_NEAR(run(5, x, sine), -std::cos(x), 1e-14) << x;
  }
}

/// Far from 0 the series, which is not taken, overflows in its powers.
TEST(Series, LeaveTheDerivativesFarFromZero) {
  const char *exponential = "%e = gradus.expm1 %x : $D\n%r = gradus.sub %e, %x : $D", *sine = "%s = gradus.sin %x : $D\n%r = gradus.sub %x, %s : $D";
  const char *root = "%a = gradus.add %one, %x : $D\n%s = gradus.sqrt %a : $D\n%r = gradus.sub %s, %one : $D";
  for (double x : {30.0, -1e19, 1e100, 1e308})
    for (int order : {2, 3})
      EXPECT_NEAR(runOrder(order, x, sine), order == 2 ? std::sin(x) : std::cos(x), 1e-14) << order << " at " << x;
  EXPECT_EQ(runOrder(2, -1e100, exponential), 0);
  EXPECT_EQ(runOrder(2, 1e100, exponential), inf);
  EXPECT_EQ(runOrder(2, -1, root), -inf);
  EXPECT_NEAR(runOrder(2, 1e10, root), -0.25 * std::pow(1 + 1e10, -1.5), 1e-28);
}

/// At infinities and at the end of the domain, where a quotient has no value.
TEST(Roots, KeepInfinities) {
  auto run = [](double x, const std::string &body) {
    Program program(writeGradient(body));
    mlir::PassManager passes(&program.context);
    buildPhasesUpTo(passes, Phase::Simplify);
    EXPECT_TRUE(succeeded(passes.run(*program.module)));
    Arrays<double> results = program.run({vec({x}), vec({0.0})});
    return std::pair(results[0].reals[0], results[1].reals[0]);
  };
  const char *root = "%a = gradus.add %one, %x : $D\n%s = gradus.sqrt %a : $D\n%r = gradus.sub %s, %one : $D";
  const char *below = "%a = gradus.sub %one, %x : $D\n%s = gradus.sqrt %a : $D\n%r = gradus.sub %one, %s : $D";
  EXPECT_EQ(run(inf, root), std::pair(inf, 0.0));
  EXPECT_EQ(run(-1, root), std::pair(-1.0, inf));
  EXPECT_TRUE(std::isnan(run(-2, root).first));
  EXPECT_NEAR(run(1e300, root).first, 1e150, 1e136);
  EXPECT_EQ(run(-inf, below), std::pair(-inf, 0.0));
  EXPECT_EQ(run(1, below), std::pair(1.0, inf));
  const char *bowl = "%h = gradus.hypot %x, %one : $D\n%r = gradus.sub %h, %one : $D";
  EXPECT_EQ(run(-inf, bowl).first, inf);
  EXPECT_NEAR(run(-1e300, bowl).first, 1e300, 1e285);
  EXPECT_DOUBLE_EQ(run(-1e300, bowl).second, -1);
}

} // namespace
