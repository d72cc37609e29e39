//===- RandomPoint.h - Arguments at which a function can be tried ---------------===//
//
// Deterministic: the seed decides everything. Dimension symbols get sizes of 3 to 7, different ones while they last,
// so that a swap of two axes does not go unseen. Integers that become indices stay inside their axes.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/reference/Evaluator.h"

namespace gradus::reference {

struct PointOptions {
  uint64_t seed = 1;
  /// Floats uniform in (0.1, 1) instead of normal, for functions of positive numbers.
  bool isPositive = false;
  /// Sizes for some dimension symbols.
  llvm::StringMap<int64_t> sizes;
};

/// One array for each argument of `func`. A hyper-parameter takes its default, or else a number of its interval.
Arrays<double> makeRandomPoint(FuncOp func, const PointOptions &options);

} // namespace gradus::reference
