//===- Plan.h - What a fused function stores where -------------------------------===//
//
// An analysis of a function in the form that dialect/Plan.td states. It decides where the result of each kernel lives, so that
// lowering, `explain` and the GPU agree: nothing that a later kernel still reads is overwritten, and no result is
// written while a check of indices may still refuse the call.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/Gradus.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SmallVector.h"

namespace gradus {

/// Where the result of a kernel lives.
enum class Home {
  Scalar,    ///< rank 0: a register, or a slot of the host
  Workspace, ///< a temporary of the call (for each slot in an open function)
  Result,    ///< directly in the buffer of a result of the function
  Deferred,  ///< in the workspace; copied to the buffer of the result after the last kernel of the function
};

/// When the indices of a kernel's gathers and scatters are looked at.
enum class Check {
  None,  ///< there are none, or they cannot be wrong
  Early, ///< they come from arguments: before the first phase
  Late,  ///< another kernel computes them: before the kernel that uses them
};

struct Storage {
  Home home = Home::Workspace;
  /// The result of the function for Result and Deferred, else -1. A rank-0 value that is returned has it too.
  int64_t result = -1;
  /// The argument whose buffer the result replaces, or -1 if it has a buffer of its own.
  int64_t argument = -1;
  /// The last kernel (index into `getKernels`) that reads the value; its own index if none does.
  unsigned lastRead = 0;
};

class Plan {
public:
  explicit Plan(FuncOp func);

  /// All kernels in the order in which they run.
  llvm::ArrayRef<KernelOp> getKernels() const { return kernels; }
  /// Where a result of a kernel lives.
  const Storage &getStorage(mlir::Value kernelResult) const { return storage.find(kernelResult)->second; }
  /// The position of a kernel in `getKernels`.
  unsigned getPosition(KernelOp kernel) const { return positions.lookup(kernel.getOperation()); }
  Check getCheck(KernelOp kernel) const { return checks.lookup(kernel.getOperation()); }
  /// Whether the last phase of an open function has late checks. A slot must not be written while a later one may be refused, so
  /// they are made for all slots before the phase runs, and with them what computes the indices: it runs twice. Control with a check
  /// in it runs twice as a whole.
  bool hasRehearsal() const { return isRehearsing; }
  /// Whether workers meet in the function, and whether one of them may refuse the call by an index, which the others must be told.
  bool hasCuts() const { return numKernelsBeforeLastCut >= 0; }
  bool needsAgreement() const {
    return hasCuts() && (isGuarded || llvm::any_of(checks, [](const auto &known) { return known.second != Check::None; }));
  }
  /// Whether conditions of the guard (passes/step) may refuse the call.
  bool hasGuards() const { return isGuarded; }
  /// Whether a kernel runs before all conditions of the guard are known.
  bool isBeforeGuards(KernelOp kernel) const { return getPosition(kernel) < numBeforeGuards; }
  /// Whether a kernel, or what one stores, is there for the guard alone.
  bool isForGuard(KernelOp kernel) const;
  bool isForGuard(mlir::Value kernelResult) const;
  /// Whether an op of the last phase belongs to what runs twice.
  bool isRehearsed(mlir::Operation *op) const { return rehearsed.contains(op); }

private:
  void collectRehearsed();
  void findGuards();
  void decideHome(KernelOp kernel, mlir::Value value, Storage &where);

  FuncOp func;
  llvm::SmallVector<KernelOp> kernels;
  llvm::DenseMap<mlir::Operation *, unsigned> positions;
  llvm::DenseMap<mlir::Operation *, Check> checks;
  llvm::DenseSet<mlir::Operation *> rehearsed;
  bool isRehearsing = false;
  bool isGuarded = false;
  unsigned numBeforeGuards = 0; ///< kernels of a function that is not open, after which all conditions of the guard are known
  int64_t numKernelsBeforeLastCut = -1; ///< from the last one on nothing but an index refuses the call; -1 without cuts
  llvm::DenseMap<mlir::Value, Storage> storage;
};

/// What the phase of a function's result yields as that result; null where the result is of no phase.
mlir::Value getInside(mlir::Value result);

inline bool isRankZero(mlir::Value value) { return mlir::cast<ArrayType>(value.getType()).isScalar(); }

/// scatter and scatter_add: they stand alone in their kernels, which run over the updates.
inline bool isScatter(mlir::Operation *op) { return mlir::isa<ScatterAddOp, ScatterOp>(op); }
/// The scatter that stands alone in a kernel, but for the places that it counts itself; or null.
mlir::Operation *findScatter(KernelOp kernel);
/// Whether an operand of a scatter is computed in its kernel: a number that is repeated, or a count, where no place needs a check.
bool isCountedInScatter(mlir::OpOperand &operand);

/// A gather or scatter whose indices come from data, so that the call may be refused when it runs.
bool canFail(mlir::Operation *op);
/// The indices of a gather or scatter, one for each axis of what they stand in; none of another op.
mlir::OperandRange getPlaces(mlir::Operation *op);

/// Whether an op of `body` reads `value`, or what is computed from it point by point, at other points than its own.
bool isReadElsewhere(mlir::Value value, llvm::function_ref<bool(mlir::Operation *)> isInBody);

/// Whether an op factors matrices. Its kernel runs over the elements of the first operand, matrix by matrix.
inline bool isMatrixOp(mlir::Operation *op) { return llvm::isa_and_nonnull<CholeskyOp, EighOp, LogDetOp, QrOp, SolveOp, SvdOp>(op); }

/// Whether an op asks other workers. An array of it has a kernel of its own over its elements; a number is asked for by the host.
inline bool isCut(mlir::Operation *op) { return llvm::isa_and_nonnull<ExchangeOp, WorkersOp>(op); }

/// Whether an op, unless it gives a number, is alone in its kernel.
inline bool standsAlone(mlir::Operation *op) {
  return mlir::isa<ContractOp, CumulateOp, FftOp, ScanOp, ScatterAddOp, ScatterOp, SortOp>(op) || isMatrixOp(op) || isCut(op);
}

/// Whether every array of the body is met point by point, so that the domain is one long vector.
bool isPointByPoint(KernelOp kernel);
/// The array in memory that a condition all(x - x == 0) of the guard is about, or null.
mlir::Value findLooked(mlir::Value condition);

/// A contraction with the last axis of its result along the lanes: it is the last one of an operand too.
bool isVectorContract(KernelOp kernel);

/// Checks that a function has the form of dialect/Plan.td; a located error where it has not.
mlir::LogicalResult verifyPlan(FuncOp func);

} // namespace gradus
