//===- Phases.h - The named phases of the compiler ----------------------------===//
//
// A spec passes through the phases in the order of the enum. `gradus emit --stage=<phase>` prints the module after a
// phase; `gradus-opt --gradus-<phase>-phase` runs one alone. Each is a function that appends its passes.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringRef.h"

#include <optional>

namespace gradus {

/// A phase, in the order in which they run.
enum class Phase {
  Emit,          ///< as the front end wrote it
  Differentiate, ///< no gradus.grad is left
  Simplify,      ///< algebra, stability, common subexpressions, contractions
  Fuse,          ///< phases and kernels with their bytes
  Lower,         ///< loops over vectors; the ABI of codegen/cpu
};

struct PhaseInfo {
  Phase phase;
  llvm::StringRef name;
  llvm::StringRef summary;
};
/// All phases in order.
llvm::ArrayRef<PhaseInfo> getPhases();
std::optional<Phase> findPhase(llvm::StringRef name);

struct PhaseOptions {
  /// One kernel for each operation, for comparison.
  bool noFuse = false;
  /// Divide by rank-0 values instead of multiplying by their reciprocals.
  bool exactDiv = false;
};

/// Appends the passes of one phase.
void buildPhase(mlir::OpPassManager &pm, Phase phase, const PhaseOptions &options = {});
/// Appends all phases up to and including `last`.
void buildPhasesUpTo(mlir::OpPassManager &pm, Phase last, const PhaseOptions &options = {});
/// Registers `gradus-<phase>-phase` for gradus-opt.
void registerPhases();

} // namespace gradus
