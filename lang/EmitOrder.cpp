//===- EmitOrder.cpp - Words that depend on the order of elements -----------===//
//
// cumsum and its kin, sort, rank, top, quantile. The first are maps: cumsum[k](x[i, k]) runs along an index that is bound
// already and keeps it. quantile and median are reductions: median[k](x[i, k]) binds k.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/InnerProblem.h"
#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Attribute;
using mlir::Value;

/// The axis of an Ordered that stands for all elements, in row-major order.
static constexpr int64_t allElements = -1;

//===----------------------------------------------------------------------===//
// Reading the slot
//===----------------------------------------------------------------------===//

/// Where no slot names an axis: the only one, or all elements where that makes sense.
bool Elaborator::findOnlyAxis(const CallSite &site, bool mayTakeAll, Ordered &ordered) {
  int64_t rank = ownRank(ordered.x);
  ordered.axis = ordered.x.axes.size();
  if (rank == 1)
    return true;
  std::string name = site.builtin->name.str();
  if (rank == 0 || !mayTakeAll || !ordered.x.axes.empty()) {
    error(Code::UnknownSlot, site.at, "'" + name + "' runs along one axis, but this has the shape " + describe(ownShape(ordered.x)))
        .suggest(rank == 0 ? name + "(x) of an array x, or " + name + "[k](x[k]) with an index k" : name + "[axis = 1](x)");
    return false;
  }
  ordered.axis = allElements;
  return true;
}

/// Whether a word runs over the collection as one vector: no slot names an axis of its tensors. What is a stack of such vectors has several axes.
bool Elaborator::isOverCollection(const CallSite &site, const Array &x) const {
  llvm::StringRef flag = site.builtin->flag;
  bool namesAxis = llvm::any_of(site.slots, [&](const ast::Subscript &slot) { return flag.empty() || wordIn(slot) != flag; });
  return !namesAxis && isCollection(x) && !isStack(x);
}

/// The operand, the axis and the flag of a word such as `cumsum[axis = 1, reverse]`.
std::optional<Elaborator::Ordered> Elaborator::readOrdered(const CallSite &site, bool mayTakeAll) {
  const ast::Expr &operand = *site.call->arguments[0].value;
  Array x = evalArray(operand, *site.scope);
  if (x.isPoison() || !isOverCollection(site, x))
    return x.isPoison() ? std::nullopt : findOrdered(site, x, mayTakeAll);
  Array model = evalJoint(operand, *site.scope), whole = joined(toKind(model, std::max(kindOf(model), Kind::Int), site.at), 0, site.at);
  std::optional<Ordered> ordered = whole.isPoison() ? std::nullopt : findOrdered(site, whole, mayTakeAll);
  if (ordered)
    ordered->model = model;
  return ordered;
}

/// What a map made of its operand, as the tensors of the collection where it ran over them.
Array Elaborator::finishOrdered(const Ordered &ordered, const Array &result, Location at) {
  return ordered.model && !result.isPoison() ? apart(result, *ordered.model, 0, at) : result;
}

