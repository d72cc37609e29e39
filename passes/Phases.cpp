//===- Phases.cpp - The named phases of the compiler --------------------------===//

#include "passes/Phases.h"

#include "passes/Passes.h"

#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace gradus {

static constexpr PhaseInfo phases[] = {
    {Phase::Emit, "emit", "as the front end wrote it"},
    {Phase::Differentiate, "differentiate", "gradients are expressions"},
    {Phase::Simplify, "simplify", "algebra, numerical stability, common subexpressions"},
    {Phase::Fuse, "fuse", "phases and kernels with their bytes"},
    {Phase::Lower, "lower", "loops over vectors"},
};

llvm::ArrayRef<PhaseInfo> getPhases() { return phases; }

std::optional<Phase> findPhase(llvm::StringRef name) {
  for (const PhaseInfo &info : phases)
    if (info.name == name)
      return info.phase;
  return std::nullopt;
}

void buildPhase(OpPassManager &pm, Phase phase, const PhaseOptions &options) {
  switch (phase) {
  case Phase::Emit:
    break;
  case Phase::Differentiate: // stable forms first: their derivatives are stable too
    pm.addNestedPass<FuncOp>(createCSEPass());
    pm.addNestedPass<FuncOp>(createStabilize());
    pm.addNestedPass<FuncOp>(createDifferentiate());
    pm.addNestedPass<FuncOp>(createExpandCustom());
    break;
  case Phase::Simplify:
    pm.addNestedPass<FuncOp>(createCanonicalizerPass());
    pm.addNestedPass<FuncOp>(createCSEPass());
    pm.addNestedPass<FuncOp>(createStabilize());
    pm.addNestedPass<FuncOp>(createFormContractions());
    pm.addNestedPass<FuncOp>(createScatterToSelect());
    pm.addNestedPass<FuncOp>(createAlgebra());
    if (!options.exactDiv)
      pm.addNestedPass<FuncOp>(createReciprocal());
    pm.addNestedPass<FuncOp>(createCanonicalizerPass());
    pm.addNestedPass<FuncOp>(createCSEPass());
    break;
  case Phase::Fuse:
    pm.addNestedPass<FuncOp>(createDecompose());
    pm.addPass(createCSEPass());
    pm.addNestedPass<FuncOp>(createFuse({options.noFuse}));
    break;
  case Phase::Lower:
    pm.addPass(createLower());
    pm.addPass(createCSEPass()); // kernels that are the same may have been written in another order
    pm.addPass(createMergeKernels());
    break;
  }
}

void buildPhasesUpTo(OpPassManager &pm, Phase last, const PhaseOptions &options) {
  for (const PhaseInfo &info : phases)
    if (info.phase <= last)
      buildPhase(pm, info.phase, options);
}

void registerPhases() {
  for (const PhaseInfo &info : phases)
    registerPassPipeline(
        ("gradus-" + info.name + "-phase").str(), info.summary,
        [phase = info.phase](OpPassManager &pm, StringRef, function_ref<LogicalResult(const Twine &)>) {
          buildPhase(pm, phase);
          return success();
        },
        [](function_ref<void(const mlir::detail::PassOptions &)>) {});
}

} // namespace gradus
