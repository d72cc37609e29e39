//===- Scope.cpp - Cells, and what a thread loads of them --------------------------===//

#include "passes/gpu/Device.h"
#include "passes/fuse/Control.h"
#include "passes/lower/Blocks.h"
#include "passes/lower/Function.h"
#include "passes/lower/Steps.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace gradus {

Cell DeviceLowering::newCell(bool isOfSlot) {
  if (isOfSlot)
    return newField(SlotField::Number, 0);
  return {false, program.numCells++};
}

Cell DeviceLowering::newField(SlotField::Kind kind, unsigned index) {
  program.fields.push_back({kind, index});
  return {true, static_cast<unsigned>(program.fields.size() - 1)};
}

/// The one field of a kind and number.
Cell DeviceLowering::fieldOf(SlotField::Kind kind, unsigned index) {
  for (auto [number, field] : llvm::enumerate(program.fields))
    if (field.kind == kind && field.index == index)
      return {true, static_cast<unsigned>(number)};
  return newField(kind, index);
}

Cell DeviceLowering::newTemporary(std::function<Value(Evaluator &)> bytes, ArrayRef<Attribute> shape) {
  program.temporaries.push_back({std::move(bytes), SmallVector<Attribute>(shape)});
  return newField(SlotField::Temporary, program.temporaries.size() - 1);
}

Cell DeviceLowering::temporaryFor(ArrayType type) {
  auto bytes = [type](Evaluator &evaluator) { return emitBytes(evaluator.code, type.getElementType(), evaluator.product(type.getShape())); };
  return newTemporary(bytes, type.getShape());
}

/// Where the address of a result of a kernel stands.
Cell DeviceLowering::placeOf(Value kernelResult) {
  if (auto known = addresses.find(kernelResult); known != addresses.end())
    return known->second;
  const Storage &where = plan.getStorage(kernelResult);
  Cell place = where.home == Home::Result ? fieldOf(SlotField::Tensor, findTensorOfResult(layout, where.result)) : temporaryFor(arrayOf(kernelResult));
  addresses[kernelResult] = place;
  return place;
}

/// What stands for a value that a phase or control only hands on.
Value DeviceLowering::resolve(Value value) const {
  for (auto known = aliases.find(value); known != aliases.end(); known = aliases.find(value))
    value = known->second;
  return value;
}

/// Where the address of an array stands.
Cell DeviceLowering::addressOf(Value array) {
  array = resolve(array);
  if (auto known = addresses.find(array); known != addresses.end())
    return known->second;
  assert(array.getDefiningOp<KernelOp>() && "an array is an argument, or the result of a kernel or of control");
  return placeOf(array);
}

Value DeviceLowering::cellAddress(Scope &scope, Cell cell) {
  assert((!cell.isOfSlot || scope.record) && "cells of a slot are met where a slot is at hand");
  return scope.code.byteAddress(cell.isOfSlot ? scope.record : scope.frame, cell.index * cellBytes);
}

Value DeviceLowering::load(Scope &scope, Cell cell, Type element) {
  return scope.code.loadElement(cellAddress(scope, cell), element, scope.code.i64(0));
}

void DeviceLowering::store(Scope &scope, Cell cell, Type element, Value value) {
  scope.code.storeElement(cellAddress(scope, cell), element, scope.code.i64(0), value);
}

Value DeviceLowering::pointerIn(Scope &scope, Cell cell) {
  return LLVM::IntToPtrOp::create(scope.code, scope.code.ptrType(), load(scope, cell, scope.code.getI64Type()));
}

Value DeviceLowering::scalarIn(Scope &scope, Value value) {
  value = resolve(value);
  if (Value known = scope.buffers.scalars.lookup(value))
    return known;
  CodeBuilder &code = scope.code;
  Type element = arrayOf(value).getElementType();
  Value result;
  if (auto cell = cells.find(value); cell != cells.end()) {
    result = load(scope, cell->second, element);
  } else if (auto argument = dyn_cast<BlockArgument>(value)) {
    unsigned index = argument.getArgNumber();
    bool isTime = func.getArgRole(index) == Role::Time;
    const auto *hyper = llvm::find_if(layout.hypers, [&](const EntryHyper &known) { return known.argument == index; });
    Cell cell{false, isTime ? timeCell : firstHyperCell + static_cast<unsigned>(hyper - layout.hypers.begin())};
    Type stored = isTime ? Type(code.getI64Type()) : Type(code.getF64Type());
    result = emitCast(code, load(scope, cell, stored), stored, element);
  } else {
    bind(scope, value.getDefiningOp());
    Evaluator evaluator(code, scope.buffers);
    result = evaluator.evaluateScalar(value);
  }
  return scope.buffers.scalars[value] = result;
}

Value DeviceLowering::arrayIn(Scope &scope, Value value) {
  value = resolve(value);
  Value &known = scope.buffers.arrays[value];
  if (!known)
    known = pointerIn(scope, addressOf(value));
  return known;
}

