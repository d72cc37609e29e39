//===- Workers.cpp - Where workers meet ------------------------------------------===//
//
// A meeting is a call of the runtime (gradus_workers_*), which asks the hooks of the context. It runs even where this worker refuses the
// call, if the others would wait for it: the state of the flag goes in and comes out, and says who knows of a refusal.
//
//===----------------------------------------------------------------------===//

#include "passes/lower/Function.h"

using namespace mlir;

namespace gradus {

Operation *findCut(KernelOp kernel) {
  for (Operation &op : kernel.getBody().front())
    if (isCut(&op))
      return &op;
  return nullptr;
}

static gradus_combination combinationOf(ReductionKind kind) {
  switch (kind) {
  case ReductionKind::Prod: return GRADUS_PRODUCT;
  case ReductionKind::Max:
  case ReductionKind::Any: return GRADUS_MAX;
  case ReductionKind::Min:
  case ReductionKind::All: return GRADUS_MIN;
  case ReductionKind::Sum: break;
  }
  return GRADUS_SUM;
}

void FunctionLowering::emitAgreement() {
  Type ptr = code.ptrType(), i32 = code.getI32Type();
  LLVM::LLVMFuncOp callee = declareRuntime("gradus_workers_agree", i32, {ptr, i32});
  Value state = LLVM::CallOp::create(code, callee, ValueRange{context, code.loadRaw(i32, flag)}).getResult();
  LLVM::StoreOp::create(code, state, flag);
}

/// `given` and `taken` are addresses of `count` elements; `peer` is null but for an exchange.
void FunctionLowering::emitCut(Operation *op, Value given, Value taken, Value count, Value peer) {
  Type ptr = code.ptrType(), i32 = code.getI32Type(), i64 = code.getI64Type();
  auto workers = dyn_cast<WorkersOp>(op);
  if (workers && plan.needsAgreement())
    emitAgreement();
  Value state = code.loadRaw(i32, flag), dtype = code.i32(toDType(arrayOf(op->getResult(0)).getElementType()));
  SmallVector<Value> arguments{context, state};
  if (workers)
    arguments.append({code.i32(workers.getNeighbours()), code.i32(combinationOf(workers.getKind())), code.i32(workers.getMean())});
  else
    arguments.append({code.i32(plan.needsAgreement()), peer});
  arguments.append({dtype, count, given, taken});
  if (!workers)
    arguments.push_back(report);
  SmallVector<Type> types = workers ? SmallVector<Type>{ptr, i32, i32, i32, i32, i32, i64, ptr, ptr} : SmallVector<Type>{ptr, i32, i32, i64, i32, i64, ptr, ptr, ptr};
  LLVM::LLVMFuncOp callee = declareRuntime(workers ? "gradus_workers_reduce" : "gradus_workers_exchange", i32, types);
  LLVM::StoreOp::create(code, LLVM::CallOp::create(code, callee, arguments).getResult(), flag);
  mayBeRefusedLate = true;
}

void FunctionLowering::emitCutKernel(KernelOp kernel, Slot &slot) {
  Operation *op = findCut(kernel);
  Buffers buffers;
  for (auto [inner, operand] : llvm::zip_equal(kernel.getBody().getArguments(), kernel.getOperands())) {
    if (arrayOf(operand).isScalar())
      buffers.scalars[inner] = slot.buffers.scalars.lookup(operand);
    else
      buffers.arrays[inner] = slot.buffers.arrays.lookup(operand);
  }
  Evaluator evaluator(code, buffers), sizes(code, slot.buffers);
  Value peer = isa<ExchangeOp>(op) ? evaluator.evaluateScalar(cast<ExchangeOp>(op).getPeer()) : Value();
  Value count = sizes.product(arrayOf(op->getResult(0)).getShape());
  emitCut(op, buffers.arrays.lookup(op->getOperand(0)), placeOf(kernel.getResult(0), slot), count, peer);
}

/// A number goes through the stack.
void FunctionLowering::emitScalarCut(Operation *op, Buffers &buffers) {
  Evaluator evaluator(code, buffers);
  Type element = arrayOf(op->getResult(0)).getElementType();
  Value given = code.stackSlot(code.memType(element), 1), taken = code.stackSlot(code.memType(element), 1);
  Value x = evaluator.evaluateScalar(op->getOperand(0));
  Value peer = isa<ExchangeOp>(op) ? evaluator.evaluateScalar(op->getOperand(1)) : Value();
  code.storeElement(given, element, code.i64(0), x);
  code.storeElement(taken, element, code.i64(0), x);
  emitCut(op, given, taken, code.i64(1), peer);
  buffers.scalars[op->getResult(0)] = code.loadElement(taken, element, code.i64(0));
}

} // namespace gradus
