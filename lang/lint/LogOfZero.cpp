//===- LogOfZero.cpp - log(x) where x is 0 at a point that is reached --------===//
//
// p log p is 0 at p = 0 on paper, and 0 * -inf, NaN, in numbers.
//
//     loss h(p: [n] in simplex) = -sum(p * log(p))                              warned of
//     loss h(p: [n] in simplex) = -sum(if p > 0 then p * log(p) else 0)         mended
//
//===----------------------------------------------------------------------===//

#include "lang/lint/Boundaries.h"

using namespace gradus;
using namespace gradus::lint;

void lint::findLogOfZero(Subject &subject, Findings &findings) {
  for (const Boundary &one : subject.boundaries()) {
    if (one.kind != BoundaryKind::Logarithm)
      continue;
    findings.push_back({one.at, describe(one) + ", and its " + one.word + " is -inf there",
                        "choose: 'if p > 0 then p * log(p) else 0' leaves neither value nor derivative behind; or add a number above 0; of a softmax there is 'logsoftmax'"});
  }
}
