//===- EmitScatter.cpp - Writes at computed places --------------------------===//
//
// x[k + 1] = e and x[i, label[i]] += e: on the left a subscript that is an expression says where to write. Names that nothing has bound
// there are indices. The name gets a new value; what was computed from the old one stays. Of several writes to a place the last one
// in row-major order of the indices stays, or they are added in that order.
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

/// The index that tells the size of an axis of a new name: the one that stands there alone, or, in x[g, order[g, i]] = .., the only one of the
/// subscript that stands alone nowhere on the left. Null if there is none.
static IndexVar *sizeIndexOf(const ast::Subscript &sub, const ast::Target &target, bool isAdd, Scope &inner) {
  auto indexOf = [&](const ast::Subscript &at) {
    auto *name = at.kind == ast::SubKind::Value ? dyn_cast<ast::Name>(at.value.get()) : nullptr;
    const Binding *binding = name && !name->primed ? inner.find(name->name) : nullptr;
    return binding ? binding->entity.index() : nullptr;
  };
  if (IndexVar *index = indexOf(sub))
    return index;
  auto *access = sub.kind == ast::SubKind::Value ? dyn_cast<ast::Index>(sub.value.get()) : nullptr;
  if (!access || isAdd) // a sum at places is a histogram, whose size is that of the places
    return nullptr;
  SmallVector<IndexVar *> own;
  for (const ast::Subscript &at : access->subscripts) {
    IndexVar *index = indexOf(at);
    bool isElsewhere = llvm::any_of(target.subscripts, [&](const ast::Subscript &other) { return indexOf(other) == index; });
    if (index && !isElsewhere)
      own.push_back(index);
  }
  return own.size() == 1 ? own.front() : nullptr;
}

