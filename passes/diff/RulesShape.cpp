//===- RulesShape.cpp - Reverse rules of ops that move or repeat elements -----===//

#include "passes/diff/Rules.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace gradus {

/// Repeating is adding in reverse: over the new axes, and over those where a size of 1 was repeated.
static void reverse(BroadcastOp op, Value dy, ReverseContext &context) {
  ArrayType from = arrayType(op.getX()), to = op.getType();
  SmallVector<int64_t> summed = complementAxes(to.getRank(), op.getAxes());
  SmallVector<int64_t> kept;
  for (auto [k, axis] : llvm::enumerate(op.getAxes())) {
    if (from.getShape()[k] != to.getShape()[axis])
      summed.push_back(axis);
    else
      kept.push_back(k);
  }
  llvm::sort(summed);
  Value dx = buildReduce(context.builder, context.loc, ReductionKind::Sum, dy, summed);
  if (arrayType(dx).getShape() != from.getShape()) // put the axes of size 1 back
    dx = buildBroadcast(context.builder, context.loc, dx, from.withElement(arrayType(dy).getElementType()), kept);
  context.add(op.getX(), dx);
}

static void reverse(ReshapeOp op, Value dy, ReverseContext &context) {
  context.add(op.getX(), ReshapeOp::create(context.builder, context.loc, arrayType(dy).withShape(arrayType(op.getX()).getShape()), dy));
}

static void reverse(TransposeOp op, Value dy, ReverseContext &context) {
  SmallVector<int64_t> inverse(op.getPermutation().size());
  for (auto [k, axis] : llvm::enumerate(op.getPermutation()))
    inverse[axis] = k;
  ArrayType type = arrayType(dy).withShape(arrayType(op.getX()).getShape());
  context.add(op.getX(), TransposeOp::create(context.builder, context.loc, type, dy, inverse));
}

/// Rounding counts as the identity; a value that is no float carries no derivative.
static void reverse(CastOp op, Value dy, ReverseContext &context) { context.add(op.getX(), dy); }

static void reverse(GatherOp op, Value dy, ReverseContext &context) {
  Type element = arrayType(dy).isScalar() ? op.getType().getElementType() : arrayType(dy).getElementType();
  ArrayType type = arrayType(op.getX()).withElement(element);
  Value zero = buildFill(context.builder, context.loc, type, 0.0);
  context.add(op.getX(), ScatterAddOp::create(context.builder, context.loc, type, zero, op.getIndices(), context.toElement(dy, element), op.getInBounds()));
}

static void reverse(ScatterAddOp op, Value dy, ReverseContext &context) {
  context.add(op.getX(), dy);
  if (!context.needs(op.getUpdates()))
    return;
  ArrayType type = arrayType(op.getUpdates()).withElement(arrayType(dy).getElementType());
  context.add(op.getUpdates(), GatherOp::create(context.builder, context.loc, type, dy, op.getIndices(), op.getInBounds()));
}

/// Along the axes of `type`: 0, 1, 2, ..
static Value buildCounts(ReverseContext &context, ArrayType type, int64_t axis) {
  ArrayType counts = type.withElement(context.builder.getI64Type());
  return IotaOp::create(context.builder, context.loc, counts, context.builder.getI64IntegerAttr(axis));
}

/// Each part takes its slice.
static void reverse(ConcatOp op, Value dy, ReverseContext &context) {
  OpBuilder &builder = context.builder;
  int64_t axis = op.getAxis();
  Value begin = ConstantOp::create(builder, context.loc, int64_t(0));
  for (Value part : op.getParts()) {
    ArrayType type = arrayType(dy).withShape(arrayType(part).getShape());
    if (context.needs(part)) {
      SmallVector<Value> indices;
      for (int64_t k = 0; k < type.getRank(); ++k)
        indices.push_back(buildCounts(context, type, k));
      Value offset = buildBroadcast(builder, context.loc, begin, arrayType(indices[axis]), {});
      indices[axis] = builder.createOrFold<AddOp>(context.loc, indices[axis], offset);
      context.add(part, GatherOp::create(builder, context.loc, type, dy, indices, /*in_bounds=*/true));
    }
    begin = builder.createOrFold<AddOp>(context.loc, begin, buildSize(context.builder, context.loc, type.getShape()[axis]));
  }
}

/// The number of each point in row-major order.
static Value buildNumbers(ReverseContext &context, ArrayType type) {
  OpBuilder &builder = context.builder;
  Value number = buildCounts(context, type, 0);
  for (int64_t axis = 1; axis < type.getRank(); ++axis) {
    Value size = buildBroadcast(builder, context.loc, buildSize(context.builder, context.loc, type.getShape()[axis]), arrayType(number), {});
    number = AddOp::create(builder, context.loc, MulOp::create(builder, context.loc, number, size), buildCounts(context, type, axis));
  }
  return number;
}

/// What is written over loses its derivative; of several writes to a place, all but the last do.
static void reverse(ScatterOp op, Value dy, ReverseContext &context) {
  OpBuilder &builder = context.builder;
  Location loc = context.loc;
  ArrayType type = arrayType(dy), updates = arrayType(op.getUpdates()).withElement(type.getElementType());
  if (context.needs(op.getX()))
    context.add(op.getX(), ScatterOp::create(builder, loc, type, dy, op.getIndices(), buildFill(builder, loc, updates, 0.0), op.getInBounds()));
  if (!context.needs(op.getUpdates()))
    return;
  Value du = GatherOp::create(builder, loc, updates, dy, op.getIndices(), op.getInBounds());
  if (updates.getRank() != 0) {
    ArrayType ints = type.withElement(builder.getI64Type());
    Value numbers = buildNumbers(context, updates), none = buildIntFill(builder, loc, ints, -1);
    Value last = ScatterOp::create(builder, loc, ints, none, op.getIndices(), numbers, op.getInBounds());
    Value winner = GatherOp::create(builder, loc, arrayType(numbers), last, op.getIndices(), op.getInBounds());
    Value isLast = CompareOp::create(builder, loc, ComparePredicate::Eq, winner, numbers);
    du = SelectOp::create(builder, loc, isLast, du, buildFill(builder, loc, updates, 0.0));
  }
  context.add(op.getUpdates(), du);
}

RuleResult applyShapeRule(Operation *op, Value dy, ReverseContext &context) {
  return TypeSwitch<Operation *, RuleResult>(op)
      .Case<BroadcastOp, CastOp, ConcatOp, GatherOp, ReshapeOp, ScatterAddOp, ScatterOp, TransposeOp>([&](auto known) {
        reverse(known, dy, context);
        return RuleResult::Done;
      })
      .Default(RuleResult::NoRule);
}

} // namespace gradus
