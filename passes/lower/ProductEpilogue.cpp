//===- ProductEpilogue.cpp - Products that go through a kernel unit by unit --------===//
//
// The function of the product computes a unit, then calls the function of the epilogue for the rows and columns of the unit. A unit is computed into room on the
// stack; a function for products of the context computes units as well. Where the product is an array too, a unit is computed into its place there; what a function
// of the context has computed of it, which is then asked once, for all, goes through the epilogue behind.
//
//===----------------------------------------------------------------------===//

#include "passes/fuse/Epilogue.h"
#include "passes/fuse/Traffic.h"
#include "passes/lower/Function.h"
#include "passes/lower/Product.h"

using namespace mlir;

namespace gradus {

namespace {

/// What an epilogue takes behind its outputs: what it is to do of a unit. Nobody reads a field that is not needed.
enum UnitOutput : unsigned { Left, Right, Number, First, Pitch, numUnitOutputs };

} // namespace

static ProductEmitter emitterOf(const MatrixProduct &product, Evaluator &evaluator, bool isArray) { return ProductEmitter(product, evaluator, /*hasRoom=*/!isArray); }

Value FunctionLowering::countPartials(const KernelInfo &info, Evaluator &evaluator) {
  KernelOp of = getProductOf(info.kernel);
  if (!of)
    return emitCount(info, evaluator);
  MatrixProduct product = *findMatrixProduct(of);
  return emitterOf(product, evaluator, isArrayToo(of, info.kernel, plan)).count;
}

/// The function for rows [begin, end). Of a product without an array it reads room for units, whose rows are `pitch` elements apart.
KernelFunction FunctionLowering::buildEpilogue(KernelOp kernel, Slot &slot, std::optional<int64_t> pitch) {
  Value product = getProductOf(kernel).getResult(0);
  Value inside = kernel.getBody().getArgument(llvm::find(kernel.getOperands(), product) - kernel.getOperands().begin());
  KernelInfo info = analyzeKernel(kernel).front();
  SmallVector<Value> outputs = outputsOf(info, slot);
  size_t count = outputs.size();
  outputs.append(numUnitOutputs, code.i64(0));
  if (pitch)
    slot.buffers.arrays[product] = LLVM::ZeroOp::create(code, code.ptrType()); // each unit has its own place
  auto isCached = [&](Value array) { return array == product && !product.getDefiningOp()->hasAttr(nestAttribute); };
  return buildFunction(kernel, "_unit", slot, outputs, isCached, [&](Evaluator &evaluator, ValueRange places, Value begin, Value end, LLVM::LLVMFuncOp body) {
    auto unit = [&](UnitOutput output) { return places[count + output]; };
    KernelWindow window{begin, end, unit(Left), unit(Right), unit(Number)};
    if (pitch)
      evaluator.windowAt(evaluator.baseOf(inside), {begin, unit(Left), *pitch});
    else if (isLinear(kernel))
      std::tie(window.first, window.pitch) = std::pair(unit(First), unit(Pitch));
    emitKernelWindow(info, evaluator, places, window);
    if (std::optional<Traffic> traffic = evaluator.traffic)
      recordTraffic(body, layout.name, plan.getPosition(kernel), *traffic);
  });
}

/// Calls the epilogue for a unit. `fields` are those of its closure; `place` is where the unit has room, if not in the array.
static void callEpilogue(const ProductEmitter &product, KernelOp kernel, const KernelFunction &epilogue, CodeBuilder &code, Value closure, ValueRange fields,
                         const ProductUnit &unit, Value place) {
  Value whole = getProductOf(kernel).getResult(0), ofUnit[numUnitOutputs];
  ofUnit[Left] = unit.column;
  ofUnit[Right] = code.add(unit.column, unit.columns);
  ofUnit[Number] = unit.index;
  ofUnit[First] = unit.first;
  ofUnit[Pitch] = product.yRow;
  auto first = static_cast<int>(kernel.getNumResults());
  SmallVector<Value> values(fields);
  for (auto [field, value] : llvm::zip_equal(epilogue.fields, values))
    if (field.operand == whole && place)
      value = place;
    else if (field.output >= first)
      value = ofUnit[field.output - first];
  fillClosure(code, epilogue.closure, closure, values);
  LLVM::CallOp::create(code, epilogue.body, ValueRange{closure, unit.row, code.add(unit.row, unit.rows)});
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
  UnitFields own{fields.end()[-3], fields.end()[-2], fields.end()[-1]};
  Value room = code.stackSlot(product.element, roomRows * unitVectors * productWidth(product.element));
  Value closure = code.stackSlot(epilogue.closure, 1), pitch = code.i64(product.unitColumns);
  Type i1 = code.getI1Type(), i64 = code.getI64Type();
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
      callEpilogue(product, kernel, epilogue, code, closure, fields.drop_back(3), unit, room);
      code.ifThen(hasHook, [&] { LLVM::StoreOp::create(code, code.add(unit.index, code.i64(1)), own.done); });
    });
  });
}

