//===- Differentiate.cpp - gradus-differentiate: no gradus.grad is left -------===//
//
// Reverse mode, innermost regions first.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/diff/ReverseSweep.h"

using namespace mlir;

namespace gradus {

#define GEN_PASS_DEF_DIFFERENTIATE
#include "passes/Passes.h.inc"

/// Appends the gradients to the region; fails with an error at the first op that has no derivative.
static FailureOr<SmallVector<Value>> differentiate(GradOp grad, const DerivativeTable &table) {
  Block &body = grad.getBody().front();
  Operation *yield = body.getTerminator();
  SmallVector<Operation *> ops;
  for (Operation &op : body.without_terminator())
    ops.push_back(&op);
  OpBuilder builder(yield);
  Activity sources;
  sources.active.insert(body.args_begin(), body.args_end());
  ReverseSweep sweep(table, builder, std::move(sources));
  sweep.enter(body);
  Value one = ConstantOp::create(builder, yield->getLoc(), 1.0, builder.getF64Type());
  sweep.add(yield, yield->getOperand(0), one, {});
  if (failed(sweep.run(ops)))
    return failure();
  SmallVector<Value> gradients;
  for (Value argument : body.getArguments()) {
    Value gradient = sweep.lookup(argument).value;
    if (!gradient) // the loss does not depend on it
      gradient = buildFill(builder, grad.getLoc(), argument.getType(), 0.0);
    gradients.push_back(buildCast(builder, grad.getLoc(), gradient, arrayType(argument).getElementType()));
  }
  return gradients;
}

/// Replaces `grad` by the ops of its region and those of its gradients.
static LogicalResult expand(GradOp grad, const DerivativeTable &table) {
  FailureOr<SmallVector<Value>> gradients = differentiate(grad, table);
  if (failed(gradients))
    return failure();
  Block &body = grad.getBody().front();
  SmallVector<Value> results{body.getTerminator()->getOperand(0)};
  llvm::append_range(results, *gradients);
  for (auto [argument, value] : llvm::zip_equal(body.getArguments(), grad.getWrt())) {
    argument.replaceAllUsesWith(value);
    for (Value &result : results)
      if (result == argument)
        result = value;
  }
  body.getTerminator()->erase();
  grad->getBlock()->getOperations().splice(grad->getIterator(), body.getOperations());
  grad->replaceAllUsesWith(results);
  grad.erase();
  return success();
}

/// Gradients in a derivative of one's own wait until someone asks for it: it may never be, and need not have a derivative itself.
static bool isAskedFor(GradOp grad, Region &within) {
  for (Region *region = grad->getParentRegion(); region != &within; region = region->getParentRegion())
    if (auto custom = dyn_cast<CustomOp>(region->getParentOp()); custom && region == &custom.getDerivative())
      return false;
  return true;
}

LogicalResult expandGradients(Region &region, const DerivativeTable &table) {
  SmallVector<GradOp> grads;
  region.walk([&](GradOp grad) {
    if (isAskedFor(grad, region))
      grads.push_back(grad);
  });
  for (GradOp grad : grads)
    if (failed(expand(grad, table)))
      return failure(); // an outer gradient would only report the same op again
  return success();
}

namespace {
struct Differentiate : impl::DifferentiateBase<Differentiate> {
  using Base::Base;
  void runOnOperation() override {
    if (!getOperation()->walk([](GradOp) { return WalkResult::interrupt(); }).wasInterrupted())
      return markAllAnalysesPreserved();
    DerivativeTable table(&getContext());
    if (failed(expandGradients(getOperation()->getRegion(0), table)))
      signalPassFailure();
  }
};
} // namespace

} // namespace gradus