/// The same of an operand that is there.
std::optional<Elaborator::Ordered> Elaborator::findOrdered(const CallSite &site, const Array &x, bool mayTakeAll) {
  llvm::StringRef flag = site.builtin->flag;
  Ordered ordered;
  ordered.x = toKind(x, std::max(kindOf(x), Kind::Int), site.at);
  // Of the tensors of a collection one may be a number, which is all that there is to order.
  bool isOfAll = llvm::all_of(site.slots, [&](const ast::Subscript &slot) { return !flag.empty() && wordIn(slot) == flag; });
  ordered.isNumber = activeLane && mayTakeAll && isOfAll && ownRank(ordered.x) == 0 && ordered.x.axes.empty();
  if (ordered.isNumber)
    ordered.x = reshaped(ordered.x, {Attribute(builder.getI64IntegerAttr(1))}, site.at);
  std::optional<int64_t> axis;
  for (const ast::Subscript &slot : site.slots) {
    llvm::StringRef word = wordIn(slot);
    if (!flag.empty() && word == flag && !site.scope->findLocal(word)) {
      ordered.isFlagged = true;
      continue;
    }
    if (!axis && slot.kind == ast::SubKind::Named && slot.name->name == "axis") {
      Reduced reduced;
      reduced.x = ordered.x;
      if (!readAxes(slot, site, reduced))
        return std::nullopt;
      if (reduced.axes.size() == 1) {
        axis = reduced.axes.front();
        continue;
      }
    }
    const Binding *binding = word.empty() ? nullptr : site.scope->find(word);
    auto *index = llvm::find(ordered.x.axes, binding ? binding->entity.index() : nullptr);
    if (!axis && index != ordered.x.axes.end()) {
      axis = index - ordered.x.axes.begin();
      continue;
    }
    std::string name = site.builtin->name.str();
    // A map keeps the index along which it runs; a quantile binds it.
    bool isMap = name != "median" && name != "quantile";
    std::string level = name == "quantile" ? ", 0.5" : "";
    error(Code::OrderSlot, slot.loc,
          "'" + name + "' runs along one axis or one index" + (isMap ? " that is bound already" : "") + (flag.empty() ? "" : ", and may take '" + flag.str() + "'"))
        .suggest((isMap ? "y[i, k] = " : "y[i] = ") + name + "[k](x[i, k]" + level + "), or " + name + "[axis = 1" + (flag.empty() ? "" : ", " + flag.str()) + "](x" + level + ")");
    return std::nullopt;
  }
  if (!axis)
    return findOnlyAxis(site, mayTakeAll, ordered) ? std::optional(ordered) : std::nullopt;
  ordered.axis = *axis;
  return ordered;
}

//===----------------------------------------------------------------------===//
// Maps
//===----------------------------------------------------------------------===//

template <ReductionKind kind>
Entity Elaborator::callCumulate(const CallSite &site) {
  if (!expectArguments(site, 1, 1))
    return {};
  return eachLane([&]() -> Array { // the tensors of a collection may differ in their axes
    std::optional<Ordered> ordered = readOrdered(site, /*mayTakeAll=*/false);
    if (!ordered)
      return {};
    Array sums = perLane({ordered->x}, ordered->x.axes, [&](llvm::ArrayRef<Value> v) -> Value {
      return CumulateOp::create(builder, place(site.at), kind, v[0], static_cast<uint64_t>(ordered->axis), ordered->isFlagged);
    });
    return finishOrdered(*ordered, sums, site.at);
  });
}

Elaborator::Sorted Elaborator::sortAlong(const Array &x, int64_t axis, bool isDescending, Location at) {
  Sorted sorted{x, x};
  for (size_t lane = 0; lane < x.lanes.size(); ++lane) {
    ArrayType type = typeOf(x.lanes[lane]);
    auto op = SortOp::create(builder, place(at), type, type.withElement(builder.getI64Type()), x.lanes[lane], static_cast<uint64_t>(axis), isDescending);
    sorted.values.lanes[lane] = op.getValues();
    sorted.order.lanes[lane] = op.getOrder();
  }
  return sorted;
}

/// values, order = sort(x).
Entity Elaborator::callSort(const CallSite &site) {
  if (!expectArguments(site, 1, 1))
    return {};
  auto part = [&](Array Sorted::*which) {
    return eachLane([&]() -> Array {
      std::optional<Ordered> ordered = readOrdered(site, /*mayTakeAll=*/false);
      return ordered ? finishOrdered(*ordered, sortAlong(ordered->x, ordered->axis, ordered->isFlagged, site.at).*which, site.at) : Array();
    });
  };
  bool isByIndex = llvm::any_of(site.slots, [&](const ast::Subscript &slot) { return !wordIn(slot).empty() && !isBinder(slot, *site.scope); });
  if (isByIndex && laneCount > 1 && !activeLane) { // an index may have another range in each tensor
    Array values = part(&Sorted::values);
    return values.isPoison() ? Entity() : tuple({values, part(&Sorted::order)});
  }
  std::optional<Ordered> ordered = readOrdered(site, /*mayTakeAll=*/false);
  if (!ordered)
    return {};
  Sorted sorted = sortAlong(ordered->x, ordered->axis, ordered->isFlagged, site.at);
  return tuple({finishOrdered(*ordered, sorted.values, site.at), finishOrdered(*ordered, sorted.order, site.at)});
}

