//===- Stabilize.cpp - gradus-stabilize: forms that do not overflow or cancel ---===//

#include "passes/Build.h"
#include "passes/Passes.h"
#include "passes/simplify/Patterns.h"

using namespace mlir;

namespace gradus {

#define GEN_PASS_DEF_STABILIZE
#include "passes/Passes.h.inc"

namespace {
#include "passes/simplify/Stability.inc"

/// e^x / broadcast(sum(e^x)) -> e^(x - broadcast(logsumexp(x)))
struct Softmax : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DivOp op, PatternRewriter &rewriter) const override {
    auto exp = op.getA().getDefiningOp<ExpOp>();
    auto wide = op.getB().getDefiningOp<BroadcastOp>();
    if (!exp || !wide)
      return rewriter.notifyMatchFailure(op, "no exponential over a broadcast");
    Value total = wide.getX();
    if (auto cast = total.getDefiningOp<CastOp>())
      total = cast.getX();
    auto sum = total.getDefiningOp<ReduceOp>();
    if (!sum || sum.getKind() != ReductionKind::Sum || sum.getAccumulate() || sum.getX() != exp.getResult() ||
        llvm::ArrayRef(complementAxes(op.getType().getRank(), sum.getAxes())) != wide.getAxes())
      return rewriter.notifyMatchFailure(op, "not the sum of the same exponentials");
    Location loc = op.getLoc();
    Value logSum = LogSumExpOp::create(rewriter, loc, sum.getType(), exp.getX(), sum.getAxes());
    Value shift = buildBroadcast(rewriter, loc, logSum, op.getType(), wide.getAxes());
    rewriter.replaceOpWithNewOp<ExpOp>(op, SubOp::create(rewriter, loc, exp.getX(), shift));
    return success();
  }
};

struct Stabilize : GreedyPass<impl::StabilizeBase<Stabilize>> {
  void populate(RewritePatternSet &set) override {
    populateWithGenerated(set);
    populatePullThroughBroadcast(set);
    set.add<Softmax>(set.getContext());
  }
};
} // namespace

} // namespace gradus
