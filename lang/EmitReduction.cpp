//===- EmitReduction.cpp - Reductions and maps along an axis ----------------===//
//
// The slot says over what: nothing (all axes of the operand), `all` (all tensors of the collection), `axis = 1`, or
// indices that the reduction binds: sum[j](..), sum[k < i](..). A sum of a product of two factors becomes a contraction.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/Walk.h"

#include <cmath>

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Value;

//===----------------------------------------------------------------------===//
// Reading the slot
//===----------------------------------------------------------------------===//

/// `axis = 1` or `axis = (0, 1)`.
bool Elaborator::readAxes(const ast::Subscript &slot, const CallSite &site, Reduced &reduced) {
  std::vector<const ast::Expr *> values;
  if (auto *several = dyn_cast<ast::Tuple>(slot.value.get()))
    for (const ast::ExprPtr &value : several->elements)
      values.push_back(value.get());
  else
    values.push_back(slot.value.get());
  int64_t rank = ownRank(reduced.x);
  for (const ast::Expr *value : values) {
    std::optional<int64_t> axis = constantInt(*value, *site.scope, "an axis");
    if (!axis)
      return false;
    if (*axis < 0 || *axis >= rank) {
      error(Code::AxisOutOfRange, value->loc, "axis " + std::to_string(*axis) + " is not there: the operand has " + counted(rank, "axis", "axes") + ", " +
                                                  describe(ownShape(reduced.x)))
          .suggest("axes count from 0");
      return false;
    }
    reduced.axes.push_back(*axis + reduced.x.axes.size());
  }
  llvm::sort(reduced.axes);
  reduced.axes.erase(std::unique(reduced.axes.begin(), reduced.axes.end()), reduced.axes.end());
  return true;
}

/// The slots of a reduction by what they say. `keep` and `all` are words unless the author has given them a meaning.
Elaborator::ReductionSlots Elaborator::sortSlots(const CallSite &site) {
  ReductionSlots sorted;
  for (const ast::Subscript &slot : site.slots) {
    llvm::StringRef word = wordIn(slot), name = slot.kind == ast::SubKind::Named ? llvm::StringRef(slot.name->name) : "";
    bool isKeep = word == "keep" && !site.scope->findLocal(word), isAll = word == "all" && !site.scope->findLocal(word);
    const ast::Subscript *&place = isKeep                ? sorted.keep
                                   : isAll               ? sorted.all
                                   : name == "axis"       ? sorted.axis
                                   : name == "blocks"     ? sorted.blocks
                                   : name == "accumulate" ? sorted.accumulate
                                   : slot.kind == ast::SubKind::Value ? sorted.index
                                                          : sorted.other;
    if (place && &place != &sorted.index)
      sorted.other = &slot; // twice
    place = &slot;
  }
  return sorted;
}

/// Whether an expression has a value for each tensor: in a block that is read for one of them after the other, names of the block have one of that
/// tensor alone, and a function of the block may read such a name.
static bool isOfAllTensors(const ast::Expr &expr, Scope &scope) {
  bool isOfAll = true;
  forEachExpr(expr, [&](const ast::Expr &inner) {
    auto *name = dyn_cast<ast::Name>(&inner);
    const Binding *binding = name ? scope.find(name->name + (name->primed ? "'" : "")) : nullptr;
    if (!binding)
      return;
    const Closure *closure = binding->entity.get<Closure>();
    if (binding->entity.get<Constant>())
      return;
    isOfAll &= binding->entity.isArray() ? !binding->entity.array().isEach || binding->entity.array().lanes.size() > 1 : closure && closure->unit;
  });
  return isOfAll;
}

