//===- Sort.cpp - Sorts ----------------------------------------------------------------===//
//
// A group sorts a row: runs of 1, 2, 4, .. elements are merged, from the outputs to the workspace and back, as on the CPU. Every element finds its place by
// itself: how many of its own run stand before it is its number there, how many of the other one a binary search tells.
//
//===----------------------------------------------------------------------===//

#include "passes/gpu/Device.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace gradus {

namespace {

/// The row of a group.
class SortGroup {
public:
  SortGroup(SortOp op, Evaluator &evaluator, Scope &scope) : op(op), code(evaluator.code), scope(scope), element(arrayOf(op.getX()).getElementType()) {
    SmallVector<Attribute> dims(arrayOf(op.getX()).getShape());
    auto axis = static_cast<int64_t>(op.getAxis());
    if (axis < 0) { // all elements
      size = evaluator.product(dims);
      stride = code.i64(1);
      base = code.i64(0);
      return;
    }
    size = evaluator.sizeOf(dims[axis]);
    stride = evaluator.product(ArrayRef(dims).drop_front(axis + 1));
    Value point = code.div(scope.group, stride);
    base = code.add(code.mul(code.mul(point, size), stride), code.rem(scope.group, stride));
  }
  void emit(Value from, ArrayRef<Value> outputs, ArrayRef<Value> scratch);

private:
  Value at(Value k) { return code.add(base, code.mul(k, stride)); }
  void forOwn(function_ref<void(Value)> then) {
    code.loop(scope.thread, size, groupSize, {}, [&](Value k, ValueRange) {
      then(k);
      return SmallVector<Value>();
    });
  }
  void emitMerge(ValueRange source, ValueRange target, Value width);
  Value emitSearch(Value values, Value low, Value high, Value value, Value isLeft);

  SortOp op;
  CodeBuilder &code;
  Scope &scope;
  Type element;
  Value size, stride, base;
};

} // namespace

void SortGroup::emit(Value from, ArrayRef<Value> outputs, ArrayRef<Value> scratch) {
  Type number = code.getI64Type();
  Value last = code.sub(code.max(size, code.i64(1)), code.i64(1));
  Value passes = code.sub(code.i64(64), math::CountLeadingZerosOp::create(code, last)); // ceil(log2(size))
  Value isOdd = code.compare(arith::CmpIPredicate::ne, arith::AndIOp::create(code, passes, code.i64(1)), code.i64(0));
  SmallVector<Value> state; // so that the last pass ends in the outputs
  for (auto [a, b] : {std::pair(scratch, outputs), std::pair(outputs, scratch)})
    for (int k : {0, 1})
      state.push_back(LLVM::SelectOp::create(code, isOdd, a[k], b[k]));
  forOwn([&](Value k) {
    code.storeElement(state[0], element, at(k), code.loadElement(from, element, at(k)));
    code.storeElement(state[1], number, at(k), k);
  });
  emitBarrier(code);
  state.push_back(code.i64(1));
  code.loop(code.i64(0), passes, 1, state, [&](Value, ValueRange now) {
    emitMerge(now.take_front(2), now.slice(2, 2), now[4]);
    emitBarrier(code);
    return SmallVector<Value>{now[2], now[3], now[0], now[1], code.add(now[4], now[4])};
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
  return search.getResult(0);
}

/// Pairs of runs of `width` elements become runs.
void SortGroup::emitMerge(ValueRange source, ValueRange target, Value width) {
  Type number = code.getI64Type();
  Value both = code.add(width, width);
  forOwn([&](Value k) {
    Value low = code.mul(code.div(k, both), both), middle = code.min(code.add(low, width), size), high = code.min(code.add(middle, width), size);
    Value isLeft = code.compare(arith::CmpIPredicate::slt, k, middle);
    Value value = code.loadElement(source[0], element, at(k)), order = code.loadElement(source[1], number, at(k));
    Value otherLow = code.select(isLeft, middle, low), otherHigh = code.select(isLeft, high, middle);
    Value before = code.sub(emitSearch(source[0], otherLow, otherHigh, value, isLeft), otherLow);
    Value place = code.add(code.select(isLeft, k, code.add(low, code.sub(k, middle))), before);
    code.storeElement(target[0], element, at(place), value);
    code.storeElement(target[1], number, at(place), order);
  });
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
  auto rows = [others](Evaluator &evaluator) { return evaluator.product(others); };
  emitLaunch("sort", kernel.getLoc(), Grid::Units, rows, [&](Scope &scope) {
    Buffers buffers = buffersOf(scope, kernel);
    Evaluator evaluator(scope.code, buffers);
    auto pointers = [&](ArrayRef<Cell> known) { return llvm::map_to_vector(known, [&](Cell cell) { return pointerIn(scope, cell); }); };
    SortGroup(op, evaluator, scope).emit(evaluator.baseOf(op.getX()), pointers(places), pointers(scratch));
  });
}

} // namespace gradus
