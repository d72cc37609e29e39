//===- GradientCheck.cpp - Gradients against differences and dual numbers -------===//

#include "codegen/reference/GradientCheck.h"
#include "dialect/Gradus.h"

#include <cmath>
#include <complex>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

namespace {

/// A result of the gradient function and the argument that it differentiates in.
struct Pairing {
  unsigned result;
  unsigned argument;
};

/// What is known at one point.
struct Point {
  Arrays<double> args;
  Arrays<long double> wide; ///< the same numbers
  double value = 0;
  Arrays<double> results; ///< of the gradient function
  Arrays<double> duals;   ///< the gradients by dual numbers
};

/// A central difference and the one-sided ones.
struct Differences {
  double central = 0, left = 0, right = 0;
};

} // namespace

static LogicalResult fail(GradientCheckReport &report, const Twine &reason) {
  report.error = reason.str();
  return failure();
}

/// The argument that a gradient is named after, or -1.
static int64_t findArgument(FuncOp func, StringRef name) {
  name.consume_front("grad_");
  for (unsigned i = 0; i < func.getNumArguments(); ++i)
    if (func.getArgName(i) == name)
      return i;
  return -1;
}

static LogicalResult pairResults(FuncOp value, FuncOp withGradients, SmallVectorImpl<Pairing> &pairs, GradientCheckReport &report) {
  if (value.getArgumentTypes() != withGradients.getArgumentTypes())
    return fail(report, "the gradient function takes other arguments than '" + value.getSymName() + "'");
  for (unsigned i = 0; i < withGradients.getNumResults(); ++i) {
    if (withGradients.getResultRole(i) != Role::Grad)
      continue;
    int64_t argument = findArgument(value, withGradients.getResultName(i));
    if (argument < 0 || value.getArgumentTypes()[argument] != withGradients.getResultTypes()[i])
      return fail(report, "the result '" + withGradients.getResultName(i) + "' is no gradient in an argument of '" + value.getSymName() + "'");
    pairs.push_back({i, static_cast<unsigned>(argument)});
  }
  return pairs.empty() ? fail(report, "there is no gradient to check") : success();
}

static bool areFinite(const Arrays<double> &arrays) {
  return llvm::all_of(arrays, [](const Array<double> &array) { return llvm::all_of(array.reals, [](double x) { return std::isfinite(x); }); });
}

/// A point where value and derivatives are finite; some functions have none but for positive arguments.
static LogicalResult findPoint(FuncOp value, FuncOp withGradients, ArrayRef<Pairing> pairs, uint64_t seed, const GradientCheckOptions &options,
                               Point &point, GradientCheckReport &report) {
  SmallVector<unsigned> wrt;
  for (const Pairing &pair : pairs)
    wrt.push_back(pair.argument);
  for (unsigned attempt = 0; attempt < 8; ++attempt) {
    point.args = makeRandomPoint(value, {seed * 8 + attempt, attempt >= 4, options.sizes});
    auto results = evaluate<double>(withGradients, point.args, report.error);
    if (failed(results))
      return failure();
    auto duals = evaluateGradients<double>(value, point.args, wrt, report.error);
    if (failed(duals))
      return failure();
    point.results = std::move(*results);
    point.value = duals->value;
    point.duals = std::move(duals->gradients);
    if (std::isfinite(point.value) && areFinite(point.duals))
      break;
  }
  if (!std::isfinite(point.value) || !areFinite(point.duals))
    return fail(report, "found no point where '" + value.getSymName() + "' and its derivatives are finite");
  point.wide.clear();
  for (const Array<double> &array : point.args) {
    auto &wide = point.wide.emplace_back(Array<long double>{array.kind, array.shape, {}, array.ints});
    wide.reals.assign(array.reals.begin(), array.reals.end());
  }
  return success();
}

/// Central differences with steps h and h / 2, extrapolated, in long double: error O(h^4) besides rounding.
static LogicalResult difference(FuncOp value, Point &point, unsigned argument, int64_t element, long double h, Differences &result,
                                std::string &error) {
  long double &x = point.wide[argument].reals[element], at = x;
  auto valueAt = [&](long double where) -> FailureOr<long double> {
    x = where;
    auto results = evaluate<long double>(value, point.wide, error);
    x = at;
    if (failed(results))
      return failure();
    return (*results)[0].reals[0];
  };
  h *= std::fmax(1.0L, std::fabs(at));
  auto far = valueAt(at + h), near = valueAt(at + h / 2), here = valueAt(at), nearBefore = valueAt(at - h / 2), farBefore = valueAt(at - h);
  if (failed(far) || failed(near) || failed(here) || failed(nearBefore) || failed(farBefore))
    return failure();
  long double coarse = (*far - *farBefore) / (2 * h), fine = (*near - *nearBefore) / h;
  result.central = static_cast<double>((4 * fine - coarse) / 3);
  result.left = static_cast<double>((*here - *nearBefore) / (h / 2));
  result.right = static_cast<double>((*near - *here) / (h / 2));
  return success();
}