std::optional<Elaborator::Reduced> Elaborator::readReduction(const CallSite &site, double neutral, bool mayContract) {
  if (!expectArguments(site, 1, 1))
    return std::nullopt;
  ReductionSlots slots = sortSlots(site);
  const ast::Subscript *stray = slots.other;
  if (slots.index && !stray)
    stray = slots.keep ? slots.keep : slots.axis ? slots.axis : slots.blocks ? slots.blocks : slots.all;
  if (slots.all && !stray)
    stray = slots.keep ? slots.keep : slots.axis ? slots.axis : slots.blocks;
  if (stray) {
    error(Code::UnknownSlot, stray->loc, "a reduction runs over 'all', over 'axis = ..' and 'blocks = ..', which 'keep' may follow, or over indices")
        .suggest(stray == slots.keep ? "an index that is kept stands on the left: m[i, j] = max[k](x[i, k])" : "sum[axis = 1](x), sum[j](x[j])");
    return std::nullopt;
  }
  if (slots.index)
    return reduceIndices(site, neutral, mayContract && !slots.accumulate);
  Reduced reduced;
  if (slots.all && isOneOfMany && !isOfAllTensors(*site.call->arguments[0].value, *site.scope)) {
    error(Code::CollectionInControl, site.at, "a reduction over the collection of what a block of 'when', 'every' or 'loop' makes is not built yet")
        .suggest("compute it before the block");
    return std::nullopt;
  }
  std::optional<size_t> lane = activeLane;
  if (slots.all)
    activeLane.reset();
  reduced.x = evalArray(*site.call->arguments[0].value, *site.scope);
  const bool isWhole = !slots.axis && !slots.blocks;
  if (activeLane && reduced.x.isJoint && isWhole) { // index notation goes from tensor to tensor, but a joint param is all of them
    activeLane.reset();
    reduced.x = evalArray(*site.call->arguments[0].value, *site.scope);
  }
  activeLane = lane;
  if (reduced.x.isPoison())
    return std::nullopt;
  reduced.isOverAll = slots.all || (isWhole && reduced.x.isJoint);
  reduced.keeps = slots.keep;
  if (reduced.isOverAll && reduced.keeps) {
    error(Code::UnknownSlot, slots.keep->loc, "the collection has no axes that could be kept").suggest("one number meets any array without 'keep'");
    return std::nullopt;
  }
  if (slots.accumulate && !readAccumulate(*slots.accumulate, site, reduced))
    return std::nullopt;
  if (isWhole)
    reduced.axes.assign(std::begin(allOwn), std::end(allOwn));
  else if ((slots.axis && !readAxes(*slots.axis, site, reduced)) || (slots.blocks && !cutIntoBlocks(*slots.blocks, site, reduced)))
    return std::nullopt;
  return reduced;
}

/// The index that a slot binds: a fresh name, alone or in a guard such as k < i.
static const ast::Name *binderOf(const ast::Subscript &slot, const Scope &scope) {
  if (slot.kind != ast::SubKind::Value)
    return nullptr;
  auto isFresh = [&](const ast::Expr *expr) {
    auto *name = dyn_cast<ast::Name>(expr);
    return name && !name->primed && !scope.find(name->name) ? name : nullptr;
  };
  if (const ast::Name *name = isFresh(slot.value.get()))
    return name;
  if (auto *guard = dyn_cast<ast::Compare>(slot.value.get()))
    for (const ast::ExprPtr &operand : guard->operands)
      if (const ast::Name *name = isFresh(operand.get()))
        return name;
  return nullptr;
}

static void refuseBinder(Algebra &algebra, const ast::Subscript &slot, Scope &scope) {
  llvm::StringRef word = wordIn(slot);
  if (const Binding *known = word.empty() ? nullptr : scope.find(word))
    algebra.error(Code::IndexShadows, slot.loc, "'" + word.str() + "' is in use, so it cannot be bound as an index here")
        .note(known->loc, "it is bound here")
        .suggest("choose another letter");
  else
    algebra.error(Code::UnknownSlot, slot.loc, "a reduction runs over 'all', over 'axis = ..' or over indices").suggest("sum[j](x[j])");
}

