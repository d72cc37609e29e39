//===- EvaluatorReduce.cpp - Reductions and contractions -----------------------===//
//
// Plain sums in row-major order, not the compiler's tree: the oracle must not share its order.
//
//===----------------------------------------------------------------------===//

#include "codegen/reference/Frame.h"

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

/// For each element of an array of `shape`, the row-major index that it has without `axes`.
static std::vector<int64_t> groupsOf(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes) {
  Shape strides(shape.size(), 0);
  int64_t stride = 1;
  for (int64_t axis = static_cast<int64_t>(shape.size()) - 1; axis >= 0; --axis)
    if (!llvm::is_contained(axes, axis)) {
      strides[axis] = stride;
      stride *= shape[axis];
    }
  return stridedOffsets(shape, strides);
}

template <typename S>
static S neutral(ReductionKind kind) {
  using Lead = typename Math<S>::Lead;
  Lead infinity = std::numeric_limits<Lead>::infinity();
  switch (kind) {
  case ReductionKind::Prod: return S(1);
  case ReductionKind::Max: return S(-infinity);
  case ReductionKind::Min: return S(infinity);
  default: return S(0);
  }
}

static int64_t neutralInt(ReductionKind kind) {
  switch (kind) {
  case ReductionKind::Prod: case ReductionKind::All: return 1;
  case ReductionKind::Max: return INT64_MIN;
  case ReductionKind::Min: return INT64_MAX;
  default: return 0;
  }
}

template <typename S>
static S combine(ReductionKind kind, const S &a, const S &b) {
  switch (kind) {
  case ReductionKind::Sum: return a + b;
  case ReductionKind::Prod: return a * b;
  case ReductionKind::Max: return Math<S>::max(a, b);
  case ReductionKind::Min: return Math<S>::min(a, b);
  default: return a; // any and all take bools
  }
}

static int64_t combineInt(ReductionKind kind, int64_t a, int64_t b) {
  switch (kind) {
  case ReductionKind::Sum: return static_cast<uint64_t>(a) + static_cast<uint64_t>(b);
  case ReductionKind::Prod: return static_cast<uint64_t>(a) * static_cast<uint64_t>(b);
  case ReductionKind::Max: return std::max(a, b);
  case ReductionKind::Min: return std::min(a, b);
  case ReductionKind::Any: return a | b;
  case ReductionKind::All: return a & b;
  }
  return a;
}

static bool isBound(ReductionKind kind) { return kind == ReductionKind::Max || kind == ReductionKind::Min; }

/// The first element of a group stands for itself, so that a tie with the neutral element (max of -inf) is its own.
template <typename S>
Array<S> gradus::reference::reduceGroups(ReductionKind kind, const Array<S> &x, ArrayRef<int64_t> groups, ArrayRef<int64_t> shape) {
  auto y = Array<S>::zeros(x.kind, shape);
  std::vector<char> isStarted(y.size(), false);
  std::fill(y.reals.begin(), y.reals.end(), neutral<S>(kind));
  std::fill(y.ints.begin(), y.ints.end(), neutralInt(kind));
  for (auto [i, group] : llvm::enumerate(groups)) {
    if (x.kind == Kind::Real)
      y.reals[group] = isStarted[group] ? combine(kind, y.reals[group], x.reals[i]) : x.reals[i];
    else
      y.ints[group] = combineInt(kind, y.ints[group], x.ints[i]);
    isStarted[group] = true;
  }
  return y;
}

/// ln(sum of e^x), shifted by the largest x, which is a constant for the derivative. Where that is infinite, and inf - inf would
/// be NaN, the sum is its own logarithm: the elements that attain it have the derivative NaN, the others 0.
template <typename S>
static Array<S> logSumExp(const Array<S> &x, ArrayRef<int64_t> groups, ArrayRef<int64_t> shape) {
  Array<S> largest = reduceGroups(ReductionKind::Max, x, groups, shape), shifted = x;
  auto isInfinite = [](const S &v) { return std::isinf(Math<S>::lead(v)); };
  for (auto [i, group] : llvm::enumerate(groups)) {
    const S &most = largest.reals[group];
    if (!isInfinite(most))
      shifted.reals[i] = Math<S>::exp(x.reals[i] - Math<S>::drop(most));
    else
      shifted.reals[i] = Math<S>::lead(x.reals[i]) == Math<S>::lead(most) ? Math<S>::withUnknownSlope(x.reals[i]) : S(0);
  }
  Array<S> y = reduceGroups(ReductionKind::Sum, shifted, groups, shape);
  for (auto [sum, shift] : llvm::zip(y.reals, largest.reals))
    if (!isInfinite(shift))
      sum = Math<S>::drop(shift) + Math<S>::log(sum);
    else if (Math<S>::lead(sum) == 0) // there is no element
      sum = shift;
  return y;
}

/// sqrt(sum of x^2); all derivatives are 0 at 0.
template <typename S>
static Array<S> norm(const Array<S> &x, ArrayRef<int64_t> groups, ArrayRef<int64_t> shape) {
  Array<S> squares = x;
  for (S &v : squares.reals)
    v = v * v;
  Array<S> y = reduceGroups(ReductionKind::Sum, squares, groups, shape);
  for (S &sum : y.reals)
    sum = Math<S>::lead(sum) == 0 ? S(0) : Math<S>::sqrt(sum);
  return y;
}

