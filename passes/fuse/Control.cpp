//===- Control.cpp - Conditions and loops in a plan ------------------------------===//

#include "passes/fuse/Control.h"

#include "passes/fuse/Plan.h"

#include "mlir/IR/Builders.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace gradus {

bool isControl(Operation *op) { return isa_and_nonnull<EveryOp, IfOp, LoopOp>(op); }

bool isScalarControl(Operation *op) {
  if (!isControl(op) || !llvm::all_of(getInputs(op), isRankZero))
    return false;
  WalkResult result = op->walk([&](Operation *inner) {
    bool isScalar = llvm::all_of(inner->getResults(), isRankZero) && llvm::all_of(inner->getOperands(), isRankZero);
    bool isPlain = inner->getNumRegions() == 0 || isControl(inner);
    return isScalar && isPlain && !isCut(inner) ? WalkResult::advance() : WalkResult::interrupt();
  });
  return !result.wasInterrupted();
}

SmallVector<Value> getInputs(Operation *op) {
  llvm::SetVector<Value> inputs(op->operand_begin(), op->operand_end());
  if (isControl(op))
    getUsedValuesDefinedAbove(op->getRegions(), inputs);
  return inputs.takeVector();
}

SmallVector<Value> getSources(OpResult result) {
  unsigned index = result.getResultNumber();
  Operation *op = result.getOwner();
  auto yielded = [&](Region &region) { return region.front().getTerminator()->getOperand(index); };
  if (auto choice = dyn_cast<IfOp>(op))
    return {yielded(choice.getThen()), yielded(choice.getOtherwise())};
  if (auto every = dyn_cast<EveryOp>(op))
    return {yielded(every.getBody()), every.getKept()[index]};
  if (auto loop = dyn_cast<LoopOp>(op))
    return {yielded(loop.getBody()), loop.getInit()[index]};
  return {};
}

llvm::SetVector<Value> getOrigins(Value value) {
  llvm::SetVector<Value> seen, origins;
  SmallVector<Value> pending{value};
  while (!pending.empty()) {
    Value next = pending.pop_back_val();
    if (!seen.insert(next))
      continue;
    if (auto argument = dyn_cast<BlockArgument>(next)) {
      auto loop = dyn_cast<LoopOp>(argument.getOwner()->getParentOp());
      if (loop && argument.getArgNumber() > 0)
        llvm::append_range(pending, getSources(loop.getResults()[argument.getArgNumber() - 1]));
      else
        origins.insert(next);
    } else if (isControl(next.getDefiningOp())) {
      llvm::append_range(pending, getSources(cast<OpResult>(next)));
    } else {
      origins.insert(next);
    }
  }
  return origins;
}

void sinkInto(Region &region, function_ref<bool(Operation *)> isFree) {
  OpBuilder builder(region.getContext());
  bool isChanged = true;
  while (isChanged) {
    isChanged = false;
    llvm::SetVector<Value> outside;
    getUsedValuesDefinedAbove(region, outside);
    for (Value value : outside) {
      Operation *op = value.getDefiningOp();
      if (!op || !isFree(op))
        continue;
      builder.setInsertionPointToStart(&region.front());
      Value copy = builder.clone(*op)->getResult(0);
      value.replaceUsesWithIf(copy, [&](OpOperand &use) { return region.isAncestor(use.getOwner()->getParentRegion()); });
      isChanged = true;
    }
  }
}

FuncOp takeRegion(Region &region, ArrayRef<Value> outside, StringRef name) {
  OpBuilder builder(region.getContext());
  Location loc = region.getLoc();
  auto type = builder.getFunctionType({}, {});
  FuncOp func = FuncOp::create(builder, loc, FuncKind::Fn, name, type, ArrayAttr(), ArrayAttr());
  func.getBody().takeBody(region);
  Block &body = func.getBody().front();
  for (Value value : outside) {
    BlockArgument argument = body.addArgument(value.getType(), value.getLoc());
    value.replaceUsesWithIf(argument, [&](OpOperand &use) { return func->isProperAncestor(use.getOwner()); });
  }
  SmallVector<Attribute> attributes;
  for (size_t i = 0; i < body.getNumArguments(); ++i)
    attributes.push_back(builder.getDictionaryAttr({
        builder.getNamedAttr("gradus.name", builder.getStringAttr("")),
        builder.getNamedAttr("gradus.role", RoleAttr::get(builder.getContext(), Role::Data)),
    }));
  Operation *yield = body.getTerminator();
  func.setFunctionType(builder.getFunctionType(body.getArgumentTypes(), yield->getOperandTypes()));
  func.setArgAttrsAttr(builder.getArrayAttr(attributes));
  return func;
}

void putRegionBack(Region &region, FuncOp func, ArrayRef<Value> outside) {
  Block &body = func.getBody().front();
  for (PhaseOp phase : llvm::make_early_inc_range(body.getOps<PhaseOp>())) {
    Block &inner = phase.getBody().front();
    Operation *yield = inner.getTerminator();
    phase->replaceAllUsesWith(yield->getOperands());
    yield->erase();
    body.getOperations().splice(phase->getIterator(), inner.getOperations());
    phase.erase();
  }
  unsigned first = body.getNumArguments() - outside.size();
  for (auto [argument, value] : llvm::zip_equal(body.getArguments().drop_front(first), outside))
    argument.replaceAllUsesWith(value);
  body.eraseArguments(first, outside.size());
  region.takeBody(func.getBody());
  func.erase();
}

} // namespace gradus
