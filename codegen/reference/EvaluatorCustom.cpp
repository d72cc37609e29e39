//===- EvaluatorCustom.cpp - Derivatives of one's own -------------------------===//
//
// A gradus.custom on dual numbers: its values are those of the body on the numbers below, its tangents J x' with the rows of J from the
// derivative region on the results and unit cotangents, which is evaluated on the numbers below as well, and in which 0 times infinity is 0. So a second derivative is that of the region.
// What the regions read around them is a constant. Where the region gives the derivative of the body by another way (`exact`), the body on
// dual numbers says the same and is asked. One that is marked `implicit` has no derivative: where what it reads moves, its
// tangents are NaN, which only `stop` drops.
//
//===----------------------------------------------------------------------===//

#include "codegen/reference/Frame.h"

#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SetVector.h"

#include <cstring>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

template <typename S>
LogicalResult Frame<S>::runRegion(Region &body, unsigned slot, const Arrays<S> &arguments, Arrays<S> &yielded) {
  for (auto [argument, array] : llvm::zip_equal(body.getArguments(), arguments))
    set(argument, slot, array);
  if (failed(runBlock(body.front(), slot)))
    return failure();
  for (Value value : body.front().getTerminator()->getOperands())
    yielded.push_back(get(value, slot));
  return success();
}

/// Whether an operation reads one of `values`, itself or in its regions.
static bool readsOneOf(Operation &op, const DenseSet<Value> &values) {
  auto isOne = [&](Value value) { return values.contains(value); };
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op.getRegions(), captured);
  return llvm::any_of(op.getOperands(), isOne) || llvm::any_of(captured, isOne);
}

/// `isAgain`: with other cotangents on the same numbers, so that what no cotangent moves, as the Jacobian of an inner problem, is known.
template <typename S>
LogicalResult Frame<S>::runDerivative(CustomOp op, unsigned slot, const Arrays<S> &arguments, Arrays<S> &yielded, bool isAgain) {
  Block &body = op.getDerivative().front();
  for (auto [argument, array] : llvm::zip_equal(body.getArguments(), arguments))
    set(argument, slot, array);
  auto cotangents = body.getArguments().drop_front(op->getNumOperands() + op->getNumResults());
  DenseSet<Value> linear(cotangents.begin(), cotangents.end()), moved = linear;
  for (Operation &inner : body.without_terminator()) {
    bool isMoved = readsOneOf(inner, moved);
    if (isMoved)
      moved.insert(inner.result_begin(), inner.result_end());
    if (isAgain && !isMoved)
      continue;
    if (failed(runOp(&inner, slot)))
      return failure();
    auto factor = llvm::find_if(inner.getOperands(), [&](Value operand) { return linear.contains(operand); });
    if (factor == inner.getOperands().end())
      continue;
    linear.insert(inner.result_begin(), inner.result_end());
    if (!isa<MulOp>(inner) && !(isa<DivOp>(inner) && *factor == inner.getOperand(0)))
      continue;
    Array<S> product = get(inner.getResult(0), slot);
    for (auto [y, t] : llvm::zip_equal(product.reals, get(*factor, slot).reals))
      if (Math<S>::isZero(t))
        y = S(0);
    set(inner.getResult(0), slot, std::move(product));
  }
  for (Value value : body.getTerminator()->getOperands())
    yielded.push_back(get(value, slot));
  return success();
}

template <typename S>
static Array<S> valueOf(const Array<Dual<S>> &x, bool isConstant) {
  Array<S> lowered{x.kind, x.shape, {}, x.ints};
  for (const Dual<S> &element : x.reals)
    lowered.reals.push_back(isConstant ? Math<S>::drop(element.value) : element.value);
  return lowered;
}

template <typename S>
static Array<Dual<S>> constantOf(const Array<S> &x) {
  Array<Dual<S>> lifted{x.kind, x.shape, {}, x.ints};
  for (const S &element : x.reals)
    lifted.reals.push_back(Dual<S>(element));
  return lifted;
}

/// Adds row . x' to the tangents of `y`. A number tells nothing of what it depends on, so an entry that is 0 stands for one that does not count.
template <typename S>
static void addTangents(Dual<S> &y, const Arrays<S> &row, const Arrays<Dual<S>> &xs) {
  size_t next = 0;
  for (const Array<Dual<S>> &x : xs) {
    if (x.kind != Kind::Real)
      continue;
    const Array<S> &slopes = row[next++];
    for (size_t i = 0; i < x.reals.size(); ++i)
      if (!Math<S>::isZero(slopes.reals[i]))
        moveAlong(y, slopes.reals[i], x.reals[i]);
  }
}

/// The directions in which one of `arrays` moves.
template <typename S>
static uint64_t findMoves(const Arrays<Dual<S>> &arrays) {
  uint64_t moving = 0;
  for (const Array<Dual<S>> &x : arrays)
    for (const Dual<S> &element : x.reals)
      moving |= element.moving;
  return moving;
}

