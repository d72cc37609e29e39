//===- RulesOrder.cpp - Reverse rules of sorts and cumulations ----------------===//

#include "passes/diff/Rules.h"

#include <limits>

using namespace mlir;

namespace gradus {

namespace {

/// The places of the operand of a cumulation, in the order in which it goes through its axis.
class Along {
public:
  Along(ArrayType type, int64_t axis, bool isReverse, RuleContext &context)
      : builder(context.builder), loc(context.loc), type(type), counts(type.withElement(builder.getI64Type())), axis(axis), isReverse(isReverse) {}

  Value number(int64_t value) { return buildIntFill(builder, loc, counts, value); }
  Value place(int64_t of) { return IotaOp::create(builder, loc, counts, builder.getI64IntegerAttr(of)); }
  /// The indices of elements, of which that along the axis is `own`.
  SmallVector<Value> places(Value own) {
    SmallVector<Value> all;
    for (int64_t k = 0; k < type.getRank(); ++k)
      all.push_back(k == axis ? own : place(k));
    return all;
  }
  /// Where an element is the first one, or the last.
  Value isEnd(bool isFirst) {
    Value end = number(0);
    if (isFirst == isReverse) {
      Value size = buildSize(builder, loc, type.getShape()[axis]);
      end = SubOp::create(builder, loc, buildBroadcast(builder, loc, size, counts, {}), number(1));
    }
    return CompareOp::create(builder, loc, ComparePredicate::Eq, place(axis), end);
  }
  /// At each element that of `x` before it, or behind it; `otherwise` where there is none.
  Value neighbour(Value x, bool isBefore, double otherwise) {
    Value isNone = isEnd(isBefore);
    Value step = SelectOp::create(builder, loc, isNone, number(0), number(isBefore == isReverse ? 1 : -1));
    SmallVector<Value> all = places(AddOp::create(builder, loc, place(axis), step));
    Value moved = GatherOp::create(builder, loc, x.getType(), x, all, /*in_bounds=*/true);
    return SelectOp::create(builder, loc, isNone, buildFill(builder, loc, x.getType(), otherwise), moved);
  }
  /// With the axis before all others, or back from there.
  Value turn(Value x, bool isBack) {
    SmallVector<int64_t> permutation{axis}, inverse(type.getRank());
    for (int64_t k = 0; k < type.getRank(); ++k)
      if (k != axis)
        permutation.push_back(k);
    for (auto [k, from] : llvm::enumerate(permutation))
      inverse[from] = k;
    SmallVector<Attribute> shape;
    for (int64_t k : isBack ? inverse : permutation)
      shape.push_back(arrayType(x).getShape()[k]);
    return type.getRank() == 1 ? x : TransposeOp::create(builder, loc, arrayType(x).withShape(shape), x, isBack ? inverse : permutation).getResult();
  }

private:
  OpBuilder &builder;
  Location loc;
  ArrayType type, counts;
  int64_t axis;
  bool isReverse;
};

} // namespace

SmallVector<Value> findPlaces(CumulateOp op, Value x, Value y, int64_t axis, RuleContext &context) {
  OpBuilder &builder = context.builder;
  Location loc = context.loc;
  Along along(arrayType(x), axis, op.getReverse(), context);
  Value before = along.neighbour(y, /*isBefore=*/true, 0.0);
  auto keeps = op.getKind() == ReductionKind::Max ? ComparePredicate::Ge : ComparePredicate::Le;
  Value isOther = NotOp::create(builder, loc, CompareOp::create(builder, loc, keeps, before, x));
  Value isNumber = CompareOp::create(builder, loc, ComparePredicate::Eq, before, before);
  Value isNew = OrOp::create(builder, loc, along.isEnd(/*isFirst=*/true), AndOp::create(builder, loc, isNumber, isOther));
  Value none = along.number(op.getReverse() ? std::numeric_limits<int64_t>::max() : -1);
  Value own = SelectOp::create(builder, loc, isNew, along.place(axis), none);
  return along.places(CumulateOp::create(builder, loc, op.getReverse() ? ReductionKind::Min : ReductionKind::Max, own, axis, op.getReverse()));
}

Value buildNeighbour(Value x, Value like, int64_t axis, bool isReverse, double otherwise, RuleContext &context) {
  return context.toElement(Along(arrayType(x), axis, isReverse, context).neighbour(x, /*isBefore=*/true, otherwise), arrayType(like).getElementType());
}

Value solveRecurrence(Value given, Value factor, int64_t axis, bool isReverse, RuleContext &context) {
  OpBuilder &builder = context.builder;
  Location loc = context.loc;
  Along along(arrayType(given), axis, isReverse, context);
  Value steps = along.turn(given, false);
  ArrayType slice = arrayType(steps).dropAxes(0);
  if (slice.isScalar())
    slice = slice.withElement(builder.getF64Type());
  Value init = buildFill(builder, loc, slice, 0.0);
  auto scan = ScanOp::create(builder, loc, TypeRange(arrayType(steps).withElement(slice.getElementType())), ValueRange{steps, along.turn(factor, false)}, init, isReverse);
  OpBuilder::InsertionGuard insertion(builder);
  Block *block = builder.createBlock(&scan.getBody(), {}, {ArrayType::scalar(builder.getI64Type()), slice, slice, slice}, SmallVector<Location>(4, loc));
  Value carried = block->getArgument(3);
  Value product = context.guard(carried, MulOp::create(builder, loc, block->getArgument(2), carried));
  YieldOp::create(builder, loc, AddOp::create(builder, loc, block->getArgument(1), product).getResult());
  builder.setInsertionPointAfter(scan);
  return along.turn(context.toElement(scan.getYs().front(), arrayType(given).getElementType()), true);
}

/// y[k] = x[k] y[k - 1], so with a[k] = dy[k] + x[k + 1] a[k + 1], a recurrence the other way: dx[k] = y[k - 1] a[k]. Nothing is divided by an element.
static void reverseProduct(CumulateOp op, Value dy, ReverseContext &context) {
  auto axis = static_cast<int64_t>(op.getAxis());
  Value next = buildNeighbour(op.getX(), dy, axis, !op.getReverse(), 0.0, context);
  Value a = solveRecurrence(dy, next, axis, !op.getReverse(), context);
  Value before = buildNeighbour(op.getY(), dy, axis, op.getReverse(), 1.0, context);
  context.add(op.getX(), context.guard(a, MulOp::create(context.builder, context.loc, before, a)));
}

/// y[k] is the first of the largest of x[0], .., x[k], which gets what y[k] gets.
static void reverseExtremum(CumulateOp op, Value dy, ReverseContext &context) {
  SmallVector<Value> places = findPlaces(op, op.getX(), op.getY(), static_cast<int64_t>(op.getAxis()), context);
  Value zero = buildFill(context.builder, context.loc, dy.getType(), 0.0);
  context.add(op.getX(), ScatterAddOp::create(context.builder, context.loc, dy.getType(), zero, places, dy, /*in_bounds=*/true));
}

static RuleResult reverse(CumulateOp op, Value dy, ReverseContext &context) {
  switch (op.getKind()) {
  case ReductionKind::Sum: // x[k] is in y[k], .., y[size - 1]
    context.add(op.getX(), CumulateOp::create(context.builder, context.loc, op.getKind(), dy, op.getAxis(), !op.getReverse()));
    return RuleResult::Done;
  case ReductionKind::Prod:
    reverseProduct(op, dy, context);
    return RuleResult::Done;
  case ReductionKind::Max:
  case ReductionKind::Min:
    reverseExtremum(op, dy, context);
    return RuleResult::Done;
  case ReductionKind::Any:
  case ReductionKind::All:
    break;
  }
  return RuleResult::NoRule;
}

SmallVector<Value> findPlaces(SortOp op, RuleContext &context) {
  OpBuilder &builder = context.builder;
  ArrayType type = arrayType(op.getOrder());
  auto axis = static_cast<int64_t>(op.getAxis());
  SmallVector<Value> places(type.getRank());
  Value rest = op.getOrder();
  for (int64_t k = type.getRank(); k-- > 0;) {
    if (axis >= 0) {
      places[k] = k == axis ? rest : IotaOp::create(builder, context.loc, type, builder.getI64IntegerAttr(k)).getResult();
      continue;
    }
    // The number of an element among all, in row-major order.
    Value size = buildBroadcast(builder, context.loc, buildSize(builder, context.loc, type.getShape()[k]), type, {});
    places[k] = k == 0 ? rest : ModOp::create(builder, context.loc, rest, size).getResult();
    rest = k == 0 ? rest : IntDivOp::create(builder, context.loc, rest, size).getResult();
  }
  return places;
}

/// values[i] = x[order[i]]: what each value gets goes back to where it stood. At a tie that is the order of the operand.
static RuleResult reverse(SortOp op, Value dy, ReverseContext &context) {
  Value zero = buildFill(context.builder, context.loc, dy.getType(), 0.0);
  context.add(op.getX(), ScatterAddOp::create(context.builder, context.loc, zero, findPlaces(op, context), dy));
  return RuleResult::Done;
}

RuleResult applyOrderRule(Operation *op, Value dy, ReverseContext &context) {
  if (auto cumulate = dyn_cast<CumulateOp>(op))
    return reverse(cumulate, dy, context);
  if (auto sort = dyn_cast<SortOp>(op))
    return reverse(sort, dy, context);
  return RuleResult::NoRule;
}

} // namespace gradus
