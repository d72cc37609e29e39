//===- Sort.cpp - Sorts ----------------------------------------------------------------===//
//
// Runs of 1, 2, 4, .. elements are merged, from the outputs to the workspace and back, as on the CPU. Every element finds its place by itself: how many of
// its own run stand before it is its number there, how many of the other one a binary search tells. A group sorts 4,096 elements of a row, or the row; longer
// runs are merged in launches of a thread for each element, one for each length.
//
//===----------------------------------------------------------------------===//

#include "passes/gpu/Device.h"
#include "passes/lower/Steps.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace gradus {

namespace {

/// The size of the rows of a sort.
Value sizeOfRows(SortOp op, Evaluator &evaluator) {
  auto shape = arrayOf(op.getX()).getShape();
  auto axis = static_cast<int64_t>(op.getAxis());
  return axis < 0 ? evaluator.product(shape) : evaluator.sizeOf(shape[axis]);
}

/// Steps from 1 element to the size: ceil(log2(size)).
Value countMerges(CodeBuilder &code, Value size) {
  Value last = code.sub(code.max(size, code.i64(1)), code.i64(1));
  return code.sub(code.i64(64), math::CountLeadingZerosOp::create(code, last));
}

/// The merges that a group makes by itself.
constexpr int64_t ownMerges = 12;
static_assert(int64_t(1) << ownMerges == blockSize);

/// What the threads of a group do for elements of a row: `pieces` groups share one.
class SortGroup {
public:
  SortGroup(SortOp op, Evaluator &evaluator, Scope &scope, Value pieces)
      : op(op), code(evaluator.code), scope(scope), element(arrayOf(op.getX()).getElementType()), size(sizeOfRows(op, evaluator)), merges(countMerges(code, size)) {
    Value row = code.div(scope.group, pieces);
    piece = code.rem(scope.group, pieces);
    SmallVector<Attribute> dims(arrayOf(op.getX()).getShape());
    auto axis = static_cast<int64_t>(op.getAxis());
    if (axis < 0) { // all elements
      stride = code.i64(1);
      base = code.i64(0);
      return;
    }
    stride = evaluator.product(ArrayRef(dims).drop_front(axis + 1));
    Value point = code.div(row, stride);
    base = code.add(code.mul(code.mul(point, size), stride), code.rem(row, stride));
  }
  /// Pieces of 4,096 elements, sorted.
  void emitOwn(Value from, ArrayRef<Value> outputs, ArrayRef<Value> scratch);
  /// Merge number `merge` of those that follow, for pieces of as many elements as a group has threads.
  void emitNext(Value merge, ArrayRef<Value> outputs, ArrayRef<Value> scratch);

private:
  Value at(Value k) { return code.add(base, code.mul(k, stride)); }
  Value isOdd(Value number) { return code.compare(arith::CmpIPredicate::ne, arith::AndIOp::create(code, number, code.i64(1)), code.i64(0)); }
  /// Where a merge reads values and order, and where it writes them; the last one writes the outputs.
  SmallVector<Value> arraysOf(Value mergesToCome, ArrayRef<Value> outputs, ArrayRef<Value> scratch) {
    SmallVector<Value> state;
    for (auto [a, b] : {std::pair(scratch, outputs), std::pair(outputs, scratch)})
      for (int k : {0, 1})
        state.push_back(LLVM::SelectOp::create(code, isOdd(mergesToCome), a[k], b[k]));
    return state;
  }
  void forOwn(function_ref<void(Value)> then) {
    Value low = code.mul(piece, code.i64(blockSize)), high = code.min(code.add(low, code.i64(blockSize)), size);
    code.loop(code.add(low, scope.thread), high, groupSize, {}, [&](Value k, ValueRange) {
      then(k);
      return SmallVector<Value>();
    });
  }
  void emitMerge(ValueRange source, ValueRange target, Value width, Value k);
  Value emitSearch(Value values, Value low, Value high, Value value, Value isLeft);

  SortOp op;
  CodeBuilder &code;
  Scope &scope;
  Type element;
  Value size, merges, stride, base, piece;
};

} // namespace

void SortGroup::emitOwn(Value from, ArrayRef<Value> outputs, ArrayRef<Value> scratch) {
  Type number = code.getI64Type();
  SmallVector<Value> state = arraysOf(merges, outputs, scratch);
  forOwn([&](Value k) {
    code.storeElement(state[0], element, at(k), code.loadElement(from, element, at(k)));
    code.storeElement(state[1], number, at(k), k);
  });
  emitBarrier(code);
  state.push_back(code.i64(1));
  code.loop(code.i64(0), code.min(merges, code.i64(ownMerges)), 1, state, [&](Value, ValueRange now) {
    forOwn([&](Value k) { emitMerge(now.take_front(2), now.slice(2, 2), now[4], k); });
    emitBarrier(code);
    return SmallVector<Value>{now[2], now[3], now[0], now[1], code.add(now[4], now[4])};
  });
}

void SortGroup::emitNext(Value merge, ArrayRef<Value> outputs, ArrayRef<Value> scratch) {
  Value done = code.add(merge, code.i64(ownMerges)), k = code.add(code.mul(piece, code.i64(groupSize)), scope.thread);
  Value isThere = arith::AndIOp::create(code, code.compare(arith::CmpIPredicate::slt, done, merges), code.compare(arith::CmpIPredicate::slt, k, size));
  code.ifThen(isThere, [&] {
    SmallVector<Value> state = arraysOf(code.sub(merges, done), outputs, scratch);
    emitMerge(ArrayRef(state).take_front(2), ArrayRef(state).drop_front(2), arith::ShLIOp::create(code, code.i64(1), done), k);
  });
}

