//===- RandomPoint.h - Arguments at which a function can be tried ---------------===//
//
// Deterministic: the seed decides everything. Dimension symbols get sizes of 3 to 7, different ones while they last,
// so that a swap of two axes does not go unseen. Integers that become indices stay inside their axes.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/reference/Evaluator.h"
#include "dialect/Gradus.h"

namespace gradus::reference {

struct PointOptions {
  uint64_t seed = 1;
  /// Floats uniform in (0.1, 1) instead of normal, for functions of positive numbers.
  bool isPositive = false;
  /// Sizes for some dimension symbols.
  llvm::StringMap<int64_t> sizes = {};
  /// What `takeToSets` asks, where arguments lie in sets: then the point lies inside of them, on no border of a convex one.
  FuncOp sets = {};
};

/// One array for each argument of `func`. A hyper-parameter takes its default, or else a number of its interval.
Arrays<double> makeRandomPoint(FuncOp func, const PointOptions &options);

/// The position of an argument, or -1.
int64_t findArgument(FuncOp func, llvm::StringRef name);

/// The arguments of `func`, those that lie in sets at their nearest points there. These `sets` gives, a function of the same arguments, under their names.
template <typename S>
llvm::FailureOr<Arrays<S>> takeToSets(FuncOp sets, FuncOp func, Arrays<S> point, std::string &error);

} // namespace gradus::reference
