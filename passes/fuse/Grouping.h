//===- Grouping.h - Which operations share a kernel -----------------------------===//
//
// Plans one phase: which values are stored, and which of them one loop nest computes. What is not stored is computed where it is
// read. Greedy and deterministic, in the order of the function.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "passes/fuse/Placement.h"

#include "llvm/ADT/SetVector.h"

#include <vector>

namespace gradus {

/// A value that a phase must yield.
struct PhaseOutput {
  mlir::Value value;
  /// The argument whose buffer the value replaces when the step commits, or -1.
  int64_t replaces = -1;
  /// Whether nothing may be written before it is known.
  bool isGuard = false;
};

/// One stored value of a kernel.
struct Target {
  mlir::Value value;
  /// The output of the phase that it is, or -1 if only other kernels read it.
  int64_t output = -1;
  int64_t replaces = -1;
  /// Why it is stored, for `explain`.
  llvm::StringRef reason;
};

struct PlannedKernel {
  llvm::SmallVector<mlir::Attribute> domain;
  /// The axes that its reductions share.
  std::optional<llvm::SmallVector<int64_t>> axes;
  bool isAlone = false;
  /// Stands for control instead of a kernel: the targets are all its results.
  mlir::Operation *control = nullptr;
  llvm::SmallVector<Target> targets;
  /// The ops of the body in order, and the values that it takes from outside in the order of their first use.
  llvm::SmallVector<mlir::Operation *> body;
  llvm::SetVector<mlir::Value> leaves;
};

struct PhasePlan {
  /// In the order in which they run.
  std::vector<PlannedKernel> kernels;
  /// After so many of them all guards are known.
  unsigned numBeforeGuards = 0;
  /// The kernel that stores a value, and the value's index among its targets.
  llvm::DenseMap<mlir::Value, std::pair<unsigned, unsigned>> homes;
  /// Ops that several kernels compute again, with the number of kernels.
  llvm::SmallVector<std::pair<mlir::Operation *, unsigned>> recomputed;
};

/// Plans the phase that computes `outputs`.
PhasePlan planPhase(const Placement &placement, FuncOp func, llvm::ArrayRef<PhaseOutput> outputs, bool noFuse);

} // namespace gradus
