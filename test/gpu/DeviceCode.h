//===- DeviceCode.h - The device code of a module, in this process -----------------===//
//
// The host program by the JIT; the kernels as they come from passes/gpu, and, for machines without any device, as functions of this process too.
//
//===----------------------------------------------------------------------------===//

#pragma once

#include "codegen/cpu/Jit.h"
#include "codegen/cpu/JitEntry.h"
#include "runtime/gradus_device.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace gradus {

/// Stops a thread of a simulated group until all of its threads have come here.
using SimulatedBarrier = void (*)();
/// A kernel for one thread: frame, argument, first, thread, group of the dispatch, memory of the group, barrier.
using SimulatedKernel = void(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, void *, SimulatedBarrier);

class DeviceCode {
public:
  /// Lowers every entry of a module of phase Fuse, which stays as it is. Null, with `error` set, on failure.
  static std::unique_ptr<DeviceCode> create(mlir::ModuleOp fused, std::string &error);

  bool hasEntry(const EntryLayout &layout) const;
  /// The table of an entry; `code` outlives it.
  gradus_entry makeEntry(const JitEntry &cpu, const EntryLayout &layout, gradus_device_type type);
  /// The kernels as a gpu.module.
  mlir::gpu::GPUModuleOp getKernels() { return kernels; }
  const std::vector<std::string> &getNames() const { return names; }
  /// Hands the images to the host program.
  void setImages(llvm::ArrayRef<gradus_device_image> images);
  /// Makes functions of this process of the kernels.
  bool simulate(std::string &error);
  SimulatedKernel *getSimulated(size_t kernel);
  bool hasBarrier(size_t kernel) const { return barriers[kernel]; }
  const gradus_device_module &getModule() const { return *table; }

private:
  mlir::OwningOpRef<mlir::ModuleOp> module, holder;
  mlir::gpu::GPUModuleOp kernels;
  std::vector<std::string> names;
  std::vector<const char *> texts;
  std::vector<bool> barriers;
  std::set<std::string> entries; ///< functions of the host program
  std::map<std::string, std::vector<const char *>> guards; ///< by entry: what its guard looks at; the texts are the context's
  std::vector<gradus_device_image> images;
  std::unique_ptr<Jit> host, simulated;
  gradus_device_module *table = nullptr;
};

} // namespace gradus
