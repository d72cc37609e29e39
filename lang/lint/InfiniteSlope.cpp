//===- InfiniteSlope.cpp - A derivative where it is infinite -----------------===//
//
// sqrt(x) is 0 at x = 0 and its derivative 1 / (2 sqrt(x)) infinite: times an inner derivative of 0 it is NaN. 'norm' and 'hypot' have the
// derivative 0 there. A root whose derivative nobody takes, as in the step of a rule, is fine.
//
//     loss length(w: [d]) = sqrt(sum(w^2))             warned of
//     loss length(w: [d]) = norm(w)                    mended
//
//===----------------------------------------------------------------------===//

#include "lang/lint/Boundaries.h"

using namespace gradus;
using namespace gradus::lint;

static std::string wayOut(const Boundary &one) {
  if (one.word == "sqrt")
    return "'norm' and 'hypot' have the derivative 0 there; or add a number above 0 below the root: 'sqrt(x + eps)'";
  if (one.word == "^" || one.word == "cbrt")
    return "add a number above 0 below the power, or choose: 'if x > 0 then x^p else 0'";
  return "keep away from the end: 'clip(x, -1 + 1e-6, 1 - 1e-6)'";
}

void lint::findInfiniteSlope(Subject &subject, Findings &findings) {
  for (const Boundary &one : subject.boundaries()) {
    if (one.kind != BoundaryKind::Slope)
      continue;
    findings.push_back({one.at, describe(one) + ", and the derivative of '" + one.word + "' is infinite there", wayOut(one)});
  }
}