Entity Elaborator::callArgsort(const CallSite &site) {
  if (!expectArguments(site, 1, 1))
    return {};
  return eachLane([&]() -> Array {
    std::optional<Ordered> ordered = readOrdered(site, /*mayTakeAll=*/false);
    return ordered ? finishOrdered(*ordered, sortAlong(ordered->x, ordered->axis, ordered->isFlagged, site.at).order, site.at) : Array();
  });
}

Entity Elaborator::callRank(const CallSite &site) {
  if (!expectArguments(site, 1, 1))
    return {};
  return eachLane([&]() -> Array {
    std::optional<Ordered> ordered = readOrdered(site, /*mayTakeAll=*/true);
    if (!ordered)
      return {};
    // The order is a permutation; what sorts it is its inverse.
    Array order = sortAlong(ordered->x, ordered->axis, ordered->isFlagged, site.at).order;
    Array place = sortAlong(order, ordered->axis, /*isDescending=*/false, site.at).order;
    return ordered->isNumber ? reshaped(place, {}, site.at) : finishOrdered(*ordered, place, site.at);
  });
}

/// top(x, k): the k largest, in descending order.
Entity Elaborator::callTop(const CallSite &site) {
  if (!expectArguments(site, 2, 2))
    return {};
  if (laneCount > 1 && !activeLane)
    return eachLane([&] { return asArray(callTop(site), site.at); });
  std::optional<Ordered> ordered = readOrdered(site, /*mayTakeAll=*/false);
  if (!ordered)
    return {};
  int64_t own = ordered->axis - static_cast<int64_t>(ordered->x.axes.size());
  if (own < 0) {
    error(Code::OrderSlot, site.at, "'top' leaves another number of elements, so that no index runs over them").suggest("top(x[i, :], k), or top[axis = 1](x, k)");
    return {};
  }
  const ast::Expr &count = *site.call->arguments[1].value;
  auto *name = dyn_cast<ast::Name>(&count);
  const DimBinding *dim = name && !site.scope->find(name->name) ? site.scope->findDim(name->name) : nullptr;
  std::optional<int64_t> fixed;
  if (!dim && !(fixed = constantInt(count, *site.scope, "a size")))
    return {};
  Array values = sortAlong(ordered->x, ordered->axis, /*isDescending=*/true, site.at).values;
  Attribute size = dim ? dim->lane(activeLane.value_or(0)) : Attribute(builder.getI64IntegerAttr(*fixed)), whole = ownShape(values)[own];
  auto known = dyn_cast<mlir::IntegerAttr>(size), all = dyn_cast<mlir::IntegerAttr>(whole);
  if (size == whole || !checkSize(size, count.loc))
    return size == whole ? values : Array();
  if (known && all && known.getInt() > all.getInt()) {
    error(Code::IndexOutOfRange, count.loc, "the axis has " + describe(whole) + " elements, so there are no " + describe(size) + " largest");
    return {};
  }
  std::vector<Slot> slots;
  for (Attribute each : ownShape(values)) {
    slots.emplace_back();
    slots.back().size = each;
  }
  slots[own].size = size;
  return gatherSlots(values, slots, values.axes, site.at);
}

//===----------------------------------------------------------------------===//
// Quantiles
//===----------------------------------------------------------------------===//

