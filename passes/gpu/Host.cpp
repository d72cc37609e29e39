//===- Host.cpp - The host program of an entry on a device ---------------------------===//
//
// Fills the frame from the start to the end and records the launches. It knows sizes, hyper-parameters and t, never what is in a tensor: it allocates nothing,
// reads nothing back and waits for nothing. A hook that fails ends the call: the helpers below do nothing from then on.
//
//===----------------------------------------------------------------------===//

#include "passes/gpu/Device.h"
#include "passes/gpu/Gpu.h"
#include "passes/lower/Sizes.h"
#include "runtime/gradus_device.h"

using namespace mlir;

namespace gradus {

/// Each temporary begins at a multiple of it.
static constexpr int64_t alignment = 64;

static Value roundUp(CodeBuilder &code, Value bytes) { return arith::AndIOp::create(code, code.add(bytes, code.i64(alignment - 1)), code.i64(-alignment)); }

namespace {

/// What a walk over the slots knows at each of them.
struct SlotSizes {
  Buffers buffers;
  SmallVector<Value> offsets; ///< of temporaries
  SmallVector<Value> groups;  ///< of launches; null where the sizes do not matter
  SmallVector<Value> passes;  ///< of launches; null where there is one
  Value end;                  ///< of the temporaries
  Value fits;                 ///< whether they can be in memory
};

class HostEmitter {
public:
  HostEmitter(FuncOp func, const EntryLayout &layout, const DeviceProgram &program, ModuleOp module)
      : func(func), layout(layout), program(program), module(module), code(func.getLoc(), func.getContext()) {}
  void emitKernel();
  void emitWorkspace();

private:
  LLVM::LLVMFuncOp begin(StringRef name, Type result, TypeRange arguments);
  Value frameBytes();
  Value placeTemporaries(Evaluator &evaluator, Value offset, function_ref<void(unsigned number, Value place)> take);
  SlotSizes measure(Value slot, Value offset);
  void checkLoops(Value report);
  void fillHeader(ValueRange arguments);
  SmallVector<Value> fillRecords();
  void emitSteps(ArrayRef<Step> steps, ArrayRef<Value> totals, ArrayRef<Value> around);
  void emitLaunch(unsigned number, Value total, Value passes);
  LLVM::LLVMFuncOp getPlaces();
  LLVM::LLVMFuncOp getUpdate();
  LLVM::LLVMFuncOp getDispatch();

