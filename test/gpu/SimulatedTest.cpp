//===- SimulatedTest.cpp - Kernels of a device have the bits of the CPU's -----------===//
//
// Every entry of the standard library in both engines. The device is simulated: it has the arithmetic of the CPU, so that the results must have its bits.
//
//===----------------------------------------------------------------------------===//

#include "Simulator.h"
#include "Specs.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <iostream>

using namespace gradus;
using namespace gradus::bits;

namespace {

gradus_status runOnDevice(const gradus_entry &entry, AnyCall &call, const Simulator &simulator, uint64_t t, std::string &message) {
  gradus_context context = {};
  context.user = &message;
  context.error = [](void *user, const gradus_error *error) { *static_cast<std::string *>(user) = error->message; };
  context.device = simulator.get();
  std::vector<gradus_tensor> &tensors = call.getTensors();
  for (gradus_tensor &tensor : tensors)
    tensor.device_type = GRADUS_VULKAN;
  size_t slots = entry.is_open ? tensors.size() / std::max<size_t>(1, size_t(entry.n_arguments)) : 1, bytes = gradus_workspace(&entry, tensors.data(), slots);
  std::vector<char> workspace(bytes == SIZE_MAX ? 0 : bytes + 64, char(0x5a));
  char *scratch = workspace.data() + (64 - reinterpret_cast<uintptr_t>(workspace.data()) % 64) % 64;
  gradus_status status = gradus_call(&entry, &context, call.getHypers().data(), t, 7, tensors.data(), slots, scratch, bytes, nullptr);
  if (status != GRADUS_OK)
    return status;
  call.getReport() = {};
  return gradus_device_result(&entry, &context, &simulator.report, &call.getReport());
}

class Simulated : public testing::TestWithParam<std::string> {};

TEST_P(Simulated, hasTheBitsOfTheCpu) {
  Engines engines(GetParam());
  if (engines.layouts.empty() && engines.error.empty()) // macros alone
    return;
  ASSERT_TRUE(engines.cpu) << engines.error;
  for (const std::string &line : engines.refused)
    std::cout << "refused: " << line << "\n";
  EXPECT_EQ(engines.refused, findRefusals(GetParam())) << "test/gpu/refused.txt says what has no GPU form";
  ASSERT_TRUE(engines.device) << engines.error;
  ASSERT_TRUE(engines.device->simulate(engines.error)) << engines.error;
  int done = 0, wanted = 0;
  for (const EntryLayout &layout : engines.layouts) {
    JitEntry known(layout, *engines.cpu);
    const gradus_entry &cpu = known.get();
    if (!engines.device->hasEntry(layout))
      continue;
    gradus_entry gpu = engines.device->makeEntry(known, layout, GRADUS_VULKAN);
    for (const std::vector<int64_t> &sizes : getSizes(GetParam(), cpu)) {
      ++wanted;
      size_t slots = cpu.is_open ? 3 : 1;
      std::string what = describe(cpu, sizes);
      AnyCall plain(&cpu, sizes, slots, {}), other(&cpu, sizes, slots, {});
      gradus_status status = plain.run(3, 1);
      if (status == GRADUS_ERROR_SHAPE || status == GRADUS_ERROR_INTERVAL)
        continue;
      Simulator simulator(*engines.device);
      std::string message;
      EXPECT_EQ(runOnDevice(gpu, other, simulator, 3, message), status) << what << ": " << message << " / " << plain.getMessage();
      EXPECT_GT(simulator.getDispatches(), 0u) << what;
      if (status == GRADUS_OK)
        EXPECT_TRUE(other.getBits() == plain.getBits()) << what;
      done += status == GRADUS_OK;
    }
  }
  EXPECT_TRUE(done > 0 || wanted == 0);
}

INSTANTIATE_TEST_SUITE_P(Std, Simulated, testing::ValuesIn(findSpecs()), [](const auto &info) { return toTestName(info.param); });

} // namespace
