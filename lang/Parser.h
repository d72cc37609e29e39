//===- Parser.h - from text to syntax tree ----------------------*- C++ -*-===//
//
// The only entrance to the parser. Neither ANTLR nor an exception passes through it.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_PARSER_H
#define GRADUS_LANG_PARSER_H

#include "lang/Ast.h"
#include "lang/Messages.h"
#include "lang/Source.h"

#include <memory>
#include <string>

namespace gradus {

/// Limits that are checked before the parser recurses or allocates.
inline constexpr size_t maxFileSize = size_t(8) << 20;
inline constexpr unsigned maxNesting = 256;
inline constexpr size_t maxTokens = size_t(1) << 18;

/// Reads a file into `sources`. Null, with an error in `diagnostics`, for what cannot be a spec: a directory, an
/// unreadable or too large file.
const Source *readSource(const std::string &path, SourceManager &sources, Diagnostics &diagnostics);

/// Checks that a text can be one at all: UTF-8 without byte order mark and NUL, within the size limit.
bool checkText(const Source &source, Diagnostics &diagnostics);

/// Parses one text. Every error goes to `diagnostics`; null if there was one.
std::unique_ptr<ast::Sheet> parse(const Source &source, Diagnostics &diagnostics);

/// Parses one text and leaves out the units with errors, so that the meaning of the others can be checked in the same run. Null if the
/// text cannot be cut into units.
std::unique_ptr<ast::Sheet> parseSoundUnits(const Source &source, Diagnostics &diagnostics);

} // namespace gradus

#endif // GRADUS_LANG_PARSER_H
