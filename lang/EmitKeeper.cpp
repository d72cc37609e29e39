//===- EmitKeeper.cpp - Losses and schedules with state ------------------------===//
//
// A loss or schedule may declare states and inputs. They belong to whoever calls it: the rule or the train unit whose hyper-parameter is
// bound to the schedule, under the path of that hyper-parameter; the train unit that minimises the loss; the C entry of one that stands
// alone; and in a test nobody, so that a call begins with the initial values or those given by name, and a run of a rule goes on from there.
// Inside, the primes are those of a rule.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using mlir::Value;

/// The declarations of a body, with whether they are states.
static void forEachKept(const ast::Block &block, llvm::function_ref<void(const ast::Decl &, bool)> visit) {
  for (const ast::StmtPtr &stmt : block.statements) {
    if (auto *states = dyn_cast<ast::StateStmt>(stmt.get()))
      for (const ast::Decl &decl : states->decls)
        visit(decl, true);
    if (auto *inputs = dyn_cast<ast::InputStmt>(stmt.get()))
      for (const ast::Decl &decl : inputs->decls)
        visit(decl, false);
  }
}

bool Elaborator::keepsState(const Closure &closure) {
  if (!closure.block || !closure.unit || (closure.unit->function != ast::FunctionKind::Loss && !closure.isSchedule()))
    return false;
  bool found = false;
  forEachKept(*closure.block, [&](const ast::Decl &, bool) { found = true; });
  return found;
}

/// Whether a formula names a loss or schedule with state.
bool Elaborator::mentionsState(const ast::Expr &expr, Scope &scope) {
  bool found = false;
  forEachExpr(expr, [&](const ast::Expr &part) {
    auto *name = dyn_cast<ast::Name>(&part);
    const Binding *binding = name ? scope.find(name->name) : nullptr;
    const Closure *closure = binding ? binding->entity.get<Closure>() : nullptr;
    found |= closure && keepsState(*closure);
  });
  return found;
}

/// The arguments of a call that name states, inputs or the row ids of what is called, and none of its parameters.
std::map<std::string, Actual> Elaborator::takeGiven(const Closure &closure, std::vector<Actual> &actuals) {
  std::map<std::string, Actual> given;
  std::set<std::string> names;
  if (keepsState(closure))
    forEachKept(*closure.block, [&](const ast::Decl &decl, bool) { names.insert(decl.name.name); });
  if (closure.unit && closure.unit->function == ast::FunctionKind::Loss)
    names.insert("rows");
  for (const ast::Param &param : *closure.params)
    names.erase(param.name.name);
  llvm::erase_if(actuals, [&](const Actual &actual) {
    if (!actual.name || !names.contains(actual.name->name) || !given.try_emplace(actual.name->name, actual).second)
      return false;
    return true;
  });
  return given;
}

/// The loop of a test's run around what is written now, or null.
static LoopOp runAround(mlir::OpBuilder &builder) {
  mlir::Operation *around = builder.getInsertionBlock()->getParentOp();
  while (around && !around->hasAttr("run"))
    around = around->getParentOp();
  return llvm::dyn_cast_or_null<LoopOp>(around);
}

Array Elaborator::keptState(const ast::Decl &decl, RuleRun &run) {
  std::string path = run.path + decl.name.name;
  Array initial = initialState(decl, /*isShared=*/true, run);
  if (initial.isPoison())
    return {};
  if (auto it = givenToCall ? givenToCall->find(decl.name.name) : std::map<std::string, Actual>::const_iterator(); givenToCall && it != givenToCall->end()) {
    ast::Target target;
    target.name.name = decl.name.name;
    return nextValue(target, it->second.entity, initial, it->second.loc);
  }
  if (run.slots) {
    auto same = llvm::find_if(*run.slots, [&](const StateSlot &slot) { return slot.path == path; });
    if (same != run.slots->end()) {
      error(Code::StateNotKept, decl.loc, "the state '" + path + "' is kept for two calls at once").suggest("call what has a state once in a formula");
      return {};
    }
    Storage storage = storageOf(decl.type);
    run.slots->push_back({path, &decl, initial, {}, true, storage});
    run.slots->back().types.push_back(storedType(typeOf(initial.lanes.front()), storage));
  }
  if (!run.states) {
    // The first step of a run begins with it; what a further one begins with, EmitRun.cpp puts in its place.
    auto own = llvm::find_if(ownEvaluations, [&](const OwnEvaluation &own) { return run.nextStates == &own.next || run.committed == &own.next; });
    LoopOp steps = runAround(builder);
    if (own == ownEvaluations.end() || !steps)
      return initial;
    Array isFirst = compare(ComparePredicate::Eq, {{steps.getBody().front().getArgument(0)}}, integer(0, decl.loc), decl.loc);
    initial.lanes = select(isFirst, initial, initial, decl.loc).lanes;
    initial.lanes.front().getDefiningOp()->setAttr("kept", builder.getStringAttr(llvm::Twine(own - ownEvaluations.begin()) + ":" + path));
    return initial;
  }
  auto it = run.states->find(path);
  return it == run.states->end() ? Array() : it->second;
}

