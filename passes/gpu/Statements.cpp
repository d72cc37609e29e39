//===- Statements.cpp - The walk over a fused function ------------------------------===//

#include "passes/fuse/Control.h"
#include "passes/gpu/Device.h"
#include "passes/lower/Function.h"

using namespace mlir;

namespace gradus {

DeviceLowering::DeviceLowering(FuncOp func, ModuleOp device, unsigned &numKernels)
    : func(func), device(device), numKernels(numKernels), layout(computeEntryLayout(func)), plan(func), ret(cast<ReturnOp>(func.getBody().front().getTerminator())),
      steps(&program.steps) {
  lastPhase = dyn_cast_or_null<PhaseOp>(ret->getPrevNode());
  program.numCells += layout.hypers.size();
}

DeviceProgram DeviceLowering::run() {
  Level call;
  level = &call;
  guards = findGuards(func, ret);
  takeValues();
  addArguments();
  emitStatements();
  flush();
  finishFrame();
  return std::move(program);
}

/// The numbers of the call may stand in device memory.
void DeviceLowering::takeValues() {
  emitLaunch("values", func.getLoc(), Grid::One, {}, [&](Scope &scope) {
    Value from = pointerIn(scope, {false, valuesCell});
    for (unsigned cell = timeCell; cell < firstHyperCell + layout.hypers.size(); ++cell)
      store(scope, {false, cell}, scope.code.getI64Type(), scope.code.loadElement(from, scope.code.getI64Type(), scope.code.i64(cell - timeCell)));
  });
  program.launches.back().when = LaunchWhen::WithValues;
}

/// Whether a user of a value is one of the ops, or inside of one.
static bool isAmong(Operation *user, const llvm::DenseSet<Operation *> &ops) {
  for (; user; user = user->getParentOp())
    if (ops.contains(user))
      return true;
  return false;
}

void DeviceLowering::flush() {
  std::vector<Item> items = std::exchange(level->pending, {});
  llvm::DenseSet<Operation *> ops;
  for (const Item &item : items)
    if (item.op)
      ops.insert(item.op);
  SmallVector<Value> kept;
  bool hasEffect = false;
  for (const Item &item : items) {
    hasEffect |= item.defines.empty();
    for (Value value : item.defines)
      if (llvm::any_of(value.getUsers(), [&](Operation *user) { return !isAmong(user, ops); }))
        kept.push_back(value);
  }
  if (kept.empty() && !hasEffect)
    return;
  emitLaunch("numbers", items.front().op ? items.front().op->getLoc() : func.getLoc(), level->isOfSlot ? Grid::Slots : Grid::One, {}, [&](Scope &scope) {
    for (const Item &item : items) {
      if (item.op)
        emitScalarOp(scope, item.op);
      else
        item.emit(scope);
    }
    for (Value value : kept) {
      cells[value] = newCell(level->isOfSlot);
      store(scope, cells[value], arrayOf(value).getElementType(), scope.buffers.scalars.lookup(value));
    }
  });
}

void DeviceLowering::addItem(Operation *op) {
  auto isOfHost = [&](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    bool isOfCall = argument && argument.getOwner() == &func.getBody().front();
    return isOfCall && (func.getArgRole(argument.getArgNumber()) == Role::Hyper || func.getArgRole(argument.getArgNumber()) == Role::Time);
  };
  if (isa<ConstantOp, DimOp>(op) || (isa<CastOp>(op) && isOfHost(op->getOperand(0))))
    return; // computed where it is needed
  level->pending.push_back({op, llvm::to_vector(ValueRange(op->getResults())), {}});
}

/// The number that fills an input that is left out.
static Value emitDefault(CodeBuilder &code, const EntryTensor &tensor) {
  return emitCast(code, code.number(code.getF64Type(), tensor.initial.value_or(0)), code.getF64Type(), tensor.type.getElementType());
}

/// Arguments of rank 0 are read before anything is written, so that results may take each other's place.
void DeviceLowering::addArguments() {
  Level slots;
  slots.isOfSlot = layout.isOpen;
  for (auto [number, tensor] : llvm::enumerate(layout.tensors)) {
    if (tensor.argument < 0)
      continue;
    Value argument = func.getArgument(tensor.argument);
    Cell address = fieldOf(SlotField::Tensor, number);
    if (!tensor.type.isScalar()) {
      addresses[argument] = address;
      continue;
    }
    bool isOfCall = layout.isOpen && tensor.shared;
    auto read = [this, argument, address, isOfCall, &tensor = layout.tensors[number]](Scope &scope) {
      CodeBuilder &code = scope.code;
      Type element = tensor.type.getElementType();
      auto readIn = [&] {
        Value from = load(scope, address, code.getI64Type());
        Value data = LLVM::IntToPtrOp::create(code, code.ptrType(), from);
        if (!tensor.initial)
          return code.loadElement(data, element, code.i64(0));
        Value isAbsent = code.compare(arith::CmpIPredicate::eq, from, code.i64(0));
        return code.choose(
            code.regType(element), isAbsent, [&] { return emitDefault(code, tensor); }, [&] { return code.loadElement(data, element, code.i64(0)); });
      };
      if (!isOfCall) {
        scope.buffers.scalars[argument] = readIn();
        return;
      }
      // A collection without tensors has no slot 0.
      Value isThere = code.compare(arith::CmpIPredicate::sgt, load(scope, {false, slotCountCell}, code.getI64Type()), code.i64(0));
      Scope outside = scope;
      scope.buffers.scalars[argument] = code.choose(
          code.regType(element), isThere,
          [&] {
            enterSlot(scope, code.i64(0));
            return readIn();
          },
          [&] { return code.number(code.regType(element), 0); });
      scope.record = outside.record;
    };
    (isOfCall || !layout.isOpen ? level->pending : slots.pending).push_back({nullptr, {argument}, read});
  }
  Level *outer = std::exchange(level, &slots);
  flush();
  fillDefaults();
  level = outer;
}

void DeviceLowering::emitStatements() {
  emitEarlyChecks();
  SmallVector<AllReduceOp> reductions; // that follow one another
  for (Operation &op : func.getBody().front().without_terminator()) {
    if (auto reduction = dyn_cast<AllReduceOp>(op)) {
      reductions.push_back(reduction);
      if (isa<AllReduceOp>(op.getNextNode()))
        continue;
      emitAllReduce(reductions);
      for (AllReduceOp known : std::exchange(reductions, {}))
        addGuards(known);
      continue;
    }
    if (auto phase = dyn_cast<PhaseOp>(op))
      emitPhase(phase);
    else
      addItem(&op);
    addGuards(&op);
  }
  if (!lastPhase) {
    flush();
    Level slots;
    slots.isOfSlot = layout.isOpen;
    Level *outer = std::exchange(level, &slots);
    keepArguments();
    emitArrayResults();
    addScalarResults();
    flush();
    level = outer;
  }
  flush();
  emitReport();
}

void DeviceLowering::emitPhase(PhaseOp phase) {
  flush();
  Level inside;
  inside.isOfSlot = layout.isOpen;
  Level *outer = std::exchange(level, &inside);
  if (phase == lastPhase)
    keepArguments();
  if (phase == lastPhase && plan.hasRehearsal())
    emitChecksAhead(phase.getBody().front());
  else
    emitBlock(phase.getBody().front());
  flush();
  auto yield = cast<YieldOp>(phase.getBody().front().getTerminator());
  for (auto [result, value] : llvm::zip_equal(phase.getValues(), yield.getValues()))
    aliases[result] = value;
  if (phase == lastPhase) {
    emitArrayResults();
    addScalarResults();
    flush();
  }
  level = outer;
}

/// The ops of a phase, or of a region in it.
void DeviceLowering::emitBlock(Block &block) {
  for (Operation &op : block.without_terminator()) {
    emitLateCheck(&op);
    emitOp(&op);
  }
}

/// The last phase of an open function, in which an index may refuse the call: no slot may be written before the indices of all are looked at. So what computes
/// them comes first. Its results wait in the workspace, where each slot has its own: nothing runs twice, as it does on the CPU.
void DeviceLowering::emitChecksAhead(Block &block) {
  for (Operation &op : block.without_terminator()) {
    emitLateCheck(&op);
    if (plan.isRehearsed(&op))
      emitOp(&op);
  }
  for (Operation &op : block.without_terminator())
    if (!plan.isRehearsed(&op))
      emitOp(&op);
}

void DeviceLowering::emitLateCheck(Operation *op) {
  auto kernel = dyn_cast<KernelOp>(op);
  if (!kernel || plan.getCheck(kernel) != Check::Late)
    return;
  flush();
  emitCheck(kernel);
}

void DeviceLowering::emitOp(Operation *op) {
  auto kernel = dyn_cast<KernelOp>(op);
  if (kernel && !kernel.getDomain().empty()) {
    flush();
    emitKernel(kernel);
  } else if (isControl(op) && !isScalarControl(op)) {
    flush();
    emitControl(op);
  } else {
    addItem(op);
  }
  addGuards(op);
}

/// What the slots leave, one after the other: as many as a group has threads are loaded at a time, and one thread combines them.
void DeviceLowering::emitAllReduce(ArrayRef<AllReduceOp> reductions) {
  if (!layout.isOpen) {
    for (AllReduceOp reduction : reductions)
      aliases[reduction.getY()] = reduction.getX();
    return;
  }
  flush();
  emitLaunch("collect", func.getLoc(), Grid::Group, {}, [&](Scope &scope) {
    CodeBuilder &code = scope.code;
    Value slots = load(scope, {false, slotCountCell}, code.getI64Type()), zero = code.i64(0);
    SmallVector<Value> memory, init;
    AxisPart part = partOf(code, scope.pass);
    for (AllReduceOp reduction : reductions) {
      Type element = reduction.getType().getElementType(), type = code.regType(element);
      memory.push_back(emitGroupMemory(code, code.memType(element), groupSize));
      Cell cell = cells[reduction.getY()] = newCell(/*isOfSlot=*/false); // also between passes
      Value none = emitIdentity(code, reduction.getKind(), type);
      init.push_back(code.choose(type, part.isFirst, [&] { return none; }, [&] { return load(scope, cell, element); }));
    }
    scf::ForOp loop = code.loop(part.low, code.min(part.high, slots), groupSize, init, [&](Value first, ValueRange carried) {
      Value slot = code.add(first, scope.thread), count = code.min(code.sub(slots, first), code.i64(groupSize));
      code.ifThen(code.compare(arith::CmpIPredicate::slt, slot, slots), [&] {
        Scope inside{code, scope.frame, {}, {}, scope.thread, scope.group, Buffers()};
        enterSlot(inside, slot);
        for (auto [reduction, shared] : llvm::zip_equal(reductions, memory))
          storeGroup(code, shared, scope.thread, scalarIn(inside, AllReduceOp(reduction).getX()));
      });
      emitBarrier(code);
      Value isFirst = code.compare(arith::CmpIPredicate::eq, scope.thread, zero);
      scf::ForOp sums = code.loop(zero, code.select(isFirst, count, zero), 1, carried, [&](Value number, ValueRange before) {
        SmallVector<Value> next;
        for (auto [reduction, shared, sum] : llvm::zip_equal(reductions, memory, before)) {
          AllReduceOp op = reduction;
          next.push_back(emitCombine(code, op.getKind(), sum, loadGroup(code, shared, number, op.getType().getElementType())));
        }
        return next;
      });
      emitBarrier(code);
      return llvm::to_vector(ValueRange(sums.getResults()));
    });
    code.ifThen(code.compare(arith::CmpIPredicate::eq, scope.thread, zero), [&] {
      for (auto [reduction, value] : llvm::zip_equal(reductions, loop.getResults())) {
        Value y = AllReduceOp(reduction).getY();
        store(scope, cells[y], arrayOf(y).getElementType(), value);
      }
    });
  });
  program.launches.back().goesOverSlots = true;
}

} // namespace gradus
