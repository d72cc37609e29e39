//===- Lint.h - What is legal and likely wrong ------------------------*- C++ -*-===//
//
// One lint a file; the table Lints.def names them. A lint looks at a spec without errors, and each of its warnings is proved by what stands there: where
// nothing is known it is silent.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_LINT_LINT_H
#define GRADUS_LANG_LINT_LINT_H

#include "lang/Frontend.h"

#include "llvm/ADT/ArrayRef.h"

namespace gradus {

struct LintInfo {
  /// What silences it: `// allow: division-by-zero`.
  llvm::StringRef name;
  Code code;
  /// One line for the list of lints.
  llvm::StringRef summary;
};

/// All lints, sorted by name.
llvm::ArrayRef<LintInfo> getLints();

/// Adds the warnings about the main file that are not silenced there.
void runLints(const CheckedSpec &spec, const Source &main, Diagnostics &diagnostics);

} // namespace gradus

#endif // GRADUS_LANG_LINT_LINT_H
