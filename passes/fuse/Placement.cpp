//===- Placement.cpp - Where each value of a function is computed --------------===//

#include "passes/fuse/Placement.h"

#include "passes/fuse/Control.h"
#include "passes/fuse/Plan.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace gradus {

bool Placement::isLiteral(Operation *op) {
  if (!op)
    return false;
  if (auto cast = dyn_cast<CastOp>(op))
    op = cast.getX().getDefiningOp();
  auto constant = dyn_cast_or_null<ConstantOp>(op);
  return constant && isRankZero(constant);
}

std::pair<StringRef, StringRef> getReasonsAlone(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::pair<StringRef, StringRef>>(op)
      .Case([](ContractOp) { return std::pair("a contraction stands alone", "a contraction reads it"); })
      .Case([](CumulateOp) { return std::pair("a cumulation stands alone", "a cumulation reads it"); })
      .Case([](FftOp) { return std::pair("a Fourier transform stands alone", "a Fourier transform reads it"); })
      .Case([](ScanOp) { return std::pair("a recurrence stands alone", "a recurrence reads it"); })
      .Case<CholeskyOp, EighOp, LogDetOp, QrOp, SolveOp, SvdOp>([](auto) { return std::pair("a factorization stands alone", "a factorization reads it"); })
      .Case<ExchangeOp, WorkersOp>([](auto) { return std::pair("workers meet", "other workers are given it"); })
      .Case([](SortOp) { return std::pair("a sort stands alone", "a sort reads it"); })
      .Default([](Operation *) { return std::pair("a scatter stands alone", "a scatter reads it"); });
}

/// The region of a scan reads its block's arguments alone, and works on single elements.
static bool isScanByElement(ScanOp scan) {
  Block &block = scan.getBody().front();
  return llvm::all_of(block, [&](Operation &op) {
    bool isKnown = op.hasTrait<Pointwise>() || isa<BroadcastOp, ConstantOp, IntPowOp, YieldOp>(op);
    bool readsInside = llvm::all_of(op.getOperands(), [&](Value operand) { return operand.getParentBlock() == &block; });
    bool isRepeat = !isa<BroadcastOp>(op) || isRankZero(op.getOperand(0));
    return isKnown && readsInside && isRepeat;
  });
}

/// The place of an op that is not uniform, or nothing where it has none.
static std::optional<Place> placeOf(Operation *op) {
  if (isa<AllReduceOp>(op))
    return Place::AllReduce;
  if (auto scan = dyn_cast<ScanOp>(op); scan && !isScanByElement(scan))
    return std::nullopt;
  if (standsAlone(op) && !(isCut(op) && isRankZero(op->getResult(0))))
    return Place::Alone;
  if (isControl(op))
    return isScalarControl(op) ? Place::Slot : Place::Control;
  bool isScalarOp = llvm::all_of(op->getOperands(), isRankZero) && llvm::all_of(op->getResults(), isRankZero);
  if (isScalarOp && isMemoryEffectFree(op) && op->getNumRegions() == 0)
    return Place::Slot;
  if (isa<ArgReduceOp, EncodeOp, ReduceOp>(op)) // a code is known when its block is
    return Place::Reduction;
  if (op->hasTrait<Pointwise>() || isa<BroadcastOp, ConcatOp, ConstantOp, DrawOp, GatherOp, IntPowOp, IotaOp, ReshapeOp, TransposeOp>(op))
    return Place::Pull;
  return std::nullopt;
}

FailureOr<Placement> Placement::compute(FuncOp func) {
  Placement result;
  for (auto [index, arg] : llvm::enumerate(func.getArguments())) {
    Role role = func.getArgRole(index);
    bool isPerCall = role == Role::Hyper || role == Role::Time || !func.isOpen() || func.getArgAttr(index, "gradus.shared");
    if (isPerCall && isRankZero(arg))
      result.uniform.insert(arg);
  }
  for (Operation &op : func.getBody().front().without_terminator()) {
    result.order[&op] = result.order.size();
    std::optional<Place> place = placeOf(&op);
    if (!place)
      return op.emitError("G0930: not built yet: '") << op.getName() << "' in a kernel";
    unsigned level = 0;
    SmallVector<Value> inputs = getInputs(&op);
    for (Value input : inputs)
      level = std::max(level, result.levels.lookup(input));
    // The size of a dimension comes from the tensors of a slot, and so may the key of a draw.
    auto dependsOnSlot = [](Operation *inner) { return isa<DimOp>(inner) || inner->hasAttr("each"); };
    bool readsSize = op.walk([&](Operation *inner) { return dependsOnSlot(inner) ? WalkResult::interrupt() : WalkResult::advance(); }).wasInterrupted();
    bool isPerSlot = readsSize && func.isOpen();
    bool readsUniform = llvm::all_of(inputs, [&](Value input) { return result.isUniform(input); });
    if (*place == Place::Slot && readsUniform && !isPerSlot)
      place = Place::Uniform;
    if (*place == Place::AllReduce)
      ++level;
    for (Value value : op.getResults()) {
      result.levels[value] = level;
      if (*place == Place::Uniform || *place == Place::AllReduce)
        result.uniform.insert(value);
    }
    result.places[&op] = *place;
    result.lastLevel = std::max(result.lastLevel, level);
  }
  return result;
}

} // namespace gradus
