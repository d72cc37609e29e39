//===- RulesReduce.cpp - Reverse rules of reductions and contractions ---------===//

#include "passes/diff/Rules.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace gradus {

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// `y`, the result of a reduction over `axes`, along the axes of `type`.
static Value spread(Value y, ArrayType type, ArrayRef<int64_t> axes, RuleContext &context) {
  return buildBroadcast(context.builder, context.loc, y, type, complementAxes(type.getRank(), axes));
}

/// Where x is the first element in row-major order that attains the extremum over `axes`. Along the first axis that is the
/// first slice whose own extremum is the largest, then within the slice the same for the axes that are left; so the mask is
/// the conjunction of one comparison an axis.
Value maskFirst(ReduceOp op, RuleContext &context) {
  OpBuilder &builder = context.builder;
  ArrayType type = arrayType(op.getX());
  ArrayType indexType = type.withElement(builder.getI64Type());
  ArrayRef<int64_t> axes = op.getAxes();
  Value mask;
  for (size_t k = 0; k < axes.size(); ++k) {
    Value extremum = buildReduce(builder, context.loc, op.getKind(), op.getX(), axes.drop_front(k + 1));
    ArrayType keptType = arrayType(extremum).dropAxes(axes[k]).withElement(builder.getI64Type());
    // The reduced axes all come after axes[k], so that it keeps its number.
    Value first = ArgReduceOp::create(builder, context.loc, keptType, op.getKind(), extremum, axes[k]);
    Value at = spread(first, indexType, axes.drop_front(k), context);
    Value index = IotaOp::create(builder, context.loc, indexType, axes[k]);
    Value here = CompareOp::create(builder, context.loc, ComparePredicate::Eq, index, at);
    mask = mask ? AndOp::create(builder, context.loc, mask, here).getResult() : here;
  }
  return mask;
}

/// The product over `axis` of all elements but the one at each position: x repeated along a second copy of the axis, with 1
/// on the diagonal. It is right with any number of zeros and to any order of derivative, at quadratic cost in the axis.
Value productOfOthers(Value x, int64_t axis, RuleContext &context) {
  OpBuilder &builder = context.builder;
  ArrayType type = arrayType(x);
  SmallVector<Attribute> shape(type.getShape());
  shape.insert(shape.begin() + axis + 1, shape[axis]);
  ArrayType wide = type.withShape(shape), index = wide.withElement(builder.getI64Type());
  // The axis of the result is `axis`, the axis that is multiplied `axis + 1`.
  Value rows = BroadcastOp::create(builder, context.loc, wide, x, complementAxes(wide.getRank(), axis));
  Value i = IotaOp::create(builder, context.loc, index, axis);
  Value j = IotaOp::create(builder, context.loc, index, axis + 1);
  Value diagonal = CompareOp::create(builder, context.loc, ComparePredicate::Eq, i, j);
  Value others = SelectOp::create(builder, context.loc, diagonal, buildFill(builder, context.loc, wide, 1.0), rows);
  return buildReduce(builder, context.loc, ReductionKind::Prod, others, axis + 1);
}

/// One axis after another, from the last: prod over (a, b) = prod over a of prod over b.
static Value reverseProduct(Value x, ArrayRef<int64_t> axes, Value dy, ReverseContext &context) {
  OpBuilder &builder = context.builder;
  if (axes.size() > 1) {
    Value inner = buildReduce(builder, context.loc, ReductionKind::Prod, x, axes.back());
    dy = reverseProduct(inner, axes.drop_back(), dy, context);
  }
  Value others = productOfOthers(x, axes.back(), context);
  Value wide = spread(dy, arrayType(x), axes.back(), context);
  return context.guard(wide, MulOp::create(builder, context.loc, others, wide));
}

