//===- Check.h - One spec in both engines -------------------------------------------===//

#pragma once

#include "Spec.h"

namespace gradus::random_specs {

struct Verdict {
  /// `Jumps`: the engines differ where the reference itself does if its arguments change in the twelfth digit.
  enum Kind { Same, Different, Refused, Jumps } kind = Same;
  std::string reason; ///< what shrinking keeps: the code of an error, or how the engines differ
  std::string message;
};

/// In a process of its own, so that a crash or an endless loop of the compiler or of its code is a finding as well.
Verdict check(const Unit &unit, uint64_t seed);

} // namespace gradus::random_specs
