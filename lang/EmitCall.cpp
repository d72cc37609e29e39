//===- EmitCall.cpp - Calls of functions and the statements in them ---------===//
//
// A call binds the arguments in a fresh scope and elaborates the body there: functions are inlined. A function that
// reaches itself is an error, unless it is handed other functions each time.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::cast;
using llvm::dyn_cast;

//===----------------------------------------------------------------------===//
// Functions as values
//===----------------------------------------------------------------------===//

Entity Elaborator::declare(const ast::Function &unit, Scope &file) {
  Closure &closure = arena.closures.emplace_back();
  closure.name = unit.name.name;
  closure.loc = unit.name.loc;
  closure.decl = &unit;
  closure.unit = &unit;
  closure.params = &unit.params;
  closure.indices = &unit.indices;
  closure.value = unit.body.value.get();
  closure.block = unit.body.block.get();
  closure.scope = &file;
  return &static_cast<const Closure &>(closure);
}

const Closure *Elaborator::makeLocal(const ast::FunctionStmt &stmt, Scope &scope) {
  refuseSets(stmt.params);
  Closure &closure = arena.closures.emplace_back();
  closure.name = stmt.name.name;
  closure.loc = stmt.name.loc;
  closure.decl = &stmt;
  closure.params = &stmt.params;
  closure.indices = &stmt.indices;
  closure.value = stmt.body.value.get();
  closure.block = stmt.body.block.get();
  closure.scope = &scope;
  return &closure;
}

