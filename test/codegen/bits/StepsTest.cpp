//===- StepsTest.cpp - The hash of a long run --------------------------------------===//
//
// A thousand steps leave these bits, in whichever way they are taken. A change of the numbers below changes the contract of codegen/README.md, and is to be
// said there.
//
//===----------------------------------------------------------------------===//

#include "AnyCall.h"
#include "Artifact.h"

#include "gtest/gtest.h"

using namespace gradus::bits;

namespace {

struct Run {
  const char *rule;
  std::vector<int64_t> sizes;
  uint64_t hash;
};

std::ostream &operator<<(std::ostream &os, const Run &run) { return os << run.rule; }

/// FNV-1a.
uint64_t hashOf(const std::string &bytes) {
  uint64_t hash = 14695981039346656037u;
  for (unsigned char byte : bytes)
    hash = (hash ^ byte) * 1099511628211u;
  return hash;
}

class Steps : public testing::TestWithParam<Run> {};

TEST_P(Steps, leaveTheseBits) {
  Artifact artifact(std::string(GRADUS_STD "/rules/") + GetParam().rule + ".grad");
  ASSERT_EQ(artifact.problem, "");
  for (const gradus_entry *entry : artifact.entries) {
    if (std::string(entry->name) != std::string(GetParam().rule) + "_step")
      continue;
    for (const Way &way : {Way{3, 1, 0}, Way{getMachineLevel(), 1, 1}, Way{getMachineLevel(), 3, 0}}) {
      AnyCall call(entry, GetParam().sizes, 2, way);
      ASSERT_EQ(call.run(1, 1000), GRADUS_OK) << call.getMessage();
      EXPECT_EQ(hashOf(call.getBits()), GetParam().hash);
    }
    return;
  }
  FAIL() << "no such rule";
}

INSTANTIATE_TEST_SUITE_P(Rules, Steps,
                         testing::Values(Run{"adamw", {70000}, 6156546499419910880u}, Run{"lamb", {70000}, 2108376368038984636u},
                                         Run{"lion", {70000}, 12772080410178621963u}, Run{"muon", {37, 50}, 3822604585530177822u}),
                         [](const auto &info) { return std::string(info.param.rule); });

} // namespace
