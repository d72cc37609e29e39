//===- EmitInner.cpp - Inner problems with their solvers ----------------------===//
//
// `argmin[u](e) by R(..) from x0 within tol limit n`, argmax, `solve[z](a == b)`, `fixpoint[x](T(x))`, and `min`, `max` for the value.
// The problem is handed on as a function of one array: several unknowns are packed into one vector. A rule runs in a loop
// while the residual is above `within`; a solver is a function of the language, whose arguments `start`, `tol` and `limit` are the clauses.
// Residuals: the gradient of what is minimised, a - b, T(x) - x.
//
//===----------------------------------------------------------------------===//

#include "lang/InnerProblem.h"
#include "lang/Joint.h"
#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Attribute;
using mlir::Value;

//===----------------------------------------------------------------------===//
// The problem as a function of one array
//===----------------------------------------------------------------------===//

/// One array as it is, several as one vector, as those of a collection.
Array Elaborator::packed(llvm::ArrayRef<Array> parts, Location at) {
  if (llvm::any_of(parts, [](const Array &part) { return part.isPoison(); }))
    return {};
  if (parts.size() == 1 && parts.front().lanes.size() == 1)
    return parts.front();
  SmallVector<Array> flat;
  for (const Array &part : parts)
    flat.push_back(joined(toKind(part, Kind::Float, at), 0, at));
  return concatAll(flat, 0, at);
}

std::vector<Array> Elaborator::unpacked(const InnerProblem &problem, const Array &x, Location at) {
  if (problem.countArrays() == 1)
    return {x};
  std::vector<Array> parts;
  DimExpr first = DimExpr::number(0);
  for (const Array &model : problem.start) {
    Attribute count = countElements(model, builder.getContext());
    Array start{{sizeOf(first.toAttr(builder.getContext()), at)}}, part = sliceAlong(x, 0, start, count, at);
    parts.push_back(model.lanes.size() > 1 ? apart(part, model, 0, at) : reshaped(part, ownShape(model), at));
    first = first + DimExpr::of(count);
  }
  return parts;
}

/// What the formulas are at x: the value, or a - b of each equation, or T(x) - x.
std::vector<Array> Elaborator::valuesAt(const InnerProblem &problem, const Array &x, Location at) {
  if (problem.residual)
    return {problem.residual(x)};
  llvm::SaveAndRestore lanes(laneCount, problem.laneCount);
  llvm::SaveAndRestore open(isOpen, problem.isOpen);
  llvm::SaveAndRestore one(isOneOfMany, problem.isOneOfMany);
  llvm::SaveAndRestore active(activeLane, problem.activeLane);
  Scope *inner = arena.scope(problem.scope);
  std::vector<Array> parts = unpacked(problem, x, at), values;
  for (auto [unknown, part] : llvm::zip_equal(problem.unknowns, parts))
    inner->set(unknown.name, part, unknown.loc);
  for (auto [i, formula] : llvm::enumerate(problem.formulas)) {
    if (problem.form == InnerProblem::Equation) {
      auto sides = evalEquation(*formula, *inner);
      values.push_back(sides ? sub(sides->first, sides->second, formula->loc) : Array());
      continue;
    }
    Array value = evalArray(*formula, *inner);
    values.push_back(problem.form == InnerProblem::Fixpoint && !value.isPoison() ? sub(value, parts[i], formula->loc) : value);
  }
  return values;
}

Array Elaborator::objectiveOf(const InnerProblem &problem, const Array &x, Location at) {
  if (!problem.isOptimum()) {
    Array r = packed(valuesAt(problem, x, at), at);
    return mul(number(0.5, at), innerProduct(r, r, at), at);
  }
  Array value = valuesAt(problem, x, at).front();
  return problem.form == InnerProblem::Maximum ? negate(value, at) : value;
}

Array Elaborator::residualOf(const InnerProblem &problem, const Array &x, Location at) {
  if (!problem.isOptimum())
    return packed(valuesAt(problem, x, at), at);
  auto found = differentiate(x.lanes, problem.formulas.front()->loc, [&](llvm::ArrayRef<Value> inside) { return objectiveOf(problem, replaceLanes(x, inside), at); });
  return found ? replaceLanes(x, found->gradients) : Array();
}

