//===- Algebra.cpp - gradus-algebra: identities that change no bit --------------===//

#include "passes/Build.h"
#include "passes/Passes.h"
#include "passes/simplify/Patterns.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace gradus {

#define GEN_PASS_DEF_ALGEBRA
#include "passes/Passes.h.inc"

namespace {
#include "passes/simplify/Algebra.inc"

struct Algebra : impl::AlgebraBase<Algebra> {
  using Base::Base;
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    populateWithGenerated(set);
    populatePullThroughBroadcast(set);
    patterns = std::move(set);
    return success();
  }
  void runOnOperation() override {
    if (failed(applyPatternsGreedily(getOperation(), patterns)))
      signalPassFailure();
  }
  FrozenRewritePatternSet patterns;
};
} // namespace

} // namespace gradus
