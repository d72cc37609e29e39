//===- Agree.cpp - Loop and rule are the same step ----------------------------------===//

#include "Measure.h"

#include <cmath>
#include <cstdio>

namespace gradus::bench {

/// How far two numbers of an array may be apart: f32 by what another order of operations rounds otherwise, small types by one of their places.
static float toleranceOf(int32_t dtype, float expected, float largest) {
  float size = std::fabs(expected);
  if (dtype == GRADUS_F32)
    return 2e-6f * (1 + size);
  if (dtype == GRADUS_BF16)
    return 0x1.1p-7f * size + 1e-30f;
  return 0.06f * size + 0.008f * largest; // neighbouring codes, the scale the largest of all blocks
}

/// Small types round almost all numbers to the same place, where their loop does what the rule does.
static constexpr double kMostOthers = 0.01;

/// One array after the step, by the rule and by the loop.
static bool agreesOn(const Case &c, const Buffers &mine, const Buffers &theirs, size_t array) {
  std::vector<float> a = mine.read(array), b = theirs.read(array);
  const gradus_argument &argument = mine.entry->arguments[array];
  float largest = 0;
  for (float x : b)
    largest = std::max(largest, std::fabs(x));
  int64_t others = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    others += argument.dtype != GRADUS_F32 && a[i] != b[i];
    if (std::fabs(a[i] - b[i]) <= toleranceOf(argument.dtype, b[i], largest))
      continue;
    std::fprintf(stderr, "compare: %s, %s: element %zu is %g, by the loop %g\n", c.name.c_str(), argument.name, i, double(a[i]), double(b[i]));
    return false;
  }
  bool isSame = double(others) <= kMostOthers * double(a.size());
  if (!isSame)
    std::fprintf(stderr, "compare: %s, %s: %lld of %zu elements are not the loop's\n", c.name.c_str(), argument.name,
                 static_cast<long long>(others), a.size());
  return isSame;
}

bool agrees(const Case &c, const gradus_context *context) {
  Buffers mine(c, 4099), theirs(c, 4099);
  if (!mine.isValid() || !theirs.isValid())
    return false;
  mine.fill(1);
  theirs.fill(1);
  if (!Call(c, mine, context)(3))
    return false;
  floor_call call = {theirs.n, c.hyper.data(), 3, 0, theirs.arrays.data()};
  c.loop(&call);
  for (size_t array = 0; array < mine.arrays.size(); ++array)
    if (!agreesOn(c, mine, theirs, array))
      return false;
  return true;
}

} // namespace gradus::bench