/// The problem as a function: of what is minimised, or of what must become 0.
const Closure *Elaborator::problemClosure(const InnerProblem &problem, bool isObjective) {
  Closure &closure = arena.closures.emplace_back();
  closure.name = "the inner problem";
  closure.loc = problem.loc;
  closure.decl = &closure;
  ast::Param param;
  param.loc = problem.loc;
  param.name = {"x", problem.loc, false};
  closure.lambdaParams.push_back(std::move(param));
  closure.params = &closure.lambdaParams;
  closure.scope = problem.scope;
  closure.emit = [this, problem, isObjective](Scope &inner, Location at) -> Entity {
    Array x = asArray(inner.findHere("x")->entity, at);
    return x.isPoison() ? Array() : isObjective ? objectiveOf(problem, x, at) : residualOf(problem, x, at);
  };
  return &closure;
}

//===----------------------------------------------------------------------===//
// Solving
//===----------------------------------------------------------------------===//

/// A solver written in the language, called with the problem.
Array Elaborator::solveBySolver(const InnerProblem &problem, const Method &method) {
  const Closure &solver = *method.solver;
  const ast::Param *function = nullptr;
  for (const ast::Param &param : *solver.params)
    if (!function && param.type && param.type->kind == ast::TypeKind::Fn)
      function = &param;
  if (!function) {
    error(Code::SolverForm, problem.loc, "'" + solver.name + "' takes no function, so it cannot be handed the problem")
        .note(solver.loc, "it is declared here")
        .suggest("solver " + solver.name + "(f: fn, start, tol = 1e-8, limit: int = 100)");
    return {};
  }
  // One that says grad f of its solution is a minimiser.
  bool isObjective = false;
  for (const ast::ExprPtr &equation : solver.unit->solves)
    forEachExpr(*equation, [&](const ast::Expr &inner) {
      auto *derivative = dyn_cast<ast::Derivative>(&inner);
      isObjective |= derivative && derivative->function.name == function->name.name;
    });
  std::vector<std::pair<std::string, Entity>> own{{function->name.name, problemClosure(problem, isObjective)}};
  own.push_back({"start", packed(problem.start, problem.loc)});
  own.push_back({"tol", problem.within});
  own.push_back({"limit", problem.limit});
  std::vector<Actual> actuals = evalArguments(method.arguments, *method.scope);
  auto isOwn = [&](const ast::Param &param) { return llvm::any_of(own, [&](const auto &one) { return one.first == param.name.name; }); };
  auto param = solver.params->begin();
  for (Actual &actual : actuals) { // what is given by position fills the others
    param = std::find_if_not(param, solver.params->end(), isOwn);
    if (!actual.name && param != solver.params->end())
      actual.name = ast::Ident{(param++)->name.name, actual.loc, false};
  }
  for (const ast::Param &each : *solver.params)
    for (const auto &[name, entity] : own)
      if (name == each.name.name && llvm::none_of(actuals, [&](const Actual &a) { return a.name && a.name->name == name; }))
        actuals.push_back({ast::Ident{name, problem.loc, false}, entity, problem.loc});
  llvm::SaveAndRestore mine(solverUse, problem.isUnrolled ? SolverUse::Unrolled : SolverUse::ForProblem);
  Array x = asArray(callClosure(solver, std::move(actuals), problem.loc), problem.loc);
  if (x.isPoison())
    return {};
  Array model = packed(problem.start, problem.loc);
  if (ownShape(x) == ownShape(model))
    return toKind(x, Kind::Float, problem.loc);
  error(Code::SolverForm, problem.loc, "'" + solver.name + "' gives an array of the shape " + describe(ownShape(x)) + ", but the unknown has the shape " + describe(ownShape(model)));
  return {};
}

const RuleCall *Elaborator::InnerProblem::bindTo(Elaborator &elaborator, const RuleCall &given) const {
  const ast::Rule &rule = *given.rule;
  auto [paramCount, gradCount] = countTensors(rule);
  bool hasInputs = llvm::any_of(rule.block.statements, [](const ast::StmtPtr &stmt) { return stmt->kind == ast::StmtKind::Input || stmt->kind == ast::StmtKind::On; });
  if (paramCount != 1 || gradCount > 1 || rule.oracles.size() > 1 || hasInputs) {
    elaborator.error(Code::SolverForm, given.loc, "'" + rule.name.name + "' cannot be a solver: that is a rule of one param, one objective or gradient, and no input")
        .note(rule.name.loc, "it is declared here");
    return nullptr;
  }
  RuleCall &call = elaborator.arena.ruleCalls.emplace_back(given);
  if (rule.oracles.empty())
    return &call;
  ast::Name &name = elaborator.arena.names.emplace_back(loc);
  name.name = "the inner problem";
  Scope *scope = elaborator.arena.scope(nullptr);
  scope->set(name.name, elaborator.problemClosure(*this, true), loc);
  call.bound[rule.oracles.front().name.name] = {&name, scope};
  return &call;
}