const Closure *Elaborator::makeLambda(const ast::Lambda &lambda, Scope &scope) {
  Closure &closure = arena.closures.emplace_back();
  closure.name = "this function";
  closure.loc = lambda.loc;
  closure.decl = &lambda;
  ast::Param param;
  param.loc = lambda.parameter.loc;
  param.name = lambda.parameter;
  closure.lambdaParams.push_back(std::move(param));
  closure.params = &closure.lambdaParams;
  closure.value = lambda.body.get();
  closure.scope = &scope;
  return &closure;
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

std::vector<Actual> Elaborator::evalArguments(llvm::ArrayRef<ast::Argument> arguments, Scope &scope) {
  std::vector<Actual> actuals;
  for (const ast::Argument &argument : arguments) {
    if (argument.isElse) {
      error(Code::UnknownArgument, argument.loc, "'else =' belongs to lookup(..) alone");
      continue;
    }
    actuals.push_back({argument.name, eval(*argument.value, scope), argument.value->loc});
  }
  return actuals;
}

bool Elaborator::bindParam(const ast::Param &param, Entity entity, Location at, Scope &inner) {
  const std::string &name = param.name.name;
  if (param.isFunction()) {
    bool isRule = param.type->kind == ast::TypeKind::Rule;
    bool fits = entity.isPoison() || (isRule ? entity.get<RuleCall>() || entity.site() : entity.get<Closure>() || entity.get<Builtin>());
    if (!fits)
      error(Code::NotAFunction, at, "'" + name + "' expects a " + (isRule ? "rule" : "function") + ", but this is " + entity.what().str())
          .suggest(isRule ? "a rule is given by its name or by a call of it, as clipped(adamw(lr = 1e-4))" : "a function is given by its name alone, as f where f(x) = .. stands before");
    inner.set(name, fits ? entity : Entity(), at);
    return fits;
  }
  bool isUntyped = !param.type && !param.isSize;
  if (!entity.isArray() && !entity.index() && isUntyped) { // a function passed without a declared type
    inner.set(name, entity, at);
    return true;
  }
  Array x = asArray(entity, at);
  bool isSound = !x.isPoison();
  if (isSound && param.isSize) {
    std::optional<DimExpr> size = formulaOf(x.lanes.front());
    if (!size || !size->isValid()) {
      if (kindOf(x) == Kind::Float)
        error(Code::SizeNotWhole, at, "'" + name + "' is a size, but this is a real number").suggest("give an integer or a dimension");
      else
        error(Code::SizeAtRunTime, at, "'" + name + "' is a size, which is fixed before the first step, but this is known in a step alone").suggest("give a number or a dimension");
      isSound = false;
    } else {
      mlir::Attribute given = size->toAttr(builder.getContext());
      const DimBinding *known = inner.findDimHere(name);
      if (known && known->lane(0) != given) {
        error(Code::DimensionConflict, at, "'" + name + "' is " + describe(given) + " here, and " + describe(known->lane(0)) + " elsewhere")
            .note(known->loc, "'" + name + "' is " + describe(known->lane(0)) + " here")
            .suggest("declare the size before the shapes that it is in");
        isSound = false;
      }
      inner.setDim(name, {{given}, at});
    }
  } else if (isSound && param.type) {
    std::optional<Kind> kind = kindOfType(param.type, param.defaultValue.get());
    isSound = kind.has_value();
    if (isSound && kindOf(x) > *kind) {
      error(Code::KindMismatch, at, "'" + name + "' expects " + (*kind == Kind::Int ? "an integer" : "a condition") + ", but this is a number")
          .note(param.name.loc, "'" + name + "' is declared here");
      isSound = false;
    }
    x = isSound && param.type->hasDims ? foldTrailing(*param.type, x, at) : x;
    if (isSound && param.type->hasDims)
      isSound = !x.isPoison() && bindShape(*param.type, x, name, at, inner);
    // An int where a real array is declared becomes one here.
    if (isSound && kindOf(x) != *kind)
      x = toKind(x, *kind, at);
  }
  inner.set(name, isSound ? Entity(named(x, at)) : Entity(), at);
  return isSound;
}

static bool differentiates(const Closure &closure, llvm::StringRef name) {
  return (closure.value && differentiatesIn(*closure.value, name)) || (closure.block && differentiatesIn(*closure.block, name));
}

bool Elaborator::bindActuals(const Closure &closure, std::vector<Actual> &actuals, Scope &inner, Location at) {
  const std::vector<ast::Param> &params = *closure.params;
  std::vector<const Actual *> chosen(params.size(), nullptr);
  size_t next = 0;
  bool isSound = true;
  for (const Actual &actual : actuals) {
    size_t position = next;
    if (actual.name) {
      auto it = llvm::find_if(params, [&](const ast::Param &param) { return param.name.name == actual.name->name; });
      position = it - params.begin();
      if (position == params.size()) {
        std::vector<std::string> names;
        for (const ast::Param &param : params)
          names.push_back(param.name.name);
        error(Code::UnknownArgument, actual.name->loc, "'" + closure.name + "' has no argument '" + actual.name->name + "'")
            .note(closure.loc, "'" + closure.name + "' is declared here")
            .suggest(didYouMean(actual.name->name, names));
        isSound = false;
        continue;
      }
    } else if (next++ >= params.size()) {
      error(Code::TooManyArguments, actual.loc,
            "'" + closure.name + "' takes " + counted(params.size(), "argument") + ", but not " + std::to_string(actuals.size()))
          .note(closure.loc, "'" + closure.name + "' is declared here");
      return false;
    }
    if (chosen[position]) {
      error(Code::ArgumentTwice, actual.loc, "the argument '" + params[position].name.name + "' is given twice")
          .note(chosen[position]->loc, "it is given first here");
      isSound = false;
      continue;
    }
    chosen[position] = &actual;
  }
  for (size_t position : bindingOrder(params, [&](size_t i) { return chosen[i] != nullptr; })) {
    const ast::Param &param = params[position];
    const Actual *actual = chosen[position];
    if (actual) {
      // grad[x](..) in the body means this x, and no other argument with the same value.
      bool isVariable = actual->entity.isArray() && differentiates(closure, param.name.name);
      isSound &= bindParam(param, isVariable ? Entity(distinct(actual->entity.array(), actual->loc)) : actual->entity, actual->loc, inner);
    } else if (param.defaultValue) {
      isSound &= bindParam(param, eval(*param.defaultValue, inner), param.defaultValue->loc, inner);
    } else if (!isSound) { // the argument may be the one whose name is wrong
      inner.set(param.name.name, Entity(), at);
    } else {
      error(Code::MissingArgument, at, "'" + closure.name + "' needs the argument '" + param.name.name + "'")
          .note(param.name.loc, "it is declared here");
      inner.set(param.name.name, Entity(), at);
      isSound = false;
    }
  }
  return isSound;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

Entity Elaborator::callClosure(const Closure &closure, std::vector<Actual> actuals, Location at, std::optional<Array> time) {
  if (arena.broken.contains(closure.decl))
    return {};
  if (closure.objective)
    return callObjective(closure, actuals, at);
  bool takesFunction = llvm::any_of(actuals, [](const Actual &a) { return a.entity.get<Closure>() || a.entity.get<Builtin>(); });
  bool isInside = llvm::is_contained(expanding, closure.decl) || llvm::any_of(frames, [&](const Frame &frame) { return frame.decl == closure.decl; });
  bool isTooDeep = std::max(frames.size(), expanding.size()) > maxCallDepth;
  if (numEvaluated > maxExpansion || (isTooDeep && !isInside))
    return tooLarge(closure.name, at);
  if ((isInside && !takesFunction) || isTooDeep) {
    Diagnostic &diagnostic = error(Code::RecursiveFunction, at, "'" + closure.name + "' calls itself");
    if (findBuiltin(closure.name))
      diagnostic.note(closure.loc, "this declaration hides the built-in function '" + closure.name + "'").suggest("give the declaration another name");
    else
      diagnostic.suggest("a fn is expanded where it is called, so it cannot recur");
    return {};
  }
  Scope *inner = arena.scope(closure.scope);
  if (closure.isSchedule()) {
    auto named = llvm::find_if(actuals, [](const Actual &a) { return a.name && a.name->name == "t"; });
    if (named != actuals.end()) {
      time = asArray(named->entity, named->loc);
      actuals.erase(named);
    }
    if (!time && isTest && keepsState(closure))
      time = integer(1, at); // the first call
    if (!time) {
      error(Code::MissingArgument, at, "the schedule '" + closure.name + "' needs a time").suggest("add t = 1, or call it where 't' is known");
      return {};
    }
    inner->set("t", *time, at);
  }
  std::map<std::string, Actual> given = takeGiven(closure, actuals);
  llvm::SaveAndRestore known(givenToCall, static_cast<const std::map<std::string, Actual> *>(&given));
  if (auto rows = given.find("rows"); rows != given.end())
    inner->set("rows", rows->second.entity, rows->second.loc);
  expanding.push_back(closure.decl);
  bool isSound = bindActuals(closure, actuals, *inner, at);
  expanding.pop_back();
  if (!isSound)
    return {};
  frames.push_back({"'" + closure.name + "'", at, closure.decl}); // errors in binding belong to the caller
  Primes *outer = std::exchange(primes, nullptr); // a function gives next values to nothing of its caller
  Entity result = runBody(closure, *inner, at);
  primes = outer;
  frames.pop_back();
  return result;
}

Entity Elaborator::runBody(const Closure &closure, Scope &inner, Location at) {
  if (closure.emit)
    return closure.emit(inner, at);
  // The site of a draw names the unit, wherever it is called, and the local functions inside.
  llvm::SaveAndRestore path(drawPath, (closure.unit ? "" : drawPath) + closure.name + ".");
  bool isLoss = closure.unit && closure.unit->function == ast::FunctionKind::Loss;
  llvm::SaveAndRestore loss(lossAtWork, isLoss ? &closure : lossAtWork);
  llvm::SaveAndRestore scopeOfLoss(lossScope, isLoss ? &inner : lossScope);
  Entity result = closure.unit && closure.unit->derivative                                   ? callCustom(closure, inner, at)
                  : closure.unit && closure.unit->function == ast::FunctionKind::Solver ? callSolver(closure, inner, at)
                                                                                             : evalBody(closure, inner, at);
  if (closure.unit && closure.unit->resultType && closure.unit->resultType->hasDims && result.isArray() && !result.isPoison() &&
      !bindShape(*closure.unit->resultType, result.array(), "the result", closure.unit->resultType->loc, inner))
    return {};
  return result;
}

Entity Elaborator::evalBody(const Closure &closure, Scope &inner, Location at) {
  if (closure.indices && !closure.indices->empty() && closure.value)
    return defineByIndex(*closure.indices, closure.loc, *closure.value, inner);
  return closure.value ? eval(*closure.value, inner) : keepsState(closure) ? runKept(closure, inner, at) : runBlock(*closure.block, inner, closure.loc);
}

Entity Elaborator::evalCall(const ast::Call &expr, Scope &scope) {
  size_t wanted = std::exchange(wantedResults, 1);
  const ast::Expr *callee = expr.callee.get();
  llvm::ArrayRef<ast::Subscript> slots;
  if (auto *subscripted = dyn_cast<ast::Index>(callee)) {
    auto *name = dyn_cast<ast::Name>(subscripted->base.get());
    const Builtin *builtin = name && !scope.find(name->name) ? findBuiltin(name->name) : nullptr;
    if (builtin) {
      CallSite site{builtin, &expr, subscripted->subscripts, &scope, expr.loc, wanted};
      auto isFlag = [&](const ast::Subscript &slot) {
        llvm::StringRef word = isBinder(slot, scope) ? llvm::StringRef(cast<ast::Name>(slot.value.get())->name) : "";
        return word == "all" || (!word.empty() && word == builtin->flag);
      };
      const auto *first = llvm::find_if_not(site.slots, isFlag);
      bool isByIndex = first != site.slots.end() && first->kind == ast::SubKind::Value;
      if (!isByIndex || builtin->hasSeveralResults)
        return (this->*builtin->emit)(site);
      return eachLane([&] { return asArray((this->*builtin->emit)(site), expr.loc); });
    }
    if (Entity base = eval(*subscripted->base, scope); base.get<Closure>())
      return withAllTensors(expr.loc, [&]() -> Entity {
        const Closure *chosen = selectData(*base.get<Closure>(), subscripted->subscripts, scope, subscripted->loc);
        return chosen ? callClosure(*chosen, evalArguments(expr.arguments, scope), expr.loc) : Entity();
      });
    else if (base.isPoison())
      return {};
  }
  Entity entity = eval(*callee, scope);
  if (const Builtin *builtin = entity.get<Builtin>())
    return (this->*builtin->emit)({builtin, &expr, slots, &scope, expr.loc, wanted});
  if (entity.site())
    return callSite(*entity.site(), expr, scope);
  if (const ast::Rule *rule = entity.get<ast::Rule>()) {
    const RuleCall *call = bindRule(*rule, expr.arguments, scope, expr.loc);
    return call ? Entity(call) : Entity();
  }
  if (const Closure *closure = entity.get<Closure>()) {
    if (closure->objective)
      return withAllTensors(expr.loc, [&] { return callClosure(*closure, evalArguments(expr.arguments, scope), expr.loc); });
    const Binding *time = scope.find("t");
    bool hasTime = closure->isSchedule() && time && time->entity.isArray() && !time->entity.isPoison();
    return callClosure(*closure, evalArguments(expr.arguments, scope), expr.loc,
                       hasTime ? std::optional<Array>(time->entity.array()) : std::nullopt);
  }
  // To something unknown a loss may be given with its data alone, and a schedule without its time.
  Diagnostics::Mark before = diagnostics.mark();
  evalArguments(expr.arguments, scope);
  auto added = llvm::drop_begin(diagnostics.getAll(), before.numMessages);
  if (entity.isPoison() && llvm::all_of(added, [](const Diagnostic &one) { return one.code == Code::MissingArgument; }))
    diagnostics.rollBack(before);
  if (!entity.isPoison())
    error(Code::NotAFunction, callee->loc, "only a function can be called, but this is " + entity.what().str()).suggest("a product is written with '*'");
  return {};
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

bool Elaborator::bindName(const ast::Ident &name, Entity entity, Scope &scope) {
  std::string key = name.name + (name.primed ? "'" : "");
  const Binding *known = scope.findLocal(key);
  if (!known) {
    scope.set(key, std::move(entity), name.loc);
    return true;
  }
  bool hasNext = currentRun && currentRun->block && !name.primed && isParamOrState(*currentRun->block, name.name);
  error(Code::NameAssignedTwice, name.loc, "'" + key + "' is defined twice")
      .note(known->loc, "its first definition is here")
      .suggest(hasNext ? "its next value has a prime: " + key + "' = .." : "a name keeps its value: choose a new one");
  return false;
}

/// One value for each name on the left; poison where there are more of one than of the other.
Entity::Tuple Elaborator::valuesOf(const ast::AssignStmt &stmt, const Entity &value) {
  const Entity::Tuple *values = value.get<Entity::Tuple>();
  size_t count = values ? values->size() : 1;
  if (count == stmt.targets.size())
    return values ? *values : Entity::Tuple{value};
  if (!value.isPoison())
    error(Code::ResultCount, stmt.loc, "here are " + counted(stmt.targets.size(), "name") + " for " + counted(count, "value"));
  return Entity::Tuple(stmt.targets.size());
}

void Elaborator::runAssign(const ast::AssignStmt &stmt, Scope &scope) {
  if (!stmt.boundaries.empty() || readsItself(stmt, scope))
    return runRecurrence(stmt, scope);
  for (const ast::Target &target : stmt.targets)
    if (target.name.primed) {
      error(Code::PrimeOutsideRule, target.loc, "'" + target.name.name + "'' has a prime, but there is no step here").suggest("drop the prime");
      for (const ast::Target &mine : stmt.targets)
        if (!scope.findLocal(mine.name.name))
          scope.set(mine.name.name, Entity(), mine.loc);
      return;
    }
  auto isWhole = [&](const ast::Target &target) { return definesWhole(target.subscripts, scope); };
  bool hasSubscript = llvm::any_of(stmt.targets, [](const ast::Target &target) { return !target.subscripts.empty(); });
  if (stmt.targets.size() > 1 && hasSubscript && !stmt.isAdd && llvm::all_of(stmt.targets, isWhole)) {
    for (auto [target, value] : llvm::zip_equal(stmt.targets, defineSeveral(stmt, scope)))
      bindName(target.name, value, scope);
    return;
  }
  if (stmt.targets.size() > 1 && (stmt.isAdd || hasSubscript))
    return writePlaces(stmt, scope);
  const ast::Target &target = stmt.targets[0];
  if (stmt.isAdd || !definesWhole(target.subscripts, scope))
    return writePlaces(stmt, scope);
  if (!target.subscripts.empty()) {
    bindName(target.name, defineByIndex(target.subscripts, target.loc, *stmt.value, scope), scope);
    return;
  }
  mlir::Operation *last = lastOperation();
  Entity value = evalValues(stmt, scope);
  if (stmt.targets.size() == 1) {
    if (value.get<Entity::Tuple>()) {
      error(Code::ResultCount, stmt.loc, "the right side has several values").suggest("name each of them: a, b = ..");
      value = {};
    }
    if (IndexVar *index = value.index())
      value = indexValue(*index, stmt.value->loc);
    if (value.isArray() && !value.isPoison())
      value = named(renamed(value.array(), last, stmt.loc), stmt.loc);
    bindName(stmt.targets[0].name, value, scope);
    return;
  }
  for (auto [target, mine] : llvm::zip_equal(stmt.targets, valuesOf(stmt, value)))
    bindName(target.name, mine.isArray() ? Entity(renamed(mine.array(), last, stmt.loc)) : mine, scope);
}

/// Statements that may stand in every body. False if `stmt` is none of them.
bool Elaborator::runCommon(const ast::Stmt &stmt, Scope &scope) {
  switch (stmt.kind) {
  case ast::StmtKind::Const: {
    const ast::Decl &decl = cast<ast::ConstStmt>(stmt).decl;
    bindName(decl.name, evalConstant(decl, scope), scope);
    return true;
  }
  case ast::StmtKind::Function: {
    auto &function = cast<ast::FunctionStmt>(stmt);
    bindName(function.name, makeLocal(function, scope), scope);
    return true;
  }
  case ast::StmtKind::Assign:
    runAssign(cast<ast::AssignStmt>(stmt), scope);
    return true;
  case ast::StmtKind::Draw:
    runDraw(cast<ast::DrawStmt>(stmt), scope);
    return true;
  case ast::StmtKind::Every:
    runEvery(cast<ast::EveryStmt>(stmt), scope);
    return true;
  case ast::StmtKind::When:
    runWhen(cast<ast::WhenStmt>(stmt), scope);
    return true;
  case ast::StmtKind::Loop:
    runLoop(cast<ast::LoopStmt>(stmt), scope);
    return true;
  case ast::StmtKind::Solves:
    runSolves(cast<ast::SolvesStmt>(stmt), scope);
    return true;
  default:
    return false;
  }
}

static llvm::StringRef wordOf(ast::StmtKind kind) {
  static constexpr llvm::StringLiteral words[] = {"const", "param", "grad", "state", "input", "draw", "fn", "an assignment",
                                                  "every", "when", "on", "loop", "emit", "return", "expect", "solves"};
  return words[static_cast<int>(kind)];
}

void Elaborator::notHere(const ast::Stmt &stmt, llvm::StringRef where, llvm::StringRef wayOut) {
  error(Code::StatementNotHere, stmt.loc, "'" + wordOf(stmt.kind).str() + "' cannot stand in " + where.str()).suggest(wayOut.str());
}

/// The values of the `return` at a position, which must be the last.
Entity Elaborator::runReturn(const ast::Block &block, size_t position, Scope &inner) {
  auto &result = cast<ast::ReturnStmt>(*block.statements[position]);
  if (position + 1 < block.statements.size())
    error(Code::StatementAfterReturn, block.statements[position + 1]->loc, "nothing may follow 'return'").note(result.loc, "it is here");
  if (result.values.size() == 1)
    return eval(*result.values[0], inner);
  std::vector<Entity> entities;
  for (const ast::ExprPtr &value : result.values)
    entities.push_back(eval(*value, inner));
  return tuple(std::move(entities));
}

Entity Elaborator::runBlock(const ast::Block &block, Scope &inner, Location at) {
  for (auto [i, stmt] : llvm::enumerate(block.statements)) {
    if (stmt->kind == ast::StmtKind::Return)
      return runReturn(block, i, inner);
    if (runCommon(*stmt, inner))
      continue;
    if (stmt->kind == ast::StmtKind::State || stmt->kind == ast::StmtKind::Input) {
      error(Code::StateNotKept, stmt->loc, "a rule, a loss or a schedule may have states and inputs, but this is another function")
          .suggest(stmt->kind == ast::StmtKind::State ? "carry it through a loop, or pass it and return the next value" : "pass it as an argument");
      return {}; // what stands behind it would miss its names
    }
    notHere(*stmt, "a function", stmt->kind == ast::StmtKind::Expect ? "claims stand in tests" : "");
  }
  error(Code::NoReturn, at, "the body returns nothing").suggest("end it with 'return ..'");
  return {};
}
