//===- ReplayTest.cpp - A step that is recorded once and run many times -----------===//
//
// Artifacts as `gradus build` makes them: their entries of a device of Vulkan against those of the CPU, bit by bit. Recorded with another t: what a step takes
// for t, the seed and the hyper-parameters must come from the memory that gradus_device.values names, when it runs.
//
//===----------------------------------------------------------------------===//

#include "OnVulkan.h"
#include "test/codegen/bits/Artifact.h"

#include "gtest/gtest.h"

#include <map>
#include <memory>

using namespace gradus::device;
using gradus::bits::AnyCall;
using gradus::bits::Artifact;

namespace {

class DeviceReplay : public testing::TestWithParam<const char *> {
protected:
  /// The entries of a rule by their names.
  void SetUp() override {
    ASSERT_EQ(device.problem, "");
    artifact = std::make_unique<Artifact>(std::string(GRADUS_STD "/rules/") + GetParam() + ".grad", "--target=x86-64-v3,vulkan");
    ASSERT_EQ(artifact->problem, "");
    for (const gradus_entry *entry : artifact->entries)
      entries[entry->name] = entry;
    plain = entries[std::string(GetParam()) + "_step"];
    other = entries[std::string(GetParam()) + "_step_vulkan"];
    ASSERT_TRUE(plain && other);
    sizes.assign(size_t(plain->n_symbols), 9001); // more than two blocks
  }

  OnVulkan device;
  std::unique_ptr<Artifact> artifact;
  std::map<std::string, const gradus_entry *> entries;
  const gradus_entry *plain = nullptr, *other = nullptr;
  std::vector<int64_t> sizes;
};

TEST_P(DeviceReplay, aStepIsThatOfTheCpu) {
  AnyCall expected(plain, sizes, 3, {}), got(plain, sizes, 3, {});
  ASSERT_EQ(expected.run(3, 1), GRADUS_OK) << expected.getMessage();
  ASSERT_EQ(device.run(other, got, 3), GRADUS_OK) << device.message;
  EXPECT_TRUE(got.getBits() == expected.getBits());
  EXPECT_GT(device.countDispatches(), 0u);
}

TEST_P(DeviceReplay, stepsTakeTheirNumbersFromTheDevice) {
  AnyCall expected(plain, sizes, 2, {}), got(plain, sizes, 2, {});
  ASSERT_EQ(expected.run(1, 5), GRADUS_OK) << expected.getMessage();
  ASSERT_EQ(device.replay(other, got, 1, 5), GRADUS_OK) << device.message;
  EXPECT_TRUE(got.getBits() == expected.getBits());
  EXPECT_EQ(got.getReport().t, 5u);
  EXPECT_EQ(got.getReport().committed, 1);
  EXPECT_EQ(device.countDispatches() % 5, 0u);
}

INSTANTIATE_TEST_SUITE_P(Rules, DeviceReplay, testing::Values("adamw", "lion", "sgd"), [](const auto &info) { return std::string(info.param); });

} // namespace
