//===- Kernel.cpp - The loops of a kernel ---------------------------------------===//

#include "passes/lower/Body.h"

#include "passes/fuse/Cost.h"
#include "passes/fuse/Plan.h"
#include "passes/fuse/Traffic.h"
#include "passes/lower/Blocks.h"

using namespace mlir;

namespace gradus {

Space BodyEmitter::makeSpace(ArrayRef<int64_t> axes) {
  Space space;
  if (info.isFlat) {
    space.inner = evaluator.product(info.domain);
  } else {
    space.rowAxes.assign(axes.begin(), axes.end() - (axes.empty() ? 0 : 1));
    space.rows = evaluator.product(pick(info.domain, space.rowAxes));
    space.innerAxis = axes.empty() ? -1 : axes.back();
    space.inner = axes.empty() ? code.i64(1) : evaluator.sizeOf(info.domain[axes.back()]);
  }
  space.first = code.i64(0);
  space.chunks = code.ceilDiv(space.inner, blockSize);
  if (space.rowAxes.empty()) {
    space.blocks = space.chunks;
    return space;
  }
  space.rowsPerBlock = code.max(code.div(code.i64(blockSize), code.max(space.inner, code.i64(1))), code.i64(1));
  Value groups = code.div(code.add(space.rows, code.sub(space.rowsPerBlock, code.i64(1))), space.rowsPerBlock);
  space.blocks = code.mul(groups, space.chunks);
  return space;
}

void BodyEmitter::setIndices(ArrayRef<int64_t> axes, Value linear) {
  for (auto [axis, index] : llvm::zip_equal(axes, evaluator.delinearize(linear, pick(info.domain, axes))))
    indices[axis] = index;
}

Value BodyEmitter::positionOf(ArrayRef<int64_t> axes) {
  SmallVector<Value> own;
  for (int64_t axis : axes)
    own.push_back(indices[axis]);
  return evaluator.linearize(own, pick(info.domain, axes));
}

Type BodyEmitter::accumulatorType(unsigned index, bool isVector) {
  Type type = info.isCheck() ? Type(code.getI1Type()) : info.reductions[index].accumulate;
  return isVector ? code.vecType(type) : code.regType(type);
}

SmallVector<Value> BodyEmitter::identities(bool isVector) {
  SmallVector<Value> values;
  for (unsigned i = 0; i < countAccumulators(); ++i)
    values.push_back(emitIdentity(code, kindOf(i), accumulatorType(i, isVector)));
  return values;
}

/// Whether an index of a gather or scatter that is checked is outside its axis, in any lane.
Value BodyEmitter::emitOutside(const Point &point, Value mask) {
  Value outside = code.integer(code.vecType(code.getI1Type()), 0);
  for (Operation *op : info.checked)
    for (auto [number, dim] : llvm::zip_equal(getPlaces(op), arrayOf(op->getOperand(0)).getShape())) {
      Value at = evaluator.evaluateVector(number, point);
      at = emitCast(code, at, arrayOf(number).getElementType(), code.getI64Type());
      // As unsigned numbers, negative indices are large.
      Value isBad = code.compare(arith::CmpIPredicate::uge, at, code.splat(evaluator.sizeOf(dim)));
      outside = arith::OrIOp::create(code, outside, isBad);
    }
  return mask ? arith::AndIOp::create(code, outside, mask).getResult() : outside;
}

/// One vector of points: stores, and the next values of the accumulators.
SmallVector<Value> BodyEmitter::emitStep(const Point &point, Value mask, ValueRange carried) {
  if (info.isCheck())
    return {arith::OrIOp::create(code, carried[0], emitOutside(point, mask)).getResult()};
  SmallVector<Value> values, next;
  for (const auto &[index, value] : info.stores)
    values.push_back(evaluator.evaluateVector(value, point));
  for (auto [index, op] : info.encodes)
    values.push_back(emitCast(code, evaluator.evaluateVector(op.getX(), point), op.getX().getType().getElementType(), code.getF32Type()));
  for (auto [reduction, old] : llvm::zip_equal(info.reductions, carried)) {
    Value value = evaluator.evaluateVector(reduction.op->getOperand(0), point);
    value = emitCast(code, value, reduction.element, reduction.accumulate);
    Value combined = emitCombine(code, reduction.kind, old, value);
    next.push_back(mask ? arith::SelectOp::create(code, mask, combined, old).getResult() : combined);
  }
  if (values.empty())
    return next;
  // All loads of a step come before its stores: a result may replace an operand.
  Value position = point.front().scalar;
  if (!info.isFlat) {
    SmallVector<Value> scalars;
    for (const Index &index : point)
      scalars.push_back(index.scalar);
    position = evaluator.linearize(scalars, info.domain);
  }
  for (auto [store, value] : llvm::zip(info.stores, values))
    code.storeVector(outputs[store.first], arrayOf(store.second).getElementType(), position, value, mask);
  for (auto [number, encode] : llvm::enumerate(info.encodes)) {
    Value to = firstNumber ? numbers[number] : outputs[encode.first], at = firstNumber ? code.sub(position, firstNumber) : position;
    code.storeVector(to, code.getF32Type(), at, values[info.stores.size() + number], mask);
  }
  return next;
}

/// Whether the code of a kernel is so large that a second copy of it for the last vector costs more, in the time of the compiler and
/// in the cache of instructions, than a mask in every step.
static bool isLarge(KernelOp kernel) {
  int64_t weight = 0;
  for (Operation &op : kernel.getBody().front())
    weight += getFlopWeight(&op);
  return weight > 1000;
}

/// The elements [low, high) of one row, 16 at a time, and a last masked vector; a large kernel has all its vectors masked.
SmallVector<Value> BodyEmitter::emitVectors(const Space &space, Value low, Value high, ValueRange carried) {
  auto pointAt = [&](Value index) {
    Point point;
    if (info.isFlat)
      return Point{Index::lane(index)};
    for (int64_t axis = 0, rank = info.domain.size(); axis < rank; ++axis)
      point.push_back(axis == space.innerAxis ? Index::lane(index) : Index::uniform(indices[axis]));
    return point;
  };
  auto maskOf = [&](Value left) { return code.compare(arith::CmpIPredicate::slt, code.laneNumbers(), code.splat(left)); };
  if (isLarge(info.kernel)) {
    scf::ForOp all = code.loop(low, high, lanes, carried, [&](Value index, ValueRange sums) {
      Value mask = maskOf(code.sub(high, index));
      evaluator.startInner(index.getParentBlock()->getParentOp(), mask);
      return emitStep(pointAt(index), mask, sums);
    });
    evaluator.traffic = countTraffic(all, lanes);
    evaluator.endRow();
    return llvm::to_vector(ValueRange(all.getResults()));
  }
  Value whole = arith::AndIOp::create(code, code.sub(high, low), code.i64(-lanes));
  Value wholeEnd = code.add(low, whole);
  SmallVector<Value> begun(carried);
  if (hasQuickExtremes())
    std::tie(low, begun) = emitExtremes(low, wholeEnd, carried, pointAt);
  SmallVector<CompareOp> oneHots = evaluator.findOneHots(info.kernel, info.domain, pointAt(low));
  Type steps = code.vecType(code.getI32Type());
  if (!oneHots.empty())
    begun.push_back(code.integer(steps, 0));
  scf::ForOp main = code.loop(low, wholeEnd, lanes, begun, [&](Value index, ValueRange values) {
    Point point = pointAt(index);
    evaluator.startInner(index.getParentBlock()->getParentOp(), {});
    if (oneHots.empty())
      return emitStep(point, {}, values);
    evaluator.rememberOneHots(oneHots, point, low, values.back());
    SmallVector<Value> next = emitStep(point, {}, values.drop_back());
    next.push_back(arith::AddIOp::create(code, values.back(), code.integer(steps, lanes)));
    return next;
  });
  evaluator.traffic = countTraffic(main, lanes);
  ValueRange sums = main.getResults().take_front(carried.size());
  Value left = code.sub(high, wholeEnd);
  Value hasTail = code.compare(arith::CmpIPredicate::sgt, left, code.i64(0));
  auto tail = scf::IfOp::create(code, sums.getTypes(), hasTail, /*addThenBlock=*/true, /*addElseBlock=*/true);
  {
    OpBuilder::InsertionGuard guard(code);
    code.setInsertionPointToStart(tail.thenBlock());
    Value mask = maskOf(left);
    evaluator.startInner(main, mask);
    scf::YieldOp::create(code, emitStep(pointAt(wholeEnd), mask, sums));
    code.setInsertionPointToStart(tail.elseBlock());
    scf::YieldOp::create(code, sums);
  }
  evaluator.endRow();
  return llvm::to_vector(ValueRange(tail.getResults()));
}

/// The same for a flat kernel with results in blocks of codes: the points of the largest block, and then their codes; and where numbers are rounded by random
/// bits: those of some points, and then the points.
SmallVector<Value> BodyEmitter::emitRow(const Space &space, Value low, Value high, ValueRange carried) {
  constexpr int64_t drawnTogether = 128;
  bool isEncoded = info.isFlat && !info.encodes.empty();
  SmallVector<DrawOp> draws = info.isCheck() || info.stores.empty() ? SmallVector<DrawOp>() : evaluator.findStoredBits(info.kernel);
  if (!isEncoded && draws.empty())
    return emitVectors(space, low, high, carried);
  int64_t points = isEncoded ? 0 : drawnTogether;
  auto typeOf = [](EncodeOp op) { return cast<BlocksType>(op.getType().getElementType()); };
  numbers.clear();
  for (auto [index, op] : info.encodes)
    points = std::max(points, isEncoded ? typeOf(op).getSize() : 0);
  for (size_t k = 0; isEncoded && k < info.encodes.size(); ++k)
    numbers.push_back(code.stackSlot(code.getF32Type(), points));
  scf::ForOp parts = code.loop(low, high, points, carried, [&](Value first, ValueRange sums) {
    Value end = code.min(code.add(first, code.i64(points)), high);
    if (isEncoded) {
      firstNumber = first;
      evaluator.startBlock(first, points);
    }
    if (!draws.empty()) {
      Value element = first;
      if (!info.isFlat) {
        indices[space.innerAxis] = first;
        element = evaluator.linearize(indices, info.domain);
      }
      evaluator.drawAhead(draws, element, code.add(element, code.sub(end, first)), points);
    }
    SmallVector<Value> next = emitVectors(space, first, end, sums);
    if (isEncoded)
      for (auto [encode, from] : llvm::zip_equal(info.encodes, numbers))
        emitEncode(code, typeOf(encode.second), outputs[encode.first], from, first, end);
    return next;
  });
  evaluator.forgetDrawn();
  if (isEncoded) {
    firstNumber = {};
    evaluator.startBlock({}, 0);
    evaluator.traffic->read += std::exchange(evaluator.scaleTraffic, 0);
    for (auto [index, op] : info.encodes)
      evaluator.traffic->written += getEncodedBytes(op);
  }
  return llvm::to_vector(ValueRange(parts.getResults()));
}

double getEncodedBytes(EncodeOp op) {
  return 1 + static_cast<double>(BlocksType::scaleBytes) / static_cast<double>(cast<BlocksType>(op.getType().getElementType()).getSize());
}

void emitEncodeBody(EncodeOp op, Evaluator &evaluator, Value numbers, Value output, Value begin, Value end) {
  CodeBuilder &code = evaluator.code;
  Value low = code.mul(begin, code.i64(blockSize));
  Value high = code.min(code.mul(end, code.i64(blockSize)), evaluator.product(op.getType().getShape()));
  emitEncode(code, cast<BlocksType>(op.getType().getElementType()), output, code.address(numbers, code.getF32Type(), low), low, high);
}

/// One block: its rows one after the other into the same 16 accumulators, which are combined at the end.
SmallVector<Value> BodyEmitter::emitBlock(const Space &space, Value block) {
  bool isOneRow = space.rowAxes.empty();
  Value low = code.mul(isOneRow ? block : code.rem(block, space.chunks), code.i64(blockSize));
  if (isOneRow)
    low = code.add(low, space.first);
  Value high = code.min(code.add(low, code.i64(blockSize)), space.inner);
  SmallVector<Value> sums = identities(true);
  if (isOneRow) {
    sums = emitRow(space, low, high, sums);
  } else {
    Value firstRow = code.add(space.first, code.mul(code.div(block, space.chunks), space.rowsPerBlock));
    Value lastRow = code.min(code.add(firstRow, space.rowsPerBlock), space.rows);
    scf::ForOp rows = code.loop(firstRow, lastRow, 1, sums, [&](Value row, ValueRange carried) {
      setIndices(space.rowAxes, row);
      return emitRow(space, low, high, carried);
    });
    sums = llvm::to_vector(ValueRange(rows.getResults()));
  }
  SmallVector<Value> results;
  for (auto [index, sum] : llvm::enumerate(sums))
    results.push_back(emitCombineLanes(code, kindOf(index), sum));
  return results;
}

void BodyEmitter::emitBlocks(Value begin, Value end) {
  Space space = makeSpace(llvm::to_vector(llvm::seq<int64_t>(0, info.domain.size())));
  code.loop(begin, end, [&](Value block) {
    SmallVector<Value> partial = emitBlock(space, block);
    if (info.isCheck()) {
      code.ifThen(partial[0], [&] { LLVM::StoreOp::create(code, code.i32(1), outputs[0]); });
      return;
    }
    for (auto [reduction, value] : llvm::zip_equal(info.reductions, partial))
      code.storeElement(outputs[reduction.result], reduction.accumulate, block, value);
  });
}

void BodyEmitter::storeReductions(ValueRange values, Value position, Value mask) {
  for (auto [reduction, value] : llvm::zip_equal(info.reductions, values)) {
    Type element = arrayOf(reduction.op->getResult(0)).getElementType();
    Value result = emitCast(code, value, reduction.accumulate, element);
    if (isa<VectorType>(result.getType()))
      code.storeVector(outputs[reduction.result], element, position, result, mask);
    else
      code.storeElement(outputs[reduction.result], element, position, result);
  }
}

/// The accumulators of all blocks, pairwise.
SmallVector<Value> BodyEmitter::emitTree(Value blocks, bool isVector, function_ref<SmallVector<Value>(Value block)> emitBlock) {
  SmallVector<ReductionKind> kinds;
  SmallVector<Type> types;
  for (unsigned i = 0; i < countAccumulators(); ++i) {
    kinds.push_back(kindOf(i));
    types.push_back(accumulatorType(i, isVector));
  }
  return emitPairwise(code, kinds, types, blocks, emitBlock);
}

void BodyEmitter::emitRows(Value begin, Value end) {
  SmallVector<int64_t> kept = keptAxes(info);
  Space space = makeSpace(info.reducedAxes);
  code.loop(begin, end, [&](Value point) {
    setIndices(kept, point);
    SmallVector<Value> results = emitTree(space.blocks, /*isVector=*/false, [&](Value block) { return emitBlock(space, block); });
    storeReductions(results, point, {});
  });
}

/// One vector along the last axis: the reduced points in order, in blocks of 4,096 that are combined pairwise.
void BodyEmitter::emitColumnStrip(Value first, Value mask) {
  Value count = evaluator.product(pick(info.domain, info.reducedAxes)), blocks = code.ceilDiv(count, blockSize);
  SmallVector<Value> results = emitTree(blocks, /*isVector=*/true, [&](Value block) {
    Value low = code.mul(block, code.i64(blockSize));
    return emitColumnSums(first, mask, low, code.min(code.add(low, code.i64(blockSize)), count), identities(true));
  });
  indices[info.domain.size() - 1] = first;
  storeReductions(results, positionOf(keptAxes(info)), mask);
}

/// The reduced points [low, high), one after the other.
SmallVector<Value> BodyEmitter::emitColumnSums(Value first, Value mask, Value low, Value high, ValueRange init) {
  int64_t last = info.domain.size() - 1;
  scf::ForOp main = code.loop(low, high, 1, init, [&](Value number, ValueRange sums) {
    // Rows of other axes than the last change here, so nothing is known to be the same for all steps.
    setIndices(info.reducedAxes, number);
    Point point;
    for (int64_t axis = 0; axis <= last; ++axis)
      point.push_back(axis == last ? Index::lane(first) : Index::uniform(indices[axis]));
    evaluator.startInner(nullptr, mask);
    return emitStep(point, mask, sums);
  });
  if (!mask)
    evaluator.traffic = countTraffic(main, lanes);
  evaluator.endRow();
  return llvm::to_vector(ValueRange(main.getResults()));
}

void BodyEmitter::emitColumns(Value begin, Value end) {
  forEachStrip(begin, end, [&](Value first, Value mask) { emitColumnStrip(first, mask); });
}

void BodyEmitter::forEachStrip(Value begin, Value end, function_ref<void(Value first, Value mask)> emitStrip) {
  SmallVector<int64_t> outer = keptAxes(info);
  outer.pop_back();
  Value size = evaluator.sizeOf(info.domain.back());
  Value strips = code.ceilDiv(size, lanes);
  code.loop(begin, end, [&](Value index) {
    setIndices(outer, code.div(index, strips));
    Value first = code.mul(code.rem(index, strips), code.i64(lanes));
    Value left = code.sub(size, first);
    Value isWhole = code.compare(arith::CmpIPredicate::sge, left, code.i64(lanes));
    auto branch = scf::IfOp::create(code, isWhole, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(code);
    code.setInsertionPointToStart(branch.thenBlock());
    emitStrip(first, {});
    code.setInsertionPointToStart(branch.elseBlock());
    emitStrip(first, code.compare(arith::CmpIPredicate::slt, code.laneNumbers(), code.splat(left)));
  });
}

/// The first largest or smallest element; a NaN is more than anything but another NaN. 0 over no element.
void BodyEmitter::emitArguments(Value begin, Value end, const AxisPart *part) {
  SmallVector<int64_t> kept = keptAxes(info);
  int64_t axis = info.reducedAxes.front();
  Value low = part ? part->low : code.i64(0), high = evaluator.sizeOf(info.domain[axis]);
  if (part)
    high = code.min(part->high, high);
  code.loop(begin, end, [&](Value position) {
    setIndices(kept, position);
    for (auto [result, op] : info.argReductions) {
      ArrayType from = arrayOf(op.getX());
      auto kind = op.getKind();
      bool isFloat = from.isFloat();
      Type element = arrayOf(op.getY()).getElementType();
      Value x = op.getX();
      auto evaluateAt = [&](Value index) {
        indices[axis] = index;
        evaluator.startInner(nullptr, {});
        return evaluator.evaluate(x, llvm::map_to_vector(indices, Index::uniform));
      };
      Value first = emitIdentity(code, kind, code.regType(from.getElementType())), firstIndex = code.i64(-1);
      if (part) {
        auto known = [&, result = result] {
          Value index = code.loadElement(outputs[result], element, position);
          return emitCast(code, index, element, code.getI64Type());
        };
        firstIndex = code.choose(code.getI64Type(), part->isFirst, [&] { return code.i64(-1); }, known);
        first = code.choose(first.getType(), part->isFirst, [&, first] { return first; }, [&] { return evaluateAt(firstIndex); });
      }
      scf::ForOp best = code.loop(
          low, high, 1, {first, firstIndex}, [&](Value index, ValueRange carried) {
            Value value = evaluateAt(index);
            bool isMax = kind == ReductionKind::Max;
            Value isBetter, isFirst = code.compare(arith::CmpIPredicate::eq, index, code.i64(0));
            if (isFloat) {
              Value isMore = arith::CmpFOp::create(code, isMax ? arith::CmpFPredicate::UGT : arith::CmpFPredicate::ULT, value, carried[0]);
              Value wasNan = arith::CmpFOp::create(code, arith::CmpFPredicate::UNO, carried[0], carried[0]);
              Value notYet = arith::XOrIOp::create(code, wasNan, arith::ConstantOp::create(code, code.getBoolAttr(true)));
              isBetter = arith::AndIOp::create(code, isMore, notYet);
            } else {
              isBetter = code.compare(isMax ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::slt, value, carried[0]);
            }
            isBetter = arith::OrIOp::create(code, isBetter, isFirst);
            return SmallVector<Value>{code.select(isBetter, value, carried[0]), code.select(isBetter, index, carried[1])};
          });
      code.storeElement(outputs[result], element, position, emitCast(code, best.getResult(1), code.getI64Type(), element));
    }
  });
}

Value emitCount(const KernelInfo &info, Evaluator &evaluator) {
  SmallVector<int64_t> kept = keptAxes(info);
  if (info.form == KernelForm::Blocks)
    return BodyEmitter(info, evaluator, {}).makeSpace(llvm::to_vector(llvm::seq<int64_t>(0, info.domain.size()))).blocks;
  if (info.form != KernelForm::Columns)
    return evaluator.product(pick(info.domain, kept));
  kept.pop_back();
  Value strips = evaluator.code.ceilDiv(evaluator.sizeOf(info.domain.back()), lanes);
  return evaluator.code.mul(evaluator.product(pick(info.domain, kept)), strips);
}

Value emitWork(const KernelInfo &info, Evaluator &evaluator) { return evaluator.product(info.domain); }

/// What is computed before all loops.
static void beginKernel(const KernelInfo &info, Evaluator &evaluator) {
  evaluator.isFlat = info.isFlat;
  ChecksBelow below;
  evaluator.evaluateScalars(info.kernel, [&](Value value) { return !info.isCheck() || below.count(value) <= info.checkLevel; });
  evaluator.evaluateDrawKeys(info.kernel);
}

void emitKernelWindow(const KernelInfo &whole, Evaluator &evaluator, ValueRange outputs, const KernelWindow &window) {
  KernelInfo info = whole;
  info.isFlat = window.first != nullptr;
  beginKernel(info, evaluator);
  BodyEmitter(info, evaluator, outputs).emitWindow(window);
}

void emitKernelBody(const KernelInfo &info, Evaluator &evaluator, ValueRange outputs, Value begin, Value end, bool isNested) {
  beginKernel(info, evaluator);
  BodyEmitter emitter(info, evaluator, outputs);
  if (isNested)
    return emitter.emitNested(begin, end);
  switch (info.form) {
  case KernelForm::Blocks:
    return emitter.emitBlocks(begin, end);
  case KernelForm::Rows:
    return emitter.emitRows(begin, end);
  case KernelForm::Columns:
    return emitter.emitColumns(begin, end);
  case KernelForm::Argument:
    return emitter.emitArguments(begin, end);
  }
}

} // namespace gradus
