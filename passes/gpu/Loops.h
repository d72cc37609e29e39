//===- Loops.h - How often the loops of a kernel go round --------------------------===//
//
// Some devices end loops without an error: Mesa's on the CPU after 65,535 iterations, those of all loops of a thread together. So long loops are cut over
// threads and launches, and what is left is looked at here, in the code of each kernel as it is:
//
//   - where a number bounds the loops, whatever the call, nothing is to be done
//   - where sizes bound them, the host program compares them with gradus_device.longest_loop, and refuses the call before anything is recorded
//   - where nothing is known, or the number is large, the kernel finds out itself, at its end: a loop of two iterations that ends after one shows that
//     the device has begun to end loops. Such a call reports GRADUS_ERROR_DEVICE
//
//===----------------------------------------------------------------------===//

#pragma once

#include "passes/lower/Evaluate.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <functional>

namespace gradus {

/// Iterations that no device ends.
inline constexpr int64_t safeSteps = 49152;

/// A number of iterations that is not exceeded.
class StepBound {
public:
  using Formula = std::function<mlir::Value(Evaluator &)>; ///< gives f64, which does not overflow

  StepBound() = default; ///< nothing is known
  StepBound(double constant) : constant(constant) {}
  static StepBound ofSize(mlir::Attribute symbol);

  bool isKnown() const { return constant || formula; }
  /// Whether sizes decide.
  bool isFormula() const { return static_cast<bool>(formula); }
  /// Of what does not depend on sizes.
  double getConstant() const { return *constant; }
  mlir::Value emit(Evaluator &evaluator) const;

  friend StepBound operator+(const StepBound &a, const StepBound &b);
  friend StepBound operator*(const StepBound &a, const StepBound &b);
  friend StepBound operator/(const StepBound &a, double b);
  friend StepBound most(const StepBound &a, const StepBound &b);
  /// The lesser one, or the one that is known.
  friend StepBound least(const StepBound &a, const StepBound &b);

private:
  std::optional<double> constant;
  Formula formula;
};

/// Marks a value of a kernel as a size that the host knows.
void markSize(mlir::Value value, mlir::Attribute symbol);
/// All loops of a thread of a kernel together. Takes the marks away.
StepBound findSteps(mlir::LLVM::LLVMFuncOp kernel);

/// Whether the device has ended loops of this thread; stands behind all of them. `first` is the number of the dispatch's first group.
mlir::Value emitHasEndedLoops(CodeBuilder &code, mlir::Value first);

} // namespace gradus
