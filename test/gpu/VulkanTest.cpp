//===- VulkanTest.cpp - The standard library on a device of Vulkan -------------------===//
//
// Every entry as SPIR-V on the best device of the machine (Mesa's, which computes on the CPU, where there is no GPU), against the CPU's code. All results have its bits
// but those in distances.txt, which are that many units of the last place apart at most.
//
//===----------------------------------------------------------------------------===//

#include "Distance.h"
#include "Refusals.h"

#include "codegen/gpu/Spirv.h"
#include "test/codegen/device/OnVulkan.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

using namespace gradus;
using gradus::bits::AnyCall;
using gradus::device::OnVulkan;

namespace {

/// One for all tests of this process.
OnVulkan &getDevice() {
  static OnVulkan device;
  return device;
}

/// What distances.txt allows, by spec and entry.
using Table = std::map<std::string, uint64_t>;
Table readTable() {
  Table table;
  std::ifstream file(GRADUS_TEST_DISTANCES);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string spec, entry;
    uint64_t ulps = 0;
    if (words >> spec >> entry >> ulps && spec.front() != '#')
      table[spec + " " + entry] = ulps;
  }
  return table;
}

/// Specs that take longer than most others together: solvers, of which every pass that there may be is launched. `ctest --preset long` runs them.
const std::set<std::string> longSpecs = {
    "bilevel/ridge_validation.grad",
    "inputs/collection.grad",
    "inputs/control.grad",
    "inputs/recurrences.grad",
    "losses/learned_proximal.grad",
    "losses/sparse_ot.grad",
};

std::vector<std::string> findSpecs(bool isLong) {
  std::vector<std::string> specs;
  for (const std::string &spec : gradus::findSpecs())
    if (longSpecs.count(spec) == size_t(isLong))
      specs.push_back(spec);
  return specs;
}

bool isUpdated() { return std::getenv("GRADUS_UPDATE_EXPECTED") != nullptr; }

void writeTable(const Table &table) {
  std::ofstream file(GRADUS_TEST_DISTANCES);
  file << "# How far entries of the standard library on a device of Vulkan are from the CPU, in units of the last place; all others have the CPU's bits.\n"
          "# GRADUS_UPDATE_EXPECTED=1 build/test/gpu/VulkanTests writes what it measures.\n";
  for (const auto &[entry, ulps] : table)
    if (ulps > 0)
      file << entry << ' ' << ulps << '\n';
}

/// One call of small tensors, one of tensors that take more than one group; specs with solvers make thousands of launches.
std::vector<std::vector<int64_t>> getFewSizes(const std::string &spec, const gradus_entry &entry) {
  std::vector<std::vector<int64_t>> all = getSizes(spec, entry);
  if (all.empty())
    return {std::vector<int64_t>(size_t(entry.n_symbols), 2)};
  std::vector<std::vector<int64_t>> few = {all[1]};
  if (all.size() > 3)
    few.push_back(all[3]);
  return few;
}

/// Hands the kernels to the host program as SPIR-V, which lies in `words`.
bool loadSpirv(Engines &engines, std::vector<uint32_t> &words) {
  mlir::ScopedDiagnosticHandler handler(&engines.context, [&](mlir::Diagnostic &diagnostic) { engines.error += diagnostic.str() + "\n"; });
  auto emitted = emitSpirv(engines.device->getKernels());
  if (failed(emitted))
    return false;
  words.assign(emitted->begin(), emitted->end());
  engines.device->setImages(gradus_device_image{GRADUS_IMAGE_SPIRV, 0, words.data(), words.size() * sizeof(uint32_t)});
  return true;
}

class OnDevice : public testing::TestWithParam<std::string> {
protected:
  void SetUp() override { ASSERT_EQ(getDevice().problem, ""); }
  /// The largest distance of an entry over all sizes; counts the calls that both have made.
  Distance measure(const gradus_entry &cpu, const gradus_entry &gpu, int &done) {
    Distance worst;
    OnVulkan &device = getDevice();
    for (const std::vector<int64_t> &sizes : getFewSizes(GetParam(), cpu)) {
      size_t const slots = cpu.is_open ? 3 : 1;
      std::string const what = describe(cpu, sizes);
      AnyCall expected(&cpu, sizes, slots, {}), got(&cpu, sizes, slots, {});
      gradus_status const status = expected.run(3, 1);
      if (status == GRADUS_ERROR_SHAPE || status == GRADUS_ERROR_INTERVAL) // sizes that the spec is not for
        continue;
      uint64_t const before = device.countDispatches();
      gradus_status const there = device.run(&gpu, got, 3);
      EXPECT_EQ(there, status) << what << ": " << device.message << "; on the CPU: " << expected.getMessage();
      EXPECT_GT(device.countDispatches(), before) << what;
      if (there != GRADUS_OK || status != GRADUS_OK)
        continue;
      ++done;
      Distance distance = compare(cpu, expected.getTensors(), got.getTensors());
      distance.add(countUlps(float(expected.getReport().value), float(got.getReport().value)), "the value");
      worst.add(distance.ulps, distance.place + " in " + what);
    }
    return worst;
  }
};

