//===- EmitIndex.cpp - Index notation ---------------------------------------===//
//
// In index notation a value has one leading axis for each index on which it depends, so that every whole-tensor
// operator works on the remaining axes as it does elsewhere. A subscript by distinct bare indices only renames axes;
// any other is a gather.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::cast;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Attribute;
using mlir::IntegerAttr;
using mlir::Value;

//===----------------------------------------------------------------------===//
// Indices and their ranges
//===----------------------------------------------------------------------===//

IndexVar *Elaborator::bindIndex(const std::string &name, Location at, Scope &scope) {
  if (const DimBinding *dim = scope.findDim(name))
    error(Code::IndexShadows, at, "the index '" + name + "' has the name of a dimension").note(dim->loc, "the dimension stands here")
        .suggest("rename the index or the dimension");
  IndexVar &index = arena.indices.emplace_back(IndexVar{name, at, {}, {}, ++indexCount});
  scope.set(name, &index, at);
  return &index;
}

bool Elaborator::setRange(IndexVar &index, Attribute dim, Location at) {
  if (!index.dim) {
    index.dim = dim;
    index.dimLoc = at;
    return true;
  }
  if (index.dim == dim)
    return true;
  error(Code::IndexRangeConflict, at, "the index '" + index.name + "' runs over an axis of size " + describe(dim) + " here")
      .note(index.dimLoc, "and over one of size " + describe(index.dim) + " here")
      .suggest("cut the longer one, x[:n]; read beside x[" + index.name + " + 1], it may be longer by itself");
  return false;
}

Array Elaborator::indexValue(IndexVar &index, Location at) {
  if (!index.dim) {
    if (!index.isPoison)
      error(Code::IndexRangeUnknown, at, "the range of the index '" + index.name + "' is not known")
          .suggest("let '" + index.name + "' stand alone at some axis, as in x[" + index.name + "]; x = arange(n) has its numbers");
    return {};
  }
  Array value;
  value.lanes.push_back(IotaOp::create(builder, place(at), ArrayType::get(builder.getContext(), {index.dim}, builder.getI64Type()),
                                       builder.getI64IntegerAttr(0)));
  value.axes.push_back(&index);
  return value;
}

bool Elaborator::isBinder(const ast::Subscript &slot, Scope &scope) const {
  auto *name = slot.kind == ast::SubKind::Value ? dyn_cast<ast::Name>(slot.value.get()) : nullptr;
  return name && !name->primed && !scope.find(name->name);
}

//===----------------------------------------------------------------------===//
// Subscripts
//===----------------------------------------------------------------------===//

Entity Elaborator::evalIndex(const ast::Index &expr, Scope &scope) {
  if (auto self = selfReads.find(&expr); self != selfReads.end())
    return self->second;
  if (auto *name = dyn_cast<ast::Name>(expr.base.get()); name && !scope.find(name->name) && findBuiltin(name->name)) {
    error(Code::NotSubscriptable, expr.loc, "'" + name->name + "' is a function: its subscript needs arguments after it")
        .suggest("write " + name->name + "[..](x)");
    return {};
  }
  Entity base = eval(*expr.base, scope);
  if (base.isPoison())
    return {};
  if (const Record *record = base.get<Record>())
    return readTrace(*record, expr, scope);
  if (const Complex *z = base.get<Complex>())
    return mapParts(*z, expr.loc, [&](const Array &part) { return eachLane([&] { return subscript(sliceLane(part), expr.subscripts, scope, expr.loc); }); });
  if (!base.isArray()) {
    error(Code::NotSubscriptable, expr.loc, "only an array has elements, but this is " + base.what().str());
    return {};
  }
  const Array whole = base.array();
  return eachLane([&] { return subscript(sliceLane(whole), expr.subscripts, scope, expr.loc); });
}

