//===- Latex.h - Formulas as LaTeX ---------------------------------------------===//
//
// `gradus grad --emit=latex` writes the derivative as source and sets that: indices, sums, fractions and cases as a paper has them.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "lang/Ast.h"

#include <string>

namespace gradus {

/// The body of `func`, which is the derivative of a loss as `gradus grad` prints it, as an align* environment of amsmath. `results` are those of `findPartials`: nothing
/// for the loss, which comes first, and for each partial derivative the argument that it is in.
std::string printAsLatex(const ast::Function &func, std::vector<std::string> results);

} // namespace gradus
