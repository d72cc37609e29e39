//===- Function.cpp - The entry point of a fused function -----------------------===//

#include "passes/lower/Function.h"

#include "passes/fuse/Control.h"

using namespace mlir;

namespace gradus {

FunctionLowering::FunctionLowering(FuncOp func)
    : func(func), layout(computeEntryLayout(func)), plan(func), code(func.getLoc(), func.getContext()),
      ret(cast<ReturnOp>(func.getBody().front().getTerminator())) {
  lastPhase = dyn_cast_or_null<PhaseOp>(ret->getPrevNode());
  for (KernelOp kernel : plan.getKernels())
    if (std::optional<RowNest> nest = RowNest::startingAt(kernel))
      nests.push_back(*nest);
  for (const RowNest &nest : nests)
    for (auto [local, host] : nest.findHosts(plan))
      hosts[local] = host;
}

void FunctionLowering::run() {
  emitEntry();
  emitWorkspace();
}

LLVM::LLVMFuncOp FunctionLowering::createFunction(StringRef name, Type result, TypeRange arguments, bool isInternal) {
  auto module = func->getParentOfType<ModuleOp>();
  OpBuilder::InsertionGuard guard(code);
  code.setInsertionPointToEnd(module.getBody());
  auto type = LLVM::LLVMFunctionType::get(result, llvm::to_vector(arguments));
  auto created = LLVM::LLVMFuncOp::create(code, name, type, isInternal ? LLVM::Linkage::Internal : LLVM::Linkage::External);
  created.addEntryBlock(code);
  return created;
}

/// int32_t kernel(context, hyper, t, seed, tensors, n_slots, workspace, report)
void FunctionLowering::emitEntry() {
  Type ptr = code.ptrType(), i64 = code.getI64Type();
  entry = createFunction(layout.getKernelName(), code.getI32Type(), {ptr, ptr, i64, i64, ptr, i64, ptr, ptr}, false);
  code.setInsertionPointToStart(&entry.getBody().front());
  auto arguments = entry.getArguments();
  context = arguments[0];
  hyper = arguments[1];
  time = arguments[2];
  host.seed = arguments[3];
  host.slot = code.i64(0);
  tensors = arguments[4];
  slotCount = arguments[5];
  workspace = arguments[6];
  report = arguments[7];
  bool canBeRefused = func.walk([](Operation *op) { return canFail(op) ? WalkResult::interrupt() : WalkResult::advance(); }).wasInterrupted();
  if (canBeRefused || plan.hasCuts() || plan.hasGuards()) {
    flag = code.stackSlot(code.getI32Type(), 1);
    Value state = code.i32(0);
    if (layout.isOpen && plan.hasCuts()) { // no slot may have moved when workers meet for the next one
      Value isOne = code.compare(arith::CmpIPredicate::sle, slotCount, code.i64(1));
      state = code.select(isOne, state, code.i32(-4));
    }
    LLVM::StoreOp::create(code, state, flag);
  }
  guards = findGuards(func, ret);
  emitHostScalars();
  if (!layout.isOpen) {
    onlySlot = enterSlot(code.i64(0));
    host.symbols = onlySlot->buffers.symbols;
    host.scalars = onlySlot->buffers.scalars;
  }
  emitChecks();
  if (plan.needsAgreement()) { // who refuses must still tell the other workers
    mayBeRefusedLate = true;
    emitStatements();
  } else {
    unlessRefused([&] { emitStatements(); });
  }
  Value status = code.i32(GRADUS_OK);
  if (flag) {
    Value state = code.loadRaw(code.getI32Type(), flag);
    Value isRefused = code.compare(arith::CmpIPredicate::ne, state, code.i32(0));
    // Below 0 all workers know: see gradus_workers_agree.
    Value isOwn = code.compare(arith::CmpIPredicate::sle, state, code.i32(-16));
    state = code.select(isOwn, code.sub(code.i32(-16), state), state);
    Value isOfWorkers = code.compare(arith::CmpIPredicate::slt, state, code.i32(0));
    Value hasReport = LLVM::ICmpOp::create(code, LLVM::ICmpPredicate::ne, report, LLVM::ZeroOp::create(code, code.ptrType()));
    code.ifThen(arith::AndIOp::create(code, isRefused, hasReport), [&] {
      Value place = arith::ShRUIOp::create(code, state, code.i32(1));
      place = code.select(isOfWorkers, code.sub(code.i32(0), state), place);
      LLVM::StoreOp::create(code, place, code.byteAddress(report, offsetof(gradus_report, reserved)));
    });
    Value isOfGuard = code.compare(arith::CmpIPredicate::eq, state, code.i32(2 * refusedByGuard));
    Value why = code.select(isOfGuard, code.i32(GRADUS_ERROR_NONFINITE), code.i32(GRADUS_ERROR_INDEX));
    why = code.select(isOfWorkers, code.i32(GRADUS_ERROR_WORKERS), why);
    status = code.select(isRefused, why, status);
  }
  LLVM::ReturnOp::create(code, status);
}

void FunctionLowering::unlessRefused(function_ref<void()> then) {
  if (!flag)
    return then();
  code.ifThen(code.compare(arith::CmpIPredicate::eq, code.loadRaw(code.getI32Type(), flag), code.i32(0)), then);
}

/// What `then` computes, or zeros where the call is refused already.
SmallVector<Value> FunctionLowering::valuesUnlessRefused(TypeRange types, function_ref<SmallVector<Value>()> then) {
  Value isFine = code.compare(arith::CmpIPredicate::eq, code.loadRaw(code.getI32Type(), flag), code.i32(0));
  auto branch = scf::IfOp::create(code, types, isFine, /*addThenBlock=*/true, /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(code);
  code.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(code, then());
  code.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(code, llvm::map_to_vector(types, [&](Type type) { return code.number(type, 0); }));
  return llvm::to_vector(ValueRange(branch.getResults()));
}

/// Hyper-parameters come as doubles; integers and bools have been checked to be whole.
void FunctionLowering::emitHostScalars() {
  for (auto [index, parameter] : llvm::enumerate(layout.hypers)) {
    Value value = code.loadElement(hyper, code.getF64Type(), code.i64(index));
    host.scalars[func.getArgument(parameter.argument)] = emitCast(code, value, code.getF64Type(), parameter.type.getElementType());
  }
  for (auto [index, argument] : llvm::enumerate(func.getArguments()))
    if (func.getArgRole(index) == Role::Time)
      host.scalars[argument] = emitCast(code, time, code.getI64Type(), arrayOf(argument).getElementType());
  if (!layout.isOpen)
    return;
  for (auto [number, tensor] : llvm::enumerate(layout.tensors)) {
    if (!tensor.shared || tensor.argument < 0 || !tensor.type.isScalar())
      continue;
    // A collection without tensors has no slot 0.
    Type type = code.regType(tensor.type.getElementType());
    Value isThere = code.compare(arith::CmpIPredicate::sgt, slotCount, code.i64(0));
    host.scalars[func.getArgument(tensor.argument)] = code.choose(
        type, isThere,
        [&] {
          Value self = descriptor(code.i64(0), number);
          return loadScalar(code.loadRaw(code.ptrType(), code.byteAddress(self, offsetof(gradus_tensor, data))), tensor);
        },
        [&] { return code.number(type, 0); });
  }
}

void FunctionLowering::emitScalarOp(Operation *op, Buffers &buffers) {
  if (isCut(op))
    return emitScalarCut(op, buffers);
  Evaluator evaluator(code, buffers);
  for (Value result : op->getResults()) {
    Value value = evaluator.evaluateScalar(result);
    buffers.scalars[result] = value;
  }
}

void FunctionLowering::emitStatements() {
  for (Operation &op : func.getBody().front()) {
    if (auto phase = dyn_cast<PhaseOp>(op)) {
      emitPhase(phase);
    } else if (auto reduction = dyn_cast<AllReduceOp>(op)) {
      // The phase has combined the slots already; a function that is not open has one.
      if (!layout.isOpen)
        host.scalars[reduction.getY()] = host.scalars.lookup(reduction.getX());
    } else if (isControl(&op)) {
      emitControl(&op, host, nullptr);
    } else if (!isa<ReturnOp>(op)) {
      emitScalarOp(&op, host);
    }
    emitGuards(&op, host);
  }
  unlessRefused([&] {
    if (!lastPhase)
      emitUnphasedResults();
    emitReport();
  });
}

/// The results of a function that no phase computes.
void FunctionLowering::emitUnphasedResults() {
  auto finish = [&](Slot &slot) {
    keepArguments(slot);
    emitArrayResults(slot);
    emitScalarResults(slot);
  };
  if (onlySlot) {
    onlySlot->buffers.scalars = host.scalars;
    finish(*onlySlot);
  } else if (!layout.tensors.empty()) {
    code.loop(code.i64(0), slotCount, [&](Value index) {
      Slot slot = enterSlot(index);
      finish(slot);
    });
  }
}

/// One phase over all slots; what is reduced over the collection is carried from slot to slot, in their order.
void FunctionLowering::emitPhase(PhaseOp phase) {
  if (onlySlot) {
    onlySlot->buffers.scalars = host.scalars;
    SmallVector<Value> values = emitPhaseInSlot(phase, *onlySlot);
    for (auto [result, value] : llvm::zip_equal(phase.getValues(), values))
      if (value)
        host.scalars[result] = value;
    return;
  }
  if (phase == lastPhase)
    emitLastPhase(phase);
  else if (isLaunchedForAll(phase))
    launchForAll(phase);
  else
    combineSlots(phase, [&](Slot &slot) { return emitPhaseInSlot(phase, slot); });
}

/// What is reduced over the collection, of the values that each slot yields in the phase.
void FunctionLowering::combineSlots(PhaseOp phase, function_ref<SmallVector<Value>(Slot &)> emitSlot) {
  SmallVector<AllReduceOp> reductions;
  for (Value result : phase.getValues())
    for (Operation *user : result.getUsers())
      if (auto reduction = dyn_cast<AllReduceOp>(user))
        reductions.push_back(reduction);
  SmallVector<Value> init;
  for (AllReduceOp reduction : reductions)
    init.push_back(emitIdentity(code, reduction.getKind(), code.regType(reduction.getType().getElementType())));
  scf::ForOp loop = code.loop(code.i64(0), slotCount, 1, init, [&](Value index, ValueRange carried) {
    Slot slot = enterSlot(index);
    SmallVector<Value> values = emitSlot(slot), next;
    for (auto [reduction, old] : llvm::zip_equal(reductions, carried))
      next.push_back(emitCombine(code, reduction.getKind(), old, values[cast<OpResult>(reduction.getX()).getResultNumber()]));
    return next;
  });
  for (auto [reduction, value] : llvm::zip_equal(reductions, loop.getResults()))
    host.scalars[reduction.getY()] = value;
}

/// The phase that writes the slots of an open function, once it is sure that it may.
void FunctionLowering::emitLastPhase(PhaseOp phase) {
  if (plan.hasRehearsal()) {
    stage = "_rehearsal";
    code.loop(code.i64(0), slotCount, [&](Value index) {
      Slot slot = enterSlot(index);
      emitRehearsal(phase, slot);
    });
    stage = "";
  }
  auto emitSlots = [&] {
    if (isLaunchedForAll(phase))
      return launchForAll(phase);
    code.loop(code.i64(0), slotCount, [&](Value index) {
      Slot slot = enterSlot(index);
      emitPhaseInSlot(phase, slot);
    });
  };
  if (plan.needsAgreement()) // who refuses still meets the others
    return emitSlots();
  unlessRefused([&] {
    mayBeRefusedLate = false;
    emitSlots();
  });
}

/// The late checks of a slot and what computes their indices, in the workspace alone.
void FunctionLowering::emitRehearsal(PhaseOp phase, Slot &slot) {
  for (Operation &op : phase.getBody().front()) {
    auto kernel = dyn_cast<KernelOp>(op);
    if (kernel)
      emitLateCheck(kernel, slot);
    if (!plan.isRehearsed(&op))
      continue;
    if (kernel)
      emitKernel(kernel, slot);
    else if (isControl(&op))
      emitControl(&op, slot.buffers, &slot);
    else
      emitScalarOp(&op, slot.buffers);
  }
}

/// The values that the phase yields, null for arrays.
SmallVector<Value> FunctionLowering::emitPhaseInSlot(PhaseOp phase, Slot &slot) {
  bool isRehearsed = phase == lastPhase && plan.hasRehearsal();
  if (phase == lastPhase)
    keepArguments(slot);
  emitOps(phase.getBody().front(), slot.buffers, &slot, isRehearsed);
  SmallVector<Value> values;
  auto yield = cast<YieldOp>(phase.getBody().front().getTerminator());
  for (auto [value, result] : llvm::zip_equal(yield.getValues(), phase.getValues())) {
    values.push_back(isRankZero(value) ? slot.buffers.scalars.lookup(value) : Value());
    if (values.back())
      slot.buffers.scalars[result] = values.back();
  }
  if (phase == lastPhase && plan.needsAgreement())
    emitAgreement();
  if (phase == lastPhase)
    unlessRefused([&] {
      emitArrayResults(slot);
      emitScalarResults(slot);
    });
  return values;
}

int64_t findTensorOfResult(const EntryLayout &layout, unsigned result) {
  for (auto [index, tensor] : llvm::enumerate(layout.tensors))
    if (tensor.result == static_cast<int64_t>(result))
      return index;
  return -1;
}

/// Returned arguments may be replaced by others: their old elements are kept first.
void FunctionLowering::keepArguments(Slot &slot) {
  for (auto [index, value] : llvm::enumerate(ret.getValues()))
    if (slot.kept[index])
      copy(code.byteAddress(workspace, slot.kept[index]), slot.buffers.arrays.lookup(value), arrayOf(value), slot);
}

bool needsStage(FuncOp func, unsigned result) {
  Value inside = getInside(func.getBody().front().getTerminator()->getOperand(result));
  if (!inside || isRankZero(inside) || !isControl(inside.getDefiningOp()))
    return false;
  return llvm::any_of(getOrigins(inside), [&](Value origin) {
    auto argument = dyn_cast<BlockArgument>(origin);
    for (unsigned other = 0; argument && other < func.getNumResults(); ++other)
      if (other != result && func.getResultOf(other) == argument.getArgNumber())
        return true;
    return false;
  });
}

/// Writes a result where it is wanted: a report may be left out, and an array that is one for all slots replaces the old one after the
/// last of them. A number needs not wait: each slot writes the same, and the old one has been read.
void FunctionLowering::ifWanted(unsigned tensor, bool isArray, Slot &slot, function_ref<void()> write) {
  const EntryTensor &result = layout.tensors[tensor];
  auto writeInLast = [&] {
    if (!isArray || !result.shared || !layout.isOpen)
      return write();
    code.ifThen(code.compare(arith::CmpIPredicate::eq, slot.index, code.sub(slotCount, code.i64(1))), write);
  };
  if (!result.optional)
    return writeInLast();
  Value isAbsent = isNull(slot.data[tensor]);
  code.ifThen(code.select(isAbsent, code.number(code.getI1Type(), 0), code.number(code.getI1Type(), 1)), writeInLast);
}

void FunctionLowering::emitArrayResults(Slot &slot) {
  for (auto [index, value] : llvm::enumerate(ret.getValues()))
    if (slot.staged[index])
      copy(code.byteAddress(workspace, slot.staged[index]), slot.buffers.arrays.lookup(getInside(value)), arrayOf(value), slot);
  for (auto [index, value] : llvm::enumerate(ret.getValues())) {
    int64_t tensor = tensorOfResult(index);
    if (isRankZero(value) || tensor < 0)
      continue;
    Value source;
    if (isa<BlockArgument>(value)) {
      if (slot.kept[index])
        source = code.byteAddress(workspace, slot.kept[index]);
    } else {
      Value inner = getInside(value);
      if (!slot.staged[index] && isControl(inner.getDefiningOp())) { // perhaps the old elements, where they are
        Value from = slot.buffers.arrays.lookup(inner);
        ifWanted(tensor, /*isArray=*/true, slot, [&] {
          Value isElsewhere = LLVM::ICmpOp::create(code, LLVM::ICmpPredicate::ne, from, slot.data[tensor]);
          code.ifThen(isElsewhere, [&] { copy(slot.data[tensor], from, arrayOf(value), slot); });
        });
        continue;
      }
      if (slot.staged[index]) {
        source = code.byteAddress(workspace, slot.staged[index]);
      } else if (const Storage &where = plan.getStorage(inner); where.home != Home::Result || where.result != static_cast<int64_t>(index)) {
        source = placeOf(inner, slot);
      }
    }
    if (source)
      ifWanted(tensor, /*isArray=*/true, slot, [&] { copy(slot.data[tensor], source, arrayOf(value), slot); });
  }
}

/// All of a slot at once: its rank-0 arguments have been read when the slot was entered, so that they may take each other's place.
void FunctionLowering::emitScalarResults(Slot &slot) {
  for (auto [index, value] : llvm::enumerate(ret.getValues())) {
    int64_t tensor = tensorOfResult(index);
    if (!isRankZero(value) || tensor < 0)
      continue;
    if (auto argument = dyn_cast<BlockArgument>(value); argument && func.getResultOf(index) == argument.getArgNumber())
      continue;
    ifWanted(tensor, /*isArray=*/false, slot, [&] {
      code.storeElement(slot.data[tensor], arrayOf(value).getElementType(), code.i64(0), slot.buffers.scalars.lookup(value));
    });
  }
}

/// gradus_report: value, t, committed, reserved.
void FunctionLowering::emitReport() {
  Value hasReport = LLVM::ICmpOp::create(code, LLVM::ICmpPredicate::ne, report, LLVM::ZeroOp::create(code, code.ptrType()));
  code.ifThen(hasReport, [&] {
    Value value = code.number(code.getF64Type(), std::numeric_limits<double>::quiet_NaN());
    if (layout.valueResult >= 0)
      value = host.scalars.lookup(ret.getValues()[layout.valueResult]);
    LLVM::StoreOp::create(code, value, report);
    LLVM::StoreOp::create(code, time, code.byteAddress(report, offsetof(gradus_report, t)));
    LLVM::StoreOp::create(code, code.i32(1), code.byteAddress(report, offsetof(gradus_report, committed)));
    LLVM::StoreOp::create(code, code.i32(0), code.byteAddress(report, offsetof(gradus_report, reserved)));
  });
}

/// size_t workspace(tensors, n_slots): the slots share one workspace. SIZE_MAX where it does not fit.
void FunctionLowering::emitWorkspace() {
  Type ptr = code.ptrType(), i64 = code.getI64Type();
  LLVM::LLVMFuncOp sizes = createFunction(layout.getWorkspaceName(), i64, {ptr, i64}, false);
  code.setInsertionPointToStart(&sizes.getBody().front());
  tensors = sizes.getArguments()[0];
  slotCount = sizes.getArguments()[1];
  Value count = layout.isOpen ? slotCount : code.i64(1);
  scf::ForOp loop = code.loop(code.i64(0), count, 1, {code.i64(0)}, [&](Value index, ValueRange carried) {
    Slot slot;
    slot.index = index;
    readSymbols(slot);
    layOutWorkspace(slot);
    Value size = code.select(fitsMemory(slot), slot.workspaceSize, code.i64(-1));
    return SmallVector<Value>{arith::MaxUIOp::create(code, carried[0], size).getResult()};
  });
  LLVM::ReturnOp::create(code, arith::MaxUIOp::create(code, loop.getResult(0), workspaceForAll()).getResult());
}

} // namespace gradus
