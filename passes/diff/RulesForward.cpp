//===- RulesForward.cpp - Forward rules of ops that move, add or choose elements -===//
//
// A linear op applies itself to the tangent. In front of the axes that an op names stands that of the directions, if there is one.
//
//===----------------------------------------------------------------------===//

#include "passes/diff/ForwardSweep.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace gradus {

using Values = SmallVector<Value>;

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

/// The indices of a read or write for each direction, the number of the direction first.
static Values placesBehind(ValueRange indices, ArrayType shape, ForwardContext &context) {
  Values places;
  if (context.seeds) {
    ArrayType type = context.behind(shape).withElement(context.builder.getI64Type());
    places.push_back(IotaOp::create(context.builder, context.loc, type, context.builder.getI64IntegerAttr(0)));
  }
  for (Value index : indices)
    places.push_back(context.wide(index));
  return places;
}

static Type elementOf(Value x) { return arrayType(x).getElementType(); }
static ArrayType resultType(Value y, Type element, ForwardContext &context) { return context.behind(arrayType(y).withElement(element)); }

static ForwardRule forward(BroadcastOp op, ForwardContext &context) {
  Type element = ReverseSweep::cotangentType(op.getY()).getElementType();
  Value t = context.toElement(context.tangent(op.getX()), element);
  SmallVector<int64_t> axes = context.axesBehind(op.getAxes());
  if (context.seeds)
    axes.insert(axes.begin(), 0);
  return Values{BroadcastOp::create(context.builder, context.loc, resultType(op.getY(), element, context), t, axes)};
}

static ForwardRule forward(ReshapeOp op, ForwardContext &context) {
  Value t = context.tangent(op.getX());
  return Values{ReshapeOp::create(context.builder, context.loc, resultType(op.getY(), elementOf(t), context), t)};
}

static ForwardRule forward(TransposeOp op, ForwardContext &context) {
  Value t = context.tangent(op.getX());
  SmallVector<int64_t> permutation = context.axesBehind(op.getPermutation());
  if (context.seeds)
    permutation.insert(permutation.begin(), 0);
  return Values{TransposeOp::create(context.builder, context.loc, resultType(op.getY(), elementOf(t), context), t, permutation)};
}

/// Rounding counts as the identity.
static ForwardRule forward(CastOp op, ForwardContext &context) { return Values{context.tangent(op.getX())}; }

static ForwardRule forward(ConcatOp op, ForwardContext &context) {
  Type element = ReverseSweep::cotangentType(op.getY()).getElementType();
  Values parts;
  for (Value part : op.getParts())
    parts.push_back(context.orZero(part, element));
  return Values{ConcatOp::create(context.builder, context.loc, resultType(op.getY(), element, context), parts, op.getAxis() + context.shift())};
}

static Value gather(Value t, ValueRange indices, Value y, bool isInBounds, ForwardContext &context) {
  Values places = placesBehind(indices, arrayType(y), context);
  return GatherOp::create(context.builder, context.loc, resultType(y, elementOf(t), context), t, places, isInBounds);
}

static ForwardRule forward(GatherOp op, ForwardContext &context) {
  return Values{gather(context.tangent(op.getX()), op.getIndices(), op.getY(), op.getInBounds(), context)};
}

static ForwardRule forward(ScatterAddOp op, ForwardContext &context) {
  Type element = ReverseSweep::cotangentType(op.getY()).getElementType();
  Value x = context.orZero(op.getX(), element);
  if (!context.tangent(op.getUpdates()))
    return Values{x};
  Value updates = context.orZero(op.getUpdates(), element);
  Values places = placesBehind(op.getIndices(), arrayType(op.getUpdates()), context);
  return Values{ScatterAddOp::create(context.builder, context.loc, x.getType(), x, places, updates, op.getInBounds())};
}

/// What is written over loses its tangent.
static ForwardRule forward(ScatterOp op, ForwardContext &context) {
  Type element = ReverseSweep::cotangentType(op.getY()).getElementType();
  Value x = context.orZero(op.getX(), element), updates = context.orZero(op.getUpdates(), element);
  Values places = placesBehind(op.getIndices(), arrayType(op.getUpdates()), context);
  return Values{ScatterOp::create(context.builder, context.loc, x.getType(), x, places, updates, op.getInBounds())};
}