/// Whether a further guard, j != i in sum[j < n, j != i](..), speaks of an index that this reduction binds.
static bool mentions(const ast::Compare &guard, llvm::ArrayRef<IndexVar *> indices, Scope &scope) {
  return llvm::any_of(guard.operands, [&](const ast::ExprPtr &operand) {
    auto *name = dyn_cast<ast::Name>(operand.get());
    const Binding *binding = name && !name->primed ? scope.find(name->name) : nullptr;
    return binding && binding->entity.index() && llvm::is_contained(indices, binding->entity.index());
  });
}

std::optional<Elaborator::Reduced> Elaborator::reduceIndices(const CallSite &site, double neutral, bool mayContract) {
  Scope *inner = arena.scope(site.scope);
  Reduced reduced;
  ReductionSlots slots = sortSlots(site);
  std::vector<const ast::Compare *> guards;
  for (const ast::Subscript &slot : site.slots) {
    llvm::StringRef word = wordIn(slot);
    if (&slot == slots.accumulate) {
      if (!readAccumulate(*slots.accumulate, site, reduced))
        return std::nullopt;
      continue;
    }
    bool isOfWorkers = (word == "workers" || word == "neighbours") && !inner->findLocal(word);
    if (isOfWorkers)
      return error(Code::UnknownSlot, slot.loc, "only 'sum', 'mean', 'prod', 'max', 'min', 'any' and 'all' run over workers").suggest("norms: sqrt(sum[" + word.str() + "](norm(x)^2))"), std::nullopt;
    const ast::Name *binder = binderOf(slot, *inner);
    if (auto *further = slot.kind == ast::SubKind::Value ? dyn_cast<ast::Compare>(slot.value.get()) : nullptr; !binder && further && mentions(*further, reduced.indices, *inner)) {
      guards.push_back(further);
      continue;
    }
    if (!binder)
      return refuseBinder(*this, slot, *inner), std::nullopt;
    reduced.indices.push_back(bindIndex(binder->name, binder->loc, *inner));
    if (auto *guard = dyn_cast<ast::Compare>(slot.value.get()))
      guards.push_back(guard);
  }
  const ast::Expr &body = *site.call->arguments[0].value;
  findRanges(body, *inner);
  for (const ast::Compare *guard : guards)
    shareRange(*guard, *inner);
  shareRanges(body, *inner);
  findWindows(body, *inner);
  if (!readGuards(guards, *inner, reduced))
    return std::nullopt;
  OnlyWhere here(*this, reduced.guard ? &*reduced.guard : nullptr);
  auto *product = dyn_cast<ast::Binary>(&body);
  if (mayContract && guards.empty() && product && product->op == ast::BinaryOp::Mul) {
    Array a = evalArray(*product->lhs, *inner), b = evalArray(*product->rhs, *inner);
    if (a.isPoison() || b.isPoison())
      return std::nullopt;
    auto isFactor = [&](const Array &x) { return kindOf(x) == Kind::Float && ownRank(x) == 0 && !x.axes.empty(); };
    SmallVector<IndexVar *, 2> axes = commonAxes({a, b});
    if (isFactor(a) && isFactor(b) && llvm::all_of(reduced.indices, [&](IndexVar *i) { return llvm::is_contained(axes, i); }))
      reduced.factors = {a, b};
    else
      reduced.x = mul(a, b, product->opLoc);
  } else {
    reduced.x = evalArray(body, *inner);
  }
  if (reduced.factors)
    return reduced;
  if (site.builtin->name == "logsumexp") // of integers too
    reduced.x = toKind(reduced.x, Kind::Float, site.at);
  reduced.x = leaveOut(reduced.x, reduced, neutral, site.at);
  if (reduced.x.isPoison())
    return std::nullopt;
  // An index on which the body does not depend counts all the same: the sum of a constant.
  SmallVector<IndexVar *, 2> axes = reduced.x.axes;
  for (IndexVar *index : reduced.indices)
    if (!llvm::is_contained(axes, index)) {
      if (!index->dim) {
        indexValue(*index, index->loc); // reports the unknown range
        return std::nullopt;
      }
      axes.push_back(index);
    }
  llvm::sort(axes, [](IndexVar *a, IndexVar *b) { return a->id < b->id; });
  reduced.x = spreadOver(reduced.x, axes, site.at);
  for (IndexVar *index : reduced.indices)
    reduced.axes.push_back(llvm::find(axes, index) - axes.begin());
  llvm::sort(reduced.axes);
  if (reduced.guard)
    reduced.guard = spreadOver(*reduced.guard, axes, site.at);
  return reduced;
}

