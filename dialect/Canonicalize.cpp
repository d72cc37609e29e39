//===- Canonicalize.cpp - Canonical forms that build ops ----------------------===//

#include "dialect/Gradus.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace gradus;

//===----------------------------------------------------------------------===//
// Constants and inferred types
//===----------------------------------------------------------------------===//

LogicalResult ConstantOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, ValueRange, DictionaryAttr attributes,
                                           OpaqueProperties properties, RegionRange, SmallVectorImpl<Type> &types) {
  ElementsAttr value = properties ? properties.as<Properties *>()->value : nullptr;
  if (!value && attributes)
    value = attributes.getAs<ElementsAttr>("value");
  if (!value)
    return emitOptionalError(loc, "expects a value");
  Builder builder(context);
  SmallVector<Attribute> shape;
  for (int64_t size : value.getShapedType().getShape())
    shape.push_back(builder.getI64IntegerAttr(size));
  auto type = ArrayType::getChecked([&] { return mlir::emitError(loc.value_or(builder.getUnknownLoc())); }, context,
                                    ArrayRef<Attribute>(shape), value.getShapedType().getElementType());
  types.push_back(type);
  return success(static_cast<bool>(type));
}

void ConstantOp::build(OpBuilder &builder, OperationState &state, double value, Type element) {
  build(builder, state, DenseElementsAttr::get(RankedTensorType::get({}, element), builder.getFloatAttr(element, value)));
}
void ConstantOp::build(OpBuilder &builder, OperationState &state, int64_t value) {
  build(builder, state, DenseElementsAttr::get(RankedTensorType::get({}, builder.getI64Type()), value));
}
void ConstantOp::build(OpBuilder &builder, OperationState &state, bool value) {
  build(builder, state, DenseElementsAttr::get(RankedTensorType::get({}, builder.getI1Type()), value));
}

LogicalResult DimOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, ValueRange, DictionaryAttr, OpaqueProperties,
                                      RegionRange, SmallVectorImpl<Type> &types) {
  types.push_back(ArrayType::scalar(IntegerType::get(context, 64)));
  return success();
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {

/// int_pow(x, 2) -> mul(x, x): one multiplication, and a form that fuses.
struct SquareOfIntPow : OpRewritePattern<IntPowOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(IntPowOp op, PatternRewriter &rewriter) const override {
    DenseElementsAttr n;
    if (!matchPattern(op.getN(), m_Constant(&n)) || (*n.getValues<APInt>().begin()).getSExtValue() != 2)
      return rewriter.notifyMatchFailure(op, "the exponent is not the constant 2");
    rewriter.replaceOpWithNewOp<MulOp>(op, op.getX(), op.getX());
    return success();
  }
};

/// broadcast(broadcast(x)) -> broadcast(x) with the axes composed.
struct ComposeBroadcasts : OpRewritePattern<BroadcastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BroadcastOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<BroadcastOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "the operand is no broadcast");
    SmallVector<int64_t> axes;
    for (int64_t axis : inner.getAxes())
      axes.push_back(op.getAxes()[axis]);
    rewriter.replaceOpWithNewOp<BroadcastOp>(op, op.getType(), inner.getX(), axes);
    return success();
  }
};

} // namespace

void IntPowOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) { patterns.add<SquareOfIntPow>(context); }
void BroadcastOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) { patterns.add<ComposeBroadcasts>(context); }
