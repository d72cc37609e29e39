//===- EmitSolver.cpp - Solvers, and what has no derivative but an implicit one ----===//
//
// What a solver gives is defined by its equations, not by the passes it took: its derivative is not that of its loop. So it stands in a
// gradus.custom marked `implicit`, which differentiation refuses. Each call of a solver in a test claims its equations.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Value;

/// Elaborates `emit` so that no derivative goes through it; `what` names it in the message.
std::optional<SmallVector<Value>> Elaborator::implicitly(Location at, llvm::StringRef what, llvm::function_ref<std::optional<SmallVector<Value>>()> emit) {
  auto made = CustomOp::create(builder, place(at), mlir::TypeRange(), mlir::ValueRange());
  std::optional<SmallVector<Value>> values;
  {
    mlir::OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&made.getBody().emplaceBlock());
    values = emit();
    YieldOp::create(builder, place(at), values ? *values : SmallVector<Value>());
    mlir::Block &derivative = made.getDerivative().emplaceBlock();
    for (Value value : values ? *values : SmallVector<Value>())
      if (kindOf(value) == Kind::Float)
        derivative.addArgument(value.getType(), place(at));
    builder.setInsertionPointToStart(&derivative);
    YieldOp::create(builder, place(at), mlir::ValueRange());
  }
  if (!values) {
    made.erase();
    return std::nullopt;
  }
  auto op = CustomOp::create(builder, place(at), mlir::TypeRange(mlir::ValueRange(*values)), mlir::ValueRange());
  op->setAttr("implicit", builder.getStringAttr(what));
  op.getBody().takeBody(made.getBody());
  op.getDerivative().takeBody(made.getDerivative());
  made.erase();
  return SmallVector<Value>(op.getYs());
}

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

Entity Elaborator::callSolver(const Closure &closure, Scope &inner, Location at) {
  std::vector<Equation> equations;
  std::vector<Array> parts;
  auto values = implicitly(at, "the solver '" + closure.name + "'", [&]() -> std::optional<SmallVector<Value>> {
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
    for (const ast::ExprPtr &equation : closure.unit->solves)
      if (auto sides = evalEquation(*equation, *named))
        equations.push_back({*sides, equation->loc});
    for (const Equation &equation : equations)
      parts.insert(parts.end(), {equation.sides.first, equation.sides.second});
    for (const Array &part : parts)
      llvm::append_range(lanes, part.lanes);
    return lanes;
  });
  if (!values)
    return {};
  llvm::ArrayRef<Value> rest(*values);
  for (Array &part : parts) {
    part = replaceLanes(part, rest.take_front(part.lanes.size()));
    rest = rest.drop_front(part.lanes.size());
  }
  size_t count = parts.size() - 2 * equations.size();
  auto test = dyn_cast<FuncOp>(builder.getInsertionBlock()->getParentOp());
  for (size_t k = 0; test && test.getKind() == FuncKind::Test && k < equations.size(); ++k)
    claimSolved({{parts[count + 2 * k], parts[count + 2 * k + 1]}, equations[k].loc});
  std::vector<Entity> results(parts.begin(), parts.begin() + count);
  return results.size() == 1 ? results.front() : tuple(std::move(results));
}
