//===- Epilogue.cpp - What is made of a product while it is in the cache ----------===//

#include "passes/fuse/Epilogue.h"

#include "passes/fuse/MatrixProduct.h"
#include "passes/fuse/Plan.h"
#include "passes/fuse/RowNest.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gradus {

static ArrayType arrayOf(Value value) { return cast<ArrayType>(value.getType()); }

KernelOp getProductOf(KernelOp kernel) {
  auto operand = kernel->getAttrOfType<IntegerAttr>(epilogueAttribute);
  return operand ? kernel.getOperand(operand.getInt()).getDefiningOp<KernelOp>() : KernelOp();
}

KernelOp getEpilogueOf(KernelOp kernel) {
  for (Operation *user : kernel->getUsers())
    if (auto reader = dyn_cast<KernelOp>(user); reader && getProductOf(reader) == kernel)
      return reader;
  return {};
}

/// Whether one of the kernels behind the product, up to the epilogue, writes over what the product reads, which runs with the epilogue.
static bool isOverwritten(KernelOp product, KernelOp epilogue, FuncOp func, const Plan &plan) {
  unsigned first = plan.getPosition(product) + 1, last = plan.getPosition(epilogue);
  for (KernelOp kernel : plan.getKernels().slice(first, last - first + 1))
    for (Value stored : kernel.getStored()) {
      const Storage &where = plan.getStorage(stored);
      if (where.home == Home::Result && where.argument >= 0 && llvm::is_contained(product.getOperands(), func.getArgument(where.argument)))
        return true;
    }
  return false;
}

/// Why a kernel cannot be the epilogue of the product that an operand of it is; empty if it can.
static StringRef findObstacle(KernelOp kernel, unsigned operand, FuncOp func, const Plan &plan) {
  auto product = kernel.getOperand(operand).getDefiningOp<KernelOp>();
  Value read = kernel.getBody().getArgument(operand);
  MatrixProduct matrices = *findMatrixProduct(product);
  auto endsKernel = [](Operation &op) { return isa<ArgReduceOp, EncodeOp, ReduceOp>(op); };
  if (!matrices.outer.empty() || matrices.rows.size() != 1 || matrices.columns.size() != 1)
    return "the product has more axes than rows and columns";
  if (!llvm::hasSingleElement(product.getResult(0).getUses()))
    return "the product is read elsewhere too, or is a result";
  if (llvm::any_of(kernel.getBody().front(), endsKernel))
    return "a reduction waits for the whole product";
  if (arrayOf(read).getShape() != kernel.getDomain().getValue() || isReadElsewhere(read, [](Operation *) { return true; }))
    return "the product is read at other points than its own";
  if (plan.getCheck(kernel) != Check::None)
    return "its indices are checked before it runs";
  if (product->hasAttr(nestAttribute) || kernel->hasAttr(nestAttribute))
    return "one of them goes through its rows with other kernels";
  if (isOverwritten(product, kernel, func, plan))
    return "what the product reads is written over meanwhile";
  return {};
}

/// Whether an operand of a kernel that computes point by point, or sums what it computes so, is a product of matrices.
static bool isProduct(KernelOp kernel, Value operand) {
  auto source = operand.getDefiningOp<KernelOp>();
  return source && source->getBlock() == kernel->getBlock() && findMatrixProduct(source) &&
         llvm::none_of(kernel.getBody().front(), [](Operation &op) { return standsAlone(&op); });
}

void formEpilogues(FuncOp func) {
  Plan plan(func);
  if (plan.hasRehearsal()) // some of the kernels run twice
    return;
  auto options = [&](StringRef name) { return remark::RemarkOpts::name(name).category("gradus-fuse").function(func.getSymName()); };
  for (KernelOp kernel : plan.getKernels())
    for (auto [number, operand] : llvm::enumerate(kernel.getOperands())) {
      if (!isProduct(kernel, operand))
        continue;
      unsigned own = plan.getPosition(kernel), product = plan.getPosition(operand.getDefiningOp<KernelOp>());
      StringRef obstacle = kernel->hasAttr(epilogueAttribute) ? "it is the epilogue of another one" : findObstacle(kernel, number, func, plan);
      if (!obstacle.empty()) {
        remark::missed(kernel.getLoc(), options("not-fused")) << llvm::formatv("kernel {0} is no epilogue of kernel {1}: {2}", own, product, obstacle).str();
        continue;
      }
      kernel->setAttr(epilogueAttribute, Builder(func.getContext()).getI64IntegerAttr(number));
      remark::passed(kernel.getLoc(), options("fused"))
          << llvm::formatv("kernel {0} is the epilogue of kernel {1}: each unit of '#{1}.0' goes through it in the cache and is never written to memory", own,
                           product)
                 .str();
    }
}

LogicalResult verifyEpilogues(FuncOp func) {
  Plan plan(func);
  for (KernelOp kernel : plan.getKernels()) {
    Attribute mark = kernel->getAttr(epilogueAttribute);
    if (!mark)
      continue;
    auto operand = dyn_cast<IntegerAttr>(mark);
    bool isOperand = operand && operand.getValue().ult(kernel.getNumOperands());
    if (!isOperand || !isProduct(kernel, kernel.getOperand(operand.getInt())))
      return kernel.emitError("expects its epilogue mark to name an operand that is a product of matrices beside it");
    StringRef obstacle = plan.hasRehearsal() ? "some of the kernels run twice" : findObstacle(kernel, operand.getInt(), func, plan);
    if (!obstacle.empty())
      return kernel.emitError("is marked as an epilogue, but ") << obstacle;
  }
  return success();
}

} // namespace gradus
