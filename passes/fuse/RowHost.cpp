//===- RowHost.cpp - What waits where a result will stand --------------------------===//
//
// What is read in a nest alone has room for a block of rows. If a result of the function is made of it, point by point, by the last kernel that reads it, the
// room may be that of the result: the exponentials of softmax stand where the gradient will. So fewer lines go through the caches.
//
// A result that replaces an argument may be written so early only if nobody reads the argument any more. Single elements of its rows (the logit of the label) are
// read by a kernel of their own before.
//
//===----------------------------------------------------------------------------===//

#include "passes/fuse/Plan.h"
#include "passes/fuse/RowNest.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace gradus {

static bool isAnywhere(Operation *) { return true; }

/// The arguments of the body of a kernel that stand for an array.
static SmallVector<BlockArgument> findInner(KernelOp kernel, Value array) {
  SmallVector<BlockArgument> found;
  for (auto [operand, inner] : llvm::zip_equal(kernel.getOperands(), kernel.getBody().getArguments()))
    if (operand == array)
      found.push_back(inner);
  return found;
}

/// Whether a kernel reads an array at other points than its own.
static bool readsElsewhere(KernelOp kernel, Value array) {
  return llvm::any_of(findInner(kernel, array), [](BlockArgument inner) { return isReadElsewhere(inner, isAnywhere); });
}

/// Whether `kernel` and those behind it leave the argument that a result replaces alone, but for its own points in `kernel`.
static bool isFree(Value argument, KernelOp kernel, const Plan &plan) {
  return llvm::all_of(plan.getKernels().drop_front(plan.getPosition(kernel)), [&](KernelOp other) {
    return findInner(other, argument).empty() || (other == kernel && !readsElsewhere(other, argument));
  });
}

/// The kernel that reads a local array last, if it does so point by point.
static KernelOp findLastReader(Value local, const RowNest &nest) {
  KernelOp last;
  for (KernelOp kernel : nest.kernels)
    if (llvm::is_contained(kernel.getOperands(), local))
      last = kernel;
  return last && !readsElsewhere(last, local) && last.getDomain() == ArrayAttr::get(local.getContext(), cast<ArrayType>(local.getType()).getShape()) ? last : KernelOp();
}

llvm::MapVector<Value, Value> RowNest::findHosts(const Plan &plan) const {
  llvm::MapVector<Value, Value> hosts;
  llvm::SmallDenseSet<Value> taken;
  for (KernelOp source : kernels)
    for (Value local : source.getStored()) {
      if (!isLocal(local, plan) || cast<ArrayType>(local.getType()).isBlocks())
        continue;
      KernelOp last = findLastReader(local, *this);
      for (Value result : last ? ValueRange(last.getStored()) : ValueRange()) {
        const Storage &where = plan.getStorage(result);
        auto func = source->getParentOfType<FuncOp>();
        bool fits = where.home == Home::Result && result.getType() == local.getType();
        if (!fits || taken.contains(result) || (where.argument >= 0 && !isFree(func.getArgument(where.argument), source, plan)))
          continue;
        taken.insert(result);
        hosts[local] = result;
        break;
      }
    }
  return hosts;
}

//===----------------------------------------------------------------------------===//
// Single elements of rows
//===----------------------------------------------------------------------------===//

/// The ops of a body that compute the places of a gather, in order, and the arguments that they begin with; false if one is no argument of the function.
static bool collectPlaces(GatherOp gather, KernelOp kernel, llvm::SetVector<Operation *> &ops, llvm::SetVector<BlockArgument> &leaves) {
  llvm::SmallPtrSet<Operation *, 8> needed;
  SmallVector<Value> pending(gather->getOperands());
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    if (auto inner = dyn_cast<BlockArgument>(value)) {
      auto outer = dyn_cast<BlockArgument>(kernel.getOperand(inner.getArgNumber()));
      if (!outer || !isa<FuncOp>(outer.getOwner()->getParentOp()))
        return false;
      leaves.insert(inner);
    } else if (needed.insert(value.getDefiningOp()).second) {
      llvm::append_range(pending, value.getDefiningOp()->getOperands());
    }
  }
  for (Operation &op : kernel.getBody().front())
    if (needed.contains(&op))
      ops.insert(&op);
  ops.insert(gather);
  return true;
}

