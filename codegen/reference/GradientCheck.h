//===- GradientCheck.h - Whether a gradient function gives the gradients --------===//
//
// Compares the gradients that the compiler made with central differences of the value and with dual numbers, at random
// smooth points. Where the value holds a `gradus.stop`, a complex step replaces the difference. `gradus check` calls it.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/reference/RandomPoint.h"

namespace gradus::reference {

struct GradientCheckOptions {
  uint64_t seed = 1;
  unsigned points = 3;
  double differenceTolerance = 1e-6; ///< against central differences
  double dualTolerance = 1e-12;      ///< against dual numbers
  llvm::StringMap<int64_t> sizes;    ///< for some dimension symbols
};

/// The element of a gradient that is farthest off. The error is relative to the largest of: the expected element, 1 % of the
/// largest element of that gradient, and 0.001 times the largest of 1 and |value|.
struct WorstElement {
  std::string argument; ///< empty where nothing was compared
  Shape index;
  double got = 0;
  double expected = 0;
  double error = 0;
};

struct GradientCheckReport {
  bool passed = false;
  std::string error;     ///< why the check could not be done; empty if it could
  unsigned elements = 0; ///< how many derivatives were compared
  unsigned kinks = 0;    ///< of these, at kinks, where the derivative lies between the two one-sided differences
  WorstElement difference;
  WorstElement dual;
};

/// `value` has a floating scalar as its first result. `withGradients` has the same arguments; its first result is the value, and
/// each of its results of role `grad`, named `grad_<argument>` or `<argument>`, the gradient in that argument.
GradientCheckReport checkGradients(FuncOp value, FuncOp withGradients, const GradientCheckOptions &options = {});

} // namespace gradus::reference
