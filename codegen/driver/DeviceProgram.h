//===- DeviceProgram.h - Entries for devices, from the plan to images -----------===//

#pragma once

#include "codegen/driver/Session.h"
#include "codegen/emit/Device.h"

#include "mlir/IR/OwningOpRef.h"

namespace gradus::driver {

/// The forms in which kernels are wanted.
struct DeviceForms {
  bool spirv = false;
  std::vector<int32_t> ptx; ///< architectures, ascending
  std::string ptxas;        ///< the assembler that makes cubins of the PTX; empty: none
};

/// Host functions and kernels of entries on devices.
struct DeviceProgram {
  mlir::OwningOpRef<mlir::ModuleOp> host; ///< in the LLVM dialect; it takes the address of `deviceTableName`
  DeviceCode code;
  std::vector<std::string> notes; ///< what a person may want to know of the images
};

/// Compiles the entries of a module of phase Fuse, which stays as it is, but for those named in `hostOnly`. Nothing, with what is wrong on stderr or in `error`,
/// where one has no form for devices.
std::optional<DeviceProgram> compileForDevices(Session &session, mlir::ModuleOp fused, llvm::ArrayRef<std::string> hostOnly, const DeviceForms &forms,
                                               std::string &error);

} // namespace gradus::driver
