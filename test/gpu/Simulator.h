//===- Simulator.h - A device that is this process ----------------------------------===//
//
// Kernels run at once, group after group, thread after thread; where they have barriers, the threads of a group are coroutines. Memory is that of the process.
// So the code of passes/gpu is run as it stands, with the arithmetic of the CPU: results must have the CPU's bits.
//
//===----------------------------------------------------------------------------===//

#pragma once

#include "DeviceCode.h"

namespace gradus {

class Simulator {
public:
  explicit Simulator(DeviceCode &code);
  const gradus_device *get() const { return &device; }
  size_t getDispatches() const { return dispatches; }
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

} // namespace gradus
