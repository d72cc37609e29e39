//===- ForwardSweep.h - Tangents of the values of one region ----------*- C++ -*-===//
//
// The ops of a region are walked once, from the first one on; behind each of them its tangents are computed. A value without a tangent has the
// tangent 0. Control carries values and tangents together: nothing is written down. Where several directions are followed at once, a tangent
// has one more axis before those of its value.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "passes/diff/ReverseSweep.h"

namespace gradus {

/// A tangent is flagged as a cotangent is.
using Tangent = Cotangent;

/// What a forward rule works with.
struct ForwardContext : RuleContext {
  /// The size of the axis that counts the directions; null without one.
  mlir::Attribute seeds;
  /// The tangent of an operand, null where it is 0.
  llvm::function_ref<mlir::Value(mlir::Value)> tangent;

  int64_t shift() const { return seeds ? 1 : 0; }
  /// `type` behind the axis of the directions.
  ArrayType behind(ArrayType type) const;
  /// A value that does not move, repeated for each direction.
  mlir::Value wide(mlir::Value x);
  /// `axes` of a value as axes of its tangent.
  llvm::SmallVector<int64_t> axesBehind(llvm::ArrayRef<int64_t> axes) const;
  /// The tangent of an operand in an element type, zeros where it has none.
  mlir::Value orZero(mlir::Value operand, mlir::Type element);
};

/// The tangents of the results, null where there is none; fails where there is no rule.
using ForwardRule = mlir::FailureOr<llvm::SmallVector<mlir::Value>>;
/// broadcast, cast, concat, cumulate, fft, gather, reshape, scatter, scatter_add, sort, transpose.
ForwardRule applyForwardShapeRule(mlir::Operation *op, ForwardContext &context);
/// reduce, logsumexp, norm, contract, int_pow.
ForwardRule applyForwardReduceRule(mlir::Operation *op, ForwardContext &context);
/// cholesky, eigh, logdet, qr, solve, svd.
ForwardRule applyForwardLinearAlgebraRule(mlir::Operation *op, ForwardContext &context);

class ForwardSweep {
public:
  /// `seeds` as in gradus.jvp.
  ForwardSweep(const DerivativeTable &table, mlir::Attribute seeds, Activity activity) : table(table), seeds(seeds), activity(std::move(activity)) {}

  void set(mlir::Value value, Tangent tangent) { tangents[value] = tangent; }
  Tangent lookup(mlir::Value value) const { return tangents.lookup(value); }
  /// The type of the tangent of `value`.
  ArrayType tangentType(mlir::Value value) const;
  /// Walks the ops of a block; fails with an error at the first one that has no derivative.
  mlir::LogicalResult run(mlir::Block &block);

private:
  mlir::LogicalResult visit(mlir::Operation *op);
  /// Plants the fault of the table, if there is one, in what moves `op`; gives the tangents as they were.
  llvm::SmallVector<std::pair<mlir::Value, Tangent>> spoilTangents(mlir::Operation *op);
  mlir::LogicalResult visitRegions(mlir::Operation *op);
  mlir::LogicalResult visitElementwise(mlir::Operation *op);
  mlir::LogicalResult visitByRule(mlir::Operation *op);
  mlir::LogicalResult visitCustom(CustomOp op);
  mlir::LogicalResult visitExact(CustomOp op);
  mlir::LogicalResult visitIf(IfOp op);
  mlir::LogicalResult visitEvery(EveryOp op);
  mlir::LogicalResult visitLoop(LoopOp op);
  mlir::LogicalResult visitScan(ScanOp op);
  mlir::FailureOr<ScanOp> followScan(ScanOp op, llvm::ArrayRef<unsigned> moving, Tangent flags);
  ScanOp repeatScan(ScanOp op);
  ForwardContext contextOf(mlir::Operation *op, llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> guardBy,
                           llvm::function_ref<mlir::Value(mlir::Value)> tangent);
  /// The tangents of a custom op's results along one direction `dxs` of its operands, null where one does not move.
  mlir::FailureOr<llvm::SmallVector<mlir::Value>> transposeCustom(CustomOp op, llvm::ArrayRef<mlir::Value> dxs, Tangent flags);
  mlir::FailureOr<llvm::SmallVector<mlir::Value>> transposeForEach(CustomOp op, llvm::ArrayRef<mlir::Value> dxs, Tangent flags);
  /// What the tangents of the operands of `op`, and of what its regions read, are flagged with.
  Tangent flagsOf(mlir::Operation *op) const;
  /// Of what goes round in a region: 0 by any choice of a pass, or because a value does not move at first.
  Tangent flagsOfPasses(mlir::Operation *op, mlir::ValueRange init) const;
  bool needsGuard(mlir::Operation *op, Tangent t) const;
  /// Gives a result of `op` its tangent; null is 0.
  void give(mlir::Operation *op, mlir::Value result, mlir::Value tangent, Tangent flags);
  mlir::Value orZero(mlir::Value value, mlir::OpBuilder &at);
  /// Lets a block yield the tangents of what it yields at the places `moving`, behind these.
  void yieldTangents(mlir::Block &block, llvm::ArrayRef<unsigned> moving);
  /// Puts `made`, which gives the results of `op` and behind them the tangents of those at the places `moving`, in its place.
  void replaceByPairs(mlir::Operation *op, mlir::Operation *made, llvm::ArrayRef<unsigned> moving, Tangent flags);
  /// Puts `made`, whose first results are those of `op`, in its place.
  void replace(mlir::Operation *op, mlir::ValueRange made);
  mlir::LogicalResult emitNoDerivative(mlir::Operation *op);

  /// A step of the path from the point to a value.
  struct Step {
    mlir::OperationName name;
    mlir::Location loc;
    mlir::Value through;
  };

  const DerivativeTable &table;
  mlir::Attribute seeds;
  Activity activity;
  mlir::OpBuilder *builder = nullptr; ///< behind the op at hand
  llvm::DenseMap<mlir::Value, Tangent> tangents;
  llvm::DenseMap<mlir::Value, Step> cameFrom;
};

} // namespace gradus
