//===- Points.h - Where a unit is tried --------------------------------------------===//

#pragma once

#include "codegen/reference/Evaluator.h"

#include "dialect/Gradus.h"

namespace gradus::random_specs {

using Slots = std::vector<reference::Arrays<double>>;

/// Sizes, and what numbers there are.
struct Place {
  enum Numbers {
    Plain,   ///< normal ones
    Tied,    ///< of a few values, so that elements are equal and functions are asked at their kinks
    Extreme, ///< some of them infinite, NaN, zeros of either sign, or tiny
  } numbers = Plain;
  int64_t n = 5, d = 3;
  std::vector<int64_t> tensors = {7, 16, 41}; ///< how many elements the tensors of a rule have
  bool isEdge = false;                        ///< both engines may refuse it
};

/// The places of the unit with this seed: two plain ones, and one of another kind. Dual numbers of dual numbers take long: small ones
/// for a unit that takes derivatives itself.
std::vector<Place> placesOf(uint64_t seed, bool hasGradient);

/// Arguments for each tensor of a rule, one for anything else, as their storage holds them.
Slots makePoint(FuncOp func, const Place &place, uint64_t seed);

/// Each element changed by up to `amount` of itself; what is one for a collection stays so.
Slots shake(FuncOp func, Slots slots, double amount, uint64_t seed);

template <typename S>
reference::Arrays<S> widen(const reference::Arrays<double> &from) {
  reference::Arrays<S> to;
  for (const auto &array : from)
    to.push_back({array.kind, array.shape, std::vector<S>(array.reals.begin(), array.reals.end()), array.ints});
  return to;
}

} // namespace gradus::random_specs
