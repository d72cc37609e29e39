//===- DerivativeTable.cpp - The rows of Derivatives.td, one op at a time -----===//

#include "passes/diff/Rules.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Rewrite/FrozenRewritePatternSet.h"
#include "mlir/Rewrite/PatternApplicator.h"

using namespace mlir;

namespace gradus {

namespace {
#include "passes/diff/Derivatives.inc"

/// Keeps what a row put in the place of a gradus.partial.
struct CaptureReplacement : RewriterBase::Listener {
  void notifyOperationReplaced(Operation *op, ValueRange replacement) override {
    if (isa<PartialOp>(op))
      value = replacement.front();
  }
  Value value;
};
} // namespace

struct DerivativeTable::Impl {
  explicit Impl(MLIRContext *context) : patterns(collect(context)), applicator(patterns) { applicator.applyDefaultCostModel(); }
  static FrozenRewritePatternSet collect(MLIRContext *context) {
    RewritePatternSet set(context);
    populateWithGenerated(set);
    return std::move(set);
  }
  FrozenRewritePatternSet patterns;
  PatternApplicator applicator;
};

DerivativeTable::DerivativeTable(MLIRContext *context) : impl(std::make_unique<Impl>(context)) {}
DerivativeTable::~DerivativeTable() = default;

Value DerivativeTable::apply(OpBuilder &builder, Value result, Value t, int64_t operand) const {
  Operation *op = result.getDefiningOp();
  if (isMissing(op, operand))
    return {};
  auto partial = PartialOp::create(builder, result.getLoc(), result, t, operand);
  CaptureReplacement capture;
  PatternRewriter rewriter(builder.getContext());
  rewriter.setListener(&capture);
  rewriter.setInsertionPoint(partial);
  if (failed(impl->applicator.matchAndRewrite(partial, rewriter))) {
    partial.erase();
    return {};
  }
  return spoil(builder, op, operand, capture.value);
}

bool DerivativeTable::isFaulty(Operation *op, unsigned operand) const {
  bool isMet = fault && op->getName().getStringRef() == fault->op && operand == fault->operand;
  faultMet |= isMet;
  return isMet;
}

bool DerivativeTable::isMissing(Operation *op, unsigned operand) const {
  return fault && fault->kind == DerivativeFault::Kind::Missing && isFaulty(op, operand);
}

Value DerivativeTable::spoil(OpBuilder &builder, Operation *op, unsigned operand, Value contribution) const {
  if (!fault || fault->kind == DerivativeFault::Kind::Missing || !isFaulty(op, operand))
    return contribution;
  if (fault->kind == DerivativeFault::Kind::Flipped)
    return NegOp::create(builder, op->getLoc(), contribution);
  return MulOp::create(builder, op->getLoc(), contribution, buildFill(builder, op->getLoc(), contribution.getType(), 1.5));
}

} // namespace gradus
