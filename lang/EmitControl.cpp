//===- EmitControl.cpp - when, every, loop ------------------------------------===//
//
// Each becomes an op with regions. Its results are the names that it primes: next values of a rule's params and states, or of what a
// loop carries; they have the types of the present ones. In a rule of several tensors each tensor has an op of its own, unless the rule asks
// an objective: then one op carries all tensors, where what decides is one for all of them.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::cast;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Value;

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

/// The names that a block primes, on any path, with their first place. Loops in it prime names of their own.
static void collectPrimed(const ast::Block &block, llvm::MapVector<llvm::StringRef, Location> &names) {
  for (const ast::StmtPtr &stmt : block.statements) {
    if (auto *assign = dyn_cast<ast::AssignStmt>(stmt.get()))
      for (const ast::Target &target : assign->targets)
        if (target.name.primed)
          names.insert({target.name.name, target.loc});
    if (auto *every = dyn_cast<ast::EveryStmt>(stmt.get()))
      collectPrimed(every->block, names);
    if (auto *when = dyn_cast<ast::WhenStmt>(stmt.get())) {
      collectPrimed(when->block, names);
      if (when->otherwise)
        collectPrimed(*when->otherwise, names);
    }
  }
}

void Elaborator::runInside(const ast::Block &block, Scope &inner) {
  ++numConditions;
  ++numBlocks;
  for (const ast::StmtPtr &stmt : block.statements) {
    auto *assign = dyn_cast<ast::AssignStmt>(stmt.get());
    if (assign && primes && writesNextPart(*assign, inner))
      writeNextPart(*assign, inner);
    else if (assign && primes && llvm::any_of(assign->targets, [](const ast::Target &target) { return target.name.primed; }))
      primes->run ? runRuleAssign(*assign, *primes->run, inner) : runCarriedAssign(*assign, inner);
    else if (!runCommon(*stmt, inner))
      notHere(*stmt, "a block of 'when', 'every' or 'loop'", stmt->kind == ast::StmtKind::Return ? "end the function with it, below the block" : "");
  }
  --numBlocks;
  --numConditions;
}

/// The present value of what may be primed here; null after an error.
const Binding *Elaborator::findPresent(llvm::StringRef name, Scope &scope) {
  const Binding *binding = scope.findLocal(name);
  return binding && binding->entity.isArray() && !binding->entity.isPoison() ? binding : nullptr;
}

/// The next value in so far as it is written; else the present one.
const Binding *Elaborator::findSoFar(llvm::StringRef name, Scope &scope) {
  const Binding *next = scope.findLocal((name + "'").str());
  return next ? next : scope.findLocal(name);
}

/// What a block leaves in its scope for each of `names`: the next value, or the present one where its path has none.
std::optional<SmallVector<Value>> Elaborator::readNext(llvm::ArrayRef<std::string> names, Scope &inner) {
  SmallVector<Value> values;
  for (const std::string &name : names) {
    const Binding *next = findSoFar(name, inner);
    if (!next->entity.isArray() || next->entity.isPoison())
      return std::nullopt;
    llvm::append_range(values, sliceLane(next->entity.array()).lanes);
  }
  return values;
}

/// Whether a block runs for all tensors at once: it may ask the objective of its rule, and what decides is one for the collection.
bool Elaborator::runsTogether(llvm::ArrayRef<const ast::Expr *> deciding, Scope &scope) {
  if (laneCount <= 1 || activeLane || !currentRun || currentRun->call->rule->oracles.empty())
    return false;
  return llvm::all_of(deciding, [&](const ast::Expr *expr) {
    Array x = evalArray(*expr, scope);
    return x.lanes.size() <= 1;
  });
}

/// Elaborates a statement with the primes of `names` once for all tensors together, or once for each of them.
void Elaborator::bindNext(llvm::ArrayRef<std::string> names, Scope &scope, Location at, bool isTogether, llvm::function_ref<std::optional<SmallVector<Array>>()> emit) {
  if (isTogether) {
    std::optional<SmallVector<Array>> together = emit();
    for (auto [i, name] : llvm::enumerate(names))
      scope.set(name, together ? Entity((*together)[i]) : Entity(), at);
    return;
  }
  std::vector<Array> all(names.size());
  bool isSound = true;
  size_t lanes = activeLane ? 1 : std::max<size_t>(laneCount, 1);
  for (size_t k = 0; k < lanes; ++k) {
    if (lanes > 1)
      activeLane = k;
    bool wasOne = std::exchange(isOneOfMany, isOneOfMany || lanes > 1);
    std::optional<SmallVector<Array>> one = emit();
    isOneOfMany = wasOne;
    if (lanes > 1)
      activeLane.reset();
    isSound &= one.has_value();
    for (size_t i = 0; one && i < names.size(); ++i) {
      SmallVector<Value, 1> before = std::move(all[i].lanes);
      before.push_back((*one)[i].lanes.front());
      all[i] = (*one)[i];
      all[i].isEach |= lanes > 1;
      all[i].lanes = std::move(before);
    }
  }
  for (auto [name, value] : llvm::zip_equal(names, all))
    scope.set(name, isSound ? Entity(value) : Entity(), at);
}