/// sum[j < i, k != j](..): both conditions hold of the terms that stay.
bool Elaborator::readGuards(llvm::ArrayRef<const ast::Compare *> guards, Scope &inner, Reduced &reduced) {
  for (const ast::Compare *guard : guards) {
    Array condition = evalCompare(*guard, inner);
    if (condition.isPoison())
      return false;
    if (ownRank(condition) != 0) {
      error(Code::NotAScalar, guard->loc, "a guard is one condition for each value of its indices, but this has the shape " + describe(ownShape(condition)));
      return false;
    }
    reduced.guard = reduced.guard ? logical(true, *reduced.guard, condition, guard->loc) : condition;
  }
  return true;
}

/// The terms that a guard leaves out become the neutral element, in the kind of the others.
Array Elaborator::leaveOut(const Array &x, const Reduced &reduced, double neutral, Location at) {
  if (x.isPoison() || !reduced.guard)
    return x;
  Array terms = kindOf(x) == Kind::Bool && std::isinf(neutral) ? toKind(x, Kind::Int, at) : x;
  Kind kind = kindOf(terms);
  Array skipped = kind == Kind::Float      ? number(neutral, at)
                  : kind == Kind::Bool     ? boolean(neutral != 0, at)
                  : std::isfinite(neutral) ? integer(static_cast<int64_t>(neutral), at)
                                           : integer(neutral < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max(), at);
  return select(*reduced.guard, terms, skipped, at);
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Array Elaborator::keepAxes(const Reduced &reduced, const Array &result, Location at) {
  if (!reduced.keeps || result.isPoison())
    return result;
  if (reduced.cutAxis)
    return joinBlocks(reduced, result, at);
  size_t lane = 0;
  return perLane({result}, result.axes, [&](llvm::ArrayRef<Value> v) -> Value {
    Value x = reduced.x.lane(lane++);
    Shape shape(typeOf(x).getShape());
    SmallVector<int64_t> kept, over = axesOf(x, reduced.x.axes.size(), reduced.axes);
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      if (llvm::is_contained(over, static_cast<int64_t>(axis)))
        shape[axis] = builder.getI64IntegerAttr(1);
      else
        kept.push_back(axis);
    }
    return broadcastTo(castTo(v[0], elementOf(kindOf(v[0]), shape.size()), at), kept, shape, at);
  });
}

Array Elaborator::finishReduction(const Reduced &reduced, ReductionKind kind, Location at) {
  if (reduced.factors)
    return contract(reduced.factors->first, {}, reduced.factors->second, {}, {}, reduced.indices, at);
  Array result = reduce(kind, reduced.x, reduced.axes, at, reduced.accumulate);
  if (reduced.isOverAll)
    result = overAll(kind, result, at);
  return keepAxes(reduced, result, at);
}

template <ReductionKind kind>
Entity Elaborator::callReduction(const CallSite &site) {
  if (isOverWorkers(site))
    return reduceWorkers(site, kind);
  double inf = std::numeric_limits<double>::infinity();
  double neutral = kind == ReductionKind::Prod || kind == ReductionKind::All ? 1 : kind == ReductionKind::Max ? -inf : kind == ReductionKind::Min ? inf : 0;
  std::optional<Reduced> reduced = readReduction(site, neutral, kind == ReductionKind::Sum);
  if (!reduced)
    return {};
  bool isLogical = kind == ReductionKind::Any || kind == ReductionKind::All;
  if (isLogical && kindOf(reduced->x) != Kind::Bool) {
    error(Code::NotABool, site.at, "'" + site.builtin->name.str() + "' reduces conditions, but this is a number").suggest("compare it: 'x != 0'");
    return {};
  }
  return finishReduction(*reduced, kind, site.at);
}

