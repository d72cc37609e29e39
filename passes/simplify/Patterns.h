//===- Patterns.h - What the passes of this folder share ------------------------===//

#pragma once

#include "dialect/Gradus.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace gradus {

/// f(broadcast(a), broadcast(b)) -> broadcast(f(a, b)).
void populatePullThroughBroadcast(mlir::RewritePatternSet &patterns);

/// The forms of Stability.td, and those that it cannot say.
void populateStability(mlir::RewritePatternSet &patterns);
/// The identities of Algebra.td.
void populateAlgebra(mlir::RewritePatternSet &patterns);

/// A pass that is a set of patterns, built once for a context.
template <typename PassBase>
class PatternPass : public PassBase {
public:
  using PassBase::PassBase;
  llvm::LogicalResult initialize(mlir::MLIRContext *context) override {
    mlir::RewritePatternSet set(context);
    populate(set);
    patterns = std::move(set);
    return llvm::success();
  }

protected:
  virtual void populate(mlir::RewritePatternSet &set) = 0;
  mlir::FrozenRewritePatternSet patterns;
};

/// Applies its patterns until none matches.
template <typename PassBase>
class GreedyPass : public PatternPass<PassBase> {
public:
  using PatternPass<PassBase>::PatternPass;
  void runOnOperation() override {
    if (failed(mlir::applyPatternsGreedily(this->getOperation(), this->patterns)))
      this->signalPassFailure();
  }
};

/// Meets every op once. Tests are left as they were written.
template <typename PassBase>
class WalkPass : public PatternPass<PassBase> {
public:
  using PatternPass<PassBase>::PatternPass;
  void runOnOperation() override {
    if (this->getOperation().getKind() != FuncKind::Test)
      mlir::walkAndApplyPatterns(this->getOperation(), this->patterns);
  }
};

} // namespace gradus