//===----------------------------------------------------------------------===//
// Order and transforms
//===----------------------------------------------------------------------===//

/// y[k] = x[k] y[k - 1], so dy[k] = y[k - 1] dx[k] + x[k] dy[k - 1].
static Value forwardProduct(CumulateOp op, int64_t axis, ForwardContext &context) {
  Value dx = context.tangent(op.getX()), before = buildNeighbour(context.wide(op.getY()), dx, axis, op.getReverse(), 1.0, context);
  Value given = context.guard(dx, MulOp::create(context.builder, context.loc, before, dx));
  Value factor = context.toElement(context.wide(op.getX()), arrayType(dx).getElementType());
  return solveRecurrence(given, factor, axis, op.getReverse(), context);
}

static ForwardRule forward(CumulateOp op, ForwardContext &context) {
  int64_t axis = op.getAxis() + context.shift();
  Value dx = context.tangent(op.getX());
  switch (op.getKind()) {
  case ReductionKind::Sum:
    return Values{CumulateOp::create(context.builder, context.loc, op.getKind(), dx, axis, op.getReverse())};
  case ReductionKind::Prod:
    return Values{forwardProduct(op, axis, context)};
  case ReductionKind::Max:
  case ReductionKind::Min: {
    SmallVector<Value> places = findPlaces(op, context.wide(op.getX()), context.wide(op.getY()), axis, context);
    return Values{GatherOp::create(context.builder, context.loc, dx.getType(), dx, places, /*in_bounds=*/true)};
  }
  case ReductionKind::Any:
  case ReductionKind::All:
    break;
  }
  return failure();
}

/// values[i] = x[order[i]], and so the tangents.
static ForwardRule forward(SortOp op, ForwardContext &context) {
  return Values{gather(context.tangent(op.getX()), findPlaces(op, context), op.getValues(), /*isInBounds=*/true, context), Value()};
}

static ForwardRule forward(FftOp op, ForwardContext &context) {
  Type element = elementOf(op.getYre());
  Value re = context.orZero(op.getRe(), element), im = context.orZero(op.getIm(), element);
  auto turned = FftOp::create(context.builder, context.loc, re.getType(), im.getType(), re, im, op.getAxis() + context.shift(), op.getInverse());
  return Values{turned.getYre(), turned.getYim()};
}