/// max(a, b, ..) by elements, max(x) and max[j](x[j]) as reductions.
template <typename Op>
Entity Elaborator::callExtremum(const CallSite &site) {
  constexpr ReductionKind kind = std::is_same_v<Op, MaxOp> ? ReductionKind::Max : ReductionKind::Min;
  if (!site.slots.empty() || site.call->arguments.size() == 1)
    return callReduction<kind>(site);
  auto x = arrayArguments(site, 1, SIZE_MAX);
  if (!x)
    return {};
  Array best = (*x)[0];
  for (const Array &other : llvm::drop_begin(*x))
    best = binary<Op>(best, other, site.at);
  return best;
}

Entity Elaborator::callMean(const CallSite &site) {
  if (isOverWorkers(site))
    return reduceWorkers(site, ReductionKind::Sum, /*isMean=*/true);
  std::optional<Reduced> reduced = readReduction(site, 0, /*mayContract=*/true);
  if (!reduced)
    return {};
  Array count;
  if (reduced->guard) { // of the terms that stay
    count = toKind(reduce(ReductionKind::Sum, toKind(*reduced->guard, Kind::Int, site.at), reduced->axes, site.at), Kind::Float, site.at);
  } else if (reduced->indices.empty()) {
    count = countOf(reduced->x, reduced->axes, site.at);
    count.isEach = reduced->x.isEach;
    if (reduced->isOverAll)
      count = overAll(ReductionKind::Sum, count, site.at);
  } else {
    count = integer(1, site.at);
    for (IndexVar *index : reduced->indices)
      count = mul(count, {{sizeOf(index->dim, site.at)}}, site.at);
    count = toKind(count, Kind::Float, site.at);
  }
  return div(finishReduction(*reduced, ReductionKind::Sum, site.at), count, site.at);
}

Entity Elaborator::callNorm(const CallSite &site) {
  std::optional<Reduced> reduced = readReduction(site, 0, /*mayContract=*/false);
  if (!reduced)
    return {};
  if (!reduced->isOverAll)
    return keepAxes(*reduced, norm(reduced->x, reduced->axes, site.at), site.at);
  Array x = toKind(reduced->x, Kind::Float, site.at);
  Array total = overAll(ReductionKind::Sum, reduce(ReductionKind::Sum, mul(x, x, site.at), reduced->axes, site.at), site.at);
  Array root = unary<SqrtOp>(total, site.at);
  if (isOpen || total.isPoison()) // no derivative goes through
    return root;
  // The derivative at 0 is 0, as that of a single tensor's norm.
  return select(compare(ComparePredicate::Eq, total, integer(0, site.at), site.at), integer(0, site.at), root, site.at);
}

Entity Elaborator::callNorm1(const CallSite &site) {
  std::optional<Reduced> reduced = readReduction(site, 0, /*mayContract=*/false);
  if (!reduced)
    return {};
  reduced->x = unary<AbsOp>(reduced->x, site.at, /*isFloatOnly=*/false);
  return finishReduction(*reduced, ReductionKind::Sum, site.at);
}

