//===- RandomProgram.h - Functions that nobody would write, for the tests of fusion ===//

#pragma once

#include "dialect/Gradus.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace gradus {

/// A module of one function of about `size` operations of every kind that fusion knows, with results that replace arguments. An open
/// function has reductions over the collection. The seed decides everything.
mlir::OwningOpRef<mlir::ModuleOp> makeRandomProgram(mlir::MLIRContext &context, unsigned seed, unsigned size, bool isOpen);

} // namespace gradus
