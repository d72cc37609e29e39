//===- Outline.h - Parts of a function as functions of their own ---------------===//
//
// `gradus check` asks of an operation inside of a function what it would ask of a loss. The operation is copied into a loss whose arguments
// are what it reads; what these are at a point of the function, wherever the operation stands in it, another copy computes.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/reference/Evaluator.h"
#include "dialect/Gradus.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace gradus::driver {

/// An operation as a loss: the sum of its real results with fixed weights, no two of them alike.
struct Trial {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  FuncOp value;
  FuncOp withGradients;                 ///< where the operation has a derivative of its own; else for the caller to make
  llvm::SmallVector<mlir::Value> reads; ///< what the arguments stand for
};

/// Any operation with real results: the loss in its real operands and in the real numbers that its regions read.
Trial outlineOperation(mlir::Operation *op);
/// The body of a gradus.custom, and its derivative as `withGradients`.
Trial outlineCustom(CustomOp op);
/// The region of a gradus.grad: the loss in what it differentiates in.
Trial outlineGrad(GradOp op);
/// All real results of a function.
Trial outlineFunction(FuncOp func);

/// A function of the arguments of `func` that gives what values are that `op` reads there; as below.
mlir::OwningOpRef<FuncOp> outlineReads(FuncOp func, mlir::Operation *op, llvm::ArrayRef<mlir::Value> values, std::string &error);
/// What values that `op` reads are at a point of `func`, the function around it. Where `op` stands in a loop, in its first pass; in a branch, whether or not it is taken.
llvm::FailureOr<reference::Arrays<double>> readValues(FuncOp func, mlir::Operation *op, llvm::ArrayRef<mlir::Value> values,
                                                      const reference::Arrays<double> &point, std::string &error);
/// The sizes of the dimensions that the arguments tell.
llvm::StringMap<int64_t> sizesAt(FuncOp func, const reference::Arrays<double> &point);

/// <module>.grad for the loss of a trial, differentiated and simplified as for code; null with a message where there is no derivative.
FuncOp deriveTrial(mlir::ModuleOp module, FuncOp value, std::string &error, llvm::ArrayRef<llvm::StringRef> wrt = {});

} // namespace gradus::driver
