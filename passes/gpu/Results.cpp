//===- Results.cpp - Where the results of a function go ------------------------------===//
//
// Most arrays are where they belong when their kernel is done. What waits in the workspace is copied, in the order that the CPU's code has; numbers are
// written last, by one thread for each slot.
//
//===----------------------------------------------------------------------===//

#include "passes/fuse/Control.h"
#include "passes/gpu/Device.h"
#include "passes/lower/Blocks.h"
#include "passes/lower/Function.h"
#include "runtime/gradus_device.h"

using namespace mlir;

namespace gradus {

/// The elements that a group copies.
static constexpr int64_t copySize = blockSize;

/// All elements of an array as they stand in memory: of blocks of codes the bytes.
static std::pair<Type, Value> elementsOf(CodeBuilder &code, ArrayType type, Evaluator &evaluator) {
  Value count = evaluator.product(type.getShape());
  if (type.isBlocks())
    return {code.getI8Type(), emitBytes(code, type.getElementType(), count)};
  return {type.getElementType(), count};
}

/// What each thread of a kernel does for the elements of an array: groups take `copySize` of them, threads one after the other.
static void forElements(Scope &scope, Value count, function_ref<void(Value)> then) {
  CodeBuilder &code = scope.code;
  Value first = code.mul(scope.group, code.i64(copySize)), end = code.min(code.add(first, code.i64(copySize)), count);
  code.loop(code.add(first, scope.thread), end, groupSize, {}, [&](Value index, ValueRange) {
    then(index);
    return SmallVector<Value>();
  });
}

static std::function<Value(Evaluator &)> groupsOf(ArrayType type) {
  return [type](Evaluator &evaluator) { return evaluator.code.ceilDiv(elementsOf(evaluator.code, type, evaluator).second, copySize); };
}

void DeviceLowering::emitCopy(Cell to, Cell from, ArrayType type, CopyWhen when) {
  emitLaunch("copy", func.getLoc(), Grid::Units, groupsOf(type), [&](Scope &scope) {
    CodeBuilder &code = scope.code;
    Value target = load(scope, to, code.getI64Type()), source = load(scope, from, code.getI64Type());
    Value isNeeded = code.integer(code.getI1Type(), 1);
    auto need = [&](Value condition) { isNeeded = arith::AndIOp::create(code, isNeeded, condition); };
    if (when.isWanted)
      need(code.compare(arith::CmpIPredicate::ne, target, code.i64(0)));
    if (when.isElsewhere)
      need(code.compare(arith::CmpIPredicate::ne, target, source));
    if (when.isLastSlot && layout.isOpen) {
      Value last = code.sub(load(scope, {false, slotCountCell}, code.getI64Type()), code.i64(1));
      need(code.compare(arith::CmpIPredicate::eq, scope.slot, last));
    }
    code.ifThen(isNeeded, [&] {
      Evaluator evaluator(code, scope.buffers);
      auto [element, count] = elementsOf(code, type, evaluator);
      Value a = LLVM::IntToPtrOp::create(code, code.ptrType(), source), b = LLVM::IntToPtrOp::create(code, code.ptrType(), target);
      Type stored = code.memType(element); // a bool as its byte
      forElements(scope, count, [&](Value index) { code.storeElement(b, stored, index, code.loadElement(a, stored, index)); });
    });
  });
}

/// Inputs that are left out get an array of their defaults in the workspace.
void DeviceLowering::fillDefaults() {
  for (auto [number, tensor] : llvm::enumerate(layout.tensors)) {
    if (!tensor.initial || tensor.type.isScalar())
      continue;
    Cell given = fieldOf(SlotField::Tensor, number), filled = temporaryFor(tensor.type), address = newCell(true);
    ArrayType type = tensor.type;
    addEffect([this, given, filled, address](Scope &scope) {
      CodeBuilder &code = scope.code;
      Value data = load(scope, given, code.getI64Type()), isAbsent = code.compare(arith::CmpIPredicate::eq, data, code.i64(0));
      store(scope, address, code.getI64Type(), code.select(isAbsent, load(scope, filled, code.getI64Type()), data));
    });
    flush();
    addresses[func.getArgument(tensor.argument)] = address;
    emitLaunch("default", func.getLoc(), Grid::Units, groupsOf(type), [&](Scope &scope) {
      CodeBuilder &code = scope.code;
      code.ifThen(code.compare(arith::CmpIPredicate::eq, load(scope, given, code.getI64Type()), code.i64(0)), [&] {
        Type element = type.getElementType();
        Value value = emitCast(code, code.number(code.getF64Type(), *tensor.initial), code.getF64Type(), element), place = pointerIn(scope, filled);
        Evaluator evaluator(code, scope.buffers);
        forElements(scope, evaluator.product(type.getShape()), [&](Value index) { code.storeElement(place, element, index, value); });
      });
    });
  }
}

/// Returned arguments may be replaced by others: their old elements are kept first.
void DeviceLowering::keepArguments() {
  kept.assign(ret.getValues().size(), Cell());
  for (auto [index, value] : llvm::enumerate(ret.getValues())) {
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument || isRankZero(value) || func.getResultOf(index) == argument.getArgNumber())
      continue;
    kept[index] = temporaryFor(arrayOf(value));
    emitCopy(kept[index], addressOf(value), arrayOf(value), {});
  }
}

