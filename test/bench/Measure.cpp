//===- Measure.cpp - Times of rules, loops and the memory ---------------------------===//
//
// Rounds of: scale in place, hand-written loop, compiled rule, hand-written loop again, and the rule in f32 where the case is one of small
// state. All ratios are medians of ratios within a round, so that a machine that changes its speed changes both sides. A
// measurement is repeated, not reported, where the two timings of the hand-written loop differ by more than 2 %.
//
//===----------------------------------------------------------------------------===//

#include "Measure.h"

#include "Timing.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <memory>

namespace gradus::bench {

static constexpr double kLoopsDiffer = 0.02; ///< the most that two timings of one loop may
static constexpr int kAttempts = 10;
static constexpr double kLeastTime = 2e4; ///< nanoseconds; shorter calls are timed together

static void runLoop(const Case &c, const Buffers &buffers, uint64_t t) {
  floor_call call = {buffers.n, c.hyper.data(), t, 0, buffers.arrays.data()};
  c.loop(&call);
}

/// Multiplies all that are floats by 1, which together are larger than the caches: else scale would be measured in a cache, and a rule not.
/// Codes are left alone: as floats they would be NaN. Returns the bytes that it read and wrote.
static double scaleAll(const Buffers &buffers) {
  double one = 1, bytes = 0;
  for (size_t i = 0; i < buffers.arrays.size(); ++i) {
    int32_t dtype = buffers.entry->arguments[i].dtype;
    if (dtype != GRADUS_F32 && dtype != GRADUS_BF16)
      continue;
    void *array[] = {buffers.arrays[i]};
    floor_call call = {int64_t(buffers.bytes[i] / sizeof(float)), &one, 1, 0, array};
    floor_scale(&call);
    bytes += 2 * double(buffers.bytes[i]);
  }
  return bytes;
}

namespace {
/// The times of all rounds.
struct Series {
  std::vector<double> rules, first, second, overLoop, overFloor, overReference, loopOverReference, loopOfScale;
};
} // namespace

/// The calls that are timed together: more than one where a call is short.
static int countCalls(Call &call, bool &ok) {
  int calls = 1;
  double time = timed([&] { ok &= call(1000); });
  for (int k = 0; k < 3; ++k)
    time = std::min(time, timed([&] { ok &= call(1000); }));
  while (calls < 4096 && calls * time < kLeastTime)
    calls *= 2;
  return calls;
}

static Series takeRounds(const Case &c, Buffers &buffers, Call &call, Call *reference, int rounds, bool &ok) {
  Series series;
  int calls = countCalls(call, ok);
  auto timeOf = [&](auto &&body) {
    return timed([&] {
             for (int k = 0; k < calls; ++k)
               body();
           }) /
           calls;
  };
  double minimum = c.bytesPerParameter * double(buffers.n);
  for (int round = -2; round < rounds; ++round) {
    uint64_t t = uint64_t(round + 1000);
    double bytes = 0;
    double scale = timeOf([&] { bytes = scaleAll(buffers); });
    double loop = timeOf([&] { runLoop(c, buffers, t); });
    double rule = timeOf([&] { ok &= call(t); });
    double again = timeOf([&] { runLoop(c, buffers, t); });
    double other = reference ? timeOf([&] { ok &= (*reference)(t); }) : 0;
    if (round < 0) // warms caches, threads and clocks
      continue;
    double mean = (loop + again) / 2, floor = scale * minimum / bytes;
    series.rules.push_back(rule);
    series.first.push_back(loop);
    series.second.push_back(again);
    series.overLoop.push_back(rule / mean);
    series.overFloor.push_back(rule / floor);
    series.loopOfScale.push_back(floor / mean);
    if (reference) {
      series.overReference.push_back(rule / other);
      series.loopOverReference.push_back(mean / other);
    }
  }
  return series;
}

static Measurement describe(const Case &c, int64_t n, const Options &options, const std::vector<double> &rules) {
  Measurement m;
  double rule = median(rules);
  m.name = c.name;
  m.dtype = c.dtype;
  m.n = n;
  m.threads = options.threads;
  m.bytes = c.bytesPerParameter;
  m.nsPerParameter = rule / double(n);
  m.gbPerSecond = c.bytesPerParameter * double(n) / rule;
  m.spread = (quantile(rules, 0.9) - quantile(rules, 0.1)) / rule;
  return m;
}

bool measure(const Case &c, int64_t n, const gradus_context *context, const Options &options, Measurement &result) {
  const Case *other = c.reference.empty() ? nullptr : findCase(c.reference);
  Buffers buffers(c, n);
  std::unique_ptr<Buffers> others = other ? std::make_unique<Buffers>(*other, n) : nullptr;
  if (!buffers.isValid() || (others && !others->isValid())) {
    std::fprintf(stderr, "compare: no memory for %lld parameters of %s\n", static_cast<long long>(n), c.name.c_str());
    return false;
  }
  buffers.fill(7);
  Call call(c, buffers, context);
  std::unique_ptr<Call> reference;
  if (others) {
    others->fill(7);
    reference = std::make_unique<Call>(*other, *others, context);
  }
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    bool ok = true;
    Series series = takeRounds(c, buffers, call, reference.get(), options.rounds, ok);
    if (!ok)
      return false;
    result = describe(c, n, options, series.rules);
    result.overFloor = median(series.overFloor);
    result.overLoop = median(series.overLoop);
    result.loopOfScale = median(series.loopOfScale);
    result.loopsDiffer = std::fabs(median(series.first) / median(series.second) - 1);
    result.reference = c.reference;
    if (reference) {
      result.overReference = median(series.overReference);
      result.loopOverReference = median(series.loopOverReference);
    }
    if (!options.bars || result.loopsDiffer <= kLoopsDiffer)
      return true;
    std::printf("%-17s 2^%.0f  repeated: the loop's two timings differ by %.1f %%\n", c.name.c_str(), std::log2(double(n)),
                100 * result.loopsDiffer);
  }
  std::fprintf(stderr, "compare: the machine is too restless to measure %s\n", c.name.c_str());
  return false;
}

