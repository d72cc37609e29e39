//===- RulesOrder.cpp - Reverse rules of sorts and cumulative sums ------------===//

#include "passes/diff/Rules.h"

using namespace mlir;

namespace gradus {

/// y[k] = x[0] + .. + x[k], so x[k] is in y[k], .., y[size - 1].
static RuleResult reverse(CumulateOp op, Value dy, ReverseContext &context) {
  if (op.getKind() != ReductionKind::Sum)
    return RuleResult::NoRule;
  context.add(op.getX(), CumulateOp::create(context.builder, context.loc, op.getKind(), dy, op.getAxis(), !op.getReverse()));
  return RuleResult::Done;
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
    Attribute dim = type.getShape()[k];
    Value size = isa<IntegerAttr>(dim) ? ConstantOp::create(builder, context.loc, cast<IntegerAttr>(dim).getInt()).getResult()
                                       : DimOp::create(builder, context.loc, cast<StringAttr>(dim)).getResult();
    size = buildBroadcast(builder, context.loc, size, type, {});
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
