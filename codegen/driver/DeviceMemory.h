//===- DeviceMemory.h - The devices of `gradus run` ------------------------------===//

#pragma once

#include "runtime/gradus_device.h"

#include "llvm/ADT/StringRef.h"

#include <memory>
#include <string>

namespace gradus::driver {

/// One device behind its runtime: memory, and work that is recorded and waited for. Where a function fails, `reason` says why.
class DeviceMemory {
public:
  virtual ~DeviceMemory() = default;
  virtual std::string getName() const = 0;
  /// Of an NVIDIA device 80 for sm_80, else 0.
  virtual int32_t getArchitecture() const { return 0; }
  virtual bool allocate(size_t bytes, gradus_address &address) = 0;
  virtual bool write(gradus_address to, const void *from, size_t bytes) = 0;
  virtual bool read(void *to, gradus_address from, size_t bytes) = 0;
  /// Where the next calls record; null on failure.
  virtual gradus_device *begin() = 0;
  /// Runs what was recorded, and waits.
  virtual bool finish() = 0;
  /// How many dispatches have run.
  virtual uint64_t countDispatches() = 0;

  std::string reason;
};

/// Opens the first device of a kind, "vulkan" or "cuda". Null, with `error` in one line, where there is none.
std::unique_ptr<DeviceMemory> openDevice(llvm::StringRef kind, std::string &error);

} // namespace gradus::driver