/// What stands for a difference where the function holds a `gradus.stop`, which a difference does not see: a complex
/// step, whose imaginary part ends there.
static LogicalResult complexStep(FuncOp value, const Point &point, unsigned argument, int64_t element, Differences &result, std::string &error) {
  using Complex = std::complex<double>;
  Arrays<Complex> args;
  for (const Array<double> &array : point.args) {
    auto &lifted = args.emplace_back(Array<Complex>{array.kind, array.shape, {}, array.ints});
    lifted.reals.assign(array.reals.begin(), array.reals.end());
  }
  const double step = 1e-30;
  args[argument].reals[element] += Complex(0, step);
  auto results = evaluate<Complex>(value, args, error);
  if (failed(results))
    return failure();
  result.left = result.right = result.central = (*results)[0].reals[0].imag() / step;
  return success();
}

static double largest(const Array<double> &array) {
  double most = 0;
  for (double x : array.reals)
    most = std::fmax(most, std::fabs(x));
  return most;
}

/// What errors of an element are relative to. NaN is farther off than anything.
static double relativeError(double got, double expected, double scale) {
  double error = std::fabs(got - expected) / std::fmax(scale, std::fabs(expected));
  return std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
}

static void keepWorst(WorstElement &worst, const WorstElement &next) {
  if (worst.argument.empty() || next.error > worst.error)
    worst = next;
}

static Shape indexOf(int64_t flat, const Shape &shape) {
  Shape index(shape.size(), 0);
  for (size_t axis = shape.size(); axis-- > 0; flat /= shape[axis])
    index[axis] = flat % shape[axis];
  return index;
}

/// Compares one gradient. A step that crosses a kink is halved away; exactly at a kink the derivative must lie between
/// the one-sided differences.
static LogicalResult compareGradient(FuncOp value, Point &point, const Pairing &pair, const Array<double> &dual,
                                     const GradientCheckOptions &options, GradientCheckReport &report) {
  const Array<double> &got = point.results[pair.result];
  bool stops = value.walk([](StopOp) { return WalkResult::interrupt(); }).wasInterrupted();
  // A derivative of one's own need not be that of the value: duals know it, differences do not.
  bool isOwn = value.walk([](CustomOp custom) { return custom->hasAttr("exact") ? WalkResult::advance() : WalkResult::interrupt(); }).wasInterrupted();
  double floor = std::fmax(0.01 * largest(dual), 1e-3 * std::fmax(1, std::fabs(point.value)));
  for (int64_t i = 0; i < got.size(); ++i) {
    ++report.elements;
    WorstElement element{value.getArgName(pair.argument).str(), indexOf(i, got.shape), got.reals[i], dual.reals[i], 0};
    element.error = relativeError(element.got, element.expected, floor);
    keepWorst(report.dual, element);
    if (isOwn)
      continue;
    for (long double h : {1e-4L, 1e-6L, 1e-8L}) {
      Differences differences;
      if (failed(stops ? complexStep(value, point, pair.argument, i, differences, report.error)
                       : difference(value, point, pair.argument, i, h, differences, report.error)))
        return failure();
      element.expected = differences.central;
      element.error = relativeError(element.got, element.expected, floor);
      if (element.error <= options.differenceTolerance)
        break;
      auto [low, high] = std::minmax(differences.left, differences.right);
      double slack = options.differenceTolerance * std::fmax(floor, std::fabs(high));
      bool isKink = h == 1e-8L && high - low > 2 * slack && low - slack <= element.got && element.got <= high + slack;
      report.kinks += isKink;
      element.error = isKink ? 0 : element.error;
    }
    keepWorst(report.difference, element);
  }
  return success();
}

/// The value that comes with the gradients is the value.
static void compareValue(const Point &point, GradientCheckReport &report) {
  double got = point.results[0].reals[0];
  keepWorst(report.dual, {"value", {}, got, point.value, relativeError(got, point.value, 1)});
}

/// An argument whose fixed dimensions alone are more than a check can try, by name; empty if there is none.
static std::string findTooLarge(FuncOp func) {
  constexpr int64_t most = int64_t(1) << 20;
  for (unsigned i = 0; i < func.getNumArguments(); ++i) {
    int64_t count = 1;
    for (Attribute dim : llvm::cast<ArrayType>(func.getArgumentTypes()[i]).getShape())
      if (auto size = llvm::dyn_cast<IntegerAttr>(dim))
        if (__builtin_mul_overflow(count, size.getInt(), &count) || count > most)
          return func.getArgName(i).str();
  }
  return "";
}

GradientCheckReport reference::checkGradients(FuncOp value, FuncOp withGradients, const GradientCheckOptions &options) {
  GradientCheckReport report;
  if (std::string name = findTooLarge(value); !name.empty()) {
    report.error = "'" + name + "' has more than 2^20 elements; give it dimensions with names, or check types alone by --no-gradients";
    return report;
  }
  SmallVector<Pairing> pairs;
  if (failed(pairResults(value, withGradients, pairs, report)))
    return report;
  for (unsigned k = 0; k < options.points; ++k) {
    Point point;
    if (failed(findPoint(value, withGradients, pairs, options.seed + k, options, point, report)))
      return report;
    compareValue(point, report);
    for (auto [pair, dual] : llvm::zip(pairs, point.duals))
      if (failed(compareGradient(value, point, pair, dual, options, report)))
        return report;
  }
  report.passed = report.difference.error <= options.differenceTolerance && report.dual.error <= options.dualTolerance;
  return report;
}
