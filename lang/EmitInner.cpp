//===- EmitInner.cpp - Inner problems with their solvers ----------------------===//
//
// `argmin[u](e) by R(..) from x0 within tol limit n`, argmax, `solve[z](a == b)`, `fixpoint[x](T(x))`, and `min`, `max` for the value.
// The problem is handed on as a function of one array: several unknowns are packed into one vector. A rule runs in a loop
// while the residual is above `within`; a solver is a function of the language, whose arguments `start`, `tol` and `limit` are the clauses.
// Residuals: the gradient of what is minimised, a - b, T(x) - x.
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
using mlir::Value;

/// An inner problem, read.
struct Elaborator::InnerProblem {
  enum Form { Minimum, Maximum, Equation, Fixpoint } form = Minimum;
  /// The least value is asked for, not where it is.
  bool isValue = false;
  std::string text;
  Location loc;
  std::vector<ast::Ident> unknowns;
  std::vector<const ast::Expr *> formulas;
  Scope *scope = nullptr;
  /// Where the search begins, one for each unknown.
  std::vector<Array> start;
  Array within, limit;

  bool isOptimum() const { return form == Minimum || form == Maximum; }
};

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Reads `argmin[u](e)` and its kin.
bool Elaborator::readProblem(const ast::By &expr, Scope &scope, InnerProblem &problem) {
  auto *call = dyn_cast<ast::Call>(expr.problem.get());
  auto *callee = call ? dyn_cast<ast::Index>(call->callee.get()) : nullptr;
  auto *word = callee ? dyn_cast<ast::Name>(callee->base.get()) : nullptr;
  auto form = llvm::StringSwitch<std::optional<InnerProblem::Form>>(word ? word->name : "")
                  .Cases({"argmin", "min"}, InnerProblem::Minimum)
                  .Cases({"argmax", "max"}, InnerProblem::Maximum)
                  .Case("solve", InnerProblem::Equation)
                  .Case("fixpoint", InnerProblem::Fixpoint)
                  .Default(std::nullopt);
  if (!form) {
    error(Code::ProblemForm, expr.problem->loc, "'by' stands behind a problem with its unknowns").suggest("argmin[u](..), argmax, min, max, solve[z](a == b), fixpoint[x](T(x))");
    return false;
  }
  problem.form = *form;
  problem.isValue = word->name == "min" || word->name == "max";
  problem.text = word->name;
  problem.loc = expr.loc;
  problem.scope = &scope;
  for (const ast::Subscript &sub : callee->subscripts) {
    auto *name = sub.kind == ast::SubKind::Value ? dyn_cast<ast::Name>(sub.value.get()) : nullptr;
    const Binding *known = name ? scope.findLocal(name->name) : nullptr;
    if (!name || name->primed || known) {
      Diagnostic &diagnostic = error(known ? Code::NameAssignedTwice : Code::ProblemForm, sub.loc, known ? "'" + name->name + "' is defined twice" : "an unknown is a new name");
      if (known)
        diagnostic.note(known->loc, "its first definition is here").suggest("choose a new name for the unknown");
      return false;
    }
    problem.unknowns.push_back({name->name, sub.loc, false});
  }
  for (const ast::Argument &argument : call->arguments)
    problem.formulas.push_back(argument.value.get());
  size_t expected = problem.isOptimum() ? 1 : problem.form == InnerProblem::Fixpoint ? problem.unknowns.size() : problem.formulas.size();
  if (problem.unknowns.empty() || problem.formulas.empty() || problem.formulas.size() != expected) {
    error(Code::ProblemForm, expr.problem->loc, "'" + word->name + "' here has " + counted(problem.unknowns.size(), "unknown") + " and " + counted(problem.formulas.size(), "formula"))
        .suggest("argmin and max take one formula, fixpoint one for each unknown, solve its equations");
    return false;
  }
  return readUnknowns(expr, scope, problem);
}

