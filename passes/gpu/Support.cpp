//===- Support.cpp - What has a GPU form ----------------------------------------------===//

#include "passes/Build.h"
#include "passes/fuse/Control.h"
#include "passes/fuse/Plan.h"
#include "passes/gpu/Gpu.h"
#include "passes/lower/Function.h"

using namespace mlir;

namespace gradus {

/// Whether the host knows a number when it records the call: from hyper-parameters, t, sizes and constants alone.
static bool isKnownToHost(FuncOp func, Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (argument.getOwner()->getParentOp() != func.getOperation())
      return false;
    Role role = func.getArgRole(argument.getArgNumber());
    return role == Role::Hyper || role == Role::Time;
  }
  Operation *op = value.getDefiningOp();
  bool isPlain = isa<ConstantOp, IntPowOp>(op) || op->hasTrait<Pointwise>() || (isa<DimOp>(op) && !func.isOpen());
  return isPlain && llvm::all_of(op->getOperands(), [&](Value operand) { return isKnownToHost(func, operand); });
}

/// The most passes of a loop that data ends: those that come after the last one are launched to no effect.
static constexpr int64_t mostAsked = 1024;

/// Why an op has no form; empty where it has one.
static std::string findReason(FuncOp func, Operation *op) {
  if (isCut(op))
    return "a meeting of workers";
  if (isMatrixOp(op) || isa<FftOp>(op))
    return "'" + op->getName().getStringRef().str() + "'";
  auto loop = dyn_cast<LoopOp>(op);
  if (!loop || isScalarControl(loop))
    return "";
  if (!isKnownToHost(func, loop.getCount()))
    return "a loop over arrays whose passes the host cannot count";
  if (std::optional<int64_t> bound = getInteger(loop.getCount()); bound && *bound > mostAsked && !loop.getProceed().empty())
    return "a loop that data ends and that may have " + std::to_string(*bound) + " passes, all of which would be launched";
  return "";
}

LogicalResult checkDeviceForm(FuncOp func) {
  if (failed(verifyPlan(func)) || failed(checkSupported(func)))
    return failure();
  constexpr StringLiteral wayOut = "; build this entry for the CPU";
  WalkResult result = func.walk([&](Operation *op) -> WalkResult {
    std::string reason = findReason(func, op);
    return reason.empty() ? WalkResult::advance() : WalkResult(op->emitError("G0932: no GPU form yet: ") << reason << wayOut);
  });
  return failure(result.wasInterrupted());
}

} // namespace gradus
