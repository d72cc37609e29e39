//===- Text.h - Places as editors count them -----------------------*- C++ -*-===//
//
// The protocol counts lines from 0 and columns in UTF-16 units, the compiler lines from 1 and columns in code points from 1.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_SERVER_TEXT_H
#define GRADUS_LANG_SERVER_TEXT_H

#include "lang/Source.h"

#include "llvm/Support/LSP/Protocol.h"

namespace gradus::server {

/// A place in a text of the compiler.
struct Place {
  uint32_t line;
  uint32_t col;
};

llvm::lsp::Range toRange(const Source &source, const Location &loc);
Place toPlace(const Source &source, const llvm::lsp::Position &position);
/// Whether a byte is one of a name.
bool isLetter(char c);
/// The byte at a position; what lies beyond a line or the text is its end.
size_t offsetOf(std::string_view text, const llvm::lsp::Position &position);
/// The position of a byte.
llvm::lsp::Position positionOf(std::string_view text, size_t offset);

} // namespace gradus::server

#endif // GRADUS_LANG_SERVER_TEXT_H
