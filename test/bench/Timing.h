//===- Timing.h - Clock and order statistics ------------------------------------===//

#ifndef GRADUS_TEST_BENCH_TIMING_H
#define GRADUS_TEST_BENCH_TIMING_H

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

namespace gradus::bench {

/// Nanoseconds that `body` takes.
template <typename Body>
double timed(Body &&body) {
  auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

/// Answers each line of standard input with the nanoseconds that `step` takes, until one of them is false: for test/bench/peers.
template <typename Step>
bool serveSteps(Step &&step) {
  bool ok = true;
  for (int letter; ok && (letter = std::getchar()) != EOF;) {
    if (letter != '\n')
      continue;
    std::printf("%.0f\n", timed([&] { ok = step(); }));
    std::fflush(stdout);
  }
  return ok;
}

inline double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[size_t(q * double(values.size() - 1) + 0.5)];
}

inline double median(const std::vector<double> &values) { return quantile(values, 0.5); }

} // namespace gradus::bench

#endif // GRADUS_TEST_BENCH_TIMING_H
