//===- EmitLoop.cpp - loop -----------------------------------------------------===//
//
// A loop carries names of its own, and the states of the wrapped rules that it calls (EmitSite.cpp). The type of what it carries is known when
// a pass has been elaborated, so a pass may be read twice.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::cast;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Value;

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
  mlir::Operation *last = lastOperation();
  Entity value = evalNext(stmt, scope);
  for (auto [target, mine] : llvm::zip_equal(stmt.targets, valuesOf(stmt, value))) {
    if (!target.name.primed) {
      bindName(target.name, mine.isArray() ? Entity(renamed(mine.array(), last, stmt.loc)) : mine, scope);
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
  if (!stmt.boundaries.empty()) {
    error(Code::RecurrenceForm, stmt.loc, "a recurrence defines a new name, not a next value").suggest("give it a name of its own, and assign that: m' = A");
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
std::optional<Elaborator::Passes> Elaborator::evalCount(const ast::LoopStmt &stmt, Scope &scope) {
  auto *range = dyn_cast<ast::Range>(stmt.bound.get());
  if (!range != !stmt.variable) {
    error(Code::KindMismatch, stmt.bound->loc, range ? "a range needs a name for its index" : "'" + stmt.variable->name + "' runs over a range")
        .suggest(range ? "write loop i in a..b" : "write a..b, where b is excluded: 0..n");
    return std::nullopt;
  }
  Array from = range ? evalForEach(*range->from, scope, "the start of a loop") : integer(0, stmt.loc);
  Array to = evalForEach(range ? *range->to : *stmt.bound, scope, range ? "the end of a loop" : "the number of passes");
  if (from.isPoison() || to.isPoison())
    return std::nullopt;
  if (kindOf(from) == Kind::Float || kindOf(to) == Kind::Float) {
    error(Code::KindMismatch, stmt.bound->loc, "a loop counts by integers, but this is a real number").suggest("declare it as 'int'");
    return std::nullopt;
  }
  Array first = toKind(sliceLane(from), Kind::Int, stmt.loc);
  Array end = toKind(sliceLane(to), Kind::Int, stmt.loc);
  if (!first.axes.empty() || !end.axes.empty())
    return passesOfRows(first, end, stmt.bound->loc);
  return Passes{emitPasses(builder, place(stmt.bound->loc), first.lanes.front(), end.lanes.front()), first, {}};
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

/// The loop as an op; null if a carried value was too narrow or an error was reported. Where it ends for each row apart, it also carries
/// which rows are at work.
LoopOp Elaborator::emitLoop(const ast::LoopStmt &stmt, const Passes &passes, llvm::ArrayRef<std::string> names, llvm::ArrayRef<Array> inits, Primes &mine,
                            Scope &scope) {
  SmallVector<Value> init;
  for (const Array &value : inits)
    llvm::append_range(init, value.lanes);
  Array working;
  if (!mine.rows.empty()) {
    working = spreadOver(boolean(true, stmt.loc), mine.rows, stmt.loc);
    init.push_back(working.lanes.front());
  }
  auto loop = LoopOp::create(builder, place(stmt.loc), mlir::TypeRange(mlir::ValueRange(init)), passes.most, init);
  Array pass, alive; // of the region at hand
  auto enter = [&](mlir::Region &region) {
    mlir::Block &block = region.emplaceBlock();
    Scope *inner = arena.scope(&scope);
    pass = {{block.addArgument(ArrayType::scalar(builder.getI64Type()), place(stmt.loc))}};
    for (auto [k, name] : llvm::enumerate(names)) {
      Location at = k < stmt.inits.size() ? stmt.inits[k].name.loc : stmt.loc;
      Array present = inits[k];
      for (Value &lane : present.lanes)
        lane = block.addArgument(lane.getType(), place(at));
      inner->set(name, present, at);
    }
    alive = working;
    for (Value &lane : alive.lanes)
      lane = block.addArgument(lane.getType(), place(stmt.loc));
    if (stmt.variable) {
      mlir::OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(&block);
      inner->set(stmt.variable->name, add(passes.first, pass, stmt.loc), stmt.variable->loc);
    }
    return inner;
  };
  bool isByRow = !passes.rows.isPoison() || !mine.rows.empty();
  Scope *inner = enter(loop.getBody());
  Primes *outer = std::exchange(primes, &mine);
  Reports reports;
  auto runPass = [&]() -> std::optional<SmallVector<Value>> {
    llvm::SaveAndRestore ofPass(blockReports, &reports);
    if (stmt.variable)
      builder.setInsertionPointToEnd(&loop.getBody().front());
    loopIndices.push_back(pass.lanes.front()); // each pass draws its own numbers
    Array mask = isByRow ? rowsAtWork(stmt, passes, pass, alive, mine, *inner) : Array();
    {
      OnlyWhere here(*this, mask.isPoison() ? nullptr : &mask);
      runInside(stmt.block, *inner);
    }
    loopIndices.pop_back();
    if (isByRow && (mask.isPoison() || !keepStopped(names, mask, *inner, stmt.loc)))
      return std::nullopt;
    std::optional<SmallVector<Value>> next = readNext(names, *inner);
    if (next && !mine.rows.empty())
      next->push_back(mask.lanes.front());
    return next;
  };
  bool isSound = fillRegion(loop.getBody(), stmt.loc, runPass);
  primes = outer;
  if (isSound && stmt.condition) {
    Scope *asked = enter(loop.getProceed());
    isSound = fillRegion(loop.getProceed(), stmt.condition->loc, [&]() -> std::optional<SmallVector<Value>> {
      if (stmt.variable)
        builder.setInsertionPointToEnd(&loop.getProceed().front());
      loopIndices.push_back(pass.lanes.front());
      Array c = mine.rows.empty() ? sliceLane(evalCondition(*stmt.condition, *asked, /*mayDiffer=*/true)) : rowsAtWork(stmt, passes, pass, alive, mine, *asked);
      loopIndices.pop_back();
      mine.differs |= c.lanes.size() > 1;
      if (c.lanes.size() != 1)
        return std::nullopt;
      if (mine.rows.empty() && !c.axes.empty()) { // once more, for each row apart
        mine.rows = commonAxes({c, passes.rows});
        return std::nullopt;
      }
      return SmallVector<Value>{mine.rows.empty() ? c.lanes.front() : anyRow(c, stmt.condition->loc).lanes.front()};
    });
  }
  if (isSound) {
    leaveBlock(loop, reports);
    return loop;
  }
  loop.erase();
  return {};
}

/// The loop for all tensors together or for the one at hand. `differs` tells that its condition is another one for each tensor.
std::optional<SmallVector<Array>> Elaborator::loopOnce(const ast::LoopStmt &stmt, Scope &scope, bool &differs) {
  auto count = evalCount(stmt, scope);
  std::optional<std::vector<Array>> inits = evalInits(stmt, scope);
  std::optional<int64_t> checkpoints = readCheckpoints(stmt.slot, scope, "loop[checkpoints = 10] k in 0..n");
  if (!count || !inits || !checkpoints)
    return std::nullopt;
  std::vector<std::string> names;
  for (const ast::LoopInit &init : stmt.inits)
    names.push_back(init.name.name);
  std::vector<Array> states;
  for (const std::string &name : primedByCalls(stmt.block, scope))
    if (const Binding *present = findPresent(name, scope)) {
      names.push_back(name);
      states.push_back(sliceLane(present->entity.array()));
    }
  // The type of a carried value is known when a pass has been elaborated: `s = 0` may become a real number, or one for each index.
  SmallVector<IndexVar *, 2> rows;
  for (int attempt = 0; attempt < 6; ++attempt) {
    if (numEvaluated > maxExpansion) {
      error(Code::ExpansionTooLarge, stmt.loc, "the loops here expand to more than " + std::to_string(maxExpansion) + " operations")
          .suggest("begin what they carry with real numbers, s = 0.0, so that no pass is read twice");
      break;
    }
    Primes mine{nullptr, stmt.inits, {}, {}, false, rows, primes ? primes->around : nullptr};
    std::vector<Array> first = *inits;
    llvm::append_range(first, states);
    if (LoopOp loop = emitLoop(stmt, *count, names, first, mine, scope)) {
      if (*checkpoints > 0)
        loop = splitLoop(loop, *checkpoints, stmt.loc);
      mlir::ValueRange rest = loop.getCarried();
      SmallVector<Array> results(first.begin(), first.end());
      for (Array &result : results) {
        size_t lanes = result.lanes.size();
        result.lanes.assign(rest.begin(), rest.begin() + lanes);
        rest = rest.drop_front(lanes);
      }
      return results;
    }
    differs = mine.differs;
    bool isWidened = !differs && widen(stmt, mine, *inits, *this);
    if (differs || (!isWidened && mine.rows == rows))
      break;
    rows = mine.rows;
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
  std::vector<std::string> stepped;
  for (const std::string &name : primedByCalls(stmt.block, scope))
    if (findPresent(name, scope)) {
      stepped.push_back(name);
      names.push_back(name + "'"); // below the loop these are the next values
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
  // Tensors that make passes of their own would leave what wrapped rules share to the first of them.
  auto isOfEach = [&](const ast::Expr *expr) { return !mayDecide(*expr, stepped, scope); };
  auto shared = llvm::find_if(stepped, [&](const std::string &name) { return stmt.condition && laneCount > 1 && !findPresent(name, scope)->entity.array().isEach; });
  if (shared != stepped.end())
    perTensor(*shared + "'", stmt.condition->loc);
  if (shared != stepped.end() || llvm::any_of(deciding, isOfEach))
    for (const std::string &name : names)
      scope.set(name, Entity(), stmt.loc);
  else
    bindNext(names, scope, stmt.loc, /*isTogether=*/false, [&] { return loopOnce(stmt, scope, differs); });
}
