//===- LaunchAll.cpp - One launch of a kernel for all slots ----------------------===//
//
// An open function may have thousands of tensors, most of them small. Where a phase is one kernel that meets its arrays point by point, all blocks of all
// slots are one launch, and the work is cut by elements, not by tensors: think of the slots as laid behind one another, each a little longer than it is for
// what it costs to enter it, and of units of 4,096 of these elements. A unit has the blocks that begin in it, so that each block is met once, whole, and sums
// have the order that they have in a call for one slot.
//
// Where each slot begins stands in the workspace (of a few slots on the stack), behind it the results of the blocks if they are to be combined. Other phases do not run meanwhile, so that
// this lies where they have their temporaries.
//
//===----------------------------------------------------------------------===//

#include "passes/fuse/Control.h"
#include "passes/lower/Function.h"

using namespace mlir;

namespace gradus {

/// What entering a slot costs, in elements.
static constexpr int64_t slotCost = 128;

/// Up to so many slots where they begin stands on the stack, so that a call for a few tensors needs no workspace for it.
static constexpr int64_t fewSlots = 16;

/// The kernel of a phase that has but one, or null.
static KernelOp findOnlyKernel(PhaseOp phase) {
  auto kernels = phase.getBody().getOps<KernelOp>();
  return llvm::hasSingleElement(kernels) ? *kernels.begin() : KernelOp();
}

/// Whether the results of the last phase are all in their places when its kernels are done, but for numbers.
bool FunctionLowering::isWrittenInPlace() {
  for (auto [index, value] : llvm::enumerate(ret.getValues())) {
    if (isRankZero(value))
      continue;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      if (func.getResultOf(index) != argument.getArgNumber())
        return false;
      continue;
    }
    Value inside = getInside(value);
    int64_t tensor = tensorOfResult(index);
    if (value.getDefiningOp() != lastPhase || !inside.getDefiningOp<KernelOp>() || tensor < 0 || layout.tensors[tensor].shared)
      return false;
    const Storage &where = plan.getStorage(inside);
    if (where.home != Home::Result || where.result != static_cast<int64_t>(index))
      return false;
  }
  return true;
}

bool FunctionLowering::isLaunchedForAll(PhaseOp phase) {
  if (!layout.isOpen || plan.hasCuts() || plan.hasRehearsal())
    return false;
  KernelOp kernel = findOnlyKernel(phase);
  if (!kernel || kernel.getDomain().empty() || standsAlone(&kernel.getBody().front().front()) || findOrderOp(kernel) || plan.getCheck(kernel) != Check::None)
    return false;
  for (Operation &op : phase.getBody().front())
    if (isControl(&op) || isCut(&op))
      return false;
  // An input that is left out stands in the workspace, once for the slot at hand.
  if (llvm::any_of(layout.tensors, [](const EntryTensor &tensor) { return tensor.initial && !tensor.type.isScalar(); }))
    return false;
  SmallVector<KernelInfo, 1> infos = analyzeKernel(kernel);
  if (infos.size() != 1 || !infos.front().isFlat || !infos.front().argReductions.empty())
    return false;
  if (phase == lastPhase)
    return infos.front().reductions.empty() && isWrittenInPlace();
  return infos.front().isFullReduction() && infos.front().stores.empty() && infos.front().encodes.empty();
}

Value FunctionLowering::countElements(KernelOp kernel, Value index) {
  Slot slot;
  slot.index = index;
  readSymbols(slot);
  return Evaluator(code, slot.buffers).product(llvm::to_vector(kernel.getDomain()));
}

static Value roundUp(CodeBuilder &code, Value bytes) { return arith::AndIOp::create(code, code.add(bytes, code.i64(63)), code.i64(-64)); }

/// How many blocks' results there is room for: those of slot s stand from number `start / 4096 + s` on, `start` being where it begins.
static Value emitCapacity(CodeBuilder &code, Value total, Value slots) { return code.add(code.div(total, code.i64(blockSize)), slots); }