Array Elaborator::keptInput(const ast::Decl &decl, RuleRun &run) {
  auto it = givenToCall ? givenToCall->find(decl.name.name) : std::map<std::string, Actual>::const_iterator();
  if (!givenToCall || it == givenToCall->end()) {
    if (run.given && run.inputs)
      return takeInput(decl, /*isShared=*/true, run);
    if (decl.value)
      return evalArray(*decl.value, *run.scope);
    error(Code::MissingArgument, frames.empty() ? decl.loc : frames.back().at, "the input '" + decl.name.name + "' is not given").note(decl.name.loc, "it is declared here");
    return {};
  }
  std::optional<Kind> kind = kindOfType(decl.type, nullptr);
  Array x = asArray(it->second.entity, it->second.loc);
  if (x.isPoison() || !kind)
    return {};
  if (kindOf(x) > *kind) {
    error(Code::KindMismatch, it->second.loc, "'" + decl.name.name + "' holds no real numbers, but this is one").note(decl.loc, "it is declared here");
    return {};
  }
  ast::Type number;
  number.hasDims = true;
  bool hasDims = decl.type && decl.type->hasDims;
  return bindShape(hasDims ? *decl.type : number, x, decl.name.name, it->second.loc, *run.scope) ? toKind(x, *kind, it->second.loc) : Array();
}

/// Gives the states and inputs of a body their values.
bool Elaborator::openKept(const Closure &closure, RuleRun &run) {
  bool isSound = true;
  forEachKept(*closure.block, [&](const ast::Decl &decl, bool isState) {
    Array x = isState ? keptState(decl, run) : keptInput(decl, run);
    isSound &= !x.isPoison();
    bindName(decl.name, x.isPoison() || isState ? x : named(x, decl.loc), *run.scope);
  });
  return isSound;
}

static bool hasPeriod(const ast::Block &block) {
  return llvm::any_of(block.statements, [](const ast::StmtPtr &stmt) { return stmt->kind == ast::StmtKind::Every; });
}

