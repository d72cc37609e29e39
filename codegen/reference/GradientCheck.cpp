//===- GradientCheck.cpp - Gradients against forward mode, differences and complex steps ---===//

#include "codegen/reference/GradientCheck.h"
#include "codegen/reference/Slopes.h"
#include "dialect/Gradus.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

namespace {

/// A result of the gradient function and the argument that it differentiates in.
struct Pairing {
  unsigned result;
  unsigned argument;
};

/// Where a gradient is tried.
enum class Place { Random, Given, Zero, Equal, Signs, Small, Large };

/// What is known at one point.
struct Point {
  Place place = Place::Random;
  Arrays<double> args;
  Arrays<long double> wide;                   ///< the same numbers
  Arrays<std::complex<double>> complex;       ///< the same numbers
  double value = 0;
  Arrays<double> results;                     ///< of the gradient function
  Arrays<double> duals;                       ///< the gradients by dual numbers
  Surroundings surroundings;                  ///< once they were asked for
};

/// One check.
class Check {
public:
  Check(FuncOp value, FuncOp withGradients, const GradientCheckOptions &options) : value(value), withGradients(withGradients), options(options) {}
  GradientCheckReport run();

private:
  LogicalResult fail(const Twine &reason);
  LogicalResult pairResults();
  LogicalResult evaluateAt(Point &point);
  LogicalResult findPoint(unsigned number, Point &point);
  LogicalResult tryPoint(Point &point);
  LogicalResult tryBoundaries();
  LogicalResult compareGradient(Point &point, size_t which);
  /// The element of a gradient at `flat`, in row-major order.
  LogicalResult compareElement(Point &point, size_t which, int64_t flat, WorstElement element, double floor);
  LogicalResult compareWay(Point &point, const Way &way);
  using Differ = llvm::function_ref<FailureOr<Differences>(long double h)>;
  using Between = llvm::function_ref<bool(double slack, bool jumps)>;
  LogicalResult compareDifference(Point &point, WorstElement element, double floor, Differ differ, Between liesBetween);
  void compareComplex(Point &point, size_t which, int64_t flat, WorstElement element, double floor);
  /// Against dual numbers.
  double toleranceAt(Place place) const { return place == Place::Random ? options.dualTolerance : options.boundaryTolerance; }
  Way wayAlongSets(const Point &point);
  bool liesBetween(Point &point, size_t which, int64_t flat, double got, double slack, bool jumps);
  void keepWorst(WorstElement &worst, const WorstElement &next, double tolerance, const Point &point);
  bool isFinite(const Point &point) const;

  FuncOp value, withGradients;
  const GradientCheckOptions &options;
  GradientCheckReport report;
  SmallVector<Pairing> pairs;
  SmallVector<unsigned> wrt;
  bool stops = false, isOwn = false, isNested = false;
};

} // namespace

static StringRef describe(Place place) {
  switch (place) {
  case Place::Random: return "at random";
  case Place::Given: return "at the given point";
  case Place::Zero: return "at 0";
  case Place::Equal: return "where all is equal";
  case Place::Signs: return "at 1 and -1";
  case Place::Small: return "near 0";
  case Place::Large: return "far from 0";
  }
  return "";
}

LogicalResult Check::fail(const Twine &reason) {
  report.error = reason.str();
  return failure();
}

LogicalResult Check::pairResults() {
  if (value.getArgumentTypes() != withGradients.getArgumentTypes())
    return fail("the gradient function takes other arguments than '" + value.getSymName() + "'");
  for (unsigned i = 0; i < withGradients.getNumResults(); ++i) {
    if (withGradients.getResultRole(i) != Role::Grad)
      continue;
    StringRef name = withGradients.getResultName(i);
    name.consume_front("grad_");
    int64_t argument = findArgument(value, name);
    if (argument < 0 || value.getArgumentTypes()[argument] != withGradients.getResultTypes()[i])
      return fail("the result '" + withGradients.getResultName(i) + "' is no gradient in an argument of '" + value.getSymName() + "'");
    pairs.push_back({i, static_cast<unsigned>(argument)});
    wrt.push_back(argument);
  }
  return pairs.empty() ? fail("there is no gradient to check") : success();
}

