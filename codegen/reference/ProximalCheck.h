//===- ProximalCheck.h - Is a prox the point where its function is least? ------===//
//
// At random points. A prox must not be worse than any competitor in  step * of(z) + |z - x|^2 / 2 ; among them are small moves along each axis,
// which find a point that is not stationary. A projection must leave alone what it gives (idempotent), and no other point that it
// gives may be nearer to x.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/reference/Evaluator.h"

namespace gradus::reference {

struct ProximalCheckOptions {
  uint64_t seed = 1;
  unsigned points = 8;
};

struct ProximalCheckReport {
  bool passed = false;
  unsigned competitors = 0;
  /// By how much the best competitor is better, in units of max(1, |value|).
  double worst = 0;
  /// Why, in words; empty if it passed.
  std::string error;
};

/// `value` gives the point; its first argument is x. `objective`, of a prox, takes z before these arguments; null for a projection.
ProximalCheckReport checkProximal(FuncOp value, FuncOp objective, const ProximalCheckOptions &options = {});

} // namespace gradus::reference
