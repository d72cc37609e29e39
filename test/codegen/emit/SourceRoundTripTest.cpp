//===- SourceRoundTripTest.cpp - Printed gradients parse and mean the same --------===//
//
// Each loss of the standard library: its gradient is printed, the text is read by the front end, and both functions are evaluated
// at one point. Printed again, the text does not change.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/SourcePrinter.h"
#include "codegen/reference/RandomPoint.h"
#include "lang/Frontend.h"
#include "lang/Source.h"
#include "passes/Phases.h"
#include "passes/diff/BuildGradient.h"
#include "test/codegen/reference/Parse.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"

#include <fstream>

using namespace gradus;
using namespace gradus::reference;

namespace {

/// Emits a file in f64; errors of the spec are failures of the test.
mlir::OwningOpRef<mlir::ModuleOp> emit(mlir::MLIRContext &context, const std::string &path) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  EmitOptions options;
  options.dtype = "f64";
  options.standardLibrary = GRADUS_SOURCE_LIBRARY;
  mlir::OwningOpRef<mlir::ModuleOp> module = emitFile(context, sources, path, diagnostics, options);
  EXPECT_TRUE(module) << path;
  return module;
}

void simplify(mlir::ModuleOp module) {
  mlir::PassManager passes(module.getContext());
  PhaseOptions options;
  options.exactDiv = true;
  buildPhasesUpTo(passes, Phase::Simplify, options);
  ASSERT_TRUE(succeeded(passes.run(module)));
}

/// The source of the gradient function, or nothing.
std::string print(FuncOp func) {
  auto text = printAsSource(func);
  EXPECT_TRUE(succeeded(text));
  return succeeded(text) ? *text : "";
}

class SourceRoundTrip : public testing::TestWithParam<std::string> {};

TEST_P(SourceRoundTrip, KeepsMeaningAndText) {
  mlir::MLIRContext context;
  context.loadDialect<GradusDialect>();
  auto module = emit(context, std::string(GRADUS_SOURCE_LIBRARY) + "/std/losses/" + GetParam() + ".grad");
  ASSERT_TRUE(module);
  auto loss = module->lookupSymbol<FuncOp>(GetParam());
  ASSERT_TRUE(loss);
  auto gradient = buildGradientFunction(*module, loss);
  ASSERT_TRUE(succeeded(gradient));
  simplify(*module);
  std::string text = print(*gradient);

  std::string path = testing::TempDir() + "gradus_" + GetParam() + "_gradient.grad";
  std::ofstream(path) << text;
  auto again = emit(context, path);
  (void)llvm::sys::fs::remove(path);
  ASSERT_TRUE(again) << text;
  simplify(*again);
  auto func = again->lookupSymbol<FuncOp>(GetParam() + "_grad");
  ASSERT_TRUE(func) << text;

  Arrays<double> point = makeRandomPoint(*gradient, {});
  std::string error;
  auto expected = evaluate<double>(*gradient, point, error), got = evaluate<double>(func, point, error);
  ASSERT_TRUE(succeeded(expected) && succeeded(got)) << error << "\n" << text;
  ASSERT_EQ(got->size(), expected->size());
  for (size_t i = 0; i < got->size(); ++i)
    expectNear((*got)[i].reals, (*expected)[i].reals, 1e-14);
  EXPECT_EQ(print(func), text);
}

INSTANTIATE_TEST_SUITE_P(Losses, SourceRoundTrip,
                         testing::Values("hinge", "huber", "logistic", "perceptron", "softmax_regression", "squared_error"),
                         [](const auto &info) { return info.param; });

} // namespace