/// Whether two values are the same computation on the same values. `known` has the answers for pairs of operations.
static bool isSameValue(Value a, Value b, llvm::DenseMap<std::pair<mlir::Operation *, mlir::Operation *>, bool> &known) {
  if (a == b)
    return true;
  mlir::Operation *left = a.getDefiningOp(), *right = b.getDefiningOp();
  if (!left || !right || llvm::cast<mlir::OpResult>(a).getResultNumber() != llvm::cast<mlir::OpResult>(b).getResultNumber())
    return false;
  if (auto it = known.find({left, right}); it != known.end())
    return it->second;
  auto compare = [&](Value x, Value y) { return mlir::success(isSameValue(x, y, known)); };
  bool isSame = left->getNumRegions() == 0 &&
                mlir::OperationEquivalence::isEquivalentTo(left, right, compare, /*markEquivalent=*/nullptr, mlir::OperationEquivalence::IgnoreLocations);
  return known[{left, right}] = isSame;
}

/// Index notation is elaborated for one tensor of the collection after the other, for an index may have another range in each.
Array Elaborator::eachLane(llvm::function_ref<Array()> emit) {
  return eachLane(1, [&] { return SmallVector<Array>{emit()}; }).front();
}

/// The same of several values.
SmallVector<Array> Elaborator::eachLane(size_t count, llvm::function_ref<SmallVector<Array>()> emit) {
  if (laneCount <= 1 || activeLane)
    return emit();
  SmallVector<Array> all(count);
  for (size_t k = 0; k < laneCount; ++k) {
    activeLane = k;
    SmallVector<Array> some = emit();
    activeLane.reset();
    for (auto [whole, one] : llvm::zip_equal(all, some)) {
      if (one.isPoison())
        return SmallVector<Array>(count);
      whole.lanes.push_back(one.lanes.front());
      whole.axes = one.axes;
      whole.isJoint = one.isJoint;
      whole.isEach |= one.isEach;
    }
  }
  // What is the same for every tensor is one value for the collection.
  llvm::DenseMap<std::pair<mlir::Operation *, mlir::Operation *>, bool> known;
  for (Array &whole : all)
    if (!whole.isEach && llvm::all_of(whole.lanes, [&](Value lane) { return isSameValue(whole.lanes.front(), lane, known); }))
      whole.lanes.resize(1);
    else
      whole.isEach = true;
  return all;
}

/// What stands at each axis; `isPlain` if it is distinct indices and whole axes only.
bool Elaborator::readSlots(const Array &x, llvm::ArrayRef<ast::Subscript> subscripts, Scope &scope, Location at, std::vector<Slot> &slots, bool &isPlain) {
  Shape own(ownShape(x));
  size_t given = llvm::count_if(subscripts, [](const ast::Subscript &s) { return s.kind != ast::SubKind::Rest; });
  if (given > own.size()) {
    error(Code::SubscriptCount, at, "here are " + counted(given, "subscript") + " for " + counted(own.size(), "axis", "axes") + " " + describe(own));
    return false;
  }
  for (const ast::Subscript &sub : subscripts) {
    size_t axis = slots.size();
    Slot slot;
    if (sub.kind == ast::SubKind::Rest) {
      for (size_t i = given; i < own.size(); ++i) {
        slot.size = own[slots.size()];
        slot.isWhole = slot.isInside = true;
        slots.push_back(slot);
      }
      continue;
    }
    if (sub.kind == ast::SubKind::Named) {
      error(Code::SubscriptCount, sub.loc, "'" + sub.name->name + " =' is no subscript of an array");
      return false;
    }
    if (sub.kind == ast::SubKind::Slice) {
      if (!readSlice(sub, own[axis], scope, slot))
        return false;
      if (slot.start && !slot.isInside)
        slot.start = whereChosen(*slot.start, sub.loc);
      isPlain &= slot.isWhole;
      slots.push_back(slot);
      continue;
    }
    auto *name = dyn_cast<ast::Name>(sub.value.get());
    const Binding *binding = name ? scope.find(name->name + (name->primed ? "'" : "")) : nullptr;
    if (binding && binding->entity.index()) {
      IndexVar &index = *binding->entity.index();
      if (llvm::is_contained(index.longer, own[axis])) { // a part of this axis
        slot.value = indexValue(index, sub.loc);
        slot.isInside = true;
        isPlain = false;
        slots.push_back(slot);
        continue;
      }
      slot.index = &index;
      if (!setRange(index, own[axis], sub.loc))
        return false;
      isPlain &= !llvm::is_contained(x.axes, slot.index) &&
                 llvm::none_of(slots, [&](const Slot &other) { return other.index == slot.index; });
      slots.push_back(slot);
      continue;
    }
    if (name && !name->primed && !binding && !scope.findDim(name->name) && !findBuiltin(name->name)) {
      error(Code::IndexNotBound, sub.loc, "the index '" + name->name + "' is not bound")
          .suggest("bind it on the left side, z[" + name->name + "] = .., or by a reduction, sum[" + name->name + "](..)");
      return false;
    }
    slot.value = readPosition(sub, own[axis], scope);
    if (!slot.value)
      return false;
    slot.isInside = staysInside(sub, own[axis], scope);
    if (!slot.isInside)
      slot.value = whereChosen(*slot.value, sub.loc);
    isPlain = false;
    slots.push_back(slot);
  }
  while (slots.size() < own.size()) {
    Slot slot;
    slot.size = own[slots.size()];
    slot.isWhole = slot.isInside = true;
    slots.push_back(slot);
  }
  return true;
}

