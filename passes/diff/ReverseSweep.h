//===- ReverseSweep.h - Cotangents of the values of one block ----------*- C++ -*-===//
//
// The ops of a block are walked once, from the last one back; every value has one cotangent, complete when its defining op is
// reached, so that a shared subterm is never expanded twice. The block is that of a gradus.grad, or a copy of the region of an op of
// control that stands where the copy's derivative is computed.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "passes/diff/Rules.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

namespace gradus {

/// Expands every gradus.grad and gradus.jvp in a region that somebody asks for, innermost first.
mlir::LogicalResult expandGradients(mlir::Region &region, const DerivativeTable &table);

struct Cotangent {
  mlir::Value value;
  /// It may be 0 because a choice (where, max, ..) was not taken: then 0 * inf must not arise.
  bool isMasked = false;
  /// The choice may be that of a where: what it leaves out may be an input that is NaN.
  bool isWhere = false;
};

/// Which values depend on those in which to differentiate, and which can be infinite though all inputs are finite. Values in the regions of
/// conditions and loops are told apart as well.
struct Activity {
  llvm::DenseSet<mlir::Value> active;
  llvm::DenseSet<mlir::Value> unbounded;

  /// Goes on through an op and its regions, or the ops of a block.
  void follow(mlir::Operation *op);
  void follow(mlir::Block &block);

private:
  void followLoop(LoopOp loop);
  /// What `from` is, `to` is too; true if that is new.
  bool flow(mlir::Value from, mlir::Value to);
};

class ReverseSweep {
public:
  /// Builds where `builder` stands. `outer` is the sweep that differentiates the op `around` this block, if there is one.
  ReverseSweep(const DerivativeTable &table, mlir::OpBuilder builder, Activity sources, ReverseSweep *outer = nullptr, mlir::Operation *around = nullptr)
      : table(table), builder(builder), activity(std::move(sources)), outer(outer), around(around) {}

  /// Finds what depends on the sources. The cotangents of what the block yields are added afterwards.
  void enter(mlir::Block &block) { activity.follow(block); }
  /// Adds to the cotangent of `operand` what it gets from `from`, whose own cotangent is `dy`.
  void add(mlir::Operation *from, mlir::Value operand, mlir::Value contribution, Cotangent dy);
  /// Walks the ops from the last one back; fails with an error at the first one that has no derivative.
  mlir::LogicalResult run(llvm::ArrayRef<mlir::Operation *> ops);
  Cotangent lookup(mlir::Value value) const { return cotangents.lookup(value); }
  /// The type in which the cotangent of `value` is added up.
  static ArrayType cotangentType(mlir::Value value);

private:
  mlir::LogicalResult visit(mlir::Operation *op);
  mlir::LogicalResult visitRegions(mlir::Operation *op);
  mlir::LogicalResult visitOne(mlir::Operation *op, Cotangent dy);
  RuleResult applyRule(mlir::Operation *op, Cotangent dy, llvm::function_ref<RuleResult(ReverseContext &)> rule);
  mlir::LogicalResult visitSeveral(mlir::Operation *op);
  mlir::LogicalResult visitElementwise(mlir::Operation *op, Cotangent dy);
  mlir::LogicalResult visitCustom(CustomOp op);
  mlir::LogicalResult visitEvery(EveryOp op);
  mlir::LogicalResult visitIf(IfOp op);
  mlir::LogicalResult visitLoop(LoopOp op);
  mlir::LogicalResult visitScan(ScanOp op);
  bool needsGuard(mlir::Operation *op, Cotangent dy) const;
  mlir::LogicalResult emitNoDerivative(mlir::Operation *op);
  /// Notes the steps from the loss to `op`.
  void notePath(mlir::InFlightDiagnostic &error, mlir::Operation *op);

  friend class LoopReversal;
  friend class ScanReversal;

  const DerivativeTable &table;
  mlir::OpBuilder builder;
  Activity activity;
  ReverseSweep *outer;
  mlir::Operation *around;
  llvm::DenseMap<mlir::Value, Cotangent> cotangents;
  /// The op through which a value got its first cotangent: one step of the path back to the loss.
  llvm::DenseMap<mlir::Value, mlir::Operation *> cameFrom;
  /// Ops that another one has replaced. They go when the sweep ends, so that no new value is taken for one of theirs.
  llvm::SmallVector<mlir::Operation *> replaced;
};

/// The error where an op has no derivative; `notePath` says in between how it is reached.
mlir::LogicalResult emitNoDerivativeOf(mlir::Operation *op, llvm::function_ref<void(mlir::InFlightDiagnostic &)> notePath);
/// The number of an operand, or of operands, if the op's regions read the value around them.
unsigned findOperand(mlir::Operation *op, mlir::Value value);
/// Whether the value or the partial derivative of an op is infinite at, or overflows near, ordinary arguments.
bool isUnbounded(mlir::Operation *op);
/// Whether the partial derivative of an elementwise op in an operand is finite wherever the op is taken, be its operands infinite or NaN.
bool hasFinitePartial(mlir::Operation *op, unsigned operand);
/// Whether an op takes one of several values.
bool choosesValue(mlir::Operation *op);
/// `contribution`, but 0 where it is NaN for t = 0: 0 * inf.
mlir::Value guardContribution(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value t, mlir::Value contribution);
/// Erases what nobody reads, from the end of a block back.
void eraseUnread(mlir::Block &block);
/// Copies the ops of a block, but for its end, to where `builder` stands.
llvm::SmallVector<mlir::Operation *> copyOps(mlir::Block &block, mlir::IRMapping &mapping, mlir::OpBuilder &builder);
/// The places, in an array with one more axis, of what belongs to pass `pass`, for each element of `row`.
llvm::SmallVector<mlir::Value> buildPlaces(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value pass, ArrayType row);
/// Writes x to the place `pass` of an array with one more axis.
mlir::Value writeDown(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value history, mlir::Value pass, mlir::Value x);

} // namespace gradus
