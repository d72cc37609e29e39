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

void ForwardSweep::yieldTangents(Block &block, ArrayRef<unsigned> moving) {
  OpBuilder end(block.getTerminator());
  SmallVector<Value> yielded(block.getTerminator()->getOperands());
  for (unsigned index : moving)
    yielded.push_back(orZero(yielded[index], end));
  block.getTerminator()->setOperands(yielded);
}

void ForwardSweep::replaceByPairs(Operation *op, Operation *made, ArrayRef<unsigned> moving, Tangent flags) {
  unsigned count = op->getNumResults();
  made->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  replace(op, made->getResults());
  for (auto [k, index] : llvm::enumerate(moving))
    give(made, made->getResult(index), made->getResult(count + k), flags);
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
    yieldTangents(block, moving);
  }
  auto made = IfOp::create(*builder, op.getLoc(), types, op.getCondition());
  made.getThen().takeBody(op.getThen());
  made.getOtherwise().takeBody(op.getOtherwise());
  replaceByPairs(op, made, moving, {{}, true, true});
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
  yieldTangents(block, moving);
  auto made = EveryOp::create(*builder, op.getLoc(), TypeRange(ValueRange(kept)), op.getPeriod(), op.getTime(), kept);
  made.getBody().takeBody(op.getBody());
  replaceByPairs(op, made, moving, {{}, true, true});
  return success();
}

//===----------------------------------------------------------------------===//
// Loops and recurrences
//===----------------------------------------------------------------------===//

