//===- EvaluatorGrad.cpp - gradus.grad and gradus.jvp by dual numbers ----------===//
//
// For a gradient each element of the arguments is one direction; one evaluation of the region serves as many directions as a dual number
// has tangents. The cost is that of the value times the number of elements: this is an oracle, not an engine. A gradus.jvp says its directions.
//
//===----------------------------------------------------------------------===//

#include "codegen/reference/EvaluatorJvp.h"

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

namespace {
/// One element of one argument of one slot.
struct Direction {
  unsigned slot;
  unsigned argument;
  int64_t element;
};
} // namespace

/// The slots that must run together: all, if the region reduces over them, else each alone.
static SmallVector<SmallVector<unsigned>> groupSlots(Region &region, Slots slots) {
  if (reducesOverSlots(region))
    return {SmallVector<unsigned>(slots)};
  SmallVector<SmallVector<unsigned>> groups;
  for (unsigned slot : slots)
    groups.push_back({slot});
  return groups;
}

/// Runs the block of `inner` once for each chunk of directions. Where a region reduces over the slots, the value of a
/// slot depends on all of them; its gradient is in its own arguments.
template <typename S>
static LogicalResult sweep(Frame<Dual<S>> &inner, Frame<S> &outer, Block &block, ValueRange arguments, ValueRange primals,
                           Slots slots, std::vector<Arrays<S>> &results) {
  using D = Dual<S>;
  std::vector<Direction> directions;
  for (unsigned slot : slots) {
    results[slot].assign(1, Array<S>::scalar(S(0)));
    for (auto [k, primal] : llvm::enumerate(primals)) {
      const Array<S> &x = outer.get(primal, slot);
      results[slot].push_back(Array<S>::zeros(Kind::Real, x.shape));
      for (int64_t i = 0; i < x.size(); ++i)
        directions.push_back({slot, static_cast<unsigned>(k), i});
    }
  }
  Value value = block.getTerminator()->getOperand(0);
  size_t first = 0;
  do { // at least once, for the value
    auto chunk = llvm::ArrayRef(directions).slice(first, std::min<size_t>(D::width, directions.size() - first));
    std::vector<Arrays<D>> seeded(results.size());
    for (unsigned slot : slots)
      for (Value primal : primals) {
        const Array<S> &x = outer.get(primal, slot);
        Array<D> lifted{x.kind, x.shape, {}, {}};
        for (const S &element : x.reals)
          lifted.reals.push_back(D(element));
        seeded[slot].push_back(std::move(lifted));
      }
    for (auto [t, direction] : llvm::enumerate(chunk))
      seeded[direction.slot][direction.argument].reals[direction.element].setTangent(t, S(1));
    for (unsigned slot : slots)
      for (auto [argument, array] : llvm::zip(arguments, seeded[slot]))
        inner.set(argument, slot, std::move(array));
    if (failed(inner.runBlock(block, slots)))
      return failure();
    for (unsigned slot : slots)
      results[slot][0].reals[0] = inner.get(value, slot).reals[0].value;
    for (auto [t, direction] : llvm::enumerate(chunk))
      results[direction.slot][direction.argument + 1].reals[direction.element] =
          inner.get(value, direction.slot).reals[0].tangent[t];
    first += D::width;
  } while (first < directions.size());
  return success();
}

/// A gradient that went through what has an implicit derivative alone, or none, is NaN, and a message says why.
template <typename S>
static LogicalResult checkImplicit(Session &session, Operation *op, ArrayRef<Arrays<S>> results) {
  auto isNan = [](const S &x) { return std::isnan(std::abs(Math<S>::lead(x))); };
  auto hasNan = [&](const Array<S> &array) { return llvm::any_of(array.reals, isNan); };
  if (!session.implicit || llvm::none_of(results, [&](const Arrays<S> &slot) { return llvm::any_of(slot, hasNan); }))
    return success();
  auto solver = session.implicit->getAttrOfType<StringAttr>("implicit");
  StringRef what = solver ? solver.getValue() : StringRef("'gradus.trigamma'");
  return session.fail(op, describeLocation(session.implicit->getLoc()) + "G0850: no derivative of " + what + "; 'stop' makes it a constant");
}

template <typename S>
LogicalResult Frame<S>::differentiate(Block &block, ValueRange arguments, ValueRange primals, Slots slots,
                                      std::vector<Arrays<S>> &results) {
  results.resize(values.size());
  if constexpr (Math<S>::order < Nesting<S>::limit) {
    for (const SmallVector<unsigned> &group : groupSlots(*block.getParent(), slots)) {
      Frame<Dual<S>> inner(session, this, block.getParent());
      if (failed(sweep<S>(inner, *this, block, arguments, primals, group, results)))
        return failure();
    }
    return checkImplicit<S>(session, block.getParentOp(), results);
  }
  return session.fail(block.getParentOp(), "derivatives of order " + Twine(Nesting<S>::limit + 1) +
                                               " are beyond the reference evaluator with this scalar type");
}