/// Steps of a rule while the residual is above the bound.
Array Elaborator::solveByRule(const InnerProblem &problem, const RuleCall &given) {
  const RuleCall *call = problem.bindTo(*this, given);
  if (!call)
    return {};
  const ast::Rule &rule = *call->rule;
  const Location at = problem.loc;
  const bool takesGradient = countTensors(rule).second > 0;
  // A rule at work inside another one, on one tensor of its own.
  llvm::SaveAndRestore lanes(laneCount, size_t(1));
  llvm::SaveAndRestore open(isOpen, false);
  llvm::SaveAndRestore one(isOneOfMany, false);
  llvm::SaveAndRestore active(activeLane, std::optional<size_t>());
  llvm::SaveAndRestore blocks(numBlocks, 0u);
  std::map<std::string, GivenInput> inputs;
  std::vector<Report> reports;
  RuleRun run;
  run.call = call;
  run.given = &inputs;
  run.reports = &reports;
  run.time = integer(1, at);
  HyperSource hypers = [this, where = call->loc](const ast::Param &param, const std::string &, const Delayed *bound, Scope &scope, Array time) {
    return testHyper(param, bound, scope, time, where);
  };
  auto tensor = [](const Array &x) {
    Array each = x;
    each.isEach = true;
    return each;
  };
  Array first = packed(problem.start, at);
  std::vector<StateSlot> slots;
  RuleRun init = run;
  init.params = {tensor(first)};
  if (takesGradient)
    init.grads = {tensor(residualOf(problem, first, at))};
  if (first.isPoison() || !expandRule(rule, at, [&] { return initStates(init, hypers, slots); }))
    return {};
  SmallVector<Value> carried{first.lanes.front()};
  for (const StateSlot &slot : slots)
    carried.push_back(slot.initial.lanes.front());
  auto loop = LoopOp::create(builder, place(at), mlir::TypeRange(mlir::ValueRange(carried)), problem.limit.lanes.front(), carried);
  mlir::OpBuilder::InsertionGuard guard(builder);
  auto enter = [&](mlir::Region &region) -> mlir::Block & {
    mlir::Block &block = region.emplaceBlock();
    block.addArgument(ArrayType::scalar(builder.getI64Type()), place(at));
    for (Value value : carried)
      block.addArgument(value.getType(), place(at));
    builder.setInsertionPointToStart(&block);
    return block;
  };
  mlir::Block &asked = enter(loop.getProceed());
  Array residual = residualOf(problem, replaceLanes(first, asked.getArgument(1)), at);
  Array goesOn = compare(ComparePredicate::Gt, norm(residual, allOwn, at), problem.within, at);
  YieldOp::create(builder, place(at), goesOn.isPoison() ? SmallVector<Value>() : SmallVector<Value>{goesOn.lanes.front()});
  mlir::Block &body = enter(loop.getBody());
  std::map<std::string, Array> states, next;
  for (auto [k, slot] : llvm::enumerate(slots))
    states[slot.path] = replaceLanes(slot.initial, body.getArgument(2 + k));
  run.states = &states;
  run.nextStates = &next;
  run.params = {tensor(replaceLanes(first, body.getArgument(1)))};
  if (takesGradient)
    run.grads = {tensor(residualOf(problem, replaceLanes(first, body.getArgument(1)), at))};
  run.time = add(Array{{body.getArgument(0)}}, integer(1, at), at);
  loopIndices.push_back(body.getArgument(0));
  frames.push_back({"'" + rule.name.name + "'", at, &rule});
  bool isSound = expandRule(rule, at, [&] { return stepRule(run, hypers) && !goesOn.isPoison() && !run.nextParams.front().isPoison(); });
  frames.pop_back();
  loopIndices.pop_back();
  SmallVector<Value> yielded;
  if (isSound)
    yielded.push_back(run.nextParams.front().lanes.front());
  for (auto [k, slot] : llvm::enumerate(slots)) {
    auto it = next.find(slot.path);
    bool isKept = it == next.end() || it->second.isPoison();
    yielded.push_back(isKept ? Value(body.getArgument(2 + k)) : it->second.lanes.front());
  }
  YieldOp::create(builder, place(at), yielded);
  return isSound ? replaceLanes(first, loop.getCarried()[0]) : Array();
}