/// The bytes of workspace that the launches for all slots need: SIZE_MAX where they do not fit. A few slots need none but for the results of their blocks.
Value FunctionLowering::workspaceForAll() {
  Value most = code.i64(0);
  for (PhaseOp phase : func.getBody().getOps<PhaseOp>()) {
    if (!isLaunchedForAll(phase))
      continue;
    KernelOp kernel = findOnlyKernel(phase);
    Value starts = roundUp(code, code.mul(code.add(slotCount, code.i64(1)), code.i64(8)));
    auto number = static_cast<int64_t>(analyzeKernel(kernel).front().reductions.size());
    if (number == 0) {
      Value areFew = code.compare(arith::CmpIPredicate::sle, slotCount, code.i64(fewSlots));
      most = arith::MaxUIOp::create(code, most, code.select(areFew, code.i64(0), starts));
      continue;
    }
    Value none = code.number(code.getF64Type(), 0);
    scf::ForOp loop = code.loop(code.i64(0), slotCount, 1, {code.i64(0), none}, [&](Value index, ValueRange carried) {
      Value count = countElements(kernel, index);
      Value real = arith::AddFOp::create(code, carried[1], arith::SIToFPOp::create(code, code.getF64Type(), count));
      return SmallVector<Value>{code.add(carried[0], code.add(count, code.i64(slotCost))), real};
    });
    Value fits = arith::CmpFOp::create(code, arith::CmpFPredicate::OLE, loop.getResult(1), code.number(code.getF64Type(), 0x1p50));
    Value bytes = code.add(starts, code.mul(emitCapacity(code, loop.getResult(0), slotCount), code.i64(8 * number)));
    most = arith::MaxUIOp::create(code, most, code.select(fits, roundUp(code, bytes), code.i64(-1)));
  }
  return most;
}

/// The number of the slot with an element: i64 (starts, slots, element). `slots` where it lies behind them all.
static LLVM::LLVMFuncOp getFindSlot(CodeBuilder &code) {
  Type i64 = code.getI64Type();
  return getShared(code, "gradus_find_slot", i64, {code.ptrType(), i64, i64}, [](CodeBuilder &code, ValueRange arguments) {
    Type i64 = code.getI64Type();
    auto search = scf::WhileOp::create(
        code, TypeRange{i64, i64}, ValueRange{code.i64(0), arguments[1]},
        [&](OpBuilder &builder, Location loc, ValueRange ends) {
          CodeBuilder inner(loc, builder);
          scf::ConditionOp::create(inner, inner.compare(arith::CmpIPredicate::slt, ends[0], ends[1]), ends);
        },
        [&](OpBuilder &builder, Location loc, ValueRange ends) {
          CodeBuilder inner(loc, builder);
          Value middle = inner.div(inner.add(ends[0], ends[1]), inner.i64(2)), next = inner.add(middle, inner.i64(1));
          Value isBehind = inner.compare(arith::CmpIPredicate::sle, inner.loadElement(arguments[0], i64, next), arguments[2]);
          scf::YieldOp::create(inner, ValueRange{inner.select(isBehind, next, ends[0]), inner.select(isBehind, ends[1], middle)});
        });
    LLVM::ReturnOp::create(code, search.getResult(0));
  });
}

/// Where the results of the blocks of a slot stand in the workspace.
void FunctionLowering::placePartials(const KernelInfo &info, Slot &slot, Value starts, Value capacity) {
  Value start = code.loadElement(starts, code.getI64Type(), slot.index);
  Value first = code.add(code.div(start, code.i64(blockSize)), slot.index);
  Value base = roundUp(code, code.mul(code.add(slotCount, code.i64(1)), code.i64(8)));
  SmallVector<Value> &places = slot.partials[info.kernel];
  places.assign(info.kernel->getNumResults(), Value());
  for (auto [number, reduction] : llvm::enumerate(info.reductions)) {
    Value block = code.add(first, code.mul(capacity, code.i64(number)));
    places[reduction.result] = code.add(base, code.mul(block, code.i64(8)));
  }
}

/// The blocks that begin in [low, high): slot after slot, from the one with `low` to the one with the last element before `high`.
void FunctionLowering::emitSlotsOfRange(PhaseOp phase, Value starts, Value capacity, Value low, Value high) {
  KernelOp kernel = findOnlyKernel(phase);
  KernelInfo info = analyzeKernel(kernel).front();
  auto find = [&](Value element) { return LLVM::CallOp::create(code, getFindSlot(code), ValueRange{starts, slotCount, element}).getResult(); };
  Value behind = code.min(code.add(find(code.sub(high, code.i64(1))), code.i64(1)), slotCount);
  code.loop(find(low), behind, [&](Value index) {
    Slot slot = enterSlot(index);
    Value start = code.loadElement(starts, code.getI64Type(), index);
    auto blockFrom = [&](Value element) { return code.ceilDiv(code.max(code.sub(element, start), code.i64(0)), blockSize); };
    Evaluator evaluator(code, slot.buffers);
    blocksAtHand = std::pair(blockFrom(low), code.min(blockFrom(high), emitCount(info, evaluator)));
    placePartials(info, slot, starts, capacity);
    for (Operation &op : phase.getBody().front()) {
      if (&op == kernel) {
        emitKernel(kernel, slot);
        break;
      }
      emitScalarOp(&op, slot.buffers);
    }
    blocksAtHand.reset();
  });
}

