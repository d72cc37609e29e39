//===- Walk.cpp - Visiting the syntax tree -------------------------------===//

#include "lang/Walk.h"

#include "llvm/Support/Casting.h"

using namespace gradus;
using llvm::cast;

using Visit = llvm::function_ref<void(const ast::Expr &)>;

static void walk(const ast::ExprPtr &expr, Visit visit) {
  if (expr)
    lang::forEachExpr(*expr, visit);
}

static void walk(const std::vector<ast::ExprPtr> &list, Visit visit) {
  for (const ast::ExprPtr &expr : list)
    walk(expr, visit);
}

static void walk(const std::vector<ast::Subscript> &subscripts, Visit visit) {
  for (const ast::Subscript &sub : subscripts) {
    walk(sub.value, visit);
    walk(sub.from, visit);
    walk(sub.to, visit);
  }
}

static void walk(const std::vector<ast::Argument> &arguments, Visit visit) {
  for (const ast::Argument &argument : arguments)
    walk(argument.value, visit);
}

void lang::forEachExpr(const ast::Expr &expr, Visit visit) {
  visit(expr);
  switch (expr.kind) {
  case ast::ExprKind::Number:
  case ast::ExprKind::String:
  case ast::ExprKind::Bool:
  case ast::ExprKind::Name:
  case ast::ExprKind::Like:
    return;
  case ast::ExprKind::List:
    return walk(cast<ast::List>(expr).elements, visit);
  case ast::ExprKind::Tuple:
    return walk(cast<ast::Tuple>(expr).elements, visit);
  case ast::ExprKind::Unary:
    return walk(cast<ast::Unary>(expr).operand, visit);
  case ast::ExprKind::Binary:
    walk(cast<ast::Binary>(expr).lhs, visit);
    return walk(cast<ast::Binary>(expr).rhs, visit);
  case ast::ExprKind::Compare:
    return walk(cast<ast::Compare>(expr).operands, visit);
  case ast::ExprKind::If:
    walk(cast<ast::If>(expr).condition, visit);
    walk(cast<ast::If>(expr).thenValue, visit);
    return walk(cast<ast::If>(expr).elseValue, visit);
  case ast::ExprKind::Lambda:
    return walk(cast<ast::Lambda>(expr).body, visit);
  case ast::ExprKind::Range:
    walk(cast<ast::Range>(expr).from, visit);
    return walk(cast<ast::Range>(expr).to, visit);
  case ast::ExprKind::Call:
    walk(cast<ast::Call>(expr).callee, visit);
    return walk(cast<ast::Call>(expr).arguments, visit);
  case ast::ExprKind::Index:
    walk(cast<ast::Index>(expr).base, visit);
    return walk(cast<ast::Index>(expr).subscripts, visit);
  case ast::ExprKind::Member:
    return walk(cast<ast::Member>(expr).base, visit);
  case ast::ExprKind::Derivative:
    walk(cast<ast::Derivative>(expr).selection, visit);
    return walk(cast<ast::Derivative>(expr).arguments, visit);
  case ast::ExprKind::TotalDerivative:
    return walk(cast<ast::TotalDerivative>(expr).value, visit);
  case ast::ExprKind::By:
    walk(cast<ast::By>(expr).problem, visit);
    walk(cast<ast::By>(expr).method, visit);
    walk(cast<ast::By>(expr).from, visit);
    walk(cast<ast::By>(expr).within, visit);
    return walk(cast<ast::By>(expr).limit, visit);
  }
}
