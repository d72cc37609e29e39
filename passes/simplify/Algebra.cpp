//===- Algebra.cpp - gradus-algebra: identities that change no bit --------------===//

#include "passes/Build.h"
#include "passes/Passes.h"
#include "passes/simplify/Patterns.h"

using namespace mlir;

namespace gradus {

#define GEN_PASS_DEF_ALGEBRA
#include "passes/Passes.h.inc"

namespace {
#include "passes/simplify/Algebra.inc"

struct Algebra : GreedyPass<impl::AlgebraBase<Algebra>> {
  void populate(RewritePatternSet &set) override {
    populateAlgebra(set);
    populatePullThroughBroadcast(set);
  }
};
} // namespace

void populateAlgebra(RewritePatternSet &set) { populateWithGenerated(set); }

} // namespace gradus