//===----------------------------------------------------------------------===//
// Points
//===----------------------------------------------------------------------===//

static bool areFinite(const Arrays<double> &arrays) {
  return llvm::all_of(arrays, [](const Array<double> &array) { return llvm::all_of(array.reals, [](double x) { return std::isfinite(x); }); });
}

bool Check::isFinite(const Point &point) const { return std::isfinite(point.value) && areFinite(point.duals); }

LogicalResult Check::evaluateAt(Point &point) {
  auto results = evaluate<double>(withGradients, point.args, report.error, 0, options.sizes);
  if (failed(results))
    return failure();
  point.results = std::move(*results);
  if (options.isIterative) {
    point.value = point.results[0].reals[0];
    for (const Pairing &pair : pairs)
      point.duals.push_back(point.results[pair.result]);
  } else {
    auto duals = evaluateGradients<double>(value, point.args, wrt, report.error);
    if (failed(duals))
      return failure();
    point.value = duals->value;
    point.duals = std::move(duals->gradients);
  }
  point.wide = liftPoint<long double>(point.args);
  point.complex = liftPoint<std::complex<double>>(point.args);
  return success();
}

/// A point where value and derivatives are finite; some functions have none but for positive arguments.
LogicalResult Check::findPoint(unsigned number, Point &point) {
  for (unsigned attempt = 0; attempt < 8; ++attempt) {
    point.args = makeRandomPoint(value, {(options.seed + number) * 8 + attempt, attempt >= 4, options.sizes, options.sets});
    if (failed(evaluateAt(point)))
      return failure();
    if (isFinite(point))
      return success();
  }
  return fail("found no point where '" + value.getSymName() + "' and its derivatives are finite");
}

/// One element of a point where kinks, ties or rounding show; `normal` is that of a random point.
static double placeElement(Place place, int64_t i, double normal) {
  switch (place) {
  case Place::Zero: return 0;
  case Place::Equal: return 0.75;
  case Place::Signs: return i % 2 ? -1 : 1;
  case Place::Small: return 1e-6 * normal;
  case Place::Large: return 1e3 * normal;
  case Place::Random:
  case Place::Given: break;
  }
  return normal;
}

