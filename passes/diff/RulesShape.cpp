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
  context.add(op.getX(), ScatterAddOp::create(context.builder, context.loc, type, zero, op.getIndices(), context.toElement(dy, element)));
}

static void reverse(ScatterAddOp op, Value dy, ReverseContext &context) {
  context.add(op.getX(), dy);
  if (!context.needs(op.getUpdates()))
    return;
  ArrayType type = arrayType(op.getUpdates()).withElement(arrayType(dy).getElementType());
  context.add(op.getUpdates(), GatherOp::create(context.builder, context.loc, type, dy, op.getIndices()));
}

RuleResult applyShapeRule(Operation *op, Value dy, ReverseContext &context) {
  return TypeSwitch<Operation *, RuleResult>(op)
      .Case<BroadcastOp, ReshapeOp, TransposeOp, CastOp, GatherOp, ScatterAddOp>([&](auto known) {
        reverse(known, dy, context);
        return RuleResult::Done;
      })
      .Default(RuleResult::NoRule);
}

} // namespace gradus
