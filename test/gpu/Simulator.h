//===- Simulator.h - A device that is this process ----------------------------------===//
//
// Kernels run at once, group after group, thread after thread; where they have barriers, the threads of a group are coroutines. Memory is that of the process.
// So the code of passes/gpu is run as it stands, with the arithmetic of the CPU: results must have the CPU's bits.
//
//===----------------------------------------------------------------------------===//

#pragma once

#include "DeviceCode.h"

#include "test/codegen/bits/AnyCall.h"

namespace gradus {

class Simulator {
public:
  explicit Simulator(DeviceCode &code);
  const gradus_device *get() const { return &device; }
  size_t getDispatches() const { return dispatches; }
  /// From here on there is a library for products of at least so many multiplications. Its sums are those of the CPU, so that results have the CPU's bits.
  void addLibrary(double least = 0);
  /// What the library has been asked for, and what it answers: GRADUS_OK for the first `takes` of it, then `answer`.
  std::vector<gradus_device_product> asked;
  size_t takes = SIZE_MAX;
  int32_t answer = GRADUS_DECLINED;
  gradus_device_report report{};

private:
  void run(size_t kernel, uint64_t groups, uint64_t frame, uint64_t argument);
  void runGroup(SimulatedKernel *kernel, uint64_t group, uint64_t frame, uint64_t argument);

  DeviceCode &code;
  gradus_device device{};
  size_t dispatches = 0;
  std::vector<char> shared;
  std::vector<std::unique_ptr<char[]>> stacks;
  std::vector<char> scratch;
};

/// Calls an entry of a device with the tensors of `call`, and leaves in it what the device reports.
gradus_status runOnDevice(const gradus_entry &entry, bits::AnyCall &call, const Simulator &simulator, uint64_t t, std::string &message);

} // namespace gradus
