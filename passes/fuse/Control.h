//===- Control.h - Conditions and loops in a plan --------------------------------===//
//
// An `if`, `loop` or `every` whose values are all of rank 0 is an op like any other: it runs where its operands are known. One that
// reads or gives arrays stands alone in its phase, and each of its regions is planned like a phase of its own: as if it were
// a function of what it reads from outside.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/Gradus.h"

#include "llvm/ADT/SetVector.h"

namespace gradus {

/// An op whose regions run once, several times or not at all.
bool isControl(mlir::Operation *op);
/// Control of rank-0 values alone.
bool isScalarControl(mlir::Operation *op);
/// What an op reads: its operands, then what its regions read from outside.
llvm::SmallVector<mlir::Value> getInputs(mlir::Operation *op);

/// The values that `region` yields at `index`, and those that a control op gives as its result `index` without running a region.
llvm::SmallVector<mlir::Value> getSources(mlir::OpResult result);
/// The arguments of the function and results of kernels whose elements the array `value` may be: control hands arrays on without a copy.
llvm::SetVector<mlir::Value> getOrigins(mlir::Value value);

/// Copies into a region the ops outside whose results it reads and that are free there, and in turn what the copies read.
void sinkInto(mlir::Region &region, llvm::function_ref<bool(mlir::Operation *)> isFree);
/// Moves a region, and what it reads from outside as further arguments, into a function that stands nowhere; then back.
FuncOp takeRegion(mlir::Region &region, llvm::ArrayRef<mlir::Value> outside, llvm::StringRef name);
void putRegionBack(mlir::Region &region, FuncOp func, llvm::ArrayRef<mlir::Value> outside);

} // namespace gradus