/// The points that a random one never hits. A function need not be finite there.
LogicalResult Check::tryBoundaries() {
  for (Place place : {Place::Zero, Place::Equal, Place::Signs, Place::Small, Place::Large}) {
    Point point;
    point.place = place;
    point.args = makeRandomPoint(value, {options.seed * 8, false, options.sizes});
    int64_t i = 0;
    for (unsigned index : wrt)
      for (double &x : point.args[index].reals)
        if (auto interval = value.getArgAttrOfType<IntervalAttr>(index, "gradus.interval"); !interval || interval.contains(placeElement(place, i, x)))
          x = placeElement(place, i++, x);
    if (auto nearest = options.sets ? takeToSets<double>(options.sets, value, point.args, report.error) : point.args; succeeded(nearest))
      point.args = std::move(*nearest);
    bool isThere = succeeded(evaluateAt(point)) && isFinite(point);
    report.error.clear();
    if (!isThere)
      ++report.skipped;
    else if (failed(tryPoint(point)))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

static double largest(const Array<double> &array) {
  double most = 0;
  for (double x : array.reals)
    most = std::fmax(most, std::fabs(x));
  return most;
}

/// What errors of an element are relative to. NaN is farther off than anything. A gradient is rounded to what its argument is `kept` in, which is no error.
static double relativeError(double got, double expected, double scale, Type kept = {}) {
  // Half of the distance between numbers of 16 bits there.
  if (auto element = dyn_cast_or_null<FloatType>(kept); element && element.getWidth() == 16) {
    const llvm::fltSemantics &semantics = element.getFloatSemantics();
    double least = std::ldexp(1.0, llvm::APFloat::semanticsMinExponent(semantics));
    if (std::fabs(got - expected) <= std::ldexp(std::fmax(std::fabs(expected), least), -static_cast<int>(llvm::APFloat::semanticsPrecision(semantics))))
      return 0;
  }
  double error = std::fabs(got - expected) / std::fmax(scale, std::fabs(expected));
  return std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
}

void Check::keepWorst(WorstElement &worst, const WorstElement &next, double tolerance, const Point &point) {
  if (!worst.argument.empty() && next.error <= worst.error)
    return;
  worst = next;
  worst.point = describe(point.place).str();
  if (next.error > tolerance)
    report.at = point.args;
}

static Shape indexOf(int64_t flat, const Shape &shape) {
  Shape index(shape.size(), 0);
  for (size_t axis = shape.size(); axis-- > 0; flat /= shape[axis])
    index[axis] = flat % shape[axis];
  return index;
}

/// Whether a derivative that no difference gives lies between those around the point: it is at a kink, or the value `jumps` there.
bool Check::liesBetween(Point &point, size_t which, int64_t flat, double got, double slack, bool jumps) {
  for (unsigned pairs : {6, 30}) { // where many elements are tied, few points around choose this one
    if (point.surroundings.pairs < pairs)
      point.surroundings = lookAround(value, point.args, wrt, options.seed, pairs);
    if (point.surroundings.least.empty())
      return false;
    double low = point.surroundings.least[which].reals[flat], high = point.surroundings.largest[which].reals[flat];
    if ((jumps || high - low > 2 * slack) && low - slack <= got && got <= high + slack)
      return true;
  }
  return false;
}

/// A step that crosses a kink is halved away; exactly at a kink the derivative must lie between the one-sided differences, or between the
/// derivatives around.
LogicalResult Check::compareDifference(Point &point, WorstElement element, double floor, Differ differ, Between isAround) {
  static constexpr long double shortSteps[] = {1e-4L, 1e-6L, 1e-8L}, longSteps[] = {1e-2L, 1e-3L, 1e-4L};
  WorstElement best = element;
  best.error = std::numeric_limits<double>::infinity();
  double before = 0;
  for (long double h : options.hasLongSteps ? longSteps : shortSteps) {
    auto differences = differ(h);
    if (failed(differences))
      return failure();
    element.expected = differences->central;
    element.error = relativeError(element.got, element.expected, floor, element.kept);
    if (element.error <= best.error || !options.hasLongSteps)
      best = element;
    if (element.error <= options.differenceTolerance)
      break;
    auto [low, high] = std::minmax(differences->left, differences->right);
    double slack = options.differenceTolerance * std::fmax(floor, std::fabs(high));
    bool isLast = h == 1e-8L, isKink = isLast && high - low > 2 * slack && low - slack <= element.got && element.got <= high + slack;
    bool jumps = std::fabs(differences->central) > 10 * std::fmax(std::fabs(before), floor);
    if (isLast && !isKink)
      isKink = isAround(options.differenceTolerance * std::fmax(floor, std::fabs(element.got)), jumps);
    report.kinks += isKink;
    best.error = isKink ? 0 : best.error;
    before = differences->central;
  }
  keepWorst(report.difference, best, options.differenceTolerance, point);
  return success();
}

LogicalResult Check::compareElement(Point &point, size_t which, int64_t flat, WorstElement element, double floor) {
  auto differ = [&](long double h) { return differenceAt(value, point.wide, pairs[which].argument, flat, h, options.sizes, report.error); };
  return compareDifference(point, element, floor, differ, [&](double slack, bool jumps) { return liesBetween(point, which, flat, element.got, slack, jumps); });
}

/// The gradient, times the way of the arguments, against the value along it.
LogicalResult Check::compareWay(Point &point, const Way &way) {
  Arrays<long double> origin = liftPoint<long double>(way.origin), args = point.wide;
  // Only what is differentiated in moves.
  auto follow = [&]() -> LogicalResult {
    auto moved = way.follow(origin, report.error);
    if (failed(moved))
      return failure();
    for (const Pairing &pair : pairs)
      args[pair.argument].reals = (*moved)[pair.argument].reals;
    return success();
  };
  for (size_t k = 0; k < origin.size(); ++k) {
    int64_t count = origin[k].reals.size(), stride = options.mostElements > 0 ? std::max<int64_t>(1, count / options.mostElements) : 1;
    for (int64_t i = 0; i < count; i += stride) {
      long double &x = origin[k].reals[i], at = x;
      auto gradientAt = [&](long double where) -> FailureOr<long double> {
        x = where;
        LogicalResult isThere = follow();
        x = at;
        long double sum = 0;
        for (const Pairing &pair : pairs)
          for (auto [g, y, still] : llvm::zip_equal(point.results[pair.result].reals, args[pair.argument].reals, point.wide[pair.argument].reals))
            sum += g * (y - still);
        return failed(isThere) ? FailureOr<long double>(failure()) : sum;
      };
      bool hasMoved = false;
      auto valueAt = [&](long double where) -> FailureOr<long double> {
        if (failed(gradientAt(where)))
          return failure();
        for (const Pairing &pair : pairs)
          hasMoved |= args[pair.argument].reals != point.wide[pair.argument].reals;
        auto results = evaluate<long double>(value, args, report.error, 0, options.sizes);
        return failed(results) ? FailureOr<long double>(failure()) : (*results)[0].reals[0];
      };
      auto slope = differenceOf(gradientAt, at, 1e-4L);
      if (failed(slope) || failed(valueAt(at + 1e-4L)))
        return failure();
      if (!hasMoved)
        continue;
      ++report.elements;
      WorstElement element{way.names[k], indexOf(i, way.origin[k].shape), slope->central, 0, 0, "", {}};
      double floor = std::fmax(0.01 * std::fabs(slope->central), 1e-3 * std::fmax(1, std::fabs(point.value)));
      auto differ = [&](long double h) { return differenceOf(valueAt, at, h); };
      if (failed(compareDifference(point, element, floor, differ, [](double, bool) { return false; })))
        return failure();
    }
  }
  return success();
}

void Check::compareComplex(Point &point, size_t which, int64_t flat, WorstElement element, double floor) {
  if (!report.complexError.empty())
    return;
  auto slope = complexStepAt(value, point.complex, pairs[which].argument, flat, options.sizes, report.complexError);
  if (failed(slope) || !std::isfinite(*slope)) // NaN: the continuation has no value there
    return;
  element.expected = *slope;
  element.error = relativeError(element.got, element.expected, floor, element.kept);
  keepWorst(report.complex, element, options.complexTolerance, point);
}

/// A square matrix that is its transpose.
static bool isSymmetric(const Array<double> &array) {
  if (array.shape.size() != 2 || array.shape[0] != array.shape[1])
    return false;
  for (int64_t i = 0, n = array.shape[0]; i < n; ++i)
    for (int64_t j = 0; j < i; ++j)
      if (array.reals[i * n + j] != array.reals[j * n + i])
        return false;
  return true;
}

/// Compares one gradient.
LogicalResult Check::compareGradient(Point &point, size_t which) {
  const Pairing &pair = pairs[which];
  const Array<double> &got = point.results[pair.result], &dual = point.duals[which];
  double floor = std::fmax(0.01 * largest(dual), 1e-3 * std::fmax(1, std::fabs(point.value)));
  bool isInside = point.place == Place::Random || point.place == Place::Given;
  // At the boundaries what counts is that there is an element of each kind; kinks cost many evaluations.
  int64_t most = isInside ? options.mostElements : 8, stride = most > 0 ? std::max<int64_t>(1, got.size() / most) : 1;
  Type kept = cast<ArrayType>(withGradients.getResultTypes()[pair.result]).getElementType();
  for (int64_t i = 0; i < got.size(); ++i) {
    report.elements += !options.isIterative || !options.way;
    WorstElement element{value.getArgName(pair.argument).str(), indexOf(i, got.shape), got.reals[i], dual.reals[i], 0, "", kept};
    element.error = relativeError(element.got, element.expected, floor, element.kept);
    report.isFlat &= dual.reals[i] == 0;
    double tolerance = toleranceAt(point.place);
    if (!options.isIterative && (element.error > tolerance || isInside))
      keepWorst(report.dual, element, tolerance, point);
    // A solver may be one of symmetric matrices: one element off the diagonal leads out of what it solves.
    bool leadsOut = options.isIterative && isSymmetric(point.args[pair.argument]) && i % (point.args[pair.argument].shape[0] + 1) != 0;
    if (isOwn || i % stride || leadsOut)
      continue;
    if (!stops && !options.sets && !options.way && failed(compareElement(point, which, i, element, floor)))
      return failure();
    // A gradient inside of the value makes dual numbers over complex ones of it.
    if (isInside && !options.isIterative && (!isNested || i % std::max<int64_t>(1, got.size() / 8) == 0))
      compareComplex(point, which, i, element, floor);
  }
  return success();
}

/// Each argument moves along its set, while the others stay.
Way Check::wayAlongSets(const Point &point) {
  Way way(value, point.args);
  way.follow = [this, &point](const Arrays<long double> &args, std::string &error) -> FailureOr<Arrays<long double>> {
    auto nearest = takeToSets<long double>(options.sets, value, args, error);
    for (unsigned i = 0; succeeded(nearest) && i < args.size(); ++i)
      if (args[i].reals == point.wide[i].reals)
        (*nearest)[i] = point.wide[i];
    return nearest;
  };
  return way;
}

LogicalResult Check::tryPoint(Point &point) {
  // The value that comes with the gradients is the value.
  double got = point.results[0].reals[0], error = relativeError(got, point.value, 1), tolerance = toleranceAt(point.place);
  if (!options.isIterative && (error > tolerance || point.place == Place::Random))
    keepWorst(report.dual, {"value", {}, got, point.value, error, ""}, tolerance, point);
  for (size_t which = 0; which < pairs.size(); ++which)
    if (failed(compareGradient(point, which)))
      return failure();
  bool isInside = point.place == Place::Random || point.place == Place::Given;
  if (isOwn || stops || !isInside)
    return success();
  if (options.way)
    return compareWay(point, *options.way);
  return options.sets ? compareWay(point, wayAlongSets(point)) : success();
}

GradientCheckReport Check::run() {
  if (std::string name = findTooLarge(value); !name.empty()) {
    report.error = "'" + name + "' has more than 2^20 elements; give it dimensions with names, or check types alone by --no-gradients";
    return report;
  }
  if (failed(pairResults()))
    return report;
  stops = static_cast<bool>(findStop(value.getBody()));
  isNested = value.walk([](GradOp) { return WalkResult::interrupt(); }).wasInterrupted();
  // A derivative of one's own need not be that of the value: duals know it, differences do not.
  // What a solver gives has it by long steps.
  isOwn = value.walk([&](CustomOp custom) {
    bool isOfValue = custom->hasAttr("exact") || (options.hasLongSteps && !custom->hasAttr("names"));
    return isOfValue ? WalkResult::advance() : WalkResult::interrupt();
  }).wasInterrupted();
  isOwn &= !options.isIterative;
  report.isOfDuals = isOwn;
  for (const Arrays<double> &args : options.given) {
    Point point;
    point.place = Place::Given;
    point.args = args;
    if (failed(evaluateAt(point)) || (isFinite(point) && failed(tryPoint(point))))
      return report;
    report.skipped += !isFinite(point);
  }
  for (unsigned k = 0; options.given.empty() && k < options.points; ++k) {
    Point point;
    if (failed(findPoint(k, point)) || failed(tryPoint(point)))
      return report;
  }
  if (options.atBoundaries && failed(tryBoundaries()))
    return report;
  bool isCompared = !report.dual.argument.empty() || !report.difference.argument.empty();
  if (!isCompared) {
    report.error = stops && report.skipped == 0 ? "only differences tell here, and a 'stop' or a tolerance that is a number makes others of them"
                                                : "the value or a derivative is not finite there";
    return report;
  }
  bool isNear = std::fmax(report.dual.error / (report.dual.point == "at random" ? options.dualTolerance : options.boundaryTolerance), report.difference.error / options.differenceTolerance) <= 1;
  report.passed = isNear && report.complex.error <= options.complexTolerance;
  return report;
}

StopOp reference::findStop(Region &region) {
  StopOp found;
  region.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<CustomOp>(op))
      return WalkResult::skip();
    auto stop = dyn_cast<StopOp>(op);
    if (!stop || stop.getX().getDefiningOp<ConstantOp>())
      return WalkResult::advance();
    found = stop;
    return WalkResult::interrupt();
  });
  return found;
}

std::string reference::findTooLarge(FuncOp func) {
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
  return Check(value, withGradients, options).run();
}
