//===- ForwardControl.cpp - Forward mode through regions -----------------------===//
//
// A condition, a loop and a recurrence give values and tangents together. With x[k + 1] = f(k, x[k], c):
//
//   x'[k + 1] = (df/dx) x'[k] + (df/dc) c',
//
// in the same pass, so that nothing is written down and a loop needs no bound of its passes.
//
//===----------------------------------------------------------------------===//

#include "passes/diff/ForwardSweep.h"

#include "mlir/Transforms/RegionUtils.h"

#include <utility>

using namespace mlir;

namespace gradus {

void ForwardSweep::replace(Operation *op, ValueRange made) {
  for (auto [from, to] : llvm::zip(op->getResults(), made)) {
    if (activity.active.contains(from))
      activity.active.insert(to);
    if (activity.unbounded.contains(from))
      activity.unbounded.insert(to);
  }
  op->replaceAllUsesWith(made.take_front(op->getNumResults()));
  op->erase();
}

/// The places of `values` that move.
static SmallVector<unsigned> findMoving(ValueRange values, const Activity &activity) {
  SmallVector<unsigned> found;
  for (auto [index, value] : llvm::enumerate(values))
    if (activity.active.contains(value))
      found.push_back(index);
  return found;
}

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

LogicalResult ForwardSweep::visitIf(IfOp op) {
  SmallVector<unsigned> moving = findMoving(op.getResults(), activity);
  SmallVector<Type> types(op->getResultTypes());
  for (unsigned index : moving)
    types.push_back(tangentType(op->getResult(index)));
  for (Region *region : {&op.getThen(), &op.getOtherwise()}) {
    Block &block = region->front();
    if (failed(run(block)))
      return failure();
    OpBuilder end(block.getTerminator());
    SmallVector<Value> yielded(block.getTerminator()->getOperands());
    for (unsigned index : moving)
      yielded.push_back(orZero(yielded[index], end));
    block.getTerminator()->setOperands(yielded);
  }
  auto made = IfOp::create(*builder, op.getLoc(), types, op.getCondition());
  made->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  made.getThen().takeBody(op.getThen());
  made.getOtherwise().takeBody(op.getOtherwise());
  unsigned count = op->getNumResults();
  replace(op, made.getResults());
  for (auto [k, index] : llvm::enumerate(moving))
    give(made, made.getResult(index), made.getResult(count + k), {{}, true, true});
  return success();
}

/// What is kept has its own tangent.
LogicalResult ForwardSweep::visitEvery(EveryOp op) {
  SmallVector<unsigned> moving = findMoving(op.getResults(), activity);
  Block &block = op.getBody().front();
  SmallVector<Value> kept(op.getKept());
  for (unsigned index : moving)
    kept.push_back(orZero(op.getKept()[index], *builder));
  if (failed(run(block)))
    return failure();
  OpBuilder end(block.getTerminator());
  SmallVector<Value> yielded(block.getTerminator()->getOperands());
  for (unsigned index : moving)
    yielded.push_back(orZero(yielded[index], end));
  block.getTerminator()->setOperands(yielded);
  auto made = EveryOp::create(*builder, op.getLoc(), TypeRange(ValueRange(kept)), op.getPeriod(), op.getTime(), kept);
  made->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  made.getBody().takeBody(op.getBody());
  unsigned count = op->getNumResults();
  replace(op, made.getResults());
  for (auto [k, index] : llvm::enumerate(moving))
    give(made, made.getResult(index), made.getResult(count + k), {{}, true, true});
  return success();
}

//===----------------------------------------------------------------------===//
// Loops and recurrences
//===----------------------------------------------------------------------===//

LogicalResult ForwardSweep::visitLoop(LoopOp op) {
  Block &block = op.getBody().front();
  unsigned count = op->getNumResults();
  SmallVector<unsigned> moving = findMoving(block.getArguments().drop_front(), activity);
  Tangent flags = flagsOfPasses(op, llvm::map_to_vector(moving, [&](unsigned index) -> Value { return op.getInit()[index]; }));
  SmallVector<Value> init(op.getInit());
  for (unsigned index : moving) {
    init.push_back(orZero(op.getInit()[index], *builder));
    Value t = block.addArgument(init.back().getType(), op.getLoc());
    set(block.getArgument(index + 1), {t, flags.isMasked, flags.isWhere});
    if (!op.getProceed().empty())
      op.getProceed().front().addArgument(t.getType(), op.getLoc());
  }
  if (failed(run(block)))
    return failure();
  OpBuilder end(block.getTerminator());
  SmallVector<Value> next(block.getTerminator()->getOperands());
  for (unsigned index : moving)
    next.push_back(orZero(next[index], end));
  block.getTerminator()->setOperands(next);
  auto made = LoopOp::create(*builder, op.getLoc(), TypeRange(ValueRange(init)), op.getCount(), init);
  made->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  made.getBody().takeBody(op.getBody());
  made.getProceed().takeBody(op.getProceed());
  replace(op, made.getResults());
  for (auto [k, index] : llvm::enumerate(moving))
    give(made, made.getResult(index), made.getResult(count + k), flags);
  return success();
}

/// The leading axis counts the steps, so that the directions come behind it.
static Value swapLeading(OpBuilder &builder, Location loc, Value x) {
  ArrayType type = arrayType(x);
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  std::swap(permutation[0], permutation[1]);
  SmallVector<Attribute> shape(type.getShape());
  std::swap(shape[0], shape[1]);
  return TransposeOp::create(builder, loc, type.withShape(shape), x, permutation);
}

LogicalResult ForwardSweep::visitScan(ScanOp op) {
  Location loc = op.getLoc();
  Block &block = op.getBody().front();
  unsigned numXs = op.getXs().size(), count = op->getNumResults();
  auto steps = block.getArguments().drop_front();
  SmallVector<unsigned> moving = findMoving(op.getYs(), activity);
  for (auto [step, x] : llvm::zip(steps, op.getXs())) {
    if (lookup(x).value)
      activity.active.insert(step);
    if (activity.unbounded.contains(x))
      activity.unbounded.insert(step);
  }
  for (unsigned index : moving)
    activity.active.insert(steps[numXs + index]);
  activity.unbounded.insert(steps.begin() + numXs, steps.end()); // what goes round
  activity.follow(block);
  Tangent flags = flagsOfPasses(op, op.getInit());
  SmallVector<Value> xs(op.getXs()), init(op.getInit());
  unsigned place = numXs + 1;
  for (unsigned index = 0; index < numXs; ++index) {
    Value t = lookup(op.getXs()[index]).value, step = block.getArgument(index + 1);
    if (!t)
      continue;
    ArrayType type = tangentType(step);
    xs.push_back(seeds ? swapLeading(*builder, loc, buildCast(*builder, loc, t, type.getElementType())) : t);
    set(step, {block.insertArgument(place++, type, loc), flags.isMasked, flags.isWhere});
  }
  SmallVector<Type> types(op->getResultTypes());
  for (unsigned index : moving) {
    Value carried = block.getArgument(place + index);
    init.push_back(buildCast(*builder, loc, orZero(op.getInit()[index], *builder), tangentType(carried).getElementType()));
    set(carried, {block.addArgument(init.back().getType(), loc), flags.isMasked, flags.isWhere});
    SmallVector<Attribute> shape{arrayType(op.getYs()[index]).getShape().front()};
    llvm::append_range(shape, arrayType(init.back()).getShape());
    types.push_back(arrayType(init.back()).withShape(shape));
  }
  if (failed(run(block)))
    return failure();
  OpBuilder end(block.getTerminator());
  SmallVector<Value> next(block.getTerminator()->getOperands());
  for (unsigned index : moving)
    next.push_back(orZero(next[index], end));
  block.getTerminator()->setOperands(next);
  auto made = ScanOp::create(*builder, loc, types, xs, init, op.getReverse());
  made->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  made.getBody().takeBody(op.getBody());
  replace(op, made.getResults());
  for (auto [k, index] : llvm::enumerate(moving)) {
    Value t = made.getResult(count + k);
    give(made, made.getResult(index), seeds ? swapLeading(*builder, loc, t) : t, flags);
  }
  return success();
}

} // namespace gradus