/// The number of each element along the axis, or among all in row-major order.
static Value numberElements(Algebra &algebra, ArrayType type, int64_t axis, Location at) {
  auto along = [&](int64_t k) -> Array {
    return {{IotaOp::create(algebra.builder, algebra.place(at), type.withElement(algebra.builder.getI64Type()), algebra.builder.getI64IntegerAttr(k))}};
  };
  if (axis != allElements)
    return along(axis).lanes.front();
  Array number = along(0);
  for (int64_t k = 1; k < type.getRank(); ++k)
    number = algebra.add(algebra.mul(number, {{algebra.sizeOf(type.getShape()[k], at)}}, at), along(k), at);
  return number.lanes.front();
}

/// Between the two elements of sorted values around q * (n - 1), by a straight line. NaN where an element is NaN, where there is none, and
/// for a q outside [0, 1]. What stands at a place is read by a sum over a choice: one pass, and no index can be outside.
Value Elaborator::interpolate(Value sorted, Value level, int64_t axis, Location at) {
  ArrayType type = typeOf(sorted);
  SmallVector<int64_t> over{axis};
  if (axis == allElements)
    over = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  Array s{{sorted}}, q{{level}}, zero = integer(0, at), one = integer(1, at);
  Array nan = this->number(std::numeric_limits<double>::quiet_NaN(), at), last = one;
  for (int64_t k : over)
    last = mul(last, {{sizeOf(type.getShape()[k], at)}}, at);
  last = sub(last, one, at);
  Array isInside = logical(true, compare(ComparePredicate::Ge, q, zero, at), compare(ComparePredicate::Le, q, one, at), at);
  isInside = logical(true, isInside, compare(ComparePredicate::Ge, last, zero, at), at);
  Array place = select(isInside, mul(q, toKind(last, Kind::Float, at), at), nan, at);
  Array low = unary<FloorOp>(place, at), part = sub(place, low, at);
  // Numbers of elements are compared in f64, which holds them all.
  Value each = castTo(numberElements(*this, type, axis, at), builder.getF64Type(), at);
  SmallVector<int64_t> others; // a level may differ from row to row
  for (int64_t k = 0; k < type.getRank() && typeOf(level).getRank() > 0; ++k)
    if (k != axis)
      others.push_back(k);
  auto read = [&](const Array &which) {
    Value wanted = broadcastTo(castTo(which.lanes.front(), builder.getF64Type(), at), others, type.getShape(), at);
    Array isIt{{CompareOp::create(builder, this->place(at), ComparePredicate::Eq, each, wanted)}};
    return reduce(ReductionKind::Sum, select(isIt, s, toKind(zero, Kind::Float, at), at), over, at);
  };
  Array a = read(low), b = read(binary<MinOp>(add(low, one, at), toKind(last, Kind::Float, at), at));
  // No difference is taken of equal infinities, nor one multiplied by 0.
  Array isFlat = logical(false, compare(ComparePredicate::Eq, a, b, at), compare(ComparePredicate::Eq, part, zero, at), at);
  Array value = add(a, mul(part, select(isFlat, zero, sub(b, a, at), at), at), at);
  Array hasNan = reduce(ReductionKind::Any, compare(ComparePredicate::Ne, s, s, at), over, at);
  return select(hasNan, nan, value, at).lanes.front();
}

/// What quantile[all](x) and median[all](x) rank: the elements of all tensors of the collection as one axis.
std::optional<Elaborator::Ordered> Elaborator::readCollection(const CallSite &site) {
  Array all = joined(toKind(evalJoint(*site.call->arguments[0].value, *site.scope), Kind::Float, site.at), 0, site.at);
  if (all.isPoison())
    return std::nullopt;
  Ordered ordered;
  ordered.axis = all.axes.size();
  ordered.x = all;
  return ordered;
}