/// A function of the context is asked first, by the thread of the call; what it leaves is done as if there were none.
void FunctionLowering::emitUnitsOnStack(KernelOp kernel, Slot &slot) {
  KernelOp of = getProductOf(kernel);
  MatrixProduct product = *findMatrixProduct(of);
  Buffers buffers = takeOperands(of, slot.buffers);
  Evaluator evaluator(code, buffers);
  ProductEmitter host = emitterOf(product, evaluator, /*isArray=*/false);
  KernelFunction epilogue = buildEpilogue(kernel, slot, host.unitColumns);
  Value none = LLVM::ZeroOp::create(code, code.ptrType()), zero = code.i64(0), done = code.stackSlot(code.getI64Type(), 1);
  SmallVector<Value> captured = llvm::map_to_vector(epilogue.fields, [](const KernelFunction::Field &field) { return field.captured; });
  auto hookAt = static_cast<int>(captured.size());
  captured.append({none, zero, done});
  KernelFunction units = buildFunction(of, "", slot, captured, [](Value) { return false; }, [&](Evaluator &inside, ValueRange fields, Value begin, Value end, LLVM::LLVMFuncOp) {
    ProductEmitter emitter = emitterOf(product, inside, /*isArray=*/false);
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
}

/// Behind the fields of the closure of the epilogue the function of the product takes the array and whether all of it is there: a nest has computed it, or a function
/// of the context.
void FunctionLowering::emitUnitsInPlace(KernelOp kernel, Slot &slot) {
  KernelOp of = getProductOf(kernel);
  MatrixProduct product = *findMatrixProduct(of);
  Buffers buffers = takeOperands(of, slot.buffers);
  Evaluator evaluator(code, buffers);
  ProductEmitter host = emitterOf(product, evaluator, /*isArray=*/true);
  KernelFunction epilogue = buildEpilogue(kernel, slot, std::nullopt);
  Value output = slot.buffers.arrays.lookup(of.getResult(0));
  SmallVector<Value> captured = llvm::map_to_vector(epilogue.fields, [](const KernelFunction::Field &field) { return field.captured; });
  Type i1 = code.getI1Type(), i64 = code.getI64Type();
  const RowNest *nest = findNest(of);
  Value isOfNest = nest ? emitIsNarrow(*nest, evaluator) : code.number(i1, 0);
  Value isDone = code.choose(i1, isOfNest, [&] { return code.number(i1, 1); }, [&] { return emitAskForProduct(host, output); });
  captured.append({output, arith::ExtUIOp::create(code, i64, isDone)});
  launch(of, "", slot, captured, host.count, host.work, [&](Evaluator &inside, ValueRange fields, Value begin, Value end, LLVM::LLVMFuncOp) {
    CodeBuilder &code = inside.code;
    ProductEmitter emitter = emitterOf(product, inside, /*isArray=*/true);
    Value closure = code.stackSlot(epilogue.closure, 1);
    Value isLeft = code.compare(arith::CmpIPredicate::eq, fields.back(), code.i64(0));
    emitter.forUnits(begin, end, [&](const ProductUnit &unit) {
      code.ifThen(isLeft, [&] { emitter.emitUnitOf(fields.end()[-2], unit); });
      callEpilogue(emitter, kernel, epilogue, code, closure, fields.drop_back(2), unit, Value());
    });
  });
}

void FunctionLowering::emitEpilogue(KernelOp kernel, Slot &slot) {
  KernelOp of = getProductOf(kernel);
  bool isArray = isArrayToo(of, kernel, plan);
  if (isArray)
    slot.buffers.arrays[of.getResult(0)] = placeOf(of.getResult(0), slot);
  auto emitAll = [&] { isArray ? emitUnitsInPlace(kernel, slot) : emitUnitsOnStack(kernel, slot); };
  if (mayBeRefusedLate)
    unlessRefused(emitAll);
  else
    emitAll();
  if (KernelInfo info = analyzeKernel(kernel).front(); info.isFullReduction())
    emitFullReductions(info, slot);
}

} // namespace gradus