static RuleResult reverse(ReduceOp op, Value dy, ReverseContext &context) {
  ArrayType type = arrayType(op.getX());
  if (type.getRank() == 0) {
    context.add(op.getX(), dy);
    return RuleResult::Done;
  }
  switch (op.getKind()) {
  case ReductionKind::Sum:
    context.add(op.getX(), spread(dy, type, op.getAxes(), context));
    return RuleResult::Done;
  case ReductionKind::Prod:
    context.add(op.getX(), op.getAxes().empty() ? dy : reverseProduct(op.getX(), op.getAxes(), dy, context));
    return RuleResult::Done;
  case ReductionKind::Max:
  case ReductionKind::Min: {
    Value wide = spread(dy, type, op.getAxes(), context);
    Value mask = maskFirst(op, context);
    Value zero = buildFill(context.builder, context.loc, type, 0.0);
    context.add(op.getX(), mask ? SelectOp::create(context.builder, context.loc, mask, wide, zero).getResult() : wide);
    return RuleResult::Done;
  }
  case ReductionKind::Any:
  case ReductionKind::All:
    return RuleResult::NoRule;
  }
  return RuleResult::NoRule;
}

/// softmax: e^(x - y), at most 1.
static RuleResult reverse(LogSumExpOp op, Value dy, ReverseContext &context) {
  ArrayType type = arrayType(op.getX());
  Value shifted = SubOp::create(context.builder, context.loc, op.getX(), spread(op.getY(), type, op.getAxes(), context));
  Value softmax = ExpOp::create(context.builder, context.loc, shifted);
  Value wide = spread(dy, type, op.getAxes(), context);
  context.add(op.getX(), context.guard(wide, MulOp::create(context.builder, context.loc, softmax, wide)));
  return RuleResult::Done;
}

