//===- Distance.h - How far two results are apart, in units of the last place -------===//

#pragma once

#include "runtime/gradus.h"

#include <cstdint>
#include <string>
#include <vector>

namespace gradus {

/// The largest distance, and where it is.
struct Distance {
  static constexpr uint64_t infinite = UINT64_MAX; ///< one is NaN or infinite and the other is not, or what is no real number differs

  uint64_t ulps = 0;
  std::string place;

  void add(uint64_t other, const std::string &where) {
    if (other > ulps) {
      ulps = other;
      place = where;
    }
  }
};

/// Between two numbers of one type. Below the least normal number of f32, 2^-126 (of f64 its own, of f16 and bf16 likewise), which devices may flush, it is 0.
uint64_t countUlps(double x, double y);
uint64_t countUlps(float x, float y);
/// Between all tensors of two calls of an entry.
Distance compare(const gradus_entry &entry, const std::vector<gradus_tensor> &expected, const std::vector<gradus_tensor> &got);

} // namespace gradus
