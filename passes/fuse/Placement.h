//===- Placement.h - Where each value of a function is computed ----------------===//
//
// A rank-0 value that depends on no tensor of a slot is computed once per call, on the host ("uniform"). All else belongs to a
// phase. The level of a value is the number of collection-wide reductions that must be complete before it: values of level
// k are computed in phase k or later.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/Gradus.h"

namespace gradus {

/// How an op takes part in the plan.
enum class Place {
  Uniform,   ///< rank 0, once per call
  Slot,      ///< rank 0, once per slot: depends on the result of a kernel or on a tensor's own scalar
  Pull,      ///< computed point by point inside a kernel
  Reduction, ///< ends a kernel
  Alone,     ///< a kernel of its own
  Control,   ///< stands alone: its regions hold kernels
  AllReduce, ///< ends a phase
};

/// Why the results of an op that stands alone are stored, and what it reads.
std::pair<llvm::StringRef, llvm::StringRef> getReasonsAlone(mlir::Operation *op);

class Placement {
public:
  /// Classifies every op; a located error for one that has no place.
  static mlir::FailureOr<Placement> compute(FuncOp func);

  Place getPlace(mlir::Operation *op) const { return places.lookup(op); }
  /// A value that the host computes once per call.
  bool isUniform(mlir::Value value) const { return uniform.contains(value); }
  unsigned getLevel(mlir::Value value) const { return levels.lookup(value); }
  /// The phase that computes the results of the function.
  unsigned getLastLevel() const { return lastLevel; }
  /// The position of an op in the function as it was.
  unsigned getOrder(mlir::Operation *op) const { return order.lookup(op); }
  /// A rank-0 constant, perhaps cast: cloned into kernels instead of passed.
  static bool isLiteral(mlir::Operation *op);

private:
  llvm::DenseMap<mlir::Operation *, Place> places;
  llvm::DenseMap<mlir::Operation *, unsigned> order;
  llvm::DenseMap<mlir::Value, unsigned> levels;
  llvm::DenseSet<mlir::Value> uniform;
  unsigned lastLevel = 0;
};

} // namespace gradus
