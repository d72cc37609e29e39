//===- Spirv.h - From a gpu.module to SPIR-V ---------------------------------------===//
//
// A module for Vulkan 1.2: kernels of 256 threads that get three 64-bit numbers as push constants and find all memory by address
// (PhysicalStorageBuffer64). It declares the capabilities that it uses and no others.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/ADT/SmallVector.h"

namespace gradus {

/// How a string (OpString) of a module begins that is a piece of its tables, the bytes as hexadecimal numbers.
inline constexpr llvm::StringLiteral spirvTablesPrefix = "gradus.tables:";

/// The words of the module. What has no form there is an error at its place.
///
/// Specialization constant 0 (bool, false unless set) says that the device's Fma has one rounding; else it is emulated.
/// Specialization constant 1 (u64) is the address of the tables of constants, a multiple of 16: who loads the module puts there what its strings say.
mlir::FailureOr<llvm::SmallVector<uint32_t, 0>> emitSpirv(mlir::gpu::GPUModuleOp module);

} // namespace gradus
