//===- EmitRule.cpp - Rules at work on tensors -------------------------------===//
//
// A RuleRun is a rule with the tensors of a collection: each statement is elaborated for all of them before the next.
// A wrapped rule runs inside its wrapper's call `base(w, g)`, with its states under the path `base.` (EmitState.cpp; inputs and reports: EmitRole.cpp). Where hyper-parameters come
// from (arguments, constants, schedules) is up to the caller.
//
//===----------------------------------------------------------------------===//

#include "dialect/Jvp.h"
#include "lang/Elaborator.h"
#include "lang/SampleSizes.h"
#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::cast;
using llvm::dyn_cast;
using mlir::Attribute;
using mlir::Value;

//===----------------------------------------------------------------------===//
// Rules as values
//===----------------------------------------------------------------------===//

const RuleCall *Elaborator::bindRule(const ast::Rule &rule, llvm::ArrayRef<ast::Argument> arguments, Scope &scope, Location at) {
  RuleCall &call = arena.ruleCalls.emplace_back();
  call.rule = &rule;
  call.home = arena.homes.lookup(&rule);
  call.loc = at;
  size_t next = 0;
  bool isSound = true;
  for (const ast::Argument &argument : arguments) {
    std::string name;
    if (argument.isElse) {
      error(Code::UnknownArgument, argument.loc, "'else =' belongs to lookup(..) alone");
      isSound = false;
      continue;
    }
    if (argument.name) {
      name = argument.name->name;
      std::vector<std::string> names;
      for (const ast::Param &param : rule.params)
        names.push_back(param.name.name);
      for (const ast::Oracle &oracle : rule.oracles)
        names.push_back(oracle.name.name);
      if (!llvm::is_contained(names, name)) {
        error(Code::UnknownArgument, argument.name->loc, "'" + rule.name.name + "' has no hyper-parameter '" + name + "'")
            .note(rule.name.loc, "'" + rule.name.name + "' is declared here")
            .suggest(didYouMean(name, names));
        isSound = false;
        continue;
      }
    } else if (next < rule.params.size()) {
      name = rule.params[next++].name.name;
    } else {
      error(Code::TooManyArguments, argument.loc, "'" + rule.name.name + "' takes " + counted(rule.params.size(), "argument") + ", but not " + std::to_string(arguments.size()))
          .note(rule.name.loc, "'" + rule.name.name + "' is declared here");
      return nullptr;
    }
    if (!call.bound.try_emplace(name, Delayed{argument.value.get(), &scope}).second) {
      error(Code::ArgumentTwice, argument.loc, "the argument '" + name + "' is given twice");
      isSound = false;
    }
  }
  return isSound ? &call : nullptr;
}

