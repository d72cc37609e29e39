//===- ExpandCustom.cpp - gradus-expand-custom: own derivatives are done with ----===//
//
// Once no derivative is asked for any more, a gradus.custom is its body.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"

using namespace mlir;

namespace gradus {

#define GEN_PASS_DEF_EXPANDCUSTOM
#include "passes/Passes.h.inc"

static void expand(CustomOp op) {
  Block &body = op.getBody().front();
  for (auto [argument, x] : llvm::zip_equal(body.getArguments(), op.getXs()))
    argument.replaceAllUsesWith(x);
  Operation *yield = body.getTerminator();
  op->replaceAllUsesWith(yield->getOperands());
  yield->erase();
  op->getBlock()->getOperations().splice(op->getIterator(), body.getOperations());
  op.erase();
}

namespace {
struct ExpandCustom : impl::ExpandCustomBase<ExpandCustom> {
  using Base::Base;
  void runOnOperation() override {
    SmallVector<CustomOp> ops;
    getOperation()->walk([&](CustomOp op) { ops.push_back(op); }); // innermost first
    if (ops.empty())
      return markAllAnalysesPreserved();
    llvm::for_each(ops, expand);
  }
};
} // namespace

} // namespace gradus
