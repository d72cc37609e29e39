//===- Decompose.cpp - logsumexp and norm in terms of reductions ----------------===//
//
// Both stay whole until every derivative has been taken, because their own derivatives are better than those of their parts.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/simplify/Patterns.h"

#include <limits>

namespace gradus {
#define GEN_PASS_DEF_DECOMPOSE
#include "passes/Passes.h.inc"
} // namespace gradus

using namespace mlir;
using namespace gradus;

static ArrayType arrayOf(Value value) { return cast<ArrayType>(value.getType()); }

/// Repeats a value of the shape of a reduction's result along the reduced axes again, in the type of `like`.
static Value expand(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> axes, ArrayType like) {
  Value cast = builder.createOrFold<CastOp>(loc, arrayOf(value).withElement(like.getElementType()), value);
  SmallVector<int64_t> kept;
  for (int64_t axis = 0; axis < like.getRank(); ++axis)
    if (!llvm::is_contained(axes, axis))
      kept.push_back(axis);
  return builder.createOrFold<BroadcastOp>(loc, like, cast, kept);
}

/// A constant of the type of `like`.
static Value fill(OpBuilder &builder, Location loc, double value, ArrayType like) {
  Value scalar = ConstantOp::create(builder, loc, value, like.getElementType());
  return builder.createOrFold<BroadcastOp>(loc, like, scalar, ArrayRef<int64_t>{});
}

namespace {

/// m = max x; s = m where it is finite, else 0; y = s + log(sum(exp(x - s))).
///
/// No exponential of a positive number is taken while m is finite. With s = 0 for an infinite m a row of -inf gives
/// log 0 = -inf and a row with +inf gives +inf, where x - m would be NaN. A NaN gives NaN.
struct DecomposeLogSumExp : OpRewritePattern<LogSumExpOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LogSumExpOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    ArrayType type = arrayOf(op.getX()), result = arrayOf(op.getY());
    Value most = ReduceOp::create(rewriter, loc, result, ReductionKind::Max, op.getX(), op.getAxes(), TypeAttr());
    Value size = AbsOp::create(rewriter, loc, most);
    Value bound = fill(rewriter, loc, std::numeric_limits<double>::infinity(), result);
    Value isFinite = CompareOp::create(rewriter, loc, ComparePredicate::Lt, size, bound);
    Value shift = SelectOp::create(rewriter, loc, isFinite, most, fill(rewriter, loc, 0.0, result));
    Value shifted = SubOp::create(rewriter, loc, op.getX(), expand(rewriter, loc, shift, op.getAxes(), type));
    Value sum = ReduceOp::create(rewriter, loc, result, ReductionKind::Sum, ExpOp::create(rewriter, loc, shifted), op.getAxes(), TypeAttr());
    rewriter.replaceOpWithNewOp<AddOp>(op, shift, LogOp::create(rewriter, loc, sum));
    return success();
  }
};

/// y = sqrt(sum(x * x)).
struct DecomposeNorm : OpRewritePattern<NormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(NormOp op, PatternRewriter &rewriter) const override {
    Value square = MulOp::create(rewriter, op.getLoc(), op.getX(), op.getX());
    Value sum = ReduceOp::create(rewriter, op.getLoc(), op.getType(), ReductionKind::Sum, square, op.getAxes(), TypeAttr());
    rewriter.replaceOpWithNewOp<SqrtOp>(op, sum);
    return success();
  }
};

struct Decompose : WalkPass<gradus::impl::DecomposeBase<Decompose>> {
  void populate(RewritePatternSet &set) override { set.add<DecomposeLogSumExp, DecomposeNorm>(set.getContext()); }
};

} // namespace
