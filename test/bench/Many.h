//===- Many.h - One call for many tensors -----------------------------------------===//

#ifndef GRADUS_TEST_BENCH_MANY_H
#define GRADUS_TEST_BENCH_MANY_H

#include "Cases.h"

namespace gradus::bench {

/// Nanoseconds for each of 1,000 tensors of 1,024 parameters: the least of many.
struct SmallTensors {
  double rule; ///< in one serial call
  double loop; ///< of the loop by hand, on one thread, over all of them as one tensor
};
SmallTensors measureSmallTensors(const Case &c, int rounds, bool &ok);
/// The time of a call for `tensors` tensors of `each` parameters over that of a call for one tensor of as many: the median of ratios of calls in turn.
double measureAgainstOne(const Case &c, int64_t tensors, int64_t each, const gradus_context *context, int rounds, bool &ok);

} // namespace gradus::bench

#endif // GRADUS_TEST_BENCH_MANY_H