template <typename S>
LogicalResult Frame<S>::runGrad(GradOp op, Slots slots) {
  std::vector<Arrays<S>> results;
  Block &body = op.getBody().front();
  if (failed(differentiate(body, body.getArguments(), op.getWrt(), slots, results)))
    return failure();
  for (unsigned slot : slots)
    for (auto [result, array] : llvm::zip(op.getResults(), results[slot]))
      set(result, slot, std::move(array));
  return success();
}

//===----------------------------------------------------------------------===//
// Along directions
//===----------------------------------------------------------------------===//

/// `x` with tangents: those of the directions from `first` on, which are elements of `along` in row-major order.
template <typename S>
static Array<Dual<S>> seed(const Array<S> &x, const Array<S> &along, int64_t first, int64_t count) {
  Array<Dual<S>> seeded{x.kind, x.shape, {}, {}};
  int64_t size = x.reals.size();
  for (int64_t i = 0; i < size; ++i) {
    seeded.reals.push_back(Dual<S>(x.reals[i]));
    for (int64_t t = 0; t < count; ++t)
      seeded.reals.back().setTangent(t, along.reals[(first + t) * size + i]);
  }
  return seeded;
}

/// One slot, or all that a region reduces over together: as many directions at a time as a dual number has tangents.
template <typename S>
static LogicalResult follow(JvpOp op, Frame<Dual<S>> &inner, Frame<S> &outer, Slots slots) {
  using D = Dual<S>;
  Block &block = op.getBody().front();
  ValueRange yielded = block.getTerminator()->getOperands();
  bool isCounted = static_cast<bool>(op.getSeeds());
  int64_t total = isCounted ? outer.get(op.getDirections().front(), slots.front()).shape.front() : 1;
  std::vector<Arrays<S>> tangents(slots.size(), Arrays<S>(yielded.size()));
  int64_t first = 0;
  do { // at least once, for the values
    int64_t count = std::min<int64_t>(D::width, total - first);
    for (unsigned slot : slots)
      for (auto [argument, point, direction] : llvm::zip_equal(block.getArguments(), op.getPoints(), op.getDirections()))
        inner.set(argument, slot, seed(outer.get(point, slot), outer.get(direction, slot), first, count));
    if (failed(inner.runBlock(block, slots)))
      return failure();
    for (auto [slot, all] : llvm::zip_equal(slots, tangents))
      for (auto [value, tangent] : llvm::zip_equal(yielded, all))
        for (int64_t t = 0; t < count; ++t)
          for (const D &element : inner.get(value, slot).reals)
            tangent.reals.push_back(element.tangent[t]);
    first += D::width;
  } while (first < total);
  for (auto [slot, all] : llvm::zip_equal(slots, tangents))
    for (auto [value, result, along, tangent] : llvm::zip_equal(yielded, op.getValues(), op.getTangents(), all)) {
      const Array<D> &y = inner.get(value, slot);
      Array<S> values{Kind::Real, y.shape, {}, {}};
      for (const D &element : y.reals)
        values.reals.push_back(element.value);
      outer.set(result, slot, std::move(values));
      tangent.kind = Kind::Real;
      tangent.shape = y.shape;
      if (isCounted)
        tangent.shape.insert(tangent.shape.begin(), total);
      outer.set(along, slot, std::move(tangent));
    }
  return success();
}

template <typename S>
LogicalResult reference::runJvp(JvpOp op, Session &session, Frame<S> &outer, Slots slots) {
  if constexpr (Math<S>::order < Nesting<S>::limit) {
    for (const SmallVector<unsigned> &group : groupSlots(op.getBody(), slots)) {
      Frame<Dual<S>> inner(session, &outer, &op.getBody());
      if (failed(follow<S>(op, inner, outer, group)))
        return failure();
    }
    std::vector<Arrays<S>> tangents(session.sizes.size());
    for (unsigned slot : slots)
      for (Value tangent : op.getTangents())
        tangents[slot].push_back(outer.get(tangent, slot));
    return checkImplicit<S>(session, op, tangents);
  }
  return session.fail(op, "derivatives of order " + Twine(Nesting<S>::limit + 1) + " are beyond the reference evaluator with this scalar type");
}

#define INSTANTIATE(S)                                                                                                 \
  template LogicalResult reference::runJvp(JvpOp, Session &, Frame<S> &, Slots);                                       \
  template LogicalResult Frame<S>::differentiate(Block &, ValueRange, ValueRange, Slots, std::vector<Arrays<S>> &);    \
  template LogicalResult Frame<S>::runGrad(GradOp, Slots);
GRADUS_FOR_EACH_SCALAR(INSTANTIATE)
