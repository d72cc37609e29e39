//===- Epilogue.h - What is made of a product while it is in the cache ------------===//
//
// A kernel that reads a product of matrices at its own point alone may be the epilogue of the product: each unit of the product's result goes through it as
// soon as it is there. It stores values point by point, or asks all points what does not depend on their order: whether all are finite, the largest.
// Where nobody else reads the product it has the room of a unit and is never an array in memory. Else it is, and the epilogue finds each unit of it in the cache.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/Gradus.h"

namespace gradus {

class Plan;

/// The name of a discardable attribute of a kernel that is an epilogue: the number of the operand that is the product. The product runs when it does.
inline constexpr llvm::StringLiteral epilogueAttribute = "gradus.epilogue";

/// The product that a kernel is the epilogue of, or null.
KernelOp getProductOf(KernelOp kernel);
/// The epilogue of a product, or null.
KernelOp getEpilogueOf(KernelOp kernel);
/// Whether the product of an epilogue is an array too: others read it, it is a result, the report of the guard names one of its elements, or a size of the call may
/// make it part of a row nest.
bool isArrayToo(KernelOp product, KernelOp epilogue, const Plan &plan);
/// Whether the elements that an epilogue meets in a row of the product lie together in all its arrays, whatever axes these have.
bool isLinear(KernelOp epilogue);

/// Finds the epilogues of a function in the form of dialect/Plan.td, and marks them.
void formEpilogues(FuncOp func);
/// Checks what is claimed by the marks.
mlir::LogicalResult verifyEpilogues(FuncOp func);

} // namespace gradus
