//===- Limit.h - How long one input may take ---------------------------------------------===//
//
// Seconds of the processor, not of the clock: libFuzzer's own limit asks the clock, which goes on where the machine stands still or
// works for somebody else.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_TEST_FUZZ_LIMIT_H
#define GRADUS_TEST_FUZZ_LIMIT_H

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sys/resource.h>

namespace gradus {

/// What takes a second elsewhere takes half a minute here.
constexpr rlim_t secondsOfInput = 100;

/// Aborts where the process takes more than that of the processor from now on, which libFuzzer reports with the input.
inline void limitProcessorTime() {
  rusage used{};
  rlimit limit{};
  std::signal(SIGXCPU, [](int) { std::abort(); });
  bool isKnown = getrusage(RUSAGE_SELF, &used) == 0 && getrlimit(RLIMIT_CPU, &limit) == 0;
  limit.rlim_cur = rlim_t(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + secondsOfInput;
  if (!isKnown || setrlimit(RLIMIT_CPU, &limit) != 0) {
    std::perror("the time of an input cannot be limited");
    std::abort();
  }
}

} // namespace gradus

#endif // GRADUS_TEST_FUZZ_LIMIT_H
