//===- EmitArgReduction.cpp - argmax and argmin ---------------------------------===//
//
// The place of the first largest or smallest element along one axis, -1 where there is none. With a guard, of the elements that it leaves.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Value;

/// The first place that the guard leaves and at which x is the extremum `best` of those; a NaN is one. What the guard leaves out may have
/// the same value, so that the places are compared, not the values.
Value Elaborator::firstAttained(Value x, Value guard, Value best, int64_t axis, ReductionKind kind, Location at) {
  ArrayType type = typeOf(x), places = type.withElement(builder.getI64Type());
  SmallVector<int64_t> kept;
  for (int64_t k = 0; k < type.getRank(); ++k)
    if (k != axis)
      kept.push_back(k);
  Array all{{x}}, spread{{broadcastTo(castTo(best, type.getElementType(), at), kept, type.getShape(), at)}};
  Array isIt = compare(ComparePredicate::Eq, all, spread, at);
  if (type.isFloat())
    isIt = logical(false, isIt, compare(ComparePredicate::Ne, all, all, at), at);
  SmallVector<int64_t> leading = llvm::to_vector(llvm::seq<int64_t>(0, typeOf(guard).getRank()));
  isIt = logical(true, isIt, {{broadcastTo(guard, leading, type.getShape(), at)}}, at);
  Array place{{IotaOp::create(builder, this->place(at), places, builder.getI64IntegerAttr(axis))}};
  constexpr int64_t none = std::numeric_limits<int64_t>::max();
  Array first = reduce(ReductionKind::Min, select(isIt, place, integer(none, at), at), {axis}, at);
  return select(compare(ComparePredicate::Eq, first, integer(none, at), at), integer(-1, at), first, at).lanes.front();
}

template <ReductionKind kind>
Entity Elaborator::callArgReduction(const CallSite &site) {
  double inf = std::numeric_limits<double>::infinity();
  std::optional<Reduced> reduced = readReduction(site, kind == ReductionKind::Max ? -inf : inf, /*mayContract=*/false);
  if (!reduced)
    return {};
  Array x = toKind(reduced->x, std::max(kindOf(reduced->x), Kind::Int), site.at);
  SmallVector<int64_t> over;
  for (Value lane : x.lanes) { // of one tensor after the other: each may have a rank of its own
    over = axesOf(lane, x.axes.size(), reduced->axes);
    if (reduced->isOverAll || over.size() != 1) {
      error(Code::AxisOutOfRange, site.at, "'" + site.builtin->name.str() + "' searches along one axis, but this has " +
                                               (reduced->isOverAll ? "the whole collection" : reduced->indices.size() > 1 ? "several indices" : "the shape " + describe(ownShape(x))))
          .suggest(site.builtin->name.str() + "[axis = 0](x), " + site.builtin->name.str() + "[k](x[i, k])");
      return {};
    }
  }
  SmallVector<IndexVar *, 2> axes;
  for (auto [position, index] : llvm::enumerate(x.axes))
    if (static_cast<int64_t>(position) != over[0])
      axes.push_back(index);
  Array best = reduced->guard ? reduce(kind, x, over, site.at) : x;
  Array places = perLane(reduced->guard ? SmallVector<Array>{x, *reduced->guard, best} : SmallVector<Array>{x}, axes, [&](llvm::ArrayRef<Value> v) -> Value {
    SmallVector<int64_t> own = axesOf(v[0], x.axes.size(), reduced->axes);
    if (reduced->guard)
      return firstAttained(v[0], v[1], v[2], own[0], kind, site.at);
    return ArgReduceOp::create(builder, place(site.at), typeOf(v[0]).dropAxes(own).withElement(builder.getI64Type()), kind, v[0], static_cast<uint64_t>(own[0]));
  });
  return keepAxes(*reduced, places, site.at);
}

// The table of words in Builtins.cpp takes their addresses.
template Entity Elaborator::callArgReduction<ReductionKind::Max>(const CallSite &);
template Entity Elaborator::callArgReduction<ReductionKind::Min>(const CallSite &);
