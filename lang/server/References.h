//===- References.h - All places of a name ---------------------------*- C++ -*-===//
//
// Over several files, each of which is read as the main one, so that its own imports tell what its names belong to.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_SERVER_REFERENCES_H
#define GRADUS_LANG_SERVER_REFERENCES_H

#include "lang/server/Analysis.h"

#include "llvm/Support/LSP/Protocol.h"

namespace gradus::server {

/// Texts by the real paths of their files.
using Texts = std::map<std::string, std::string>;

/// Those of the texts that may name a declaration.
Texts textsAbout(const Analysis::Target &target, const Texts &texts);
/// Every place that names a declaration; the one that declares it first or, as the client wants it, not at all.
std::vector<llvm::lsp::Location> referencesOf(const Analysis::Target &target, const Texts &texts, const EmitOptions &options, bool hasDeclaration);

/// The edits of a renaming, or why there is none.
struct Renaming {
  std::string refusal;
  std::map<std::string, std::vector<llvm::lsp::TextEdit>> edits;
};
/// Refuses whatever would mean something else under the new name: the texts are read with the edits made, and every name must belong where it did, and
/// every unit become the same code.
Renaming rename(const Analysis::Target &target, const std::string &name, const Texts &texts, const EmitOptions &options);
/// Why what is declared there cannot be renamed from a document, whatever the name; empty if it can.
std::string refusalOf(const Analysis::Target &target, const std::string &document, const EmitOptions &options);

} // namespace gradus::server

#endif // GRADUS_LANG_SERVER_REFERENCES_H
