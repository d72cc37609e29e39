//===- EmitProblem.cpp - Reading inner problems ------------------------------===//
//
// The unknowns with their shapes, the formulas, the method and the clauses behind `by`. Where `from` does not say where the search begins, it begins at
// zeros, in the shape that the formulas tell.
//
//===----------------------------------------------------------------------===//

#include "lang/InnerProblem.h"
#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using mlir::Attribute;

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
  problem.laneCount = laneCount;
  problem.isOpen = isOpen;
  problem.isOneOfMany = isOneOfMany;
  problem.activeLane = activeLane;
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
    } else if (std::optional<Shapes> shapes = tellShapes(unknown.name, problem.formulas, names, scope)) {
      for (const Shape &shape : *shapes)
        start.lanes.push_back((shape.empty() ? number(0, unknown.loc) : filled(0, shape, unknown.loc)).lane(0));
      start.isEach = start.isJoint = shapes->size() > 1;
    } else if (problem.needsNoStart) {
      start = number(0, unknown.loc);
    } else {
      error(Code::UnknownWithoutShape, unknown.loc, "nothing tells the shape of '" + unknown.name + "'").suggest("say where to begin: .. by .. from zeros(like ..)");
    }
    if (!start.isPoison() && ((start.lanes.size() != 1 && !start.isJoint) || !start.axes.empty())) {
      error(Code::ProblemForm, unknown.loc, "an inner problem has one unknown array, but this is another one for each " + std::string(start.axes.empty() ? "tensor" : "index"));
      return false;
    }
    if (start.isPoison())
      return false;
    if (start.lanes.size() == 1)
      start.isEach = start.isJoint = false;
    problem.start.push_back(start);
  }
  return readBounds(expr.within, expr.limit, 1e-8, expr.loc, scope, problem.within, problem.limit);
}

/// What stands behind `within` and `limit`.
bool Elaborator::readBounds(const ast::ExprPtr &within, const ast::ExprPtr &limit, double defaultWithin, Location at, Scope &scope, Array &bound, Array &passes) {
  bound = within ? evalScalar(*within, scope, "the bound behind 'within'") : number(defaultWithin, at);
  passes = limit ? evalScalar(*limit, scope, "the bound behind 'limit'") : integer(1000, at);
  if (bound.isPoison() || passes.isPoison())
    return false;
  if (kindOf(passes) == Kind::Float) {
    error(Code::KindMismatch, limit->loc, "'limit' counts steps: it is an integer");
    return false;
  }
  bound = toKind(bound, Kind::Float, at);
  passes = toKind(passes, Kind::Int, at);
  return true;
}

/// What stands behind `by`: what the scope knows by that name, else a solver of the library.
Entity Elaborator::evalMethod(const ast::Expr &callee, Scope &scope) {
  auto *name = dyn_cast<ast::Name>(&callee);
  if (name && !name->primed && findSolver && !scope.find(name->name) && !findBuiltin(name->name))
    if (Entity solver = findSolver(name->name); !solver.isPoison())
      return solver;
  return eval(callee, scope);
}

std::optional<Elaborator::Method> Elaborator::readMethod(const ast::Expr &method, Scope &scope) {
  auto *call = dyn_cast<ast::Call>(&method);
  Entity found = evalMethod(call ? *call->callee : method, scope);
  if (found.isPoison())
    return std::nullopt;
  const Closure *closure = found.get<Closure>();
  if (closure && closure->unit && closure->unit->function == ast::FunctionKind::Solver)
    return Method{closure, nullptr, call ? llvm::ArrayRef<ast::Argument>(call->arguments) : llvm::ArrayRef<ast::Argument>(), &scope};
  if (closure || found.get<Builtin>()) {
    error(Code::SolverForm, method.loc, "behind 'by' stands a rule or a solver, but this is " + found.what().str()).suggest("import \"std/solvers/lbfgs.grad\": .. by lbfgs()");
    return std::nullopt;
  }
  const RuleCall *rule = evalRule(method, scope);
  return rule ? std::optional(Method{nullptr, rule, {}, &scope}) : std::nullopt;
}

