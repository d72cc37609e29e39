//===- Tree.h - All formulas and statements of a unit -------------------*- C++ -*-===//

#ifndef GRADUS_LANG_LINT_TREE_H
#define GRADUS_LANG_LINT_TREE_H

#include "lang/Ast.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace gradus::lint {

/// What is called for everything in a unit, outermost first, in the order of the text.
struct Visitor {
  llvm::function_ref<void(const ast::Expr &)> formula;
  llvm::function_ref<void(const ast::Stmt &)> statement;
};

/// Headers, bodies, local functions, first values, types: all that stands in a unit.
void walk(const ast::Unit &unit, const Visitor &visitor);
void walk(const ast::Block &block, const Visitor &visitor);
void walk(const ast::Body &body, const Visitor &visitor);

/// Whether at most one of two places of a unit is evaluated: branches of one choice, or named entries of a rule.
bool areExclusive(const ast::Unit &unit, const Location &a, const Location &b);

} // namespace gradus::lint

#endif // GRADUS_LANG_LINT_TREE_H