/// Loads what an op reads.
void DeviceLowering::bind(Scope &scope, Operation *op) {
  for (Value input : getInputs(op)) {
    if (isRankZero(input))
      scope.buffers.scalars[input] = scalarIn(scope, input);
    else
      scope.buffers.arrays[input] = arrayIn(scope, input);
  }
}

static constexpr StringLiteral headerBytesAttribute = "gradus.header_bytes", recordBytesAttribute = "gradus.record_bytes";

/// A number that is known when all kernels are written.
static Value emitFrameSize(CodeBuilder &code, StringRef attribute) {
  auto constant = arith::ConstantOp::create(code, code.getI64IntegerAttr(0));
  constant->setAttr(attribute, code.getUnitAttr());
  return constant;
}

void DeviceLowering::finishFrame() {
  for (LLVM::LLVMFuncOp kernel : kernels)
    kernel.walk([&](arith::ConstantOp constant) {
      OpBuilder builder(constant);
      for (auto [attribute, cells] : {std::pair(headerBytesAttribute, size_t(program.numCells)), std::pair(recordBytesAttribute, program.fields.size())})
        if (constant->removeAttr(attribute))
          constant.setValueAttr(builder.getI64IntegerAttr(static_cast<int64_t>(cells) * cellBytes));
    });
}

void DeviceLowering::enterSlot(Scope &scope, Value slot) {
  CodeBuilder &code = scope.code;
  scope.slot = scope.buffers.slot = slot;
  Value offset = emitFrameSize(code, headerBytesAttribute);
  if (layout.isOpen) {
    Value before = arith::MulIOp::create(code, slot, emitFrameSize(code, recordBytesAttribute));
    offset = arith::AddIOp::create(code, offset, before);
  }
  scope.record = code.byteAddress(scope.frame, offset);
  for (auto [number, symbol] : llvm::enumerate(layout.symbols))
    markSize(scope.buffers.symbols[symbol] = load(scope, fieldOf(SlotField::Symbol, number), code.getI64Type()), symbol);
}

/// The last slot that begins at or before a group: i64 (first groups, bytes from one to the next, slots, group). A slot without groups is never the last one.
/// Where all slots have one size, the first guess is right; else it is one end of a binary search.
static LLVM::LLVMFuncOp getFindSlot(CodeBuilder &code) {
  Type i64 = code.getI64Type();
  return getShared(code, "gradus_find_slot_of_group", i64, {code.ptrType(), i64, i64, i64}, [](CodeBuilder &code, ValueRange arguments) {
    Type i64 = code.getI64Type();
    Value group = arguments[3], zero = code.i64(0), one = code.i64(1);
    auto firstOf = [&](CodeBuilder &at, Value slot) { return at.loadRaw(i64, at.byteAddress(arguments[0], at.mul(slot, arguments[1]))); };
    auto beginsBefore = [&](CodeBuilder &at, Value slot) { return at.compare(arith::CmpIPredicate::sle, firstOf(at, slot), group); };
    Value last = code.sub(arguments[2], one), firstOfLast = firstOf(code, last);
    Value guess = code.min(code.div(code.mul(group, last), code.max(firstOfLast, one)), last), next = code.min(code.add(guess, one), last);
    Value isLow = beginsBefore(code, guess), isNextLow = beginsBefore(code, next);
    Value low = code.select(isLow, guess, zero), high = code.select(isLow, code.select(isNextLow, last, guess), code.sub(guess, one));
    auto search = scf::WhileOp::create(
        code, TypeRange{i64, i64}, ValueRange{low, high},
        [&](OpBuilder &builder, Location loc, ValueRange ends) {
          CodeBuilder inner(loc, builder);
          scf::ConditionOp::create(inner, inner.compare(arith::CmpIPredicate::slt, ends[0], ends[1]), ends);
        },
        [&](OpBuilder &builder, Location loc, ValueRange ends) {
          CodeBuilder inner(loc, builder);
          Value middle = inner.div(inner.add(inner.add(ends[0], ends[1]), inner.i64(1)), inner.i64(2)), isBehind = beginsBefore(inner, middle);
          scf::YieldOp::create(inner, ValueRange{inner.select(isBehind, middle, ends[0]), inner.select(isBehind, ends[1], inner.sub(middle, inner.i64(1)))});
        });
    setMostSteps(search, stepsOfHalving);
    LLVM::ReturnOp::create(code, search.getResult(0));
  });
}

/// Erases loads and arithmetic that nothing needs.
static void prune(Operation *function) {
  SmallVector<Operation *> ops;
  function->walk([&](Operation *op) { ops.push_back(op); });
  for (Operation *op : llvm::reverse(ops))
    if (op != function && isOpTriviallyDead(op))
      op->erase();
}

