//===- UnusedArgument.cpp - An argument that nothing reads -------------------===//
//
// An argument that tells a size which the body reads is read. What an interface prescribes is exempt: the first two arguments of a prox and the first of a projection,
// 'start', 'tol' and 'limit' of a solver, the arguments of a function that is handed on by its name, since whoever calls it says how, and those of a local function or a
// lambda, which mostly are; and the sizes of a rule that makes the draw of another rule again, which finds them by their names.
//
//     rule sgd(lr = 0.1, mu = 0.9) { param w; grad g; w' = w - lr * g }       warned of at mu
//
//===----------------------------------------------------------------------===//

#include "lang/lint/Finding.h"
#include "lang/lint/Tree.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Casting.h"

using namespace gradus;
using namespace gradus::lint;
using llvm::dyn_cast;

static bool isPrescribed(const ast::Function &function, size_t position) {
  llvm::StringRef name = function.params[position].name.name;
  switch (function.function) {
  case ast::FunctionKind::Prox:
    return position < 2;
  case ast::FunctionKind::Projection:
    return position == 0;
  case ast::FunctionKind::Solver:
    return name == "start" || name == "tol" || name == "limit";
  default:
    return false;
  }
}

static bool makesDrawAgain(const ast::Rule &rule) {
  return llvm::any_of(rule.block.statements, [](const ast::StmtPtr &stmt) {
    auto *draw = dyn_cast<ast::DrawStmt>(stmt.get());
    return draw && llvm::isa_and_nonnull<ast::Member>(draw->value.get());
  });
}

using Place = std::pair<uint32_t, uint32_t>;

static Place placeOf(const Location &loc) { return {loc.line, loc.col}; }

/// Where names stand that are neither called nor asked for by the language itself, as an objective, a method behind `by` or a set is.
static std::set<Place> findValues(const ast::Sheet &sheet) {
  std::set<Place> values, called;
  auto call = [&](const ast::ExprPtr &expr) {
    if (expr)
      called.insert(placeOf(expr->loc));
  };
  auto formula = [&](const ast::Expr &expr) {
    if (llvm::isa<ast::Name>(expr))
      values.insert(placeOf(expr.loc));
    if (auto *made = dyn_cast<ast::Call>(&expr))
      call(made->callee);
    if (auto *solved = dyn_cast<ast::By>(&expr)) {
      call(solved->method);
      if (solved->way)
        call(solved->way->method);
    }
  };
  auto sets = [&](const std::vector<ast::Param> &params) {
    for (const ast::Param &param : params)
      call(param.set);
  };
  auto statement = [&](const ast::Stmt &stmt) {
    if (auto *function = dyn_cast<ast::FunctionStmt>(&stmt))
      sets(function->params);
  };
  for (const ast::UnitPtr &unit : sheet.units) {
    walk(*unit, {formula, statement});
    if (auto *function = dyn_cast<ast::Function>(unit.get()))
      sets(function->params);
    if (auto *train = dyn_cast<ast::Train>(unit.get()))
      for (const ast::Objective &objective : train->objectives)
        call(objective.function);
  }
  for (const Place &place : called)
    values.erase(place);
  return values;
}

/// From the first to the last argument of a header.
static Location headOf(const std::vector<ast::Param> &params) { return params.empty() ? Location() : spanning(params.front().loc, params.back().loc); }

void lint::findUnusedArgument(Subject &subject, Findings &findings) {
  const server::Names &names = subject.names();
  const std::set<Place> values = findValues(subject.spec.sheet);
  std::set<Place> used, handedOn; // where it is declared
  for (const server::NameUse &use : names.uses) {
    Place home = placeOf(names.declarations[use.declaration].loc);
    if (subject.isRead(use))
      used.insert(home);
    if (values.count(placeOf(use.loc)))
      handedOn.insert(home);
  }
  auto isInside = [](const Location &inner, const Location &outer) { return server::contains(outer, inner.line, inner.col); };
  auto tellsSize = [&](const ast::Param &param, const Location &head) {
    return llvm::any_of(names.uses, [&](const server::NameUse &use) {
      const server::Declaration &dim = names.declarations[use.declaration];
      return dim.kind == server::NameKind::Dimension && isInside(dim.loc, param.loc) && subject.isRead(use) && !isInside(use.loc, head);
    });
  };
  auto isUsed = [&](const ast::Param &param, const Location &head) {
    return used.contains(placeOf(param.name.loc)) || tellsSize(param, head);
  };
  auto look = [&](const ast::Param &param, const std::vector<ast::Param> &all, const std::string &owner) {
    if (!isUsed(param, headOf(all)))
      findings.push_back({param.name.loc, "nothing in " + owner + " reads '" + param.name.name + "'", "read it, or leave it out"});
  };
  for (const ast::UnitPtr &unit : subject.spec.sheet.units) {
    if (auto *function = dyn_cast<ast::Function>(unit.get()); function && (function->function == ast::FunctionKind::Schedule || !handedOn.contains(placeOf(function->name.loc))))
      for (size_t i = 0; i < function->params.size(); ++i)
        if (!isPrescribed(*function, i))
          look(function->params[i], function->params, wordOf(function->function) + " '" + function->name.name + "'");
    if (auto *rule = dyn_cast<ast::Rule>(unit.get())) {
      for (const ast::Param &param : rule->params)
        if (!param.isSize || !makesDrawAgain(*rule))
          look(param, rule->params, "rule '" + rule->name.name + "'");
      for (const ast::StmtPtr &stmt : rule->block.statements)
        if (auto *entry = dyn_cast<ast::OnStmt>(stmt.get()))
          for (const ast::Param &param : entry->params)
            look(param, entry->params, "the entry '" + entry->name.name + "'");
    }
  }
}
