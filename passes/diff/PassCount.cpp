//===- PassCount.cpp - How many passes a loop makes at most -----------------------===//
//
// A number of passes is a size, a number, what a loop around counts, and what the front end computes from these: each has an upper bound that
// is a formula of sizes, or none that shows. With c passes of a loop around, its index k and the index c - 1 - k of a loop that runs back lie
// between 0 and c - 1.
//
//===----------------------------------------------------------------------===//

#include "passes/diff/PassCount.h"

#include "dialect/DimExpr.h"
#include "passes/Build.h"

using namespace mlir;

namespace gradus {

namespace {

/// A formula of sizes that a number never exceeds; `isExact` if it is the number.
struct Bound {
  DimExpr size;
  bool isExact;
};

} // namespace

static std::optional<Bound> findBound(Value value);

/// The number of passes of the loop of which `value` is an index, counted from either end; null if it is none.
static Value findCountOfIndex(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast_or_null<LoopOp>(argument.getOwner()->getParentOp());
    return loop && argument.getArgNumber() == 0 ? loop.getCount() : Value();
  }
  auto back = value.getDefiningOp<SubOp>();
  auto last = back ? back.getA().getDefiningOp<SubOp>() : SubOp();
  bool isFromTheEnd = last && getInteger(last.getB()) == 1 && findCountOfIndex(back.getB()) == last.getA();
  return isFromTheEnd ? last.getA() : Value();
}

static bool isNeverNegative(Value value) {
  if (std::optional<int64_t> number = getInteger(value))
    return *number >= 0;
  if (findCountOfIndex(value))
    return true;
  Operation *source = value.getDefiningOp();
  auto isOperand = [](Value operand) { return isNeverNegative(operand); };
  if (isa_and_nonnull<DimOp>(source))
    return true;
  if (isa_and_nonnull<MaxOp>(source))
    return llvm::any_of(source->getOperands(), isOperand);
  if (isa_and_nonnull<CastOp, StopOp>(source) && arrayType(source->getOperand(0)).isFloat())
    return false;
  return isa_and_nonnull<AddOp, CastOp, IntDivOp, MinOp, MulOp, StopOp>(source) && llvm::all_of(source->getOperands(), isOperand);
}

/// Of how many passes a loop has made: what its derivative carries, or a spec that counts them.
static std::optional<Bound> findBoundOfCounter(LoopOp loop, unsigned index) {
  Block &body = loop.getBody().front();
  auto next = body.getTerminator()->getOperand(index).getDefiningOp<AddOp>();
  bool isCounter = next && next.getA() == body.getArgument(0) && getInteger(next.getB()) == 1 && getInteger(loop.getInit()[index]) == 0;
  std::optional<Bound> bound = isCounter ? findBound(loop.getCount()) : std::nullopt;
  return bound ? std::optional(Bound{DimExpr::max(bound->size, DimExpr::number(0)), false}) : std::nullopt;
}

/// Of a number that an op computes from two.
static std::optional<Bound> findBoundOfTwo(Operation *source) {
  Value x = source->getOperand(0), y = source->getOperand(1);
  std::optional<Bound> a = findBound(x), b = findBound(y);
  if (isa<MinOp>(source) && (!a || !b))
    return a || b ? std::optional(Bound{a ? a->size : b->size, false}) : std::nullopt;
  if (isa<SubOp>(source) && a && !(b && b->isExact))
    return isNeverNegative(y) ? std::optional(Bound{a->size, false}) : std::nullopt;
  if (!a || !b)
    return std::nullopt;
  bool isExact = a->isExact && b->isExact;
  if (isa<AddOp>(source))
    return Bound{a->size + b->size, isExact};
  if (isa<MaxOp>(source))
    return Bound{DimExpr::max(a->size, b->size), isExact};
  if (isa<MinOp>(source))
    return Bound{DimExpr::min(a->size, b->size), isExact};
  if (isa<SubOp>(source))
    return Bound{a->size - b->size, isExact};
  if (isa<IntDivOp>(source) && b->isExact && b->size.getNumber().value_or(0) > 0)
    return Bound{DimExpr::floorDiv(a->size, b->size), isExact};
  if (isa<MulOp>(source) && (isExact || (isNeverNegative(x) && isNeverNegative(y))))
    return Bound{a->size * b->size, isExact};
  return std::nullopt;
}

/// A bound of a number of passes, as the front end writes it.
static std::optional<Bound> findBound(Value value) {
  if (std::optional<int64_t> number = getInteger(value))
    return Bound{DimExpr::number(*number), true};
  if (Value count = findCountOfIndex(value))
    if (std::optional<Bound> passes = findBound(count))
      return Bound{passes->size - DimExpr::number(1), false};
  Operation *source = value.getDefiningOp();
  if (!source)
    return std::nullopt;
  if (auto dim = dyn_cast<DimOp>(source))
    return Bound{DimExpr::of(dim.getSymbolAttr()), true};
  if (auto loop = dyn_cast<LoopOp>(source))
    return findBoundOfCounter(loop, cast<OpResult>(value).getResultNumber());
  if (isa<CastOp, StopOp>(source) && arrayType(source->getOperand(0)).isInt())
    return findBound(source->getOperand(0));
  if (auto choice = dyn_cast<SelectOp>(source)) { // of a difference that would overflow: no size does
    auto most = findBound(choice.getOperand(1));
    bool isGuard = most && most->size.getNumber() == INT64_MAX;
    return isGuard ? findBound(choice.getOperand(2)) : std::nullopt;
  }
  return isa<AddOp, IntDivOp, SubOp, MulOp, MaxOp, MinOp>(source) ? findBoundOfTwo(source) : std::nullopt;
}

Attribute findPasses(LoopOp loop) {
  std::optional<Bound> bound = findBound(loop.getCount());
  if (!bound || !bound->size.isValid())
    return {};
  DimExpr size = bound->size.isNeverNegative() ? bound->size : DimExpr::max(bound->size, DimExpr::number(0));
  return size.isValid() ? size.toAttr(loop.getContext()) : Attribute();
}

} // namespace gradus