/// x / |x|, and 0 at 0.
static RuleResult reverse(NormOp op, Value dy, ReverseContext &context) {
  OpBuilder &builder = context.builder;
  dy = context.toElement(dy, op.getType().getElementType());
  Value zero = buildFill(builder, context.loc, op.getType(), 0.0);
  Value atZero = CompareOp::create(builder, context.loc, ComparePredicate::Eq, op.getY(), zero);
  Value quotient = DivOp::create(builder, context.loc, dy, op.getY());
  Value scale = SelectOp::create(builder, context.loc, atZero, zero, quotient);
  Value wide = spread(scale, arrayType(op.getX()), op.getAxes(), context);
  Value contribution = MulOp::create(builder, context.loc, op.getX(), wide);
  context.add(op.getX(), context.guard(spread(dy, arrayType(op.getX()), op.getAxes(), context), contribution));
  return RuleResult::Done;
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

/// `x`, whose axes have `labels`, in the axes `wanted` of `type`: transposed, and repeated along the labels that it lacks.
static Value arrange(Factor x, ArrayRef<int64_t> wanted, ArrayType type, RuleContext &context) {
  SmallVector<int64_t> permutation, kept;
  SmallVector<Attribute> shape;
  for (auto [axis, label] : llvm::enumerate(wanted)) {
    auto *at = llvm::find(x.labels, label);
    if (at == x.labels.end())
      continue;
    permutation.push_back(at - x.labels.begin());
    shape.push_back(arrayType(x.value).getShape()[permutation.back()]);
    kept.push_back(axis);
  }
  Value y = x.value;
  if (!llvm::is_sorted(permutation))
    y = TransposeOp::create(context.builder, context.loc, arrayType(y).withShape(shape), y, permutation);
  return buildBroadcast(context.builder, context.loc, y, type, kept);
}

/// The same as contractTangent, product by product, so that where dy is 0 the other factor may be infinite.
static Value contractGuarded(Factor dy, Factor other, ArrayRef<int64_t> wanted, ArrayType type, RuleContext &context) {
  SmallVector<int64_t> labels; // those that are wanted, then those that are summed
  SmallVector<Attribute> shape;
  auto append = [&](const Factor &factor, bool isWanted) {
    for (auto [label, dim] : llvm::zip_equal(factor.labels, arrayType(factor.value).getShape()))
      if (llvm::is_contained(wanted, label) == isWanted && !llvm::is_contained(labels, label)) {
        labels.push_back(label);
        shape.push_back(dim);
      }
  };
  append(dy, true);
  append(other, true);
  SmallVector<int64_t> kept = labels;
  append(dy, false);
  append(other, false);
  ArrayType space = type.withShape(shape);
  Value t = arrange(dy, labels, space, context);
  Value product = context.guard(t, MulOp::create(context.builder, context.loc, t, arrange(other, labels, space, context)));
  Value sum = buildReduce(context.builder, context.loc, ReductionKind::Sum, product,
                          llvm::to_vector(llvm::seq<int64_t>(kept.size(), labels.size())));
  return wanted.empty() ? sum : arrange({sum, kept}, wanted, type, context);
}

Value contractTangent(Factor dy, Factor other, ArrayRef<int64_t> wanted, ArrayType type, RuleContext &context) {
  if (context.guardBy && context.unbounded.contains(other.value))
    return contractGuarded(dy, other, wanted, type, context);
  if (dy.labels.empty()) { // a scalar result: dy times the other factor
    SmallVector<int64_t> summed, left;
    for (auto [axis, label] : llvm::enumerate(other.labels)) {
      if (llvm::is_contained(wanted, label))
        left.push_back(label);
      else
        summed.push_back(axis);
    }
    Value rest = buildReduce(context.builder, context.loc, ReductionKind::Sum, other.value, summed);
    Value wide = arrange({rest, left}, wanted, type, context);
    return MulOp::create(context.builder, context.loc, buildBroadcast(context.builder, context.loc, dy.value, type, {}), wide);
  }
  Factor product;
  SmallVector<Attribute> shape;
  for (auto [axis, label] : llvm::enumerate(wanted)) {
    if (!llvm::is_contained(dy.labels, label) && !llvm::is_contained(other.labels, label))
      continue;
    product.labels.push_back(label);
    shape.push_back(type.getShape()[axis]);
  }
  ArrayType result = type.withShape(shape);
  if (result.isScalar())
    result = result.withElement(context.builder.getF64Type());
  Value left = context.toElement(dy.value, arrayType(other.value).getElementType());
  product.value = ContractOp::create(context.builder, context.loc, result, left, other.value, dy.labels, other.labels, product.labels);
  return result.isScalar() && wanted.empty() ? product.value : arrange(product, wanted, type, context);
}

static RuleResult reverse(ContractOp op, Value dy, ReverseContext &context) {
  Factor a{op.getA(), SmallVector<int64_t>(op.getLhs())}, b{op.getB(), SmallVector<int64_t>(op.getRhs())};
  Factor result{dy, SmallVector<int64_t>(op.getOut())};
  if (context.needs(a.value))
    context.add(a.value, contractTangent(result, b, a.labels, arrayType(a.value), context));
  if (context.needs(b.value))
    context.add(b.value, contractTangent(result, a, b.labels, arrayType(b.value), context));
  return RuleResult::Done;
}

//===----------------------------------------------------------------------===//
// Integer powers
//===----------------------------------------------------------------------===//

/// n x^(n - 1); n = 0 is taken as 0 * x^0, so that no negative power of 0 arises.
Value buildPartial(IntPowOp op, RuleContext &context) {
  OpBuilder &builder = context.builder;
  ArrayType type = op.getType();
  Type integer = op.getN().getType();
  Value zero = buildIntFill(builder, context.loc, integer, 0), one = buildIntFill(builder, context.loc, integer, 1);
  Value isZero = builder.createOrFold<CompareOp>(context.loc, ComparePredicate::Eq, op.getN(), zero);
  Value atLeast = builder.createOrFold<SelectOp>(context.loc, isZero, one, op.getN());
  Value less = builder.createOrFold<SubOp>(context.loc, atLeast, one);
  Value power = builder.createOrFold<IntPowOp>(context.loc, op.getX(), less);
  Value factor = builder.createOrFold<CastOp>(context.loc, ArrayType::scalar(builder.getF64Type()), op.getN());
  Value wide = buildBroadcast(builder, context.loc, factor, type, {});
  return MulOp::create(builder, context.loc, wide, power);
}

static RuleResult reverse(IntPowOp op, Value dy, ReverseContext &context) {
  dy = context.toElement(dy, op.getType().getElementType());
  context.add(op.getX(), context.guard(dy, MulOp::create(context.builder, context.loc, buildPartial(op, context), dy)));
  return RuleResult::Done;
}

RuleResult applyReduceRule(Operation *op, Value dy, ReverseContext &context) {
  return TypeSwitch<Operation *, RuleResult>(op)
      .Case<ReduceOp, LogSumExpOp, NormOp, ContractOp, IntPowOp>([&](auto known) { return reverse(known, dy, context); })
      .Default(RuleResult::NoRule);
}

} // namespace gradus