void DeviceLowering::emitLaunch(StringRef what, Location loc, Grid grid, std::function<Value(Evaluator &)> groups, Body body) {
  auto launch = static_cast<unsigned>(program.launches.size());
  std::string name = layout.cName + "__" + what.str() + std::to_string(launch);
  program.launches.push_back({numKernels++, grid, std::move(groups), LaunchWhen::Always, 0, nullptr, false});
  steps->push_back({launch, {}, {}});
  CodeBuilder code(loc, func.getContext());
  code.setInsertionPointToEnd(device.getBody());
  Type i64 = code.getI64Type();
  auto kernel = LLVM::LLVMFuncOp::create(code, name, LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(code.getContext()), {i64, i64, i64}));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), code.getUnitAttr());
  code.setInsertionPointToStart(kernel.addEntryBlock(code));
  auto numberOf = [&](Value index) { return arith::IndexCastOp::create(code, i64, index).getResult(); };
  Value thread = numberOf(gpu::ThreadIdOp::create(code, gpu::Dimension::x));
  Value group = code.add(kernel.getArgument(2), numberOf(gpu::BlockIdOp::create(code, gpu::Dimension::x)));
  Scope scope{code, LLVM::IntToPtrOp::create(code, code.ptrType(), kernel.getArgument(0)), {}, {}, thread, group, Buffers()};
  scope.pass = kernel.getArgument(1);
  scope.buffers.seed = load(scope, {false, seedCell}, i64);
  auto only = [&](Value condition) { // what follows stands under the condition
    auto branch = scf::IfOp::create(code, condition, /*withElseRegion=*/false);
    code.setInsertionPointToStart(branch.thenBlock());
  };
  if (mayBeRefused)
    only(code.compare(arith::CmpIPredicate::eq, load(scope, {false, statusCell}, i64), code.i64(0)));
  Value slots = layout.isOpen ? load(scope, {false, slotCountCell}, i64) : code.i64(1), zero = code.i64(0);
  if (grid == Grid::One) {
    only(code.compare(arith::CmpIPredicate::eq, thread, zero));
    if (!layout.isOpen)
      enterSlot(scope, zero);
  } else if (grid == Grid::Slots) {
    Value slot = code.add(code.mul(group, code.i64(groupSize)), thread);
    only(code.compare(arith::CmpIPredicate::slt, slot, slots));
    enterSlot(scope, slot);
  } else if (grid != Grid::Group && !layout.isOpen) {
    enterSlot(scope, zero);
  } else if (grid == Grid::SlotGroup) {
    scope.group = zero;
    enterSlot(scope, group);
  } else if (grid == Grid::Units) {
    Cell first = newField(SlotField::First, launch);
    enterSlot(scope, zero);
    Value bytes = emitFrameSize(code, recordBytesAttribute);
    Value slot = LLVM::CallOp::create(code, getFindSlot(code), ValueRange{cellAddress(scope, first), bytes, slots, group}).getResult();
    enterSlot(scope, slot);
    scope.group = code.sub(group, load(scope, first, i64));
  }
  if (level->active)
    only(load(scope, *level->active, code.getI1Type()));
  {
    OpBuilder::InsertionGuard guard(code);
    body(scope);
  }
  checkLoops(scope, kernel);
  code.setInsertionPointToEnd(&kernel.getBody().front());
  LLVM::ReturnOp::create(code, ValueRange());
  prune(kernel);
  kernels.push_back(kernel);
}

/// Long loops: the host program looks at them, or else the kernel, behind all of them.
void DeviceLowering::checkLoops(Scope &scope, LLVM::LLVMFuncOp kernel) {
  StepBound steps = findSteps(kernel);
  if (steps.isFormula() || (steps.isKnown() && steps.getConstant() <= safeSteps)) {
    program.launches.back().steps = steps;
    return;
  }
  scope.code.ifThen(emitHasEndedLoops(scope.code, kernel.getArgument(2)), [&] { refuse(scope, GRADUS_ERROR_DEVICE, -1, 0); });
  mayBeRefused = true;
}

/// From here on launches do nothing.
void DeviceLowering::refuse(Scope &scope, int32_t status, int64_t what, int64_t argument) {
  CodeBuilder &code = scope.code;
  for (auto [cell, number] : {std::pair(statusCell, int64_t(status)), std::pair(whatCell, what), std::pair(argumentCell, argument)})
    store(scope, {false, cell}, code.getI64Type(), code.i64(number));
}

Value emitGroupMemory(CodeBuilder &code, Type element, int64_t count) {
  auto space = gpu::AddressSpaceAttr::get(code.getContext(), gpu::AddressSpace::Workgroup);
  auto type = MemRefType::get({count}, element, MemRefLayoutAttrInterface(), space);
  return UnrealizedConversionCastOp::create(code, TypeRange(type), ValueRange()).getResult(0);
}

static Value indexOf(CodeBuilder &code, Value number) { return arith::IndexCastOp::create(code, code.getIndexType(), number); }

Value loadGroup(CodeBuilder &code, Value memory, Value index, Type element) {
  Value value = memref::LoadOp::create(code, memory, indexOf(code, index));
  return element.isInteger(1) ? code.compare(arith::CmpIPredicate::ne, value, code.integer(value.getType(), 0)) : value;
}

void storeGroup(CodeBuilder &code, Value memory, Value index, Value value) {
  if (value.getType().isInteger(1))
    value = arith::ExtUIOp::create(code, code.getI8Type(), value);
  memref::StoreOp::create(code, value, memory, indexOf(code, index));
}

void emitBarrier(CodeBuilder &code) { gpu::BarrierOp::create(code); }

} // namespace gradus
