//===- EmitScatter.cpp - Writes at computed places --------------------------===//
//
// x[k + 1] += e and x[i, label[i]] += e: on the left a subscript that is an expression says where to write. Names that nothing has bound
// there are indices. The name gets a new value; what was computed from the old one stays.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Attribute;
using mlir::Value;

/// True for z[i, k] and z[i, :] with fresh indices: a definition of the whole.
bool Elaborator::definesWhole(llvm::ArrayRef<ast::Subscript> subscripts, Scope &scope) const {
  SmallVector<llvm::StringRef> names;
  for (const ast::Subscript &sub : subscripts) {
    if (sub.kind == ast::SubKind::Slice && !sub.from && !sub.to)
      continue;
    if (!isBinder(sub, scope))
      return false;
    names.push_back(llvm::cast<ast::Name>(sub.value.get())->name);
    if (llvm::count(names, names.back()) > 1)
      return false;
  }
  return true;
}

/// Binds the names in subscripts that nothing else has bound, in the order of the text.
SmallVector<IndexVar *> Elaborator::bindPlaces(llvm::ArrayRef<ast::Subscript> subscripts, Scope &inner) {
  SmallVector<IndexVar *> indices;
  llvm::SmallPtrSet<const ast::Expr *, 4> isCalledOrSubscripted;
  for (const ast::Subscript &sub : subscripts) {
    if (sub.kind != ast::SubKind::Value)
      continue;
    forEachExpr(*sub.value, [&](const ast::Expr &expr) {
      if (auto *access = dyn_cast<ast::Index>(&expr))
        isCalledOrSubscripted.insert(access->base.get());
      if (auto *call = dyn_cast<ast::Call>(&expr))
        isCalledOrSubscripted.insert(call->callee.get());
      auto *name = dyn_cast<ast::Name>(&expr);
      if (name && !name->primed && !isCalledOrSubscripted.contains(name) && !inner.find(name->name) && !inner.findDim(name->name))
        indices.push_back(bindIndex(name->name, name->loc, inner));
    });
  }
  return indices;
}

/// Zeros for a name that is new: its sizes are the ranges of the indices, so each must stand alone.
Array Elaborator::freshTarget(const ast::Target &target, Scope &inner) {
  Shape shape;
  for (const ast::Subscript &sub : target.subscripts) {
    auto *name = sub.kind == ast::SubKind::Value ? dyn_cast<ast::Name>(sub.value.get()) : nullptr;
    const Binding *binding = name ? inner.find(name->name) : nullptr;
    IndexVar *index = binding ? binding->entity.index() : nullptr;
    if (!index) {
      error(Code::IndexRangeUnknown, sub.loc, "the size of axis " + std::to_string(shape.size()) + " of the new name '" + target.name.name + "' is not known")
          .suggest("make it before: " + target.name.name + " = zeros(..)");
      return {};
    }
    if (indexValue(*index, sub.loc).isPoison())
      return {};
    shape.push_back(index->dim);
  }
  return filled(0, shape, target.loc);
}

/// Whether two different values of the indices never meet at one place: each stands alone at an axis, or with a number added.
static bool isOneToOne(llvm::ArrayRef<ast::Subscript> subscripts, llvm::ArrayRef<IndexVar *> indices) {
  llvm::StringMap<bool> isFixed;
  for (const ast::Subscript &sub : subscripts) {
    const ast::Expr *expr = sub.kind == ast::SubKind::Value ? sub.value.get() : nullptr;
    auto *shifted = expr ? dyn_cast<ast::Binary>(expr) : nullptr;
    if (shifted && (shifted->op == ast::BinaryOp::Add || shifted->op == ast::BinaryOp::Sub)) {
      if (llvm::isa<ast::Number>(shifted->rhs.get()))
        expr = shifted->lhs.get();
      else if (llvm::isa<ast::Number>(shifted->lhs.get()))
        expr = shifted->rhs.get();
    }
    if (auto *name = expr ? dyn_cast<ast::Name>(expr) : nullptr)
      isFixed[name->name] = true;
  }
  return llvm::all_of(indices, [&](IndexVar *index) { return isFixed.contains(index->name); });
}

