//===- compare.cpp - Compiled rules against hand-written loops and the memory -----===//
//
// For each case and size, rounds of: scale in place, hand-written loop, compiled rule, hand-written loop again. All
// ratios are medians of ratios within a round, so that a machine that changes its speed changes both sides. A
// measurement is repeated, not reported, where the two timings of the hand-written loop differ by more than 2 %.
//
//===----------------------------------------------------------------------------===//

#include "Cases.h"
#include "Timing.h"

#include "runtime/gradus_openmp.h"

#include <omp.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern char **environ;

using namespace gradus::bench;

namespace {

struct Options {
  const char *json = nullptr;
  std::vector<int64_t> sizes = {int64_t(1) << 25, int64_t(1) << 27};
  int rounds = 21;
  int threads = 2;
  bool bars = true; ///< fail where a bar is missed
};

constexpr double kLoopsDiffer = 0.02;  ///< the most that two timings of one loop may
constexpr double kLoopOfScale = 0.85;  ///< the least bandwidth of a loop
constexpr double kRuleOfLoop = 1.10;   ///< the most time of a rule
constexpr double kCallNanoseconds = 300;
constexpr double kBuildMilliseconds = 300;
constexpr int kAttempts = 10;

/// One line of the report.
struct Measurement {
  std::string name;
  int64_t n;
  int threads;
  double nsPerParameter, gbPerSecond;
  double overFloor; ///< time over that of the bytes at the speed of scale in place
  double overLoop;  ///< time over that of the hand-written loop
  double spread;    ///< (90 % quantile - 10 % quantile) / median of the rule's times
  double loopOfScale, loopsDiffer;
};

void printError(void *, const gradus_error *error) { std::fprintf(stderr, "compare: %s\n", error->message); }

Measurement measureOnce(const Case &c, Buffers &buffers, Call &call, const Options &options, bool &ok) {
  double one = 1;
  int64_t n = buffers.n;
  // All four arrays, which together are larger than the caches: else scale would be measured in a cache, and a rule not.
  auto scale = [&] {
    for (float *buffer : {buffers.w, buffers.g, buffers.m, buffers.v})
      floor_scale(n, &one, 1, buffer, nullptr, nullptr, nullptr);
  };
  auto loop = [&](uint64_t t) { c.loop(n, c.hyper.data(), t, buffers.w, buffers.g, buffers.m, buffers.v); };
  std::vector<double> scales, first, rules, second, overLoop, overFloor, bandwidth;
  for (int round = -2; round < options.rounds; ++round) {
    uint64_t t = uint64_t(round + 1000);
    double scaleTime = timed(scale) / 4;
    double loopTime = timed([&] { loop(t); });
    double ruleTime = timed([&] { ok &= call(t); });
    double againTime = timed([&] { loop(t); });
    if (round < 0) // warms caches, threads and clocks
      continue;
    double loopMean = (loopTime + againTime) / 2, floorTime = scaleTime * c.bytesPerParameter / 8;
    scales.push_back(scaleTime);
    first.push_back(loopTime);
    rules.push_back(ruleTime);
    second.push_back(againTime);
    overLoop.push_back(ruleTime / loopMean);
    overFloor.push_back(ruleTime / floorTime);
    bandwidth.push_back(floorTime / loopMean);
  }
  double rule = median(rules);
  return {c.name,
          n,
          options.threads,
          rule / double(n),
          c.bytesPerParameter * double(n) / rule,
          median(overFloor),
          median(overLoop),
          (quantile(rules, 0.9) - quantile(rules, 0.1)) / rule,
          median(bandwidth),
          std::fabs(median(first) / median(second) - 1)};
}

/// Measures until the two timings of the loop agree. False if they never do or a call fails.
bool measure(const Case &c, Buffers &buffers, const gradus_context *context, const Options &options,
             Measurement &result) {
  Call call(c, buffers, context);
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    bool ok = true;
    result = measureOnce(c, buffers, call, options, ok);
    if (!ok)
      return false;
    if (!options.bars || result.loopsDiffer <= kLoopsDiffer)
      return true;
    std::printf("%-13s 2^%.0f  repeated: the loop's two timings differ by %.1f %%\n", c.name.c_str(),
                std::log2(buffers.n), 100 * result.loopsDiffer);
  }
  std::fprintf(stderr, "compare: the machine is too restless to measure %s\n", c.name.c_str());
  return false;
}

