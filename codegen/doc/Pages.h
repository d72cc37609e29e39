//===- Pages.h - HTML pages of specs ---------------------------------------------===//
//
// One page a spec, an index by folder, one style: HTML that is XML too, without scripts and without anything from elsewhere.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/doc/Library.h"

#include "llvm/ADT/StringSet.h"

namespace gradus::doc {

/// All pages, their paths relative to the folder that they go to. `library` is connected.
std::vector<OutputFile> renderPages(const Library &library);

// The parts of a page.

/// The paragraphs of a doc comment; lines that are further in are formulas as they are written.
std::string renderDoc(llvm::ArrayRef<std::string> doc);
/// Its first sentence, as HTML; empty where there is none.
std::string renderSummary(llvm::ArrayRef<std::string> doc);
/// `code` between backquotes, all else escaped.
std::string renderText(llvm::StringRef text);
/// Arguments with what they are, defaults, ranges and what the comment says of them. `spelled` are the names that its formulas write out.
std::string renderParams(const ast::Unit &unit, const llvm::StringSet<> &spelled);
/// Parameters, gradients, states, inputs and reports of a rule or a loss with a state.
std::string renderRoles(const ast::Unit &unit, const llvm::StringSet<> &spelled);
std::string renderUnit(const Library &library, const Spec &spec, const ast::Unit &unit, std::set<uint32_t> &seen);
std::string renderTest(const Library &library, const Spec &spec, const ast::Test &test, std::set<uint32_t> &seen);
llvm::StringRef getStyle();

} // namespace gradus::doc