Entity Elaborator::runKept(const Closure &closure, Scope &inner, Location at) {
  std::vector<StateSlot> slots;
  RuleRun run;
  bool isAllGiven = true;
  forEachKept(*closure.block, [&](const ast::Decl &decl, bool isState) { isAllGiven &= !isState || (givenToCall && givenToCall->contains(decl.name.name)); });
  if (keeper) {
    run = *keeper->run;
    run.path = keeper->path;
  } else if (!isTest && !isAllGiven) {
    error(Code::StateNotKept, at, "'" + closure.name + "' has a state, which nobody keeps here")
        .note(closure.loc, "'" + closure.name + "' is declared here")
        .suggest(closure.isSchedule() ? "bind it to a hyper-parameter, as in train .. with sgd(lr = " + closure.name + "(..))"
                                      : "a train unit keeps the states of the loss that it minimizes, asked by its name alone");
    return {};
  }
  run.block = closure.block;
  run.scope = &inner;
  if (const Binding *time = inner.findHere("t"); time && time->entity.isArray())
    run.time = time->entity.array();
  else if (run.time.isPoison() && hasPeriod(*closure.block))
    run.time = drawTime(at);
  if (!openKept(closure, run))
    return {};
  Primes mine{&run, {}, {}, {}, false, {}, nullptr, readsCommitted};
  if (readsCommitted)
    for (const auto &[path, next] : *run.committed)
      if (llvm::StringRef name(path); name.consume_front(run.path) && inner.findHere(name))
        inner.set((name + "'").str(), next, closure.loc);
  llvm::SaveAndRestore ownPoint(readsCommitted, false);
  llvm::SaveAndRestore atPrimes(primes, &mine);
  llvm::SaveAndRestore notKept(keeper, static_cast<StateKeeper *>(nullptr));
  llvm::SaveAndRestore notGiven(givenToCall, static_cast<const std::map<std::string, Actual> *>(nullptr));
  llvm::SaveAndRestore outside(numBlocks, 0u);
  Entity result;
  for (auto [i, stmt] : llvm::enumerate(closure.block->statements)) {
    if (stmt->kind == ast::StmtKind::Return) {
      result = runReturn(*closure.block, i, inner);
      break;
    }
    bool isOfRule = stmt->kind == ast::StmtKind::Param || stmt->kind == ast::StmtKind::Grad || stmt->kind == ast::StmtKind::On || stmt->kind == ast::StmtKind::Emit;
    isOfRule ? notHere(*stmt, "a function", "") : runRuleStatement(*stmt, run);
    if (i + 1 == closure.block->statements.size())
      error(Code::NoReturn, at, "the body returns nothing").suggest("end it with 'return ..'");
  }
  forEachKept(*closure.block, [&](const ast::Decl &decl, bool isState) {
    const Binding *next = isState ? inner.findHere(decl.name.name + "'") : nullptr;
    const Binding *last = next ? next : inner.findHere(decl.name.name);
    if (isState && run.nextStates)
      (*run.nextStates)[run.path + decl.name.name] = last->entity.isArray() ? last->entity.array() : Array();
  });
  return result;
}

/// The first states of a loss or schedule that stands alone.
bool Elaborator::emitKeptInit(const ast::Function &function, const Closure &closure, std::vector<StateSlot> &slots) {
  UnitBuilder unit(*this, module, FuncKind::RuleInit, function.name.name + ".init", function.loc);
  Scope *inner = arena.scope(closure.scope);
  bool isSound = true;
  std::set<std::string> read; // by the values with which the states begin
  forEachKept(*closure.block, [&](const ast::Decl &decl, bool isState) {
    if (isState && decl.value)
      forEachExpr(*decl.value, [&](const ast::Expr &expr) {
        if (auto *name = dyn_cast<ast::Name>(&expr))
          read.insert(name->name);
      });
  });
  for (auto [position, param] : llvm::enumerate(function.params)) {
    const bool isTensor = (param.type && param.type->hasDims) || (position == 0 && !param.defaultValue && !closure.isSchedule());
    if (isTensor && !param.isSize && read.contains(param.name.name)) {
      Array x = functionArgument(unit, function, position, *inner);
      isSound &= !x.isPoison();
      inner->set(param.name.name, x, param.name.loc);
    } else if (param.isSize)
      isSound &= bindSize(param, nullptr, param.name.name, *inner, param.loc);
    else if (param.isFunction())
      continue;
    else if (param.type && param.type->hasDims)
      isSound &= evalShape(*param.type, 0, *inner, /*mayDeclare=*/true).has_value();
    else if (position > 0 || param.defaultValue || closure.isSchedule())
      inner->set(param.name.name, hyperArgument(unit, param, param.name.name, nullptr, *inner), param.name.loc);
  }
  std::map<std::string, GivenInput> given;
  InputSource inputs = [&](const ast::Decl &decl, bool isShared, RuleRun &run) { return inputArgument(unit, decl, isShared, run); };
  RuleRun run;
  run.block = closure.block;
  run.scope = inner;
  run.time = integer(1, function.loc);
  run.slots = &slots;
  run.given = &given;
  run.inputs = &inputs;
  isSound = isSound && openKept(closure, run);
  for (StateSlot &slot : slots)
    if (isSound)
      unit.addResult(Role::State, slot.path, roundTo(slot.initial.lanes.front(), slot.types.front().getElementType(), {}, slot.decl->loc));
  finishUnit(unit.finish(isSound, function.loc), function, function.name.name);
  return isSound;
}