/// Both sides take the same step from the same numbers: they must be the same rule.
bool agrees(const Case &c, const gradus_context *context) {
  Buffers mine(4099), theirs(4099);
  if (!mine.isValid() || !theirs.isValid())
    return false;
  mine.fill(1);
  theirs.fill(1);
  if (!Call(c, mine, context)(3))
    return false;
  c.loop(theirs.n, c.hyper.data(), 3, theirs.w, theirs.g, theirs.m, theirs.v);
  for (int64_t i = 0; i < mine.n; ++i)
    for (auto [a, b] : {std::pair(mine.w[i], theirs.w[i]), std::pair(mine.m[i], theirs.m[i]),
                        std::pair(mine.v[i], theirs.v[i])})
      if (!(std::fabs(a - b) <= 1e-6f * (1 + std::fabs(b)))) {
        std::fprintf(stderr, "compare: %s differs at element %lld: %g and %g\n", c.name.c_str(), (long long)i, a, b);
        return false;
      }
  return true;
}

/// Nanoseconds of one serial call on 10 elements, checks included.
double measureCall(const Case &c, bool &ok) {
  Buffers buffers(10);
  if (!buffers.isValid()) {
    ok = false;
    return 0;
  }
  buffers.fill(1);
  Call call(c, buffers, nullptr);
  constexpr int kCalls = 1000;
  std::vector<double> times;
  for (int round = 0; round < 101; ++round)
    times.push_back(timed([&] {
                      for (int i = 0; i < kCalls; ++i)
                        ok &= call(uint64_t(1000 + i));
                    }) /
                    kCalls);
  return median(times);
}

/// Milliseconds of `gradus build` on adamw.grad, the start of the process included.
double measureBuild(int rounds, bool &ok) {
  std::string tool = GRADUS_TOOL, spec = GRADUS_ADAMW, folder = GRADUS_SCRATCH;
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round)
    times.push_back(timed([&] {
      std::string build = "build", flag = "-o";
      char *arguments[] = {tool.data(), build.data(), spec.data(), flag.data(), folder.data(), nullptr};
      pid_t child;
      int status = 1;
      ok &= posix_spawn(&child, tool.c_str(), nullptr, nullptr, arguments, environ) == 0 &&
            waitpid(child, &status, 0) == child && status == 0;
    }));
  return median(times) * 1e-6;
}

bool writeJson(const char *path, const std::vector<Measurement> &measurements) {
  FILE *file = std::fopen(path, "w");
  if (!file) {
    std::perror(path);
    return false;
  }
  std::fprintf(file, "[");
  const char *separator = "\n";
  for (const Measurement &m : measurements) {
    std::fprintf(file,
                 "%s  {\"case\": \"%s\", \"n\": %lld, \"dtype\": \"f32\", \"threads\": %d, \"ns_per_param\": %.5f, "
                 "\"gb_per_s\": %.3f, \"x_floor\": %.4f, \"peer\": \"hand-written loop, clang-22\", \"x_peer\": %.4f, "
                 "\"spread\": %.4f}",
                 separator, m.name.c_str(), (long long)m.n, m.threads, m.nsPerParameter, m.gbPerSecond, m.overFloor,
                 m.overLoop, m.spread);
    separator = ",\n";
  }
  std::fprintf(file, "\n]\n");
  return std::fclose(file) == 0;
}

