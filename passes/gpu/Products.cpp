//===- Products.cpp - What the host knows of a product of matrices -------------------===//

#include "passes/gpu/Products.h"

#include "passes/fuse/Control.h"
#include "passes/gpu/Device.h"
#include "passes/lower/Function.h"

using namespace mlir;

namespace gradus {

/// Asked for first, then, if it is left, launched.
void DeviceLowering::emitProduct(KernelOp kernel) {
  std::optional<HostProduct> product = findHostProduct(kernel);
  if (!product)
    return emitContract(kernel);
  Step asked;
  asked.product = std::move(product);
  std::vector<Step> *outside = std::exchange(steps, &asked.body);
  emitContract(kernel);
  steps = outside;
  steps->push_back(std::move(asked));
}

std::optional<HostProduct> DeviceLowering::findHostProduct(KernelOp kernel) {
  std::optional<MatrixProduct> matrices = findMatrixProduct(kernel);
  if (!matrices || !level->path)
    return std::nullopt;
  auto find = [&](Value operand) { return findHostAddress(kernel.getOperand(cast<BlockArgument>(operand).getArgNumber())); };
  std::optional<HostValue> a = find(matrices->a), b = find(matrices->b), y = findHostAddress(kernel.getResult(0));
  if (!a || !b || !y)
    return std::nullopt;
  // A result of the function is written only where the data cannot have refused the call; everything else is the workspace.
  bool isInWorkspace = hostAddresses.contains(kernel.getResult(0)) || program.fields[addressOf(kernel.getResult(0)).index].kind == SlotField::Temporary;
  if (!isInWorkspace && (mustKeep || level->active))
    return std::nullopt;
  HostProduct product{*matrices, arrayOf(matrices->a).getElementType(), *a, *b, *y, level->path->conditions};
  takeNarrow(kernel, product);
  return product;
}

/// The argument of 16 bits whose numbers an operand has as f32, if it stands as it was when this kernel runs; else null.
Value DeviceLowering::findNarrow(KernelOp kernel, Value operand) {
  Value array = resolve(kernel.getOperand(cast<BlockArgument>(operand).getArgNumber()));
  auto widening = array.getDefiningOp<KernelOp>();
  if (!widening || !arrayOf(array).getElementType().isF32())
    return {};
  auto widened = widening.getBody().front().getTerminator()->getOperand(cast<OpResult>(array).getResultNumber()).getDefiningOp<CastOp>();
  auto inner = widened ? dyn_cast<BlockArgument>(widened->getOperand(0)) : BlockArgument();
  auto argument = inner ? dyn_cast<BlockArgument>(widening.getOperand(inner.getArgNumber())) : BlockArgument();
  if (!argument || argument.getOwner() != &func.getBody().front() || !(arrayOf(argument).getElementType().isBF16() || arrayOf(argument).getElementType().isF16()))
    return {};
  bool isReplaced = llvm::any_of(plan.getKernels(), [&](KernelOp before) {
    return plan.getPosition(before) < plan.getPosition(kernel) && llvm::any_of(before.getStored(), [&](Value stored) {
             const Storage &where = plan.getStorage(stored);
             return where.home == Home::Result && where.argument == argument.getArgNumber();
           });
  });
  return isReplaced ? Value() : Value(argument);
}

/// Products of 16 bits are exact in f32: a library may take both operands as they are stored, and has more arithmetic for them.
void DeviceLowering::takeNarrow(KernelOp kernel, HostProduct &product) {
  Value a = findNarrow(kernel, product.matrices.a), b = findNarrow(kernel, product.matrices.b);
  if (!a || !b || arrayOf(a).getElementType() != arrayOf(b).getElementType())
    return;
  std::optional<HostValue> aAddress = findHostAddress(a), bAddress = findHostAddress(b);
  if (!aAddress || !bAddress)
    return;
  product.element = arrayOf(a).getElementType();
  product.a = *aAddress;
  product.b = *bAddress;
}

std::optional<HostValue> DeviceLowering::findHostAddress(Value array) {
  array = resolve(array);
  if (auto known = hostAddresses.find(array); known != hostAddresses.end())
    return known->second;
  Cell cell = addressOf(array);
  if (!cell.isOfSlot || program.fields[cell.index].kind == SlotField::Number) // a kernel leaves the address there
    return std::nullopt;
  return [cell](HostScope &scope) { return scope.addressIn(cell); };
}

/// Whether sizes alone decide a number.
static bool isOfSizes(Value value) {
  SmallVector<Value> pending{value};
  llvm::DenseSet<Value> seen;
  while (!pending.empty()) {
    Value next = pending.pop_back_val();
    if (!seen.insert(next).second)
      continue;
    Operation *op = next.getDefiningOp();
    if (!op || !arrayOf(next).isScalar() || !(isa<ConstantOp, DimOp>(op) || op->hasTrait<Pointwise>()))
      return false;
    llvm::append_range(pending, op->getOperands());
  }
  return true;
}

std::optional<HostValue> DeviceLowering::findHostCondition(Value condition, bool isOpposite) {
  if (!isOfSizes(condition))
    return std::nullopt;
  return [condition, isOpposite](HostScope &scope) {
    CodeBuilder &code = scope.evaluator.code;
    Value holds = scope.evaluator.evaluateScalar(condition);
    return isOpposite ? arith::XOrIOp::create(code, holds, code.integer(code.getI1Type(), 1)).getResult() : holds;
  };
}

/// Whether a pass may hand on what it was given: then only the device knows in which of the two places the next one finds it.
static bool mayKeep(LoopOp loop, unsigned index) {
  Value own = loop.getBody().getArgument(index + 1);
  SmallVector<Value> pending{loop.getBody().front().getTerminator()->getOperand(index)};
  while (!pending.empty()) {
    Value next = pending.pop_back_val();
    if (next == own)
      return true;
    if (isa_and_nonnull<IfOp, EveryOp>(next.getDefiningOp()))
      llvm::append_range(pending, getSources(cast<OpResult>(next)));
  }
  return false;
}

/// As the device finds them (Control.cpp): a pass writes the first of the two places, unless it reads that one.
void DeviceLowering::knowCarried(LoopOp loop, const CarriedArray &carried, Cell first, Cell second) {
  Value argument = loop.getBody().getArgument(carried.index + 1);
  auto inFirst = [first](HostScope &scope) { return scope.addressIn(first); };
  if (carried.isInPlace) {
    hostAddresses[argument] = inFirst;
    return;
  }
  std::optional<HostValue> begin = findHostAddress(loop.getInit()[carried.index]);
  if (!begin || (!carried.isCopied && mayKeep(loop, carried.index)))
    return;
  // The place that a pass with an even number writes if `isWritten`, and one with an odd number else.
  auto placeOf = [first, second, depth = level->path->loops, begin = *begin](HostScope &scope, bool isWritten) {
    CodeBuilder &code = scope.evaluator.code;
    Value a = scope.addressIn(first), b = scope.addressIn(second), start = begin(scope), pass = scope.passes[depth];
    Value isOdd = code.compare(arith::CmpIPredicate::ne, arith::AndIOp::create(code, pass, code.i64(1)), code.i64(0));
    Value isSwapped = arith::XOrIOp::create(code, isOdd, code.compare(arith::CmpIPredicate::eq, start, a));
    if (isWritten)
      return code.select(isSwapped, b, a);
    return code.select(code.compare(arith::CmpIPredicate::eq, pass, code.i64(0)), start, code.select(isSwapped, a, b));
  };
  hostAddresses[argument] = [placeOf](HostScope &scope) { return placeOf(scope, /*isWritten=*/false); };
  for (Value result : carried.results)
    hostAddresses[result] = [placeOf](HostScope &scope) { return placeOf(scope, /*isWritten=*/true); };
}

} // namespace gradus