Array Elaborator::scatterOne(const ast::AssignStmt &stmt, std::optional<Array> known, Scope &scope) {
  const ast::Target &target = stmt.targets.front();
  Location at = target.loc;
  Scope *inner = arena.scope(&scope);
  SmallVector<IndexVar *> bound = bindPlaces(target.subscripts, *inner);
  for (auto [axis, sub] : llvm::enumerate(target.subscripts)) {
    if (sub.kind != ast::SubKind::Value)
      continue;
    auto *name = dyn_cast<ast::Name>(sub.value.get());
    const Binding *binding = name ? inner->find(name->name) : nullptr;
    IndexVar *index = binding ? binding->entity.index() : nullptr;
    if (index && known && axis < ownShape(*known).size() && !setRange(*index, ownShape(*known)[axis], sub.loc))
      return {};
    findRanges(*sub.value, *inner);
  }
  findRanges(*stmt.value, *inner);
  Array value = evalArray(*stmt.value, *inner);
  if (value.isPoison())
    return {};
  Array x = known ? *known : freshTarget(target, *inner);
  std::vector<Slot> slots;
  bool isPlain = true;
  if (x.isPoison() || !readSlots(x, target.subscripts, *inner, at, slots, isPlain))
    return {};
  SmallVector<Array> parts{x, value};
  for (const Slot &slot : slots)
    if (slot.value)
      parts.push_back(*slot.value);
  SmallVector<IndexVar *, 2> axes = commonAxes(parts), outer;
  for (IndexVar *index : bound) {
    if (indexValue(*index, index->loc).isPoison())
      return {};
    if (!llvm::is_contained(axes, index))
      axes.push_back(index);
  }
  llvm::sort(axes, [](IndexVar *a, IndexVar *b) { return a->id < b->id; });
  for (IndexVar *index : axes)
    if (!llvm::is_contained(bound, index))
      outer.push_back(index);
  if (!stmt.isAdd && !isOneToOne(target.subscripts, bound))
    return asArray(notBuilt(Code::ScatterNotBuilt, at, "'=' at places that may meet", "write '+=', which adds where two meet"), at);

  Shape shape;
  SmallVector<Value> indices = placesOf(outer, slots, axes, shape, at);
  llvm::ArrayRef<Attribute> open = llvm::ArrayRef(shape).drop_front(axes.size());
  if (ownRank(value) != 0 && ownShape(value) != open) {
    error(Code::ShapeMismatch, stmt.value->loc, "the left side leaves the shape " + describe(open) + " open, but the right side has the shape " +
                                                    describe(ownShape(value)));
    return {};
  }
  Kind kind = std::max({kindOf(x), kindOf(value), Kind::Int});
  x = spreadOver(toKind(x, kind, at), outer, at);
  // A kernel runs over at least one axis.
  Shape one{builder.getI64IntegerAttr(1)};
  if (shape.empty())
    for (Value &index : indices)
      index = broadcastTo(index, {}, one, at);
  auto add = [&](const Array &to, const Array &updates) {
    Value all = castTo(fit(updates, 0, axes, open, kindOf(to), at), typeOf(to.lanes.front()).getElementType(), at);
    if (shape.empty())
      all = broadcastTo(all, {}, one, at);
    return perLane({to}, outer, [&](llvm::ArrayRef<Value> v) -> Value { return ScatterAddOp::create(builder, place(at), v[0], indices, all); });
  };
  if (stmt.isAdd)
    return add(x, value);
  // The places written are counted, so that what stood there before is replaced.
  auto fill = [&](int64_t each, Kind of) -> Array { return {{fit(integer(each, at), 0, outer, ownShape(x), of, at)}, false, false, outer}; };
  Array zeros = fill(0, kind);
  Array isWritten = compare(ComparePredicate::Gt, add(fill(0, Kind::Int), integer(1, at)), integer(0, at), at);
  return known ? select(isWritten, add(zeros, value), x, at) : add(zeros, value);
}

void Elaborator::writePlaces(const ast::AssignStmt &stmt, Scope &scope) {
  const ast::Target &target = stmt.targets.front();
  const Binding *known = scope.findHere(target.name.name);
  if (target.subscripts.empty()) {
    error(Code::NameAssignedTwice, stmt.loc, "'+=' adds at places of an array, but '" + target.name.name + "' has no subscript here")
        .suggest("name the places, x[k + 1] += .., or give the sum a new name");
    return;
  }
  if (!known && scope.findLocal(target.name.name)) {
    error(Code::NameAssignedTwice, target.loc, "'" + target.name.name + "' belongs to an outer body, which alone may write parts of it")
        .note(scope.findLocal(target.name.name)->loc, "it is declared here")
        .suggest("copy it under a new name before");
    return;
  }
  if (known && known->entity.isPoison())
    return;
  if (known && !known->entity.isArray()) {
    error(Code::NotSubscriptable, target.loc, "only an array has elements, but this is " + known->entity.what().str());
    return;
  }
  std::optional<Array> before;
  if (known)
    before = known->entity.array();
  Array after = eachLane([&] { return scatterOne(stmt, before ? std::optional<Array>(sliceLane(*before)) : std::nullopt, scope); });
  scope.set(target.name.name, after, known ? known->loc : target.loc);
}
