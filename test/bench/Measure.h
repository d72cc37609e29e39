//===- Measure.h - Times of rules, loops and the memory ----------------------------===//

#ifndef GRADUS_TEST_BENCH_MEASURE_H
#define GRADUS_TEST_BENCH_MEASURE_H

#include "Cases.h"

namespace gradus::bench {

struct Options {
  std::string json, only, serve;
  bool serveLoop = false;
  std::vector<int64_t> sizes = {int64_t(1) << 25, int64_t(1) << 27};
  int rounds = 21;
  int threads = 2;
  bool bars = true;    ///< fail where a bar is missed, repeat where the machine is restless
  bool growth = false; ///< the table of sizes instead
};

/// One line of the report.
struct Measurement {
  std::string name, dtype;
  int64_t n = 0;
  int threads = 1;
  double bytes = 0; ///< per parameter
  double nsPerParameter = 0, gbPerSecond = 0;
  double overFloor = 0;  ///< time over that of the bytes at the speed of scale in place
  double overLoop = 0;   ///< time over that of the hand-written loop; 0 where none was measured
  double overReference = 0; ///< time over that of the case in f32; 0 where there is none
  double loopOverReference = 0; ///< the same of the hand-written loop
  std::string reference;
  double spread = 0; ///< (90 % quantile - 10 % quantile) / median of the rule's times
  double loopOfScale = 0, loopsDiffer = 0;
};

/// Both sides take the same step from the same numbers: they must be the same rule.
bool agrees(const Case &c, const gradus_context *context);
/// Measures until the two timings of the loop agree. False if they never do, a call fails, or there is no memory.
bool measure(const Case &c, int64_t n, const gradus_context *context, const Options &options, Measurement &result);
/// The rule alone beside scale in place, for the table of sizes; `skipped` says why there is no line.
bool measureAlone(const Case &c, int64_t n, const gradus_context *context, const Options &options, Measurement &result,
                  std::string &skipped);
/// Steps on request, of the rule or of the hand-written loop: a line of standard input is a step, and its answer the nanoseconds that it took.
int serve(const Case &c, int64_t n, const gradus_context *context, bool byHand);
/// Nanoseconds of one serial call on 10 elements, checks included.
double measureCall(const Case &c, bool &ok);

} // namespace gradus::bench

#endif // GRADUS_TEST_BENCH_MEASURE_H