/// Reads how the derivative is made.
bool Elaborator::readWay(const ast::By &expr, Scope &scope, InnerProblem &problem) {
  if (!expr.way)
    return true;
  const ast::By::Way &way = *expr.way;
  if (!way.method) {
    if (way.word.name != "unrolled") {
      error(Code::DerivativeWay, way.word.loc, "the derivative of an inner problem is made by a solver, or is that of its passes, but this is '" + way.word.name + "'")
          .suggest(".. derivative by cg(), or .. derivative unrolled");
      return false;
    }
    std::optional<int64_t> checkpoints = readCheckpoints(way.slot, scope, "unrolled[checkpoints = 10]");
    problem.isUnrolled = true;
    problem.checkpoints = checkpoints.value_or(0);
    return checkpoints.has_value();
  }
  std::optional<Method> method = readMethod(*way.method, scope);
  if (!method)
    return false;
  problem.system.emplace();
  problem.system->loc = way.loc;
  problem.system->method = *method;
  return readBounds(way.within, way.limit, wide.isF64() ? 1e-10 : 1e-5, way.loc, scope, problem.system->within, problem.system->limit);
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

static llvm::SmallVector<Shape, 1> shapesOfLanes(const Array &x) {
  llvm::SmallVector<Shape, 1> shapes;
  for (size_t k = 0; k < x.lanes.size(); ++k)
    shapes.push_back(Shape(Algebra::ownShape(x, k)));
  return shapes;
}

/// The shapes that the formulas give an unknown: by a product `X @ u`, by dot(u, y), by a declared argument, or by the other side of an
/// equation. Elementwise arithmetic tells none, for it repeats numbers. The operations that are left behind are dead.
std::optional<Elaborator::Shapes> Elaborator::tellShapes(const std::string &unknown, llvm::ArrayRef<const ast::Expr *> formulas,
                                                         llvm::ArrayRef<std::string> unknowns, Scope &scope) {
  std::optional<Shapes> shapes;
  // None where there is no array, and for a number.
  auto shapesOf = [&](const ast::Expr &expr) -> Shapes {
    Array x = mentions(expr, unknowns) ? Array() : asArray(eval(expr, scope), expr.loc);
    bool isModel = !x.isPoison() && (x.lanes.size() == 1 || x.isJoint) && x.axes.empty() && !(x.lanes.size() == 1 && ownShape(x).empty());
    return isModel ? shapesOfLanes(x) : Shapes();
  };
  auto readProduct = [&](const ast::Binary &product) {
    bool isRight = isName(*product.rhs, unknown), isLeft = isName(*product.lhs, unknown);
    const ast::Expr &other = isRight ? *product.lhs : *product.rhs;
    if (isRight == isLeft || mentions(other, unknowns))
      return;
    if (Entity entity = eval(other, scope); const LinearOperator *linear = entity.get<LinearOperator>())
      shapes = shapesOfLanes(isRight ? linear->domain : linear->range);
    else if (Shapes sizes = shapesOf(other); sizes.size() == 1)
      shapes = Shapes{Shape{isRight ? sizes.front().back() : sizes.front().front()}};
  };
  auto readCall = [&](const ast::Call &call) {
    auto *name = dyn_cast<ast::Name>(call.callee.get());
    const Binding *binding = name ? scope.find(name->name) : nullptr;
    if (name && !binding && name->name == "dot" && call.arguments.size() == 2)
      for (size_t k : {0, 1})
        if (isName(*call.arguments[k].value, unknown) && !mentions(*call.arguments[1 - k].value, unknowns))
          if (shapes = shapesOf(*call.arguments[1 - k].value); shapes->empty())
            shapes->emplace_back(); // of numbers
    const Closure *closure = binding ? binding->entity.get<Closure>() : nullptr;
    if (closure && closure->params)
      shapes = shapeOfArgument(*closure, call, unknown, unknowns, scope);
  };
  for (const ast::Expr *formula : formulas)
    forEachExpr(*formula, [&](const ast::Expr &inner) {
      if (shapes)
        return;
      if (auto *binary = dyn_cast<ast::Binary>(&inner); binary && binary->op == ast::BinaryOp::MatMul)
        readProduct(*binary);
      else if (auto *call = dyn_cast<ast::Call>(&inner))
        readCall(*call);
    });
  for (const ast::Expr *formula : formulas)
    if (auto *equation = dyn_cast<ast::Compare>(formula); equation && !shapes && formulas.size() == 1 && unknowns.size() == 1)
      for (const ast::ExprPtr &side : equation->operands)
        if (Shapes sizes = shapesOf(*side); !shapes && !sizes.empty())
          shapes = sizes;
  return shapes;
}

/// The shapes that a function declares for the unknown, or that its body tells.
std::optional<Elaborator::Shapes> Elaborator::shapeOfArgument(const Closure &closure, const ast::Call &call, const std::string &unknown,
                                                              llvm::ArrayRef<std::string> unknowns, Scope &scope) {
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
  if (closure.objective) {
    if (const std::optional<Array> &model = closure.objective->models[*position]; model && model->lanes.size() > 1)
      return shapesOfLanes(*model);
    std::optional<Shape> shape = shapeOfPoint(closure, *position, call.arguments[*position].loc);
    return shape ? std::optional(Shapes{*shape}) : std::nullopt;
  }
  const ast::Param &param = (*closure.params)[*position];
  if (!param.type || !param.type->hasDims)
    return closure.value ? tellShapes(param.name.name, {closure.value}, names, *closure.scope) : std::nullopt;
  Shape shape;
  for (const ast::Dim &dim : param.type->dims) {
    auto *name = dim.size ? dyn_cast<ast::Name>(dim.size.get()) : nullptr;
    auto *size = dim.size ? dyn_cast<ast::Number>(dim.size.get()) : nullptr;
    const DimBinding *known = name ? inner->findDim(name->name) : nullptr;
    if (!known && !(size && size->isInteger))
      return std::nullopt;
    shape.push_back(known ? known->lane(0) : builder.getI64IntegerAttr(size->integer));
  }
  return Shapes{shape};
}
