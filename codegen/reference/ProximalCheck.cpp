//===- ProximalCheck.cpp - Is a prox the point where its function is least? ----===//

#include "codegen/reference/ProximalCheck.h"

#include "codegen/reference/RandomPoint.h"
#include "dialect/Gradus.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

using Real = long double;
using Point = Array<Real>;

namespace {
/// Numbers by the generator's bits alone: the library's distributions differ between vendors.
class Random {
public:
  explicit Random(uint64_t seed) : bits(seed) {}
  double uniform() { return (static_cast<double>(bits() >> 11) + 0.5) * 0x1p-53; }
  double normal() { return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * M_PI * uniform()); }

private:
  std::mt19937_64 bits;
};
} // namespace

/// Arguments to try: x of any sign and size, numbers positive and off their defaults where an interval does not say otherwise.
static Arrays<Real> drawArguments(FuncOp value, uint64_t seed, Random &random) {
  Arrays<Real> args;
  for (auto [index, array] : llvm::enumerate(makeRandomPoint(value, {seed, false, {}}))) {
    Point lifted{array.kind, array.shape, {}, array.ints};
    double scale = index == 0 ? std::exp(random.normal()) : 1;
    auto interval = value.getArgAttrOfType<IntervalAttr>(index, "gradus.interval");
    for (double x : array.reals) {
      if (index > 0 && array.shape.empty()) {
        double other = value.getArgAttr(index, "gradus.default") ? x * (0.5 + random.uniform()) : std::fabs(x) + 0.1;
        x = interval && !interval.contains(other) ? x : other;
      }
      lifted.reals.push_back(scale * x);
    }
    args.push_back(std::move(lifted));
  }
  return args;
}

/// Points around `at`: along each axis and in random directions, far and near, with few and with many elements moved.
static std::vector<Point> drawAround(const Point &at, Random &random) {
  std::vector<Point> points;
  auto move = [&](double size, auto direction) {
    Point &point = points.emplace_back(at);
    for (int64_t i = 0; i < at.size(); ++i)
      point.reals[i] += size * direction(i);
  };
  for (double size = 1; size > 1e-7; size /= 10) {
    for (int64_t axis = 0; axis < std::min<int64_t>(at.size(), 64); ++axis)
      for (int sign : {-1, 1})
        move(size, [&](int64_t i) { return i == axis ? sign : 0; });
    for (unsigned k = 0; k < 8; ++k) {
      double density = k % 2 ? 0.3 : 1;
      move(size, [&](int64_t) { return random.uniform() < density ? random.normal() : 0; });
    }
    for (int sign : {-1, 1})
      move(size, [&](int64_t i) { return sign * static_cast<double>(at.reals[i]); });
  }
  return points;
}

static Real squaredDistance(const Point &a, const Point &b) {
  Real sum = 0;
  for (auto [x, y] : llvm::zip_equal(a.reals, b.reals))
    sum += (x - y) * (x - y);
  return sum;
}

static LogicalResult fail(ProximalCheckReport &report, const Twine &reason) {
  report.error = reason.str();
  return failure();
}

/// What `func` gives at x with the other arguments as they are.
static FailureOr<Point> valueAt(FuncOp func, const Point &x, Arrays<Real> args, ProximalCheckReport &report) {
  args.front() = x;
  auto results = evaluate<Real>(func, args, report.error);
  if (failed(results))
    return failure();
  Point &found = results->front();
  if (found.shape != x.shape)
    return fail(report, "it gives an array of another shape than the point");
  if (llvm::any_of(found.reals, [](Real element) { return !std::isfinite(element); }))
    return fail(report, "it gives a point that is not finite");
  return std::move(found);
}

static std::string format(double number) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.3g", number);
  return text;
}

static constexpr double tolerance = 1e-11;

static LogicalResult keep(ProximalCheckReport &report, Real better, Real scale, const Twine &reason) {
  ++report.competitors;
  double gain = static_cast<double>(better / std::fmax(Real(1), std::fabs(scale)));
  report.worst = std::fmax(report.worst, gain);
  return gain <= tolerance ? success() : fail(report, reason + " is less by " + format(gain));
}

static LogicalResult checkPoint(FuncOp value, FuncOp objective, const Arrays<Real> &args, Random &random, ProximalCheckReport &report) {
  const Point &x = args.front();
  FailureOr<Point> p = valueAt(value, x, args, report);
  if (failed(p))
    return failure();
  std::vector<Point> others = drawAround(*p, random), far = drawAround(x, random);
  others.insert(others.end(), far.begin(), far.end());
  others.push_back(x);
  others.push_back(Point::zeros(Kind::Real, x.shape));
  if (objective) {
    auto costOf = [&](const Point &z) -> FailureOr<Real> {
      Arrays<Real> all{z};
      all.insert(all.end(), args.begin(), args.end());
      auto results = evaluate<Real>(objective, all, report.error);
      return failed(results) ? FailureOr<Real>(failure()) : FailureOr<Real>((*results)[0].reals[0]);
    };
    FailureOr<Real> least = costOf(*p);
    if (failed(least))
      return failure();
    for (const Point &other : others) {
      FailureOr<Real> cost = costOf(other);
      if (failed(cost) || failed(keep(report, *least - *cost, *least, "step * of(z) + |z - x|^2 / 2 at another z")))
        return failure();
    }
    return success();
  }
  FailureOr<Point> again = valueAt(value, *p, args, report);
  if (failed(again))
    return failure();
  if (Real moved = squaredDistance(*p, *again), size = squaredDistance(*p, Point::zeros(Kind::Real, p->shape)); moved > 1e-18L * std::fmax(Real(1), size))
    return fail(report, "it moves a point that it has given, by " + format(std::sqrt(static_cast<double>(moved))));
  Real nearest = squaredDistance(*p, x);
  for (const Point &other : others) {
    FailureOr<Point> inside = valueAt(value, other, args, report);
    if (failed(inside) || failed(keep(report, nearest - squaredDistance(*inside, x), nearest, "the squared distance to another point of the set")))
      return failure();
  }
  return success();
}

ProximalCheckReport reference::checkProximal(FuncOp value, FuncOp objective, const ProximalCheckOptions &options) {
  ProximalCheckReport report;
  for (unsigned k = 0; k < options.points; ++k) {
    Random random(options.seed * 1000 + k);
    if (failed(checkPoint(value, objective, drawArguments(value, options.seed * 1000 + k, random), random, report)))
      return report;
  }
  report.passed = true;
  return report;
}
