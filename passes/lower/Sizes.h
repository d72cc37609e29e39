//===- Sizes.h - The tensors of a call and the sizes that they give --------------===//
//
// Code of the host: where a tensor is described, and what the symbols of an entry are in a slot.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/emit/Entry.h"
#include "passes/lower/Code.h"

#include "llvm/ADT/DenseMap.h"

namespace gradus {

/// The address of the gradus_tensor of a slot; of what is shared, that of slot 0.
mlir::Value emitDescriptor(CodeBuilder &code, const EntryLayout &layout, mlir::Value tensors, mlir::Value slot, unsigned tensor);
/// All symbols of a slot. A symbol has the size that the first tensor with it has; the caller has checked the others.
llvm::DenseMap<mlir::Attribute, mlir::Value> emitSymbols(CodeBuilder &code, const EntryLayout &layout, mlir::Value tensors, mlir::Value slot);

} // namespace gradus
