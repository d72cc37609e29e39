//===- Rules.h - Rules of the ops that are not elementwise ---------------------===//
//
// Ops that move, repeat, add or choose elements, for both modes. Elementwise ops have rows in Derivatives.td instead.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "passes/Build.h"
#include "passes/diff/OpDerivatives.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace gradus {

/// What a rule works with. The cotangent, or tangent, of a value of rank 0 is always f64, that of a narrow array f32; `toElement` brings one
/// to an element type.
struct RuleContext {
  mlir::OpBuilder &builder;
  mlir::Location loc;
  /// The contribution, but 0 where the (co)tangent `t`, spread to its shape, is 0; null where no infinity can meet a 0.
  llvm::function_ref<mlir::Value(mlir::Value t, mlir::Value contribution)> guardBy;
  /// What is computed by what can overflow.
  const llvm::DenseSet<mlir::Value> &unbounded;

  mlir::Value guard(mlir::Value t, mlir::Value contribution) { return guardBy ? guardBy(t, contribution) : contribution; }
  mlir::Value toElement(mlir::Value x, mlir::Type element) { return buildCast(builder, loc, x, element); }
};

/// Of reverse mode: where to send what each operand gets.
struct ReverseContext : RuleContext {
  /// Adds to the cotangent of an operand; ignored where the operand needs none.
  llvm::function_ref<void(mlir::Value operand, mlir::Value contribution)> add;
  llvm::function_ref<bool(mlir::Value operand)> needs;
};

enum class RuleResult { NoRule, Done };

/// broadcast, cast, concat, gather, reshape, scatter, scatter_add, transpose.
RuleResult applyShapeRule(mlir::Operation *op, mlir::Value dy, ReverseContext &context);
/// cumulate, sort.
RuleResult applyOrderRule(mlir::Operation *op, mlir::Value dy, ReverseContext &context);
/// `cotangents` are those of the results, null where there is none.
RuleResult applyFftRule(FftOp op, llvm::ArrayRef<mlir::Value> cotangents, ReverseContext &context);
/// cholesky, eigh, logdet, qr, solve, svd: `cotangents` are those of the results, null where there is none.
RuleResult applyLinearAlgebraRule(mlir::Operation *op, llvm::ArrayRef<mlir::Value> cotangents, ReverseContext &context);
/// reduce, logsumexp, norm, contract, int_pow.
RuleResult applyReduceRule(mlir::Operation *op, mlir::Value dy, ReverseContext &context);

/// One operand of a contraction and the labels of its axes.
struct Factor {
  mlir::Value value;
  llvm::SmallVector<int64_t> labels;
};
/// The sum of products of `t` and `other` over all labels that are not wanted, in the axes `wanted` of `type`.
mlir::Value contractTangent(Factor t, Factor other, llvm::ArrayRef<int64_t> wanted, ArrayType type, RuleContext &context);
/// Where x is the first element in row-major order that attains the extremum; null for a reduction over no axis.
mlir::Value maskFirst(ReduceOp op, RuleContext &context);
/// The product over `axis` of all elements but the one at each position.
mlir::Value productOfOthers(mlir::Value x, int64_t axis, RuleContext &context);
/// n x^(n - 1).
mlir::Value buildPartial(IntPowOp op, RuleContext &context);
/// For each element of a cumulative max or min the place in `x` of what it is, the first of equal ones; NaN counts as the largest. x and y are those of
/// `op`, or repeated behind an axis of directions.
llvm::SmallVector<mlir::Value> findPlaces(CumulateOp op, mlir::Value x, mlir::Value y, int64_t axis, RuleContext &context);
/// At each element that of `x` before it in the direction of a recurrence, `otherwise` at the first one, in the element type of `like`.
mlir::Value buildNeighbour(mlir::Value x, mlir::Value like, int64_t axis, bool isReverse, double otherwise, RuleContext &context);
/// a[k] = given[k] + factor[k] a[k - 1] along an axis.
mlir::Value solveRecurrence(mlir::Value given, mlir::Value factor, int64_t axis, bool isReverse, RuleContext &context);
/// For each element of a sort's order, the place in the operand that it means: one index for each axis.
llvm::SmallVector<mlir::Value> findPlaces(SortOp op, RuleContext &context);
/// What is made wrong in the derivative of an op, to see that the tests find it.
struct DerivativeFault {
  enum class Kind {
    Scaled,  ///< 1.5 times what it is
    Flipped, ///< of the other sign
    Missing, ///< not there
  };
  llvm::StringRef op;
  unsigned operand; ///< the number of operands: what the op's regions read around them
  Kind kind;
};

/// The rows of Derivatives.td, one op at a time.
class DerivativeTable {
public:
  explicit DerivativeTable(mlir::MLIRContext *context);
  ~DerivativeTable();
  /// The partial derivative of `result` in operand `operand`, applied to `t`; null if there is no row.
  mlir::Value apply(mlir::OpBuilder &builder, mlir::Value result, mlir::Value t, int64_t operand) const;

  /// For tests of the tests. No pass and no command plants a fault.
  void plant(const DerivativeFault &planted) {
    fault = planted;
    faultMet = false;
  }
  /// Whether no fault is planted.
  bool isSound() const { return !fault; }
  /// Whether the planted fault was met.
  bool isFaultMet() const { return faultMet; }
  /// What a rule gives to operand `operand` of `op`, as the planted fault has it; `contribution` itself where there is none.
  mlir::Value spoil(mlir::OpBuilder &builder, mlir::Operation *op, unsigned operand, mlir::Value contribution) const;
  /// Whether a fault takes the derivative of `op` in `operand` away.
  bool isMissing(mlir::Operation *op, unsigned operand) const;

private:
  bool isFaulty(mlir::Operation *op, unsigned operand) const;

  std::optional<DerivativeFault> fault;
  mutable bool faultMet = false;
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace gradus