/// The value of an expression as a subscript of an axis.
std::optional<Array> Elaborator::readPosition(const ast::Subscript &sub, Attribute whole, Scope &scope) {
  Array value = evalArray(*sub.value, scope);
  if (value.isPoison())
    return std::nullopt;
  if (kindOf(value) != Kind::Int) {
    error(Code::SubscriptKind, sub.loc, "a subscript must be an integer").suggest("declare the array as 'int', or cut the number towards 0: int(..)");
    return std::nullopt;
  }
  std::optional<int64_t> known = constantIntOf(value);
  auto size = dyn_cast<IntegerAttr>(whole);
  if (known && numConditions == 0 && (*known < 0 || (size && *known >= size.getInt()))) {
    error(Code::IndexOutOfRange, sub.loc, "the subscript " + std::to_string(*known) + " is outside an axis of size " + describe(whole))
        .suggest("indices count from 0");
    return std::nullopt;
  }
  if (!checkPosition(sub, whole, scope))
    return std::nullopt;
  return value;
}

Array Elaborator::subscript(const Array &x, llvm::ArrayRef<ast::Subscript> subscripts, Scope &scope, Location at) {
  std::vector<Slot> slots;
  bool isPlain = true;
  if (!readSlots(x, subscripts, scope, at, slots, isPlain))
    return {};
  // The indices and own axes of the result.
  SmallVector<Array> parts{x};
  for (const Slot &slot : slots) {
    if (slot.value)
      parts.push_back(*slot.value);
    if (slot.index)
      parts.push_back({{}, false, false, {slot.index}});
  }
  SmallVector<IndexVar *, 2> axes = commonAxes(parts);
  size_t xAxes = x.axes.size();
  if (isPlain) {
    SmallVector<int64_t> permutation;
    for (IndexVar *index : axes) {
      auto inX = llvm::find(x.axes, index);
      if (inX != x.axes.end()) {
        permutation.push_back(inX - x.axes.begin());
        continue;
      }
      auto it = llvm::find_if(slots, [&](const Slot &slot) { return slot.index == index; });
      permutation.push_back(xAxes + (it - slots.begin()));
    }
    for (auto [axis, slot] : llvm::enumerate(slots))
      if (!slot.index)
        permutation.push_back(xAxes + axis);
    return perLane({x}, axes, [&](llvm::ArrayRef<Value> v) { return transposed(v[0], permutation, at); });
  }

  return gatherSlots(x, slots, axes, at);
}

