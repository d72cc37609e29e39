//===- Order.cpp - Loops of cumulations, recurrences and sorts ------------------===//
//
// Along the axis one element follows another; the rows, that is the points of the other axes, are independent. Where axes stand behind
// it, 16 rows go along the lanes. A sort merges runs of 1, 2, 4, .. pairs of an element and its number, from the outputs to the
// workspace and back; the number of passes decides where it starts, so that it ends in the outputs.
//
//===----------------------------------------------------------------------===//

#include "passes/lower/Function.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace gradus {

Operation *findOrderOp(KernelOp kernel) {
  for (Operation &op : kernel.getBody().front())
    if (isa<CumulateOp, ScanOp, SortOp>(op))
      return &op;
  return nullptr;
}

namespace {

/// The axis of a kernel: `size` elements, `stride` apart. Without a stride of 1 an index of the kernel is a strip of 16 rows.
struct Axis {
  Axis(KernelOp kernel, Evaluator &evaluator) : code(evaluator.code) {
    Operation *op = findOrderOp(kernel);
    SmallVector<Attribute> domain = llvm::to_vector(kernel.getDomain());
    int64_t axis = 0; // of a scan
    if (auto cumulate = dyn_cast<CumulateOp>(op))
      axis = cumulate.getAxis();
    if (auto sort = dyn_cast<SortOp>(op))
      axis = static_cast<int64_t>(sort.getAxis());
    if (axis < 0) { // all elements
      size = evaluator.product(domain);
      outer = stride = code.i64(1);
      return;
    }
    size = evaluator.sizeOf(domain[axis]);
    outer = evaluator.product(ArrayRef(domain).take_front(axis));
    stride = evaluator.product(ArrayRef(domain).drop_front(axis + 1));
    hasStrips = !evaluator.isScalar && !isa<SortOp>(op) && axis + 1 < static_cast<int64_t>(domain.size());
  }

  /// The indices for each point of the axes before.
  Value countInner() { return hasStrips ? code.ceilDiv(stride, lanes) : stride; }

  /// Finds the first element of index `index`, and of a strip which rows there are.
  void enter(Value index) {
    Value inner = countInner(), point = code.div(index, inner);
    row = code.rem(index, inner);
    if (hasStrips) {
      row = code.mul(row, code.i64(lanes));
      mask = code.compare(arith::CmpIPredicate::slt, code.laneNumbers(), code.splat(code.sub(stride, row)));
    }
    base = code.add(code.mul(code.mul(point, size), stride), row);
  }
  Value at(Value k) { return code.add(base, code.mul(k, stride)); }
  /// Step number `step` of the way along the axis.
  Value step(Value step, bool isReverse) { return isReverse ? code.sub(code.sub(size, code.i64(1)), step) : step; }

  Value load(Value array, Type element, Value index) {
    return hasStrips ? code.loadVector(array, element, index, mask) : code.loadElement(array, element, index);
  }
  void store(Value array, Type element, Value index, Value value) {
    if (hasStrips)
      code.storeVector(array, element, index, value, mask);
    else
      code.storeElement(array, element, index, value);
  }
  Value spread(Value value) { return hasStrips ? code.splat(value) : value; }

  CodeBuilder &code;
  Value size, stride, outer;
  bool hasStrips = false;
  Value base, row, mask;
};

} // namespace

Value emitOrderCount(KernelOp kernel, Evaluator &evaluator) {
  Axis axis(kernel, evaluator);
  return evaluator.code.mul(axis.outer, axis.countInner());
}

Value emitOrderWork(KernelOp kernel, Evaluator &evaluator) {
  constexpr int64_t passesOfSort = 16; // as many as 65,536 elements take
  Value elements = evaluator.product(llvm::to_vector(kernel.getDomain()));
  return isa<SortOp>(findOrderOp(kernel)) ? evaluator.code.mul(elements, evaluator.code.i64(passesOfSort)) : elements;
}

/// Where each result of the op that stands alone goes; null where the kernel does not yield it.
static SmallVector<Value> findPlaces(KernelOp kernel, ValueRange outputs) {
  Operation *op = findOrderOp(kernel);
  SmallVector<Value> places(op->getNumResults());
  for (auto [k, yielded] : llvm::enumerate(kernel.getBody().front().getTerminator()->getOperands()))
    places[cast<OpResult>(yielded).getResultNumber()] = outputs[k];
  return places;
}

