//===- Epilogue.cpp - What is made of a product while it is in the cache ----------===//

#include "passes/fuse/Epilogue.h"

#include "passes/fuse/Cost.h"
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

bool isArrayToo(KernelOp product, KernelOp epilogue, const Plan &plan) {
  Value result = product.getResult(0);
  auto isNamed = [&](Value stored) { return plan.isForGuard(stored) && findLooked(stored) == result; };
  return !result.hasOneUse() || product->hasAttr(nestAttribute) || llvm::any_of(epilogue.getStored(), isNamed);
}

bool isLinear(KernelOp epilogue) {
  return isPointByPoint(epilogue) && llvm::none_of(epilogue.getOperands(), [](Value operand) { return arrayOf(operand).isBlocks(); });
}

/// The bytes of an element that the product does not move because of its epilogue: it is neither written nor read, or it is not read once.
static int64_t countSaved(KernelOp product, KernelOp epilogue, const Plan &plan) {
  return (isArrayToo(product, epilogue, plan) ? 1 : 2) * getElementBytes(arrayOf(product.getResult(0)));
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

/// Whether a product is part of a row nest whatever the sizes are, or reads what waits there where a result will stand.
static bool isNested(KernelOp product, const Plan &plan) {
  Attribute mark = product->getAttr(nestAttribute);
  if (!mark)
    return false;
  KernelOp first = product;
  auto before = [&] { return dyn_cast_or_null<KernelOp>(first->getPrevNode()); };
  while (before() && before()->getAttr(nestAttribute) == mark)
    first = before();
  std::optional<RowNest> nest = RowNest::startingAt(first);
  if (!nest || !nest->narrow)
    return true;
  auto hosts = nest->findHosts(plan);
  return llvm::any_of(product.getOperands(), [&](Value operand) { return hosts.contains(operand); });
}

/// Whether something reads the product, or hands it on, before a kernel runs.
static bool isReadBefore(KernelOp product, KernelOp kernel) {
  return llvm::any_of(product->getUsers(), [&](Operation *user) {
    Operation *beside = kernel->getBlock()->findAncestorOpInBlock(*user);
    return beside && beside->isBeforeInBlock(kernel);
  });
}

/// Whether the result of a reduction over everything, or of what else ends a kernel, depends on the order of the points.
static bool isOrdered(Operation &op) {
  auto reduce = dyn_cast<ReduceOp>(op);
  if (!reduce)
    return isa<ArgReduceOp, EncodeOp>(op);
  Type accumulate = reduce.getAccumulate() ? *reduce.getAccumulate() : arrayOf(reduce.getX()).getElementType();
  bool isSum = reduce.getKind() == ReductionKind::Sum || reduce.getKind() == ReductionKind::Prod;
  return !arrayOf(reduce.getResult()).isScalar() || (isSum && !accumulate.isInteger());
}

/// Why a kernel cannot be the epilogue of the product that an operand of it is; empty if it can.
static StringRef findObstacle(KernelOp kernel, unsigned operand, FuncOp func, const Plan &plan) {
  auto product = kernel.getOperand(operand).getDefiningOp<KernelOp>();
  Value read = kernel.getBody().getArgument(operand);
  MatrixProduct matrices = *findMatrixProduct(product);
  if (isReadBefore(product, kernel))
    return "the product is read before";
  bool isMatrix = matrices.outer.empty() && matrices.rows.size() == 1 && matrices.columns.size() == 1;
  if (!isMatrix && !(isArrayToo(product, kernel, plan) && isLinear(kernel)))
    return "the product has more axes than rows and columns";
  if (llvm::any_of(kernel.getBody().front(), isOrdered))
    return "a reduction waits for the whole product";
  if (arrayOf(read).getShape() != kernel.getDomain().getValue() || isReadElsewhere(read, [](Operation *) { return true; }))
    return "the product is read at other points than its own";
  if (plan.getCheck(kernel) != Check::None)
    return "its indices are checked before it runs";
  if (isNested(product, plan) || kernel->hasAttr(nestAttribute))
    return "one of them goes through its rows with other kernels";
  if (isOverwritten(product, kernel, func, plan))
    return "what the product reads is written over meanwhile";
  return {};
}

/// Whether an operand of a kernel that computes point by point, or reduces what it computes so, is a product of matrices.
static bool isProduct(KernelOp kernel, Value operand) {
  auto source = operand.getDefiningOp<KernelOp>();
  return source && source->getBlock() == kernel->getBlock() && findMatrixProduct(source) &&
         llvm::none_of(kernel.getBody().front(), [](Operation &op) { return standsAlone(&op); });
}

static void remarkOn(KernelOp kernel, KernelOp product, StringRef obstacle, FuncOp func, const Plan &plan) {
  auto options = [&](StringRef name) { return remark::RemarkOpts::name(name).category("gradus-fuse").function(func.getSymName()); };
  unsigned own = plan.getPosition(kernel), of = plan.getPosition(product);
  if (!obstacle.empty()) {
    remark::missed(kernel.getLoc(), options("not-fused")) << llvm::formatv("kernel {0} is no epilogue of kernel {1}: {2}", own, of, obstacle).str();
    return;
  }
  bool isArray = isArrayToo(product, kernel, plan);
  auto how = isArray ? "it reads each unit of '#{0}.0' while that is in the cache" : "each unit of '#{0}.0' goes through it in the cache and is never written to memory";
  remark::passed(kernel.getLoc(), options("fused")) << llvm::formatv("kernel {0} is the epilogue of kernel {1}: {2}, {3} bytes an element less", own, of,
                                                                     llvm::formatv(how, of).str(), countSaved(product, kernel, plan))
                                                           .str();
}

/// Of several products that a kernel could be the epilogue of it is that of the one of which most bytes stay away from memory, the first of these.
static void formEpilogue(KernelOp kernel, FuncOp func, const Plan &plan) {
  SmallVector<std::pair<unsigned, StringRef>> products;
  std::optional<unsigned> best;
  int64_t most = 0;
  for (auto [number, operand] : llvm::enumerate(kernel.getOperands())) {
    if (!isProduct(kernel, operand))
      continue;
    products.push_back({number, findObstacle(kernel, number, func, plan)});
    auto product = operand.getDefiningOp<KernelOp>();
    if (int64_t saved = countSaved(product, kernel, plan); products.back().second.empty() && saved > most) {
      most = saved;
      best = number;
    }
  }
  for (auto [number, obstacle] : products) {
    bool isOther = obstacle.empty() && number != best;
    remarkOn(kernel, kernel.getOperand(number).getDefiningOp<KernelOp>(), isOther ? "it is the epilogue of another one" : obstacle, func, plan);
  }
  if (best)
    kernel->setAttr(epilogueAttribute, Builder(func.getContext()).getI64IntegerAttr(*best));
}

void formEpilogues(FuncOp func) {
  Plan plan(func);
  if (plan.hasRehearsal()) // some of the kernels run twice
    return;
  for (KernelOp kernel : plan.getKernels())
    formEpilogue(kernel, func, plan);
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
