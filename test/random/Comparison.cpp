//===- Comparison.cpp - What both engines gave for one call -----------------------===//

#include "Comparison.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <cstdio>

using namespace gradus::random_specs;
using gradus::reference::Array;

static std::string nameOf(const Outcome &outcome, size_t slot, size_t result) {
  return outcome.function + ": " + outcome.names[result] + (outcome.got.size() > 1 ? " of tensor " + std::to_string(slot) : "");
}

void Comparison::compareReals(const Outcome &outcome, size_t slot, size_t result) {
  const Array<double> &got = outcome.got[slot][result], &expected = outcome.expected[slot][result];
  for (size_t i = 0; i < expected.reals.size(); ++i) {
    double a = got.reals[i], b = expected.reals[i];
    if ((std::isnan(a) && std::isnan(b)) || a == b)
      continue;
    long double wide = outcome.wide[slot][result].reals[i];
    if (std::isnan(wide) != std::isnan(b)) // it overflows on the way
      continue;
    double slack = std::fabs(static_cast<double>(wide - static_cast<long double>(b)));
    if (std::fabs(a - b) <= outcome.tolerance * std::fmax(1, std::fabs(b)) + 1000 * slack)
      continue;
    auto jumps = [&](const Results<double> &near) { return !(std::fabs(near[slot][result].reals[i] - b) <= 0.1 * std::fabs(a - b)); };
    if (std::isfinite(b) && llvm::any_of(outcome.nearby, jumps)) {
      hasJump = true;
      continue;
    }
    char text[80];
    std::snprintf(text, sizeof text, ", element %zu: %.17g, by the reference %.17g", i, a, b);
    return fail("values", nameOf(outcome, slot, result) + text);
  }
}

void Comparison::compareArray(const Outcome &outcome, size_t slot, size_t result) {
  const Array<double> &got = outcome.got[slot][result], &expected = outcome.expected[slot][result];
  if (got.shape != expected.shape || got.kind != expected.kind)
    return fail("shapes", nameOf(outcome, slot, result) + " has another shape or kind");
  for (size_t i = 0; i < expected.ints.size(); ++i) {
    auto jumps = [&](const Results<double> &near) { return near[slot][result].ints[i] != expected.ints[i]; };
    if (got.ints[i] == expected.ints[i])
      continue;
    if (llvm::any_of(outcome.nearby, jumps))
      hasJump = true;
    else
      fail("values", nameOf(outcome, slot, result) + ", element " + std::to_string(i) + ": " + std::to_string(got.ints[i]) + ", by the reference " +
                         std::to_string(expected.ints[i]));
  }
  compareReals(outcome, slot, result);
}

void Comparison::compare(const Outcome &outcome) {
  for (size_t slot = 0; slot < outcome.expected.size(); ++slot)
    for (size_t result = 0; result < (outcome.hasAll ? outcome.expected[slot].size() : 1); ++result)
      compareArray(outcome, slot, result);
}