namespace {

/// The way along an axis: all of it, or the part of one launch. Between launches what is carried waits in memory, in its registers' types.
struct Way {
  const AxisPart *part;
  Value row; ///< its number

  scf::ForOp emit(Axis &axis, TypeRange types, function_ref<SmallVector<Value>()> begin, function_ref<SmallVector<Value>(Value, ValueRange)> step) const {
    CodeBuilder &code = axis.code;
    if (!part)
      return code.loop(code.i64(0), axis.size, 1, begin(), step);
    auto place = [&](int64_t k) {
      Value cell = code.add(code.mul(row, code.i64(static_cast<int64_t>(types.size()))), code.i64(k));
      return code.byteAddress(part->carried, code.mul(cell, code.i64(8)));
    };
    auto start = scf::IfOp::create(code, types, part->isFirst, /*addThenBlock=*/true, /*addElseBlock=*/true);
    {
      OpBuilder::InsertionGuard guard(code);
      code.setInsertionPointToStart(start.thenBlock());
      scf::YieldOp::create(code, begin());
      code.setInsertionPointToStart(start.elseBlock());
      SmallVector<Value> left;
      for (auto [k, type] : llvm::enumerate(types))
        left.push_back(code.loadElement(place(static_cast<int64_t>(k)), type, code.i64(0)));
      scf::YieldOp::create(code, left);
    }
    scf::ForOp loop = code.loop(part->low, code.min(part->high, axis.size), 1, start.getResults(), step);
    code.ifThen(code.compare(arith::CmpIPredicate::slt, part->high, axis.size), [&] {
      for (auto [k, value] : llvm::enumerate(loop.getResults()))
        code.storeElement(place(static_cast<int64_t>(k)), value.getType(), code.i64(0), value);
    });
    return loop;
  }
};

} // namespace

//===----------------------------------------------------------------------===//
// Cumulations
//===----------------------------------------------------------------------===//

static Operation *emitCumulate(CumulateOp op, Axis &axis, Value from, Value to, const Way &way) {
  CodeBuilder &code = axis.code;
  Type element = arrayOf(op.getX()).getElementType();
  Value none = axis.spread(emitIdentity(code, op.getKind(), code.regType(element)));
  return way.emit(axis, {none.getType()}, [&] { return SmallVector<Value>{none}; }, [&](Value step, ValueRange carried) {
    Value place = axis.at(axis.step(step, op.getReverse()));
    Value y = emitCombine(code, op.getKind(), carried[0], axis.load(from, element, place));
    axis.store(to, element, place, y);
    return SmallVector<Value>{y};
  });
}

//===----------------------------------------------------------------------===//
// Recurrences
//===----------------------------------------------------------------------===//

namespace {

/// A scan in a kernel. Rank-0 values of its region are numbers, computed once.
class ScanEmitter {
public:
  ScanEmitter(ScanOp op, Evaluator &evaluator) : op(op), code(evaluator.code), evaluator(evaluator) {
    for (Value init : op.getInit())
      if (arrayOf(init).isScalar())
        numbers[init] = evaluator.evaluateScalar(init);
    auto isNumber = [&](Value value) { return arrayOf(value).isScalar() && numbers.contains(value); };
    for (Operation &inner : op.getBody().front().without_terminator())
      if (arrayOf(inner.getResult(0)).isScalar() && llvm::all_of(inner.getOperands(), isNumber))
        numbers[inner.getResult(0)] = evaluator.evaluateScalar(inner.getResult(0));
  }

