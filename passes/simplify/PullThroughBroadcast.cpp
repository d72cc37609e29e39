//===- PullThroughBroadcast.cpp - Compute before repeating --------------------===//
//
// An elementwise op whose operands all repeat smaller arrays is computed on those. Where they are of rank 0 it is computed in
// f64, once per call, and rounded once: what the language says of subexpressions of rank 0.
//
//===----------------------------------------------------------------------===//

#include "passes/Build.h"
#include "passes/simplify/Patterns.h"

using namespace mlir;

namespace gradus {

/// The f64 value that the rank-0 floating `x` was rounded from, or `x` widened.
static Value unround(PatternRewriter &rewriter, Location loc, Value x) {
  if (auto cast = x.getDefiningOp<CastOp>(); cast && arrayType(cast.getX()).getElementType().isF64())
    return cast.getX();
  return buildCast(rewriter, loc, x, rewriter.getF64Type());
}

/// What the operands of `op` repeat, the largest of it with its places; what has rank 0 may stand beside it. Null where they do not all repeat alike.
static BroadcastOp findRepeated(Operation *op, SmallVector<Value> &sources) {
  BroadcastOp largest;
  for (Value operand : op->getOperands()) {
    auto source = operand.getDefiningOp<BroadcastOp>();
    if (!source)
      return {};
    if (!largest || arrayType(source.getX()).getRank() > arrayType(largest.getX()).getRank())
      largest = source;
  }
  for (Value operand : op->getOperands()) {
    auto source = operand.getDefiningOp<BroadcastOp>();
    bool isAlike = source.getX().getType() == largest.getX().getType() && source.getAxes() == largest.getAxes();
    if (!isAlike && arrayType(source.getX()).getRank() != 0)
      return {};
    sources.push_back(source.getX());
  }
  return largest;
}

namespace {

/// f(broadcast(a), broadcast(b), ..) -> broadcast(f(a, b, ..)) for a, b, .. repeated along the same axes or of rank 0.
struct PullPointwise : RewritePattern {
  explicit PullPointwise(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!op->hasTrait<Pointwise>() || isa<CastOp, CompareOp, SelectOp, StochasticCastOp>(op) || op->getNumOperands() == 0)
      return rewriter.notifyMatchFailure(op, "not elementwise in numbers");
    ArrayType type = arrayType(op->getResult(0));
    if (!type.isFloat())
      return rewriter.notifyMatchFailure(op, "no float");
    SmallVector<Value> operands;
    BroadcastOp largest = findRepeated(op, operands);
    if (!largest)
      return rewriter.notifyMatchFailure(op, "operands do not repeat along the same axes");
    ArrayType small = arrayType(largest.getX());
    Location loc = op->getLoc();
    for (Value &operand : operands)
      operand = small.isScalar() ? unround(rewriter, loc, operand) : buildBroadcast(rewriter, loc, operand, small, {});
    Type result = small.isScalar() ? Type(small.withElement(rewriter.getF64Type())) : Type(small);
    Operation *before = rewriter.create(loc, op->getName().getIdentifier(), operands, result, op->getAttrs());
    Value y = buildCast(rewriter, loc, before->getResult(0), type.getElementType());
    rewriter.replaceOpWithNewOp<BroadcastOp>(op, type, y, largest.getAxes());
    return success();
  }
};

/// compare(broadcast(a), broadcast(b)) -> broadcast(compare(a, b)). Not where both have rank 0: they are compared as rounded.
struct PullCompare : OpRewritePattern<CompareOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CompareOp op, PatternRewriter &rewriter) const override {
    SmallVector<Value> operands;
    BroadcastOp largest = findRepeated(op, operands);
    if (!largest || arrayType(largest.getX()).isScalar())
      return rewriter.notifyMatchFailure(op, "operands do not repeat the same axes");
    for (Value &operand : operands)
      operand = buildBroadcast(rewriter, op.getLoc(), operand, arrayType(largest.getX()), {});
    Value y = CompareOp::create(rewriter, op.getLoc(), op.getPredicate(), operands[0], operands[1]);
    rewriter.replaceOpWithNewOp<BroadcastOp>(op, op.getType(), y, largest.getAxes());
    return success();
  }
};

/// cast(broadcast(x)) -> broadcast(cast(x))
struct PullCast : OpRewritePattern<CastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CastOp op, PatternRewriter &rewriter) const override {
    auto source = op.getX().getDefiningOp<BroadcastOp>();
    if (!source)
      return rewriter.notifyMatchFailure(op, "the operand is no broadcast");
    Value x = buildCast(rewriter, op.getLoc(), source.getX(), op.getType().getElementType());
    rewriter.replaceOpWithNewOp<BroadcastOp>(op, op.getType(), x, source.getAxes());
    return success();
  }
};

/// int_pow(broadcast(x), n) -> broadcast(int_pow(x, n))
struct PullIntPow : OpRewritePattern<IntPowOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(IntPowOp op, PatternRewriter &rewriter) const override {
    auto source = op.getX().getDefiningOp<BroadcastOp>();
    if (!source || !op.getType().isFloat())
      return rewriter.notifyMatchFailure(op, "the base is no broadcast of floats");
    Value x = source.getX();
    if (arrayType(x).isScalar())
      x = unround(rewriter, op.getLoc(), x);
    Value y = IntPowOp::create(rewriter, op.getLoc(), x, op.getN());
    y = buildCast(rewriter, op.getLoc(), y, op.getType().getElementType());
    rewriter.replaceOpWithNewOp<BroadcastOp>(op, op.getType(), y, source.getAxes());
    return success();
  }
};

} // namespace

void populatePullThroughBroadcast(RewritePatternSet &patterns) {
  patterns.add<PullCast, PullCompare, PullIntPow, PullPointwise>(patterns.getContext());
}

} // namespace gradus