const RuleCall *Elaborator::evalRule(const ast::Expr &expr, Scope &scope) {
  Entity entity = eval(expr, scope);
  if (const RuleCall *call = entity.get<RuleCall>())
    return call;
  if (const ast::Rule *rule = entity.get<ast::Rule>())
    return bindRule(*rule, {}, scope, expr.loc);
  if (entity.site())
    return entity.site()->call;
  if (!entity.isPoison())
    error(Code::RuleExpected, expr.loc, "expected a rule, but this is " + entity.what().str());
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Opening a rule: its scope, hyper-parameters, params and gradients
//===----------------------------------------------------------------------===//

bool Elaborator::openRule(RuleRun &run, const HyperSource &hypers) {
  const ast::Rule &rule = *run.call->rule;
  run.scope = arena.scope(run.call->home);
  laneCount = run.params.empty() ? 1 : run.params.front().lanes.size();
  run.scope->set("t", run.time, rule.loc);
  bool isSound = true;
  for (const ast::Param &param : rule.params) {
    const Delayed *bound = findBound(run.call->bound, param.name.name);
    const ast::Expr *source = bound ? bound->expr : param.defaultValue.get();
    Scope &where = bound ? *bound->scope : *run.scope;
    if (param.isFunction()) {
      bool isRule = param.type->kind == ast::TypeKind::Rule;
      Entity entity;
      if (source && isRule) {
        if (const RuleCall *inner = wrappedRule(*run.call, param, *run.scope)) {
          RuleSite &site = arena.sites.emplace_back(RuleSite{&run, param.name.name, inner, {}, nullptr});
          entity = &site;
        }
      } else if (source) {
        entity = eval(*source, where);
      } else if (!run.isCheck) {
        error(Code::MissingArgument, run.call->loc, "'" + rule.name.name + "' needs the " + (isRule ? "rule" : "function") + " '" + param.name.name + "'")
            .note(param.name.loc, "it is declared here");
      }
      isSound &= bindParam(param, entity, source ? source->loc : param.loc, *run.scope) && (run.isCheck || !entity.isPoison());
      continue;
    }
    if (param.isSize) {
      std::string owner = run.lanes.empty() ? "" : llvm::StringRef(run.sharedPrefix + run.path).drop_back().str();
      isSound &= bindSize(param, bound, run.hyperPrefix + run.path + param.name.name, *run.scope, param.loc, owner);
      continue;
    }
    StateKeeper mine{&run, run.path + param.name.name + "."};
    llvm::SaveAndRestore keeps(keeper, &mine);
    Array value = hypers(param, run.hyperPrefix + run.path + param.name.name, bound, *run.scope, run.time);
    isSound &= !value.isPoison();
    run.scope->set(param.name.name, value, param.name.loc);
  }
  foldTensors(run);
  size_t nextParam = 0, nextGrad = 0;
  for (const ast::StmtPtr &stmt : rule.block.statements) {
    if (auto *params = dyn_cast<ast::ParamStmt>(stmt.get()))
      for (const ast::Decl &decl : params->decls)
        if (nextParam < run.params.size()) {
          Array &param = run.params[nextParam++];
          param.isJoint = params->isJoint;
          if (param.isJoint && param.lanes.size() > 1 && decl.type && decl.type->hasDims) {
            error(Code::ShapeMismatch, run.call->loc, "'" + rule.name.name + "' takes one tensor of the shape that it declares, but here are " + std::to_string(param.lanes.size()))
                .note(decl.loc, "'" + decl.name.name + "' is declared here")
                .suggest("give each tensor a rule of its own: with { W: .. b: .. }");
            isSound = false;
          } else if (decl.type && decl.type->hasDims && !bindShape(*decl.type, param, decl.name.name, run.call->loc, *run.scope))
            isSound = false;
          bindName(decl.name, param, *run.scope);
        }
    if (auto *grads = dyn_cast<ast::GradStmt>(stmt.get()))
      for (const ast::GradStmt::Entry &entry : grads->entries)
        if (nextGrad < run.grads.size()) {
          run.grads[nextGrad].isJoint = !run.params.empty() && run.params.front().isJoint;
          bindName(entry.name, run.grads[nextGrad++], *run.scope);
        }
  }
  isSound &= openOracles(run);
  return openInputs(run) && isSound;
}

/// param W: [p, q..] sees tensors of more axes as matrices, and so their gradients. `whole` keeps what they were.
void Elaborator::foldTensors(RuleRun &run) {
  run.whole = run.params;
  const std::vector<size_t> targets = paramsOfGrads(*run.call->rule);
  size_t next = 0;
  for (const ast::StmtPtr &stmt : run.call->rule->block.statements)
    if (auto *params = dyn_cast<ast::ParamStmt>(stmt.get()))
      for (const ast::Decl &decl : params->decls) {
        size_t position = next++;
        if (!decl.type || !decl.type->hasDims || position >= run.params.size())
          continue;
        run.params[position] = foldTrailing(*decl.type, run.params[position], decl.loc);
        for (size_t k = 0; k < run.grads.size(); ++k)
          if (k < targets.size() && targets[k] == position)
            run.grads[k] = foldTrailing(*decl.type, run.grads[k], decl.loc);
      }
}

/// The next value of a param in the shape of its tensor.
Array Elaborator::unfolded(const Array &next, const Array &whole, Location at) {
  if (next.isPoison() || whole.isPoison())
    return next;
  return eachTensor(next, [&](const Array &one, size_t lane) {
    return static_cast<size_t>(ownRank(one)) == ownShape(whole, lane).size() ? one : reshaped(one, ownShape(whole, lane), at);
  });
}

//===----------------------------------------------------------------------===//
// A step
//===----------------------------------------------------------------------===//

bool Elaborator::stepRule(RuleRun &run, const HyperSource &hypers) {
  // A rule is elaborated wherever it is used: what it says again counts as well.
  size_t reports = diagnostics.getReportCount();
  if (run.root.empty())
    run.root = run.call->rule->name.name;
  run.block = &run.call->rule->block;
  if (!checkChosen(run) || (!openRule(run, hypers) && !run.isCheck))
    return false;
  llvm::SaveAndRestore notKept(keeper, static_cast<StateKeeper *>(nullptr));
  llvm::SaveAndRestore atWork(currentRun, static_cast<const RuleRun *>(&run));
  llvm::SaveAndRestore path(drawPath, run.root + "." + run.path);
  llvm::SaveAndRestore time(now, run.time);
  const ast::Rule &rule = *run.call->rule;
  for (const ast::StmtPtr &stmt : rule.block.statements)
    if (auto *states = dyn_cast<ast::StateStmt>(stmt.get()))
      for (const ast::Decl &decl : states->decls) {
        auto it = run.states->find(run.path + decl.name.name);
        if (isTest && it != run.states->end())
          tellSizes(run, decl, it->second);
        bindName(decl.name, it == run.states->end() ? Entity() : Entity(it->second), *run.scope);
      }
  openSites(run);
  const HyperSource *outer = std::exchange(currentHypers, &hypers);
  Primes mine{&run, {}, {}, {}, false, {}, &run};
  Primes *outerPrimes = std::exchange(primes, &mine);
  unsigned outerBlocks = std::exchange(numBlocks, 0u);
  for (const ast::StmtPtr &stmt : rule.block.statements)
    runRuleStatement(*stmt, run);
  numBlocks = outerBlocks;
  primes = outerPrimes;
  currentHypers = outer;
  closeSites(run);
  for (const ast::StmtPtr &stmt : rule.block.statements) {
    if (auto *states = dyn_cast<ast::StateStmt>(stmt.get()))
      for (const ast::Decl &decl : states->decls) {
        const Binding *next = run.scope->findHere(decl.name.name + "'");
        const Binding *kept = run.scope->findHere(decl.name.name);
        Entity value = next ? next->entity : kept->entity;
        (*run.nextStates)[run.path + decl.name.name] = value.isArray() ? value.array() : Array();
      }
    auto *params = dyn_cast<ast::ParamStmt>(stmt.get());
    for (const ast::Decl &decl : params ? llvm::ArrayRef<ast::Decl>(params->decls) : llvm::ArrayRef<ast::Decl>()) {
      const Binding *next = run.scope->findHere(decl.name.name + "'");
      if (!next && !run.call->entry && diagnostics.getReportCount() == reports)
        error(Code::ParamNotAssigned, decl.loc, "the rule never assigns '" + decl.name.name + "''")
            .suggest("give the next value: " + decl.name.name + "' = ..");
      const Array whole = run.nextParams.size() < run.whole.size() ? run.whole[run.nextParams.size()] : Array();
      const Binding *last = next || !run.call->entry ? next : run.scope->findHere(decl.name.name);
      run.nextParams.push_back(last && last->entity.isArray() ? unfolded(last->entity.array(), whole, decl.loc) : Array());
    }
  }
  return diagnostics.getReportCount() == reports;
}

void Elaborator::runRuleStatement(const ast::Stmt &stmt, RuleRun &run) {
  switch (stmt.kind) {
  case ast::StmtKind::Param:
  case ast::StmtKind::Grad:
  case ast::StmtKind::State:
  case ast::StmtKind::Input:
    return;
  case ast::StmtKind::Assign: {
    auto &assign = cast<ast::AssignStmt>(stmt);
    if (writesNextPart(assign, *run.scope))
      return writeNextPart(assign, *run.scope);
    if (llvm::any_of(assign.targets, [](const ast::Target &t) { return t.name.primed; }))
      return runRuleAssign(assign, run, *run.scope);
    return runAssign(assign, *run.scope);
  }
  case ast::StmtKind::On:
    if (&stmt == run.call->entry)
      runEntry(cast<ast::OnStmt>(stmt), run);
    return;
  case ast::StmtKind::Emit:
    return runEmit(cast<ast::EmitStmt>(stmt), run, *run.scope);
  default:
    if (!runCommon(stmt, *run.scope))
      notHere(stmt, "a rule", stmt.kind == ast::StmtKind::Return ? "a rule assigns the next values: w' = .." : "");
  }
}

/// The next value of a param or state: of its shape and kind, for every tensor.
Array Elaborator::nextValue(const ast::Target &target, const Entity &value, const Array &model, Location at) {
  Array x = asArray(value, at);
  if (x.isPoison() || model.isPoison())
    return {};
  if (x.isEach && !model.isEach)
    return perTensor(target.name.name + "'", at);
  if (kindOf(x) > kindOf(model)) {
    error(Code::KindMismatch, at, "'" + target.name.name + "' holds integers, but this is a number").suggest("cut it towards 0: int(..)");
    return {};
  }
  Array next = model;
  for (size_t k = 0; k < model.lanes.size(); ++k) {
    if (k >= x.lanes.size() && x.lanes.size() != 1)
      return {};
    Shape shape(ownShape(model, k));
    std::optional<Shape> common = commonShape({model, x}, k, at);
    if (!common)
      return {};
    if (*common != shape) {
      Diagnostic &diagnostic = error(Code::ShapeMismatch, at, "'" + target.name.name + "'' has the shape " + describe(shape) + ", but this has the shape " + describe(ownShape(x, k)));
      const Binding *declared = currentRun && currentRun->scope ? currentRun->scope->find(target.name.name) : nullptr;
      if (declared)
        diagnostic.note(declared->loc, "'" + target.name.name + "' is declared here");
      return {};
    }
    next.lanes[k] = fit(x, k, {}, shape, kindOf(model), at);
  }
  return next;
}

void Elaborator::runRuleAssign(const ast::AssignStmt &stmt, RuleRun &run, Scope &scope) {
  mlir::Operation *last = lastOperation();
  Entity value = evalNext(stmt, scope);
  for (auto [target, mine] : llvm::zip_equal(stmt.targets, valuesOf(stmt, value))) {
    if (!target.name.primed) {
      // Only there, for an objective is asked once at each value.
      bool isVariable = mine.isArray() && differentiatesIn(*run.block, target.name.name);
      bindName(target.name, isVariable ? Entity(renamed(mine.array(), last, stmt.loc)) : mine, scope);
      continue;
    }
    std::string key = target.name.name + "'";
    std::vector<std::string> names;
    for (const ast::StmtPtr &decl : run.block->statements) {
      if (auto *params = dyn_cast<ast::ParamStmt>(decl.get()))
        for (const ast::Decl &d : params->decls)
          names.push_back(d.name.name);
      if (auto *states = dyn_cast<ast::StateStmt>(decl.get()))
        for (const ast::Decl &d : states->decls)
          names.push_back(d.name.name);
    }
    if (!llvm::is_contained(names, target.name.name)) {
      std::string hint = didYouMean(target.name.name, names);
      error(Code::PrimeUnknown, target.loc, "'" + key + "' is the next value of nothing: '" + target.name.name + "' is no param or state")
          .suggest(hint.empty() ? "declare it: state " + target.name.name + " = 0" : hint);
      scope.set(key, Entity(), target.loc);
      continue;
    }
    if (const Binding *first = scope.findLocal(key)) {
      if (!primes->isCommitted)
        error(Code::PrimeAssignedTwice, target.loc, "'" + key + "' is assigned twice").note(first->loc, "it is assigned first here");
      continue;
    }
    const Binding *model = run.scope->findHere(target.name.name);
    bool hasModel = model && model->entity.isArray();
    Array next = mine.isPoison() || !hasModel ? Array() : nextValue(target, mine, sliceLane(model->entity.array()), stmt.value->loc);
    scope.set(key, next, target.loc);
  }
}

/// Whether what is emitted stands in a derivative or in the condition of a loop, from where no state leaves; `run` is the rule around.
static bool standsApart(mlir::OpBuilder &builder, const RuleRun &run) {
  mlir::Block *home = run.time.isPoison() ? nullptr : Value(run.time.lanes.front()).getParentBlock();
  for (mlir::Block *block = builder.getInsertionBlock(); block && block != home; block = block->getParentOp()->getBlock()) {
    mlir::Operation *around = block->getParentOp();
    if (!around || llvm::isa<CustomOp, FuncOp>(around))
      return false;
    auto loop = dyn_cast<LoopOp>(around);
    if (llvm::isa<GradOp, JvpOp>(around) || (loop && block->getParent() == &loop.getProceed()))
      return true;
  }
  return false;
}

/// base(w, g): the params, then the gradients, of the wrapped rule.
Entity Elaborator::callSite(RuleSite &site, const ast::Call &call, Scope &scope) {
  std::vector<Actual> actuals = evalArguments(call.arguments, scope);
  bool isReadAgain = numBlocks > 0 && llvm::is_contained(site.usedAt, call.loc); // a block is, for another tensor or another type
  if (!site.usedAt.empty() && !isReadAgain) {
    error(Code::RuleCalledTwice, call.loc, "'" + site.name + "' is called twice in one step").note(site.usedAt.front(), "it is called first here")
        .suggest("call it once in each of the two blocks of a 'when', of which one runs, or let the rule wrap two: (" + site.name + ": rule, other: rule)");
    return {};
  }
  if (!isReadAgain)
    site.usedAt.push_back(call.loc);
  if (standsApart(builder, *site.outer)) {
    error(Code::RuleCalledInside, call.loc, "'" + site.name + "' makes a step where it is called, which a derivative or the condition of a loop cannot do")
        .suggest("call it in a statement of its own: u = " + site.name + "(..)");
    return {};
  }
  if (numBlocks > 0 && !mayCallInside(site, call))
    return {};
  if (!site.call || llvm::any_of(actuals, [](const Actual &a) { return a.entity.isPoison(); }))
    return {};
  auto [params, grads] = countTensors(*site.call->rule);
  std::map<std::string, Entity> replaced;
  for (const Actual &actual : actuals)
    if (actual.name && !replaceOracle(site, actual, replaced))
      return {};
  llvm::erase_if(actuals, [](const Actual &actual) { return actual.name.has_value(); });
  if (actuals.size() != params + grads) {
    error(actuals.size() < params + grads ? Code::MissingArgument : Code::TooManyArguments, call.loc,
          "'" + site.name + "' is a rule of " + counted(params, "param") + " and " + counted(grads, "gradient") + ", but here " +
              (actuals.size() == 1 ? "is " : "are ") + counted(actuals.size(), "argument"))
        .note(site.call->rule->name.loc, "'" + site.call->rule->name.name + "' is declared here")
        .suggest("params first, then their gradients: " + site.name + "(w, g)");
    return {};
  }
  RuleRun inner = innerRun(site);
  inner.replaced = std::move(replaced);
  for (auto [i, actual] : llvm::enumerate(actuals)) {
    const Array model = sliceLane(site.outer->params[std::min(i < params ? i : i - params, site.outer->params.size() - 1)]);
    ast::Target target;
    target.name.name = i < params ? "w" : "g";
    Array x = nextValue(target, actual.entity, model, actual.loc);
    if (x.isPoison())
      return {};
    (i < params ? inner.params : inner.grads).push_back(x);
  }
  frames.push_back({"'" + site.call->rule->name.name + "'", call.loc, site.call->rule});
  bool isSound = numBlocks > 0 ? stepInside(site, inner, scope, call.loc) : stepRule(inner, *currentHypers);
  frames.pop_back();
  site.ran = numBlocks > 0 ? nullptr : inner.scope;
  if (!isSound)
    return {};
  if (inner.nextParams.size() == 1)
    return inner.nextParams.front();
  std::vector<Entity> results(inner.nextParams.begin(), inner.nextParams.end());
  return tuple(std::move(results));
}

std::pair<size_t, size_t> Elaborator::countTensors(const ast::Rule &rule) {
  size_t params = 0, grads = 0;
  for (const ast::StmtPtr &stmt : rule.block.statements) {
    if (auto *list = dyn_cast<ast::ParamStmt>(stmt.get()))
      params += list->decls.size();
    if (auto *list = dyn_cast<ast::GradStmt>(stmt.get()))
      grads += list->entries.size();
  }
  return {params, grads};
}

std::vector<size_t> Elaborator::paramsOfGrads(const ast::Rule &rule) {
  std::vector<std::string> params;
  std::vector<size_t> positions;
  for (const ast::StmtPtr &stmt : rule.block.statements)
    if (auto *list = dyn_cast<ast::ParamStmt>(stmt.get()))
      for (const ast::Decl &decl : list->decls)
        params.push_back(decl.name.name);
  for (const ast::StmtPtr &stmt : rule.block.statements) {
    auto *list = dyn_cast<ast::GradStmt>(stmt.get());
    for (const ast::GradStmt::Entry &entry : list ? llvm::ArrayRef<ast::GradStmt::Entry>(list->entries) : llvm::ArrayRef<ast::GradStmt::Entry>()) {
      size_t named = entry.of ? llvm::find(params, entry.of->name) - params.begin() : params.size();
      positions.push_back(named < params.size() ? named : std::min(positions.size(), std::max<size_t>(params.size(), 1) - 1));
    }
  }
  return positions;
}