/// Reads the clauses: where to begin, and when to end.
bool Elaborator::readUnknowns(const ast::By &expr, Scope &scope, InnerProblem &problem) {
  std::vector<const ast::Expr *> given;
  if (auto *several = expr.from ? dyn_cast<ast::Tuple>(expr.from.get()) : nullptr)
    for (const ast::ExprPtr &one : several->elements)
      given.push_back(one.get());
  else if (expr.from)
    given.push_back(expr.from.get());
  if (!given.empty() && given.size() != problem.unknowns.size()) {
    error(Code::ProblemForm, expr.from->loc, "here are " + counted(problem.unknowns.size(), "unknown") + " and " + counted(given.size(), "start"))
        .suggest("from (x0, y0)");
    return false;
  }
  std::vector<std::string> names;
  for (const ast::Ident &unknown : problem.unknowns)
    names.push_back(unknown.name);
  for (auto [i, unknown] : llvm::enumerate(problem.unknowns)) {
    Array start;
    if (!given.empty()) {
      start = evalArray(*given[i], scope);
      start = start.isPoison() ? start : toKind(start, Kind::Float, given[i]->loc);
    } else if (std::optional<Shape> shape = tellShape(unknown.name, problem.formulas, names, scope)) {
      start = shape->empty() ? number(0, unknown.loc) : filled(0, *shape, unknown.loc);
    } else {
      error(Code::UnknownWithoutShape, unknown.loc, "nothing tells the shape of '" + unknown.name + "'").suggest("say where to begin: .. by .. from zeros(like ..)");
    }
    if (!start.isPoison() && (start.lanes.size() != 1 || !start.axes.empty())) {
      error(Code::ProblemForm, unknown.loc, "an inner problem has one unknown array, but this is another one for each " + std::string(start.axes.empty() ? "tensor" : "index"));
      return false;
    }
    if (start.isPoison())
      return false;
    start.isEach = start.isJoint = false;
    problem.start.push_back(start);
  }
  problem.within = expr.within ? evalScalar(*expr.within, scope, "the bound behind 'within'") : number(1e-8, expr.loc);
  problem.limit = expr.limit ? evalScalar(*expr.limit, scope, "the bound behind 'limit'") : integer(1000, expr.loc);
  if (problem.within.isPoison() || problem.limit.isPoison())
    return false;
  if (kindOf(problem.limit) == Kind::Float) {
    error(Code::KindMismatch, expr.limit->loc, "'limit' counts steps: it is an integer");
    return false;
  }
  problem.within = toKind(problem.within, Kind::Float, expr.loc);
  problem.limit = toKind(problem.limit, Kind::Int, expr.loc);
  return true;
}

static bool mentions(const ast::Expr &expr, llvm::ArrayRef<std::string> names) {
  bool found = false;
  forEachExpr(expr, [&](const ast::Expr &inner) {
    auto *name = dyn_cast<ast::Name>(&inner);
    found |= name && llvm::is_contained(names, name->name);
  });
  return found;
}

static bool isName(const ast::Expr &expr, const std::string &name) {
  auto *found = dyn_cast<ast::Name>(&expr);
  return found && found->name == name && !found->primed;
}

/// The shape that the formulas give an unknown: by a product `X @ u`, by dot(u, y), by a declared argument, or by the other side of an
/// equation. Elementwise arithmetic tells none, for it repeats numbers. The operations that are left behind are dead.
std::optional<Shape> Elaborator::tellShape(const std::string &unknown, llvm::ArrayRef<const ast::Expr *> formulas, llvm::ArrayRef<std::string> unknowns,
                                           Scope &scope) {
  std::optional<Shape> shape;
  auto shapeOf = [&](const ast::Expr &expr) -> Shape {
    Array x = mentions(expr, unknowns) ? Array() : asArray(eval(expr, scope), expr.loc);
    return x.isPoison() || x.lanes.size() != 1 || !x.axes.empty() ? Shape() : Shape(ownShape(x));
  };
  auto readProduct = [&](const ast::Binary &product) {
    bool isRight = isName(*product.rhs, unknown), isLeft = isName(*product.lhs, unknown);
    const ast::Expr &other = isRight ? *product.lhs : *product.rhs;
    if (isRight == isLeft || mentions(other, unknowns))
      return;
    if (Entity entity = eval(other, scope); const LinearOperator *linear = entity.get<LinearOperator>())
      shape = Shape(ownShape(isRight ? linear->domain : linear->range));
    else if (Shape sizes = shapeOf(other); !sizes.empty())
      shape = Shape{isRight ? sizes.back() : sizes.front()};
  };
  auto readCall = [&](const ast::Call &call) {
    auto *name = dyn_cast<ast::Name>(call.callee.get());
    const Binding *binding = name ? scope.find(name->name) : nullptr;
    if (name && !binding && name->name == "dot" && call.arguments.size() == 2)
      for (size_t k : {0, 1})
        if (isName(*call.arguments[k].value, unknown) && !mentions(*call.arguments[1 - k].value, unknowns))
          shape = shapeOf(*call.arguments[1 - k].value);
    const Closure *closure = binding ? binding->entity.get<Closure>() : nullptr;
    if (closure && closure->params)
      shape = shapeOfArgument(*closure, call, unknown, unknowns, scope);
  };
  for (const ast::Expr *formula : formulas)
    forEachExpr(*formula, [&](const ast::Expr &inner) {
      if (shape)
        return;
      if (auto *binary = dyn_cast<ast::Binary>(&inner); binary && binary->op == ast::BinaryOp::MatMul)
        readProduct(*binary);
      else if (auto *call = dyn_cast<ast::Call>(&inner))
        readCall(*call);
    });
  for (const ast::Expr *formula : formulas)
    if (auto *equation = dyn_cast<ast::Compare>(formula); equation && !shape && formulas.size() == 1 && unknowns.size() == 1)
      for (const ast::ExprPtr &side : equation->operands)
        if (Shape sizes = shapeOf(*side); !shape && !sizes.empty())
          shape = sizes;
  return shape;
}