TEST_P(OnDevice, isThatOfTheCpu) {
  Engines engines(GetParam());
  if (engines.layouts.empty() && engines.error.empty()) // macros alone
    return;
  ASSERT_TRUE(engines.cpu && engines.device) << engines.error;
  if (engines.device->getNames().empty()) { // all entries are on the list refused.txt
    EXPECT_EQ(engines.refused.size(), engines.layouts.size());
    return;
  }
  std::vector<uint32_t> words;
  ASSERT_TRUE(loadSpirv(engines, words)) << engines.error;
  Table table = readTable();
  int done = 0, wanted = 0;
  for (const EntryLayout &layout : engines.layouts) {
    JitEntry const known(layout, *engines.cpu);
    if (!engines.device->hasEntry(layout)) // on the list refused.txt: SimulatedTests
      continue;
    ++wanted;
    gradus_entry const gpu = engines.device->makeEntry(known, layout, GRADUS_VULKAN);
    Distance const distance = measure(known.get(), gpu, done);
    std::string const name = GetParam() + " " + known.get().name;
    if (isUpdated() && distance.ulps != Distance::infinite)
      table[name] = distance.ulps;
    EXPECT_LE(distance.ulps, table[name]) << name << ": " << distance.place;
  }
  EXPECT_TRUE(done > 0 || wanted == 0);
  std::cout << GetParam() << ": " << wanted << " entries, " << words.size() * sizeof(uint32_t) << " bytes of SPIR-V\n";
  if (isUpdated())
    writeTable(table);
}

std::string nameOf(const testing::TestParamInfo<std::string> &info) { return toTestName(info.param); }
INSTANTIATE_TEST_SUITE_P(Std, OnDevice, testing::ValuesIn(findSpecs(false)), nameOf);
INSTANTIATE_TEST_SUITE_P(Long, OnDevice, testing::ValuesIn(findSpecs(true)), nameOf);

class GuardOnDevice : public testing::TestWithParam<const char *> {};

TEST_P(GuardOnDevice, saysWhatTheCpuSays) {
  OnVulkan &device = getDevice();
  ASSERT_EQ(device.problem, "");
  Engines engines("inputs/guard.grad", GetParam());
  ASSERT_TRUE(engines.cpu && engines.device) << engines.error;
  std::vector<uint32_t> words;
  ASSERT_TRUE(loadSpirv(engines, words)) << engines.error;
  RefusalCount all;
  for (const EntryLayout &layout : engines.layouts) {
    JitEntry const known(layout, *engines.cpu);
    gradus_entry const gpu = engines.device->makeEntry(known, layout, GRADUS_VULKAN);
    all += compareRefusals(known.get(), [&](AnyCall &call, std::string &message) {
      uint64_t const before = device.countDispatches();
      gradus_status const status = device.run(&gpu, call, 3);
      EXPECT_GT(device.countDispatches(), before);
      message = device.message;
      return status;
    });
  }
  EXPECT_GT(all.refused, 50);
  EXPECT_GT(all.located, 10);
}

INSTANTIATE_TEST_SUITE_P(Levels, GuardOnDevice, testing::Values("joint", "grads", "full"), [](const auto &info) { return std::string(info.param); });

TEST(Specs, thatTakeLongAreCounted) {
  std::cout << findSpecs(false).size() << " specs run here, " << longSpecs.size() << " with the label 'long':\n";
  for (const std::string &spec : longSpecs)
    std::cout << "  " << spec << "\n";
  EXPECT_EQ(findSpecs(true).size(), longSpecs.size()) << "one of them is not there";
}

TEST(Distances, areOfSpecsThatAreThere) {
  std::vector<std::string> const specs = gradus::findSpecs();
  for (const auto &[entry, ulps] : readTable())
    EXPECT_TRUE(std::find(specs.begin(), specs.end(), entry.substr(0, entry.find(' '))) != specs.end()) << entry << " is in distances.txt";
}

TEST(Distances, countUnitsOfTheLastPlace) {
  EXPECT_EQ(countUlps(1.0, 1.0), 0u);
  EXPECT_EQ(countUlps(1.0, 1 + 0x1p-52), 1u);
  EXPECT_EQ(countUlps(1.0, 1 - 0x1p-53), 1u);
  EXPECT_EQ(countUlps(-1.0, -1 - 0x1p-51), 2u);
  EXPECT_EQ(countUlps(1.0F, 1 + 0x1p-22F), 2u);
  EXPECT_EQ(countUlps(0.0, -0.0), 0u);
  EXPECT_EQ(countUlps(0x1p-1030, -0x1p-1022), 0u); // flushed, perhaps
  EXPECT_EQ(countUlps(0x1p-130F, 0.0F), 0u);
  EXPECT_GT(countUlps(0x1p-1020, 0.0), 1u);
  EXPECT_EQ(countUlps(NAN, -NAN), 0u);
  EXPECT_EQ(countUlps(double(NAN), 1.0), Distance::infinite);
  EXPECT_EQ(countUlps(double(INFINITY), 1.7976931348623157e308), Distance::infinite);
  EXPECT_EQ(countUlps(double(INFINITY), double(INFINITY)), 0u);
  EXPECT_EQ(countUlps(double(INFINITY), -double(INFINITY)), Distance::infinite);
}

} // namespace