/// Runs the code for one region: what is elaborated meanwhile stands in `region`, which yields what `emit` returns.
bool Elaborator::fillRegion(mlir::Region &region, Location at, llvm::function_ref<std::optional<SmallVector<Value>>()> emit) {
  mlir::OpBuilder::InsertionGuard guard(builder);
  if (region.empty())
    region.emplaceBlock();
  builder.setInsertionPointToStart(&region.front());
  ++numRegions;
  std::optional<SmallVector<Value>> values = emit();
  --numRegions;
  if (values)
    YieldOp::create(builder, place(at), *values);
  return values.has_value();
}

/// The names that `blocks` prime and that have a present value. `lost` are those whose present value is poison: so is the next one.
std::vector<std::string> Elaborator::findPrimed(llvm::ArrayRef<const ast::Block *> blocks, Scope &scope, std::vector<std::string> &lost) {
  llvm::MapVector<llvm::StringRef, Location> primed;
  for (const ast::Block *block : blocks)
    collectPrimed(*block, primed);
  std::vector<std::string> names;
  for (const auto &[name, at] : primed)
    if (primes && scope.findLocal(name))
      (findPresent(name, scope) ? names : lost).push_back(name.str());
  for (const ast::Block *block : blocks)
    for (const std::string &name : primedByCalls(*block, scope))
      if (!llvm::is_contained(names, name) && findPresent(name, scope))
        names.push_back(name);
  return names;
}

/// One number, which decides for all of it.
Array Elaborator::evalCondition(const ast::Expr &expr, Scope &scope) {
  Array c = evalBool(expr, scope);
  if (c.isPoison() || isScalar(c))
    return c;
  error(Code::NotAScalar, expr.loc, "the condition must be one for all elements, but it has the shape " + describe(typeOf(c.lanes.front()).getShape()))
      .suggest("reduce it by any(..) or all(..), or choose each element by where(c, a, b)");
  return {};
}

//===----------------------------------------------------------------------===//
// when
//===----------------------------------------------------------------------===//

static std::vector<std::string> withPrimes(std::vector<std::string> names) {
  for (std::string &name : names)
    name += "'";
  return names;
}

/// The results of an op as the next values of `names`.
SmallVector<Array> Elaborator::likePresent(llvm::ArrayRef<std::string> names, mlir::ValueRange values, Scope &scope) {
  SmallVector<Array> results;
  for (const std::string &name : names) {
    Array next = sliceLane(findPresent(name, scope)->entity.array());
    size_t count = next.lanes.size();
    next.lanes.assign(values.begin(), values.begin() + count);
    values = values.drop_front(count);
    results.push_back(std::move(next));
  }
  return results;
}

/// The present values of `names`, a value for each tensor.
SmallVector<Value> Elaborator::presentValues(llvm::ArrayRef<std::string> names, Scope &scope) {
  SmallVector<Value> values;
  for (const std::string &name : names)
    llvm::append_range(values, sliceLane(findPresent(name, scope)->entity.array()).lanes);
  return values;
}