/// Bit by bit: -0.0 is another number than 0.0, and NaN is itself.
template <typename S>
static bool isSame(const Arrays<S> &some, const Arrays<S> &others) {
  static_assert(std::is_trivially_copyable_v<S>);
  auto isSameArray = [](const Array<S> &x, const Array<S> &y) {
    return x.kind == y.kind && x.shape == y.shape && x.ints == y.ints && x.reals.size() == y.reals.size() &&
           (x.reals.empty() || std::memcmp(x.reals.data(), y.reals.data(), x.reals.size() * sizeof(S)) == 0);
  };
  return llvm::equal(some, others, isSameArray);
}

template <typename S>
Applied<S> Frame<S>::take(CustomOp op, unsigned slot, Arrays<S> read) {
  auto it = applied.find({op, slot});
  if (it == applied.end() || !isSame(it->second.read, read))
    return {std::move(read), {}, {}};
  return std::move(it->second);
}

template <typename S>
LogicalResult Frame<S>::applyCustom(CustomOp op, unsigned slot, const Arrays<S> &xs, Arrays<S> &ys) {
  if constexpr (Math<S>::order == 0) {
    return runRegion(op.getBody(), slot, xs, ys);
  } else if (op->hasAttr("exact")) {
    return runRegion(op.getBody(), slot, xs, ys);
  } else {
    using T = typename reference::Below<S>::Type;
    bool isImplicit = op->hasAttr("implicit");
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(op->getRegions(), captured);
    Arrays<S> read = xs;
    Arrays<T> lowered;
    for (const Array<S> &x : xs)
      lowered.push_back(valueOf<T>(x, false));
    Arrays<T> around = lowered;
    for (Value value : captured) {
      read.push_back(get(value, slot));
      around.push_back(valueOf<T>(read.back(), !isImplicit));
      // What this frame has computed itself, the frame below cannot find.
      if (region && region->isAncestor(value.getParentRegion()))
        below->set(value, slot, around.back());
    }
    Applied<T> known = below->take(op, slot, std::move(around));
    if (known.values.empty() && failed(below->applyCustom(op, slot, lowered, known.values)))
      return failure();
    llvm::scope_exit keeping([&] { below->keep(op, slot, std::move(known)); });
    const Arrays<T> &values = known.values;
    for (const Array<T> &value : values)
      ys.push_back(constantOf<T>(value));
    uint64_t moving = findMoves<T>(read);
    bool isStopped = llvm::all_of(op->getUsers(), [](Operation *user) { return isa<StopOp>(user); }); // nobody asks how it moves
    if (isStopped || !moving)
      return success();
    bool isAgain = false;
    size_t next = 0;
    for (auto [y, value] : llvm::zip_equal(ys, values))
      for (size_t i = 0; i < y.reals.size(); ++i) {
        if (isImplicit) {
          session.implicit = op;
          for (int t = 0; t < S::width; ++t)
            if (moving >> t & 1)
              y.reals[i].setTangent(t, T(std::numeric_limits<double>::quiet_NaN()));
          continue;
        }
        if (size_t number = next++; number < known.rows.size()) {
          addTangents<T>(y.reals[i], known.rows[number], xs);
          continue;
        }
        Arrays<T> arguments = lowered, row;
        arguments.insert(arguments.end(), values.begin(), values.end());
        for (const Array<T> &other : values)
          if (other.kind == Kind::Real)
            arguments.push_back(Array<T>::zeros(Kind::Real, other.shape));
        size_t position = lowered.size() + values.size();
        for (const Array<T> &other : values) {
          if (&other == &value)
            break;
          position += other.kind == Kind::Real;
        }
        arguments[position].reals[i] = T(1);
        if (failed(below->runDerivative(op, slot, arguments, row, isAgain)))
          return failure();
        isAgain = true;
        addTangents<T>(y.reals[i], row, xs);
        known.rows.push_back(std::move(row));
      }
    return success();
  }
}

template <typename S>
LogicalResult Frame<S>::runCustom(CustomOp op, Slots slots) {
  // In the derivative of an op it may stand again, on other operands.
  CustomOp meant = op->hasAttr("again") ? cast<CustomOp>(op->getParentOp()) : op;
  for (unsigned slot : slots) {
    Arrays<S> xs, ys;
    for (Value x : op.getXs())
      xs.push_back(get(x, slot));
    if (failed(applyCustom(meant, slot, xs, ys)))
      return failure();
    for (auto [result, y] : llvm::zip_equal(op.getYs(), ys))
      set(result, slot, std::move(y));
  }
  return success();
}

#define INSTANTIATE(S)                                                                                                 \
  template LogicalResult Frame<S>::runRegion(Region &, unsigned, const Arrays<S> &, Arrays<S> &);                      \
  template LogicalResult Frame<S>::runDerivative(CustomOp, unsigned, const Arrays<S> &, Arrays<S> &, bool);            \
  template Applied<S> Frame<S>::take(CustomOp, unsigned, Arrays<S>);                                                   \
  template LogicalResult Frame<S>::applyCustom(CustomOp, unsigned, const Arrays<S> &, Arrays<S> &);                    \
  template LogicalResult Frame<S>::runCustom(CustomOp, Slots);
GRADUS_FOR_EACH_SCALAR(INSTANTIATE)