/// Zeros for a name that is new: its sizes are the ranges of the indices.
Array Elaborator::freshTarget(const ast::AssignStmt &stmt, size_t position, Scope &inner) {
  const ast::Target &target = stmt.targets[position];
  Shape shape;
  for (const ast::Subscript &sub : target.subscripts) {
    IndexVar *index = sizeIndexOf(sub, target, stmt.isAdd, inner);
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

/// Of several names on the left each is written with its own value of the right side, by the indices that stand at it.
Array Elaborator::scatterOne(const ast::AssignStmt &stmt, size_t position, std::optional<Array> known, Scope &scope) {
  const ast::Target &target = stmt.targets[position];
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
  Array value = stmt.targets.size() == 1 ? evalArray(*stmt.value, *inner) : asArray(valuesOf(stmt, evalValues(stmt, *inner))[position], stmt.value->loc);
  if (value.isPoison())
    return {};
  Array x = known ? *known : freshTarget(stmt, position, *inner);
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
  Shape shape;
  SmallVector<Value> indices = placesOf(outer, slots, axes, shape, at);
  llvm::ArrayRef<Attribute> open = llvm::ArrayRef(shape).drop_front(axes.size());
  if (ownRank(value) != 0 && ownShape(value) != open) {
    error(Code::ShapeMismatch, stmt.value->loc, "the left side leaves the shape " + describe(open) + " open, but the right side has the shape " +
                                                    describe(ownShape(value)));
    return {};
  }
  Kind kind = std::max(kindOf(x), kindOf(value));
  if (stmt.isAdd)
    kind = std::max(kind, Kind::Int);
  x = spreadOver(toKind(x, kind, at), outer, at);
  Value all = castTo(fit(value, 0, axes, open, kind, at), typeOf(x.lanes.front()).getElementType(), at);
  // A kernel runs over at least one axis.
  Shape one{builder.getI64IntegerAttr(1)};
  if (shape.empty()) {
    for (Value &index : indices)
      index = broadcastTo(index, {}, one, at);
    all = broadcastTo(all, {}, one, at);
  }
  Array written = perLane({x}, outer, [&](llvm::ArrayRef<Value> v) -> Value {
    if (stmt.isAdd)
      return ScatterAddOp::create(builder, place(at), v[0], indices, all);
    return ScatterOp::create(builder, place(at), v[0], indices, all);
  });
  written.isEach |= llvm::any_of(parts, [](const Array &part) { return part.isEach; });
  return written;
}

/// Several names on the left: each has a subscript, is another one, and all of them have a prime or none. False after an error.
static bool maySplit(const ast::AssignStmt &stmt, Algebra &algebra) {
  const ast::Target &first = stmt.targets.front();
  for (const ast::Target &target : stmt.targets) {
    if (stmt.targets.size() > 1 && (target.subscripts.empty() || target.name.primed != first.name.primed)) {
      algebra.error(Code::ResultCount, target.loc, "of several names on the left all have subscripts or none, and all have a prime or none").suggest("name the values first: a, b = ..");
      return false;
    }
    auto isSame = [&](const ast::Target &other) { return &other != &target && other.name.name == target.name.name; };
    if (auto same = llvm::find_if(stmt.targets, isSame); same != stmt.targets.end() && &*same < &target) {
      algebra.error(Code::NameAssignedTwice, target.loc, "'" + target.name.name + "' stands twice on the left").note(same->loc, "it stands first here")
          .suggest("name the values first: a, b = .., and write each in a statement of its own");
      return false;
    }
  }
  return true;
}

/// What a name is after the write; null where it may not be written.
std::optional<Entity> Elaborator::placesWritten(const ast::AssignStmt &stmt, size_t position, Scope &scope) {
  const ast::Target &target = stmt.targets[position];
  const Binding *known = scope.findHere(target.name.name);
  if (target.subscripts.empty()) {
    error(Code::NameAssignedTwice, stmt.loc, "'+=' adds at places of an array, but '" + target.name.name + "' has no subscript here")
        .suggest("name the places, x[k + 1] += .., or give the sum a new name");
    return std::nullopt;
  }
  if (!known && scope.findLocal(target.name.name)) {
    error(Code::NameAssignedTwice, target.loc, "'" + target.name.name + "' belongs to an outer body, which alone may write parts of it")
        .note(scope.findLocal(target.name.name)->loc, "it is declared here")
        .suggest("copy it under a new name before");
    return std::nullopt;
  }
  if (known && known->entity.isPoison())
    return std::nullopt;
  if (known && !known->entity.isArray()) {
    error(Code::NotSubscriptable, target.loc, "only an array has elements, but this is " + known->entity.what().str());
    return std::nullopt;
  }
  std::optional<Array> before;
  if (known)
    before = known->entity.array();
  return Entity(eachLane([&] { return scatterOne(stmt, position, before ? std::optional<Array>(sliceLane(*before)) : std::nullopt, scope); }));
}

/// Of several names all are computed before the first one is written, so that the right side reads what they were.
void Elaborator::writePlaces(const ast::AssignStmt &stmt, Scope &scope) {
  const bool isSound = maySplit(stmt, *this);
  std::vector<std::optional<Entity>> values(stmt.targets.size(), stmt.targets.size() > 1 ? std::optional<Entity>(Entity()) : std::nullopt);
  for (size_t position = 0; isSound && position < values.size(); ++position) {
    values[position] = placesWritten(stmt, position, scope);
    if (!values[position] || values[position]->isPoison())
      break; // the others would say the same again
  }
  for (auto [target, value] : llvm::zip_equal(stmt.targets, values)) {
    const Binding *known = scope.findHere(target.name.name);
    if (value)
      scope.set(target.name.name, *value, known ? known->loc : target.loc);
  }
}

bool lang::isParamOrState(const ast::Block &block, llvm::StringRef name) {
  auto declares = [&](const std::vector<ast::Decl> &decls) { return llvm::any_of(decls, [&](const ast::Decl &decl) { return decl.name.name == name; }); };
  return llvm::any_of(block.statements, [&](const ast::StmtPtr &stmt) {
    auto *params = dyn_cast<ast::ParamStmt>(stmt.get());
    auto *states = dyn_cast<ast::StateStmt>(stmt.get());
    return (params && declares(params->decls)) || (states && declares(states->decls));
  });
}

/// Whether a statement with a prime writes at places, and not the whole.
bool Elaborator::writesNextPart(const ast::AssignStmt &stmt, Scope &scope) const {
  const bool isAlone = stmt.targets.size() == 1;
  auto isPart = [&](const ast::Target &target) { return stmt.isAdd || (!target.subscripts.empty() && !(isAlone && definesWhole(target.subscripts, scope))); };
  return stmt.boundaries.empty() && llvm::any_of(stmt.targets, [](const ast::Target &target) { return target.name.primed; }) && llvm::any_of(stmt.targets, isPart);
}

/// G'[at] = h writes a part of the next value, which begins as a copy of the present one. Several parts are written in the order of the text.
/// Null where it may not be written.
std::optional<Entity> Elaborator::nextPart(const ast::AssignStmt &stmt, size_t position, Scope &scope) {
  const ast::Target &target = stmt.targets[position];
  std::string key = target.name.name + "'";
  const Binding *known = scope.findLocal(key), *model = scope.findLocal(target.name.name);
  bool isCarried = !primes->run;
  if (isCarried ? !expectCarried(target, scope) : !isParamOrState(*primes->run->block, target.name.name)) {
    if (!isCarried)
      error(Code::PrimeUnknown, target.loc, "'" + key + "' is the next value of nothing: '" + target.name.name + "' is no param or state")
          .suggest("declare it: state " + target.name.name + " = 0");
    return Entity();
  }
  if (target.subscripts.empty()) {
    error(Code::NameAssignedTwice, stmt.loc, "'+=' adds at places of an array, but '" + key + "' has no subscript here")
        .suggest("write " + key + " = " + target.name.name + " + ..");
    return Entity();
  }
  if (known && primes->isCommitted)
    return std::nullopt;
  if (known && !primes->partlyWritten.contains(key)) {
    error(Code::PrimeAssignedTwice, target.loc, "'" + key + "' is assigned as a whole, so that no part of it can be written")
        .note(known->loc, "it is assigned here");
    return std::nullopt;
  }
  Entity before = known ? known->entity : model ? model->entity : Entity();
  primes->partlyWritten.insert(key);
  if (before.isPoison() || !before.isArray())
    return Entity();
  // What is one for the collection is written once; by a value of each tensor, it is refused.
  auto write = [&] { return scatterOne(stmt, position, sliceLane(before.array()), scope); };
  Array after = isCarried || model->entity.array().isEach ? eachLane(write) : write();
  return Entity(after.isPoison() ? Array()
                : isCarried      ? nextCarried(target.name, after, scope, stmt.value->loc)
                                 : nextValue(target, after, sliceLane(model->entity.array()), stmt.value->loc));
}

void Elaborator::writeNextPart(const ast::AssignStmt &stmt, Scope &scope) {
  const bool isSound = maySplit(stmt, *this);
  std::vector<std::optional<Entity>> values(stmt.targets.size(), stmt.targets.size() > 1 ? std::optional<Entity>(Entity()) : std::nullopt);
  for (size_t position = 0; isSound && position < values.size(); ++position)
    values[position] = nextPart(stmt, position, scope);
  for (auto [target, value] : llvm::zip_equal(stmt.targets, values)) {
    std::string key = target.name.name + (target.name.primed ? "'" : "");
    const Binding *known = scope.findLocal(key);
    if (value)
      scope.set(key, *value, known ? known->loc : target.loc);
  }
}
