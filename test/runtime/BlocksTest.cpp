//===- BlocksTest.cpp - gradus_encode and gradus_decode ---------------------------===//
//
// Against the set of all values that a code has: the nearest is taken, the bound on the error holds, and what was decoded is encoded to the same bytes.
//
//===----------------------------------------------------------------------===//

#include "Entry.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

static constexpr int32_t blocks256 = GRADUS_BLOCKS + 8;

static std::vector<unsigned char> encode(const std::vector<float> &numbers, int32_t dtype = blocks256) {
  std::vector<unsigned char> bytes(gradus_bytes(dtype, static_cast<int64_t>(numbers.size())), 0xA5);
  gradus_encode(dtype, static_cast<int64_t>(numbers.size()), numbers.data(), bytes.data());
  return bytes;
}
static std::vector<float> decode(const std::vector<unsigned char> &bytes, size_t count, int32_t dtype = blocks256) {
  std::vector<float> numbers(count);
  gradus_decode(dtype, static_cast<int64_t>(count), bytes.data(), numbers.data());
  return numbers;
}
static std::vector<float> keep(const std::vector<float> &numbers, int32_t dtype = blocks256) { return decode(encode(numbers, dtype), numbers.size(), dtype); }

/// All values of a block of the scale 1, sorted: by the tree of the paper, level by level, with 8 in place of 10.
static std::vector<double> makeTree(bool hasSign) {
  std::vector<double> values{0};
  const int bits = hasSign ? 7 : 8;
  for (int level = 0; level < bits; ++level) {
    const double top = std::pow(8, -level), count = std::exp2(bits - 1 - level);
    for (int j = 1; j <= count; ++j)
      for (double sign : hasSign ? std::vector<double>{1, -1} : std::vector<double>{1})
        values.push_back(sign * top * (1 / 8.0 + 7 / 8.0 * j / count));
  }
  std::sort(values.begin(), values.end());
  return values;
}

TEST(Blocks, haveTheValuesOfTheTree) {
  for (bool hasSign : {true, false}) {
    const float scale = hasSign ? 1.0f : -1.0f;
    std::vector<unsigned char> block(4 + 256);
    std::memcpy(block.data(), &scale, 4);
    for (int c = 0; c < 256; ++c)
      block[4 + c] = static_cast<unsigned char>(c);
    std::vector<float> got = decode(block, 256);
    std::sort(got.begin(), got.end());
    std::vector<double> tree = makeTree(hasSign);
    if (hasSign) // 0 has two codes
      tree.insert(std::lower_bound(tree.begin(), tree.end(), 0.0), 0.0);
    ASSERT_EQ(tree.size(), 256u);
    for (int c = 0; c < 256; ++c)
      EXPECT_EQ(got[c], tree[c]);
  }
}

TEST(Blocks, takeTheNearestValue) {
  std::mt19937_64 bits(5);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (bool hasSign : {true, false}) {
    const std::vector<double> tree = makeTree(hasSign);
    std::vector<float> numbers;
    for (int i = 0; i < 20000; ++i) // every 256th is the scale, and of the lowest sign
      numbers.push_back(i % 256 == 0 ? (hasSign ? -3.0f : 3.0f) : static_cast<float>(3 * std::exp2(-25 * uniform(bits)) * (hasSign && i % 2 ? -1 : 1)));
    std::vector<float> kept = keep(numbers);
    for (size_t i = 0; i < numbers.size(); ++i) {
      const double y = numbers[i] / 3.0, got = kept[i] / 3.0;
      double best = 1;
      for (double value : tree)
        if (hasSign || value > 0)
          best = std::min(best, std::fabs(value - y));
      EXPECT_LE(std::fabs(got - y), best * 1.0001 + 1e-7) << y;
      EXPECT_LE(std::fabs(got - y), (hasSign ? 7.0 / 1024 : 7.0 / 2048) + 1e-7) << y;
    }
  }
}

TEST(Blocks, keepTheirBytesWhenTheyAreEncodedAgain) {
  std::mt19937_64 bits(6);
  std::normal_distribution<double> normal;
  for (int32_t dtype = GRADUS_BLOCKS + 4; dtype <= GRADUS_BLOCKS + 12; ++dtype)
    for (size_t count : {0u, 1u, 15u, 255u, 256u, 257u, 1000u, 5000u})
      for (int kind = 0; kind < 5; ++kind) {
        std::vector<float> numbers(count);
        for (float &x : numbers)
          x = static_cast<float>(kind == 0 ? normal(bits) : kind == 1 ? std::exp2(20 * normal(bits)) : kind == 2 ? 0 : (kind == 3 ? 1e-30 : 1e-42) * normal(bits));
        std::vector<unsigned char> bytes = encode(numbers, dtype);
        EXPECT_EQ(encode(decode(bytes, count, dtype), dtype), bytes);
      }
}