bool parse(int argc, char **argv, Options &options) {
  for (int i = 1; i < argc; ++i) {
    std::string flag = argv[i];
    bool hasValue = i + 1 < argc;
    if (flag == "--json" && hasValue)
      options.json = argv[++i];
    else if (flag == "--small")
      options.sizes = {int64_t(1) << 16, int64_t(1) << 20};
    else if (flag == "--smoke") {
      options.sizes = {int64_t(1) << 12};
      options.rounds = 3;
      options.bars = false;
    } else if (flag == "--no-bars")
      options.bars = false;
    else if (flag == "--rounds" && hasValue && std::atoi(argv[i + 1]) > 0)
      options.rounds = std::atoi(argv[++i]);
    else if (flag == "--threads" && hasValue && std::atoi(argv[i + 1]) > 0)
      options.threads = std::atoi(argv[++i]);
    else {
      std::fprintf(stderr,
                   "usage: compare [--json FILE] [--small | --smoke] [--no-bars] [--rounds N] [--threads N]\n"
                   "  --small    2^16 and 2^20 parameters, in cache, instead of 2^25 and 2^27\n"
                   "  --smoke    a few thousand parameters, nothing about time is asserted\n"
                   "  --no-bars  report only\n"
                   "  --rounds   measurements of which the median is taken (default 21)\n");
      return false;
    }
  }
  return true;
}

/// Prints one bar; false where it is missed.
bool checkBar(const char *what, const char *name, double got, double bound, bool atMost) {
  if (atMost ? got <= bound : got >= bound)
    return true;
  std::printf("MISSED: %s %s: %.3f, %s %.3f\n", name, what, got, atMost ? "at most" : "at least", bound);
  return false;
}

bool measureAll(const Options &options, const gradus_context &context, std::vector<Measurement> &measurements) {
  bool met = true;
  std::printf("%-13s %11s %9s %8s %8s %7s %7s %11s\n", "case", "parameters", "ns/param", "GB/s", "x floor", "x loop",
              "spread", "loop/scale");
  for (int64_t n : options.sizes) {
    Buffers buffers(n);
    if (!buffers.isValid()) {
      std::fprintf(stderr, "compare: no memory for %lld parameters\n", (long long)n);
      return false;
    }
    for (const Case &c : getCases()) {
      buffers.fill(7);
      Measurement m;
      if (!measure(c, buffers, &context, options, m))
        return false;
      std::printf("%-13s %11lld %9.4f %8.2f %8.3f %7.3f %7.3f %11.3f\n", m.name.c_str(), (long long)m.n,
                  m.nsPerParameter, m.gbPerSecond, m.overFloor, m.overLoop, m.spread, m.loopOfScale);
      std::fflush(stdout);
      measurements.push_back(m);
      if (options.bars && n > (int64_t(1) << 22)) // the bandwidth is the memory's only beyond the caches
        met &= checkBar("bandwidth of the loop over that of scale", m.name.c_str(), m.loopOfScale, kLoopOfScale, false);
      if (options.bars)
        met &= checkBar("time over that of the loop", m.name.c_str(), m.overLoop, kRuleOfLoop, true);
    }
  }
  return met;
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  if (!parse(argc, argv, options))
    return 2;
  omp_set_num_threads(options.threads);
  gradus_context context = gradus_openmp_context();
  context.error = printError;
  for (const Case &c : getCases())
    if (!agrees(c, &context))
      return 1;

  std::vector<Measurement> measurements;
  bool met = measureAll(options, context, measurements);
  bool ok = true;
  double call = measureCall(getCases().front(), ok);
  double build = measureBuild(options.bars ? 7 : 1, ok);
  std::printf("one call of %s on 10 parameters: %.0f ns\n", getCases().front().name.c_str(), call);
  std::printf("gradus build adamw.grad: %.0f ms\n", build);
  if (!ok)
    return 1;
  if (options.bars) {
    met &= checkBar("nanoseconds of a call on 10 parameters", "adamw", call, kCallNanoseconds, true);
    met &= checkBar("milliseconds of gradus build", "adamw", build, kBuildMilliseconds, true);
  }
  if (options.json && !writeJson(options.json, measurements))
    return 1;
  return met ? 0 : 1;
}