void DeviceLowering::emitArrayResults() {
  DenseMap<unsigned, Cell> staged;
  for (auto [index, value] : llvm::enumerate(ret.getValues()))
    if (needsStage(func, index)) {
      staged[index] = temporaryFor(arrayOf(value));
      emitCopy(staged[index], addressOf(value), arrayOf(value), {});
    }
  for (auto [index, value] : llvm::enumerate(ret.getValues())) {
    int64_t tensor = findTensorOfResult(layout, index);
    if (isRankZero(value) || tensor < 0)
      continue;
    const EntryTensor &result = layout.tensors[tensor];
    CopyWhen when{result.optional, result.shared, false};
    Cell target = fieldOf(SlotField::Tensor, tensor);
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      if (func.getResultOf(index) != argument.getArgNumber())
        emitCopy(target, kept[index], arrayOf(value), when);
      continue;
    }
    Value inner = getInside(value);
    if (staged.contains(index)) {
      emitCopy(target, staged.lookup(index), arrayOf(value), when);
    } else if (isControl(inner.getDefiningOp()) || isa<BlockArgument>(inner)) { // perhaps the old elements, where they are
      when.isElsewhere = true;
      emitCopy(target, addressOf(inner), arrayOf(value), when);
    } else if (const Storage &where = plan.getStorage(inner); where.home != Home::Result || where.result != static_cast<int64_t>(index)) {
      emitCopy(target, placeOf(inner), arrayOf(value), when);
    }
  }
}

void DeviceLowering::addScalarResults() {
  for (auto [index, value] : llvm::enumerate(ret.getValues())) {
    int64_t tensor = findTensorOfResult(layout, index);
    if (!isRankZero(value) || tensor < 0)
      continue;
    if (auto argument = dyn_cast<BlockArgument>(value); argument && func.getResultOf(index) == argument.getArgNumber())
      continue;
    addEffect([this, value = Value(value), target = fieldOf(SlotField::Tensor, tensor), isOptional = layout.tensors[tensor].optional](Scope &scope) {
      CodeBuilder &code = scope.code;
      Value known = scalarIn(scope, value), address = load(scope, target, code.getI64Type());
      auto write = [&] {
        Value place = LLVM::IntToPtrOp::create(code, code.ptrType(), address);
        code.storeElement(place, arrayOf(value).getElementType(), code.i64(0), known);
      };
      if (isOptional)
        code.ifThen(code.compare(arith::CmpIPredicate::ne, address, code.i64(0)), write);
      else
        write();
    });
  }
}

/// Writes a gradus_device_report, also of a call that is refused.
void DeviceLowering::emitReport() {
  bool couldBeRefused = std::exchange(mayBeRefused, false);
  emitLaunch("report", func.getLoc(), Grid::One, {}, [&](Scope &scope) {
    CodeBuilder &code = scope.code;
    Type i64 = code.getI64Type(), i32 = code.getI32Type();
    Value nan = code.number(code.getF64Type(), std::numeric_limits<double>::quiet_NaN()), value = nan;
    findPlace(scope);
    Value place = pointerIn(scope, {false, reportCell}), status = load(scope, {false, statusCell}, i64);
    Value isFine = code.compare(arith::CmpIPredicate::eq, status, code.i64(0));
    if (layout.valueResult >= 0)
      value = scalarIn(scope, ret.getValues()[layout.valueResult]);
    if (couldBeRefused)
      value = code.select(isFine, value, nan);
    auto put = [&](int64_t offset, Value what) { LLVM::StoreOp::create(code, what, code.byteAddress(place, offset)); };
    auto narrow = [&](Value what) { return arith::TruncIOp::create(code, i32, what); };
    put(offsetof(gradus_device_report, value), value);
    put(offsetof(gradus_device_report, t), load(scope, {false, timeCell}, i64));
    put(offsetof(gradus_device_report, committed), arith::ExtUIOp::create(code, i32, isFine));
    put(offsetof(gradus_device_report, status), narrow(status));
    put(offsetof(gradus_device_report, slot), load(scope, {false, slotCell}, i64));
    put(offsetof(gradus_device_report, element), code.sub(load(scope, {false, elementCell}, i64), code.i64(1)));
    put(offsetof(gradus_device_report, what), narrow(load(scope, {false, whatCell}, i64)));
    put(offsetof(gradus_device_report, argument), narrow(load(scope, {false, argumentCell}, i64)));
  });
  program.launches.back().when = LaunchWhen::WithReport;
  program.launches.back().goesOverSlots = layout.isOpen && !gradients.empty();
}

} // namespace gradus
