//===- Activity.cpp - Which values a derivative goes through -------------------===//

#include "passes/Build.h"
#include "passes/diff/ReverseSweep.h"

#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace gradus {

/// x - logsumexp(x), which is at most 0.
static bool isLogSoftmax(Value value) {
  auto difference = value.getDefiningOp<SubOp>();
  auto wide = difference ? difference.getB().getDefiningOp<BroadcastOp>() : nullptr;
  auto sum = wide ? wide.getX().getDefiningOp<LogSumExpOp>() : nullptr;
  return sum && sum.getX() == difference.getA() && wide.getAxes() == ArrayRef<int64_t>(complementAxes(arrayType(sum.getX()).getRank(), sum.getAxes()));
}

/// Ops whose value or partial derivative is infinite at, or overflows near, ordinary arguments.
bool isUnbounded(Operation *op) {
  if (auto div = dyn_cast<DivOp>(op))
    return getFill(div.getB()).value_or(0.0) == 0.0;
  if (auto power = dyn_cast<IntPowOp>(op))
    return getInteger(power.getN()).value_or(-1) < 0;
  if (auto exp = dyn_cast<ExpOp>(op))
    return !isLogSoftmax(exp.getX());
  return isa<AcosOp, AcoshOp, AsinOp, AtanhOp, CbrtOp, CholeskyOp, CoshOp, CustomOp, DigammaOp, EighOp, Exp2Op, Expm1Op, LambertWOp, LGammaOp, Log10Op,
             Log1pOp, Log2Op, LogDetOp, LogOp, ModOp, NormalQuantileOp, PowOp, QrOp, SinhOp, SolveOp, SqrtOp, SvdOp, TanOp, TrigammaOp>(op);
}

bool Activity::flow(Value from, Value to) {
  bool isNew = arrayType(to).isFloat() && active.contains(from) && active.insert(to).second;
  return (unbounded.contains(from) && unbounded.insert(to).second) || isNew;
}

/// What a pass makes of the carried values the next pass begins with, until nothing is new.
void Activity::followLoop(LoopOp loop) {
  Block &body = loop.getBody().front();
  auto carried = body.getArguments().drop_front();
  for (auto [init, argument] : llvm::zip_equal(loop.getInit(), carried))
    flow(init, argument);
  for (bool isNew = true; isNew;) {
    isNew = false;
    follow(body);
    for (auto [next, argument] : llvm::zip_equal(body.getTerminator()->getOperands(), carried))
      isNew |= flow(next, argument);
  }
  for (auto [argument, result] : llvm::zip_equal(carried, loop.getResults()))
    flow(argument, result);
}

void Activity::follow(Operation *op) {
  if (auto loop = dyn_cast<LoopOp>(op))
    return followLoop(loop);
  if (auto choice = dyn_cast<IfOp>(op)) {
    for (Region *region : {&choice.getThen(), &choice.getOtherwise()}) {
      follow(region->front());
      for (auto [value, result] : llvm::zip_equal(region->front().getTerminator()->getOperands(), op->getResults()))
        flow(value, result);
    }
    return;
  }
  if (auto every = dyn_cast<EveryOp>(op)) {
    follow(every.getBody().front());
    for (auto [value, kept, result] : llvm::zip_equal(every.getBody().front().getTerminator()->getOperands(), every.getKept(), op->getResults())) {
      flow(value, result);
      flow(kept, result);
    }
    return;
  }
  // What the regions of a custom op read around them is constant, but for one whose derivative nobody has given.
  llvm::SetVector<Value> inputs(op->operand_begin(), op->operand_end());
  if (!isa<CustomOp>(op) || op->hasAttr("implicit"))
    getUsedValuesDefinedAbove(op->getRegions(), inputs);
  bool isActive = getDerivativeKind(op) != DerivativeKind::Inactive && llvm::any_of(inputs, [&](Value value) { return active.contains(value); });
  bool canOverflow = isUnbounded(op) || llvm::any_of(op->getOperands(), [&](Value value) { return unbounded.contains(value); });
  for (Value result : op->getResults()) {
    if (isActive && arrayType(result).isFloat())
      active.insert(result);
    if (canOverflow)
      unbounded.insert(result);
  }
}

void Activity::follow(Block &block) {
  for (Operation &op : block.without_terminator())
    follow(&op);
}

} // namespace gradus
