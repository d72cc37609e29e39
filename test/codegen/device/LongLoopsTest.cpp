//===- LongLoopsTest.cpp - Sums that are longer than a device's loops -------------===//
//
// Mesa's device on the CPU ends loops after 65,535 iterations and says nothing.
//
//===----------------------------------------------------------------------===//

#include "OnVulkan.h"
#include "test/codegen/bits/Artifact.h"

#include "gtest/gtest.h"

using namespace gradus::device;
using gradus::bits::AnyCall;
using gradus::bits::Artifact;

TEST(LongLoops, aProductIsSummedInPasses) {
  OnVulkan device;
  ASSERT_EQ(device.problem, "");
  Artifact artifact(GRADUS_TEST_INPUTS "/long.grad", "--target=x86-64-v3,vulkan");
  ASSERT_EQ(artifact.problem, "");
  const gradus_entry *plain = nullptr, *other = nullptr;
  for (const gradus_entry *entry : artifact.entries)
    (std::string(entry->name) == "product_vulkan" ? other : plain) = entry;
  ASSERT_TRUE(plain && other);
  std::vector<int64_t> sizes;
  for (int32_t k = 0; k < plain->n_symbols; ++k)
    sizes.push_back(plain->symbols[k] == std::string("k") ? 70001 : 3);
  AnyCall expected(plain, sizes, 1, {}), got(plain, sizes, 1, {});
  ASSERT_EQ(expected.run(1, 1), GRADUS_OK) << expected.getMessage();
  ASSERT_EQ(device.run(other, got, 1), GRADUS_OK) << device.message;
  EXPECT_TRUE(got.getBits() == expected.getBits());
}
