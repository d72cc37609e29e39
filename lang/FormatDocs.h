//===- FormatDocs.h - documents of tree nodes -------------------*- C++ -*-===//
//
// One line of source, a header or a statement without its blocks, as a document. Private to the formatter.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_FORMATDOCS_H
#define GRADUS_LANG_FORMATDOCS_H

#include "lang/Ast.h"
#include "lang/Layout.h"

namespace gradus {

Doc docOf(const ast::Expr &expr);
/// `[a, b]`; a list of rows is set as a table.
Doc docOfList(const ast::List &list);
Doc docOf(const ast::Type &type);
Doc docOf(const ast::Decl &decl);
Doc docOf(const ast::Target &target);
Doc docOf(const std::vector<ast::Ident> &names);
/// `(a: [n], b = 1 in [0, 1))`.
Doc docOf(const std::vector<ast::Param> &params);
/// `[i, j]`, or nothing without subscripts.
Doc docOf(const std::vector<ast::Subscript> &subscripts);
Doc docOf(const ast::Group &group);
Doc docOf(const ast::CustomDerivative &derivative);
std::string textOf(const ast::Ident &ident);

/// A statement: the code up to its block, and its blocks.
struct FormatPiece {
  Doc head;
  const ast::Block *block = nullptr;
  const ast::Block *otherwise = nullptr;
};
FormatPiece pieceOf(const ast::Stmt &stmt);

Doc headOf(const ast::Function &unit);
Doc headOf(const ast::Rule &unit);
Doc headOf(const ast::Train &unit);
/// The last line of the source that a header reaches.
uint32_t headEnd(const ast::Function &unit);

/// Parts with ", " between them; lines break only where the next part does not fit.
Doc commaSeparated(std::vector<Doc> parts);
template <typename Range, typename Fn>
Doc commaSeparated(const Range &range, Fn toDoc) {
  std::vector<Doc> parts;
  for (const auto &element : range)
    parts.push_back(toDoc(element));
  return commaSeparated(std::move(parts));
}

} // namespace gradus

#endif // GRADUS_LANG_FORMATDOCS_H
