//===- Rules.h - Reverse rules of the ops that are not elementwise ------------===//
//
// Ops that move, repeat, add or choose elements. Elementwise ops have rows in Derivatives.td instead.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "passes/Build.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace gradus {

/// What a rule works with: where to build, and where to send what each operand gets. The cotangent of a value of rank 0 is
/// always f64, that of a narrow array f32; `toElement` brings one to an element type.
struct ReverseContext {
  mlir::OpBuilder &builder;
  mlir::Location loc;
  /// Adds to the cotangent of an operand; ignored where the operand needs none.
  llvm::function_ref<void(mlir::Value operand, mlir::Value contribution)> add;
  llvm::function_ref<bool(mlir::Value operand)> needs;
  /// The contribution, but 0 where the cotangent `t`, spread to its shape, is 0; null where no infinity can meet a 0.
  llvm::function_ref<mlir::Value(mlir::Value t, mlir::Value contribution)> guardBy;

  mlir::Value guard(mlir::Value t, mlir::Value contribution) { return guardBy ? guardBy(t, contribution) : contribution; }
  mlir::Value toElement(mlir::Value x, mlir::Type element) { return buildCast(builder, loc, x, element); }
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

/// The rows of Derivatives.td, one op at a time.
class DerivativeTable {
public:
  explicit DerivativeTable(mlir::MLIRContext *context);
  ~DerivativeTable();
  /// The partial derivative of `result` in operand `operand`, applied to `t`; null if there is no row.
  mlir::Value apply(mlir::OpBuilder &builder, mlir::Value result, mlir::Value t, int64_t operand) const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace gradus
