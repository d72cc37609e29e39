//===- Format.h - the canonical layout --------------------------*- C++ -*-===//
//
// One layout for all specs: two columns of indentation, one blank around operators, lines of at most 120 columns. What
// the author decides stays: which statements share a line, which blocks stand on one line, where one blank line
// separates, the rows of a table, every comment.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_FORMAT_H
#define GRADUS_LANG_FORMAT_H

#include "lang/Ast.h"

#include <string>

namespace gradus {

/// The sheet as text that parses to the same tree; formatting that text again gives the same text.
std::string format(const ast::Sheet &sheet, const Source &source);

/// One formula on as few lines as fit, for messages and for units that no author wrote.
std::string format(const ast::Expr &expr);

} // namespace gradus

#endif // GRADUS_LANG_FORMAT_H
