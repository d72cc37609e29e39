//===- DivisionByZero.cpp - a / b where b is 0 at a point that is reached ----===//
//
// g / norm(g) is 0 / 0, NaN, in the first step without a gradient, and NaN stays in whatever it touches.
//
//     w' = w - lr * g / norm(g)                       warned of
//     w' = w - lr * g / max(norm(g), 1e-12)           mended
//
//===----------------------------------------------------------------------===//

#include "lang/lint/Boundaries.h"

using namespace gradus;
using namespace gradus::lint;

void lint::findDivisionByZero(Subject &subject, Findings &findings) {
  for (const Boundary &one : subject.boundaries()) {
    if (one.kind != BoundaryKind::Division)
      continue;
    if (one.word == "^") {
      findings.push_back({one.at, describe(one) + ", and its negative power is infinite there", "add a number above 0 to the base, or choose: 'if x > 0 then x^p else 0'"});
      continue;
    }
    findings.push_back({one.at, describe(one) + ", and this divides by it",
                        "divide by 'max(x, 1e-12)' or 'x + eps' where x is never negative, or choose 'if x != 0 then a / x else 0'; an interval says which arguments are meant"});
  }
}
