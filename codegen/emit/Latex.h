//===- Latex.h - Formulas as LaTeX ---------------------------------------------===//
//
// `gradus grad --emit=latex` writes the derivative as source and sets that: indices, sums, fractions and cases as a paper has them.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "lang/Ast.h"

#include <string>

namespace gradus {

/// The body of `func`, which is the derivative of a loss as `gradus grad` prints it, as an align* environment of amsmath. Its first result is
/// the loss, the others are partial derivatives: `grad_w` is that in w.
std::string printAsLatex(const ast::Function &func);

} // namespace gradus