ForwardRule applyForwardShapeRule(Operation *op, ForwardContext &context) {
  return llvm::TypeSwitch<Operation *, ForwardRule>(op)
      .Case<BroadcastOp, CastOp, ConcatOp, CumulateOp, FftOp, GatherOp, ReshapeOp, ScatterAddOp, ScatterOp, SortOp, TransposeOp>(
          [&](auto known) { return forward(known, context); })
      .Default([](Operation *) { return ForwardRule(failure()); });
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// `y`, the result of a reduction over `axes`, along the axes of `x`.
static Value spread(Value y, Value x, ArrayRef<int64_t> axes, RuleContext &context) {
  return buildBroadcast(context.builder, context.loc, y, arrayType(x), complementAxes(arrayType(x).getRank(), axes));
}

static Value sum(Value t, ArrayRef<int64_t> axes, ForwardContext &context) {
  return buildReduce(context.builder, context.loc, ReductionKind::Sum, t, context.axesBehind(axes));
}

static Value multiply(Value a, Value b, ForwardContext &context) { return MulOp::create(context.builder, context.loc, a, b); }

/// One axis after another, from the last: the sum over the axis of what moves times the product of the others.
static Value forwardProduct(Value x, ArrayRef<int64_t> axes, Value t, ForwardContext &context) {
  if (axes.size() > 1) {
    t = forwardProduct(x, axes.back(), t, context);
    x = buildReduce(context.builder, context.loc, ReductionKind::Prod, x, axes.back());
    return forwardProduct(x, axes.drop_back(), t, context);
  }
  t = context.toElement(t, elementOf(x));
  Value others = context.wide(productOfOthers(x, axes.front(), context));
  return sum(context.guard(t, multiply(others, t, context)), axes.front(), context);
}

static ForwardRule forward(ReduceOp op, ForwardContext &context) {
  Value t = context.tangent(op.getX());
  if (op.getAxes().empty())
    return Values{t};
  switch (op.getKind()) {
  case ReductionKind::Sum:
    return Values{sum(t, op.getAxes(), context)};
  case ReductionKind::Prod:
    return Values{forwardProduct(op.getX(), op.getAxes(), t, context)};
  case ReductionKind::Max:
  case ReductionKind::Min: {
    Value mask = context.wide(maskFirst(op, context)), zero = buildFill(context.builder, context.loc, t.getType(), 0.0);
    return Values{sum(SelectOp::create(context.builder, context.loc, mask, t, zero), op.getAxes(), context)};
  }
  case ReductionKind::Any:
  case ReductionKind::All:
    break;
  }
  return failure();
}

/// The mean of the tangents with the weights of softmax, e^(x - y).
static ForwardRule forward(LogSumExpOp op, ForwardContext &context) {
  Value x = op.getX(), t = context.toElement(context.tangent(x), elementOf(x));
  Value shifted = SubOp::create(context.builder, context.loc, x, spread(op.getY(), x, op.getAxes(), context));
  Value softmax = context.wide(ExpOp::create(context.builder, context.loc, shifted));
  return Values{sum(context.guard(t, multiply(softmax, t, context)), op.getAxes(), context)};
}

/// <x, x'> / |x|, and 0 at 0.
static ForwardRule forward(NormOp op, ForwardContext &context) {
  OpBuilder &builder = context.builder;
  Value x = op.getX(), t = context.toElement(context.tangent(x), elementOf(x));
  Value inner = sum(context.guard(t, multiply(context.wide(x), t, context)), op.getAxes(), context);
  Value y = context.toElement(context.wide(op.getY()), elementOf(inner)), zero = buildFill(builder, context.loc, inner.getType(), 0.0);
  Value atZero = CompareOp::create(builder, context.loc, ComparePredicate::Eq, y, zero);
  return Values{SelectOp::create(builder, context.loc, atZero, zero, DivOp::create(builder, context.loc, inner, y))};
}

static ForwardRule forward(ContractOp op, ForwardContext &context) {
  Factor a{op.getA(), SmallVector<int64_t>(op.getLhs())};
  Factor b{op.getB(), SmallVector<int64_t>(op.getRhs())};
  SmallVector<int64_t> out(op.getOut());
  int64_t direction = 0;
  for (int64_t label : llvm::concat<const int64_t>(op.getLhs(), op.getRhs()))
    direction = std::max(direction, label + 1);
  if (context.seeds)
    out.insert(out.begin(), direction);
  Value total;
  for (auto [moving, other] : {std::pair(a, b), std::pair(b, a)}) {
    Value t = context.tangent(moving.value);
    if (!t)
      continue;
    Factor tangent{t, moving.labels};
    if (context.seeds)
      tangent.labels.insert(tangent.labels.begin(), direction);
    ArrayType type = resultType(op.getY(), elementOf(other.value), context);
    Value part = contractTangent(tangent, other, out, type, context);
    total = total ? AddOp::create(context.builder, context.loc, total, part).getResult() : part;
  }
  return Values{total};
}

static ForwardRule forward(IntPowOp op, ForwardContext &context) {
  Value t = context.toElement(context.tangent(op.getX()), elementOf(op.getX()));
  return Values{context.guard(t, multiply(context.wide(buildPartial(op, context)), t, context))};
}

ForwardRule applyForwardReduceRule(Operation *op, ForwardContext &context) {
  return llvm::TypeSwitch<Operation *, ForwardRule>(op)
      .Case<ContractOp, IntPowOp, LogSumExpOp, NormOp, ReduceOp>([&](auto known) { return forward(known, context); })
      .Default([](Operation *) { return ForwardRule(failure()); });
}

} // namespace gradus
