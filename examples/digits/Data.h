// The handwritten digits: 64 pixels, 0 to 16, and the class last on each line of a CSV file.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// Rows of `width` pixels scaled to [0, 1], with their classes.
struct Digits {
  static constexpr int64_t width = 64;
  static constexpr int64_t classes = 10;

  std::vector<float> pixels;
  std::vector<int64_t> labels;

  int64_t size() const { return static_cast<int64_t>(labels.size()); }
  /// Rows [begin, end).
  Digits slice(int64_t begin, int64_t end) const;
  /// The rows of `order` from `begin` on, `count` of them.
  Digits pick(const std::vector<int64_t> &order, int64_t begin, int64_t count) const;
};

/// Reads the file; on failure returns no rows and says why in `error`.
Digits readDigits(const std::string &path, std::string &error);

/// 0 .. size - 1 in an order that depends on seed and epoch alone, so that a resumed run needs no stored order.
std::vector<int64_t> shuffled(int64_t size, uint64_t seed, uint64_t epoch);

/// SplitMix64 (Steele, Lea and Flood, 2014): the next of a sequence of 64 random bits.
uint64_t nextRandom(uint64_t &state);
/// A standard normal number by the method of Box and Muller.
double nextNormal(uint64_t &state);