void Elaborator::runWhen(const ast::WhenStmt &stmt, Scope &scope) {
  SmallVector<const ast::Block *> blocks{&stmt.block};
  if (stmt.otherwise)
    blocks.push_back(&*stmt.otherwise);
  std::vector<std::string> lost, names = findPrimed(blocks, scope, lost);
  auto runBranch = [&](const ast::Block *block) {
    Scope *inner = arena.scope(&scope);
    if (block)
      runInside(*block, *inner);
    return readNext(names, *inner);
  };
  const ast::Block *otherwise = stmt.otherwise ? &*stmt.otherwise : nullptr;
  bindNext(withPrimes(names), scope, stmt.loc, runsTogether({stmt.condition.get()}, scope), [&]() -> std::optional<SmallVector<Array>> {
    Array c = evalCondition(*stmt.condition, scope);
    if (c.isPoison())
      return std::nullopt;
    if (std::optional<int64_t> known = constantIntOf(c)) {
      std::optional<SmallVector<Value>> next = runBranch(*known ? &stmt.block : otherwise);
      return next ? std::optional(likePresent(names, *next, scope)) : std::nullopt;
    }
    SmallVector<Value> present = presentValues(names, scope);
    auto op = IfOp::create(builder, place(stmt.loc), mlir::TypeRange(mlir::ValueRange(present)), sliceLane(c).lanes.front());
    bool isSound = fillRegion(op.getThen(), stmt.loc, [&] { return runBranch(&stmt.block); });
    isSound &= fillRegion(op.getOtherwise(), stmt.loc, [&] { return runBranch(otherwise); });
    if (isSound)
      return likePresent(names, op.getValues(), scope);
    op.erase();
    return std::nullopt;
  });
  for (const std::string &name : withPrimes(lost))
    scope.set(name, Entity(), stmt.loc);
}

//===----------------------------------------------------------------------===//
// every
//===----------------------------------------------------------------------===//

void Elaborator::runEvery(const ast::EveryStmt &stmt, Scope &scope) {
  if (!primes || !primes->run)
    return notHere(stmt, primes ? "a loop" : "a function", "it belongs to the step of a rule: every 10 { m' = .. }");
  std::vector<std::string> lost, names = findPrimed({&stmt.block}, scope, lost);
  bindNext(withPrimes(names), scope, stmt.loc, runsTogether({stmt.period.get()}, scope), [&]() -> std::optional<SmallVector<Array>> {
    Array period = evalScalar(*stmt.period, scope, "a period");
    Array time = sliceLane(primes->run->time);
    if (period.isPoison() || time.isPoison())
      return std::nullopt;
    if (kindOf(period) != Kind::Int) {
      error(Code::KindMismatch, stmt.period->loc, "a period counts steps: it is an integer").suggest("declare it as 'int'");
      return std::nullopt;
    }
    if (std::optional<double> known = constantBehind(period); known && *known < 1) {
      error(Code::HyperOutOfInterval, stmt.period->loc, "the period is " + llvm::formatv("{0:f0}", *known).str() + ", expected 1 or more");
      return std::nullopt;
    }
    std::optional<SmallVector<Value>> kept = readNext(names, scope);
    if (!kept)
      return std::nullopt;
    auto op = EveryOp::create(builder, place(stmt.loc), mlir::TypeRange(mlir::ValueRange(*kept)), sliceLane(period).lanes.front(), time.lanes.front(), *kept);
    bool isSound = fillRegion(op.getBody(), stmt.loc, [&] {
      Scope *inner = arena.scope(&scope);
      runInside(stmt.block, *inner);
      return readNext(names, *inner);
    });
    if (isSound)
      return likePresent(names, op.getNext(), scope);
    op.erase();
    return std::nullopt;
  });
  for (const std::string &name : withPrimes(lost))
    scope.set(name, Entity(), stmt.loc);
}

//===----------------------------------------------------------------------===//
// loop
//===----------------------------------------------------------------------===//

/// Whether the loop around carries what the target gives a next value to; else an error.
bool Elaborator::expectCarried(const ast::Target &target, Scope &scope) {
  const std::string &name = target.name.name;
  if (llvm::any_of(primes->inits, [&](const ast::LoopInit &init) { return init.name.name == name; }))
    return true;
  const Binding *known = scope.findLocal(name);
  Diagnostic &diagnostic = error(known ? Code::PrimeInLoop : Code::PrimeUnknown, target.loc,
                                 known ? "'" + name + "'' is assigned in a loop that does not carry '" + name + "'"
                                       : "'" + name + "'' is the next value of nothing: the loop carries no '" + name + "'");
  if (known)
    diagnostic.note(known->loc, "'" + name + "' is declared here");
  diagnostic.suggest(known ? "carry a copy and assign it once, below the loop: loop .. with x = " + name + " { x' = .. }"
                           : "declare it: loop .. with " + name + " = ..");
  return false;
}

