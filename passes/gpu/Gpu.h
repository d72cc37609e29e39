//===- Gpu.h - From the plan to kernels of a GPU and their host program ----------===//
//
// What the artifact and the tests need of this folder; README.md has the design.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/emit/Entry.h"

#include "mlir/IR/BuiltinOps.h"

namespace gradus {

/// The gpu.module with the kernels of all entries.
inline constexpr llvm::StringLiteral deviceModuleName = "gradus_kernels";
/// The symbol of the gradus_device_module, which the host program takes the address of: whoever embeds the images defines it. Kernel i of it is function i of
/// the gpu.module.
inline constexpr llvm::StringLiteral deviceTableName = "gradus_device_table";

/// The host functions of an entry: those of gradus_entry.
inline std::string getDeviceKernelName(const EntryLayout &layout) { return layout.cName + "__device_kernel"; }
inline std::string getDeviceWorkspaceName(const EntryLayout &layout) { return layout.cName + "__device_workspace"; }

/// A located error where an entry function of phase Fuse has no GPU form yet.
mlir::LogicalResult checkDeviceForm(FuncOp func);

/// Every entry of a module of phase Fuse becomes its host functions and kernels in the gpu.module; what came in is gone. Fails, with the module as it was,
/// where an entry has no GPU form.
mlir::LogicalResult lowerToDevice(mlir::ModuleOp module);

} // namespace gradus
