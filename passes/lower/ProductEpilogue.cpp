//===- ProductEpilogue.cpp - Products that go through a kernel unit by unit --------===//
//
// The function of the product computes a unit into room on its stack, then calls the function of the epilogue for the rows and columns of the unit. A
// function for products of the context computes units as well, on the thread of the call.
//
//===----------------------------------------------------------------------===//

#include "passes/fuse/Epilogue.h"
#include "passes/fuse/Traffic.h"
#include "passes/lower/Function.h"
#include "passes/lower/Product.h"

using namespace mlir;

namespace gradus {

/// The function for rows [begin, end). Behind its outputs it takes the columns [left, right).
KernelFunction FunctionLowering::buildEpilogue(KernelOp kernel, Slot &slot, int64_t pitch) {
  Value product = getProductOf(kernel).getResult(0);
  Value inside = kernel.getBody().getArgument(llvm::find(kernel.getOperands(), product) - kernel.getOperands().begin());
  SmallVector<Value> outputs = llvm::map_to_vector(kernel.getStored(), [&](Value result) { return placeOf(result, slot); });
  size_t count = outputs.size();
  outputs.append(2, code.i64(0));
  slot.buffers.arrays[product] = LLVM::ZeroOp::create(code, code.ptrType()); // each unit has its own place
  auto isCached = [&](Value array) { return array == product; };
  return buildFunction(kernel, "_unit", slot, outputs, isCached, [&](Evaluator &evaluator, ValueRange places, Value begin, Value end, LLVM::LLVMFuncOp body) {
    evaluator.windowAt(evaluator.baseOf(inside), {begin, places[count], pitch});
    emitKernelWindow(kernel, evaluator, places, begin, end, places[count], places[count + 1]);
    if (std::optional<Traffic> traffic = evaluator.traffic)
      recordTraffic(body, layout.name, plan.getPosition(kernel), *traffic);
  });
}

/// One unit after the other.
static void emitUnits(ProductEmitter &product, KernelOp kernel, const KernelFunction &epilogue, Code &code, ValueRange fields, Value begin, Value end) {
  Value whole = getProductOf(kernel).getResult(0), hook = fields.back();
  Value room = code.stackSlot(product.element, roomRows * unitVectors * productWidth(product.element));
  Value closure = code.stackSlot(epilogue.closure, 1), pitch = code.i64(product.unitColumns), never = code.number(code.getI1Type(), 0);
  Value hasHook = LLVM::ICmpOp::create(code, LLVM::ICmpPredicate::ne, hook, LLVM::ZeroOp::create(code, code.ptrType()));
  auto left = static_cast<int>(kernel.getNumResults());
  product.forUnits(begin, end, [&](const ProductUnit &unit) {
    Value isDone = code.choose(never.getType(), hasHook, [&] { return product.emitHook(hook, unit, room, pitch); }, [&] { return never; });
    code.ifThen(code.compare(arith::CmpIPredicate::eq, isDone, never), [&] { product.emitUnit(unit, room, pitch); });
    SmallVector<Value> values(fields.drop_back());
    for (auto [field, value] : llvm::zip_equal(epilogue.fields, values))
      if (field.operand == whole)
        value = room;
      else if (field.output >= left)
        value = field.output == left ? unit.column : code.add(unit.column, unit.columns);
    fillClosure(code, epilogue.closure, closure, values);
    LLVM::CallOp::create(code, epilogue.body, ValueRange{closure, unit.row, code.add(unit.row, unit.rows)});
  });
}

void FunctionLowering::emitEpilogue(KernelOp kernel, Slot &slot) {
  KernelOp of = getProductOf(kernel);
  MatrixProduct product = *findMatrixProduct(of);
  auto emitAll = [&] {
    Buffers buffers = takeOperands(of, slot.buffers);
    Evaluator evaluator(code, buffers);
    ProductEmitter host(product, evaluator, /*hasEpilogue=*/true);
    KernelFunction epilogue = buildEpilogue(kernel, slot, host.unitColumns);
    SmallVector<Value> captured = llvm::map_to_vector(epilogue.fields, [](const KernelFunction::Field &field) { return field.captured; });
    // A function of the context is called by the thread of the call alone, and for no product without an element or a term.
    Value none = LLVM::ZeroOp::create(code, code.ptrType()), zero = code.i64(0);
    captured.push_back(code.select(code.compare(arith::CmpIPredicate::ne, host.work, zero), emitFindHook(code, context), none));
    Value isHooked = LLVM::ICmpOp::create(code, LLVM::ICmpPredicate::ne, captured.back(), none);
    launch(of, "", slot, captured, host.count, code.select(isHooked, zero, host.work), [&](Evaluator &inside, ValueRange fields, Value begin, Value end, LLVM::LLVMFuncOp) {
      ProductEmitter units(product, inside, /*hasEpilogue=*/true);
      emitUnits(units, kernel, epilogue, inside.code, fields, begin, end);
    });
  };
  if (mayBeRefusedLate)
    unlessRefused(emitAll);
  else
    emitAll();
}

} // namespace gradus
