//===- Differentiate.cpp - gradus-differentiate: no derivative is left --------===//
//
// gradus.grad by reverse mode, gradus.jvp by forward mode, innermost regions first.
//
//===----------------------------------------------------------------------===//

#include "dialect/Jvp.h"
#include "passes/Passes.h"
#include "passes/diff/ForwardSweep.h"

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

/// Puts the tangents behind the ops of the region; fails with an error at the first op that has no derivative.
static FailureOr<SmallVector<Value>> differentiate(JvpOp jvp, const DerivativeTable &table) {
  Block &body = jvp.getBody().front();
  Activity activity;
  activity.active.insert(body.args_begin(), body.args_end());
  activity.follow(body);
  ForwardSweep sweep(table, jvp.getSeeds(), std::move(activity));
  OpBuilder builder(body.getParentOp()->getContext());
  builder.setInsertionPointToStart(&body);
  for (auto [argument, direction] : llvm::zip_equal(body.getArguments(), jvp.getDirections()))
    sweep.set(argument, {buildCast(builder, jvp.getLoc(), direction, sweep.tangentType(argument).getElementType())});
  if (failed(sweep.run(body)))
    return failure();
  builder.setInsertionPoint(body.getTerminator());
  SmallVector<Value> tangents;
  for (auto [value, result] : llvm::zip_equal(body.getTerminator()->getOperands(), jvp.getTangents())) {
    Value tangent = sweep.lookup(value).value;
    tangents.push_back(tangent ? buildCast(builder, jvp.getLoc(), tangent, arrayType(result).getElementType())
                               : buildFill(builder, jvp.getLoc(), result.getType(), 0.0)); // it does not depend on the points
  }
  return tangents;
}

/// Replaces an op by those of its region, whose arguments are `points`: its results are what the region yields, then `derivatives`.
static void open(Operation *op, ValueRange points, ArrayRef<Value> derivatives) {
  Block &body = op->getRegion(0).front();
  SmallVector<Value> results(body.getTerminator()->getOperands());
  llvm::append_range(results, derivatives);
  for (auto [argument, value] : llvm::zip_equal(body.getArguments(), points)) {
    argument.replaceAllUsesWith(value);
    for (Value &result : results)
      if (result == argument)
        result = value;
  }
  body.getTerminator()->erase();
  op->getBlock()->getOperations().splice(op->getIterator(), body.getOperations());
  op->replaceAllUsesWith(results);
  op->erase();
}

static LogicalResult expand(Operation *op, const DerivativeTable &table) {
  auto grad = dyn_cast<GradOp>(op);
  FailureOr<SmallVector<Value>> derivatives = grad ? differentiate(grad, table) : differentiate(cast<JvpOp>(op), table);
  if (failed(derivatives))
    return failure();
  open(op, grad ? grad.getWrt() : cast<JvpOp>(op).getPoints(), *derivatives);
  return success();
}

/// Derivatives in a derivative of one's own wait until someone asks for it: it may never be, and need not have a derivative itself.
static bool isAskedFor(Operation *op, Region &within) {
  for (Region *region = op->getParentRegion(); region != &within; region = region->getParentRegion())
    if (auto custom = dyn_cast<CustomOp>(region->getParentOp()); custom && region == &custom.getDerivative())
      return false;
  return true;
}

LogicalResult expandGradients(Region &region, const DerivativeTable &table) {
  SmallVector<Operation *> ops;
  region.walk([&](Operation *op) {
    if (isa<GradOp, JvpOp>(op) && isAskedFor(op, region))
      ops.push_back(op);
  });
  for (Operation *op : ops)
    if (failed(expand(op, table)))
      return failure(); // an outer derivative would only report the same op again
  return success();
}

namespace {
struct Differentiate : impl::DifferentiateBase<Differentiate> {
  using Base::Base;
  void runOnOperation() override {
    auto isDerivative = [](Operation *op) { return isa<GradOp, JvpOp>(op) ? WalkResult::interrupt() : WalkResult::advance(); };
    if (!getOperation()->walk(isDerivative).wasInterrupted())
      return markAllAnalysesPreserved();
    DerivativeTable table(&getContext());
    if (failed(expandGradients(getOperation()->getRegion(0), table)))
      signalPassFailure();
  }
};
} // namespace

} // namespace gradus
