//===- Decompose.cpp - logsumexp and norm in terms of reductions ----------------===//
//
// Both stay whole until every derivative has been taken, because their own derivatives are better than those of their parts.
//
//===----------------------------------------------------------------------===//

#include "passes/Build.h"
#include "passes/Passes.h"
#include "passes/simplify/Patterns.h"

#include <limits>

namespace gradus {
#define GEN_PASS_DEF_DECOMPOSE
#include "passes/Passes.h.inc"
} // namespace gradus

using namespace mlir;
using namespace gradus;

namespace {

/// m = max x; s = m where it is finite, else 0; y = s + log(sum(exp(x - s))).
///
/// No exponential of a positive number is taken while m is finite. With s = 0 for an infinite m a row of -inf gives
/// log 0 = -inf and a row with +inf gives +inf, where x - m would be NaN. A NaN gives NaN.
struct DecomposeLogSumExp : OpRewritePattern<LogSumExpOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LogSumExpOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    ArrayType type = arrayType(op.getX()), result = arrayType(op.getY());
    Value most = ReduceOp::create(rewriter, loc, result, ReductionKind::Max, op.getX(), op.getAxes(), TypeAttr());
    Value size = AbsOp::create(rewriter, loc, most);
    Value bound = buildFill(rewriter, loc, result, std::numeric_limits<double>::infinity());
    Value isFinite = CompareOp::create(rewriter, loc, ComparePredicate::Lt, size, bound);
    Value shift = SelectOp::create(rewriter, loc, isFinite, most, buildFill(rewriter, loc, result, 0.0));
    Value shifted = SubOp::create(rewriter, loc, op.getX(), buildBroadcast(rewriter, loc, shift, type, complementAxes(type.getRank(), op.getAxes())));
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