/// The right side of an assignment, as many values as names where that is up to it.
Entity Elaborator::evalValues(const ast::AssignStmt &stmt, Scope &scope) {
  if (auto *by = dyn_cast<ast::By>(stmt.value.get()))
    return evalBy(*by, scope, stmt.targets.size());
  wantedResults = llvm::isa<ast::Call>(stmt.value.get()) ? stmt.targets.size() : 1;
  return eval(*stmt.value, scope);
}

Array Elaborator::solveBy(const InnerProblem &problem, const Method &method) {
  return method.solver ? solveBySolver(problem, method) : solveByRule(problem, *method.rule);
}

/// Solves it in ops that a derivative goes through, their loops in segments if that is asked for.
Array Elaborator::unroll(const InnerProblem &problem) {
  mlir::Operation *before = lastOperation();
  mlir::Block *block = builder.getInsertionBlock();
  Array x = solveBy(problem, problem.method);
  if (x.isPoison() || problem.checkpoints == 0)
    return x;
  SmallVector<LoopOp> loops;
  for (auto at = before ? std::next(before->getIterator()) : block->begin(); at != block->end(); ++at)
    if (auto loop = dyn_cast<LoopOp>(*at))
      loops.push_back(loop);
  for (LoopOp loop : loops) {
    auto found = dyn_cast<mlir::OpResult>(x.lanes.front());
    std::optional<unsigned> number = found && found.getOwner() == loop ? std::optional(found.getResultNumber()) : std::nullopt;
    mlir::OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(loop);
    LoopOp split = splitLoop(loop, problem.checkpoints, problem.loc);
    if (number)
      x = replaceLanes(x, Value(split->getResult(*number)));
  }
  return x;
}

Entity Elaborator::evalBy(const ast::By &expr, Scope &scope, size_t wanted) {
  std::optional<Method> method = readMethod(*expr.method, scope);
  if (!method)
    return {};
  InnerProblem problem;
  problem.method = *method;
  problem.needsNoStart = method->solver && llvm::none_of(*method->solver->params, [](const ast::Param &param) { return param.name.name == "start"; });
  if (!readProblem(expr, scope, problem) || !readWay(expr, scope, problem))
    return {};
  std::vector<Array> results; // the unknowns first
  auto emit = [&]() -> std::optional<SmallVector<Value>> {
    Array x = problem.isUnrolled ? unroll(problem) : solveBy(problem, problem.method);
    if (x.isPoison())
      return std::nullopt;
    results = unpacked(problem, x, expr.loc);
    size_t asked = problem.isValue ? 1 : results.size();
    if (problem.isValue)
      results.push_back(valuesAt(problem, x, expr.loc).front());
    if (wanted == asked + 1)
      results.push_back(compare(ComparePredicate::Le, norm(residualOf(problem, x, expr.loc), allOwn, expr.loc), problem.within, expr.loc));
    SmallVector<Value> lanes;
    for (const Array &result : results)
      llvm::append_range(lanes, result.lanes);
    return llvm::any_of(results, [](const Array &result) { return result.isPoison(); }) ? std::nullopt : std::optional(lanes);
  };
  std::optional<SmallVector<Value>> values;
  if (problem.isUnrolled)
    values = emit();
  else if (CustomOp made = beginImplicit(expr.loc, emit))
    values = finishImplicit(made, &problem, "'" + problem.text + " .. by " + textOf(expr.method->loc) + "'");
  if (!values)
    return {};
  std::vector<Entity> entities;
  llvm::ArrayRef<Value> rest(*values);
  for (auto [k, result] : llvm::enumerate(results)) {
    if (!problem.isValue || k >= problem.start.size())
      entities.push_back(replaceLanes(result, rest.take_front(result.lanes.size())));
    rest = rest.drop_front(result.lanes.size());
  }
  return entities.size() == 1 ? entities.front() : tuple(std::move(entities));
}
