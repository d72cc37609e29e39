//===- SimulatedTest.cpp - Kernels of a device have the bits of the CPU's -----------===//
//
// Every entry of the standard library in both engines. The device is simulated: it has the arithmetic of the CPU, so that the results must have its bits. So has
// the library that it is then given for products of matrices.
//
//===----------------------------------------------------------------------------===//

#include "Refusals.h"
#include "Simulator.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <iostream>

using namespace gradus;
using namespace gradus::bits;

namespace {

/// Whether kernels of an entry multiply matrices, which a library may be asked for.
bool hasProduct(const DeviceCode &code, const EntryLayout &layout) {
  return std::any_of(code.getNames().begin(), code.getNames().end(), [&](const std::string &name) { return name.rfind(layout.cName + "__contract", 0) == 0; });
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
      EXPECT_TRUE(other.getBits() == plain.getBits()) << what; // of a refused call too: nothing has moved
      if (status == GRADUS_ERROR_NONFINITE)
        EXPECT_EQ(message, plain.getMessage()) << what;
      done += status == GRADUS_OK;
      if (!hasProduct(*engines.device, layout))
        continue;
      AnyCall third(&cpu, sizes, slots, {});
      Simulator withLibrary(*engines.device);
      withLibrary.addLibrary();
      EXPECT_EQ(runOnDevice(gpu, third, withLibrary, 3, message), status) << what << " with a library: " << message;
      if (status == GRADUS_OK)
        EXPECT_TRUE(third.getBits() == plain.getBits()) << what << " with a library";
      EXPECT_LE(withLibrary.getDispatches(), simulator.getDispatches()) << what;
    }
  }
  EXPECT_TRUE(done > 0 || wanted == 0);
}

class SimulatedGuard : public testing::TestWithParam<const char *> {};

TEST_P(SimulatedGuard, saysWhatTheCpuSays) {
  Engines engines("inputs/guard.grad", GetParam());
  ASSERT_TRUE(engines.cpu && engines.device) << engines.error;
  ASSERT_TRUE(engines.device->simulate(engines.error)) << engines.error;
  RefusalCount all;
  for (const EntryLayout &layout : engines.layouts) {
    JitEntry known(layout, *engines.cpu);
    gradus_entry const gpu = engines.device->makeEntry(known, layout, GRADUS_VULKAN);
    all += compareRefusals(known.get(), [&](AnyCall &call, std::string &message) {
      Simulator const simulator(*engines.device);
      gradus_status const status = runOnDevice(gpu, call, simulator, 3, message);
      EXPECT_GT(simulator.getDispatches(), 0u);
      return status;
    });
  }
  EXPECT_GT(all.refused, 50);
  EXPECT_GT(all.located, 10);
}

INSTANTIATE_TEST_SUITE_P(Levels, SimulatedGuard, testing::Values("joint", "grads", "full"), [](const auto &info) { return std::string(info.param); });
INSTANTIATE_TEST_SUITE_P(Std, Simulated, testing::ValuesIn(findSpecs()), [](const auto &info) { return toTestName(info.param); });

} // namespace
