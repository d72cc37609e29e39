//===- compare.cpp - Compiled rules against hand-written loops and the memory -----===//

#include "Many.h"
#include "Measure.h"
#include "Timing.h"

#include "runtime/gradus_openmp.h"

#include <omp.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern char **environ;

using namespace gradus::bench;

namespace {

constexpr double kLoopOfScale = 0.75; ///< the least bandwidth of a loop that waits for the memory: scale, of one array, is up to a quarter faster
constexpr double kRuleOfLoop = 1.05;  ///< the most time of a rule
constexpr double kCallNanoseconds = 150;
constexpr double kBuildMilliseconds = 150;  ///< for one instruction set
constexpr double kFurtherMilliseconds = 60; ///< for another one
constexpr double kTensorNanoseconds = 700;  ///< of 1,024 parameters, one among 1,000
constexpr double kManyOfOne = 1.10;         ///< the most time of 1,000 tensors of 65,536 over that of one

void printError(void *, const gradus_error *error) { std::fprintf(stderr, "compare: %s\n", error->message); }

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

bool writeJson(const std::string &path, const std::vector<Measurement> &measurements) {
  FILE *file = std::fopen(path.c_str(), "w");
  if (!file) {
    std::perror(path.c_str());
    return false;
  }
  std::fprintf(file, "[");
  const char *separator = "\n";
  for (const Measurement &m : measurements) {
    std::fprintf(file,
                 "%s  {\"case\": \"%s\", \"n\": %lld, \"dtype\": \"%s\", \"threads\": %d, \"bytes_per_param\": %.4f, \"ns_per_param\": %.5f, "
                 "\"gb_per_s\": %.3f, \"x_floor\": %.4f",
                 separator, m.name.c_str(), static_cast<long long>(m.n), m.dtype.c_str(), m.threads, m.bytes, m.nsPerParameter, m.gbPerSecond,
                 m.overFloor);
    if (m.overLoop > 0)
      std::fprintf(file, ", \"peer\": \"hand-written loop, clang-22\", \"x_peer\": %.4f", m.overLoop);
    if (m.overReference > 0)
      std::fprintf(file, ", \"reference\": \"%s\", \"x_reference\": %.4f, \"loop_x_reference\": %.4f", m.reference.c_str(), m.overReference,
                   m.loopOverReference);
    std::fprintf(file, ", \"spread\": %.4f}", m.spread);
    separator = ",\n";
  }
  std::fprintf(file, "\n]\n");
  return std::fclose(file) == 0;
}

/// What --only takes beside the cases: what does not grow with the parameters.
constexpr char overheads[] = "overheads";

constexpr char usage[] =
    "usage: compare [--json FILE] [--only CASE] [--n N | --small | --smoke | --growth] [--no-bars] [--rounds N] [--threads N]\n"
    "  --growth   ns per parameter of adamw from 10^3 to 2^29 parameters and of sgd to 10^9\n"
    "  --json     writes the measurements there\n"
    "  --n        that many parameters, instead of 2^25 and 2^27\n"
    "  --no-bars  report only\n"
    "  --only     that case alone, or overheads: a call, small tensors, a compilation\n"
    "  --rounds   measurements of which the median is taken (default 21)\n"
    "  --serve    the steps of a case, one for each line of the input: for test/bench/peers; --serve-loop those of its hand-written loop\n"
    "  --small    2^16 and 2^20 parameters, in cache\n"
    "  --smoke    a few thousand parameters, nothing about time is asserted\n"
    "  --threads  of the loops and the rules (default 2)\n";

bool parse(int argc, char **argv, Options &options) {
  for (int i = 1; i < argc; ++i) {
    std::string flag = argv[i], value = i + 1 < argc ? argv[i + 1] : "";
    bool isTaken = !value.empty();
    long long count = std::atoll(value.c_str());
    if (flag == "--json" && isTaken) {
      options.json = value;
    } else if (flag == "--only" && (value == overheads || findCase(value))) {
      options.only = value;
    } else if ((flag == "--serve" || flag == "--serve-loop") && findCase(value)) {
      options.serve = value;
      options.serveLoop = flag == "--serve-loop";
    } else if (flag == "--n" && count > 0) {
      options.sizes = {count};
    } else if (flag == "--rounds" && count > 0) {
      options.rounds = int(count);
    } else if (flag == "--threads" && count > 0) {
      options.threads = int(count);
    } else {
      isTaken = false;
      if (flag == "--small") {
        options.sizes = {int64_t(1) << 16, int64_t(1) << 20};
      } else if (flag == "--smoke") {
        options.sizes = {int64_t(1) << 12};
        options.rounds = 3;
        options.bars = false;
      } else if (flag == "--no-bars") {
        options.bars = false;
      } else if (flag == "--growth") {
        options.growth = true;
      } else {
        std::fprintf(stderr, "%scases:", usage);
        for (const Case &c : getCases())
          std::fprintf(stderr, " %s", c.name.c_str());
        std::fprintf(stderr, "\n");
        return false;
      }
    }
    i += isTaken;
  }
  return true;
}

/// Prints one bar; false where it is missed.
bool checkBar(const char *what, const std::string &name, double got, double bound, bool atMost) {
  if (atMost ? got <= bound : got >= bound)
    return true;
  std::printf("MISSED: %s %s: %.3f, %s %.3f\n", name.c_str(), what, got, atMost ? "at most" : "at least", bound);
  return false;
}

/// The share of the time of f32. Where the loop by hand does not reach the bar either, that loop is the bar, and both figures are said.
bool checkReference(const Case &c, const Measurement &m) {
  if (m.overReference > c.mostOfReference && m.loopOverReference > c.mostOfReference)
    std::printf("not reached by hand either: %s time over that of %s: %.3f, by hand %.3f, at most %.3f\n", m.name.c_str(), m.reference.c_str(),
                m.overReference, m.loopOverReference, c.mostOfReference);
  return checkBar(("time over that of " + m.reference).c_str(), m.name, m.overReference, std::max(c.mostOfReference, kRuleOfLoop * m.loopOverReference), true);
}

bool checkBars(const Case &c, const Measurement &m) {
  // The bandwidth is the memory's only beyond the caches, and small state is arithmetic as well.
  bool isOfMemory = m.n > (int64_t(1) << 22), met = true;
  if (isOfMemory && m.dtype == "f32")
    met &= checkBar("bandwidth of the loop over that of scale", m.name, m.loopOfScale, kLoopOfScale, false);
  met &= checkBar("time over that of the loop", m.name, m.overLoop, kRuleOfLoop, true);
  if (isOfMemory && m.overReference > 0)
    met &= checkReference(c, m);
  return met;
}

void printLine(const Measurement &m) {
  std::printf("%-17s %11lld %6.2f %9.4f %8.2f %8.3f %7.3f ", m.name.c_str(), static_cast<long long>(m.n), m.bytes, m.nsPerParameter,
              m.gbPerSecond, m.overFloor, m.overLoop);
  if (m.overReference > 0)
    std::printf("%7.3f", m.overReference);
  else
    std::printf("%7s", "");
  std::printf(" %7.3f %11.3f\n", m.spread, m.loopOfScale);
  std::fflush(stdout);
}

/// False where a call failed; `met` where every bar was.
bool measureAll(const Options &options, const gradus_context &context, std::vector<Measurement> &measurements, bool &met) {
  std::printf("%-17s %11s %6s %9s %8s %8s %7s %7s %7s %11s\n", "case", "parameters", "bytes", "ns/param", "GB/s", "x floor", "x loop",
              "x f32", "spread", "loop/scale");
  for (int64_t n : options.sizes)
    for (const Case &c : getCases()) {
      if (!options.only.empty() && options.only != c.name)
        continue;
      Measurement m;
      if (!measure(c, n, &context, options, m))
        return false;
      printLine(m);
      measurements.push_back(m);
      if (options.bars)
        met &= checkBars(c, m);
    }
  return true;
}

/// Time for each parameter, from thousands on: what does not grow with the number of parameters is a call.
bool measureGrowth(const Options &options, const gradus_context &context, std::vector<Measurement> &measurements) {
  std::printf("%-6s %11s %12s %9s %8s %7s\n", "case", "parameters", "ms/step", "ns/param", "x floor", "spread");
  for (auto [name, last] : {std::pair("adamw", int64_t(1) << 29), std::pair("sgd", int64_t(1000000000))})
    for (int64_t n = 1000; n <= last; n = n == last ? last + 1 : std::min(10 * n, last)) {
      Measurement m;
      std::string skipped;
      if (!measureAlone(*findCase(name), n, &context, options, m, skipped))
        return false;
      if (!skipped.empty()) {
        std::printf("%-6s %11lld %s\n", name, static_cast<long long>(n), skipped.c_str());
        continue;
      }
      std::printf("%-6s %11lld %12.6f %9.4f %8.3f %7.3f\n", name, static_cast<long long>(n), 1e-6 * m.nsPerParameter * double(n),
                  m.nsPerParameter, m.overFloor, m.spread);
      std::fflush(stdout);
      measurements.push_back(m);
    }
  return true;
}

/// What does not grow with the parameters: a call, a tensor among many, a compilation. False where a call failed; `met` where every bar was.
bool measureOverheads(const Options &options, const gradus_context &context, bool &met) {
  bool ok = true;
  const Case &adamw = *findCase("adamw");
  double call = measureCall(adamw, ok);
  SmallTensors tensor = measureSmallTensors(adamw, options.bars ? 301 : 2, ok);
  double many = measureAgainstOne(adamw, options.bars ? 1000 : 10, 65536, &context, options.bars ? options.rounds : 1, ok);
  int builds = options.bars ? 7 : 1;
  double build = measureBuild("x86-64-v3", builds, ok), further = measureBuild("x86-64-v3,x86-64-v4", builds, ok) - build;
  std::printf("one call of adamw on 10 parameters: %.0f ns\n", call);
  std::printf("each of 1,000 tensors of 1,024 parameters, one thread: %.0f ns, by hand as one tensor %.0f ns\n", tensor.rule, tensor.loop);
  std::printf("1,000 tensors of 65,536 parameters over one of as many, %d threads: %.3f\n", options.threads, many);
  std::printf("gradus build adamw.grad: %.0f ms, and %.0f ms for a further instruction set\n", build, further);
  if (options.bars) {
    met &= checkBar("nanoseconds of a call on 10 parameters", "adamw", call, kCallNanoseconds, true);
    met &= checkBar("nanoseconds of a tensor of 1,024 parameters", "adamw", tensor.rule, std::max(kTensorNanoseconds, kRuleOfLoop * tensor.loop), true);
    met &= checkBar("time of many tensors over that of one", "adamw", many, kManyOfOne, true);
    met &= checkBar("milliseconds of gradus build", "adamw", build, kBuildMilliseconds, true);
    met &= checkBar("milliseconds of a further instruction set", "adamw", further, kFurtherMilliseconds, true);
  }
  return ok;
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  if (!parse(argc, argv, options))
    return 2;
  omp_set_num_threads(options.threads);
  gradus_context context = gradus_openmp_context();
  context.error = printError;
  if (!options.serve.empty())
    return serve(*findCase(options.serve), options.sizes.back(), &context, options.serveLoop);
  for (const Case &c : getCases())
    if ((options.only.empty() || options.only == c.name) && !agrees(c, &context))
      return 1;

  std::vector<Measurement> measurements;
  bool met = true;
  bool ok = true;
  if (options.growth)
    ok = measureGrowth(options, context, measurements);
  else {
    if (options.only.empty() || options.only == overheads)
      ok = measureOverheads(options, context, met);
    if (ok && options.only != overheads)
      ok = measureAll(options, context, measurements, met);
  }
  if (!ok || (!options.json.empty() && !writeJson(options.json, measurements)))
    return 1;
  return met ? 0 : 1;
}
