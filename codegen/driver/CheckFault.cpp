//===- CheckFault.cpp - The operation whose derivative is wrong ----------------===//
//
// Each operation of a loss is made a loss of its own and tried with what it computes with at the point where the whole is wrong, those in
// regions after the operation around them. So a wrong derivative is found whose effect no element of the gradient shows as such.
//
//===----------------------------------------------------------------------===//

#include "codegen/driver/Checker.h"

using namespace mlir;

namespace gradus::driver {

/// Whether an operation has a derivative to be wrong.
static bool isTried(Operation *op) {
  auto isReal = [](Type type) { return cast<ArrayType>(type).isFloat(); };
  bool isOther = isa<DrawOp, StopOp>(op) || op->hasTrait<OpTrait::IsTerminator>() || op->hasTrait<OpTrait::ConstantLike>();
  return !isOther && llvm::any_of(op->getResultTypes(), isReal) && (llvm::any_of(op->getOperandTypes(), isReal) || op->getNumRegions() > 0);
}

/// Whether what `op` gives for its derivative is wrong at `point`.
static bool isWrong(FuncOp func, Operation *op, const reference::Arrays<double> &point, Derive derive) {
  auto custom = dyn_cast<CustomOp>(op);
  if (custom && custom->hasAttr("implicit"))
    return false;
  Trial trial = outlineOperation(op);
  trial.withGradients = derive(*trial.module, trial.value);
  std::string error;
  auto values = readValues(func, op, trial.reads, point, error);
  if (!trial.withGradients || failed(values))
    return false;
  reference::GradientCheckOptions options;
  options.sizes = sizesAt(func, point);
  options.given.push_back(std::move(*values));
  options.mostElements = 16;
  reference::GradientCheckReport result = reference::checkGradients(trial.value, trial.withGradients, options);
  return !result.passed && result.error.empty();
}

static Operation *findFault(FuncOp func, Block &block, const reference::Arrays<double> &point, Derive derive, unsigned &budget) {
  for (Operation &op : block) {
    if (!isTried(&op))
      continue;
    if (budget == 0)
      return nullptr;
    --budget;
    if (!isWrong(func, &op, point, derive))
      continue;
    if (!isa<CustomOp>(op))
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          if (Operation *fault = findFault(func, inner, point, derive, budget))
            return fault;
    return &op;
  }
  return nullptr;
}

Operation *findFault(FuncOp func, const reference::Arrays<double> &point, Derive derive) {
  unsigned budget = 500;
  return findFault(func, func.getBody().front(), point, derive, budget);
}

} // namespace gradus::driver
