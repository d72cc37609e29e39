//===- Walk.h - Visiting the syntax tree ----------------------------*- C++ -*-===//

#ifndef GRADUS_LANG_WALK_H
#define GRADUS_LANG_WALK_H

#include "lang/Ast.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

namespace gradus::lang {

/// Visits an expression and everything inside it, outermost first.
void forEachExpr(const ast::Expr &expr, llvm::function_ref<void(const ast::Expr &)> visit);

/// Visits every formula of the statements of a block, and of the blocks in it.
void forEachExpr(const ast::Block &block, llvm::function_ref<void(const ast::Expr &)> visit);

/// The word that stands alone in a slot, as `all` and `keep`; empty where something else does.
llvm::StringRef wordIn(const ast::Subscript &slot);
/// The name of the leading dimension; empty where there is none, or a formula or a number.
std::string leadingName(const std::optional<ast::Type> &type);
/// Whether a formula, or one in it, is a total derivative grad[name](..).
bool differentiatesIn(const ast::Expr &expr, llvm::StringRef name);
bool differentiatesIn(const ast::Block &block, llvm::StringRef name);

/// The arguments in the order in which they are bound: sizes that are given or spelled out come before the shapes that they are in.
std::vector<size_t> bindingOrder(llvm::ArrayRef<ast::Param> params, llvm::function_ref<bool(size_t)> isGiven);

/// Whether a rule calls a name inside of 'when' or 'every', where a step may not reach the call.
bool callsInBlock(const ast::Rule &rule, llvm::StringRef name);

/// Whether a block, or one in it, emits something.
bool emitsReport(const ast::Block &block);

} // namespace gradus::lang

#endif // GRADUS_LANG_WALK_H
