//===- SourcePrinter.h - A function as Gradus source -----------------------------===//
//
// `gradus grad` prints the derivative of a loss as a spec that parses again and compiles to the same function.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/Gradus.h"

#include <string>

namespace gradus {

/// `func` as `fn <name>(arguments) { .. return results }`, with the name's `.grad` as `_grad`. Arrays are written in index notation,
/// values of rank 0 by their names; what is used once stands where it is used. A function that draws stands before it, since the numbers of a draw
/// belong to the place that it stands at. Fails with an error (G0853) at what source cannot say: oracles, draws of rules, and draws
/// whose parameters are made by passes that a loop runs back.
llvm::FailureOr<std::string> printAsSource(FuncOp func);

/// For each result of `func` the argument that it is the gradient in, as that source calls it; nothing for the others.
std::vector<std::string> findPartials(FuncOp func);

} // namespace gradus