/// The operand of quantile and median, which bind the index in their slot.
std::optional<Elaborator::Ordered> Elaborator::readBound(const CallSite &site) {
  if (site.slots.size() == 1 && wordIn(site.slots[0]) == "all" && !site.scope->findLocal("all"))
    return readCollection(site);
  bool isByIndex = !site.slots.empty() && site.slots[0].kind == ast::SubKind::Value;
  if (!isByIndex)
    return readOrdered(site, /*mayTakeAll=*/true);
  if (llvm::StringRef word = isByIndex ? wordIn(site.slots[0]) : ""; site.slots.size() != 1 || word.empty() || word == "all" || word == "keep") {
    error(Code::OrderSlot, site.slots[0].loc, "'" + site.builtin->name.str() + "' runs over one index, without a guard").suggest(site.builtin->name.str() + "[k](x[k])");
    return std::nullopt;
  }
  std::optional<Reduced> reduced = reduceIndices(site, 0, /*mayContract=*/false);
  if (!reduced)
    return std::nullopt;
  Ordered ordered{reduced->x, reduced->axes.front(), false};
  return ordered;
}

/// Sorted elements with a copy for each index on which the level depends and they do not.
void Elaborator::spreadForLevels(Array &sorted, int64_t &axis, const Array &level, Location at) {
  SmallVector<IndexVar *, 2> all = commonAxes({sorted, level});
  if (all.size() == sorted.axes.size())
    return;
  if (axis == allElements) {
    sorted = eachTensor(sorted, [&](const Array &x, size_t) { return reshaped(x, countOfShape(ownShape(x)).toAttr(builder.getContext()), at); });
    axis = sorted.axes.size();
  }
  int64_t known = sorted.axes.size();
  axis = axis < known ? llvm::find(all, sorted.axes[axis]) - all.begin() : axis - known + static_cast<int64_t>(all.size());
  sorted = spreadOver(sorted, all, at);
}

Entity Elaborator::quantileOf(const CallSite &site, const Array &given) {
  return eachLane([&]() -> Array {
    std::optional<Ordered> ordered = readBound(site);
    if (!ordered)
      return {};
    Location at = site.at;
    int64_t axis = ordered->axis;
    Array sorted = sortAlong(toKind(ordered->x, Kind::Float, at), axis, /*isDescending=*/false, at).values, level = sliceLane(toKind(given, Kind::Float, at));
    spreadForLevels(sorted, axis, level, at);
    SmallVector<IndexVar *, 2> kept;
    for (auto [position, index] : llvm::enumerate(sorted.axes))
      if (static_cast<int64_t>(position) != axis)
        kept.push_back(index);
    SmallVector<int64_t> places;
    for (IndexVar *index : level.axes)
      places.push_back(llvm::find(kept, index) - kept.begin());
    return perLane({sorted, level}, kept, [&](llvm::ArrayRef<Value> v) {
      Shape shape(typeOf(v[0]).getShape());
      if (axis != allElements)
        shape.erase(shape.begin() + axis);
      return interpolate(v[0], places.empty() ? v[1] : broadcastTo(v[1], places, shape, at), axis, at);
    });
  });
}

Entity Elaborator::callQuantile(const CallSite &site) {
  if (!expectArguments(site, 2, 2))
    return {};
  const ast::Expr &second = *site.call->arguments[1].value;
  Array level = evalForEach(second, *site.scope, "the level of a quantile");
  if (level.isPoison())
    return {};
  if (std::optional<double> known = constantOf(level); known && !(*known >= 0 && *known <= 1)) {
    error(Code::QuantileLevel, second.loc, "a quantile lies between 0 and 1, but this is " + textOf(second.loc)).suggest("the median is quantile(x, 0.5)");
    return {};
  }
  return quantileOf(site, level);
}

Entity Elaborator::callMedian(const CallSite &site) { return expectArguments(site, 1, 1) ? quantileOf(site, number(0.5, site.at)) : Entity(); }

// The table of words in Builtins.cpp takes their addresses.
template Entity Elaborator::callCumulate<ReductionKind::Max>(const CallSite &);
template Entity Elaborator::callCumulate<ReductionKind::Min>(const CallSite &);
template Entity Elaborator::callCumulate<ReductionKind::Prod>(const CallSite &);
template Entity Elaborator::callCumulate<ReductionKind::Sum>(const CallSite &);
