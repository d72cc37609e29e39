//===- Kernels.cpp - Launches of kernels of arrays ------------------------------------===//

#include "passes/gpu/Device.h"
#include "passes/lower/Blocks.h"
#include "passes/lower/Body.h"
#include "passes/lower/Function.h"
#include "passes/lower/Steps.h"

using namespace mlir;

namespace gradus {

/// What the body of a kernel reads, loaded; or of it what some values depend on: the rest may not be known yet.
Buffers DeviceLowering::buffersOf(Scope &scope, KernelOp kernel, ArrayRef<Value> wanted) {
  llvm::DenseSet<Value> needed;
  SmallVector<Value> pending(wanted);
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    if (Operation *op = value.getDefiningOp(); op && needed.insert(value).second)
      llvm::append_range(pending, op->getOperands());
    else
      needed.insert(value);
  }
  Buffers buffers;
  buffers.symbols = scope.buffers.symbols;
  buffers.seed = scope.buffers.seed;
  buffers.slot = scope.buffers.slot;
  for (auto [inner, operand] : llvm::zip_equal(kernel.getBody().getArguments(), kernel.getOperands())) {
    if (!wanted.empty() && !needed.contains(inner))
      continue;
    if (isRankZero(operand))
      buffers.scalars[inner] = scalarIn(scope, operand);
    else
      buffers.arrays[inner] = arrayIn(scope, operand);
  }
  return buffers;
}

Value emitThreadNumber(Scope &scope) { return scope.code.add(scope.code.mul(scope.group, scope.code.i64(groupSize)), scope.thread); }

void forThread(Scope &scope, Value count, function_ref<void(Value)> then) {
  Value number = emitThreadNumber(scope);
  scope.code.ifThen(scope.code.compare(arith::CmpIPredicate::slt, number, count), [&] { then(number); });
}

void DeviceLowering::emitKernel(KernelOp kernel) {
  bool isContract = isa<ContractOp>(kernel.getBody().front().front());
  if (isContract)
    return emitProduct(kernel);
  if (findScatter(kernel))
    return emitScatter(kernel);
  if (findOrderOp(kernel))
    return emitOrder(kernel);
  for (const KernelInfo &info : analyzeKernel(kernel))
    emitLoops(info);
}

Value countPasses(CodeBuilder &code, Value size, int64_t steps) { return code.max(code.ceilDiv(size, steps), code.i64(1)); }

AxisPart partOf(CodeBuilder &code, Value pass, int64_t steps) {
  Value low = code.mul(pass, code.i64(steps));
  return {low, code.add(low, code.i64(steps)), code.compare(arith::CmpIPredicate::eq, pass, code.i64(0))};
}