LogicalResult ForwardSweep::visitLoop(LoopOp op) {
  Block &block = op.getBody().front();
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
  yieldTangents(block, moving);
  auto made = LoopOp::create(*builder, op.getLoc(), TypeRange(ValueRange(init)), op.getCount(), init);
  made.getBody().takeBody(op.getBody());
  made.getProceed().takeBody(op.getProceed());
  replaceByPairs(op, made, moving, flags);
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

/// The scan that carries tangents behind the values of `op`, and gives them behind its results; it takes the region of `op`.
FailureOr<ScanOp> ForwardSweep::followScan(ScanOp op, ArrayRef<unsigned> moving, Tangent flags) {
  Location loc = op.getLoc();
  Block &block = op.getBody().front();
  unsigned numXs = op.getXs().size();
  auto steps = block.getArguments().drop_front();
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
  SmallVector<Value> xs(op.getXs()), init(op.getInit());
  unsigned place = numXs + 1;
  for (unsigned index = 0; index < numXs; ++index) {
    Value t = lookup(op.getXs()[index]).value, step = block.getArgument(index + 1);
    if (!t)
      continue;
    xs.push_back(t);
    set(step, {block.insertArgument(place++, tangentType(step), loc), flags.isMasked, flags.isWhere});
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
  yieldTangents(block, moving);
  auto made = ScanOp::create(*builder, loc, types, xs, init, op.getReverse());
  made->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  made.getBody().takeBody(op.getBody());
  return made;
}

static SmallVector<int64_t> axesOf(ArrayType type) { return llvm::to_vector(llvm::seq<int64_t>(0, type.getRank())); }

/// A copy of `op` for each direction, its axis behind that of the steps. What no step tells apart, constants and the number of the step, is
/// repeated where a value that differs meets it.
ScanOp ForwardSweep::repeatScan(ScanOp op) {
  Location loc = op.getLoc();
  ForwardContext context = contextOf(op, nullptr, nullptr);
  Block &body = op.getBody().front();
  auto steps = body.getArguments().drop_front();
  SmallVector<Value> xs, init;
  SmallVector<Type> types;
  for (auto [x, step] : llvm::zip(op.getXs(), steps))
    xs.push_back(swapLeading(*builder, loc, context.wide(buildCast(*builder, loc, x, arrayType(step).getElementType()))));
  for (auto [value, y] : llvm::zip_equal(op.getInit(), op.getYs())) {
    init.push_back(context.wide(value));
    SmallVector<Attribute> shape(arrayType(y).getShape());
    shape.insert(shape.begin() + 1, seeds);
    types.push_back(arrayType(y).withShape(shape));
  }
  auto repeated = ScanOp::create(*builder, loc, types, xs, init, op.getReverse());
  repeated->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  OpBuilder inside(op.getContext());
  Block *block = inside.createBlock(&repeated.getBody());
  IRMapping mapping;
  DenseSet<Value> differs;
  mapping.map(body.getArgument(0), block->addArgument(body.getArgument(0).getType(), loc));
  for (Value step : steps) {
    mapping.map(step, block->addArgument(context.behind(arrayType(step)), loc));
    differs.insert(step);
  }
  OpBuilder outside(repeated);
  auto widen = [&](Value value) -> Value {
    Value known = mapping.lookupOrDefault(value);
    ArrayType type = arrayType(value), wide = context.behind(type);
    if (differs.contains(value))
      return known;
    if (std::optional<double> fill = getFill(value))
      return buildFill(inside, loc, wide, *fill);
    bool isScalar = type.isScalar();
    return buildBroadcast(isScalar ? inside : outside, loc, known, wide, isScalar ? SmallVector<int64_t>() : context.axesBehind(axesOf(type)));
  };
  for (Operation &inner : body.without_terminator()) {
    Value result = inner.getResult(0);
    bool isSame = llvm::none_of(inner.getOperands(), [&](Value operand) { return differs.contains(operand); });
    if (isa<ConstantOp>(inner) || (isSame && arrayType(result).isScalar())) {
      inside.clone(inner, mapping);
      continue;
    }
    differs.insert(result);
    ArrayType type = context.behind(arrayType(result));
    if (auto repeat = dyn_cast<BroadcastOp>(inner)) {
      SmallVector<int64_t> axes = context.axesBehind(repeat.getAxes());
      if (!isSame)
        axes.insert(axes.begin(), 0);
      mapping.map(result, buildBroadcast(inside, loc, mapping.lookupOrDefault(repeat.getX()), type, axes));
      continue;
    }
    SmallVector<Value> operands;
    for (auto [number, operand] : llvm::enumerate(inner.getOperands())) {
      bool isExponent = isa<IntPowOp>(inner) && number == 1;
      operands.push_back(isExponent ? mapping.lookupOrDefault(operand) : widen(operand));
    }
    Operation *copy = inside.clone(inner, mapping);
    copy->setOperands(operands);
    copy->getResult(0).setType(type);
  }
  YieldOp::create(inside, loc, llvm::map_to_vector(body.getTerminator()->getOperands(), widen));
  return repeated;
}

/// A step computes single elements, so that several directions are one direction of as many recurrences.
LogicalResult ForwardSweep::visitScan(ScanOp op) {
  SmallVector<unsigned> moving = findMoving(op.getYs(), activity);
  Tangent flags = flagsOfPasses(op, op.getInit());
  unsigned count = op->getNumResults();
  if (!seeds) {
    FailureOr<ScanOp> made = followScan(op, moving, flags);
    if (failed(made))
      return failure();
    replaceByPairs(op, *made, moving, flags);
    return success();
  }
  ScanOp repeated = repeatScan(op);
  ForwardSweep one(table, Attribute(), activity);
  one.builder = builder;
  auto hand = [&](Value from, Value to, bool isStepped) {
    if (Value t = lookup(from).value) {
      t = buildCast(*builder, op.getLoc(), t, arrayType(to).getElementType());
      one.set(to, {isStepped ? swapLeading(*builder, op.getLoc(), t) : t, flags.isMasked, flags.isWhere});
    }
    if (activity.unbounded.contains(from))
      one.activity.unbounded.insert(to);
  };
  for (auto [from, to] : llvm::zip_equal(op.getXs(), repeated.getXs()))
    hand(from, to, /*isStepped=*/true);
  for (auto [from, to] : llvm::zip_equal(op.getInit(), repeated.getInit()))
    hand(from, to, /*isStepped=*/false);
  FailureOr<ScanOp> made = one.followScan(repeated, moving, flags);
  if (failed(made))
    return failure();
  repeated.erase();
  for (auto [k, index] : llvm::enumerate(moving))
    give(op, op->getResult(index), swapLeading(*builder, op.getLoc(), made->getResult(count + k)), flags);
  return success();
}

} // namespace gradus
