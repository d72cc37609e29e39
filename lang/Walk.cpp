//===- Walk.cpp - Visiting the syntax tree -------------------------------===//

#include "lang/Walk.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Casting.h"

#include <numeric>

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
    walk(cast<ast::By>(expr).limit, visit);
    if (const std::optional<ast::By::Way> &way = cast<ast::By>(expr).way) {
      walk(way->method, visit);
      walk(way->within, visit);
      walk(way->limit, visit);
      walk(way->slot, visit);
    }
    return;
  }
}

/// The blocks of a statement.
static llvm::SmallVector<const ast::Block *, 2> blocksOf(const ast::Stmt &stmt) {
  if (auto *every = llvm::dyn_cast<ast::EveryStmt>(&stmt))
    return {&every->block};
  if (auto *loop = llvm::dyn_cast<ast::LoopStmt>(&stmt))
    return {&loop->block};
  if (auto *on = llvm::dyn_cast<ast::OnStmt>(&stmt))
    return {&on->block};
  auto *when = llvm::dyn_cast<ast::WhenStmt>(&stmt);
  if (!when)
    return {};
  llvm::SmallVector<const ast::Block *, 2> blocks{&when->block};
  if (when->otherwise)
    blocks.push_back(&*when->otherwise);
  return blocks;
}

/// The formulas of a statement, without those of its blocks.
static void walkOwn(const ast::Stmt &stmt, Visit visit) {
  if (auto *assign = llvm::dyn_cast<ast::AssignStmt>(&stmt)) {
    walk(assign->value, visit);
    for (const ast::Boundary &boundary : assign->boundaries)
      walk(boundary.value, visit);
    for (const ast::Target &target : assign->targets)
      walk(target.subscripts, visit);
  }
  if (auto *draw = llvm::dyn_cast<ast::DrawStmt>(&stmt)) {
    walk(draw->value, visit);
    walk(draw->at, visit);
  }
  if (auto *every = llvm::dyn_cast<ast::EveryStmt>(&stmt))
    walk(every->period, visit);
  if (auto *when = llvm::dyn_cast<ast::WhenStmt>(&stmt))
    walk(when->condition, visit);
  if (auto *loop = llvm::dyn_cast<ast::LoopStmt>(&stmt)) {
    walk(loop->slot, visit);
    walk(loop->bound, visit);
    walk(loop->condition, visit);
    for (const ast::LoopInit &init : loop->inits)
      walk(init.value, visit);
  }
  if (auto *result = llvm::dyn_cast<ast::ReturnStmt>(&stmt))
    walk(result->values, visit);
}

void lang::forEachExpr(const ast::Block &block, Visit visit) {
  for (const ast::StmtPtr &stmt : block.statements) {
    walkOwn(*stmt, visit);
    for (const ast::Block *inner : blocksOf(*stmt))
      forEachExpr(*inner, visit);
  }
}

static bool isDerivativeIn(const ast::Expr &expr, llvm::StringRef name) {
  auto *total = llvm::dyn_cast<ast::TotalDerivative>(&expr);
  return total && llvm::any_of(total->variables, [&](const ast::Ident &variable) { return variable.name == name; });
}

bool lang::differentiatesIn(const ast::Expr &expr, llvm::StringRef name) {
  bool found = false;
  forEachExpr(expr, [&](const ast::Expr &inner) { found |= isDerivativeIn(inner, name); });
  return found;
}

bool lang::differentiatesIn(const ast::Block &block, llvm::StringRef name) {
  bool found = false;
  forEachExpr(block, [&](const ast::Expr &inner) { found |= isDerivativeIn(inner, name); });
  for (const ast::StmtPtr &stmt : block.statements)
    if (auto *function = llvm::dyn_cast<ast::FunctionStmt>(stmt.get())) {
      const ast::Body &body = function->body;
      found |= (body.value && differentiatesIn(*body.value, name)) || (body.block && differentiatesIn(*body.block, name));
    }
  return found;
}

std::vector<size_t> lang::bindingOrder(llvm::ArrayRef<ast::Param> params, llvm::function_ref<bool(size_t)> isGiven) {
  std::vector<size_t> order(params.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_partition(order.begin(), order.end(), [&](size_t i) {
    return params[i].isSize && (isGiven(i) || llvm::isa_and_nonnull<ast::Number>(params[i].defaultValue.get()));
  });
  return order;
}

static bool callsInBlocks(const ast::Block &block, llvm::StringRef name) {
  bool found = false;
  for (const ast::StmtPtr &stmt : block.statements)
    for (const ast::Block *inner : blocksOf(*stmt)) {
      if (stmt->kind == ast::StmtKind::On) { // each entry is a body of its own
        found |= callsInBlocks(*inner, name);
        continue;
      }
      lang::forEachExpr(*inner, [&](const ast::Expr &expr) {
        auto *call = llvm::dyn_cast<ast::Call>(&expr);
        auto *callee = call ? llvm::dyn_cast<ast::Name>(call->callee.get()) : nullptr;
        found |= callee && callee->name == name;
      });
    }
  return found;
}

bool lang::callsInBlock(const ast::Rule &rule, llvm::StringRef name) { return callsInBlocks(rule.block, name); }

bool lang::emitsReport(const ast::Block &block) {
  return llvm::any_of(block.statements, [](const ast::StmtPtr &stmt) {
    return stmt->kind == ast::StmtKind::Emit || llvm::any_of(blocksOf(*stmt), [](const ast::Block *inner) { return emitsReport(*inner); });
  });
}

llvm::StringRef lang::wordIn(const ast::Subscript &slot) {
  auto *name = slot.kind == ast::SubKind::Value ? llvm::dyn_cast<ast::Name>(slot.value.get()) : nullptr;
  return name && !name->primed ? llvm::StringRef(name->name) : llvm::StringRef();
}

std::string lang::leadingName(const std::optional<ast::Type> &type) {
  auto *name = type && !type->dims.empty() ? llvm::dyn_cast_or_null<ast::Name>(type->dims.front().size.get()) : nullptr;
  return name ? name->name : "";
}
