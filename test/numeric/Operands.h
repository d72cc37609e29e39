//===- Operands.h - Numbers and threads for calls of whole functions ------------===//

#pragma once

#include "Compiled.h"

#include <thread>
#include <vector>

namespace gradus::reference {

/// Numbers that f32 has too, between -2^(19 - scale) and 2^(19 - scale), and in no order.
inline Array<double> makeNumbers(llvm::ArrayRef<int64_t> shape, uint64_t seed, int scale) {
  std::vector<double> elements;
  uint64_t state = seed * 2654435761u + 1;
  for (int64_t i = 0, count = countElements(shape); i < count; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    elements.push_back(static_cast<double>(static_cast<int64_t>(state >> 44) - (1 << 19)) / (1 << scale));
  }
  return Array<double>::real(shape, elements);
}

/// A pool that cuts [0, n) into as many parts as it has threads: `user` is an int64_t.
inline void runParallel(void *user, int64_t n, gradus_body body, void *data) {
  int64_t threads = *static_cast<int64_t *>(user);
  std::vector<std::thread> pool;
  for (int64_t k = 0; k < threads; ++k)
    pool.emplace_back(body, data, n * k / threads, n * (k + 1) / threads);
  for (std::thread &thread : pool)
    thread.join();
}

} // namespace gradus::reference
