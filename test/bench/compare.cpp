//===- compare.cpp - Compiled rules against hand-written loops and the memory -----===//
//
// For each case and size, rounds of: scale in place, hand-written loop, compiled rule, hand-written loop again. All
// ratios are medians of ratios within a round, so that a machine that changes its speed changes both sides. A
// measurement is repeated, not reported, where the two timings of the hand-written loop differ by more than 2 %.
//
//===----------------------------------------------------------------------------===//

#include "Cases.h"
#include "Many.h"
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
constexpr double kCallNanoseconds = 150;
constexpr double kBuildMilliseconds = 150;  ///< for one instruction set
constexpr double kFurtherMilliseconds = 60; ///< for another one
constexpr double kTensorNanoseconds = 700;  ///< of 1,024 parameters, one among 1,000
constexpr double kManyOfOne = 1.10;         ///< the most time of 1,000 tensors of 65,536 over that of one
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

/// Milliseconds of `gradus build` on adamw.grad, the start of the process included: the least, for other processes only add to it.
double measureBuild(const char *targets, int rounds, bool &ok) {
  std::string target = std::string("--target=") + targets, tool = GRADUS_TOOL, spec = GRADUS_ADAMW, folder = GRADUS_SCRATCH;
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round)
    times.push_back(timed([&] {
      std::string build = "build", flag = "-o";
      char *arguments[] = {tool.data(), build.data(), spec.data(), flag.data(), folder.data(), target.data(), nullptr};
      pid_t child;
      int status = 1;
      ok &= posix_spawn(&child, tool.c_str(), nullptr, nullptr, arguments, environ) == 0 &&
            waitpid(child, &status, 0) == child && status == 0;
    }));
  return quantile(times, 0) * 1e-6;
}

/// Prints one bar; false where it is missed.
bool checkBar(const char *what, const char *name, double got, double bound, bool atMost) {
  if (atMost ? got <= bound : got >= bound)
    return true;
  std::printf("MISSED: %s %s: %.3f, %s %.3f\n", name, what, got, atMost ? "at most" : "at least", bound);
  return false;
}

/// What does not grow with the parameters: a call, a tensor among many, a compilation. False where a bar is missed.
bool measureOverheads(const Options &options, const gradus_context &context, bool &ok) {
  const Case &c = getCases().front();
  double call = measureCall(c, ok);
  double tensor = measureSmallTensors(c, options.bars ? 301 : 2, ok);
  double many = measureAgainstOne(c, options.bars ? 1000 : 10, 65536, &context, options.bars ? options.rounds : 1, ok);
  int builds = options.bars ? 7 : 1;
  double build = measureBuild("x86-64-v3", builds, ok), further = measureBuild("x86-64-v3,x86-64-v4", builds, ok) - build;
  std::printf("one call of %s on 10 parameters: %.0f ns\n", c.name.c_str(), call);
  std::printf("each of 1,000 tensors of 1,024 parameters, one thread: %.0f ns\n", tensor);
  std::printf("1,000 tensors of 65,536 parameters over one of as many, %d threads: %.3f\n", options.threads, many);
  std::printf("gradus build adamw.grad: %.0f ms, and %.0f ms for a further instruction set\n", build, further);
  if (!options.bars)
    return true;
  bool met = checkBar("nanoseconds of a call on 10 parameters", "adamw", call, kCallNanoseconds, true);
  met &= checkBar("nanoseconds of a tensor of 1,024 parameters", "adamw", tensor, kTensorNanoseconds, true);
  met &= checkBar("time of many tensors over that of one", "adamw", many, kManyOfOne, true);
  met &= checkBar("milliseconds of gradus build", "adamw", build, kBuildMilliseconds, true);
  met &= checkBar("milliseconds of a further instruction set", "adamw", further, kFurtherMilliseconds, true);
  return met;
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
  met &= measureOverheads(options, context, ok);
  if (!ok)
    return 1;
  if (options.json && !writeJson(options.json, measurements))
    return 1;
  return met ? 0 : 1;
}
