//===- GradientCheck.h - Whether a gradient function gives the gradients --------===//
//
// Compares the gradients that the compiler made, by reverse mode, with forward mode (dual numbers), with central differences and with a complex
// step: at random smooth points, at points where kinks, ties and rounding show, and at points that are given. `gradus check` calls it.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/reference/RandomPoint.h"

namespace gradus::reference {

/// How the arguments move where they do not move one by one: with numbers that are free.
struct Way {
  /// From the arguments of a function.
  Way(FuncOp func, Arrays<double> args) : origin(std::move(args)) {
    for (unsigned i = 0; i < func.getNumArguments(); ++i)
      names.push_back(func.getArgName(i).str());
  }
  Arrays<double> origin;          ///< these numbers at the point
  std::vector<std::string> names; ///< of these arrays
  /// The arguments for such numbers.
  std::function<llvm::FailureOr<Arrays<long double>>(const Arrays<long double> &, std::string &)> follow;
};

struct GradientCheckOptions {
  uint64_t seed = 1;
  unsigned points = 3;
  double differenceTolerance = 1e-6; ///< against central differences
  double dualTolerance = 1e-12;      ///< against dual numbers at random points
  double complexTolerance = 1e-9;    ///< against a complex step
  double boundaryTolerance = 1e-9;   ///< against dual numbers at the other points
  llvm::StringMap<int64_t> sizes;    ///< for some dimension symbols
  /// Also with all that is differentiated in at 0, equal, of mixed signs, small and large.
  bool atBoundaries = false;
  /// Points that take the place of the random ones.
  std::vector<Arrays<double>> given;
  /// Where the value is that of its arguments on sets alone (RandomPoint.h): random points lie in them, and differences follow them.
  FuncOp sets = {};
  /// The way to the given point: the derivative along it is compared with differences along it.
  std::optional<Way> way;
  /// How many elements of each argument are tried by differences and complex steps; they are spread over it. 0: all.
  int64_t mostElements = 0;
  /// The gradient may be another one than that of the value by rounding in data: only differences are asked. What a solver gives.
  bool isIterative = false;
  /// Differences by longer steps, since the value is computed with a solver.
  bool hasLongSteps = false;
};

/// The element of a gradient that is farthest off. The error is relative to the largest of: the expected element, 1 % of the
/// largest element of that gradient, and 0.001 times the largest of 1 and |value|.
struct WorstElement {
  std::string argument; ///< empty where nothing was compared
  Shape index;
  double got = 0;
  double expected = 0;
  double error = 0;
  std::string point; ///< which kind of point: "at random", "at 0", ..
  mlir::Type kept = {}; ///< of the elements of a gradient, which is rounded to it
};

struct GradientCheckReport {
  bool passed = false;
  std::string error;      ///< why the check could not be done; empty if it could
  unsigned elements = 0;  ///< how many derivatives were compared
  unsigned kinks = 0;     ///< of these, at kinks or jumps, where the derivative lies between those around
  unsigned skipped = 0;   ///< points beside the random ones where the value or a derivative is not finite
  bool isOfDuals = false; ///< no differences were taken: a derivative of one's own or a solver inside makes others of them
  bool isFlat = true;     ///< the value has the derivative 0 in everything wherever it was tried, by dual numbers
  std::string complexError; ///< why no complex step could be made; empty if it could
  WorstElement difference;
  WorstElement dual;
  WorstElement complex;
  Arrays<double> at; ///< the arguments where the check failed; empty where it passed
};

/// The first 'stop' that keeps something from a derivative: not that of a constant, nor one inside of a gradus.custom, which has a derivative of its own.
StopOp findStop(mlir::Region &region);

/// An argument whose fixed dimensions alone are more than a check can try, by name; empty if there is none.
std::string findTooLarge(FuncOp func);

/// `value` has a floating scalar as its first result. `withGradients` has the same arguments; its first result is the value, and
/// each of its results of role `grad`, named `grad_<argument>` or `<argument>`, the gradient in that argument.
GradientCheckReport checkGradients(FuncOp value, FuncOp withGradients, const GradientCheckOptions &options = {});

} // namespace gradus::reference
