//===- Walk.h - Visiting the syntax tree ----------------------------*- C++ -*-===//

#ifndef GRADUS_LANG_WALK_H
#define GRADUS_LANG_WALK_H

#include "lang/Ast.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace gradus::lang {

/// Visits an expression and everything inside it, outermost first.
void forEachExpr(const ast::Expr &expr, llvm::function_ref<void(const ast::Expr &)> visit);

} // namespace gradus::lang

#endif // GRADUS_LANG_WALK_H
