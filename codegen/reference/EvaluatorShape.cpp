//===- EvaluatorShape.cpp - Ops that make arrays or move elements --------------===//
//
// A move is a list: element i of the result is element sources[i] of the operand. The list does not depend on the scalar
// type, so the templates only copy.
//
//===----------------------------------------------------------------------===//

#include "codegen/reference/Frame.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

/// An axis of the operand steps along its axis of the result; an operand's axis of size 1 repeats.
static std::vector<int64_t> broadcastSources(ArrayRef<int64_t> from, ArrayRef<int64_t> axes, ArrayRef<int64_t> to) {
  Shape strides(to.size(), 0), own = stridesOf(from);
  for (auto [k, axis] : llvm::enumerate(axes))
    strides[axis] = from[k] == 1 ? 0 : own[k];
  return stridedOffsets(to, strides);
}

static std::vector<int64_t> transposeSources(ArrayRef<int64_t> from, ArrayRef<int64_t> permutation, ArrayRef<int64_t> to) {
  Shape strides, own = stridesOf(from);
  for (int64_t axis : permutation)
    strides.push_back(own[axis]);
  return stridedOffsets(to, strides);
}

template <typename S>
static void copyFrom(const Array<S> &x, ArrayRef<int64_t> sources, Array<S> &y) {
  for (auto [i, source] : llvm::enumerate(sources))
    if (y.kind == Kind::Real)
      y.reals[i] = x.reals[source];
    else
      y.ints[i] = x.ints[source];
}

template <typename S>
void Frame<S>::readConstant(ConstantOp op, Array<S> &y) {
  ElementsAttr elements = op.getValue();
  if (y.kind == Kind::Real)
    for (auto [to, value] : llvm::zip(y.reals, elements.getValues<APFloat>())) {
      bool isInexact;
      APFloat wide = value;
      wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &isInexact); // exact: f64 is the widest type
      to = S(static_cast<typename Math<S>::Lead>(wide.convertToDouble()));
    }
  else
    for (auto [to, value] : llvm::zip(y.ints, elements.getValues<APInt>()))
      to = y.kind == Kind::Bool ? value.getZExtValue() : value.getSExtValue();
}

/// The flat element of `of` that each index tuple means; an index outside its axis fails.
template <typename S>
LogicalResult Frame<S>::findTargets(Operation *op, ValueRange indices, Value of, unsigned slot, std::vector<int64_t> &targets) {
  const Shape &shape = get(of, slot).shape;
  Shape strides = stridesOf(shape);
  for (auto [axis, index] : llvm::enumerate(indices)) {
    const Array<S> &at = get(index, slot);
    for (auto [p, i] : llvm::enumerate(at.ints)) {
      if (i < 0 || i >= shape[axis])
        return session.fail(op, "index " + Twine(i) + " is outside axis " + Twine(axis) + " of size " + Twine(shape[axis]));
      targets[p] += i * strides[axis];
    }
  }
  return success();
}

template <typename S>
LogicalResult Frame<S>::evaluateShape(Operation *op, unsigned slot, Array<S> &y) {
  auto type = arrayType(op->getResult(0));
  if (auto dim = dyn_cast<DimOp>(op)) {
    Shape size;
    y = Array<S>::scalarInt(0);
    if (failed(session.resolve(op, dim.getSymbolAttr(), slot, size)))
      return failure();
    y.ints[0] = size[0];
    return success();
  }
  Shape shape;
  if (auto reshape = dyn_cast<ReshapeOp>(op)) {
    const Array<S> &x = get(reshape.getX(), slot);
    if (failed(session.resolveReshape(op, type.getShape(), x.size(), slot, shape)))
      return failure();
    y = x;
    y.shape = shape;
    return success();
  }
  if (failed(session.resolve(op, type.getShape(), slot, shape)))
    return failure();
  y = Array<S>::zeros(kindOf(type), shape);
  if (auto constant = dyn_cast<ConstantOp>(op))
    return readConstant(constant, y), success();
  if (auto iota = dyn_cast<IotaOp>(op)) {
    int64_t stride = stridesOf(shape)[iota.getAxis()], size = shape[iota.getAxis()];
    for (auto [i, value] : llvm::enumerate(y.ints))
      value = static_cast<int64_t>(i) / stride % size;
    return success();
  }
  if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
    const Array<S> &x = get(broadcast.getX(), slot);
    return copyFrom(x, broadcastSources(x.shape, broadcast.getAxes(), shape), y), success();
  }
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    const Array<S> &x = get(transpose.getX(), slot);
    return copyFrom(x, transposeSources(x.shape, transpose.getPermutation(), shape), y), success();
  }
  if (auto gather = dyn_cast<GatherOp>(op)) {
    std::vector<int64_t> sources(y.size(), 0);
    if (failed(findTargets(op, gather.getIndices(), gather.getX(), slot, sources)))
      return failure();
    return copyFrom(get(gather.getX(), slot), sources, y), success();
  }
  if (auto scatter = dyn_cast<ScatterAddOp>(op)) {
    const Array<S> &updates = get(scatter.getUpdates(), slot);
    std::vector<int64_t> targets(updates.size(), 0);
    if (failed(findTargets(op, scatter.getIndices(), scatter.getX(), slot, targets)))
      return failure();
    y = get(scatter.getX(), slot);
    for (auto [p, target] : llvm::enumerate(targets))
      if (y.kind == Kind::Real)
        y.reals[target] = y.reals[target] + updates.reals[p];
      else
        y.ints[target] = static_cast<uint64_t>(y.ints[target]) + static_cast<uint64_t>(updates.ints[p]);
    if (arrayType(scatter.getY()).getElementType().isInteger(32))
      llvm::transform(y.ints, y.ints.begin(), [](int64_t x) { return static_cast<int32_t>(x); });
    return success();
  }
  if (auto concat = dyn_cast<ConcatOp>(op))
    return join(concat, slot, y);
  if (auto scatter = dyn_cast<ScatterOp>(op))
    return writePlaces(scatter, slot, y);
  if (auto workers = dyn_cast<WorkersOp>(op)) // of one worker
    return y = get(workers.getX(), slot), success();
  if (auto exchange = dyn_cast<ExchangeOp>(op)) {
    int64_t peer = get(exchange.getPeer(), slot).ints[0];
    if (peer != 0)
      return session.fail(op, "there is no worker " + Twine(peer) + " to exchange with: the evaluator is the only one, number 0");
    return y = get(exchange.getX(), slot), success();
  }
  return session.fail(op, "the reference evaluator does not know this operation");
}

#define INSTANTIATE(S)                                                                                                 \
  template void Frame<S>::readConstant(ConstantOp, Array<S> &);                                                        \
  template LogicalResult Frame<S>::findTargets(Operation *, ValueRange, Value, unsigned, std::vector<int64_t> &);      \
  template LogicalResult Frame<S>::evaluateShape(Operation *, unsigned, Array<S> &);
GRADUS_FOR_EACH_SCALAR(INSTANTIATE)
