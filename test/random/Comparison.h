//===- Comparison.h - What both engines gave for one call -------------------------===//
//
// They may differ by what rounding does to the reference itself, and wherever the reference jumps.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "Check.h"

#include "codegen/reference/Evaluator.h"

namespace gradus::random_specs {

/// The results of one slot after the other.
template <typename S>
using Results = std::vector<reference::Arrays<S>>;

/// The value, then the gradients.
template <typename S>
Results<S> toResults(reference::ValueAndGradients<S> found) {
  found.gradients.insert(found.gradients.begin(), reference::Array<S>::scalar(found.value));
  Results<S> results;
  results.push_back(std::move(found.gradients));
  return results;
}

struct Outcome {
  std::string function;
  std::vector<std::string> names; ///< of the results
  const Results<double> &got, &expected;
  const Results<long double> &wide;        ///< the reference in long double
  const std::vector<Results<double>> &nearby; ///< the reference at arguments changed a little
  double tolerance;                        ///< beyond which the engines differ, if rounding is no excuse
  /// Every result, or the first alone.
  bool hasAll = true;
};

/// What is wrong in the outcomes of several calls: the first difference, else whether one was excused by a jump.
class Comparison {
public:
  void compare(const Outcome &outcome);
  Verdict verdict() const { return wrong.kind == Verdict::Same && hasJump ? Verdict{Verdict::Jumps, "jump", ""} : wrong; }

private:
  void compareArray(const Outcome &outcome, size_t slot, size_t result);
  void compareReals(const Outcome &outcome, size_t slot, size_t result);
  void fail(std::string reason, std::string message) {
    if (wrong.kind == Verdict::Same)
      wrong = {Verdict::Different, std::move(reason), std::move(message)};
  }
  Verdict wrong;
  bool hasJump = false;
};

} // namespace gradus::random_specs
