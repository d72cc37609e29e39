//===- Ptx.h - From a gpu.module to PTX and cubins ---------------------------------===//
//
// PTX comes from LLVM in this process: no CUDA is needed to build it. It has no function but its own: the elementary ones are written out before.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace gradus {

/// The text for a chip such as sm_80. What has no form there is an error at its place; all else that goes wrong is said in `error`.
mlir::FailureOr<std::string> emitPtx(mlir::gpu::GPUModuleOp module, llvm::StringRef chip, std::string &error);

/// The assembler in PATH, $CUDA_ROOT/bin, $CUDA_HOME/bin or /usr/local/cuda/bin; empty if there is none.
std::string findPtxas();

/// What ptxas says about a kernel.
struct KernelUse {
  std::string name;
  unsigned registers = 0, spillStores = 0, spillLoads = 0; ///< spills in bytes
};
struct Cubin {
  llvm::SmallVector<char, 0> bytes;
  std::vector<KernelUse> kernels;
};

/// Machine code for a chip by the assembler at `ptxas`.
mlir::FailureOr<Cubin> emitCubin(llvm::StringRef ptx, llvm::StringRef chip, llvm::StringRef ptxas, std::string &error);

} // namespace gradus
