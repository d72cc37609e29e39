//===- FormContractions.cpp - gradus-form-contractions: sums of products ---------===//
//
// Index notation writes a matrix product as a sum over a product of broadcasts. The axes of that product are the labels of the
// contraction.
//
//===----------------------------------------------------------------------===//

#include "passes/Build.h"
#include "passes/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace gradus {

#define GEN_PASS_DEF_FORMCONTRACTIONS
#include "passes/Passes.h.inc"

namespace {

/// An array and the label of each of its axes.
struct Factor {
  Value value;
  SmallVector<int64_t> labels;

  bool has(int64_t label) const { return llvm::is_contained(labels, label); }

  /// Looks through a transpose, which only renames axes.
  void absorbTranspose() {
    auto transpose = value.getDefiningOp<TransposeOp>();
    if (!transpose)
      return;
    SmallVector<int64_t> before(labels.size());
    for (auto [k, axis] : llvm::enumerate(transpose.getPermutation()))
      before[axis] = labels[k];
    labels = before;
    value = transpose.getX();
  }
};

/// `x` with its axes numbered, seen through a broadcast that repeats no axis of size 1.
Factor readFactor(Value x) {
  ArrayType type = arrayType(x);
  Factor factor{x, complementAxes(type.getRank(), {})};
  if (auto wide = x.getDefiningOp<BroadcastOp>()) {
    for (auto [k, axis] : llvm::enumerate(wide.getAxes()))
      if (arrayType(wide.getX()).getShape()[k] != type.getShape()[axis])
        return factor;
    factor = {wide.getX(), SmallVector<int64_t>(wide.getAxes())};
  }
  factor.absorbTranspose();
  return factor;
}

/// Whether an array repeats elements of another at places that are formulas of its own: windows, as x[i + j]. To store them for a contraction
/// takes many times the memory of what they are read from.
bool isWindows(Value x) {
  auto gather = x.getDefiningOp<GatherOp>();
  if (!gather || gather.getType().getRank() <= arrayType(gather.getX()).getRank())
    return false;
  SmallVector<Value> pending(gather.getIndices());
  llvm::DenseSet<Operation *> seen;
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val().getDefiningOp();
    if (!op || !isa<AddOp, BroadcastOp, ConstantOp, DimOp, IotaOp, MulOp, SubOp>(op))
      return false;
    if (seen.insert(op).second)
      llvm::append_range(pending, op->getOperands());
  }
  return true;
}

/// sum(broadcast(a) * broadcast(b)) -> contract(a, b), where both have a summed axis and one lacks an axis of the result
struct FormContraction : OpRewritePattern<ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReduceOp op, PatternRewriter &rewriter) const override {
    auto product = op.getX().getDefiningOp<MulOp>();
    if (op.getKind() != ReductionKind::Sum || op.getAccumulate() || !product || !arrayType(product).isFloat())
      return rewriter.notifyMatchFailure(op, "no sum of products");
    Factor a = readFactor(product.getA()), b = readFactor(product.getB());
    SmallVector<int64_t> out = complementAxes(arrayType(product).getRank(), op.getAxes());
    bool isShared = llvm::any_of(op.getAxes(), [&](int64_t axis) { return a.has(axis) && b.has(axis); });
    bool isEverywhere = llvm::all_of(op.getAxes(), [&](int64_t axis) { return a.has(axis) || b.has(axis); });
    bool isLacking = llvm::any_of(out, [&](int64_t axis) { return a.has(axis) != b.has(axis); });
    bool isComplete = llvm::all_of(out, [&](int64_t axis) { return a.has(axis) || b.has(axis); });
    if (!isShared || !isEverywhere || !isLacking || !isComplete || isWindows(a.value) || isWindows(b.value))
      return rewriter.notifyMatchFailure(op, "no contraction");
    rewriter.replaceOpWithNewOp<ContractOp>(op, op.getType(), a.value, b.value, a.labels, b.labels, out);
    return success();
  }
};

/// contract(transpose(a), b) -> contract(a, b) with a's labels permuted
struct AbsorbTransposes : OpRewritePattern<ContractOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ContractOp op, PatternRewriter &rewriter) const override {
    Factor a{op.getA(), SmallVector<int64_t>(op.getLhs())}, b{op.getB(), SmallVector<int64_t>(op.getRhs())};
    a.absorbTranspose();
    b.absorbTranspose();
    if (a.value == op.getA() && b.value == op.getB())
      return rewriter.notifyMatchFailure(op, "no operand is a transpose");
    rewriter.replaceOpWithNewOp<ContractOp>(op, op.getType(), a.value, b.value, a.labels, b.labels, op.getOut());
    return success();
  }
};

/// contract(a, b) with the same labels in both -> sum(a * b): a dot product, which fuses with what surrounds it
struct DissolveDot : OpRewritePattern<ContractOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ContractOp op, PatternRewriter &rewriter) const override {
    if (op.getLhs() != op.getRhs() || op.getOut().size() >= op.getLhs().size() || op.getA().getType() != op.getB().getType() ||
        !llvm::is_sorted(op.getOut(), [&](int64_t a, int64_t b) { return llvm::find(op.getLhs(), a) < llvm::find(op.getLhs(), b); }))
      return rewriter.notifyMatchFailure(op, "a factor lacks an axis");
    SmallVector<int64_t> axes;
    for (auto [axis, label] : llvm::enumerate(op.getLhs()))
      if (!llvm::is_contained(op.getOut(), label))
        axes.push_back(axis);
    Value product = MulOp::create(rewriter, op.getLoc(), op.getA(), op.getB());
    rewriter.replaceOp(op, buildReduce(rewriter, op.getLoc(), ReductionKind::Sum, product, axes));
    return success();
  }
};

struct FormContractions : impl::FormContractionsBase<FormContractions> {
  using Base::Base;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FormContraction, AbsorbTransposes, DissolveDot>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

} // namespace gradus
