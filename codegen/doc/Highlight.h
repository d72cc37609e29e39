//===- Highlight.h - Source of specs in colours ----------------------------------===//

#pragma once

#include "codegen/doc/Library.h"

namespace gradus::doc {

/// The lines from `first` to `last`, each with its number as a place; names of units are links. `seen` holds the lines that are
/// places of the page already: two units may share a line.
std::string highlightLines(const Library &library, const Spec &spec, uint32_t first, uint32_t last, std::set<uint32_t> &seen);

} // namespace gradus::doc
