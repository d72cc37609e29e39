//===- MathMl.h - Formulas as MathML ---------------------------------------------===//
//
// MathML Core, which browsers set without help: no script, no font of our own.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/emit/Formula.h"

#include <string>

namespace gradus::doc {

/// Text in HTML and XML, between tags or in an attribute.
std::string escapeXml(llvm::StringRef text);
/// A math element; `isDisplay` sets sums and fractions large. Empty for an empty formula.
std::string printMathMl(const Formula &formula, bool isDisplay);

} // namespace gradus::doc
