//===- Tree.cpp - All formulas and statements of a unit ---------------------===//

#include "lang/lint/Tree.h"
#include "lang/Walk.h"

#include "llvm/Support/Casting.h"

using namespace gradus;
using namespace gradus::lint;
using llvm::dyn_cast;

static void walk(const ast::ExprPtr &expr, const Visitor &visitor) {
  if (expr)
    lang::forEachExpr(*expr, visitor.formula);
}

static void walk(const std::vector<ast::ExprPtr> &list, const Visitor &visitor) {
  for (const ast::ExprPtr &expr : list)
    walk(expr, visitor);
}

static void walk(const std::vector<ast::Subscript> &subscripts, const Visitor &visitor) {
  for (const ast::Subscript &sub : subscripts) {
    walk(sub.value, visitor);
    walk(sub.from, visitor);
    walk(sub.to, visitor);
  }
}

static void walk(const std::optional<ast::Type> &type, const Visitor &visitor) {
  if (!type)
    return;
  for (const ast::Dim &dim : type->dims)
    walk(dim.size, visitor);
  for (const ast::Storage &word : type->storage)
    walk(word.argument, visitor);
}

static void walk(const std::vector<ast::Param> &params, const Visitor &visitor) {
  for (const ast::Param &param : params) {
    walk(param.type, visitor);
    walk(param.defaultValue, visitor);
    walk(param.set, visitor);
    if (!param.interval)
      continue;
    walk(param.interval->low, visitor);
    walk(param.interval->high, visitor);
  }
}

static void walk(const ast::Decl &decl, const Visitor &visitor) {
  walk(decl.type, visitor);
  walk(decl.value, visitor);
}

static void walk(const std::vector<ast::Decl> &decls, const Visitor &visitor) {
  for (const ast::Decl &decl : decls)
    walk(decl, visitor);
}

void lint::walk(const ast::Body &body, const Visitor &visitor) {
  ::walk(body.value, visitor);
  if (body.block)
    walk(*body.block, visitor);
}

static void walkLoop(const ast::LoopStmt &loop, const Visitor &visitor) {
  walk(loop.slot, visitor);
  walk(loop.bound, visitor);
  for (const ast::LoopInit &init : loop.inits) {
    walk(init.type, visitor);
    walk(init.value, visitor);
  }
  walk(loop.condition, visitor);
  lint::walk(loop.block, visitor);
}

static void walkAssign(const ast::AssignStmt &assign, const Visitor &visitor) {
  for (const ast::Target &target : assign.targets)
    walk(target.subscripts, visitor);
  walk(assign.value, visitor);
  for (const ast::Boundary &boundary : assign.boundaries) {
    walk(boundary.place.subscripts, visitor);
    walk(boundary.value, visitor);
  }
}

static void walk(const ast::Stmt &stmt, const Visitor &visitor) {
  visitor.statement(stmt);
  if (auto *constant = dyn_cast<ast::ConstStmt>(&stmt))
    return walk(constant->decl, visitor);
  if (auto *param = dyn_cast<ast::ParamStmt>(&stmt))
    return walk(param->decls, visitor);
  if (auto *state = dyn_cast<ast::StateStmt>(&stmt))
    return walk(state->decls, visitor);
  if (auto *input = dyn_cast<ast::InputStmt>(&stmt))
    return walk(input->decls, visitor);
  if (auto *draw = dyn_cast<ast::DrawStmt>(&stmt)) {
    walk(draw->value, visitor);
    return walk(draw->at, visitor);
  }
  if (auto *function = dyn_cast<ast::FunctionStmt>(&stmt)) {
    walk(function->params, visitor);
    walk(function->indices, visitor);
    return lint::walk(function->body, visitor);
  }
  if (auto *assign = dyn_cast<ast::AssignStmt>(&stmt))
    return walkAssign(*assign, visitor);
  if (auto *every = dyn_cast<ast::EveryStmt>(&stmt)) {
    walk(every->period, visitor);
    return lint::walk(every->block, visitor);
  }
  if (auto *when = dyn_cast<ast::WhenStmt>(&stmt)) {
    walk(when->condition, visitor);
    lint::walk(when->block, visitor);
    if (when->otherwise)
      lint::walk(*when->otherwise, visitor);
    return;
  }
  if (auto *on = dyn_cast<ast::OnStmt>(&stmt)) {
    walk(on->params, visitor);
    return lint::walk(on->block, visitor);
  }
  if (auto *loop = dyn_cast<ast::LoopStmt>(&stmt))
    return walkLoop(*loop, visitor);
  if (auto *result = dyn_cast<ast::ReturnStmt>(&stmt))
    return walk(result->values, visitor);
  if (auto *expect = dyn_cast<ast::ExpectStmt>(&stmt)) {
    walk(expect->condition, visitor);
    return walk(expect->within, visitor);
  }
  if (auto *solves = dyn_cast<ast::SolvesStmt>(&stmt))
    walk(solves->equations, visitor);
}

void lint::walk(const ast::Block &block, const Visitor &visitor) {
  for (const ast::StmtPtr &stmt : block.statements)
    ::walk(*stmt, visitor);
}

void lint::walk(const ast::Unit &unit, const Visitor &visitor) {
  if (auto *function = dyn_cast<ast::Function>(&unit)) {
    ::walk(function->params, visitor);
    ::walk(function->indices, visitor);
    ::walk(function->resultType, visitor);
    ::walk(function->proxOf, visitor);
    ::walk(function->solves, visitor);
    walk(function->body, visitor);
    if (function->derivative)
      ::walk(function->derivative->values, visitor);
  } else if (auto *rule = dyn_cast<ast::Rule>(&unit)) {
    ::walk(rule->params, visitor);
    walk(rule->block, visitor);
  } else if (auto *train = dyn_cast<ast::Train>(&unit)) {
    for (const ast::Objective &objective : train->objectives)
      ::walk(objective.function, visitor);
    for (const ast::Group &group : train->groups)
      ::walk(group.rule, visitor);
  } else if (auto *test = dyn_cast<ast::Test>(&unit)) {
    walk(test->block, visitor);
  } else if (auto *constant = dyn_cast<ast::Const>(&unit)) {
    ::walk(constant->decl, visitor);
  }
}

static bool isInside(const Location &inner, const Location &outer) {
  auto begin = std::pair(outer.line, outer.col), end = std::pair(outer.endLine, outer.endCol), place = std::pair(inner.line, inner.col);
  return begin <= place && place < end;
}

bool lint::areExclusive(const ast::Unit &unit, const Location &a, const Location &b) {
  bool isEither = false;
  auto split = [&](const Location &first, const Location &second) { isEither |= (isInside(a, first) && isInside(b, second)) || (isInside(b, first) && isInside(a, second)); };
  std::vector<Location> entries;
  auto formula = [&](const ast::Expr &expr) {
    if (auto *choice = dyn_cast<ast::If>(&expr))
      split(choice->thenValue->loc, choice->elseValue->loc);
  };
  auto statement = [&](const ast::Stmt &stmt) {
    if (auto *when = dyn_cast<ast::WhenStmt>(&stmt); when && when->otherwise)
      split(when->block.loc, when->otherwise->loc);
    if (auto *entry = dyn_cast<ast::OnStmt>(&stmt)) {
      for (const Location &other : entries)
        split(other, entry->loc);
      entries.push_back(entry->loc);
    }
  };
  walk(unit, {formula, statement});
  return isEither;
}