/// One index array for each axis of a value with the indices `outer`, read or written at `slots`. Their common `shape` has the indices
/// `axes` and what the slots leave open.
SmallVector<Value> Elaborator::placesOf(llvm::ArrayRef<IndexVar *> outer, llvm::ArrayRef<Slot> slots, llvm::ArrayRef<IndexVar *> axes, Shape &shape,
                                        Location at) {
  shape = fullShape(axes, {});
  SmallVector<size_t> starts;
  for (const Slot &slot : slots) {
    starts.push_back(shape.size());
    if (slot.value)
      shape.append(ownShape(*slot.value).begin(), ownShape(*slot.value).end());
    else if (!slot.index)
      shape.push_back(slot.size);
  }
  auto indexType = ArrayType::get(builder.getContext(), shape, builder.getI64Type());
  auto along = [&](size_t axis) -> Value { return IotaOp::create(builder, place(at), indexType, builder.getI64IntegerAttr(axis)); };
  auto positionOf = [&](IndexVar *index) -> size_t { return llvm::find(axes, index) - axes.begin(); };
  SmallVector<Value> indices;
  for (IndexVar *index : outer)
    indices.push_back(along(positionOf(index)));
  for (auto [axis, slot] : llvm::enumerate(slots)) {
    if (slot.index) {
      indices.push_back(along(positionOf(slot.index)));
      continue;
    }
    if (slot.value) {
      SmallVector<int64_t> to;
      for (IndexVar *index : slot.value->axes)
        to.push_back(positionOf(index));
      for (size_t i = 0; i < ownShape(*slot.value).size(); ++i)
        to.push_back(starts[axis] + i);
      indices.push_back(broadcastTo(slot.value->lanes.front(), to, shape, at));
      continue;
    }
    Value position = along(starts[axis]);
    if (slot.start)
      position = AddOp::create(builder, place(at), position, broadcastTo(slot.start->lanes.front(), {}, shape, at));
    indices.push_back(position);
  }
  return indices;
}

/// The general case of a subscript.
Array Elaborator::gatherSlots(const Array &x, llvm::ArrayRef<Slot> slots, llvm::ArrayRef<IndexVar *> axes, Location at) {
  Shape shape;
  SmallVector<Value> indices = placesOf(x.axes, slots, axes, shape, at);
  bool isInside = llvm::all_of(slots, [](const Slot &slot) { return slot.index || slot.isInside; });
  return perLane({x}, axes, [&](llvm::ArrayRef<Value> v) -> Value {
    Value gathered = GatherOp::create(builder, place(at), typeOf(v[0]).withShape(shape), v[0], indices, isInside);
    return shape.empty() && typeOf(v[0]).isFloat() ? castTo(gathered, builder.getF64Type(), at) : gathered;
  });
}

//===----------------------------------------------------------------------===//
// Definitions
//===----------------------------------------------------------------------===//

/// z[i, k] = e, where every subscript is a fresh index or ':': the value, or the two parts of a complex one.
SmallVector<Array> Elaborator::defineOne(llvm::ArrayRef<ast::Subscript> subscripts, Location at, const ast::Expr &value, Scope &scope) {
  Scope *inner = arena.scope(&scope);
  std::optional<LeftSide> order = bindLeft(subscripts, *inner);
  if (!order)
    return {Array()};
  findRanges(value, *inner);
  shareRanges(value, *inner);
  findWindows(value, *inner);
  Entity entity = eval(value, *inner);
  if (const Complex *z = entity.get<Complex>())
    return {finishLeft(z->re, *order, at), finishLeft(z->im, *order, at)};
  return {finishLeft(asArray(entity, value.loc), *order, at)};
}

/// Binds the indices of z[i, :]; a name that is bound by this statement already stays.
std::optional<Elaborator::LeftSide> Elaborator::bindLeft(llvm::ArrayRef<ast::Subscript> subscripts, Scope &inner) {
  LeftSide order;
  for (const ast::Subscript &sub : subscripts) {
    if (sub.kind == ast::SubKind::Slice && !sub.from && !sub.to) {
      order.push_back(nullptr);
      continue;
    }
    auto *name = sub.kind == ast::SubKind::Value ? dyn_cast<ast::Name>(sub.value.get()) : nullptr;
    const Binding *bound = name && !name->primed ? inner.findHere(name->name) : nullptr;
    if (bound && bound->entity.index() && !llvm::is_contained(order, bound->entity.index())) {
      order.push_back(bound->entity.index());
      continue;
    }
    if (!isBinder(sub, inner)) {
      notBuilt(Code::ScatterNotBuilt, sub.loc, "a definition at computed places", "use fresh indices on the left, or give the function a body: z = zeros(..), then z[..] = .., then return z");
      return std::nullopt;
    }
    order.push_back(bindIndex(name->name, sub.loc, inner));
  }
  return order;
}

