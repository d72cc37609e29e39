//===- ExplainCost.cpp - What a loss and its derivatives compute -----------------===//

#include "codegen/emit/Explain.h"

#include "passes/diff/BuildGradient.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace gradus {

std::optional<double> ExplainedCost::evaluate(const OpCount &count) {
  llvm::StringMap<int64_t> sizes;
  for (const std::string &symbol : count.flops.getSymbols())
    sizes[symbol] = 100;
  std::optional<int64_t> flops = count.flops.isValid() ? count.flops.evaluate(sizes) : std::nullopt;
  return flops ? std::optional(static_cast<double>(*flops)) : std::nullopt;
}

/// The function that `build` adds to a module of the loss alone, counted after simplification.
static std::optional<OpCount> countMade(FuncOp loss, const PhaseOptions &options, llvm::function_ref<FailureOr<FuncOp>(ModuleOp, FuncOp)> build) {
  OwningOpRef<ModuleOp> module(ModuleOp::create(loss.getLoc()));
  auto copy = cast<FuncOp>(loss->clone());
  module->push_back(copy);
  FailureOr<FuncOp> made = build(*module, copy);
  PassManager passes(loss.getContext());
  buildPhasesUpTo(passes, Phase::Simplify, options);
  if (failed(made))
    return std::nullopt;
  std::string name = made->getSymName().str();
  if (failed(passes.run(*module)))
    return std::nullopt;
  return countOps(module->lookupSymbol<FuncOp>(name));
}

std::optional<ExplainedCost> explainCost(FuncOp loss, const PhaseOptions &options) {
  ScopedDiagnosticHandler quiet(loss.getContext(), [](Diagnostic &) { return success(); });
  auto value = countMade(loss, options, [](ModuleOp, FuncOp func) -> FailureOr<FuncOp> { return func; });
  auto gradient = countMade(loss, options, [](ModuleOp module, FuncOp func) { return buildGradientFunction(module, func); });
  if (!value || !gradient)
    return std::nullopt;
  return ExplainedCost{*value, *gradient, countMade(loss, options, [](ModuleOp module, FuncOp func) { return buildHessianProduct(module, func); })};
}

} // namespace gradus
