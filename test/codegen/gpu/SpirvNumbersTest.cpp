//===- SpirvNumbersTest.cpp - What kernels compute on a device of Vulkan -------------===//

#include "test/codegen/gpu/DeviceCode.h"

#include "llvm/ADT/bit.h"

#include <cmath>

using namespace gradus::test;

namespace {

constexpr int64_t elements = 2048;

struct Numbers : OnVulkan {
  void check(const std::vector<Operation> &operations);
};

/// Out of the range where the emulation of an f64 fma is exact.
bool isOutsideOfFma(const std::vector<uint64_t> &x) {
  auto exponent = [](uint64_t bits) { return static_cast<int>(bits >> 52 & 0x7ff) - 1023; };
  int a = exponent(x[0]), b = exponent(x[1]);
  return a >= 995 || b >= 995 || a + b >= 1022 || (a + b < -966 && a > -1023 && b > -1023) || (exponent(x[2]) < -966 && exponent(x[2]) > -1023);
}

/// Bits, but for the payload of NaN; what is below the normal numbers of f32 or f64 may be taken for zero, so nothing is said of it.
void Numbers::check(const std::vector<Operation> &operations) {
  std::vector<std::string> kernels;
  for (const Operation &operation : operations)
    kernels.push_back(operation.name);
  ASSERT_NO_FATAL_FAILURE(load(writeKernels(operations, elements), kernels));
  for (size_t k = 0; k < operations.size(); ++k) {
    const Operation &operation = operations[k];
    std::vector<std::vector<uint64_t>> rows = chooseOperands(operation, elements);
    std::vector<uint64_t> memory(4 * elements, 0xaaaaaaaaaaaaaaaa);
    for (int64_t i = 0; i < elements; ++i)
      for (size_t operand = 0; operand < operation.operands.size(); ++operand)
        memory[operand * elements + i] = rows[i][operand];
    std::vector<uint64_t> after = run(static_cast<int32_t>(k), elements / 256, memory);
    unsigned width = operation.result == "i1" ? 8 : widthOf(operation.result);
    int64_t compared = 0, wrong = 0;
    for (int64_t i = 0; i < elements; ++i) {
      std::optional<uint64_t> expected = operation.expected(rows[i]);
      bool isOpen = !expected || isSubnormal(operation.result, *expected) || (operation.name == "fma_f64" && isOutsideOfFma(rows[i]));
      for (size_t operand = 0; operand < operation.operands.size(); ++operand)
        isOpen |= isSubnormal(operation.operands[operand], rows[i][operand]);
      if (isOpen)
        continue;
      uint64_t found = after[3 * elements + i] & (~uint64_t(0) >> (64 - width));
      ++compared;
      bool isSame = found == *expected || (isNan(operation.result, found) && isNan(operation.result, *expected));
      if (!isSame && ++wrong == 1)
        ADD_FAILURE() << operation.name << " of " << std::hex << testing::PrintToString(rows[i]) << ": found " << found << ", expected " << *expected;
    }
    EXPECT_GT(compared, elements / 4) << operation.name;
    EXPECT_EQ(wrong, 0) << operation.name << " of " << compared;
  }
  EXPECT_EQ(gradus_vulkan_dispatches(vulkan), operations.size()); // the device did it
}

TEST_F(Numbers, integersAreThoseOfTheLanguage) { check(integerOperations()); }

TEST_F(Numbers, floatsRoundOnceAndKnowNan) { check(floatOperations()); }

/// Sums that cancel, where two roundings show: c is -a b rounded, give or take its last bits.
TEST_F(Numbers, fmaRoundsOnceWhereItCancels) {
  for (const Operation &operation : floatOperations()) {
    if (operation.name != "fma_f32" && operation.name != "fma_f64")
      continue;
    ASSERT_NO_FATAL_FAILURE(load(writeKernels({operation}, elements), {operation.name}));
    bool isSingle = operation.result == "f32";
    std::vector<uint64_t> memory(4 * elements);
    for (int64_t i = 0; i < elements; ++i) {
      double a = 1 + std::ldexp(static_cast<double>(i * 7919 % 104729), -20), b = 1 + std::ldexp(static_cast<double>(i * 31), isSingle ? -20 : -40);
      float aSingle = static_cast<float>(a), bSingle = static_cast<float>(b);
      uint64_t last = static_cast<uint64_t>(i % 4);
      std::vector<uint64_t> x = {llvm::bit_cast<uint64_t>(a), llvm::bit_cast<uint64_t>(b), llvm::bit_cast<uint64_t>(-(a * b)) ^ last};
      if (isSingle)
        x = {llvm::bit_cast<uint32_t>(aSingle), llvm::bit_cast<uint32_t>(bSingle), llvm::bit_cast<uint32_t>(-(aSingle * bSingle)) ^ last};
      for (size_t operand = 0; operand < 3; ++operand)
        memory[operand * elements + i] = x[operand];
    }
    std::vector<uint64_t> after = run(0, elements / 256, memory);
    int64_t plain = 0;
    for (int64_t i = 0; i < elements; ++i) {
      std::optional<uint64_t> expected = operation.expected({memory[i], memory[elements + i], memory[2 * elements + i]});
      ASSERT_EQ(after[3 * elements + i] & (isSingle ? 0xffffffff : ~uint64_t(0)), *expected) << operation.name << " " << i;
      plain += *expected != 0;
    }
    EXPECT_GT(plain, elements / 2);
    TearDown();
    SetUp();
    namePointers.clear();
  }
}

} // namespace
