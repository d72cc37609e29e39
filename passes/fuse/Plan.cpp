//===- Plan.cpp - What a fused function stores where -----------------------------===//

#include "passes/fuse/Plan.h"

using namespace mlir;

namespace gradus {

/// Whether `index` counts along an axis of size `dim`, so that it is always inside.
static bool isInside(Value index, Attribute dim) {
  Operation *op = index.getDefiningOp();
  if (auto iota = dyn_cast_or_null<IotaOp>(op))
    return cast<ArrayType>(iota.getType()).getShape()[iota.getAxis()] == dim;
  if (isa_and_nonnull<BroadcastOp, ReshapeOp, TransposeOp>(op))
    return isInside(op->getOperand(0), dim);
  return false;
}

bool canFail(Operation *op) {
  ValueRange indices;
  ArrayRef<Attribute> shape;
  if (auto gather = dyn_cast<GatherOp>(op)) {
    indices = gather.getIndices();
    shape = cast<ArrayType>(gather.getX().getType()).getShape();
  } else if (auto scatter = dyn_cast<ScatterAddOp>(op)) {
    indices = scatter.getIndices();
    shape = cast<ArrayType>(scatter.getX().getType()).getShape();
  }
  for (auto [index, dim] : llvm::zip_equal(indices, shape))
    if (!isInside(index, dim))
      return true;
  return false;
}

bool isReadElsewhere(Value value, function_ref<bool(Operation *)> isInBody) {
  SmallVector<Value> pending{value};
  llvm::DenseSet<Operation *> seen;
  while (!pending.empty())
    for (Operation *user : pending.pop_back_val().getUsers()) {
      if (!isInBody(user) || !seen.insert(user).second)
        continue;
      if (isa<YieldOp, ReduceOp, ArgReduceOp>(user))
        continue;
      if (!user->hasTrait<Pointwise>() && !isa<IntPowOp>(user))
        return true;
      llvm::append_range(pending, user->getResults());
    }
  return false;
}

/// The value of a phase that stands for a kernel's result outside, or null.
static Value getYielded(KernelOp kernel, Value value) {
  auto phase = dyn_cast<PhaseOp>(kernel->getParentOp());
  if (!phase)
    return {};
  for (OpOperand &use : value.getUses())
    if (isa<YieldOp>(use.getOwner()) && use.getOwner()->getParentOp() == phase)
      return phase.getResult(use.getOperandNumber());
  return {};
}

Plan::Plan(FuncOp func) : func(func) {
  func.walk<WalkOrder::PreOrder>([&](KernelOp kernel) {
    positions[kernel] = kernels.size();
    kernels.push_back(kernel);
  });
  auto ret = cast<ReturnOp>(func.getBody().front().getTerminator());
  for (KernelOp kernel : kernels)
    for (Value value : kernel.getStored()) {
      Storage where;
      where.lastRead = getPosition(kernel);
      for (Operation *user : value.getUsers())
        if (auto reader = dyn_cast<KernelOp>(user))
          where.lastRead = std::max(where.lastRead, getPosition(reader));
      if (Value outside = getYielded(kernel, value))
        for (OpOperand &use : outside.getUses())
          if (use.getOwner() == ret && where.result < 0) {
            where.result = use.getOperandNumber();
            where.argument = func.getResultOf(where.result);
          }
      decideHome(kernel, value, where);
      storage[value] = where;
    }
}

/// A result goes straight to its buffer unless that buffer is an argument that is still read, or a later check may
/// refuse the call.
void Plan::decideHome(KernelOp kernel, Value value, Storage &where) {
  if (cast<ArrayType>(value.getType()).isScalar()) {
    where.home = Home::Scalar;
    return;
  }
  if (where.result < 0) {
    where.home = Home::Workspace;
    return;
  }
  where.home = Home::Result;
  if (where.argument < 0)
    return;
  Value argument = func.getArgument(where.argument);
  for (KernelOp other : ArrayRef(kernels).drop_front(getPosition(kernel))) {
    bool mayRefuse = other.getBody().walk([](Operation *op) { return canFail(op) ? WalkResult::interrupt() : WalkResult::advance(); }).wasInterrupted();
    bool isOverwritten = false;
    for (auto [operand, inner] : llvm::zip_equal(other.getOperands(), other.getBody().getArguments()))
      if (operand == argument && (other != kernel || isReadElsewhere(inner, [](Operation *) { return true; })))
        isOverwritten = true;
    if (mayRefuse || isOverwritten)
      where.home = Home::Deferred;
  }
}

} // namespace gradus