/// The shape that a function declares for the unknown, or that its body tells.
std::optional<Shape> Elaborator::shapeOfArgument(const Closure &closure, const ast::Call &call, const std::string &unknown, llvm::ArrayRef<std::string> unknowns,
                                                 Scope &scope) {
  size_t count = std::min(call.arguments.size(), closure.params->size());
  Scope *inner = arena.scope(closure.scope);
  std::optional<size_t> position;
  std::vector<std::string> names;
  for (const ast::Param &param : *closure.params)
    names.push_back(param.name.name);
  for (size_t k = 0; k < count; ++k) {
    const ast::Argument &argument = call.arguments[k];
    if (argument.name)
      return std::nullopt;
    if (isName(*argument.value, unknown))
      position = k;
    else if (const ast::Param &param = (*closure.params)[k]; param.type && param.type->hasDims && !mentions(*argument.value, unknowns))
      bindParam(param, eval(*argument.value, scope), argument.value->loc, *inner);
  }
  if (!position)
    return std::nullopt;
  const ast::Param &param = (*closure.params)[*position];
  if (!param.type || !param.type->hasDims)
    return closure.value ? tellShape(param.name.name, {closure.value}, names, *closure.scope) : std::nullopt;
  Shape shape;
  for (const ast::Dim &dim : param.type->dims) {
    auto *name = dim.size ? dyn_cast<ast::Name>(dim.size.get()) : nullptr;
    auto *size = dim.size ? dyn_cast<ast::Number>(dim.size.get()) : nullptr;
    const DimBinding *known = name ? inner->findDim(name->name) : nullptr;
    if (!known && !(size && size->isInteger))
      return std::nullopt;
    shape.push_back(known ? known->lane(0) : builder.getI64IntegerAttr(size->integer));
  }
  return shape;
}

//===----------------------------------------------------------------------===//
// The problem as a function of one array
//===----------------------------------------------------------------------===//

static DimExpr countOfShape(llvm::ArrayRef<Attribute> shape) {
  DimExpr count = DimExpr::number(1);
  for (Attribute dim : shape)
    count = count * DimExpr::of(dim);
  return count;
}

/// One array as it is, several as one vector.
Array Elaborator::packed(llvm::ArrayRef<Array> parts, Location at) {
  if (llvm::any_of(parts, [](const Array &part) { return part.isPoison(); }))
    return {};
  if (parts.size() == 1)
    return parts.front();
  SmallVector<Array> flat;
  for (const Array &part : parts)
    flat.push_back(reshaped(toKind(part, Kind::Float, at), countOfShape(ownShape(part)).toAttr(builder.getContext()), at));
  return concatAll(flat, 0, at);
}

std::vector<Array> Elaborator::unpacked(const InnerProblem &problem, const Array &x, Location at) {
  if (problem.start.size() == 1)
    return {x};
  std::vector<Array> parts;
  DimExpr first = DimExpr::number(0);
  for (const Array &model : problem.start) {
    Shape shape(ownShape(model));
    DimExpr count = countOfShape(shape);
    Array start{{sizeOf(first.toAttr(builder.getContext()), at)}};
    Array part = sliceAlong(x, 0, start, count.toAttr(builder.getContext()), at);
    parts.push_back(reshaped(part, shape, at));
    first = first + count;
  }
  return parts;
}

