//===- Nested.cpp - The loops of a kernel over some of its rows ------------------===//
//
// A block of rows counts as an array of its own: the trees of its sums begin and end with it. Sums that keep other axes than the rows go on
// from block to block instead.
//
//===----------------------------------------------------------------------===//

#include "passes/lower/Body.h"

#include "passes/fuse/Cost.h"
#include "passes/fuse/Traffic.h"

using namespace mlir;

namespace gradus {

/// The rows [begin, end) of the domain as if there were no others.
Space BodyEmitter::makeRowSpace(Value begin, Value end) {
  Space space;
  int64_t rank = info.domain.size();
  if (info.isFlat || rank == 1) {
    Value width = evaluator.product(ArrayRef(info.domain).drop_front());
    space.innerAxis = 0;
    space.first = code.mul(begin, width);
    space.inner = code.mul(end, width);
    space.blocks = space.chunks = code.ceilDiv(code.sub(space.inner, space.first), blockSize);
    return space;
  }
  space.innerAxis = rank - 1;
  space.rowAxes = llvm::to_vector(llvm::seq<int64_t>(0, rank - 1));
  Value between = evaluator.product(ArrayRef(info.domain).drop_front().drop_back());
  space.first = code.mul(begin, between);
  space.rows = code.mul(end, between);
  space.inner = evaluator.sizeOf(info.domain.back());
  space.chunks = code.ceilDiv(space.inner, blockSize);
  space.rowsPerBlock = code.max(code.div(code.i64(blockSize), code.max(space.inner, code.i64(1))), code.i64(1));
  Value groups = code.div(code.add(code.sub(space.rows, space.first), code.sub(space.rowsPerBlock, code.i64(1))), space.rowsPerBlock);
  space.blocks = code.mul(groups, space.chunks);
  return space;
}

/// Sums over rows that go on with what the rows before have left in the outputs.
void BodyEmitter::emitNestedColumns(Value begin, Value end) {
  SmallVector<int64_t> outer = keptAxes(info), further(ArrayRef(info.reducedAxes).drop_front());
  outer.pop_back();
  Value rest = evaluator.product(pick(info.domain, further));
  Value count = code.mul(evaluator.product(pick(info.domain, outer)), code.ceilDiv(evaluator.sizeOf(info.domain.back()), lanes));
  forEachStrip(code.i64(0), count, [&](Value first, Value mask) {
    indices[info.domain.size() - 1] = first;
    Value position = positionOf(keptAxes(info));
    SmallVector<Value> before;
    for (const Reduction &reduction : info.reductions)
      before.push_back(code.loadVector(outputs[reduction.result], reduction.accumulate, position, mask));
    SmallVector<Value> sums = emitColumnSums(first, mask, code.mul(begin, rest), code.mul(end, rest), before);
    for (auto [reduction, sum] : llvm::zip_equal(info.reductions, sums))
      code.storeVector(outputs[reduction.result], reduction.accumulate, position, sum, mask);
  });
}

/// The rows of a group, whose sums do not wait for one another. Each is what it would be alone.
static constexpr int64_t groupSize = 4;

/// Whether the sums of a row wait for one another longer than for the numbers that they are made of.
bool BodyEmitter::canGroupRows() const {
  KernelOp kernel = info.kernel;
  constexpr int64_t lightest = 8;
  int64_t weight = 0;
  for (Operation &op : kernel.getBody().front())
    weight += getFlopWeight(&op);
  return weight <= lightest && info.reducedAxes.size() == 1 && info.reductions.size() == 1 && info.stores.empty();
}

void BodyEmitter::emitRowGroup(const Space &space, ArrayRef<Value> points) {
  SmallVector<SmallVector<Value>> rows;
  for (Value point : points) {
    setIndices(keptAxes(info), point);
    rows.push_back(indices);
  }
  auto step = [&](Value index, Value mask, ValueRange sums) {
    SmallVector<Value> next;
    for (auto [number, row, sum] : llvm::enumerate(rows, sums)) {
      if (row.size() - info.reducedAxes.size() == 1)
        evaluator.turn = {static_cast<int64_t>(number), rows.front()[keptAxes(info).front()]};
      Point point;
      for (auto [axis, at] : llvm::enumerate(row))
        point.push_back(static_cast<int64_t>(axis) == space.innerAxis ? Index::lane(index) : Index::uniform(at));
      next.append(emitStep(point, mask, sum));
    }
    evaluator.turn.reset();
    return next;
  };
  Type sums = VectorType::get({static_cast<int64_t>(points.size())}, accumulatorType(0, /*isVector=*/false));
  SmallVector<Value> results = emitPairwise(code, kindOf(0), sums, space.blocks, [&](Value block) {
    Value low = code.mul(block, code.i64(blockSize)), high = code.min(code.add(low, code.i64(blockSize)), space.inner);
    SmallVector<Value> none(points.size(), identities(/*isVector=*/true).front());
    Value middle = code.add(low, arith::AndIOp::create(code, code.sub(high, low), code.i64(-lanes)));
    scf::ForOp main = code.loop(low, middle, lanes, none, [&](Value index, ValueRange sums) {
      evaluator.startInner(index.getParentBlock()->getParentOp(), {});
      return step(index, {}, sums);
    });
    evaluator.traffic = countTraffic(main, lanes * groupSize);
    scf::ForOp tail = code.loop(middle, high, lanes, main.getResults(), [&](Value index, ValueRange sums) {
      Value mask = code.compare(arith::CmpIPredicate::slt, code.laneNumbers(), code.splat(code.sub(high, index)));
      evaluator.startInner(main, mask);
      return step(index, mask, sums);
    });
    evaluator.endRow();
    return SmallVector<Value>{emitCombineRows(code, kindOf(0), tail.getResults())};
  });
  storeReductions(results, points.front(), {});
}

void BodyEmitter::emitRowGroups(Value begin, Value end) {
  Space space = makeSpace(info.reducedAxes);
  Value middle = code.add(begin, arith::AndIOp::create(code, code.sub(end, begin), code.i64(-groupSize)));
  code.loop(begin, middle, groupSize, {}, [&](Value first, ValueRange) {
    SmallVector<Value> points;
    for (int64_t i = 0; i < groupSize; ++i)
      points.push_back(code.add(first, code.i64(i)));
    emitRowGroup(space, points);
    return SmallVector<Value>();
  });
  emitRows(middle, end);
}

void BodyEmitter::emitNested(Value begin, Value end) {
  SmallVector<int64_t> kept = keptAxes(info);
  if (info.form == KernelForm::Blocks) {
    Space space = makeRowSpace(begin, end);
    if (info.reductions.empty())
      return code.loop(code.i64(0), space.blocks, [&](Value block) { emitBlock(space, block); });
    SmallVector<Value> sums = emitTree(space.blocks, /*isVector=*/false, [&](Value block) { return emitBlock(space, block); });
    for (auto [reduction, sum] : llvm::zip_equal(info.reductions, sums))
      code.storeElement(outputs[reduction.result], reduction.accumulate, code.i64(0), sum);
    return;
  }
  if (info.form == KernelForm::Columns && info.reducedAxes.front() == 0)
    return emitNestedColumns(begin, end);
  // The rows are the first of the axes that are kept.
  Value rest = evaluator.product(pick(info.domain, ArrayRef(kept).drop_front()));
  if (info.form == KernelForm::Columns)
    rest = code.mul(evaluator.product(pick(info.domain, ArrayRef(kept).drop_front().drop_back())), code.ceilDiv(evaluator.sizeOf(info.domain.back()), lanes));
  begin = code.mul(begin, rest);
  end = code.mul(end, rest);
  if (info.form == KernelForm::Rows)
    return canGroupRows() ? emitRowGroups(begin, end) : emitRows(begin, end);
  return info.form == KernelForm::Columns ? emitColumns(begin, end) : emitArguments(begin, end);
}

/// Row after row of a part of a matrix, all into the same accumulators.
void BodyEmitter::emitWindow(const KernelWindow &window) {
  Space space;
  space.innerAxis = info.isFlat ? 0 : 1;
  scf::ForOp rows = code.loop(window.top, window.bottom, 1, identities(/*isVector=*/true), [&](Value row, ValueRange carried) {
    if (!info.isFlat) {
      indices[0] = row;
      return emitRow(space, window.left, window.right, carried);
    }
    Value first = code.add(window.first, code.mul(row, window.pitch));
    return emitRow(space, code.add(first, window.left), code.add(first, window.right), carried);
  });
  for (auto [reduction, sum] : llvm::zip_equal(info.reductions, rows.getResults()))
    code.storeElement(outputs[reduction.result], reduction.accumulate, window.number, emitCombineLanes(code, reduction.kind, sum));
}

} // namespace gradus