  Operation *emit(Axis &axis, ArrayRef<Value> places, const Way &way) {
    auto begin = [&] {
      SmallVector<Value> init;
      for (Value value : op.getInit()) {
        Type element = arrayOf(value).getElementType();
        Value known = numbers.lookup(value);
        init.push_back(known ? axis.spread(known) : axis.load(evaluator.baseOf(value), element, axis.row));
      }
      return init;
    };
    SmallVector<Type> types; // of a part, which has no strips
    for (Value value : op.getInit())
      types.push_back(code.regType(arrayOf(value).getElementType()));
    return way.emit(axis, types, begin, [&](Value step, ValueRange carried) {
      Value k = axis.step(step, op.getReverse());
      SmallVector<Value> next = emitBody(axis, k, carried);
      for (auto [place, y, value] : llvm::zip_equal(places, op.getYs(), next))
        if (place)
          axis.store(place, arrayOf(y).getElementType(), axis.at(k), value);
      return next;
    });
  }

private:
  SmallVector<Value> emitBody(Axis &axis, Value k, ValueRange carried) {
    DenseMap<Value, Value> known = numbers;
    auto arguments = op.getBody().front().getArguments();
    known[arguments.front()] = k;
    for (auto [argument, x] : llvm::zip(arguments.drop_front(), op.getXs())) {
      Type from = arrayOf(x).getElementType(), to = arrayOf(argument).getElementType();
      known[argument] = emitCast(code, axis.load(evaluator.baseOf(x), from, axis.at(k)), from, to);
    }
    for (auto [argument, value] : llvm::zip(arguments.take_back(carried.size()), carried))
      known[argument] = value;
    for (Operation &inner : op.getBody().front().without_terminator()) {
      Value result = inner.getResult(0);
      if (known.contains(result))
        continue;
      SmallVector<Value> operands;
      for (auto [number, operand] : llvm::enumerate(inner.getOperands())) {
        bool isExponent = isa<IntPowOp>(inner) && number == 1;
        operands.push_back(arrayOf(result).isScalar() || isExponent ? known.lookup(operand) : axis.spread(known.lookup(operand)));
      }
      known[result] = isa<BroadcastOp>(inner) ? operands[0] : emitPointwise(code, &inner, operands);
    }
    SmallVector<Value> next;
    for (Value value : op.getBody().front().getTerminator()->getOperands())
      next.push_back(axis.spread(known.lookup(value)));
    return next;
  }

  ScanOp op;
  CodeBuilder &code;
  Evaluator &evaluator;
  DenseMap<Value, Value> numbers;
};

} // namespace

//===----------------------------------------------------------------------===//
// Sorts
//===----------------------------------------------------------------------===//

SmallVector<ArrayType> getOrderScratch(KernelOp kernel) {
  auto sort = dyn_cast<SortOp>(findOrderOp(kernel));
  if (!sort)
    return {};
  SmallVector<ArrayType> scratch{arrayOf(sort.getValues()), arrayOf(sort.getOrder())};
  for (Value result : sort->getResults())
    if (result.use_empty()) // not an output
      scratch.push_back(arrayOf(result));
  return scratch;
}

Value emitIsBefore(CodeBuilder &code, SortOp op, Value b, Value a) {
  bool isDescending = op.getDescending();
  if (!isa<FloatType>(a.getType()))
    return code.compare(isDescending ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::slt, b, a);
  Value isBeyond = arith::CmpFOp::create(code, isDescending ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT, b, a);
  Value isNan = arith::CmpFOp::create(code, arith::CmpFPredicate::UNO, a, a), isNumber = arith::CmpFOp::create(code, arith::CmpFPredicate::ORD, b, b);
  return arith::OrIOp::create(code, isBeyond, arith::AndIOp::create(code, isNan, isNumber));
}

namespace {

/// Sorts one row.
class SortEmitter {
public:
  SortEmitter(SortOp op, Axis &axis, Value from, ArrayRef<Value> outputs, ArrayRef<Value> scratch)
      : op(op), axis(axis), code(axis.code), element(arrayOf(op.getX()).getElementType()), number(code.getI64Type()), from(from),
        outputs(outputs), scratch(scratch) {}

