//===- Kernels.cpp - Launches of kernels of arrays ------------------------------------===//

#include "passes/gpu/Device.h"
#include "passes/lower/Body.h"
#include "passes/lower/Function.h"

using namespace mlir;

namespace gradus {

/// What the body of a kernel reads, loaded.
Buffers DeviceLowering::buffersOf(Scope &scope, KernelOp kernel) {
  Buffers buffers;
  buffers.symbols = scope.buffers.symbols;
  buffers.seed = scope.buffers.seed;
  buffers.slot = scope.buffers.slot;
  for (auto [inner, operand] : llvm::zip_equal(kernel.getBody().getArguments(), kernel.getOperands())) {
    if (isRankZero(operand))
      buffers.scalars[inner] = scalarIn(scope, operand);
    else
      buffers.arrays[inner] = arrayIn(scope, operand);
  }
  return buffers;
}

/// The number of this thread in all groups of the slot.
static Value threadNumber(Scope &scope) { return scope.code.add(scope.code.mul(scope.group, scope.code.i64(groupSize)), scope.thread); }

/// One thread an index, of which there are `count`.
static void forThread(Scope &scope, Value count, function_ref<void(Value)> then) {
  Value number = threadNumber(scope);
  scope.code.ifThen(scope.code.compare(arith::CmpIPredicate::slt, number, count), [&] { then(number); });
}

void DeviceLowering::emitKernel(KernelOp kernel) {
  bool isContract = isa<ContractOp>(kernel.getBody().front().front());
  if (isContract)
    return emitContract(kernel);
  if (findScatter(kernel))
    return emitScatter(kernel);
  if (findOrderOp(kernel))
    return emitOrder(kernel);
  for (const KernelInfo &info : analyzeKernel(kernel))
    emitLoops(info);
}

void DeviceLowering::emitLoops(const KernelInfo &info) {
  KernelOp kernel = info.kernel;
  SmallVector<Cell> places;
  for (auto [index, result] : llvm::enumerate(kernel.getStored())) {
    const Reduction *reduction = llvm::find_if(info.reductions, [&, index = index](const Reduction &known) { return known.result == index; });
    if (isRankZero(result) && info.isFullReduction() && reduction != info.reductions.end()) {
      int64_t bytes = Code(kernel.getLoc(), kernel.getContext()).memBytes(reduction->accumulate);
      auto size = [info, bytes](Evaluator &evaluator) { return evaluator.code.mul(emitCount(info, evaluator), evaluator.code.i64(bytes)); };
      places.push_back(newTemporary(size, info.domain));
    } else if (isRankZero(result)) { // the one index of a vector's arg_reduce: it is stored in its cell
      if (!cells.contains(result))
        cells[result] = newCell(level->isOfSlot);
      places.push_back(cells.lookup(result));
    } else {
      places.push_back(placeOf(result));
    }
  }
  auto groups = [info](Evaluator &evaluator) { return ThreadEmitter::countGroups(info, evaluator); };
  emitLaunch("kernel", kernel.getLoc(), Grid::Units, groups, [&](Scope &scope) {
    SmallVector<Value> outputs;
    for (auto [place, result] : llvm::zip_equal(places, kernel.getStored())) {
      bool isCell = isRankZero(result) && !llvm::any_of(info.reductions, [&](const Reduction &known) { return kernel.getResult(known.result) == result; });
      outputs.push_back(isCell ? cellAddress(scope, place) : pointerIn(scope, place));
    }
    Buffers buffers = buffersOf(scope, kernel);
    Evaluator evaluator(scope.code, buffers);
    evaluator.somewhere = scope.frame;
    ThreadEmitter(info, evaluator, scope, outputs).emit();
  });
  if (info.isFullReduction())
    emitFullReductions(info, places);
}

/// The blocks' results, pairwise, by one group a slot: each thread has a power of two of them, so that the tree is that of one thread.
void DeviceLowering::emitFullReductions(const KernelInfo &info, ArrayRef<Cell> partials) {
  KernelOp kernel = info.kernel;
  for (const Reduction &reduction : info.reductions)
    cells[kernel.getResult(reduction.result)] = newCell(level->isOfSlot);
  emitLaunch("combine", kernel.getLoc(), Grid::SlotGroup, {}, [&](Scope &scope) {
    Code &code = scope.code;
    Evaluator evaluator(code, scope.buffers);
    Value blocks = emitCount(info, evaluator), one = code.i64(1);
    // The smallest power of two of which there are at most as many as threads.
    auto search = scf::WhileOp::create(
        code, TypeRange{code.getI64Type()}, ValueRange{one},
        [&](OpBuilder &builder, Location loc, ValueRange args) {
          Code inner(loc, builder);
          Value room = inner.mul(args[0], inner.i64(groupSize));
          scf::ConditionOp::create(inner, inner.compare(arith::CmpIPredicate::slt, room, blocks), args);
        },
        [&](OpBuilder &builder, Location loc, ValueRange args) {
          Code inner(loc, builder);
          scf::YieldOp::create(inner, ValueRange{inner.add(args[0], args[0])});
        });
    Value chunk = search.getResult(0), chunks = code.div(code.add(blocks, code.sub(chunk, one)), chunk);
    Value low = code.mul(scope.thread, chunk), high = code.min(code.add(low, chunk), blocks), count = code.max(code.sub(high, low), code.i64(0));
    SmallVector<Value> memory;
    for (const Reduction &reduction : info.reductions) {
      Value from = pointerIn(scope, partials[reduction.result]);
      auto load = [&](Value block) { return SmallVector<Value>{code.loadElement(from, reduction.accumulate, code.add(low, block))}; };
      Value own = emitPairwise(code, {reduction.kind}, {code.regType(reduction.accumulate)}, count, load).front();
      memory.push_back(emitGroupMemory(code, code.memType(reduction.accumulate), groupSize));
      storeGroup(code, memory.back(), scope.thread, own);
    }
    emitBarrier(code);
    for (int64_t half = 1; half < groupSize; half *= 2) {
      Value other = code.add(scope.thread, code.i64(half)), mask = arith::AndIOp::create(code, scope.thread, code.i64(2 * half - 1));
      Value isFirst = code.compare(arith::CmpIPredicate::eq, mask, code.i64(0)), hasOther = code.compare(arith::CmpIPredicate::slt, other, chunks);
      code.ifThen(arith::AndIOp::create(code, isFirst, hasOther), [&] {
        for (auto [reduction, shared] : llvm::zip_equal(info.reductions, memory)) {
          Value a = loadGroup(code, shared, scope.thread, reduction.accumulate), b = loadGroup(code, shared, other, reduction.accumulate);
          storeGroup(code, shared, scope.thread, emitCombine(code, reduction.kind, a, b));
        }
      });
      emitBarrier(code);
    }
    code.ifThen(code.compare(arith::CmpIPredicate::eq, scope.thread, code.i64(0)), [&] {
      for (auto [reduction, shared] : llvm::zip_equal(info.reductions, memory)) {
        Value result = kernel.getResult(reduction.result);
        Type element = arrayOf(result).getElementType();
        Value value = emitCast(code, loadGroup(code, shared, scope.thread, reduction.accumulate), reduction.accumulate, element);
        store(scope, cells.lookup(result), element, value);
      }
    });
  });
}

/// Indices are looked at before anything is read with them: where one is outside, the call is refused.
void DeviceLowering::emitCheck(KernelOp kernel) {
  for (const KernelInfo &info : analyzeChecks(kernel)) {
    auto groups = [info](Evaluator &evaluator) { return evaluator.code.ceilDiv(evaluator.product(info.domain), groupSize); };
    emitLaunch("check", kernel.getLoc(), Grid::Units, groups, [&](Scope &scope) {
      Buffers buffers = buffersOf(scope, kernel);
      Code &code = scope.code;
      Evaluator evaluator(code, buffers);
      evaluator.somewhere = scope.frame;
      ChecksBelow below;
      evaluator.evaluateScalars(kernel, [&](Value value) { return below.count(value) <= info.checkLevel; });
      forThread(scope, evaluator.product(info.domain), [&](Value number) {
        Point point = llvm::map_to_vector(evaluator.delinearize(number, info.domain), Index::uniform);
        evaluator.startInner(nullptr, {});
        Value isOutside = code.integer(code.getI1Type(), 0);
        for (Operation *op : info.checked)
          for (auto [place, dim] : llvm::zip_equal(getPlaces(op), arrayOf(op->getOperand(0)).getShape())) {
            Value at = emitCast(code, evaluator.evaluate(place, point), arrayOf(place).getElementType(), code.getI64Type());
            Value isBad = code.compare(arith::CmpIPredicate::uge, at, evaluator.sizeOf(dim)); // as unsigned numbers, negative indices are large
            isOutside = arith::OrIOp::create(code, isOutside, isBad);
          }
        int64_t place = layout.isOpen ? 0 : describePlace(layout, info);
        code.ifThen(isOutside, [&] { refuse(scope, GRADUS_ERROR_INDEX, -1, place); });
      });
    });
    mayBeRefused = true;
  }
}

void DeviceLowering::emitEarlyChecks() {
  flush();
  Level inside;
  inside.isOfSlot = layout.isOpen;
  Level *outer = std::exchange(level, &inside);
  for (KernelOp kernel : plan.getKernels())
    if (plan.getCheck(kernel) == Check::Early)
      emitCheck(kernel);
  level = outer;
}

/// Duplicates are added in order: one thread does all of it.
void DeviceLowering::emitScatter(KernelOp kernel) {
  Operation *scatter = findScatter(kernel);
  Value before = kernel.getOperand(cast<BlockArgument>(scatter->getOperand(0)).getArgNumber());
  Cell place = placeOf(kernel.getResult(0));
  CopyWhen when;
  when.isElsewhere = true; // a loop may carry it in one place
  emitCopy(place, addressOf(before), arrayOf(scatter->getResult(0)), when);
  emitLaunch("scatter", kernel.getLoc(), Grid::SlotGroup, {}, [&](Scope &scope) {
    Code &code = scope.code;
    code.ifThen(code.compare(arith::CmpIPredicate::eq, scope.thread, code.i64(0)), [&] {
      Buffers buffers = buffersOf(scope, kernel);
      Evaluator evaluator(code, buffers);
      evaluator.somewhere = scope.frame;
      evaluator.evaluateScalars(kernel, [](Value) { return true; });
      emitScatterBody(kernel, evaluator, pointerIn(scope, place));
    });
  });
}

/// A thread goes along the axis, from one element to the next.
void DeviceLowering::emitOrder(KernelOp kernel) {
  SmallVector<Cell> places;
  for (Value result : kernel.getStored())
    places.push_back(placeOf(result));
  for (ArrayType scratch : getOrderScratch(kernel))
    places.push_back(temporaryFor(scratch));
  auto count = [kernel](Evaluator &evaluator) mutable {
    evaluator.isScalar = true;
    return emitOrderCount(kernel, evaluator);
  };
  auto groups = [count](Evaluator &evaluator) mutable { return evaluator.code.ceilDiv(count(evaluator), groupSize); };
  emitLaunch("order", kernel.getLoc(), Grid::Units, groups, [&](Scope &scope) {
    Buffers buffers = buffersOf(scope, kernel);
    Evaluator evaluator(scope.code, buffers);
    evaluator.somewhere = scope.frame;
    SmallVector<Value> outputs = llvm::map_to_vector(places, [&](Cell place) { return pointerIn(scope, place); });
    Value rows = count(evaluator);
    forThread(scope, rows, [&](Value row) { emitOrderBody(kernel, evaluator, outputs, row, scope.code.add(row, scope.code.i64(1))); });
  });
}

} // namespace gradus
