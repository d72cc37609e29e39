//===- Products.h - Products of matrices by a library of the device ----------------===//
//
// A device may have a library for products of matrices (gradus_device.product), which the host program asks before it launches kernels. Unlike a kernel it knows
// neither the frame nor whether the call is refused. So it is asked where the host knows all addresses and whether the product runs at all, and where it writes
// what nobody sees of a call that is refused: temporaries of the workspace, or results before the data could refuse the call.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/emit/Entry.h"
#include "passes/fuse/MatrixProduct.h"
#include "passes/lower/Evaluate.h"

#include <functional>

namespace gradus {

/// A cell of the call, or one of each slot.
struct Cell {
  bool isOfSlot = false;
  unsigned index = 0;
};

/// What the host program knows of a slot where it records a launch.
struct HostScope {
  Evaluator &evaluator;                       ///< sizes
  std::function<mlir::Value(Cell)> addressIn; ///< of a tensor or temporary, by its field in the record
  llvm::ArrayRef<mlir::Value> passes;         ///< the numbers of the passes of the loops around, the outermost first
};
/// An address (i64), or whether something runs (i1).
using HostValue = std::function<mlir::Value(HostScope &)>;

/// What stands around a launch: loops, and conditions that the host knows.
struct HostPath {
  unsigned loops = 0;
  llvm::SmallVector<HostValue> conditions;
};

/// A product that the library is asked for, in place of launches.
struct HostProduct {
  MatrixProduct matrices;
  mlir::Type element; ///< of both operands where they are
  HostValue a, b, y;
  llvm::SmallVector<HostValue> conditions; ///< all of which hold where it runs
};

struct DeviceProgram;
/// What the host program has at hand.
struct HostCall {
  const EntryLayout &layout;
  const DeviceProgram &program;
  mlir::Value tensors, slots, device, status; ///< `status` is where hooks leave what ends the call
  mlir::Value temporaries;                    ///< where those of slot 0 begin
  /// `i64 (tensors, slot, begin, places)`: where the temporaries of a slot are, and where they end.
  std::function<mlir::LLVM::LLVMFuncOp()> getPlaces;
};

/// Asks the library of the device, slot by slot. i1: whether the product is left to kernels.
mlir::Value emitAskForProduct(CodeBuilder &code, const HostProduct &product, const HostCall &call, llvm::ArrayRef<mlir::Value> passes);

} // namespace gradus
