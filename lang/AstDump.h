//===- AstDump.h - the syntax tree as S-expressions -------------*- C++ -*-===//

#ifndef GRADUS_LANG_ASTDUMP_H
#define GRADUS_LANG_ASTDUMP_H

#include "lang/Ast.h"

#include <string>

namespace gradus {

/// The tree without places, comments and redundant parentheses: equal text means equal meaning. For tests and
/// `gradus emit --stage=ast`.
std::string dump(const ast::Sheet &sheet);
std::string dump(const ast::Expr &expr);

} // namespace gradus

#endif // GRADUS_LANG_ASTDUMP_H
