//===- Stabilize.cpp - gradus-stabilize: forms that do not overflow or cancel ---===//

#include "passes/Build.h"
#include "passes/Passes.h"
#include "passes/simplify/Patterns.h"

#include <cmath>

using namespace mlir;

namespace gradus {

/// Whether `x` is bounded by -log 2, as one of the forms of log(1 - e^x) has it.
static bool isBounded(Value x) {
  return isa_and_nonnull<MaxOp, MinOp>(x.getDefiningOp()) && isFill(x.getDefiningOp()->getOperand(1), -0.6931471805599453);
}

/// Whether `r` is what stands where x is not near 0.
static bool isGuarded(Value r) {
  return llvm::any_of(r.getUsers(), [&](Operation *user) {
    auto select = dyn_cast<SelectOp>(user);
    auto compare = select && select.getB() == r ? select.getC().getDefiningOp<CompareOp>() : CompareOp();
    return compare && compare.getPredicate() == ComparePredicate::Lt && compare.getA().getDefiningOp<AbsOp>();
  });
}

/// |x| < radius.
static Value buildIsNear(OpBuilder &builder, Location loc, Value x, double radius) {
  Value size = AbsOp::create(builder, loc, x);
  return CompareOp::create(builder, loc, ComparePredicate::Lt, size, buildFill(builder, loc, x.getType(), radius));
}

/// x where |x| < radius, else 0: what a choice leaves out neither overflows nor gives its derivatives 0 times infinity.
static Value buildBounded(OpBuilder &builder, Location loc, Value x, double radius) {
  return SelectOp::create(builder, loc, buildIsNear(builder, loc, x, radius), x, buildFill(builder, loc, x.getType(), 0.0));
}

/// x / (sqrt(1 + x) + 1) for |x| < 1.
static Value buildRootQuotient(OpBuilder &builder, Location loc, Value x) {
  Value y = buildBounded(builder, loc, x, 1.0), one = buildFill(builder, loc, x.getType(), 1.0);
  Value root = SqrtOp::create(builder, loc, AddOp::create(builder, loc, one, y));
  return DivOp::create(builder, loc, y, AddOp::create(builder, loc, root, one));
}

/// x (x / (hypot(x, 1) + 1)) for |x| < 1.
static Value buildHypotQuotient(OpBuilder &builder, Location loc, Value x) {
  Value y = buildBounded(builder, loc, x, 1.0), one = buildFill(builder, loc, x.getType(), 1.0);
  Value more = AddOp::create(builder, loc, HypotOp::create(builder, loc, y, one), one);
  return MulOp::create(builder, loc, y, DivOp::create(builder, loc, y, more));
}

/// 1 + z / n[0] (1 + z / n[1] (1 + ..
static Value buildNested(OpBuilder &builder, Location loc, Value z, llvm::ArrayRef<double> n) {
  Value one = buildFill(builder, loc, z.getType(), 1.0), sum = one;
  for (double divisor : llvm::reverse(n)) {
    Value term = MulOp::create(builder, loc, MulOp::create(builder, loc, z, buildFill(builder, loc, z.getType(), 1 / divisor)), sum);
    sum = AddOp::create(builder, loc, one, term);
  }
  return sum;
}

/// For |x| < 1: x^3 / 6 (1 - x^2 / (4 5) (1 - x^2 / (6 7) (1 - ..
static Value buildSineSeries(OpBuilder &builder, Location loc, Value x) {
  llvm::SmallVector<double> n;
  for (int k = 5; k <= 27; k += 2)
    n.push_back(-(k - 1.0) * k);
  x = buildBounded(builder, loc, x, 1.0);
  Value square = MulOp::create(builder, loc, x, x), sixth = buildFill(builder, loc, x.getType(), 1.0 / 6);
  return MulOp::create(builder, loc, MulOp::create(builder, loc, MulOp::create(builder, loc, square, x), sixth), buildNested(builder, loc, square, n));
}

/// For |x| < 1/4: x^2 / 2 (1 + x / 3 (1 + x / 4 (1 + ..
static Value buildExpSeries(OpBuilder &builder, Location loc, Value x) {
  llvm::SmallVector<double> n;
  for (int k = 3; k <= 20; ++k)
    n.push_back(k);
  x = buildBounded(builder, loc, x, 0.25);
  Value square = MulOp::create(builder, loc, x, x), half = buildFill(builder, loc, x.getType(), 0.5);
  return MulOp::create(builder, loc, MulOp::create(builder, loc, square, half), buildNested(builder, loc, x, n));
}

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

/// The mean of `x` over `axes`, if `value` is sum(x) / n with as many elements as n says; else null.
static ReduceOp readMean(Value value) {
  auto quotient = value.getDefiningOp<DivOp>();
  auto sum = quotient ? quotient.getA().getDefiningOp<ReduceOp>() : nullptr;
  if (!sum || sum.getKind() != ReductionKind::Sum || sum.getAxes().size() != 1)
    return nullptr;
  // n: a cast size, repeated where the mean is an array.
  Value count = quotient.getB();
  while (isa_and_nonnull<BroadcastOp, CastOp>(count.getDefiningOp()))
    count = count.getDefiningOp()->getOperand(0);
  Attribute dim = arrayType(sum.getX()).getShape()[sum.getAxes().front()];
  if (auto size = count.getDefiningOp<DimOp>())
    return dim == size.getSymbolAttr() ? sum : nullptr;
  auto number = dyn_cast<IntegerAttr>(dim);
  return number && (getFill(count) == static_cast<double>(number.getInt()) || getInteger(count) == number.getInt()) ? sum : nullptr;
}

/// What `value` is the square of; else null.
static Value readSquare(Value value) {
  if (auto product = value.getDefiningOp<MulOp>(); product && product.getA() == product.getB())
    return product.getA();
  auto power = value.getDefiningOp<IntPowOp>();
  return power && getInteger(power.getN()) == 2 ? power.getX() : Value();
}

/// mean(x^2) - mean(x)^2 -> mean((x - mean(x))^2), where the difference cancels for data far from 0
struct Variance : OpRewritePattern<SubOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SubOp op, PatternRewriter &rewriter) const override {
    ReduceOp ofSquares = readMean(op.getA());
    Value mean = readSquare(op.getB()), x = ofSquares ? readSquare(ofSquares.getX()) : Value();
    ReduceOp plain = mean ? readMean(mean) : nullptr;
    if (!x || !plain || plain.getX() != x || plain.getAxes() != ofSquares.getAxes() || plain.getType() != ofSquares.getType() || !arrayType(x).isFloat())
      return rewriter.notifyMatchFailure(op, "not the mean of squares less the square of the mean");
    Location loc = op.getLoc();
    ArrayType type = arrayType(x);
    Value wide = buildBroadcast(rewriter, loc, mean, type, complementAxes(type.getRank(), plain.getAxes()));
    Value away = SubOp::create(rewriter, loc, x, wide);
    Value sum = ReduceOp::create(rewriter, loc, plain.getType(), ReductionKind::Sum, MulOp::create(rewriter, loc, away, away), plain.getAxes(),
                                 plain.getAccumulateAttr());
    rewriter.replaceOpWithNewOp<DivOp>(op, sum, op.getA().getDefiningOp<DivOp>().getB());
    return success();
  }
};

struct Stabilize : GreedyPass<impl::StabilizeBase<Stabilize>> {
  void populate(RewritePatternSet &set) override {
    populateStability(set);
    populatePullThroughBroadcast(set);
  }
};
} // namespace

void populateStability(RewritePatternSet &set) {
  populateWithGenerated(set);
  set.add<Softmax, Variance>(set.getContext());
}

} // namespace gradus
