//===- BuildGradient.h - The function that gives a loss and its gradients -----===//

#pragma once

#include "dialect/Gradus.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"

#include <string>
#include <vector>

namespace gradus {

/// Adds `@<loss>.grad` after `loss`: the same arguments; results are the value, then the gradient in each argument that `wrt`
/// names, called `grad_<argument>` with the role `grad`. Without names: in every floating argument of role param on which the value depends, or, if the
/// loss has none, in every floating argument that is no hyper-parameter and not time. The body is one gradus.grad, to be
/// removed by `gradus-differentiate`. A name that is no floating argument is an error at the loss (G0851), and so is a value that does
/// not depend on what it is differentiated in (G0373). If the module
/// has the function already, it is returned as it is.
llvm::FailureOr<FuncOp> buildGradientFunction(mlir::ModuleOp module, FuncOp loss, llvm::ArrayRef<llvm::StringRef> wrt = {});

/// Lets the gradients of losses in an argument, named `ARGUMENT` or `LOSS.ARGUMENT`, replace it: their entries write them where it stands, and have no output for
/// them. Returns how many.
unsigned replaceByGradient(mlir::ModuleOp module, llvm::StringRef name);
/// The arguments that such functions have gradients in, as `ARGUMENT`.
std::vector<std::string> getGradientArguments(mlir::ModuleOp module);

/// Adds `@<loss>.product`, the product of the Hessian with a direction, whose further arguments `along_<argument>` are the direction: the tangent of the gradient
/// along it. One result, `product_<argument>`, for each gradient.
llvm::FailureOr<FuncOp> buildHessianProduct(mlir::ModuleOp module, FuncOp loss);

} // namespace gradus