template <typename S>
LogicalResult Frame<S>::evaluateReduction(Operation *op, unsigned slot, Array<S> &y) {
  Shape shape;
  if (failed(session.resolve(op, arrayType(op->getResult(0)).getShape(), slot, shape)))
    return failure();
  if (auto reduce = dyn_cast<ReduceOp>(op)) {
    const Array<S> &x = get(reduce.getX(), slot);
    y = reduceGroups(reduce.getKind(), x, groupsOf(x.shape, reduce.getAxes()), shape);
    y.kind = kindOf(reduce.getType());
    if (arrayType(reduce.getY()).getElementType().isInteger(32)) // sums wrap; the bounds of no element are those of the type
      for (int64_t &v : y.ints)
        v = isBound(reduce.getKind()) ? std::clamp<int64_t>(v, INT32_MIN, INT32_MAX) : static_cast<int32_t>(v);
  } else if (auto lse = dyn_cast<LogSumExpOp>(op)) {
    const Array<S> &x = get(lse.getX(), slot);
    y = logSumExp(x, groupsOf(x.shape, lse.getAxes()), shape);
  } else if (auto normOp = dyn_cast<NormOp>(op)) {
    const Array<S> &x = get(normOp.getX(), slot);
    y = norm(x, groupsOf(x.shape, normOp.getAxes()), shape);
  } else if (auto arg = dyn_cast<ArgReduceOp>(op)) {
    return argReduce(arg, slot, y);
  } else {
    contract(llvm::cast<ContractOp>(op), slot, shape, y);
  }
  return success();
}

/// Whether x comes before the best so far: beyond it, or a NaN where it is none.
template <typename T>
static bool isBetter(bool isMax, T x, T best) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(x) || std::isnan(best))
      return std::isnan(x) && !std::isnan(best);
  }
  return isMax ? x > best : x < best;
}

template <typename S>
LogicalResult Frame<S>::argReduce(ArgReduceOp op, unsigned slot, Array<S> &y) {
  const Array<S> &x = get(op.getX(), slot);
  int64_t axis = op.getAxis(), size = x.shape[axis], stride = stridesOf(x.shape)[axis];
  Shape shape = x.shape;
  shape.erase(shape.begin() + axis);
  y = Array<S>::zeros(Kind::Integer, shape);
  if (size == 0)
    llvm::fill(y.ints, -1);
  bool isMax = op.getKind() == ReductionKind::Max;
  for (auto [group, best] : llvm::enumerate(y.ints)) {
    int64_t first = static_cast<int64_t>(group) / stride * stride * size + static_cast<int64_t>(group) % stride;
    for (int64_t k = 1; k < size; ++k) {
      int64_t at = first + k * stride, old = first + best * stride;
      bool isNewBest = x.kind == Kind::Real
                           ? isBetter(isMax, Math<S>::lead(x.reals[at]), Math<S>::lead(x.reals[old]))
                           : isBetter(isMax, x.ints[at], x.ints[old]);
      if (isNewBest)
        best = k;
    }
  }
  return success();
}

/// y[o] = sum over k of a[outA[o] + sumA[k]] * b[outB[o] + sumB[k]]: offsets of the free and of the summed labels.
template <typename S>
void Frame<S>::contract(ContractOp op, unsigned slot, const Shape &shape, Array<S> &y) {
  const Array<S> &a = get(op.getA(), slot), &b = get(op.getB(), slot);
  Shape stridesA = stridesOf(a.shape), stridesB = stridesOf(b.shape);
  SmallVector<int64_t> summed;
  Shape sizes;
  auto collect = [&](ArrayRef<int64_t> labels, const Shape &from) {
    for (auto [label, size] : llvm::zip(labels, from))
      if (!llvm::is_contained(op.getOut(), label) && !llvm::is_contained(summed, label)) {
        summed.push_back(label);
        sizes.push_back(size);
      }
  };
  collect(op.getLhs(), a.shape);
  collect(op.getRhs(), b.shape);

  auto offsets = [](ArrayRef<int64_t> over, const Shape &extent, ArrayRef<int64_t> labels, const Shape &own) {
    Shape strides(over.size(), 0);
    for (auto [stride, label] : llvm::zip(strides, over))
      if (const auto *axis = llvm::find(labels, label); axis != labels.end())
        stride = own[axis - labels.begin()];
    return stridedOffsets(extent, strides);
  };
  std::vector<int64_t> outA = offsets(op.getOut(), shape, op.getLhs(), stridesA), sumA = offsets(summed, sizes, op.getLhs(), stridesA);
  std::vector<int64_t> outB = offsets(op.getOut(), shape, op.getRhs(), stridesB), sumB = offsets(summed, sizes, op.getRhs(), stridesB);
  y = Array<S>::zeros(Kind::Real, shape);
  for (auto [o, sum] : llvm::enumerate(y.reals))
    for (size_t k = 0; k < sumA.size(); ++k)
      sum = sum + a.reals[outA[o] + sumA[k]] * b.reals[outB[o] + sumB[k]];
}

#define INSTANTIATE(S)                                                                                                 \
  template Array<S> gradus::reference::reduceGroups(ReductionKind, const Array<S> &, ArrayRef<int64_t>, ArrayRef<int64_t>); \
  template LogicalResult Frame<S>::evaluateReduction(Operation *, unsigned, Array<S> &);                               \
  template LogicalResult Frame<S>::argReduce(ArgReduceOp, unsigned, Array<S> &);                                       \
  template void Frame<S>::contract(ContractOp, unsigned, const Shape &, Array<S> &);
GRADUS_FOR_EACH_SCALAR(INSTANTIATE)