/// What is left when all blocks are done: the sums of each slot, and numbers that it keeps.
void FunctionLowering::finishSlots(PhaseOp phase, Value starts, Value capacity) {
  KernelOp kernel = findOnlyKernel(phase);
  KernelInfo info = analyzeKernel(kernel).front();
  auto emitScalarOps = [&](Slot &slot) {
    for (Operation &op : phase.getBody().front().without_terminator()) {
      if (&op != kernel)
        emitScalarOp(&op, slot.buffers);
      else if (info.isFullReduction())
        emitFullReductions(info, slot);
    }
    auto yield = cast<YieldOp>(phase.getBody().front().getTerminator());
    SmallVector<Value> values;
    for (auto [value, result] : llvm::zip_equal(yield.getValues(), phase.getValues())) {
      values.push_back(isRankZero(value) ? slot.buffers.scalars.lookup(value) : Value());
      slot.buffers.scalars[result] = values.back();
    }
    return values;
  };
  if (phase != lastPhase) {
    combineSlots(phase, [&](Slot &slot) {
      placePartials(info, slot, starts, capacity);
      return emitScalarOps(slot);
    });
    return;
  }
  auto isNumber = [&](unsigned index) { return isRankZero(ret.getValues()[index]) && tensorOfResult(index) >= 0; };
  if (llvm::any_of(llvm::seq<unsigned>(0, ret.getValues().size()), isNumber))
    code.loop(code.i64(0), slotCount, [&](Value index) {
      Slot slot = enterSlot(index);
      emitScalarOps(slot);
      emitScalarResults(slot);
    });
}

/// The numbers of the call that a phase reads, in the order in which it does.
static SmallVector<Value> findRead(PhaseOp phase, const DenseMap<Value, Value> &known) {
  llvm::SetVector<Value> read;
  phase.getBody().walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (known.contains(operand))
        read.insert(operand);
  });
  return read.takeVector();
}

void FunctionLowering::launchForAll(PhaseOp phase) {
  KernelOp kernel = findOnlyKernel(phase);
  Type i64 = code.getI64Type();
  bool isReduced = !analyzeKernel(kernel).front().reductions.empty();
  Value starts = workspace, zero = code.i64(0);
  if (!isReduced)
    starts = code.select(code.compare(arith::CmpIPredicate::sle, slotCount, code.i64(fewSlots)), code.stackSlot(i64, fewSlots + 1), workspace);
  code.storeElement(starts, i64, zero, zero);
  scf::ForOp sizes = code.loop(zero, slotCount, 1, {zero, zero}, [&](Value index, ValueRange carried) {
    Value count = countElements(kernel, index), next = code.add(carried[0], code.add(count, code.i64(slotCost)));
    code.storeElement(starts, i64, code.add(index, code.i64(1)), next);
    return SmallVector<Value>{next, code.add(carried[1], count)};
  });
  Value units = code.ceilDiv(sizes.getResult(0), blockSize), capacity = emitCapacity(code, sizes.getResult(0), slotCount);

  SmallVector<Value> read = findRead(phase, host.scalars);
  SmallVector<Value> captured = {tensors, slotCount, workspace, starts, capacity, host.seed};
  for (Value value : read)
    captured.push_back(host.scalars.lookup(value));
  std::string name = layout.cName + "__slots" + std::to_string(plan.getPosition(kernel));
  bool isLate = std::exchange(mayBeRefusedLate, false); // not in there: all of it or nothing
  ClosureFunction function = buildBody(kernel.getLoc(), name, captured, [&](CodeBuilder &inside, ArrayRef<Value> values, LLVM::LLVMFuncOp body) {
    OpBuilder::InsertionGuard guard(code);
    code.restoreInsertionPoint(inside.saveInsertionPoint());
    std::tuple outside(tensors, slotCount, workspace, host);
    tensors = values[0];
    slotCount = values[1];
    workspace = values[2];
    host.seed = values[5];
    host.scalars.clear();
    for (auto [value, inner] : llvm::zip_equal(read, values.drop_front(6)))
      host.scalars[value] = inner;
    emitSlotsOfRange(phase, values[3], values[4], code.mul(body.getArgument(1), code.i64(blockSize)), code.mul(body.getArgument(2), code.i64(blockSize)));
    std::tie(tensors, slotCount, workspace, host) = outside;
  });
  mayBeRefusedLate = isLate;
  callUnlessRefused(function.body, buildClosure(function, captured), units, sizes.getResult(1));
  finishSlots(phase, starts, capacity);
}

} // namespace gradus
