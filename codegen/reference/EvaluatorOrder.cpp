//===- EvaluatorOrder.cpp - Sorts, cumulative reductions, recurrences ----------===//
//
// Plain loops along the axis: std::stable_sort, and one element after the other.
//
//===----------------------------------------------------------------------===//

#include "codegen/reference/Frame.h"

#include <algorithm>
#include <numeric>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

template <typename S>
static S combine(ReductionKind kind, const S &before, const S &x) {
  switch (kind) {
  case ReductionKind::Prod: return before * x;
  case ReductionKind::Max: return Math<S>::max(before, x);
  case ReductionKind::Min: return Math<S>::min(before, x);
  default: return before + x;
  }
}

static int64_t combine(ReductionKind kind, int64_t before, int64_t x) {
  switch (kind) {
  case ReductionKind::Prod: return static_cast<int64_t>(static_cast<uint64_t>(before) * static_cast<uint64_t>(x));
  case ReductionKind::Max: return std::max(before, x);
  case ReductionKind::Min: return std::min(before, x);
  default: return static_cast<int64_t>(static_cast<uint64_t>(before) + static_cast<uint64_t>(x));
  }
}

template <typename S>
void Frame<S>::cumulate(CumulateOp op, unsigned slot) {
  Array<S> y = get(op.getX(), slot);
  int64_t count = y.size(), size = y.shape[op.getAxis()], stride = stridesOf(y.shape)[op.getAxis()];
  bool isReverse = op.getReverse(), isNarrow = arrayType(op.getX()).getElementType().isInteger(32);
  for (int64_t step = 0; step < count; ++step) {
    int64_t i = isReverse ? count - 1 - step : step, k = i / stride % size;
    if (k == (isReverse ? size - 1 : 0))
      continue;
    int64_t before = isReverse ? i + stride : i - stride;
    if (y.kind == Kind::Real)
      y.reals[i] = combine(op.getKind(), y.reals[before], y.reals[i]);
    else
      y.ints[i] = combine(op.getKind(), y.ints[before], y.ints[i]);
    if (isNarrow)
      y.ints[i] = static_cast<int32_t>(y.ints[i]);
  }
  set(op.getY(), slot, std::move(y));
}

/// Whether a stands before b: NaN is last in both directions.
template <typename T>
static bool isBefore(bool isDescending, T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b))
      return !std::isnan(a) && std::isnan(b);
  }
  return isDescending ? a > b : a < b;
}

template <typename S>
void Frame<S>::sort(SortOp op, unsigned slot) {
  const Array<S> &x = get(op.getX(), slot);
  bool isFlat = static_cast<int64_t>(op.getAxis()) < 0;
  int64_t count = x.size(), size = isFlat ? count : x.shape[op.getAxis()], stride = isFlat ? 1 : stridesOf(x.shape)[op.getAxis()];
  Array<S> values = x, order = Array<S>::zeros(Kind::Integer, x.shape);
  for (int64_t first = 0; first < count; ++first) {
    if (first / stride % size != 0)
      continue;
    std::vector<int64_t> places(size);
    std::iota(places.begin(), places.end(), 0);
    std::stable_sort(places.begin(), places.end(), [&](int64_t a, int64_t b) {
      int64_t i = first + a * stride, j = first + b * stride;
      return x.kind == Kind::Real ? isBefore(op.getDescending(), Math<S>::lead(x.reals[i]), Math<S>::lead(x.reals[j]))
                                  : isBefore(op.getDescending(), x.ints[i], x.ints[j]);
    });
    for (int64_t k = 0; k < size; ++k) {
      int64_t to = first + k * stride, from = first + places[k] * stride;
      order.ints[to] = places[k];
      if (x.kind == Kind::Real)
        values.reals[to] = x.reals[from];
      else
        values.ints[to] = x.ints[from];
    }
  }
  set(op.getValues(), slot, std::move(values));
  set(op.getOrder(), slot, std::move(order));
}

/// Copies `count` elements, from element `from` of one array to element `to` of another.
template <typename S>
static void copyElements(const Array<S> &source, int64_t from, Array<S> &target, int64_t to, int64_t count) {
  if (source.kind == Kind::Real)
    std::copy_n(source.reals.begin() + from, count, target.reals.begin() + to);
  else
    std::copy_n(source.ints.begin() + from, count, target.ints.begin() + to);
}

template <typename S>
LogicalResult Frame<S>::runScan(ScanOp op, unsigned slot) {
  Block &body = op.getBody().front();
  auto arguments = body.getArguments();
  auto carried = arguments.take_back(op.getInit().size());
  Arrays<S> ys;
  for (Value y : op.getYs()) {
    Shape shape;
    if (failed(session.resolve(op, arrayType(y).getShape(), slot, shape)))
      return failure();
    ys.push_back(Array<S>::zeros(kindOf(y.getType()), shape));
  }
  for (auto [argument, init] : llvm::zip(carried, op.getInit()))
    set(argument, slot, get(init, slot));
  int64_t size = ys.empty() ? 0 : ys.front().shape.front();
  for (int64_t step = 0; step < size; ++step) {
    int64_t k = op.getReverse() ? size - 1 - step : step;
    set(arguments.front(), slot, Array<S>::scalarInt(k));
    for (auto [argument, whole] : llvm::zip(arguments.drop_front(), op.getXs())) {
      const Array<S> &x = get(whole, slot);
      auto slice = Array<S>::zeros(x.kind, ArrayRef<int64_t>(x.shape).drop_front());
      copyElements(x, k * slice.size(), slice, 0, slice.size());
      set(argument, slot, std::move(slice));
    }
    if (failed(runBlock(body, slot)))
      return failure();
    Arrays<S> next;
    for (Value yielded : body.getTerminator()->getOperands())
      next.push_back(get(yielded, slot));
    for (auto [argument, value, y] : llvm::zip(carried, next, ys)) {
      copyElements(value, 0, y, k * value.size(), value.size());
      set(argument, slot, value);
    }
  }
  for (auto [result, y] : llvm::zip(op.getYs(), ys))
    set(result, slot, std::move(y));
  return success();
}

template <typename S>
LogicalResult Frame<S>::runOrder(Operation *op, Slots slots) {
  for (unsigned slot : slots) {
    if (auto known = dyn_cast<CumulateOp>(op))
      cumulate(known, slot);
    else if (auto known = dyn_cast<SortOp>(op))
      sort(known, slot);
    else if (failed(runScan(cast<ScanOp>(op), slot)))
      return failure();
  }
  return success();
}

#define INSTANTIATE(S)                                                                                                 \
  template void Frame<S>::cumulate(CumulateOp, unsigned);                                                              \
  template void Frame<S>::sort(SortOp, unsigned);                                                                      \
  template LogicalResult Frame<S>::runScan(ScanOp, unsigned);                                                          \
  template LogicalResult Frame<S>::runOrder(Operation *, Slots);
GRADUS_FOR_EACH_SCALAR(INSTANTIATE)
