//===- BiasCorrection.cpp - 1 - beta^k with k from 0 --------------------------===//
//
// The mean of k numbers with the weights of a moving average is m / (1 - beta^k). t counts steps from 1, so that 1 - beta^t is right; with t - 1, or a counter
// of one's own before it is raised, the first step divides by 1 - beta^0 = 0.
//
//     mhat = m' / (1 - beta^(t - 1))                   warned of
//     mhat = m' / (1 - beta^t)                         mended
//
//===----------------------------------------------------------------------===//

#include "lang/lint/Boundaries.h"

using namespace gradus;
using namespace gradus::lint;

void lint::findBiasCorrection(Subject &subject, Findings &findings) {
  for (const Boundary &one : subject.boundaries())
    if (one.kind == BoundaryKind::BiasCorrection)
      findings.push_back({one.at, describe(one) + ": this bias correction divides by it, because its counter is 0 there",
                          "'t' counts committed steps from 1: 1 - beta^t; of a counter of one's own it is the next value, k'"});
}
