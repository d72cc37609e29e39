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

/// m = max x; s = m where it is finite, else the largest or smallest number; y = s + log(sum(exp(x - s))).
///
/// What is exp(x - y) elsewhere takes its exponentials from the sum. x - s is never a number above 0. A row of -inf gives s + log 0 = -inf, where x - m would be NaN.
/// In a row with +inf its exponential is NaN, which is cheap, and y is m = +inf. In a row with NaN the exponentials may be anything, and s and y are NaN.
struct DecomposeLogSumExp : OpRewritePattern<LogSumExpOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LogSumExpOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    ArrayType type = arrayType(op.getX()), result = arrayType(op.getY());
    Value most = ReduceOp::create(rewriter, loc, result, ReductionKind::Max, op.getX(), op.getAxes(), TypeAttr());
    double largest = type.getElementType().isF64() ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max();
    Value below = MinOp::create(rewriter, loc, most, buildFill(rewriter, loc, result, largest));
    Value shift = MaxOp::create(rewriter, loc, below, buildFill(rewriter, loc, result, -largest));
    Value shifted = SubOp::create(rewriter, loc, op.getX(), buildBroadcast(rewriter, loc, shift, type, complementAxes(type.getRank(), op.getAxes())));
    auto powers = ExpOp::create(rewriter, loc, shifted);
    powers->setAttr(notPositiveAttribute, rewriter.getUnitAttr());
    Value sum = ReduceOp::create(rewriter, loc, result, ReductionKind::Sum, powers, op.getAxes(), TypeAttr());
    Value infinite = CompareOp::create(rewriter, loc, ComparePredicate::Gt, most, shift); // only +inf is more than the largest number
    shareExponentials(op, powers, sum, shift, infinite, rewriter);
    Value finite = AddOp::create(rewriter, loc, shift, LogOp::create(rewriter, loc, sum));
    rewriter.replaceOpWithNewOp<SelectOp>(op, infinite, most, finite);
    return success();
  }

  /// softmax, exp(x - y), is exp(x - s) / sum: the exponentials are those of the sum. In a row with +inf, where the sum is infinite, that has NaN as its share, and every
  /// number 0. In a row with NaN, whose s is NaN, all shares are: 1 + (s - s) is 1 elsewhere.
  static void shareExponentials(LogSumExpOp op, Value powers, Value sum, Value shift, Value infinite, PatternRewriter &rewriter) {
    Location loc = op.getLoc();
    ArrayType type = arrayType(op.getX());
    SmallVector<int64_t> kept = complementAxes(type.getRank(), op.getAxes());
    SmallVector<Operation *> shares;
    for (Operation *user : op.getY().getUsers()) {
      auto repeated = dyn_cast<BroadcastOp>(user);
      if (!repeated || repeated.getType() != type || repeated.getAxes() != ArrayRef<int64_t>(kept))
        continue;
      for (Operation *next : repeated.getResult().getUsers())
        if (auto less = dyn_cast<SubOp>(next); less && less.getA() == op.getX() && less.getB() == repeated.getResult())
          llvm::copy_if(less.getResult().getUsers(), std::back_inserter(shares), [](Operation *last) { return isa<ExpOp>(last); });
    }
    if (shares.empty())
      return;
    Value one = AddOp::create(rewriter, loc, buildFill(rewriter, loc, arrayType(sum), 1.0), SubOp::create(rewriter, loc, shift, shift));
    Value inverse = DivOp::create(rewriter, loc, one, sum);
    Value each = SelectOp::create(rewriter, loc, infinite, buildFill(rewriter, loc, arrayType(sum), 0.0), inverse);
    Value share = MulOp::create(rewriter, loc, powers, buildBroadcast(rewriter, loc, each, type, kept));
    for (Operation *old : shares)
      rewriter.replaceOp(old, share);
    if (share.hasOneUse())
      scaleOnce(powers, each, *share.user_begin(), kept, rewriter);
  }

  /// (e * each) * s, where s too is the same for all e of a sum, is e * (each * s): one product for each of them. What e is multiplied by is between s and s / (the number
  /// of them), so that nothing is lost at the ends of the range.
  static void scaleOnce(Value powers, Value each, Operation *user, ArrayRef<int64_t> kept, PatternRewriter &rewriter) {
    auto product = dyn_cast<MulOp>(user);
    if (!product)
      return;
    for (Value other : {product.getA(), product.getB()}) {
      auto repeated = other.getDefiningOp<BroadcastOp>();
      if (!repeated || !llvm::all_of(repeated.getAxes(), [&](int64_t axis) { return llvm::is_contained(kept, axis); }))
        continue;
      SmallVector<int64_t> axes;
      for (int64_t axis : repeated.getAxes())
        axes.push_back(llvm::find(kept, axis) - kept.begin());
      PatternRewriter::InsertionGuard guard(rewriter);
      rewriter.setInsertionPoint(product);
      Location loc = product.getLoc();
      Value scale = MulOp::create(rewriter, loc, each, buildBroadcast(rewriter, loc, repeated.getX(), arrayType(each), axes));
      rewriter.replaceOpWithNewOp<MulOp>(product, powers, buildBroadcast(rewriter, loc, scale, arrayType(powers), kept));
      return;
    }
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
