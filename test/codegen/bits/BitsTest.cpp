//===- BitsTest.cpp - The same bits on every machine, however it is called --------===//
//
// The contract of codegen/README.md, over the whole standard library: each entry of each spec as `gradus build` makes it, once plainly, and then with the
// other instruction set, on 2, 3 and 7 threads and from pointers that are aligned to their elements alone.
//
//===----------------------------------------------------------------------===//

#include "AnyCall.h"
#include "Artifact.h"
#include "Steep.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <filesystem>

using namespace gradus::bits;

namespace {

constexpr int64_t many = (1 << 20) + 3;

/// The ways that must agree with the plain one.
std::vector<Way> getWays(bool isLarge) {
  int best = std::min(getMachineLevel(), 4);
  if (isLarge)
    return {{best, 1, 1}, {3, 2, 0}, {best, 3, 1}, {3, 7, 0}};
  return {{3, 1, 1}, {3, 2, 0}, {3, 3, 1}, {3, 7, 0}, {best, 1, 0}, {best, 2, 1}, {best, 3, 0}, {best, 7, 1}};
}

bool hasMatrix(const gradus_entry *entry) {
  return std::any_of(entry->arguments, entry->arguments + entry->n_arguments, [](const gradus_argument &argument) { return argument.rank > 1; });
}

/// The sizes of the symbols that are tried: all alike, and where there are matrices one axis after the other much longer than the rest.
std::vector<std::vector<int64_t>> getSizes(const gradus_entry *entry, bool isSlow) {
  auto symbols = size_t(entry->n_symbols);
  std::vector<std::vector<int64_t>> sizes = {std::vector<int64_t>(symbols, 1)};
  if (isSlow) {
    sizes.emplace_back(symbols, 5);
    return sizes;
  }
  for (int64_t size : {15, 16, 17})
    sizes.emplace_back(symbols, size);
  if (!hasMatrix(entry)) {
    sizes.emplace_back(symbols, 1023);
    if (entry->is_open)
      sizes.emplace_back(symbols, many);
  }
  for (size_t symbol = 0; hasMatrix(entry) && symbol < symbols; ++symbol) {
    sizes.emplace_back(symbols, 5);
    sizes.back()[symbol] = 1023;
  }
  return sizes;
}

std::string describe(const gradus_entry *entry, const std::vector<int64_t> &sizes, const Way &way) {
  std::string text = std::string(entry->name) + " of";
  for (size_t k = 0; k < sizes.size(); ++k)
    text += " " + std::string(entry->symbols[k]) + " = " + std::to_string(sizes[k]);
  return text + ", level " + std::to_string(way.level) + ", threads " + std::to_string(way.threads) + ", offset " + std::to_string(way.offset);
}

class Bits : public testing::TestWithParam<std::string> {};

TEST_P(Bits, areThoseOfThePlainCall) {
  Artifact artifact(std::string(GRADUS_STD "/") + GetParam());
  for (const char *reason : {"has code only where a train unit binds it", "has nothing to compile"})
    if (artifact.problem.find(reason) != std::string::npos)
      return;
  ASSERT_EQ(artifact.problem, "");
  ASSERT_FALSE(artifact.entries.empty());
  for (const gradus_entry *entry : artifact.entries) {
    int done = 0;
    std::string why;
    for (const std::vector<int64_t> &sizes : getSizes(entry, isSteep(GetParam()))) {
      size_t slots = entry->is_open ? 3 : 1;
      AnyCall plain(entry, sizes, slots, {});
      gradus_status status = plain.run(3, 1);
      done += status == GRADUS_OK;
      if (status != GRADUS_OK)
        why += plain.getMessage() + "\n";
      if (status == GRADUS_ERROR_SHAPE || status == GRADUS_ERROR_INTERVAL) // sizes that the spec is not for
        continue;
      for (const Way &way : getWays(!sizes.empty() && sizes.front() == many)) {
        AnyCall other(entry, sizes, slots, way);
        EXPECT_EQ(other.run(3, 1), status) << describe(entry, sizes, way) << ": " << other.getMessage();
        EXPECT_TRUE(other.getBits() == plain.getBits()) << describe(entry, sizes, way);
      }
    }
    EXPECT_GT(done, 0) << entry->name << " took none of the sizes:\n" << why;
  }
}

std::vector<std::string> findSpecs() {
  std::vector<std::string> specs;
  for (const auto &file : std::filesystem::recursive_directory_iterator(GRADUS_STD))
    if (file.path().extension() == ".grad")
      specs.push_back(std::filesystem::relative(file.path(), GRADUS_STD).string());
  std::sort(specs.begin(), specs.end());
  return specs;
}

INSTANTIATE_TEST_SUITE_P(Std, Bits, testing::ValuesIn(findSpecs()), [](const auto &info) {
  std::string name = info.param.substr(0, info.param.size() - 5);
  std::replace_if(name.begin(), name.end(), [](char c) { return !isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

} // namespace