/// `y' = ..` of what the loop around carries.
void Elaborator::runCarriedAssign(const ast::AssignStmt &stmt, Scope &scope) {
  Entity value = evalNext(stmt, scope);
  for (auto [target, mine] : llvm::zip_equal(stmt.targets, valuesOf(stmt, value))) {
    if (!target.name.primed) {
      bindName(target.name, mine, scope);
      continue;
    }
    std::string key = target.name.name + "'";
    Array next;
    const Binding *first = scope.findLocal(key);
    if (expectCarried(target, scope) && first) {
      error(Code::PrimeAssignedTwice, target.loc, "'" + key + "' is assigned twice").note(first->loc, "it is assigned first here");
      continue;
    }
    if (!mine.isPoison())
      next = nextCarried(target.name, asArray(mine, stmt.value->loc), scope, stmt.value->loc);
    scope.set(key, next, target.loc);
  }
}

/// What the right side of an assignment with primes gives: one value, several, or one by index.
Entity Elaborator::evalNext(const ast::AssignStmt &stmt, Scope &scope) {
  const ast::Target &first = stmt.targets.front();
  auto hasSubscript = [](const ast::Target &target) { return !target.subscripts.empty(); };
  if (stmt.boundary) {
    error(Code::RecurrenceForm, stmt.loc, "a recurrence defines a new name, not a next value").suggest("give it a name of its own, and assign that: m' = A");
    return {};
  }
  if (stmt.targets.size() > 1 && (stmt.isAdd || llvm::any_of(stmt.targets, hasSubscript))) {
    error(Code::ResultCount, first.loc, "several names on the left take no subscripts and no '+=', where one has a prime").suggest("name the values first: a, b = ..");
    return {};
  }
  return hasSubscript(first) ? defineByIndex(first.subscripts, first.loc, *stmt.value, scope) : evalValues(stmt, scope);
}

/// The next value in the type of the present one. Where that is too narrow, notes what would do and gives poison.
Array Elaborator::nextCarried(const ast::Ident &name, const Array &x, Scope &scope, Location at) {
  const Binding *present = findPresent(name.name, scope);
  if (x.isPoison() || !present)
    return {};
  const Array model = sliceLane(present->entity.array());
  Kind kind = std::max(kindOf(model), kindOf(x));
  SmallVector<IndexVar *, 2> axes = commonAxes({model, x});
  size_t lanes = std::max(model.lanes.size(), x.lanes.size());
  Array next = model;
  next.lanes.clear();
  for (size_t k = 0; k < lanes; ++k) {
    std::optional<Shape> common = commonShape({model, x}, k, at);
    if (!common)
      return {};
    if (*common != Shape(ownShape(model, k))) {
      error(Code::CarriedChanges, at, "'" + name.name + "' has the shape " + describe(ownShape(model, k)) + ", but its next value has the shape " + describe(ownShape(x, k)))
          .note(present->loc, "it is carried from here")
          .suggest("begin with an array of that shape, as zeros(like ..)");
      return {};
    }
    next.lanes.push_back(fit(x, k, axes, *common, kind, at));
  }
  if (kind != kindOf(model) || axes != model.axes || lanes != model.lanes.size() || (x.isEach && !model.isEach) || (x.isJoint && !model.isJoint)) {
    primes->wider[name.name] = {kind, axes, lanes, x.isEach || model.isEach, x.isJoint || model.isJoint};
    return {};
  }
  return next;
}

/// How many integers there are from `first` on and below `end`; at most 2^63 - 1, so that no difference overflows.
static Value emitPasses(mlir::OpBuilder &builder, mlir::Location loc, Value first, Value end) {
  std::optional<int64_t> known = Algebra::constantIntOf({{first}}), last = Algebra::constantIntOf({{end}});
  if (known == 0)
    return end;
  if (known && last) {
    int64_t count = 0;
    if (*last > *known && __builtin_sub_overflow(*last, *known, &count))
      count = INT64_MAX;
    return ConstantOp::create(builder, loc, count);
  }
  Value up = builder.createOrFold<MaxOp>(loc, end, first);
  Value count = builder.createOrFold<SubOp>(loc, up, first);
  if (known && *known > 0)
    return count;
  Value zero = ConstantOp::create(builder, loc, int64_t(0)), most = ConstantOp::create(builder, loc, INT64_MAX);
  Value overflows = CompareOp::create(builder, loc, ComparePredicate::Lt, count, zero);
  return SelectOp::create(builder, loc, overflows, most, count);
}