/// Brings a value to the axes of the left side.
Array Elaborator::finishLeft(Array x, const LeftSide &order, Location at) {
  if (x.isPoison())
    return {};
  SmallVector<IndexVar *, 2> axes = x.axes;
  for (IndexVar *index : order) {
    if (!index || llvm::is_contained(axes, index))
      continue;
    if (!index->dim) {
      indexValue(*index, index->loc); // reports the unknown range
      return {};
    }
    axes.push_back(index);
  }
  llvm::sort(axes, [](IndexVar *a, IndexVar *b) { return a->id < b->id; });
  x = spreadOver(x, axes, at);
  int64_t slices = llvm::count(order, nullptr);
  if (ownRank(x) != slices) {
    error(Code::RankMismatch, at, "the left side leaves " + counted(slices, "axis", "axes") + " open, but the right side has the shape " +
                                              describe(ownShape(x)))
        .suggest(ownRank(x) > slices ? "write ':' for each remaining axis" : "");
    return {};
  }
  return arrangeLeft(x, order, at);
}

/// v[i, :], o[i, :] = f(x[i, :]): one value for each name, by the same indices.
SmallVector<Array> Elaborator::defineSeveral(const ast::AssignStmt &stmt, Scope &scope) {
  const size_t count = stmt.targets.size();
  return eachLane(count, [&]() -> SmallVector<Array> {
    SmallVector<Array> results(count);
    Scope *inner = arena.scope(&scope);
    std::vector<LeftSide> orders;
    for (const ast::Target &target : stmt.targets) {
      std::optional<LeftSide> order = bindLeft(target.subscripts, *inner);
      if (!order)
        return results;
      orders.push_back(*order);
    }
    findRanges(*stmt.value, *inner);
    shareRanges(*stmt.value, *inner);
    findWindows(*stmt.value, *inner);
    Entity::Tuple values = valuesOf(stmt, eval(*stmt.value, *inner));
    for (size_t i = 0; i < count; ++i) {
      Array x = asArray(values[i], stmt.value->loc);
      auto isLost = [&](IndexVar *index) {
        bool isOurs = llvm::any_of(orders, [&](const LeftSide &order) { return llvm::is_contained(order, index); });
        return isOurs && !llvm::is_contained(orders[i], index);
      };
      auto lost = llvm::find_if(x.axes, isLost);
      if (lost != x.axes.end())
        error(Code::IndexNotBound, stmt.targets[i].loc, "the value of '" + stmt.targets[i].name.name + "' depends on the index '" + (*lost)->name + "', which does not stand here")
            .suggest("give all names on the left the same indices");
      else
        results[i] = finishLeft(x, orders[i], stmt.targets[i].loc);
    }
    return results;
  });
}

/// Outer indices first, then the axes in the order of the left side, on which null stands for ':'.
Array Elaborator::arrangeLeft(const Array &x, llvm::ArrayRef<IndexVar *> order, Location at) {
  llvm::ArrayRef<IndexVar *> axes = x.axes;
  SmallVector<int64_t> permutation;
  SmallVector<IndexVar *, 2> outer;
  for (auto [position, index] : llvm::enumerate(axes))
    if (!llvm::is_contained(order, index)) {
      outer.push_back(index);
      permutation.push_back(position);
    }
  int64_t next = axes.size();
  for (IndexVar *index : order)
    permutation.push_back(index ? llvm::find(axes, index) - axes.begin() : next++);
  return perLane({x}, outer, [&](llvm::ArrayRef<Value> v) { return transposed(v[0], permutation, at); });
}
