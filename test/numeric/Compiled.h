//===- Compiled.h - Calls compiled functions with the evaluator's arrays --------===//
//
// So that a test can give the same numbers to the machine code and to the reference evaluator.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/cpu/Jit.h"
#include "codegen/emit/Entry.h"
#include "codegen/reference/Evaluator.h"
#include "passes/Phases.h"

#include <map>

namespace gradus {

class Compiled {
public:
  using Arrays = reference::Arrays<double>;

  /// Compiles every entry of `module`, which stays as it is. Null, with `error` set, on failure.
  static std::unique_ptr<Compiled> create(mlir::ModuleOp module, std::string &error, const PhaseOptions &options = {});

  /// The results of a function for each slot, in the order of the function; numbers are rounded to the storage types at entry.
  mlir::FailureOr<std::vector<Arrays>> call(llvm::StringRef name, llvm::ArrayRef<Arrays> slots, std::string &error);

private:
  std::map<std::string, EntryLayout, std::less<>> layouts;
  std::map<std::string, FuncOp, std::less<>> functions;
  std::unique_ptr<Jit> jit;
};

} // namespace gradus
