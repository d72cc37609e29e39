//===- DerivativesTest.cpp - Every row and rule, executed ------------------------===//
//
// The compiled gradient of each case of Cases.h, before and after simplification, is compared by the reference
// evaluator with central differences and with dual numbers at random points; so is the gradient of its gradient.
//
//===----------------------------------------------------------------------===//

#include "codegen/reference/GradientCheck.h"
#include "passes/Phases.h"
#include "passes/diff/BuildGradient.h"
#include "test/passes/diff/Cases.h"

#include "mlir/Pass/PassManager.h"

using namespace gradus;
using namespace gradus::reference;

namespace {

/// sum(sin(d loss / d x)) + sum(sin(d loss / d y)), with the derivatives inside.
std::string secondOrder(const Case &test, const std::string &element) {
  std::string m = "!gradus.array<[n, c], " + element + ">", s = "!gradus.array<[], f64>";
  std::string body = "%value, %gx, %gy = gradus.grad (%a0, %a1) : (" + m + ", " + m + ") -> (" + s + ", " + m + ", " + m + ") {\n^bb0(%px: " + m + ", %py: " + m + "):\n" +
                     lossBody(test, "%px", "%py", element) + "gradus.yield %loss : " + s + "\n}\n";
  for (std::string g : {"x", "y"})
    body += "%s" + g + " = gradus.sin %g" + g + " : " + m + "\n%t" + g + " = gradus.reduce sum %s" + g + " axes [0, 1] : " + m + " to " + s + "\n";
  return signature(test, element, body + "%total = gradus.add %tx, %ty : " + s + "\ngradus.return %total : " + s);
}

void runPhases(mlir::ModuleOp module, Phase last) {
  mlir::PassManager passes(module.getContext());
  buildPhase(passes, Phase::Differentiate);
  if (last == Phase::Simplify)
    buildPhase(passes, Phase::Simplify);
  ASSERT_TRUE(succeeded(passes.run(module)));
}

/// Checks the gradients of the one loss in `text`.
void expectRight(const std::string &text, Phase last, GradientCheckOptions options = {}) {
  Program compiled(text);
  mlir::OwningOpRef<FuncOp> original = compiled.func().clone(); // which no pass sees
  auto built = buildGradientFunction(*compiled.module, compiled.func());
  ASSERT_TRUE(succeeded(built));
  runPhases(*compiled.module, last);
  auto withGradients = compiled.module->lookupSymbol<FuncOp>("f.grad");
  if (text.find("gradus.stop") != std::string::npos)
    options.differenceTolerance = inf; // differences see through a stop; duals do not
  GradientCheckReport report = checkGradients(*original, withGradients, options);
  EXPECT_TRUE(report.passed) << report.error << " difference " << report.difference.error << " in " << report.difference.argument << ": got "
                             << report.difference.got << ", expected " << report.difference.expected << "; dual " << report.dual.error
                             << " in " << report.dual.argument << ": got " << report.dual.got << ", expected " << report.dual.expected;
  EXPECT_GT(report.elements, 0u);
}

class Derivatives : public testing::TestWithParam<Case> {};

TEST_P(Derivatives, AreThoseOfDifferencesAndDuals) { expectRight(firstOrder(GetParam(), "f64"), Phase::Differentiate); }
TEST_P(Derivatives, SurviveSimplification) { expectRight(firstOrder(GetParam(), "f64"), Phase::Simplify); }
TEST_P(Derivatives, HoldForNarrowArrays) { expectRight(firstOrder(GetParam(), "f32"), Phase::Simplify); }
TEST_P(Derivatives, HoldAtSecondOrder) {
  GradientCheckOptions options;
  options.points = 1;
  options.dualTolerance = 1e-10; // the sines of large derivatives lose digits
  // Iterations in dual numbers of duals, for each pair of elements.
  for (const char *name : {"eigh", "qr", "svd"})
    if (std::string(GetParam().name).starts_with(name))
      options.sizes = {{"n", 3}, {"c", 2}};
  expectRight(secondOrder(GetParam(), "f64"), Phase::Simplify, options);
}

INSTANTIATE_TEST_SUITE_P(All, Derivatives, testing::ValuesIn(cases), [](const auto &info) { return std::string(info.param.name); });

/// Has a first derivative alone: that of trigamma is not in the language.
const Case digamma{"digamma", "[n, c]", "$P%r = gradus.digamma %pos : $M"};

TEST(DerivativeTable, GivesTrigammaForDigamma) {
  expectRight(firstOrder(digamma, "f64"), Phase::Differentiate);
  expectRight(firstOrder(digamma, "f32"), Phase::Simplify);
}

} // namespace