/// The number of passes, and the first index.
std::optional<std::pair<Value, Array>> Elaborator::evalCount(const ast::LoopStmt &stmt, Scope &scope) {
  auto *range = dyn_cast<ast::Range>(stmt.bound.get());
  if (!range != !stmt.variable) {
    error(Code::KindMismatch, stmt.bound->loc, range ? "a range needs a name for its index" : "'" + stmt.variable->name + "' runs over a range")
        .suggest(range ? "write loop i in a..b" : "write a..b, where b is excluded: 0..n");
    return std::nullopt;
  }
  Array from = range ? evalScalar(*range->from, scope, "the start of a loop") : integer(0, stmt.loc);
  Array to = evalScalar(range ? *range->to : *stmt.bound, scope, range ? "the end of a loop" : "the number of passes");
  if (from.isPoison() || to.isPoison())
    return std::nullopt;
  if (kindOf(from) == Kind::Float || kindOf(to) == Kind::Float) {
    error(Code::KindMismatch, stmt.bound->loc, "a loop counts by integers, but this is a real number").suggest("declare it as 'int'");
    return std::nullopt;
  }
  Array first = toKind(sliceLane(from), Kind::Int, stmt.loc);
  Array end = toKind(sliceLane(to), Kind::Int, stmt.loc);
  return std::pair(emitPasses(builder, place(stmt.bound->loc), first.lanes.front(), end.lanes.front()), first);
}

/// What the carried values begin with; null after an error.
std::optional<std::vector<Array>> Elaborator::evalInits(const ast::LoopStmt &stmt, Scope &scope) {
  std::vector<Array> values;
  bool isSound = true;
  for (const ast::LoopInit &init : stmt.inits) {
    Array x = sliceLane(evalArray(*init.value, scope));
    std::optional<Kind> kind = init.type ? kindOfType(init.type, nullptr) : std::nullopt;
    if (!x.isPoison() && kind && *kind >= kindOf(x))
      x = toKind(x, *kind, init.value->loc);
    if (!x.isPoison() && init.type && init.type->hasDims && !bindShape(*init.type, x, init.name.name, init.loc, scope))
      isSound = false;
    isSound &= !x.isPoison() && (!init.type || kind);
    values.push_back(x);
  }
  return isSound ? std::optional(values) : std::nullopt;
}

/// Widens what the last attempt has found too narrow; false if there was nothing.
static bool widen(const ast::LoopStmt &stmt, const Primes &tried, std::vector<Array> &values, Elaborator &elaborator) {
  for (auto [init, value] : llvm::zip_equal(stmt.inits, values))
    if (auto it = tried.wider.find(init.name.name); it != tried.wider.end()) {
      const Primes::Wider &wider = it->second;
      SmallVector<Value, 1> lanes;
      for (size_t k = 0; k < wider.numLanes; ++k)
        lanes.push_back(elaborator.fit(value, k, wider.axes, Shape(Algebra::ownShape(value, k)), wider.kind, init.value->loc));
      value = {lanes, wider.isEach, wider.isJoint, wider.axes};
    }
  return !tried.wider.empty();
}

/// The loop as an op; null if a carried value was too narrow or an error was reported.
LoopOp Elaborator::emitLoop(const ast::LoopStmt &stmt, Value count, const Array &first, llvm::ArrayRef<Array> inits, Primes &mine, Scope &scope) {
  SmallVector<Value> init;
  std::vector<std::string> names;
  for (auto [carried, value] : llvm::zip_equal(stmt.inits, inits)) {
    llvm::append_range(init, value.lanes);
    names.push_back(carried.name.name);
  }
  auto loop = LoopOp::create(builder, place(stmt.loc), mlir::TypeRange(mlir::ValueRange(init)), count, init);
  auto enter = [&](mlir::Region &region) {
    mlir::Block &block = region.emplaceBlock();
    Scope *inner = arena.scope(&scope);
    Array index{{block.addArgument(ArrayType::scalar(builder.getI64Type()), place(stmt.loc))}};
    for (auto [carried, value] : llvm::zip_equal(stmt.inits, inits)) {
      Array present = value;
      for (Value &lane : present.lanes)
        lane = block.addArgument(lane.getType(), place(carried.loc));
      inner->set(carried.name.name, present, carried.name.loc);
    }
    if (stmt.variable) {
      mlir::OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(&block);
      inner->set(stmt.variable->name, add(first, index, stmt.loc), stmt.variable->loc);
    }
    return inner;
  };
  Scope *inner = enter(loop.getBody());
  Primes *outer = std::exchange(primes, &mine);
  auto runPass = [&]() -> std::optional<SmallVector<Value>> {
    if (stmt.variable)
      builder.setInsertionPointToEnd(&loop.getBody().front());
    loopIndices.push_back(loop.getBody().front().getArgument(0)); // each pass draws its own numbers
    runInside(stmt.block, *inner);
    loopIndices.pop_back();
    return readNext(names, *inner);
  };
  bool isSound = fillRegion(loop.getBody(), stmt.loc, runPass);
  primes = outer;
  if (isSound && stmt.condition) {
    Scope *asked = enter(loop.getProceed());
    isSound = fillRegion(loop.getProceed(), stmt.condition->loc, [&]() -> std::optional<SmallVector<Value>> {
      if (stmt.variable)
        builder.setInsertionPointToEnd(&loop.getProceed().front());
      loopIndices.push_back(loop.getProceed().front().getArgument(0));
      Array c = sliceLane(evalCondition(*stmt.condition, *asked));
      loopIndices.pop_back();
      mine.differs |= c.lanes.size() > 1;
      return c.lanes.size() != 1 ? std::nullopt : std::optional(SmallVector<Value>{c.lanes.front()});
    });
  }
  if (isSound)
    return loop;
  loop.erase();
  return {};
}