/// What the formulas are at x: the value, or a - b of each equation, or T(x) - x.
std::vector<Array> Elaborator::valuesAt(const InnerProblem &problem, const Array &x, Location at) {
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
Array Elaborator::solveBySolver(const InnerProblem &problem, const Closure &solver, llvm::ArrayRef<ast::Argument> arguments, Scope &scope) {
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
  std::vector<Actual> actuals = evalArguments(arguments, scope);
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
  Array x = asArray(callClosure(solver, std::move(actuals), problem.loc), problem.loc);
  if (x.isPoison())
    return {};
  Array model = packed(problem.start, problem.loc);
  if (ownShape(x) == ownShape(model))
    return toKind(x, Kind::Float, problem.loc);
  error(Code::SolverForm, problem.loc, "'" + solver.name + "' gives an array of the shape " + describe(ownShape(x)) + ", but the unknown has the shape " + describe(ownShape(model)));
  return {};
}

/// Steps of a rule while the residual is above the bound.
Array Elaborator::solveByRule(const InnerProblem &problem, const RuleCall &given) {
  const ast::Rule &rule = *given.rule;
  Location at = problem.loc;
  RuleCall &call = arena.ruleCalls.emplace_back(given);
  auto [paramCount, gradCount] = countTensors(rule);
  bool hasInputs = llvm::any_of(rule.block.statements, [](const ast::StmtPtr &stmt) { return stmt->kind == ast::StmtKind::Input || stmt->kind == ast::StmtKind::On; });
  if (paramCount != 1 || gradCount > 1 || rule.oracles.size() > 1 || hasInputs) {
    error(Code::SolverForm, given.loc, "'" + rule.name.name + "' cannot be a solver: that is a rule of one param, one objective or gradient, and no input").note(rule.name.loc, "it is declared here");
    return {};
  }
  if (!rule.oracles.empty()) {
    ast::Name &name = arena.names.emplace_back(at);
    name.name = "the inner problem";
    Scope *scope = arena.scope(nullptr);
    scope->set(name.name, problemClosure(problem, true), at);
    call.bound[rule.oracles.front().name.name] = {&name, scope};
  }
  // A rule at work inside another one, on one tensor of its own.
  llvm::SaveAndRestore lanes(laneCount, size_t(1));
  llvm::SaveAndRestore open(isOpen, false);
  llvm::SaveAndRestore one(isOneOfMany, false);
  llvm::SaveAndRestore active(activeLane, std::optional<size_t>());
  llvm::SaveAndRestore blocks(numBlocks, 0u);
  std::map<std::string, GivenInput> inputs;
  std::vector<Report> reports;
  RuleRun run;
  run.call = &call;
  run.given = &inputs;
  run.reports = &reports;
  run.time = integer(1, at);
  HyperSource hypers = [this, where = call.loc](const ast::Param &param, const std::string &, const Delayed *bound, Scope &scope, Array time) {
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
  if (gradCount)
    init.grads = {tensor(residualOf(problem, first, at))};
  if (first.isPoison() || !initStates(init, hypers, slots))
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
  if (gradCount)
    run.grads = {tensor(residualOf(problem, replaceLanes(first, body.getArgument(1)), at))};
  run.time = add(Array{{body.getArgument(0)}}, integer(1, at), at);
  loopIndices.push_back(body.getArgument(0));
  frames.push_back({"'" + rule.name.name + "'", at, &rule});
  bool isSound = stepRule(run, hypers) && !goesOn.isPoison() && !run.nextParams.front().isPoison();
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

Entity Elaborator::evalBy(const ast::By &expr, Scope &scope, size_t wanted) {
  auto *call = dyn_cast<ast::Call>(expr.method.get());
  Entity method = eval(call ? *call->callee : *expr.method, scope);
  if (method.isPoison())
    return {};
  const Closure *solver = method.get<Closure>();
  if (solver && (!solver->unit || solver->unit->function != ast::FunctionKind::Solver))
    solver = nullptr;
  const RuleCall *rule = solver || method.get<Closure>() || method.get<Builtin>() ? nullptr : evalRule(*expr.method, scope);
  if (!solver && !rule) {
    if (method.get<Closure>() || method.get<Builtin>())
      error(Code::SolverForm, expr.method->loc, "behind 'by' stands a rule or a solver, but this is " + method.what().str()).suggest("import \"std/solvers/lbfgs.grad\": .. by lbfgs()");
    return {};
  }
  InnerProblem problem;
  if (!readProblem(expr, scope, problem))
    return {};
  std::vector<Array> results;
  auto values = implicitly(expr.loc, "'" + problem.text + " .. by " + textOf(expr.method->loc) + "'", [&]() -> std::optional<SmallVector<Value>> {
    Array x = solver ? solveBySolver(problem, *solver, call ? llvm::ArrayRef<ast::Argument>(call->arguments) : llvm::ArrayRef<ast::Argument>(), scope) : solveByRule(problem, *rule);
    if (x.isPoison())
      return std::nullopt;
    results = problem.isValue ? valuesAt(problem, x, expr.loc) : unpacked(problem, x, expr.loc);
    if (wanted == results.size() + 1)
      results.push_back(compare(ComparePredicate::Le, norm(residualOf(problem, x, expr.loc), allOwn, expr.loc), problem.within, expr.loc));
    SmallVector<Value> lanes;
    for (const Array &result : results)
      llvm::append_range(lanes, result.lanes);
    return llvm::any_of(results, [](const Array &result) { return result.isPoison(); }) ? std::nullopt : std::optional(lanes);
  });
  if (!values)
    return {};
  std::vector<Entity> entities;
  for (auto [result, value] : llvm::zip_equal(results, *values))
    entities.push_back(replaceLanes(result, value));
  return entities.size() == 1 ? entities.front() : tuple(std::move(entities));
}
