//===- Epilogue.h - What is made of a product while it is in the cache ------------===//
//
// An elementwise kernel that reads a product of matrices at its own point alone may be the epilogue of the product: each unit of the product's result goes
// through it as soon as it is there. Nobody else reads the product, so that it has the room of a unit and is never an array in memory.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/Gradus.h"

namespace gradus {

/// The name of a discardable attribute of a kernel that is an epilogue: the number of the operand that is the product. The product runs when it does.
inline constexpr llvm::StringLiteral epilogueAttribute = "gradus.epilogue";

/// The product that a kernel is the epilogue of, or null.
KernelOp getProductOf(KernelOp kernel);
/// The epilogue of a product, or null.
KernelOp getEpilogueOf(KernelOp kernel);

/// Finds the epilogues of a function in the form of dialect/Plan.td, and marks them.
void formEpilogues(FuncOp func);
/// Checks what is claimed by the marks.
mlir::LogicalResult verifyEpilogues(FuncOp func);

} // namespace gradus
