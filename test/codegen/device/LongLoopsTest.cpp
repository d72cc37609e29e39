//===- LongLoopsTest.cpp - Sums that are longer than a device's loops -------------===//
//
// Mesa's device on the CPU ends loops after 65,535 iterations, those of all loops of a thread together, and says nothing. What the compiler cuts has the bits of the CPU
// there; what it does not cut is an error.
//
//===----------------------------------------------------------------------===//

#include "OnVulkan.h"
#include "test/codegen/bits/Artifact.h"

#include "gtest/gtest.h"

#include <string>
#include <vector>

using namespace gradus::device;
using gradus::bits::AnyCall;
using gradus::bits::Artifact;

namespace {

struct Long {
  const char *entry;
  int64_t k; ///< the long axis; the others have 3
  size_t slots = 1;
};

/// What all tests here share: an artifact takes seconds.
struct Shared {
  OnVulkan device;
  Artifact artifact{GRADUS_TEST_INPUTS "/long.grad", "--target=x86-64-v3,vulkan"};
  static Shared &get() {
    static Shared shared;
    return shared;
  }
  const gradus_entry *find(const std::string &name) const {
    for (const gradus_entry *entry : artifact.entries)
      if (entry->name == name)
        return entry;
    return nullptr;
  }
};

std::vector<int64_t> sizesOf(const gradus_entry *entry, int64_t k) {
  std::vector<int64_t> sizes;
  for (int32_t number = 0; number < entry->n_symbols; ++number)
    sizes.push_back(entry->symbols[number] == std::string("k") ? k : 3);
  return sizes;
}

class LongLoops : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(shared.device.problem, "");
    ASSERT_EQ(shared.artifact.problem, "");
  }
  Shared &shared = Shared::get();
};

const Long kinds[] = {
    {"best", 70001},
    {"blocks_of_rows", 70001},
    {"collected_step", 3, 70001},
    {"columns", 70001},
    {"contracted", 70001},
    {"cumulated", 70001},
    {"dots", 140001},
    {"drawn", 10001},
    {"drawn_all", 301},
    {"drawn_columns", 301},
    {"drawn_places", 301},
    {"drawn_rows", 301},
    {"drawn_updates", 301},
    {"ends", 70001},
    {"halved", 70001},
    {"least", 70001},
    {"ordered", 200001},
    {"ordered", 4096},
    {"ordered", 4097},
    {"product", 70001},
    {"recurred", 70001},
    {"reversed", 70001},
    {"rows", 1200001},
    {"rows", 262145},
    {"scattered", 70001},
};

/// One test for all kinds: each process builds the artifact.
TEST_F(LongLoops, areCut) {
  for (const Long &kind : kinds) {
    SCOPED_TRACE(kind.entry + std::string(" of ") + std::to_string(kind.k));
    const gradus_entry *plain = shared.find(kind.entry), *other = shared.find(kind.entry + std::string("_vulkan"));
    ASSERT_TRUE(plain && other);
    std::vector<int64_t> const sizes = sizesOf(plain, kind.k);
    AnyCall expected(plain, sizes, kind.slots, {}), got(plain, sizes, kind.slots, {});
    ASSERT_EQ(expected.run(1, 1), GRADUS_OK) << expected.getMessage();
    uint64_t const before = shared.device.countDispatches();
    ASSERT_EQ(shared.device.run(other, got, 1), GRADUS_OK) << shared.device.message;
    EXPECT_GT(shared.device.countDispatches(), before);
    EXPECT_TRUE(got.getBits() == expected.getBits());
  }
}

/// A draw goes through all categories twice: nothing cuts that, and the host program knows it.
TEST_F(LongLoops, ofKnownLengthThatAreNotCutRefuseTheCall) {
  const gradus_entry *other = shared.find("drawn_vulkan");
  ASSERT_TRUE(other);
  AnyCall got(other, {40001}, 1, {});
  std::string const before = got.getBits();
  uint64_t const dispatches = shared.device.countDispatches();
  gradus_status const status = shared.device.run(other, got, 1);
  if (shared.device.getLongestLoop() == UINT64_MAX) {
    EXPECT_EQ(status, GRADUS_OK) << shared.device.message;
    return;
  }
  EXPECT_EQ(status, GRADUS_ERROR_DEVICE);
  EXPECT_NE(shared.device.message.find("the device ends those of 65535"), std::string::npos) << shared.device.message;
  EXPECT_EQ(shared.device.countDispatches(), dispatches);
  EXPECT_TRUE(got.getBits() == before);
}

/// However near to the end: what is not refused is right.
TEST_F(LongLoops, ofLoopsAreRefusedOrRight) {
  const gradus_entry *plain = shared.find("drawn"), *other = shared.find("drawn_vulkan");
  ASSERT_TRUE(plain && other);
  int done = 0;
  for (int64_t k = 32755; k <= 32775; k += 2) {
    AnyCall expected(plain, {k}, 1, {}), got(plain, {k}, 1, {});
    ASSERT_EQ(expected.run(1, 1), GRADUS_OK) << expected.getMessage();
    gradus_status const status = shared.device.run(other, got, 1);
    done += status == GRADUS_OK;
    if (status == GRADUS_OK)
      EXPECT_TRUE(got.getBits() == expected.getBits()) << k;
    else
      EXPECT_EQ(status, GRADUS_ERROR_DEVICE) << shared.device.message;
  }
  EXPECT_GT(done, 0);
}

/// How long a loop of numbers is, only the device knows.
TEST_F(LongLoops, ofUnknownLengthThatTheDeviceEndsAreReported) {
  const gradus_entry *plain = shared.find("counted"), *other = shared.find("counted_vulkan");
  ASSERT_TRUE(plain && other);
  for (double steps : {65000.0, 65531.0, 65532.0, 65533.0, 65534.0, 65535.0, 65536.0, 100000.0}) {
    AnyCall expected(plain, {9}, 1, {}), got(plain, {9}, 1, {});
    expected.getHypers()[0] = got.getHypers()[0] = steps;
    ASSERT_EQ(expected.run(1, 1), GRADUS_OK) << expected.getMessage();
    gradus_status const status = shared.device.run(other, got, 1);
    if (shared.device.getLongestLoop() != UINT64_MAX && steps > 65000) // where all fits but the check, either will do
      EXPECT_TRUE(status == GRADUS_ERROR_DEVICE || steps < 65535) << steps;
    if (status == GRADUS_ERROR_DEVICE) {
      EXPECT_GT(steps, 65000);
      EXPECT_NE(shared.device.message.find("ended loops of a kernel"), std::string::npos) << shared.device.message;
      continue;
    }
    EXPECT_EQ(status, GRADUS_OK) << steps << ": " << shared.device.message;
    EXPECT_TRUE(got.getBits() == expected.getBits()) << steps;
  }
}

} // namespace
