//===- Lower.cpp - From the plan to loops over vectors --------------------------===//
//
// Every fused function becomes its two entry functions and the functions of its kernels. What came in is gone afterwards:
// the module holds code and nothing else.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/fuse/Control.h"
#include "passes/lower/Function.h"
#include "passes/lower/Product.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace gradus {
#define GEN_PASS_DEF_LOWER
#include "passes/Passes.h.inc"
} // namespace gradus

using namespace mlir;
using namespace gradus;

/// A symbol whose size is needed and that no tensor of the call has, or null.
static StringAttr findUnknownSymbol(const EntryLayout &layout, Operation *op) {
  auto isUnknown = [&](Attribute dim) { return isa<StringAttr>(dim) && layout.findSymbol(cast<StringAttr>(dim)) < 0; };
  if (auto dim = dyn_cast<DimOp>(op))
    return isUnknown(dim.getSymbolAttr()) ? dim.getSymbolAttr() : StringAttr();
  SmallVector<Attribute> dims;
  if (auto kernel = dyn_cast<KernelOp>(op))
    dims = llvm::to_vector(kernel.getDomain());
  for (Value result : op->getResults())
    llvm::append_range(dims, arrayOf(result).getShape().drop_front(isa<ReshapeOp>(op) && !arrayOf(result).isScalar()));
  for (Attribute dim : dims)
    if (isUnknown(dim) && (isa<KernelOp>(op) || dims.size() > 1))
      return cast<StringAttr>(dim);
  return {};
}

static bool isNarrow(Type element) { return element.isF16() || element.isBF16(); }

/// Whether an op computes in a type that only stores: numbers of 16 bits are widened first, and rounded afterwards.
static bool computesInStorageType(Operation *op) {
  auto reduce = dyn_cast<ReduceOp>(op);
  if (reduce && reduce.getAccumulate())
    return isNarrow(*reduce.getAccumulate());
  bool onlyMoves = isa<CastOp, SelectOp, StopOp>(op) || !(op->hasTrait<Pointwise>() || isCut(op) || isMatrixOp(op) || isa<ArgReduceOp, ContractOp, CumulateOp, FftOp, IntPowOp, ReduceOp, ScanOp, ScatterAddOp, SortOp>(op));
  return !onlyMoves && llvm::any_of(op->getOperands(), [&](Value operand) { return isNarrow(arrayOf(operand).getElementType()); });
}

/// Before a call commits, all who met must know whether one of them refuses it. Partners of an exchange learn that at the exchange alone, and an open
/// function ends where the first check of a slot fails.
static LogicalResult checkCuts(FuncOp func) {
  if (!func.walk([](Operation *op) { return isCut(op) ? WalkResult::interrupt() : WalkResult::advance(); }).wasInterrupted())
    return success();
  Plan plan(func);
  bool meetsAll = func.walk([](WorkersOp) { return WalkResult::interrupt(); }).wasInterrupted();
  bool isLate = llvm::any_of(plan.getKernels(), [&](KernelOp kernel) { return plan.getCheck(kernel) == Check::Late; });
  bool hasChecks = llvm::any_of(plan.getKernels(), [&](KernelOp kernel) { return plan.getCheck(kernel) != Check::None; });
  WalkResult result = func.walk([&](Operation *op) -> WalkResult {
    if (!isCut(op))
      return WalkResult::advance();
    if (func.isOpen() && hasChecks)
      return op->emitError("G0931: not built yet: workers and an index that may refuse the call in a rule on its own; bind the rule in a train unit");
    bool isSure = isa<PhaseOp, FuncOp>(op->getParentOp()) || (isa<KernelOp>(op->getParentOp()) && isa<PhaseOp>(op->getParentOp()->getParentOp()));
    if (!meetsAll && (isLate || (plan.needsAgreement() && !isSure)))
      return op->emitError("G0931: not built yet: an exchange in a call that an index may refuse after it");
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult gradus::checkSupported(FuncOp func) {
  bool isOpen = func.isOpen();
  EntryLayout layout = computeEntryLayout(func);
  WalkResult result = func.walk([&](Operation *op) -> WalkResult {
    if (isOpen && isa<DimOp>(op) && op->getParentOp() == func)
      return op->emitError("G0931: not built yet: a size of the tensors at hand that is read outside of their kernels");
    if (isa<CustomOp, ExpectNearOp, ExpectOp, GradOp, LogSumExpOp, NormOp, OracleOp>(op))
      return op->emitError("G0931: not built yet: machine code for '") << op->getName() << "'";
    if (auto draw = dyn_cast<DrawOp>(op); draw && isNarrow(draw.getY().getType().getElementType())) // of f32, f64 or integers
      return op->emitError("G0931: not built yet: machine code for '") << stringifyDrawKind(draw.getDistribution()) << "' of " << draw.getY().getType();
    if (computesInStorageType(op))
      return op->emitError("G0931: not built yet: arithmetic in a type of 16 bits, which only stores; a cast to f32 must come first");
    if (StringAttr symbol = findUnknownSymbol(layout, op))
      return op->emitError("G0854: needs the size of '") << symbol.getValue() << "', which no tensor of the call has";
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted() || failed(checkCuts(func)));
}

namespace {

struct Lower : gradus::impl::LowerBase<Lower> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (FuncOp func : llvm::make_early_inc_range(module.getOps<FuncOp>())) {
      if (isEntry(func)) {
        if (failed(verifyPlan(func)) || failed(checkSupported(func)))
          return signalPassFailure();
        func.walk([](KernelOp kernel) {
          if (isa<ContractOp>(kernel.getBody().front().front()) && !findMatrixProduct(kernel) && !isVectorContract(kernel))
            rewriteContract(kernel);
        });
        FunctionLowering(func).run();
      }
      func.erase();
    }
  }
};

} // namespace