Entity Elaborator::callLogSumExp(const CallSite &site) {
  std::optional<Reduced> reduced = readReduction(site, -std::numeric_limits<double>::infinity(), /*mayContract=*/false);
  if (!reduced)
    return {};
  Array each = logSumExp(reduced->x, reduced->axes, site.at);
  if (!reduced->isOverAll || each.isPoison())
    return keepAxes(*reduced, each, site.at);
  // Of the tensors' own, shifted by the largest; an infinite one shifts nothing.
  Array largest = overAll(ReductionKind::Max, each, site.at), zero = integer(0, site.at);
  if (largest.isPoison())
    return {};
  Array isFinite = compare(ComparePredicate::Eq, sub(largest, largest, site.at), zero, site.at);
  Array shift = perLane({select(isFinite, largest, zero, site.at)}, {}, [&](llvm::ArrayRef<Value> v) -> Value { return StopOp::create(builder, place(site.at), v[0]); });
  shift.isEach = false;
  Array total = overAll(ReductionKind::Sum, unary<ExpOp>(sub(each, shift, site.at), site.at), site.at);
  return total.isPoison() ? total : add(shift, unary<LogOp>(total, site.at), site.at);
}

//===----------------------------------------------------------------------===//
// Maps along an axis
//===----------------------------------------------------------------------===//

/// softmax[k](z[k]) keeps its index, which must be bound; softmax(z) runs along the only axis of z.
Array Elaborator::softmaxAlong(const CallSite &site, bool isLog) {
  if (!expectArguments(site, 1, 1))
    return {};
  if (laneCount > 1 && !activeLane)
    return eachLane([&] { return softmaxAlong(site, isLog); });
  Reduced reduced;
  reduced.x = evalArray(*site.call->arguments[0].value, *site.scope);
  if (reduced.x.isPoison())
    return {};
  reduced.x = toKind(reduced.x, Kind::Float, site.at);
  llvm::StringRef word = site.slots.size() == 1 ? wordIn(site.slots[0]) : "";
  if (!word.empty()) {
    const Binding *binding = site.scope->find(word);
    IndexVar *index = binding ? binding->entity.index() : nullptr;
    auto it = llvm::find(reduced.x.axes, index);
    if (!index || it == reduced.x.axes.end()) {
      error(Code::IndexNotBound, site.slots[0].loc, "'" + site.builtin->name.str() + "' keeps the index '" + word.str() + "', which is not bound here")
          .suggest("p[i, k] = softmax[k](z[i, k])");
      return {};
    }
    reduced.axes.push_back(it - reduced.x.axes.begin());
  } else if (site.slots.size() == 1 && site.slots[0].kind == ast::SubKind::Named && site.slots[0].name->name == "axis") {
    if (!readAxes(site.slots[0], site, reduced))
      return {};
  } else if (!site.slots.empty() || ownRank(reduced.x) != 1) {
    error(Code::UnknownSlot, site.at, "'" + site.builtin->name.str() + "' runs along one axis, but this has the shape " + describe(ownShape(reduced.x)))
        .suggest(site.builtin->name.str() + "[axis = 1](x)");
    return {};
  } else {
    reduced.axes.push_back(reduced.x.axes.size());
  }
  // softmax(x) = exp(x - logsumexp(x)): shifted by the largest element.
  Array total = logSumExp(reduced.x, reduced.axes, site.at);
  reduced.keeps = reduced.axes[0] >= static_cast<int64_t>(reduced.x.axes.size());
  Array shifted = sub(reduced.x, keepAxes(reduced, total, site.at), site.at);
  return isLog ? shifted : unary<ExpOp>(shifted, site.at);
}

Entity Elaborator::callSoftmax(const CallSite &site) { return softmaxAlong(site, false); }
Entity Elaborator::callLogSoftmax(const CallSite &site) { return softmaxAlong(site, true); }

// The table of words in Builtins.cpp takes their addresses.
template Entity Elaborator::callReduction<ReductionKind::All>(const CallSite &);
template Entity Elaborator::callReduction<ReductionKind::Any>(const CallSite &);
template Entity Elaborator::callReduction<ReductionKind::Prod>(const CallSite &);
template Entity Elaborator::callReduction<ReductionKind::Sum>(const CallSite &);
template Entity Elaborator::callExtremum<MaxOp>(const CallSite &);
template Entity Elaborator::callExtremum<MinOp>(const CallSite &);