/// Arguments for the states of a loss or schedule that stands alone.
void Elaborator::openKeptUnit(UnitBuilder &unit, KeptUnit &kept, const Array &time) {
  kept.run.root = unit.getFunc().getSymName().str();
  kept.run.time = time;
  kept.inputs = [this, &unit](const ast::Decl &decl, bool isShared, RuleRun &run) { return inputArgument(unit, decl, isShared, run); };
  kept.run.inputs = &kept.inputs;
  kept.run.given = &kept.given;
  kept.run.states = &kept.states;
  kept.run.nextStates = &kept.next;
  for (const StateSlot &slot : kept.slots) {
    Value argument = unit.addArgument(Role::State, slot.path, slot.types.front(), slot.decl->loc);
    kept.buffers[slot.path] = argument;
    kept.states[slot.path] = load({{argument}}, slot.decl->loc);
  }
}

/// A schedule is asked once in a step and replaces its states. A loss may be evaluated at many points of one step: it gives the next
/// states beside the present ones, to who wants to commit them.
void Elaborator::returnKept(UnitBuilder &unit, KeptUnit &kept, bool replaces) {
  for (const StateSlot &slot : kept.slots) {
    auto it = kept.next.find(slot.path);
    if (it == kept.next.end() || it->second.isPoison())
      continue;
    Value value = store(it->second, slot.storage, slot.path, kept.run, slot.decl->loc).lanes.front();
    if (replaces)
      unit.addResult(Role::Next, slot.path, value, kept.buffers[slot.path]);
    else
      unit.addResult(Role::Report, slot.path + ".next", value);
  }
}

//===----------------------------------------------------------------------===//
// Row ids
//===----------------------------------------------------------------------===//

/// `rows` in a loss: the numbers, in the whole of the data, of the samples at hand. The application gives them; a test counts from 0.
Array Elaborator::rowIds(Location at) {
  std::string axis = rowAxis(*lossAtWork->unit);
  const DimBinding *dim = axis.empty() ? nullptr : lossScope->findDim(axis);
  if (!dim) {
    error(Code::RowsUnknown, at, "'rows' are the numbers of the samples, but no argument of '" + lossAtWork->name + "' has an axis of samples")
        .suggest("the first argument that is no parameter begins with it: x: [n, d]");
    return {};
  }
  // An objective on other data than the batch has other rows.
  bool isAsked = asked && asked->target == lossAtWork;
  auto sampled = llvm::find_if(isAsked ? llvm::ArrayRef<ObjectiveArgument>(asked->arguments) : llvm::ArrayRef<ObjectiveArgument>(),
                               [](const ObjectiveArgument &argument) { return argument.isSampled; });
  bool isFurther = isAsked && (asked->choice == DataChoice::Next || asked->choice == DataChoice::All);
  bool isChosen = isAsked && !isFurther && sampled != asked->arguments.data() + asked->arguments.size();
  Shape shape{isChosen ? ownShape(sampled->value.array()).front() : dim->lane(0)};
  if (!rowsUnit && !isTest) {
    error(Code::RowsUnknown, at, "the numbers of the samples are known where the loss is trained, or called from C, alone").suggest("pass them as an argument");
    return {};
  }
  Array rows;
  if (rowsUnit) {
    DataChoice choice = isFurther ? asked->choice : DataChoice::Batch;
    Value &argument = rowsArguments[choice];
    if (!argument)
      argument = rowsUnit->addArgument(Role::Data, choice == DataChoice::Next ? "next.rows" : choice == DataChoice::All ? "all.rows" : "rows",
                                       ArrayType::get(builder.getContext(), shape, builder.getI64Type()), at);
    if (typeOf(argument).getShape() != llvm::ArrayRef(shape)) {
      error(Code::RowsUnknown, at, "'rows' of '" + lossAtWork->name + "' are of the shape " + describe(shape) + ", but another loss of the step has rows of the shape " + describe(typeOf(argument).getShape()))
          .suggest("call the sizes of their samples alike, or pass the numbers of one of them as an argument");
      return {};
    }
    rows = {{argument}};
  } else {
    rows = counts(shape, 0, at);
  }
  return isChosen ? asArray(onChosen(*asked, rows, at), at) : rows;
}