void DeviceLowering::emitLoops(const KernelInfo &info) {
  KernelOp kernel = info.kernel;
  SmallVector<Cell> places;
  SmallVector<std::optional<Cell>> partials(kernel.getStored().size());
  SmallVector<Attribute> reduced = pick(info.domain, info.reducedAxes), kept = pick(info.domain, keptAxes(info));
  bool isCut = info.form == KernelForm::Columns && !hasOneBlock(reduced), hasParts = ThreadEmitter::hasLongRows(info);
  SmallVector<BlockTree> trees;
  std::function<Value(Evaluator &)> points = [kept](Evaluator &evaluator) { return evaluator.product(kept); };
  std::function<Value(Evaluator &)> blocks = [reduced](Evaluator &evaluator) { return evaluator.code.ceilDiv(evaluator.product(reduced), blockSize); };
  if (hasParts) { // a row that is one part goes to its place at once
    blocks = [info](Evaluator &evaluator) { return ThreadEmitter::countParts(info, evaluator); };
    points = [kept, blocks](Evaluator &evaluator) {
      CodeBuilder &code = evaluator.code;
      return code.select(code.compare(arith::CmpIPredicate::sgt, blocks(evaluator), code.i64(1)), evaluator.product(kept), code.i64(0));
    };
  }
  for (auto [index, result] : llvm::enumerate(kernel.getStored())) {
    const Reduction *reduction = llvm::find_if(info.reductions, [&, index = index](const Reduction &known) { return known.result == index; });
    if (isRankZero(result) && info.isFullReduction() && reduction != info.reductions.end()) {
      int64_t bytes = CodeBuilder(kernel.getLoc(), kernel.getContext()).memBytes(reduction->accumulate);
      auto size = [info, bytes](Evaluator &evaluator) { return evaluator.code.mul(emitCount(info, evaluator), evaluator.code.i64(bytes)); };
      places.push_back(newTemporary(size, info.domain));
    } else if (isRankZero(result)) { // the one index of a vector's arg_reduce: it is stored in its cell
      if (!cells.contains(result))
        cells[result] = newCell(level->isOfSlot);
      places.push_back(cells.lookup(result));
    } else if (reduction != info.reductions.end() && (isCut || hasParts)) {
      Type accumulate = reduction->accumulate, element = arrayOf(result).getElementType();
      auto size = [points, blocks, accumulate](Evaluator &evaluator) {
        return emitBytes(evaluator.code, accumulate, evaluator.code.mul(points(evaluator), blocks(evaluator)));
      };
      Cell partial = newTemporary(size, info.domain);
      trees.push_back({reduction->kind, accumulate, element, partial, placeOf(result)});
      partials[index] = partial;
      places.push_back(isCut ? partial : placeOf(result));
    } else if (arrayOf(result).isBlocks() && !ThreadEmitter::encodesAtOnce(info)) {
      auto bytes = [shape = info.domain](Evaluator &evaluator) { return emitBytes(evaluator.code, evaluator.code.getF32Type(), evaluator.product(shape)); };
      places.push_back(newTemporary(bytes, info.domain));
    } else {
      places.push_back(placeOf(result));
    }
  }
  auto groups = [info](Evaluator &evaluator) { return ThreadEmitter::countGroups(info, evaluator); };
  emitLaunch("kernel", kernel.getLoc(), Grid::Units, groups, [&](Scope &scope) {
    SmallVector<Value> outputs, parts(places.size());
    for (auto [place, partial, part, result] : llvm::zip_equal(places, partials, parts, kernel.getStored())) {
      if (partial)
        part = pointerIn(scope, *partial);
      bool isCell = isRankZero(result) && !llvm::any_of(info.reductions, [&](const Reduction &known) { return kernel.getResult(known.result) == result; });
      outputs.push_back(isCell ? cellAddress(scope, place) : pointerIn(scope, place));
    }
    Buffers buffers = buffersOf(scope, kernel);
    Evaluator evaluator(scope.code, buffers);
    evaluator.somewhere = scope.frame;
    ThreadEmitter(info, evaluator, scope, outputs, parts).emit();
  });
  if (info.form == KernelForm::Argument)
    program.launches.back().passes = [dim = reduced.front(), steps = ThreadEmitter::stepsOfArguments(info)](Evaluator &evaluator) {
      return countPasses(evaluator.code, evaluator.sizeOf(dim), steps);
    };
  if (info.isFullReduction())
    emitFullReductions(info, places);
  for (auto [index, op] : info.encodes)
    if (!ThreadEmitter::encodesAtOnce(info))
      emitEncode(kernel.getLoc(), op, places[index], placeOf(kernel.getResult(index)));
  if (!trees.empty())
    emitBlockTrees(kernel.getLoc(), trees, points, blocks);
}

void DeviceLowering::emitBlockTrees(Location loc, ArrayRef<BlockTree> trees, std::function<Value(Evaluator &)> points, std::function<Value(Evaluator &)> blocks) {
  auto groups = [points](Evaluator &evaluator) { return evaluator.code.ceilDiv(points(evaluator), groupSize); };
  emitLaunch("combine", loc, Grid::Units, groups, [&](Scope &scope) {
    CodeBuilder &code = scope.code;
    Evaluator evaluator(code, scope.buffers);
    Value count = points(evaluator);
    forThread(scope, count, [&](Value point) {
      for (const BlockTree &tree : trees) {
        Value from = pointerIn(scope, tree.partials);
        Value value = emitPairwise(code, {tree.kind}, {code.regType(tree.accumulate)}, blocks(evaluator), [&](Value block) {
                        return SmallVector<Value>{code.loadElement(from, tree.accumulate, code.add(code.mul(block, count), point))};
                      }).front();
        code.storeElement(pointerIn(scope, tree.result), tree.element, point, emitCast(code, value, tree.accumulate, tree.element));
      }
    });
  });
}

