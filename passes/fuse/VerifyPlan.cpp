//===- VerifyPlan.cpp - The form of a fused function ----------------------------===//
//
// Checks every claim of dialect/Plan.td, so that lowering and the reports need not.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/fuse/Control.h"
#include "passes/fuse/Epilogue.h"
#include "passes/fuse/Placement.h"
#include "passes/fuse/Plan.h"
#include "passes/fuse/RowNest.h"

namespace gradus {
#define GEN_PASS_DEF_VERIFYPLAN
#include "passes/Passes.h.inc"
} // namespace gradus

using namespace mlir;
using namespace gradus;

static ArrayType arrayOf(Value value) { return cast<ArrayType>(value.getType()); }
static bool isScalarOp(Operation *op) {
  if (isControl(op))
    return isScalarControl(op);
  return op->getNumRegions() == 0 && llvm::all_of(op->getOperands(), isRankZero) && llvm::all_of(op->getResults(), isRankZero);
}

/// A kernel of one contract, cumulate, fft, scan, scatter, scatter_add, sort, factorization or meeting of workers. A scan may begin with numbers, an
/// exchange with that of a worker; a scatter may count its places.
static LogicalResult verifyAlone(KernelOp kernel, Operation *op) {
  Block &block = kernel.getBody().front();
  Value domain = op->getResult(0);
  if (isScatter(op))
    domain = op->getOperands().back();
  if (isMatrixOp(op))
    domain = op->getOperand(0);
  auto isNumber = [&](Operation *other) {
    return (isScatter(op) && isa<BroadcastOp, IotaOp>(other)) || (isa<ExchangeOp, ScanOp, ScatterAddOp, ScatterOp>(op) && Placement::isLiteral(other));
  };
  bool isOnlyOp = llvm::all_of(block.without_terminator(), [&](Operation &other) { return &other == op || isNumber(&other); });
  bool readsArguments = llvm::all_of(op->getOperands(), [&](Value operand) { return isa<BlockArgument>(operand) || isNumber(operand.getDefiningOp()); });
  if (!isOnlyOp || !readsArguments)
    return op->emitError("expects to stand alone in its kernel and to read the kernel's operands");
  if (arrayOf(domain).getShape() != ArrayRef<Attribute>(llvm::to_vector(kernel.getDomain())))
    return op->emitError("expects a kernel over its own domain");
  return success();
}

static bool isAllowedInKernel(Operation *op) {
  return op->hasTrait<Pointwise>() ||
         isa<ArgReduceOp, BroadcastOp, ConcatOp, ConstantOp, DrawOp, EncodeOp, GatherOp, IntPowOp, IotaOp, ReduceOp, ReshapeOp, TransposeOp, YieldOp>(op);
}

/// Each yielded value has the shape of the domain or reduces a value of that shape over the axes shared by all.
static LogicalResult verifyBody(KernelOp kernel) {
  SmallVector<Attribute> domain = llvm::to_vector(kernel.getDomain());
  std::optional<SmallVector<int64_t>> axes;
  for (Operation &op : kernel.getBody().front()) {
    if (standsAlone(&op))
      return verifyAlone(kernel, &op);
    if (!isAllowedInKernel(&op))
      return op.emitError("cannot stand in a kernel");
    if (isa<EncodeOp>(op) && llvm::any_of(op.getUsers(), [](Operation *user) { return !isa<YieldOp>(user); }))
      return op.emitError("is read in its own kernel, before its blocks are complete");
    auto reduce = dyn_cast<ReduceOp>(op);
    auto arg = dyn_cast<ArgReduceOp>(op);
    if (!reduce && !arg)
      continue;
    SmallVector<int64_t> own = reduce ? SmallVector<int64_t>(reduce.getAxes()) : SmallVector<int64_t>{static_cast<int64_t>(arg.getAxis())};
    if (axes && *axes != own)
      return op.emitError("expects the axes of the other reductions of its kernel");
    axes = own;
    if (arrayOf(op.getOperand(0)).getShape() != ArrayRef<Attribute>(domain))
      return op.emitError("expects an operand of the shape of its kernel's domain");
    if (llvm::any_of(op.getUsers(), [](Operation *user) { return !isa<YieldOp>(user); }))
      return op.emitError("is read in its own kernel, before it is complete");
  }
  auto yield = cast<YieldOp>(kernel.getBody().front().getTerminator());
  for (Value value : yield.getValues())
    if (!isa_and_nonnull<ReduceOp, ArgReduceOp>(value.getDefiningOp()) && arrayOf(value).getShape() != ArrayRef<Attribute>(domain))
      return yield.emitError("expects a value of the shape of the kernel's domain, but got ") << value.getType();
  return success();
}

/// An array that lies in memory: an argument of the function or a loop, or the result of a kernel or of control.
static bool isStored(Value value) {
  if (auto arg = dyn_cast<BlockArgument>(value))
    return isa<FuncOp, LoopOp>(arg.getOwner()->getParentOp());
  return isa<KernelOp>(value.getDefiningOp()) || isControl(value.getDefiningOp());
}

/// The ops of a phase, or of a region of control in it.
static LogicalResult verifyOps(Block &block) {
  for (Operation &op : block) {
    for (Value operand : op.getOperands())
      if (!isRankZero(operand) && !isStored(operand))
        return op.emitError("expects operands that are arguments of the function or results of kernels of its phase");
    if (isa<YieldOp>(op) || isScalarOp(&op))
      continue;
    if (isControl(&op)) {
      for (Region &region : op.getRegions())
        if (!region.empty() && failed(verifyOps(region.front())))
          return failure();
      continue;
    }
    auto kernel = dyn_cast<KernelOp>(op);
    if (!kernel)
      return op.emitError("expects only kernels, rank-0 operations and control in a phase");
    if (failed(verifyBody(kernel)))
      return failure();
  }
  return success();
}

static LogicalResult verifyPhase(PhaseOp phase) {
  if (failed(verifyOps(phase.getBody().front())))
    return failure();
  for (Value value : phase.getValues())
    for (Operation *user : value.getUsers())
      if (!isRankZero(value) && !isa<ReturnOp>(user))
        return phase.emitError("expects an array to leave it as a result of the function alone");
  return success();
}

LogicalResult gradus::verifyPlan(FuncOp func) {
  for (Operation &op : func.getBody().front()) {
    if (auto phase = dyn_cast<PhaseOp>(op)) {
      if (failed(verifyPhase(phase)))
        return failure();
      continue;
    }
    if (auto reduction = dyn_cast<AllReduceOp>(op); reduction && !reduction.getX().getDefiningOp<PhaseOp>())
      return op.emitError("expects the value of a phase");
    if (auto ret = dyn_cast<ReturnOp>(op)) {
      for (Value value : ret.getValues())
        if (!isRankZero(value) && !isa<BlockArgument>(value) && !value.getDefiningOp<PhaseOp>())
          return op.emitError("expects to return arguments and the values of phases");
      continue;
    }
    if (!isScalarOp(&op))
      return op.emitError("expects only rank-0 operations outside of phases");
  }
  return failure(failed(verifyRowNests(func)) || failed(verifyEpilogues(func)));
}

namespace {

struct VerifyPlan : gradus::impl::VerifyPlanBase<VerifyPlan> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    FuncOp func = getOperation();
    if (func.getKind() != FuncKind::Test && failed(verifyPlan(func)))
      signalPassFailure();
  }
};

} // namespace
