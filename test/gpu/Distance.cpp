//===- Distance.cpp - How far two results are apart, in units of the last place -----===//

#include "Distance.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace gradus;

/// The bits as a number that grows with the value: neighbours are 1 apart, and the two zeros are one.
template <typename Bits>
static int64_t toOrder(Bits bits) {
  constexpr Bits sign = Bits(1) << (8 * sizeof(Bits) - 1);
  auto const magnitude = static_cast<int64_t>(bits & (sign - 1));
  return bits & sign ? -magnitude : magnitude;
}

/// Elements with `mantissaBits` bits behind the exponent.
template <typename Bits>
static uint64_t countBitUlps(Bits x, Bits y, int mantissaBits) {
  constexpr Bits sign = Bits(1) << (8 * sizeof(Bits) - 1);
  Bits const exponent = static_cast<Bits>((sign - 1) >> mantissaBits << mantissaBits), least = static_cast<Bits>(Bits(1) << mantissaBits);
  bool const isNanX = (x & (sign - 1)) > exponent, isNanY = (y & (sign - 1)) > exponent;
  bool const isInfinite = (x & exponent) == exponent || (y & exponent) == exponent;
  if (x == y || (isNanX && isNanY))
    return 0;
  if (isInfinite || isNanX || isNanY)
    return Distance::infinite;
  auto const a = toOrder(x), b = toOrder(y);
  // Between two that lie below the least normal number, or on both sides of zero next to it.
  if (std::llabs(a) <= int64_t(least) && std::llabs(b) <= int64_t(least))
    return 0;
  return static_cast<uint64_t>(a > b ? a : b) - static_cast<uint64_t>(a > b ? b : a);
}

template <typename Bits>
static uint64_t countAt(const void *expected, const void *got, int64_t index, int mantissaBits) {
  Bits x, y;
  std::memcpy(&x, static_cast<const char *>(expected) + static_cast<size_t>(index) * sizeof(Bits), sizeof(Bits));
  std::memcpy(&y, static_cast<const char *>(got) + static_cast<size_t>(index) * sizeof(Bits), sizeof(Bits));
  return countBitUlps(x, y, mantissaBits);
}

uint64_t gradus::countUlps(double x, double y) { return countAt<uint64_t>(&x, &y, 0, 52); }
uint64_t gradus::countUlps(float x, float y) { return countAt<uint32_t>(&x, &y, 0, 23); }

static uint64_t countElement(int32_t dtype, const void *expected, const void *got, int64_t index) {
  switch (dtype) {
  case GRADUS_F32: return countAt<uint32_t>(expected, got, index, 23);
  case GRADUS_F64: return countAt<uint64_t>(expected, got, index, 52);
  case GRADUS_F16: return countAt<uint16_t>(expected, got, index, 10);
  case GRADUS_BF16: return countAt<uint16_t>(expected, got, index, 7);
  default: {
    size_t const size = gradus_dtype_size(dtype), at = static_cast<size_t>(index) * size;
    return std::memcmp(static_cast<const char *>(expected) + at, static_cast<const char *>(got) + at, size) == 0 ? 0 : Distance::infinite;
  }
  }
}

Distance gradus::compare(const gradus_entry &entry, const std::vector<gradus_tensor> &expected, const std::vector<gradus_tensor> &got) {
  Distance distance;
  for (size_t k = 0; k < expected.size(); ++k) {
    std::string const name = entry.arguments[k % static_cast<size_t>(entry.n_arguments)].name;
    int64_t const count = gradus_numel(&expected[k]);
    if (expected[k].dtype > GRADUS_BLOCKS) { // scales and codes: as they are stored
      if (std::memcmp(expected[k].data, got[k].data, gradus_bytes(expected[k].dtype, count)) != 0)
        distance.add(Distance::infinite, name);
      continue;
    }
    for (int64_t i = 0; i < count; ++i)
      if (uint64_t const ulps = countElement(expected[k].dtype, expected[k].data, got[k].data, i))
        distance.add(ulps, name + "[" + std::to_string(i) + "]");
  }
  return distance;
}
