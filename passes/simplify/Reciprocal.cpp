//===- Reciprocal.cpp - gradus-reciprocal: one division per call -----------------===//

#include "passes/Build.h"
#include "passes/Passes.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

using namespace mlir;

namespace gradus {

#define GEN_PASS_DEF_RECIPROCAL
#include "passes/Passes.h.inc"

namespace {

/// x / broadcast(cast(s)) -> x * broadcast(cast(1 / s)), s an f64 of rank 0
struct MultiplyByReciprocal : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DivOp op, PatternRewriter &rewriter) const override {
    auto wide = op.getB().getDefiningOp<BroadcastOp>();
    if (!wide || !arrayType(wide.getX()).isScalar())
      return rewriter.notifyMatchFailure(op, "the divisor is no scalar");
    Value scalar = wide.getX();
    if (auto rounded = scalar.getDefiningOp<CastOp>())
      scalar = rounded.getX();
    if (!arrayType(scalar).getElementType().isF64())
      return rewriter.notifyMatchFailure(op, "the divisor is not computed in f64");
    Location loc = op.getLoc();
    Value one = ConstantOp::create(rewriter, loc, 1.0, rewriter.getF64Type());
    Value reciprocal = rewriter.createOrFold<DivOp>(loc, one, scalar);
    rewriter.replaceOpWithNewOp<MulOp>(op, op.getA(), buildBroadcast(rewriter, loc, reciprocal, op.getType(), {}));
    return success();
  }
};

struct Reciprocal : impl::ReciprocalBase<Reciprocal> {
  using Base::Base;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<MultiplyByReciprocal>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace

} // namespace gradus