TEST(Blocks, knowZeroAndWhatIsNotFinite) {
  EXPECT_EQ(encode(std::vector<float>(300, 0.0f)), std::vector<unsigned char>(300 + 8, 0));
  EXPECT_EQ(keep({-0.0f, 0.0f, -0.0f}), std::vector<float>(3, 0.0f));
  for (float bad : {NAN, INFINITY, -INFINITY}) {
    std::vector<float> numbers(257, 1.0f);
    numbers[3] = bad;
    std::vector<float> kept = keep(numbers);
    for (size_t i = 0; i < 256; ++i)
      EXPECT_TRUE(std::isnan(kept[i]));
    EXPECT_EQ(kept[256], 1.0f);
  }
  std::vector<float> without = keep({1e20f, 1e-30f, 0.0f, -1e10f}), with = keep({1e20f, 1e-30f, 0.0f, -1e15f});
  EXPECT_GT(without[1], 0); // and the negative number rounds to 0
  EXPECT_EQ(without[3], 0);
  EXPECT_EQ(with[1], 0);
  EXPECT_LT(with[3], 0);
}

TEST(Blocks, haveAScaleWithAReciprocal) {
  std::vector<float> kept = keep({0x1p-140f, 0x1p-149f, 0.0f});
  EXPECT_NEAR(kept[0], 0x1p-140, 0x1p-142);
  EXPECT_GT(kept[1], 0);
  EXPECT_EQ(kept[2], 0);
  EXPECT_EQ(keep({0x1.fp127f, -0x1.8p127f})[0], 0x1.fp127f);
}

TEST(Blocks, haveTypes) {
  EXPECT_STREQ(gradus_dtype_name(blocks256), "u8 blocks(256)");
  EXPECT_STREQ(gradus_dtype_name(GRADUS_BLOCKS + 4), "u8 blocks(16)");
  EXPECT_STREQ(gradus_dtype_name(GRADUS_BLOCKS + 12), "u8 blocks(4096)");
  for (int32_t dtype : {GRADUS_BLOCKS + 0, GRADUS_BLOCKS + 3, GRADUS_BLOCKS + 13, INT32_MIN, INT32_MAX}) {
    EXPECT_EQ(gradus_dtype_size(dtype), 0u);
    EXPECT_STREQ(gradus_dtype_name(dtype), "unknown");
  }
  EXPECT_EQ(gradus_dtype_size(blocks256), 1u);
  EXPECT_EQ(gradus_bytes(blocks256, 0), 0u);
  EXPECT_EQ(gradus_bytes(blocks256, 1), 5u);
  EXPECT_EQ(gradus_bytes(blocks256, 256), 260u);
  EXPECT_EQ(gradus_bytes(blocks256, 257), 265u);
  EXPECT_EQ(gradus_bytes(GRADUS_F64, 3), 24u);
}

TEST(Blocks, areCheckedInACall) {
  using runtime_test::Call;
  std::array<gradus_argument, 5> arguments;
  std::copy(std::begin(runtime_test::arguments), std::end(runtime_test::arguments), arguments.begin());
  arguments[2].dtype = blocks256;
  auto prepare = [&](Call &call) {
    call.entry.arguments = arguments.data();
    call.tensors[2].dtype = call.tensors[7].dtype = blocks256;
  };
  Call other, misaligned, within, behind;
  other.entry.arguments = arguments.data();
  EXPECT_EQ(other.refused(GRADUS_ERROR_DTYPE), "adam_step: argument 'm' of slot 0: the element type is f32, expected u8 blocks(256)");
  prepare(misaligned);
  misaligned.tensors[2].data = reinterpret_cast<char *>(misaligned.memory[0].m.data()) + 2;
  EXPECT_EQ(misaligned.refused(GRADUS_ERROR_ALIGNMENT), "adam_step: argument 'm' of slot 0: its data is 2 bytes past a multiple of 4");
  // 12 codes and a scale are 16 bytes.
  prepare(within);
  within.tensors[1].data = reinterpret_cast<char *>(within.memory[0].m.data()) + 12;
  EXPECT_NE(within.refused(GRADUS_ERROR_OVERLAP).find("overlap"), std::string::npos);
  prepare(behind);
  behind.tensors[1].data = reinterpret_cast<char *>(behind.memory[0].m.data()) + 16;
  EXPECT_EQ(behind.run(), GRADUS_OK);
}
