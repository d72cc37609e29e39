//===- CSource.h - A function as readable C99 ------------------------------------===//
//
// `gradus grad --emit=c`: one function with loops over indices, to read and to take along; `gradus build` makes the fast one.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/Gradus.h"

#include <functional>
#include <string>

namespace gradus {

/// `func` as a C99 function in f64: sizes first, then the arguments (arrays in row-major order, numbers by value), the seed if it draws, a
/// pointer for each further result, and a workspace if arrays are needed on the way. It returns the first result, a number: NAN where an
/// index is outside of its axis. A second function, `<name>_workspace`, says how many bytes the workspace has. `quote` gives the comment
/// of a statement. Fails with an error (G0555) at what only rules have, and at draws in f32.
llvm::FailureOr<std::string> printAsC(FuncOp func, std::function<std::string(mlir::Location)> quote = nullptr);

} // namespace gradus