  /// Returns the loop of a merge.
  Operation *emit() {
    // ceil(log2(size)) passes.
    Value last = code.sub(code.max(axis.size, code.i64(1)), code.i64(1));
    Value passes = code.sub(code.i64(64), math::CountLeadingZerosOp::create(code, last));
    Value isOdd = code.compare(arith::CmpIPredicate::ne, arith::AndIOp::create(code, passes, code.i64(1)), code.i64(0));
    SmallVector<Value> buffers;
    for (auto [a, b] : {std::pair(scratch, outputs), std::pair(outputs, scratch)})
      for (int k : {0, 1})
        buffers.push_back(LLVM::SelectOp::create(code, isOdd, a[k], b[k]));
    code.loop(code.i64(0), axis.size, [&](Value k) {
      Value place = axis.at(k);
      code.storeElement(buffers[0], element, place, code.loadElement(from, element, place));
      code.storeElement(buffers[1], number, place, k);
    });
    buffers.push_back(code.i64(1));
    Operation *merge = nullptr;
    code.loop(code.i64(0), passes, 1, buffers, [&](Value, ValueRange state) {
      Value width = state[4], both = code.add(width, width);
      Value runs = code.div(code.sub(code.add(axis.size, both), code.i64(1)), both);
      code.loop(code.i64(0), runs, [&](Value run) { merge = emitMerge(state.take_front(2), state.slice(2, 2), code.mul(run, both), width); });
      return SmallVector<Value>{state[2], state[3], state[0], state[1], both};
    });
    return merge;
  }

private:
  /// Merges the runs of `width` elements at `low` and behind it, without a branch: the second goes first only if it must.
  Operation *emitMerge(ValueRange source, ValueRange target, Value low, Value width) {
    Value middle = code.min(code.add(low, width), axis.size), high = code.min(code.add(middle, width), axis.size);
    Value last = code.sub(axis.size, code.i64(1));
    return code.loop(low, high, 1, {low, middle}, [&](Value k, ValueRange next) {
      // A run that is used up is read at a place that is there, to no effect.
      Value left = code.min(next[0], last), right = code.min(next[1], last);
      Value a = code.loadElement(source[0], element, axis.at(left)), b = code.loadElement(source[0], element, axis.at(right));
      Value hasLeft = code.compare(arith::CmpIPredicate::slt, next[0], middle), hasRight = code.compare(arith::CmpIPredicate::slt, next[1], high);
      Value isDone = arith::XOrIOp::create(code, hasLeft, arith::ConstantOp::create(code, code.getBoolAttr(true)));
      Value isRight = arith::AndIOp::create(code, hasRight, arith::OrIOp::create(code, isDone, emitIsBefore(code, op, b, a)));
      Value order = code.loadElement(source[1], number, axis.at(code.select(isRight, right, left)));
      code.storeElement(target[0], element, axis.at(k), code.select(isRight, b, a));
      code.storeElement(target[1], number, axis.at(k), order);
      Value steps = arith::ExtUIOp::create(code, code.getI64Type(), isRight);
      return SmallVector<Value>{code.add(next[0], code.sub(code.i64(1), steps)), code.add(next[1], steps)};
    });
  }

  SortOp op;
  Axis &axis;
  CodeBuilder &code;
  Type element, number;
  Value from;
  ArrayRef<Value> outputs, scratch;
};

} // namespace

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

Traffic emitOrderBody(KernelOp kernel, Evaluator &evaluator, ValueRange outputs, Value begin, Value end, const AxisPart *part) {
  CodeBuilder &code = evaluator.code;
  Axis axis(kernel, evaluator);
  Operation *op = findOrderOp(kernel), *main = nullptr;
  SmallVector<Value> places = findPlaces(kernel, outputs), scratch(outputs.drop_front(kernel.getNumResults()));
  std::optional<ScanEmitter> scan;
  if (auto known = dyn_cast<ScanOp>(op))
    scan.emplace(known, evaluator);
  size_t spare = 2;
  for (Value &place : places)
    if (!place && isa<SortOp>(op))
      place = scratch[spare++];
  code.loop(begin, end, [&](Value index) {
    axis.enter(index);
    Way way{part, index};
    if (scan)
      main = scan->emit(axis, places, way);
    else if (auto cumulate = dyn_cast<CumulateOp>(op))
      main = emitCumulate(cumulate, axis, evaluator.baseOf(cumulate.getX()), places[0], way);
    else
      main = SortEmitter(cast<SortOp>(op), axis, evaluator.baseOf(op->getOperand(0)), places, scratch).emit();
  });
  return countTraffic(main, axis.hasStrips ? lanes : 1);
}

void FunctionLowering::emitOrder(KernelOp kernel, Slot &slot) {
  SmallVector<Value> places;
  for (Value result : kernel.getStored())
    places.push_back(placeOf(result, slot));
  for (Value offset : slot.partials.lookup(kernel))
    places.push_back(code.byteAddress(workspace, offset));
  Evaluator evaluator(code, slot.buffers);
  launch(kernel, "", slot, places, emitOrderCount(kernel, evaluator), emitOrderWork(kernel, evaluator),
         [&](Evaluator &inside, ValueRange outputs, Value begin, Value end, LLVM::LLVMFuncOp body) {
           recordTraffic(body, layout.name, plan.getPosition(kernel), emitOrderBody(kernel, inside, outputs, begin, end));
         });
}

} // namespace gradus