  FuncOp func;
  const EntryLayout &layout;
  const DeviceProgram &program;
  ModuleOp module;
  CodeBuilder code;
  Value tensors, slots, device, workspace, status;
  Buffers host; ///< hyper-parameters, t and, in a function that is not open, sizes
};

} // namespace

LLVM::LLVMFuncOp HostEmitter::begin(StringRef name, Type result, TypeRange arguments) {
  code.setInsertionPointToEnd(module.getBody());
  auto created = LLVM::LLVMFuncOp::create(code, name, LLVM::LLVMFunctionType::get(result, llvm::to_vector(arguments)));
  code.setInsertionPointToStart(created.addEntryBlock(code));
  return created;
}

/// void (device, status, to, from, bytes)
LLVM::LLVMFuncOp HostEmitter::getUpdate() {
  Type ptr = code.ptrType(), i64 = code.getI64Type(), i32 = code.getI32Type();
  return getShared(code, "gradus_device_update", LLVM::LLVMVoidType::get(code.getContext()), {ptr, ptr, i64, ptr, i64}, [&](CodeBuilder &code, ValueRange arguments) {
    Value isFine = code.compare(arith::CmpIPredicate::eq, code.loadRaw(i32, arguments[1]), code.i32(0));
    code.ifThen(isFine, [&] {
      Value hook = code.loadRaw(ptr, code.byteAddress(arguments[0], int64_t(offsetof(gradus_device, update))));
      Value user = code.loadRaw(ptr, code.byteAddress(arguments[0], int64_t(offsetof(gradus_device, user))));
      auto type = LLVM::LLVMFunctionType::get(i32, {ptr, i64, ptr, i64});
      Value result = LLVM::CallOp::create(code, type, ValueRange{hook, user, arguments[2], arguments[3], arguments[4]}).getResult();
      LLVM::StoreOp::create(code, result, arguments[1]);
    });
  });
}

/// void (device, status, kernel, groups, frame, argument)
LLVM::LLVMFuncOp HostEmitter::getDispatch() {
  Type ptr = code.ptrType(), i64 = code.getI64Type(), i32 = code.getI32Type();
  if (!module.lookupSymbol(deviceTableName)) {
    OpBuilder::InsertionGuard guard(code);
    code.setInsertionPointToStart(module.getBody());
    LLVM::GlobalOp::create(code, code.getI8Type(), /*isConstant=*/true, LLVM::Linkage::External, deviceTableName, Attribute());
  }
  return getShared(code, "gradus_device_dispatch", LLVM::LLVMVoidType::get(code.getContext()), {ptr, ptr, i32, i64, i64, i64}, [&](CodeBuilder &code, ValueRange arguments) {
    Value isFine = code.compare(arith::CmpIPredicate::eq, code.loadRaw(i32, arguments[1]), code.i32(0));
    Value isWork = code.compare(arith::CmpIPredicate::ne, arguments[3], code.i64(0));
    code.ifThen(arith::AndIOp::create(code, isFine, isWork), [&] {
      Value hook = code.loadRaw(ptr, code.byteAddress(arguments[0], int64_t(offsetof(gradus_device, dispatch))));
      Value user = code.loadRaw(ptr, code.byteAddress(arguments[0], int64_t(offsetof(gradus_device, user))));
      Value table = LLVM::AddressOfOp::create(code, ptr, deviceTableName);
      auto type = LLVM::LLVMFunctionType::get(i32, {ptr, ptr, i32, i64, i64, i64});
      Value result = LLVM::CallOp::create(code, type, ValueRange{hook, user, table, arguments[2], arguments[3], arguments[4], arguments[5]}).getResult();
      LLVM::StoreOp::create(code, result, arguments[1]);
    });
  });
}

/// Header and records, up to the first temporary.
Value HostEmitter::frameBytes() {
  Value records = code.mul(slots, code.i64(static_cast<int64_t>(program.fields.size()) * cellBytes));
  return roundUp(code, code.add(code.i64(program.numCells * cellBytes), records));
}

/// Where the temporaries of a slot are from `offset` on, and where they end.
Value HostEmitter::placeTemporaries(Evaluator &evaluator, Value offset, function_ref<void(unsigned number, Value place)> take) {
  for (auto [number, temporary] : llvm::enumerate(program.temporaries)) {
    take(number, offset);
    offset = code.add(offset, roundUp(code, temporary.bytes(evaluator)));
  }
  return offset;
}

/// The sizes of a slot, and its temporaries from `offset` on.
SlotSizes HostEmitter::measure(Value slot, Value offset) {
  SlotSizes sizes;
  sizes.buffers.symbols = emitSymbols(code, layout, tensors, slot);
  Evaluator evaluator(code, sizes.buffers);
  sizes.fits = code.integer(code.getI1Type(), 1);
  sizes.end = placeTemporaries(evaluator, offset, [&](unsigned, Value place) { sizes.offsets.push_back(place); });
  for (const Temporary &temporary : program.temporaries) {
    Value count = code.number(code.getF64Type(), 1); // arguments of size 0 may go with others that no memory has
    for (Attribute dim : temporary.shape)
      count = arith::MulFOp::create(code, count, arith::SIToFPOp::create(code, code.getF64Type(), evaluator.sizeOf(dim)));
    Value isSmall = arith::CmpFOp::create(code, arith::CmpFPredicate::OLE, count, code.number(code.getF64Type(), 0x1p50));
    sizes.fits = arith::AndIOp::create(code, sizes.fits, isSmall);
  }
  for (const Launch &launch : program.launches) {
    sizes.groups.push_back(launch.grid == Grid::Units ? launch.groups(evaluator) : Value());
    sizes.passes.push_back(launch.passes ? launch.passes(evaluator) : Value());
  }
  return sizes;
}

/// A device that would end the loops of a slot takes nothing of the call: `report` says how long they are, and of which slot.
void HostEmitter::checkLoops(Value report) {
  StepBound always = 0;
  for (const Launch &launch : program.launches)
    if (launch.steps.isKnown() && !launch.steps.isFormula())
      always = most(always, launch.steps);
  Type i64 = code.getI64Type();
  Value limit = code.loadRaw(i64, code.byteAddress(device, int64_t(offsetof(gradus_device, longest_loop))));
  auto isLong = [&](Value steps) {
    return arith::CmpFOp::create(code, arith::CmpFPredicate::UGE, steps, arith::UIToFPOp::create(code, code.getF64Type(), limit)).getResult();
  };
  code.ifThen(code.compare(arith::CmpIPredicate::ne, limit, code.i64(0)), [&] {
    code.loop(code.i64(0), slots, [&](Value slot) {
      Buffers buffers;
      buffers.symbols = emitSymbols(code, layout, tensors, slot);
      Evaluator evaluator(code, buffers);
      Value steps = always.emit(evaluator);
      for (const Launch &launch : program.launches)
        if (launch.steps.isFormula())
          steps = arith::MaximumFOp::create(code, steps, launch.steps.emit(evaluator));
      code.ifThen(isLong(steps), [&] {
        LLVM::StoreOp::create(code, code.i32(GRADUS_ERROR_DEVICE), status);
        LLVM::StoreOp::create(code, steps, code.byteAddress(report, int64_t(offsetof(gradus_report, value))));
        LLVM::StoreOp::create(code, slot, code.byteAddress(report, int64_t(offsetof(gradus_report, slot))));
      });
    });
  });
}

/// The cells of the call: numbers of the host, then zeros.
void HostEmitter::fillHeader(ValueRange arguments) {
  Type i64 = code.getI64Type();
  Value header = code.stackSlot(i64, program.numCells);
  auto put = [&](unsigned cell, Value value) { LLVM::StoreOp::create(code, value, code.byteAddress(header, cell * cellBytes)); };
  auto ofDevice = [&](size_t offset) { return code.loadRaw(i64, code.byteAddress(device, static_cast<int64_t>(offset))); };
  put(statusCell, code.i64(0));
  put(whatCell, code.i64(-1));
  put(argumentCell, code.i64(0));
  put(slotCell, code.i64(0));
  put(elementCell, code.i64(0));
  put(reportCell, ofDevice(offsetof(gradus_device, report)));
  put(valuesCell, ofDevice(offsetof(gradus_device, values)));
  put(slotCountCell, slots);
  put(timeCell, arguments[2]);
  put(seedCell, arguments[3]);
  for (unsigned k = 0; k < layout.hypers.size(); ++k)
    put(firstHyperCell + k, code.loadElement(arguments[1], i64, code.i64(k)));
  for (unsigned cell = firstHyperCell + layout.hypers.size(); cell < program.numCells; ++cell)
    put(cell, code.i64(0));
  LLVM::CallOp::create(code, getUpdate(), ValueRange{device, status, workspace, header, code.i64(program.numCells * cellBytes)});
}

/// One record for each slot. Returns how many groups each launch has in all, then how often each is dispatched.
SmallVector<Value> HostEmitter::fillRecords() {
  Type i64 = code.getI64Type();
  auto bytes = static_cast<int64_t>(program.fields.size()) * cellBytes;
  Value record = code.stackSlot(i64, std::max<int64_t>(program.fields.size(), 1)), base = code.add(workspace, code.i64(program.numCells * cellBytes));
  size_t const launches = program.launches.size();
  SmallVector<Value> init(2 * launches + 1, code.i64(0));
  init[0] = code.add(workspace, frameBytes());
  scf::ForOp loop = code.loop(code.i64(0), slots, 1, init, [&](Value slot, ValueRange carried) {
    SlotSizes sizes = measure(slot, carried[0]);
    for (auto [number, field] : llvm::enumerate(program.fields)) {
      Value value = code.i64(0);
      if (field.kind == SlotField::Tensor) {
        Value self = emitDescriptor(code, layout, tensors, slot, field.index);
        value = code.loadRaw(i64, code.byteAddress(self, int64_t(offsetof(gradus_tensor, data))));
      } else if (field.kind == SlotField::Symbol) {
        value = sizes.buffers.symbols.lookup(layout.symbols[field.index]);
      } else if (field.kind == SlotField::Temporary) {
        value = sizes.offsets[field.index];
      } else if (field.kind == SlotField::First) {
        value = carried[field.index + 1];
      }
      LLVM::StoreOp::create(code, value, code.byteAddress(record, static_cast<int64_t>(number) * cellBytes));
    }
    LLVM::CallOp::create(code, getUpdate(), ValueRange{device, status, code.add(base, code.mul(slot, code.i64(bytes))), record, code.i64(bytes)});
    SmallVector<Value> next{sizes.end};
    for (auto [groups, before] : llvm::zip_equal(sizes.groups, carried.slice(1, launches)))
      next.push_back(groups ? code.add(before, groups) : before);
    for (auto [passes, before] : llvm::zip_equal(sizes.passes, carried.drop_front(launches + 1)))
      next.push_back(passes ? code.max(before, passes) : before);
    return next;
  });
  return llvm::to_vector(ValueRange(loop.getResults()).drop_front());
}

void HostEmitter::emitLaunch(unsigned number, Value total, Value passes) {
  const Launch &launch = program.launches[number];
  Value groups = total;
  if (launch.grid == Grid::One || launch.grid == Grid::Group)
    groups = code.i64(1);
  else if (launch.grid == Grid::Slots)
    groups = code.ceilDiv(slots, groupSize);
  else if (launch.grid == Grid::SlotGroup)
    groups = slots;
  auto once = [&](Value pass) {
    LLVM::CallOp::create(code, getDispatch(), ValueRange{device, status, code.i32(static_cast<int32_t>(launch.kernel)), groups, workspace, pass});
  };
  auto dispatch = [&] {
    Value isWork = code.compare(arith::CmpIPredicate::ne, groups, code.i64(0)); // without groups an axis may be as long as no memory is
    if (launch.passes || launch.goesOverSlots)
      code.loop(code.i64(0), code.select(isWork, launch.passes ? passes : countPasses(code, slots), code.i64(0)), once);
    else
      once(code.i64(0));
  };
  if (launch.when == LaunchWhen::Always)
    return dispatch();
  size_t offset = launch.when == LaunchWhen::WithReport ? offsetof(gradus_device, report) : offsetof(gradus_device, values);
  Value address = code.loadRaw(code.getI64Type(), code.byteAddress(device, static_cast<int64_t>(offset)));
  code.ifThen(code.compare(arith::CmpIPredicate::ne, address, code.i64(0)), dispatch);
}

/// i64 (tensors, slot, begin, places): stores where the temporaries of a slot are, the first one at `begin`, and returns where they end.
LLVM::LLVMFuncOp HostEmitter::getPlaces() {
  std::string name = layout.cName + "__device_places";
  if (auto known = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return known;
  OpBuilder::InsertionGuard guard(code);
  Type ptr = code.ptrType(), i64 = code.getI64Type();
  LLVM::LLVMFuncOp places = begin(name, i64, {ptr, i64, i64, ptr});
  places.setLinkage(LLVM::Linkage::Internal);
  Buffers buffers;
  buffers.symbols = emitSymbols(code, layout, places.getArgument(0), places.getArgument(1));
  Evaluator evaluator(code, buffers);
  Value end = placeTemporaries(evaluator, places.getArgument(2), [&](unsigned number, Value place) {
    LLVM::StoreOp::create(code, place, code.byteAddress(places.getArgument(3), number * int64_t(sizeof(int64_t))));
  });
  LLVM::ReturnOp::create(code, end);
  return places;
}

/// `around` are the numbers of the passes of loops around.
void HostEmitter::emitSteps(ArrayRef<Step> steps, ArrayRef<Value> totals, ArrayRef<Value> around) {
  for (const Step &step : steps) {
    if (step.product) {
      HostCall call{layout, program, tensors, slots, device, status, code.add(workspace, frameBytes()), [&] { return getPlaces(); }};
      code.ifThen(emitAskForProduct(code, *step.product, call, around), [&] { emitSteps(step.body, totals, around); });
    } else if (step.count) {
      Evaluator evaluator(code, host);
      code.loop(code.i64(0), step.count(evaluator), [&](Value pass) {
        SmallVector<Value> inside(around);
        inside.push_back(pass);
        emitSteps(step.body, totals, inside);
      });
    } else {
      emitLaunch(step.launch, totals[step.launch], totals[program.launches.size() + step.launch]);
    }
  }
}

/// int32_t kernel(context, hyper, t, seed, tensors, n_slots, workspace, report)
void HostEmitter::emitKernel() {
  Type ptr = code.ptrType(), i64 = code.getI64Type(), i32 = code.getI32Type();
  LLVM::LLVMFuncOp entry = begin(getDeviceKernelName(layout), i32, {ptr, ptr, i64, i64, ptr, i64, ptr, ptr});
  auto arguments = entry.getArguments();
  device = code.loadRaw(ptr, code.byteAddress(arguments[0], int64_t(offsetof(gradus_context, device))));
  tensors = arguments[4];
  slots = layout.isOpen ? Value(arguments[5]) : code.i64(1);
  workspace = LLVM::PtrToIntOp::create(code, i64, arguments[6]);
  status = code.stackSlot(i32, 1);
  LLVM::StoreOp::create(code, code.i32(GRADUS_OK), status);
  if (!layout.isOpen)
    host.symbols = emitSymbols(code, layout, tensors, code.i64(0));
  for (auto [index, parameter] : llvm::enumerate(layout.hypers)) {
    Value value = code.loadElement(arguments[1], code.getF64Type(), code.i64(index));
    host.scalars[func.getArgument(parameter.argument)] = emitCast(code, value, code.getF64Type(), parameter.type.getElementType());
  }
  for (auto [index, argument] : llvm::enumerate(func.getArguments()))
    if (func.getArgRole(index) == Role::Time)
      host.scalars[argument] = emitCast(code, arguments[2], i64, arrayOf(argument).getElementType());
  checkLoops(arguments[7]);
  fillHeader(arguments);
  SmallVector<Value> totals = fillRecords();
  emitSteps(program.steps, totals, {});
  LLVM::ReturnOp::create(code, code.loadRaw(i32, status));
}

/// size_t workspace(tensors, n_slots). SIZE_MAX where it does not fit.
void HostEmitter::emitWorkspace() {
  Type ptr = code.ptrType(), i64 = code.getI64Type();
  LLVM::LLVMFuncOp sizes = begin(getDeviceWorkspaceName(layout), i64, {ptr, i64});
  tensors = sizes.getArgument(0);
  slots = layout.isOpen ? Value(sizes.getArgument(1)) : code.i64(1);
  Value fits = code.integer(code.getI1Type(), 1);
  scf::ForOp loop = code.loop(code.i64(0), slots, 1, {frameBytes(), fits}, [&](Value slot, ValueRange carried) {
    SlotSizes slotSizes = measure(slot, carried[0]);
    Value isSmall = code.compare(arith::CmpIPredicate::ult, slotSizes.end, code.i64(int64_t(1) << 60));
    Value stillFits = arith::AndIOp::create(code, arith::AndIOp::create(code, carried[1], slotSizes.fits), isSmall);
    return SmallVector<Value>{slotSizes.end, stillFits};
  });
  LLVM::ReturnOp::create(code, code.select(loop.getResult(1), loop.getResult(0), code.i64(-1)));
}

void emitHostProgram(FuncOp func, const EntryLayout &layout, const DeviceProgram &program, ModuleOp module) {
  HostEmitter(func, layout, program, module).emitKernel();
  HostEmitter(func, layout, program, module).emitWorkspace();
}

} // namespace gradus
