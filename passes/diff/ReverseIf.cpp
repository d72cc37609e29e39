//===- ReverseIf.cpp - The derivative of a condition ---------------------------===//
//
// The same condition chooses between the derivatives of the two regions. What they read from outside has its cotangent so far go in and come
// out again, so that nothing is added for the region that is not evaluated.
//
//===----------------------------------------------------------------------===//

#include "passes/diff/ReverseSweep.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace gradus {

void eraseUnread(Block &block) {
  for (Operation *op = block.getTerminator()->getPrevNode(), *before = nullptr; op; op = before) {
    before = op->getPrevNode();
    if (isOpTriviallyDead(op))
      op->erase();
  }
}

/// At t = 1, k + 1, 2 k + 1, .. the region has been evaluated, else what it would replace is kept: a condition.
LogicalResult ReverseSweep::visitEvery(EveryOp op) {
  Location loc = op.getLoc();
  OpBuilder before(op);
  Value one = buildIntFill(before, loc, op.getPeriod().getType(), 1);
  Value period = MaxOp::create(before, loc, op.getPeriod(), one); // a period below 1 is one of 1
  Value rest = ModOp::create(before, loc, SubOp::create(before, loc, op.getTime(), one), period);
  Value isDue = CompareOp::create(before, loc, ComparePredicate::Eq, rest, buildIntFill(before, loc, rest.getType(), 0));
  auto choice = IfOp::create(before, loc, op->getResultTypes(), isDue);
  choice->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  choice.getThen().takeBody(op.getBody());
  OpBuilder inside(op.getContext());
  inside.createBlock(&choice.getOtherwise());
  YieldOp::create(inside, loc, op.getKept());
  for (auto [from, to] : llvm::zip_equal(op.getResults(), choice.getResults())) {
    if (auto known = cotangents.find(from); known != cotangents.end())
      cotangents.insert({to, Cotangent(known->second)});
    if (Operation *user = cameFrom.lookup(from))
      cameFrom.insert({to, user});
  }
  activity.follow(choice);
  op->replaceAllUsesWith(choice.getResults());
  replaced.push_back(op);
  return visitIf(choice);
}

/// Leaves of the results of `op` those that are told to be kept.
static IfOp keepResults(IfOp op, ArrayRef<bool> isKept, OpBuilder &builder) {
  SmallVector<Type> types;
  for (auto [result, keeps] : llvm::zip_equal(op.getResults(), isKept))
    if (keeps)
      types.push_back(result.getType());
  auto kept = IfOp::create(builder, op.getLoc(), types, op.getCondition());
  for (auto [to, from] : llvm::zip_equal(kept->getRegions(), op->getRegions())) {
    to.takeBody(from);
    Operation *yield = to.front().getTerminator();
    for (unsigned k = isKept.size(); k-- > 0;)
      if (!isKept[k])
        yield->eraseOperand(k);
  }
  op->erase();
  return kept;
}

LogicalResult ReverseSweep::visitIf(IfOp op) {
  Location loc = op.getLoc();
  llvm::SetVector<Value> read;
  getUsedValuesDefinedAbove(op->getRegions(), read);
  read.remove_if([&](Value value) { return !activity.active.contains(value); });
  SmallVector<Type> types = llvm::map_to_vector(read, [](Value value) -> Type { return cotangentType(value); });
  auto reversed = IfOp::create(builder, loc, types, op.getCondition());
  SmallVector<bool> isChanged(read.size(), false);
  for (auto [to, from] : llvm::zip_equal(reversed->getRegions(), op->getRegions())) {
    OpBuilder inside(op.getContext());
    inside.createBlock(&to);
    Operation *yield = YieldOp::create(inside, loc, ValueRange());
    inside.setInsertionPoint(yield);
    IRMapping mapping;
    SmallVector<Operation *> copies = copyOps(from.front(), mapping, inside);
    Activity sources{{read.begin(), read.end()}, activity.unbounded};
    ReverseSweep sweep(table, inside, std::move(sources), this, op);
    sweep.enter(to.front());
    for (Value value : read)
      if (auto known = cotangents.find(value); known != cotangents.end())
        sweep.cotangents.insert({value, {known->second.value, true, true}});
    Operation *end = from.front().getTerminator();
    for (auto [result, value] : llvm::zip_equal(op.getResults(), end->getOperands()))
      if (Value dy = lookup(result).value)
        sweep.add(end, mapping.lookupOrDefault(value), dy, {dy, true, true});
    if (failed(sweep.run(copies)))
      return failure();
    SmallVector<Value> yielded;
    for (auto [index, value] : llvm::enumerate(read)) {
      Value own = sweep.lookup(value).value;
      isChanged[index] |= own != lookup(value).value;
      yielded.push_back(own ? own : buildFill(inside, loc, types[index], 0.0));
    }
    yield->setOperands(yielded);
    eraseUnread(to.front());
  }
  reversed = keepResults(reversed, isChanged, builder);
  auto result = reversed.getResults().begin();
  for (auto [index, value] : llvm::enumerate(read))
    if (isChanged[index]) {
      cotangents[value] = {table.spoil(builder, op, findOperand(op, value), *result++), true, true};
      cameFrom.try_emplace(value, op);
    }
  return success();
}

} // namespace gradus
