//===- Answers.h - What the server says ----------------------------*- C++ -*-===//
//
// Each question of an editor as a function of an analysed text, without the protocol around it.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_SERVER_ANSWERS_H
#define GRADUS_LANG_SERVER_ANSWERS_H

#include "lang/server/Analysis.h"
#include "lang/server/Reference.h"

#include "llvm/Support/JSON.h"

namespace gradus::server {

/// The messages about the main file as LSP diagnostics; those about other files stand at the import that brings them.
llvm::json::Array diagnosticsOf(const Analysis &analysis);
std::optional<llvm::lsp::Hover> hoverAt(Analysis &analysis, const Reference &reference, Place place);
std::optional<llvm::lsp::Location> definitionAt(Analysis &analysis, Place place);
/// The declaration whose name stands there, outside of comments and quotes.
std::optional<Analysis::Target> targetAt(Analysis &analysis, const llvm::lsp::Position &position);
std::vector<llvm::lsp::CompletionItem> completionsAt(Analysis &analysis, const EmitOptions &options, const Reference &reference, const llvm::lsp::Position &position);
/// The change that `gradus fmt` makes, as one edit or none; none for a text with syntax errors.
std::vector<llvm::lsp::TextEdit> formattingOf(const std::string &path, const std::string &text);
/// The units as an outline, with their arguments, roles, reports and entries.
std::vector<llvm::lsp::DocumentSymbol> symbolsOf(Analysis &analysis);
/// The header of the unit whose call is open at a place, and the argument that stands there.
std::optional<llvm::lsp::SignatureHelp> signatureAt(Analysis &analysis, const llvm::lsp::Position &position);

/// What stands at a place of a line: code, or a comment, or a text in quotes with its first column.
struct Surroundings {
  bool isComment = false;
  std::optional<uint32_t> quote;
  /// The word around or before the place.
  std::string word;
  uint32_t wordBegin = 0, wordEnd = 0;
};
/// The parenthesis of a call that is open at an offset of a text.
struct OpenCall {
  /// What stands before the parenthesis; empty where there is no call.
  std::string callee;
  /// Commas between the parenthesis and the offset.
  int numCommas = 0;
  /// The last argument before the offset, as far as it is written.
  llvm::StringRef argument;
};
OpenCall openCallAt(llvm::StringRef text, size_t offset);
bool isKeyword(llvm::StringRef word);
Surroundings surroundingsOf(const Source &source, Place place);
/// The URI of a file; empty for what has no path.
llvm::lsp::URIForFile uriOf(llvm::StringRef path);
/// The header of a unit, as `gradus fmt` writes it.
std::string headerOf(const ast::Unit &unit);

} // namespace gradus::server

#endif // GRADUS_LANG_SERVER_ANSWERS_H
