//===- EmitSolver.cpp - Solvers and their equations ---------------------------===//
//
// What a solver gives is defined by its equations, not by the passes it took: its derivative is not that of its loop, but the implicit one of
// its clause `solves`, whose unknowns are the names that it returns. Each call of a solver in a test claims its equations.
//
//===----------------------------------------------------------------------===//

#include "lang/InnerProblem.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Value;

/// The names that the last statement returns, empty where it returns a formula.
static std::vector<std::string> returnedNames(const Closure &solver) {
  std::vector<std::string> names;
  if (!solver.block || solver.block->statements.empty())
    return names;
  auto *last = dyn_cast<ast::ReturnStmt>(solver.block->statements.back().get());
  for (const ast::ExprPtr &value : last ? llvm::ArrayRef<ast::ExprPtr>(last->values) : llvm::ArrayRef<ast::ExprPtr>()) {
    auto *name = dyn_cast<ast::Name>(value.get());
    names.push_back(name && !name->primed ? name->name : "");
  }
  return names;
}

/// Both sides of `a == b`.
std::optional<std::pair<Array, Array>> Elaborator::evalEquation(const ast::Expr &expr, Scope &scope) {
  auto *equation = dyn_cast<ast::Compare>(&expr);
  if (!equation || equation->ops.size() != 1 || equation->ops[0] != ast::CompareOp::Eq) {
    error(Code::ProblemForm, expr.loc, "expected an equation").suggest("write a == b");
    return std::nullopt;
  }
  Array a = evalArray(*equation->operands[0], scope), b = evalArray(*equation->operands[1], scope);
  if (a.isPoison() || b.isPoison())
    return std::nullopt;
  return std::pair(toKind(a, Kind::Float, expr.loc), toKind(b, Kind::Float, expr.loc));
}

void Elaborator::runSolves(const ast::SolvesStmt &stmt, Scope &scope) {
  if (!solved)
    return notHere(stmt, "a function", "it says what a solver solves");
  for (const ast::ExprPtr &equation : stmt.equations)
    if (auto sides = evalEquation(*equation, scope))
      solved->push_back({*sides, equation->loc});
}

/// A claim that both sides are near each other, in a test.
void Elaborator::claimSolved(const Equation &equation) {
  std::string text = "solves " + textOf(equation.loc);
  elementwise({equation.sides.first, equation.sides.second}, Kind::Float, equation.loc, [&](llvm::ArrayRef<Value> v) -> Value {
    ExpectNearOp::create(builder, place(equation.loc), v[0], v[1], llvm::APFloat(1e-6), text);
    return v[0];
  });
}

/// The clause as a problem whose unknowns are the results; empty where it does not define them.
std::optional<Elaborator::InnerProblem> Elaborator::problemOfSolver(const Closure &closure, const std::vector<Array> &results, Scope &inner, Location at) {
  InnerProblem problem;
  problem.form = InnerProblem::Equation;
  problem.text = closure.name;
  problem.loc = at;
  problem.scope = &inner;
  for (const ast::ExprPtr &equation : closure.unit->solves)
    problem.formulas.push_back(equation.get());
  std::vector<std::string> names = returnedNames(closure);
  for (auto [k, result] : llvm::enumerate(results)) {
    if (kindOf(result) != Kind::Float)
      break;
    if (k >= names.size() || names[k].empty() || result.lanes.size() != 1 || !result.axes.empty())
      return std::nullopt;
    problem.unknowns.push_back({names[k], closure.loc, false});
    problem.start.push_back(Array{result.lanes});
  }
  bool isDefined = !problem.formulas.empty() && !problem.start.empty();
  for (const Array &result : llvm::ArrayRef(results).drop_front(problem.start.size()))
    isDefined &= kindOf(result) != Kind::Float;
  return isDefined ? std::optional(problem) : std::nullopt;
}

Entity Elaborator::callSolver(const Closure &closure, Scope &inner, Location at) {
  const SolverUse use = std::exchange(solverUse, SolverUse::Alone);
  const bool hasDerivative = use == SolverUse::Alone;
  std::vector<Equation> equations;
  if (use == SolverUse::Unrolled) {
    llvm::SaveAndRestore mine(solved, &equations);
    return evalBody(closure, inner, at);
  }
  std::vector<Array> parts;
  std::optional<InnerProblem> problem;
  CustomOp made = beginImplicit(at, [&]() -> std::optional<SmallVector<Value>> {
    llvm::SaveAndRestore mine(solved, &equations);
    Entity result = evalBody(closure, inner, at);
    const Entity::Tuple *several = result.get<Entity::Tuple>();
    SmallVector<Value> lanes;
    Scope *named = arena.scope(&inner);
    std::vector<std::string> names = returnedNames(closure);
    for (const Entity &one : several ? *several : Entity::Tuple{result}) {
      parts.push_back(asArray(one, closure.loc));
      if (parts.back().isPoison())
        return std::nullopt;
      if (parts.size() <= names.size() && !names[parts.size() - 1].empty())
        named->set(names[parts.size() - 1], parts.back(), closure.loc);
    }
    if (hasDerivative && equations.empty())
      problem = problemOfSolver(closure, parts, inner, at);
    for (const ast::ExprPtr &equation : closure.unit->solves)
      if (auto sides = evalEquation(*equation, *named))
        equations.push_back({*sides, equation->loc});
    for (const Equation &equation : equations)
      parts.insert(parts.end(), {equation.sides.first, equation.sides.second});
    for (const Array &part : parts)
      llvm::append_range(lanes, part.lanes);
    return lanes;
  });
  if (!made)
    return {};
  SmallVector<Value> values = finishImplicit(made, problem ? &*problem : nullptr, "the solver '" + closure.name + "'",
                                             "no clause 'solves' in its head defines the real numbers that it returns by name");
  if (auto op = values.empty() ? CustomOp() : values.front().getDefiningOp<CustomOp>()) {
    op->setAttr("solver", builder.getStringAttr(closure.name));
    if (problem) // the other results are the sides of its equations, which tests claim
      op->setAttr("unknowns", builder.getI64IntegerAttr(problem->countArrays()));
    if (hasSets(*closure.params))
      op->setAttr("confined", builder.getUnitAttr());
  }
  llvm::ArrayRef<Value> rest(values);
  for (Array &part : parts) {
    part = replaceLanes(part, rest.take_front(part.lanes.size()));
    rest = rest.drop_front(part.lanes.size());
  }
  size_t count = parts.size() - 2 * equations.size();
  for (size_t k = 0; mayClaim() && k < equations.size(); ++k)
    claimSolved({{parts[count + 2 * k], parts[count + 2 * k + 1]}, equations[k].loc});
  std::vector<Entity> results(parts.begin(), parts.begin() + count);
  return results.size() == 1 ? results.front() : tuple(std::move(results));
}
