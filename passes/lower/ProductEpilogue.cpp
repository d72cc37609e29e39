//===- ProductEpilogue.cpp - Products that go through a kernel unit by unit --------===//
//
// The function of the product computes a unit into room on its stack, then calls the function of the epilogue for the rows and columns of the unit. A
// function for products of the context computes units as well.
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

namespace {

/// What the function of the product takes behind the fields of the closure of its epilogue.
struct UnitFields {
  Value hook;  ///< a function for products, or null
  Value first; ///< the unit that is number 0 of the call
  Value done;  ///< where it says how many units the hook has done; it does none behind the first that it has left
};

} // namespace

/// The units [begin, end) from the first one on: all of them, or those that the hook does.
static void emitUnits(ProductEmitter &product, KernelOp kernel, const KernelFunction &epilogue, CodeBuilder &code, ValueRange fields, Value begin, Value end) {
  Value whole = getProductOf(kernel).getResult(0);
  UnitFields own{fields.end()[-3], fields.end()[-2], fields.end()[-1]};
  Value room = code.stackSlot(product.element, roomRows * unitVectors * productWidth(product.element));
  Value closure = code.stackSlot(epilogue.closure, 1), pitch = code.i64(product.unitColumns);
  Type i1 = code.getI1Type(), i64 = code.getI64Type();
  auto left = static_cast<int>(kernel.getNumResults());
  Value hasHook = LLVM::ICmpOp::create(code, LLVM::ICmpPredicate::ne, own.hook, LLVM::ZeroOp::create(code, code.ptrType()));
  product.forUnits(code.add(begin, own.first), code.add(end, own.first), [&](const ProductUnit &unit) {
    auto askHook = [&] {
      Value isNext = code.compare(arith::CmpIPredicate::eq, code.loadRaw(i64, own.done), unit.index);
      return code.choose(i1, isNext, [&] { return product.emitHook(own.hook, unit, room, pitch); }, [&] { return code.number(i1, 0); });
    };
    auto compute = [&] {
      product.emitUnit(unit, room, pitch);
      return code.number(i1, 1);
    };
    code.ifThen(code.choose(i1, hasHook, askHook, compute), [&] {
      SmallVector<Value> values(fields.drop_back(3));
      for (auto [field, value] : llvm::zip_equal(epilogue.fields, values))
        if (field.operand == whole)
          value = room;
        else if (field.output >= left)
          value = field.output == left ? unit.column : code.add(unit.column, unit.columns);
      fillClosure(code, epilogue.closure, closure, values);
      LLVM::CallOp::create(code, epilogue.body, ValueRange{closure, unit.row, code.add(unit.row, unit.rows)});
      code.ifThen(hasHook, [&] { LLVM::StoreOp::create(code, code.add(unit.index, code.i64(1)), own.done); });
    });
  });
}

/// A function of the context is asked first, by the thread of the call; what it leaves is done as if there were none.
void FunctionLowering::emitEpilogue(KernelOp kernel, Slot &slot) {
  KernelOp of = getProductOf(kernel);
  MatrixProduct product = *findMatrixProduct(of);
  auto emitAll = [&] {
    Buffers buffers = takeOperands(of, slot.buffers);
    Evaluator evaluator(code, buffers);
    ProductEmitter host(product, evaluator, /*hasEpilogue=*/true);
    KernelFunction epilogue = buildEpilogue(kernel, slot, host.unitColumns);
    Value none = LLVM::ZeroOp::create(code, code.ptrType()), zero = code.i64(0), done = code.stackSlot(code.getI64Type(), 1);
    SmallVector<Value> captured = llvm::map_to_vector(epilogue.fields, [](const KernelFunction::Field &field) { return field.captured; });
    auto hookAt = static_cast<int>(captured.size());
    captured.append({none, zero, done});
    KernelFunction units = buildFunction(of, "", slot, captured, [](Value) { return false; }, [&](Evaluator &inside, ValueRange fields, Value begin, Value end, LLVM::LLVMFuncOp) {
      ProductEmitter emitter(product, inside, /*hasEpilogue=*/true);
      emitUnits(emitter, kernel, epilogue, inside.code, fields, begin, end);
    });
    auto buildUnits = [&](Value hook, Value first) {
      SmallVector<Value> values = llvm::map_to_vector(units.fields, [&](const KernelFunction::Field &field) {
        return field.output == hookAt ? hook : field.output == hookAt + 1 ? first : field.captured;
      });
      Value closure = code.stackSlot(units.closure, 1);
      fillClosure(code, units.closure, closure, values);
      return closure;
    };
    LLVM::StoreOp::create(code, zero, done);
    Value hook = emitFindHook(code, context);
    Value isAsked = LLVM::ICmpOp::create(code, LLVM::ICmpPredicate::ne, hook, none);
    isAsked = arith::AndIOp::create(code, isAsked, code.compare(arith::CmpIPredicate::ne, host.work, zero));
    code.ifThen(isAsked, [&] { LLVM::CallOp::create(code, units.body, ValueRange{buildUnits(hook, zero), zero, host.count}); });
    Value first = code.loadRaw(code.getI64Type(), done), rest = code.sub(host.count, first);
    code.ifThen(code.compare(arith::CmpIPredicate::sgt, rest, zero), [&] { callKernel(units.body, buildUnits(none, first), rest, host.work); });
  };
  if (mayBeRefusedLate)
    unlessRefused(emitAll);
  else
    emitAll();
}

} // namespace gradus