/// Whether a place that is checked depends on a value: moved into a kernel before, it would make the check one of what another kernel computes.
static bool leadsToPlace(Value value) {
  return llvm::any_of(value.getUses(), [](OpOperand &use) {
    Operation *user = use.getOwner();
    bool isPlace = isa<GatherOp>(user) && use.getOperandNumber() > 0 && canFail(user);
    return isPlace || llvm::any_of(user->getResults(), leadsToPlace);
  });
}

/// A kernel before `first` that does the gather of another one, which then reads what it stores. Ops that only the gather needed are gone then.
static KernelOp moveGather(GatherOp gather, KernelOp kernel, KernelOp first, llvm::SmallPtrSetImpl<Operation *> &gone) {
  llvm::SetVector<Operation *> ops;
  llvm::SetVector<BlockArgument> leaves;
  if (!collectPlaces(gather, kernel, ops, leaves))
    return {};
  OpBuilder builder(first);
  auto outer = llvm::map_to_vector(leaves, [&](BlockArgument inner) -> Value { return kernel.getOperand(inner.getArgNumber()); });
  auto type = cast<ArrayType>(gather.getType());
  auto moved = KernelOp::create(builder, gather.getLoc(), TypeRange{type}, builder.getArrayAttr(type.getShape()), outer);
  moved->setAttr(readsAheadAttribute, builder.getUnitAttr());
  Block *block = builder.createBlock(&moved.getBody());
  IRMapping mapping;
  for (BlockArgument inner : leaves)
    mapping.map(inner, block->addArgument(inner.getType(), inner.getLoc()));
  for (Operation *op : ops)
    builder.clone(*op, mapping);
  YieldOp::create(builder, gather.getLoc(), ValueRange{mapping.lookup(Value(gather.getResult()))});
  kernel.getOperandsMutable().append(moved.getStored());
  gather.getResult().replaceAllUsesWith(kernel.getBody().front().addArgument(type, gather.getLoc()));
  for (Operation *op : llvm::reverse(ops))
    if (op->use_empty()) {
      gone.insert(op);
      op->erase();
    }
  for (unsigned number = kernel.getNumOperands(); number-- > 0;)
    if (kernel.getBody().getArgument(number).use_empty()) {
      kernel.getBody().eraseArgument(number);
      kernel.getOperandsMutable().erase(number);
    }
  return moved;
}

bool moveSingleReads(RowNest &nest, FuncOp func, const Plan &plan) {
  SmallVector<std::pair<GatherOp, KernelOp>> singles;
  for (KernelOp writer : nest.kernels)
    for (Value result : writer.getStored()) {
      const Storage &where = plan.getStorage(result);
      if (where.home != Home::Result || where.argument < 0)
        continue;
      for (KernelOp kernel : ArrayRef(nest.kernels).drop_front())
        for (BlockArgument inner : findInner(kernel, func.getArgument(where.argument)))
          for (Operation *user : inner.getUsers())
            if (auto gather = dyn_cast<GatherOp>(user); gather && gather.getX() == inner && cast<ArrayType>(gather.getType()).getRank() == 1)
              singles.push_back({gather, kernel});
    }
  bool hasMoved = false;
  llvm::SmallPtrSet<Operation *, 8> gone; // with a gather whose place they were
  for (auto [gather, kernel] : singles) {
    if (gone.contains(gather.getOperation()) || leadsToPlace(gather.getResult()))
      continue;
    if (KernelOp moved = moveGather(gather, kernel, nest.kernels.front(), gone)) {
      nest.kernels.insert(nest.kernels.begin(), moved);
      hasMoved = true;
    }
  }
  return hasMoved;
}

} // namespace gradus
