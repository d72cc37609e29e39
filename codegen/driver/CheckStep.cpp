//===- CheckStep.cpp - Steps of rules, and the gradients that they take --------===//
//
// The gradient that a rule is given has no loss of its own, so that there is nothing to compare the step with but itself: it is finite where it begins,
// and the same before and after the phases, which replace its derivatives by ops. What it differentiates itself is tried as a loss.
//
//===----------------------------------------------------------------------===//

#include "codegen/driver/Checker.h"
#include "lang/Messages.h"

#include "llvm/ADT/DenseSet.h"

#include <cmath>

using namespace mlir;
using gradus::reference::Arrays;

namespace gradus::driver {

/// A point with the states that the rule begins with, where that can be said.
static Arrays<double> startOf(FuncOp step, FuncOp init, uint64_t seed, bool isPositive) {
  Arrays<double> point = reference::makeRandomPoint(step, {seed, isPositive, {}});
  if (!init)
    return point;
  Arrays<double> args = reference::makeRandomPoint(init, {seed, isPositive, sizesAt(step, point)});
  for (unsigned i = 0; i < init.getNumArguments(); ++i)
    for (unsigned k = 0; k < step.getNumArguments(); ++k)
      if (init.getArgName(i) == step.getArgName(k) && point[k].shape == args[i].shape)
        args[i] = point[k];
  std::string ignored;
  auto states = reference::evaluate<double>(init, args, ignored, 0, sizesAt(step, point));
  if (failed(states))
    return point;
  for (unsigned i = 0; i < init.getNumResults(); ++i)
    for (unsigned k = 0; k < step.getNumArguments(); ++k)
      if (step.getArgRole(k) == Role::State && init.getResultName(i) == step.getArgName(k) && point[k].shape == (*states)[i].shape)
        point[k] = (*states)[i];
  for (unsigned k = 0; k < step.getNumArguments(); ++k) // the states are those of the first step
    if (step.getArgRole(k) == Role::Time)
      point[k] = reference::Array<double>::scalarInt(1);
  return point;
}

static bool isFinite(const Arrays<double> &arrays) {
  return llvm::all_of(arrays, [](const reference::Array<double> &array) { return llvm::all_of(array.reals, [](double x) { return std::isfinite(x); }); });
}

/// The farthest two results are apart, relative to the largest element of each; infinite where one is NaN.
static double distance(const Arrays<double> &a, const Arrays<double> &b) {
  double worst = 0;
  for (auto [x, y] : llvm::zip_equal(a, b)) {
    double scale = 1;
    for (double q : y.reals)
      scale = std::fmax(scale, std::fabs(q));
    for (auto [p, q] : llvm::zip_equal(x.reals, y.reals))
      worst = std::fmax(worst, std::isnan(p - q) ? std::numeric_limits<double>::infinity() : std::fabs(p - q) / scale);
    if (x.ints != y.ints)
      return std::numeric_limits<double>::infinity();
  }
  return worst;
}

void Checker::checkGradInside(FuncOp func, GradOp op, const Arrays<double> &point) {
  std::string error, what = "gradient at " + describePlace(op.getLoc()) + " in " + func.getSymName().str();
  Trial trial = outlineGrad(op);
  auto values = readValues(func, op, trial.reads, point, error);
  if (failed(values))
    return skip(what, error);
  trial.withGradients = deriveTrial(*trial.module, trial.value, error);
  if (!trial.withGradients)
    return skip(what, error);
  reference::GradientCheckOptions options;
  options.seed = seed;
  options.sizes = sizesAt(func, point);
  options.given.push_back(std::move(*values));
  options.mostElements = 16;
  reference::GradientCheckReport result = reference::checkGradients(trial.value, trial.withGradients, options);
  if (!result.error.empty())
    return skip(what, result.error);
  report(what, result);
}

void Checker::checkGradsInside(FuncOp func) {
  Arrays<double> point = reference::makeRandomPoint(func, {(seed + 1) * 8, false, {}});
  // One for each lane of a collection: the others are alike.
  llvm::SmallDenseSet<mlir::Location> places;
  constexpr unsigned most = 8;
  unsigned count = 0;
  func.walk([&](GradOp op) {
    if (places.insert(op.getLoc()).second && ++count <= most)
      checkGradInside(func, op, point);
  });
  if (count > most)
    skip(counted(count - most, "more gradient") + " in " + func.getSymName().str(), "a step tries " + Twine(most) + " of its gradients");
}

void Checker::checkStep(FuncOp step) {
  std::string error, name = step.getSymName().str(), what = "step " + name;
  if (holdsProblem(step.getBody()))
    return skip(what, "it solves an inner problem, which need not have a solution at random points");
  if (std::string large = reference::findTooLarge(step); !large.empty())
    return skip(what, "'" + large + "' has more than 2^20 elements");
  checkGradsInside(step);
  auto twin = compiled.lookupSymbol<FuncOp>(name);
  auto init = original.lookupSymbol<FuncOp>(StringRef(name).rsplit('.').first.str() + ".init");
  if (!twin)
    return skip(what, "no code is made of it");
  unsigned points = 0;
  double worst = 0;
  bool hasFinite = false;
  for (unsigned k = 0; k < 4; ++k) {
    Arrays<double> point = startOf(step, init, (seed + k) * 8, k >= 2);
    auto before = reference::evaluate<double>(step, point, error), after = reference::evaluate<double>(twin, point, error);
    if (failed(before) || failed(after))
      return skip(what, error);
    if (!isFinite(*before))
      continue;
    hasFinite = true;
    ++points;
    worst = std::fmax(worst, distance(*after, *before));
  }
  bool agrees = worst <= 1e-9;
  say(hasFinite && agrees, what, Twine(points) + " points" + (!hasFinite ? ": it is finite at none that was tried" : !agrees ? ": the phases change it" : ""));
}

} // namespace gradus::driver
