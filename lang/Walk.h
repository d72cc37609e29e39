//===- Walk.h - Visiting the syntax tree ----------------------------*- C++ -*-===//

#ifndef GRADUS_LANG_WALK_H
#define GRADUS_LANG_WALK_H

#include "lang/Ast.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

namespace gradus::lang {

/// Visits an expression and everything inside it, outermost first.
void forEachExpr(const ast::Expr &expr, llvm::function_ref<void(const ast::Expr &)> visit);

/// Visits every formula of the statements of a block, and of the blocks in it.
void forEachExpr(const ast::Block &block, llvm::function_ref<void(const ast::Expr &)> visit);

/// The name of the leading dimension; empty where there is none, or a formula or a number.
std::string leadingName(const std::optional<ast::Type> &type);

/// Whether a rule calls a name inside of 'when' or 'every', where a step may not reach the call.
bool callsInBlock(const ast::Rule &rule, llvm::StringRef name);

} // namespace gradus::lang

#endif // GRADUS_LANG_WALK_H
