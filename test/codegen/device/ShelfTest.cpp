//===- ShelfTest.cpp - The standard library on a device, against the CPU ----------===//
//
// Each entry of each spec of the standard library that has a form for devices runs on a device of Vulkan, and on the CPU from the same numbers.
// shelf.txt has a line for every entry: the largest distance in units of the last place that is allowed, or `host`, where a spec is not built for
// devices as long as it has that entry, which the compiler must say.
//
//   GRADUS_UPDATE_EXPECTED=1 build/test/codegen/device/DeviceShelfTests     writes shelf.txt anew: read the difference
//
//===----------------------------------------------------------------------===//

#include "Distance.h"
#include "OnVulkan.h"
#include "Shelf.h"
#include "test/codegen/bits/Artifact.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

using namespace gradus::device;
using gradus::bits::AnyCall;
using gradus::bits::Artifact;

namespace {

/// One for all tests of this process.
OnVulkan &getDevice() {
  static OnVulkan device;
  return device;
}

/// Specs with solvers, which take very long for random numbers.
const std::set<std::string> steep = {
    "bilevel/ridge_validation.grad",
    "losses/colide.grad",
    "losses/entropic_ot.grad",
    "losses/learned_proximal.grad",
    "losses/sparse_ot.grad",
    "regularizers/monge_gap.grad",
};

/// Sizes of the symbols: all alike, and one axis after the other longer than a group of threads.
std::vector<std::vector<int64_t>> getSizes(const gradus_entry *entry, bool isSteep) {
  auto const symbols = size_t(entry->n_symbols);
  if (isSteep)
    return {std::vector<int64_t>(symbols, 1), std::vector<int64_t>(symbols, 5)};
  bool const hasMatrix =
      std::any_of(entry->arguments, entry->arguments + entry->n_arguments, [](const gradus_argument &argument) { return argument.rank > 1; });
  std::vector<std::vector<int64_t>> sizes = {std::vector<int64_t>(symbols, 1), std::vector<int64_t>(symbols, 17)};
  if (!hasMatrix)
    sizes.emplace_back(symbols, 9001); // more than two blocks of a sum
  for (size_t symbol = 0; hasMatrix && symbol < symbols; ++symbol) {
    sizes.emplace_back(symbols, 5);
    sizes.back()[symbol] = 523;
  }
  return sizes;
}

std::string describe(const gradus_entry *entry, const std::vector<int64_t> &sizes) {
  std::string text = std::string(entry->name) + " of";
  for (size_t k = 0; k < sizes.size(); ++k)
    text += " " + std::string(entry->symbols[k]) + " = " + std::to_string(sizes[k]);
  return text;
}

/// The largest distance between an entry and the same on the device, over all sizes that the spec is for; both must say the same of a step.
Distance measure(const gradus_entry *plain, const gradus_entry *other, bool isSteep) {
  Distance worst;
  int done = 0;
  std::string why;
  for (const std::vector<int64_t> &sizes : getSizes(plain, isSteep)) {
    size_t const slots = plain->is_open ? 3 : 1;
    AnyCall expected(plain, sizes, slots, {}), got(plain, sizes, slots, {});
    gradus_status const status = expected.run(3, 1);
    if (status == GRADUS_ERROR_SHAPE || status == GRADUS_ERROR_INTERVAL) { // sizes that the spec is not for
      why += expected.getMessage() + "\n";
      continue;
    }
    ++done;
    gradus_status const there = getDevice().run(other, got, 3);
    EXPECT_EQ(there, status) << describe(other, sizes) << ": " << getDevice().message << "; on the CPU: " << expected.getMessage();
    if (there != status)
      continue;
    Distance distance = compare(plain, expected.getTensors(), got.getTensors());
    if (status == GRADUS_OK)
      distance.add(countUlps(float(expected.getReport().value), float(got.getReport().value)), "the value");
    worst.add(distance.ulps, distance.place + " in " + describe(other, sizes));
  }
  EXPECT_GT(done, 0) << plain->name << " took none of the sizes:\n" << why;
  return worst;
}

class DeviceShelf : public testing::TestWithParam<std::string> {
protected:
  void SetUp() override { ASSERT_EQ(getDevice().problem, ""); }
};

/// All entries that have code for the device; fills in what they came to.
void runSpec(const Artifact &artifact, Shelf::Lines &lines, bool isSteep, bool isUpdate) {
  std::map<std::string, const gradus_entry *> entries;
  for (const gradus_entry *entry : artifact.entries)
    entries[entry->name] = entry;
  for (auto const &[name, entry] : entries) {
    if (entry->device_type != GRADUS_CPU)
      continue;
    auto const other = entries.find(name + "_vulkan");
    std::string const &line = lines[name];
    EXPECT_EQ(other == entries.end(), line == "host") << name << " has '" << line << "' in shelf.txt";
    if (other == entries.end())
      continue;
    uint64_t const before = getDevice().countDispatches();
    Distance const distance = measure(entry, other->second, isSteep);
    EXPECT_GT(getDevice().countDispatches(), before) << name << " ran nothing there";
    if (isUpdate) {
      lines[name] = distance.ulps == Distance::infinite ? "differs" : std::to_string(distance.ulps);
      continue;
    }
    ASSERT_FALSE(line.empty()) << name << " is not in shelf.txt";
    uint64_t const allowed = line == "differs" ? 0 : std::stoull(line);
    EXPECT_LE(distance.ulps, allowed) << distance.place;
  }
}

TEST_P(DeviceShelf, isThatOfTheCpu) {
  std::string const spec = std::string(GRADUS_STD "/") + GetParam(), target = "--target=x86-64-v3,vulkan";
  bool const isUpdate = Shelf::isUpdated();
  Shelf::Lines lines = isUpdate ? Shelf::findHostEntries(spec, target) : Shelf::read(GetParam());
  if (lines.empty()) {
    EXPECT_TRUE(Shelf::hasNoEntries(spec)) << GetParam() << " is not in shelf.txt";
    return;
  }
  std::string hostOnly;
  size_t onHost = 0;
  for (auto const &[name, line] : lines)
    if (line == "host") {
      hostOnly += " --host-only=" + name;
      ++onHost;
    }
  if (onHost > 0) {
    Artifact refused(spec, target);
    EXPECT_NE(refused.problem.find("error[G0932]"), std::string::npos) << "an entry that is marked 'host' has a form: " << refused.problem;
  }
  if (onHost < lines.size()) {
    Artifact artifact(spec, target + hostOnly);
    ASSERT_EQ(artifact.problem, "");
    runSpec(artifact, lines, steep.count(GetParam()) > 0, isUpdate);
  }
  if (isUpdate)
    Shelf::write(GetParam(), lines);
}

INSTANTIATE_TEST_SUITE_P(Std, DeviceShelf, testing::ValuesIn(Shelf::findSpecs()), [](const auto &info) {
  std::string name = info.param.substr(0, info.param.size() - 5);
  std::replace_if(name.begin(), name.end(), [](char c) { return !isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

TEST(DeviceShelf, hasNoSpecThatIsNotThere) {
  std::vector<std::string> const specs = Shelf::findSpecs();
  for (const std::string &spec : Shelf::readSpecs())
    EXPECT_TRUE(std::find(specs.begin(), specs.end(), spec) != specs.end()) << spec << " is in shelf.txt";
}

TEST(Distance, countsUnitsOfTheLastPlace) {
  EXPECT_EQ(countUlps(1.0, 1.0), 0u);
  EXPECT_EQ(countUlps(1.0, 1 + 0x1p-52), 1u);
  EXPECT_EQ(countUlps(1.0, 1 - 0x1p-53), 1u);
  EXPECT_EQ(countUlps(-1.0, -1 - 0x1p-51), 2u);
  EXPECT_EQ(countUlps(0.0, -0.0), 0u);
  EXPECT_EQ(countUlps(0x1p-1030, -0x1p-1022), 0u); // flushed, perhaps
  EXPECT_GT(countUlps(0x1p-1020, 0.0), 1u);
  EXPECT_EQ(countUlps(double(NAN), -double(NAN)), 0u);
  EXPECT_EQ(countUlps(double(NAN), 1.0), Distance::infinite);
  EXPECT_EQ(countUlps(double(INFINITY), 1.7976931348623157e308), Distance::infinite);
  EXPECT_EQ(countUlps(INFINITY, INFINITY), 0u);
  EXPECT_EQ(countUlps(INFINITY, -INFINITY), Distance::infinite);
  EXPECT_EQ(countUlps(2.0f, 2.0f + 0x1p-21f), 2u);
  EXPECT_EQ(countUlps(0x1p-126f, -0x1p-149f), 0u);
}

} // namespace