bool measureAlone(const Case &c, int64_t n, const gradus_context *context, const Options &options, Measurement &result,
                  std::string &skipped) {
  double bytes = 0, memory = double(sysconf(_SC_AVPHYS_PAGES)) * double(sysconf(_SC_PAGESIZE));
  const gradus_entry *entry = c.entry();
  for (int32_t i = 0; i < entry->n_arguments; ++i)
    bytes += double(gradus_bytes(entry->arguments[i].dtype, n));
  char text[128];
  std::snprintf(text, sizeof text, "skipped: %.1f GiB of arrays, %.1f GiB of free memory", bytes * 0x1p-30, memory * 0x1p-30);
  skipped = text;
  if (bytes > 0.9 * memory)
    return true;
  Buffers buffers(c, n);
  if (!buffers.isValid())
    return true;
  skipped.clear();
  buffers.fill(7);
  Call call(c, buffers, context);
  bool ok = true;
  int calls = countCalls(call, ok);
  std::vector<double> rules, overFloor;
  for (int round = -2; round < options.rounds; ++round) {
    double moved = 0, scale = timed([&] { moved = scaleAll(buffers); });
    double rule = timed([&] {
                    for (int k = 0; k < calls; ++k)
                      ok &= call(uint64_t(round + 1000));
                  }) /
                  calls;
    if (round < 0)
      continue;
    rules.push_back(rule);
    overFloor.push_back(rule / (scale * c.bytesPerParameter * double(n) / moved));
  }
  result = describe(c, n, options, rules);
  result.overFloor = median(overFloor);
  return ok;
}

int serve(const Case &c, int64_t n, const gradus_context *context, bool byHand) {
  Buffers buffers(c, n);
  if (!buffers.isValid())
    return 1;
  buffers.fill(7);
  Call call(c, buffers, context);
  std::printf("ready %g\n", c.bytesPerParameter);
  std::fflush(stdout);
  uint64_t t = 1000;
  bool ok = serveSteps([&] {
    if (!byHand)
      return call(t++);
    runLoop(c, buffers, t++);
    return true;
  });
  return ok ? 0 : 1;
}

double measureCall(const Case &c, bool &ok) {
  Buffers buffers(c, 10);
  if (!buffers.isValid()) {
    ok = false;
    return 0;
  }
  buffers.fill(1);
  Call call(c, buffers, nullptr);
  constexpr int kCalls = 1000;
  std::vector<double> times;
  for (int round = 0; round < 101; ++round) {
    usleep(20000); // two seconds in all: what else is on the machine comes and goes
    times.push_back(timed([&] {
                      for (int i = 0; i < kCalls; ++i)
                        ok &= call(uint64_t(1000 + i));
                    }) /
                    kCalls);
  }
  return quantile(times, 0); // what it costs on an undisturbed core, as for small tensors
}

} // namespace gradus::bench
