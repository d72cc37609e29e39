#include "Data.h"

#include <charconv>
#include <cmath>
#include <fstream>
#include <numeric>

Digits Digits::slice(int64_t begin, int64_t end) const {
  return {{pixels.begin() + begin * width, pixels.begin() + end * width}, {labels.begin() + begin, labels.begin() + end}};
}

Digits Digits::pick(const std::vector<int64_t> &order, int64_t begin, int64_t count) const {
  Digits result;
  for (int64_t i = begin; i < begin + count; ++i) {
    const float *row = pixels.data() + order[i] * width;
    result.pixels.insert(result.pixels.end(), row, row + width);
    result.labels.push_back(labels[order[i]]);
  }
  return result;
}

Digits readDigits(const std::string &path, std::string &error) {
  std::ifstream file(path);
  if (!file) {
    error = "cannot open '" + path + "'";
    return {};
  }
  Digits digits;
  std::string line;
  for (int64_t number = 1; std::getline(file, line); ++number) {
    const char *at = line.data(), *end = line.data() + line.size();
    for (int64_t column = 0; column <= Digits::width; ++column) {
      int value = 0;
      auto [next, status] = std::from_chars(at, end, value);
      bool isLast = column == Digits::width;
      if (status != std::errc() || value < 0 || value > (isLast ? Digits::classes - 1 : 16) || (!isLast && *next != ',')) {
        error = path + ":" + std::to_string(number) + ": expected 64 pixels from 0 to 16 and a class from 0 to 9";
        return {};
      }
      if (isLast)
        digits.labels.push_back(value);
      else
        digits.pixels.push_back(static_cast<float>(value) / 16);
      at = next + 1;
    }
  }
  return digits;
}

uint64_t nextRandom(uint64_t &state) {
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

double nextNormal(uint64_t &state) {
  double u = (static_cast<double>(nextRandom(state) >> 11) + 1) * 0x1p-53; // in (0, 1]
  double v = static_cast<double>(nextRandom(state) >> 11) * 0x1p-53;
  return std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v);
}

std::vector<int64_t> shuffled(int64_t size, uint64_t seed, uint64_t epoch) {
  std::vector<int64_t> order(size);
  std::iota(order.begin(), order.end(), 0);
  uint64_t state = seed * 1000003 + epoch;
  for (int64_t i = size - 1; i > 0; --i)
    std::swap(order[i], order[nextRandom(state) % static_cast<uint64_t>(i + 1)]);
  return order;
}
