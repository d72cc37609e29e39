//===- ObjectiveTest.cpp - Rules over objectives against the same steps by hand ---===//
//
// Inputs/objectives.grad: each train unit and the fn `.._by_hand` beside it get the same numbers. The evaluator must give the same results for
// both, and compiled code those of the evaluator.
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"

#include "codegen/reference/RandomPoint.h"
#include "lang/Frontend.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

namespace {

class Objectives : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    context.loadDialect<GradusDialect>();
    Diagnostics diagnostics(sources);
    module = emitFile(context, sources, GRADUS_TEST_INPUTS "/objectives.grad", diagnostics, {.dtype = "f64", .standardLibrary = ""});
    ASSERT_TRUE(module) << diagnostics.render();
    for (FuncOp func : llvm::make_early_inc_range(module->getOps<FuncOp>()))
      if (func.getSymName() != stepName() && func.getSymName() != handName())
        func.erase();
  }
  std::string stepName() const { return std::string(GetParam()) + ".step"; }
  std::string handName() const { return std::string(GetParam()) + "_by_hand"; }

  /// Random arguments of the step; the bound hyper-parameters have their defaults.
  Arrays<double> makeStep(FuncOp step, uint64_t seed, int64_t time) {
    PointOptions options{seed, false, {}};
    options.sizes["d"] = 3;
    options.sizes["c"] = 2;
    options.sizes["n"] = 4;
    options.sizes["next.n"] = 5;
    options.sizes["all.n"] = 7;
    Arrays<double> arguments = makeRandomPoint(step, options);
    for (unsigned i = 0; i < step.getNumArguments(); ++i) {
      if (step.getArgRole(i) == Role::Time)
        arguments[i] = Array<double>::scalarInt(time);
      if (auto real = step.getArgAttrOfType<FloatAttr>(i, "gradus.default"))
        arguments[i] = Array<double>::scalar(real.getValueAsDouble());
      if (auto whole = step.getArgAttrOfType<IntegerAttr>(i, "gradus.default"))
        arguments[i] = Array<double>::scalarInt(whole.getInt());
    }
    return arguments;
  }

  MLIRContext context;
  SourceManager sources;
  OwningOpRef<ModuleOp> module;
};

} // namespace

static void compare(const Arrays<double> &got, const Arrays<double> &right, double tolerance) {
  ASSERT_EQ(got.size(), right.size());
  for (auto [i, pair] : llvm::enumerate(llvm::zip_equal(got, right))) {
    auto &[a, b] = pair;
    ASSERT_EQ(a.reals.size(), b.reals.size()) << "result " << i;
    for (auto [x, y] : llvm::zip_equal(a.reals, b.reals))
      EXPECT_NEAR(x, y, tolerance * std::fmax(1, std::fabs(y))) << "result " << i;
  }
}

TEST_P(Objectives, AreTheStepByHand) {
  auto step = module->lookupSymbol<FuncOp>(stepName()), hand = module->lookupSymbol<FuncOp>(handName());
  ASSERT_TRUE(step && hand);
  std::string error;
  auto compiled = Compiled::create(*module, error);
  ASSERT_TRUE(compiled) << error;
  for (int64_t time = 1; time <= 4; ++time) {
    SCOPED_TRACE(time);
    Arrays<double> arguments = makeStep(step, 10 + time, time), byHand;
    for (unsigned i = 0; i < hand.getNumArguments(); ++i)
      for (unsigned j = 0; j < step.getNumArguments(); ++j)
        if (std::string name = step.getArgName(j).str(); hand.getArgName(i) == (std::replace(name.begin(), name.end(), '.', '_'), name))
          byHand.push_back(arguments[j]);
    ASSERT_EQ(byHand.size(), hand.getNumArguments());
    auto got = evaluate<double>(step, arguments, error), right = evaluate<double>(hand, byHand, error);
    ASSERT_TRUE(succeeded(got) && succeeded(right)) << error;
    compare(*got, *right, 1e-12);
    auto machine = compiled->call(stepName(), {arguments}, error);
    ASSERT_TRUE(succeeded(machine)) << error;
    compare(machine->front(), *got, 1e-9);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Objectives, testing::Values("both", "braked", "collected", "counted", "found", "joined", "kept", "made", "mixed", "numbered", "picked", "ranked", "reduced", "sharp", "weighted"), [](const auto &info) { return std::string(info.param); });