/// Where the run [low, high) first has an element that a value of the other one stands before.
Value SortGroup::emitSearch(Value values, Value low, Value high, Value value, Value isLeft) {
  auto search = scf::WhileOp::create(
      code, TypeRange{code.getI64Type(), code.getI64Type()}, ValueRange{low, high},
      [&](OpBuilder &builder, Location loc, ValueRange ends) {
        CodeBuilder inner(loc, builder);
        scf::ConditionOp::create(inner, inner.compare(arith::CmpIPredicate::slt, ends[0], ends[1]), ends);
      },
      [&](OpBuilder &builder, Location loc, ValueRange ends) {
        CodeBuilder inner(loc, builder);
        Value middle = inner.div(inner.add(ends[0], ends[1]), inner.i64(2));
        Value other = inner.loadElement(values, element, inner.add(base, inner.mul(middle, stride)));
        // Of equal elements those of the left run come first.
        Value ofLeft = emitIsBefore(inner, op, other, value), isAfter = emitIsBefore(inner, op, value, other);
        Value ofRight = arith::XOrIOp::create(inner, isAfter, inner.integer(inner.getI1Type(), 1));
        Value goesBefore = inner.select(isLeft, ofLeft, ofRight), next = inner.add(middle, inner.i64(1));
        scf::YieldOp::create(inner, ValueRange{inner.select(goesBefore, next, ends[0]), inner.select(goesBefore, ends[1], middle)});
      });
  setMostSteps(search, stepsOfHalving);
  return search.getResult(0);
}

/// Pairs of runs of `width` elements become runs: element k goes to its place.
void SortGroup::emitMerge(ValueRange source, ValueRange target, Value width, Value k) {
  Type number = code.getI64Type();
  Value both = code.add(width, width);
  Value low = code.mul(code.div(k, both), both), middle = code.min(code.add(low, width), size), high = code.min(code.add(middle, width), size);
  Value isLeft = code.compare(arith::CmpIPredicate::slt, k, middle);
  Value value = code.loadElement(source[0], element, at(k)), order = code.loadElement(source[1], number, at(k));
  Value otherLow = code.select(isLeft, middle, low), otherHigh = code.select(isLeft, high, middle);
  Value before = code.sub(emitSearch(source[0], otherLow, otherHigh, value, isLeft), otherLow);
  Value place = code.add(code.select(isLeft, k, code.add(low, code.sub(k, middle))), before);
  code.storeElement(target[0], element, at(place), value);
  code.storeElement(target[1], number, at(place), order);
}

void DeviceLowering::emitSort(KernelOp kernel) {
  auto op = cast<SortOp>(findOrderOp(kernel));
  SmallVector<Cell> places(2), scratch;
  for (ArrayType type : getOrderScratch(kernel))
    scratch.push_back(temporaryFor(type));
  size_t spare = 2; // for what is no output
  for (auto [place, result] : llvm::zip_equal(places, op->getResults())) {
    auto yielded = llvm::find(kernel.getBody().front().getTerminator()->getOperands(), result);
    auto index = yielded - kernel.getBody().front().getTerminator()->getOperands().begin();
    bool isOutput = index < static_cast<int64_t>(kernel.getNumResults());
    place = isOutput ? placeOf(kernel.getResult(index)) : scratch[spare++];
  }
  SmallVector<Attribute> others(arrayOf(op.getX()).getShape());
  if (auto axis = static_cast<int64_t>(op.getAxis()); axis < 0)
    others.clear();
  else
    others.erase(others.begin() + axis);
  auto launch = [&](StringRef what, int64_t pieceSize, bool isOwn) {
    auto pieces = [op, pieceSize](Evaluator &evaluator) { return evaluator.code.ceilDiv(sizeOfRows(op, evaluator), pieceSize); };
    auto groups = [pieces, others](Evaluator &evaluator) { return evaluator.code.mul(evaluator.product(others), pieces(evaluator)); };
    emitLaunch(what, kernel.getLoc(), Grid::Units, groups, [&](Scope &scope) {
      Buffers buffers = buffersOf(scope, kernel);
      Evaluator evaluator(scope.code, buffers);
      auto pointers = [&](ArrayRef<Cell> known) { return llvm::map_to_vector(known, [&](Cell cell) { return pointerIn(scope, cell); }); };
      SmallVector<Value> outputs = pointers(places), between = pointers(scratch);
      SortGroup group(op, evaluator, scope, scope.code.max(pieces(evaluator), scope.code.i64(1)));
      if (isOwn)
        group.emitOwn(evaluator.baseOf(op.getX()), outputs, between);
      else
        group.emitNext(scope.pass, outputs, between);
    });
  };
  launch("sort", blockSize, /*isOwn=*/true);
  launch("merge", groupSize, /*isOwn=*/false);
  program.launches.back().passes = [op](Evaluator &evaluator) {
    CodeBuilder &code = evaluator.code;
    return code.max(code.sub(countMerges(code, sizeOfRows(op, evaluator)), code.i64(ownMerges)), code.i64(0));
  };
}

} // namespace gradus
