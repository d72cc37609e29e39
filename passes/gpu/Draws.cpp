//===- Draws.cpp - Draws that loop, apart from loops --------------------------------===//
//
// A draw of a category goes through all categories. In a kernel with a reduction or a scatter a thread would do that for each of its elements, which are thousands: too
// long for devices that end long loops. So another kernel, with a thread for each element, leaves such draws in the workspace. An index that such a draw gives is then
// looked at when it is there, and no longer before all kernels.
//
//===----------------------------------------------------------------------===//

#include "passes/fuse/Plan.h"
#include "passes/gpu/Device.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace gradus {

static bool isLoop(DrawOp draw) {
  return llvm::is_contained({DrawKind::Categorical, DrawKind::Gamma, DrawKind::Permutation}, draw.getDistribution()) && !isRankZero(draw.getY());
}

/// The ops of a body that values are computed from.
static llvm::DenseSet<Operation *> findSources(Block &body, ValueRange values) {
  llvm::DenseSet<Operation *> sources;
  SmallVector<Value> pending(values);
  while (!pending.empty())
    if (Operation *op = pending.pop_back_val().getDefiningOp(); op && op->getBlock() == &body && sources.insert(op).second)
      llvm::append_range(pending, op->getOperands());
  return sources;
}

/// A kernel of the draw alone; the one that it stands in reads what that leaves.
static void storeDraw(KernelOp kernel, DrawOp draw) {
  Block &body = kernel.getBody().front();
  llvm::DenseSet<Operation *> sources = findSources(body, draw.getY());
  SmallVector<Value> operands;
  SmallVector<BlockArgument> leaves;
  for (auto [argument, operand] : llvm::zip_equal(body.getArguments(), kernel.getOperands()))
    if (llvm::any_of(argument.getUsers(), [&](Operation *user) { return sources.contains(user); })) {
      leaves.push_back(argument);
      operands.push_back(operand);
    }
  OpBuilder builder(kernel);
  auto stored = KernelOp::create(builder, draw.getLoc(), TypeRange(draw.getY().getType()), builder.getArrayAttr(arrayOf(draw.getY()).getShape()), operands);
  Block *block = builder.createBlock(&stored.getBody());
  IRMapping mapping;
  for (BlockArgument leaf : leaves)
    mapping.map(leaf, block->addArgument(leaf.getType(), leaf.getLoc()));
  for (Operation &op : body)
    if (sources.contains(&op))
      builder.clone(op, mapping);
  YieldOp::create(builder, draw.getLoc(), mapping.lookup(draw.getY()));
  kernel->insertOperands(kernel->getNumOperands(), stored->getResults());
  draw.getY().replaceAllUsesWith(body.addArgument(draw.getY().getType(), draw.getLoc()));
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (sources.contains(&op) && op.use_empty())
      op.erase();
}

/// Whether a thread of the kernel may compute many elements, one after the other.
static bool goesAlong(KernelOp kernel) {
  return findScatter(kernel) || llvm::any_of(kernel.getBody().front(), llvm::IsaPred<ArgReduceOp, ReduceOp>);
}

void storeLoopingDraws(FuncOp func) {
  SmallVector<KernelOp> kernels;
  func.walk([&](KernelOp kernel) { kernels.push_back(kernel); });
  for (KernelOp kernel : kernels) {
    if (!goesAlong(kernel))
      continue;
    bool keepsRows = llvm::none_of(analyzeKernel(kernel), [](const KernelInfo &info) { return info.isFlat; });
    for (DrawOp draw : llvm::to_vector(kernel.getBody().front().getOps<DrawOp>()))
      if (isLoop(draw)) {
        storeDraw(kernel, draw);
        if (keepsRows)
          kernel->setAttr(keepsRowsAttribute, UnitAttr::get(func.getContext()));
      }
  }
}

} // namespace gradus