/// The blocks' results, pairwise, by one group a slot: each thread has a power of two of them, so that the tree is that of one thread.
void DeviceLowering::emitFullReductions(const KernelInfo &info, ArrayRef<Cell> partials) {
  KernelOp kernel = info.kernel;
  for (const Reduction &reduction : info.reductions)
    cells[kernel.getResult(reduction.result)] = newCell(level->isOfSlot);
  emitLaunch("combine", kernel.getLoc(), Grid::SlotGroup, {}, [&](Scope &scope) {
    CodeBuilder &code = scope.code;
    Evaluator evaluator(code, scope.buffers);
    Value blocks = emitCount(info, evaluator), one = code.i64(1);
    // The smallest power of two of which there are at most as many as threads.
    auto search = scf::WhileOp::create(
        code, TypeRange{code.getI64Type()}, ValueRange{one},
        [&](OpBuilder &builder, Location loc, ValueRange args) {
          CodeBuilder inner(loc, builder);
          Value room = inner.mul(args[0], inner.i64(groupSize));
          scf::ConditionOp::create(inner, inner.compare(arith::CmpIPredicate::slt, room, blocks), args);
        },
        [&](OpBuilder &builder, Location loc, ValueRange args) {
          CodeBuilder inner(loc, builder);
          scf::YieldOp::create(inner, ValueRange{inner.add(args[0], args[0])});
        });
    setMostSteps(search, stepsOfHalving);
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
    SmallVector<Value> places;
    for (Operation *op : info.checked)
      llvm::append_range(places, getPlaces(op));
    emitLaunch("check", kernel.getLoc(), Grid::Units, groups, [&](Scope &scope) {
      Buffers buffers = buffersOf(scope, kernel, places);
      CodeBuilder &code = scope.code;
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
    mayBeRefused = mustKeep = true;
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

/// A thread goes along the axis, from one element to the next.
void DeviceLowering::emitOrder(KernelOp kernel) {
  if (isa<SortOp>(findOrderOp(kernel)))
    return emitSort(kernel);
  SmallVector<Cell> places;
  for (Value result : kernel.getStored())
    places.push_back(placeOf(result));
  auto count = [kernel](Evaluator &evaluator) mutable {
    evaluator.isScalar = true;
    return emitOrderCount(kernel, evaluator);
  };
  auto groups = [count](Evaluator &evaluator) mutable { return evaluator.code.ceilDiv(count(evaluator), groupSize); };
  auto cumulate = dyn_cast<CumulateOp>(findOrderOp(kernel));
  Attribute dim = llvm::to_vector(kernel.getDomain())[cumulate ? static_cast<int64_t>(cumulate.getAxis()) : 0];
  auto passes = [dim](Evaluator &evaluator) { return countPasses(evaluator.code, evaluator.sizeOf(dim)); };
  int64_t numCarried = cumulate ? 1 : cast<ScanOp>(findOrderOp(kernel)).getInit().size();
  auto bytes = [=](Evaluator &evaluator) mutable {
    CodeBuilder &code = evaluator.code;
    Value isLong = code.compare(arith::CmpIPredicate::sgt, passes(evaluator), code.i64(1)), rows = count(evaluator);
    evaluator.isScalar = false;
    return code.select(isLong, code.mul(rows, code.i64(numCarried * cellBytes)), code.i64(0));
  };
  Cell carried = newTemporary(bytes, llvm::to_vector(kernel.getDomain()));
  emitLaunch("order", kernel.getLoc(), Grid::Units, groups, [&](Scope &scope) {
    CodeBuilder &code = scope.code;
    Buffers buffers = buffersOf(scope, kernel);
    Evaluator evaluator(code, buffers);
    evaluator.somewhere = scope.frame;
    SmallVector<Value> outputs = llvm::map_to_vector(places, [&](Cell place) { return pointerIn(scope, place); });
    Value rows = count(evaluator);
    AxisPart part = partOf(code, scope.pass);
    part.carried = pointerIn(scope, carried);
    forThread(scope, rows, [&](Value row) {
      code.ifThen(code.compare(arith::CmpIPredicate::slt, part.low, evaluator.sizeOf(dim)),
                  [&] { emitOrderBody(kernel, evaluator, outputs, row, code.add(row, code.i64(1)), &part); });
    });
  });
  program.launches.back().passes = passes;
}

} // namespace gradus