/// Loops in loops whose carried values must be widened are elaborated again and again.
static constexpr size_t maxExpansion = 200000;

/// The loop for all tensors together or for the one at hand. `differs` tells that its condition is another one for each tensor.
std::optional<SmallVector<Array>> Elaborator::loopOnce(const ast::LoopStmt &stmt, Scope &scope, bool &differs) {
  auto count = evalCount(stmt, scope);
  std::optional<std::vector<Array>> inits = evalInits(stmt, scope);
  if (!count || !inits)
    return std::nullopt;
  // The type of a carried value is known when a pass has been elaborated: `s = 0` may become a real number, or one for each index.
  for (int attempt = 0; attempt < 4; ++attempt) {
    if (numEvaluated > maxExpansion) {
      error(Code::ExpansionTooLarge, stmt.loc, "the loops here expand to more than " + std::to_string(maxExpansion) + " operations")
          .suggest("begin what they carry with real numbers, s = 0.0, so that no pass is read twice");
      break;
    }
    Primes mine{nullptr, stmt.inits, {}, {}, false};
    if (LoopOp loop = emitLoop(stmt, count->first, count->second, *inits, mine, scope)) {
      mlir::ValueRange rest = loop.getCarried();
      SmallVector<Array> results(inits->begin(), inits->end());
      for (Array &result : results) {
        size_t lanes = result.lanes.size();
        result.lanes.assign(rest.begin(), rest.begin() + lanes);
        rest = rest.drop_front(lanes);
      }
      return results;
    }
    differs = mine.differs;
    if (differs || !widen(stmt, mine, *inits, *this))
      break;
  }
  return std::nullopt;
}

void Elaborator::runLoop(const ast::LoopStmt &stmt, Scope &scope) {
  std::vector<std::string> names;
  for (const ast::LoopInit &init : stmt.inits)
    if (stmt.variable && init.name.name == stmt.variable->name) {
      error(Code::NameAssignedTwice, init.name.loc, "'" + init.name.name + "' is defined twice")
          .note(stmt.variable->loc, "its first definition is here")
          .suggest("what a loop carries has a name of its own: choose a new one");
      return scope.set(init.name.name, Entity(), init.name.loc);
    }
  for (const ast::LoopInit &init : stmt.inits) {
    if (const Binding *known = scope.findLocal(init.name.name); known || llvm::is_contained(names, init.name.name)) {
      Diagnostic &diagnostic = error(Code::NameAssignedTwice, init.name.loc, "'" + init.name.name + "' is defined twice");
      if (known)
        diagnostic.note(known->loc, "its first definition is here");
      diagnostic.suggest("what a loop carries has a name of its own: choose a new one");
      for (const ast::LoopInit &each : stmt.inits)
        if (!scope.findLocal(each.name.name))
          scope.set(each.name.name, Entity(), each.loc);
      return;
    }
    names.push_back(init.name.name);
  }
  SmallVector<const ast::Expr *> deciding{stmt.bound.get()};
  if (auto *range = dyn_cast<ast::Range>(stmt.bound.get()))
    deciding = {range->from.get(), range->to.get()};
  bool isTogether = runsTogether(deciding, scope), differs = false;
  if (isTogether) {
    std::optional<SmallVector<Array>> together = loopOnce(stmt, scope, differs);
    if (!differs)
      return bindNext(names, scope, stmt.loc, /*isTogether=*/true, [&] { return together; });
  }
  bindNext(names, scope, stmt.loc, /*isTogether=*/false, [&] { return loopOnce(stmt, scope, differs); });
}
