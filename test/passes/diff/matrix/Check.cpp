//===- Check.cpp - The derivatives of a program against each other --------------===//

#include "Check.h"

#include "llvm/Support/FormatVariadic.h"

#include <complex>

using namespace mlir;

namespace gradus::matrix {

/// Relative errors: against central differences in long double, against a complex step, and of one mode against another.
static constexpr double differenceTolerance = 1e-6, complexTolerance = 1e-9, modeTolerance = 1e-12;

using Flat = std::vector<double>;

static Flat flatten(const Doubles &arrays) {
  Flat all;
  for (const auto &array : arrays)
    all.insert(all.end(), array.reals.begin(), array.reals.end());
  return all;
}

/// Arrays of the shapes of `model` with these elements.
static Doubles unflatten(const Doubles &model, const Flat &elements) {
  Doubles arrays = model;
  size_t at = 0;
  for (auto &array : arrays)
    for (double &x : array.reals)
      x = elements[at++];
  return arrays;
}

template <typename S>
static Arrays<S> lift(const Doubles &arrays) {
  Arrays<S> lifted;
  for (const auto &array : arrays)
    lifted.push_back({array.kind, array.shape, std::vector<S>(array.reals.begin(), array.reals.end()), array.ints});
  return lifted;
}

template <typename S>
static S &elementOf(Arrays<S> &arrays, size_t index) {
  size_t k = 0;
  for (; index >= arrays[k].reals.size(); ++k)
    index -= arrays[k].reals.size();
  return arrays[k].reals[index];
}

static Doubles joined(std::initializer_list<Doubles> lists) {
  Doubles all;
  for (const Doubles &list : lists)
    all.insert(all.end(), list.begin(), list.end());
  return all;
}

static Flat ones(size_t count, size_t at) {
  Flat seed(count, 0.0);
  seed[at] = 1;
  return seed;
}
/// Numbers without a pattern, of both signs.
static Flat dense(size_t count) {
  Flat seed;
  for (size_t k = 0; k < count; ++k)
    seed.push_back(std::cos(1.0 + 2.7 * k) + (k % 2 ? 0.4 : -0.3));
  return seed;
}
static bool isZero(const Flat &numbers) {
  return llvm::all_of(numbers, [](double x) { return x == 0; });
}

/// The derivative of a function of real arrays in the direction that moves the elements from `first` on by `u`.
static Flat differenceAlong(const Function &f, const Doubles &args, const Flat &u) {
  auto at = [&](long double step) {
    Arrays<long double> moved = lift<long double>(args);
    for (size_t k = 0; k < u.size(); ++k)
      elementOf(moved, k) += step * u[k];
    std::vector<long double> all;
    for (const auto &array : f(moved))
      all.insert(all.end(), array.reals.begin(), array.reals.end());
    return all;
  };
  const long double h = 1e-4L;
  auto far = at(h), near = at(h / 2), nearBefore = at(-h / 2), farBefore = at(-h);
  Flat result;
  for (size_t i = 0; i < far.size(); ++i) // extrapolated: error O(h^4)
    result.push_back(static_cast<double>((4 * (near[i] - nearBefore[i]) / h - (far[i] - farBefore[i]) / (2 * h)) / 3));
  return result;
}

static Flat complexStepAlong(const Function &f, const Doubles &args, const Flat &u) {
  using Complex = std::complex<double>;
  const double step = 1e-30;
  Arrays<Complex> moved = lift<Complex>(args);
  for (size_t k = 0; k < u.size(); ++k)
    elementOf(moved, k) += Complex(0, step * u[k]);
  Flat result;
  for (const auto &array : f(moved))
    for (Complex y : array.reals)
      result.push_back(y.imag() / step);
  return result;
}

//===----------------------------------------------------------------------===//
// One program
//===----------------------------------------------------------------------===//

Check::Check(MLIRContext &context, const Program &program)
    : context(context), program(program), map(mapOf(program)), value(context, map), transposedByDuals(context, transposedDerivative(map)),
      twiceByDuals(context, transposedDerivative(transposedDerivative(map))) {}

void Check::compare(const std::string &what, const Doubles &got, const Flat &expected, double tolerance, Findings &findings) {
  Flat numbers = flatten(got);
  double largest = 0;
  for (double x : expected)
    largest = std::fmax(largest, std::isfinite(x) ? std::fabs(x) : 0);
  for (size_t i = 0; i < expected.size(); ++i) {
    bool isSame = numbers[i] == expected[i] || (std::isnan(numbers[i]) && std::isnan(expected[i]));
    double error = std::fabs(numbers[i] - expected[i]) / std::fmax(std::fabs(expected[i]), std::fmax(0.01 * largest, 1e-3));
    if (isSame || error <= tolerance)
      continue;
    findings.push_back(llvm::formatv("{0}: {1}: element {2} is {3:f15}, expected {4:f15}, relative error {5:e2}", program.name, what, i, numbers[i],
                                     expected[i], error));
    return;
  }
}

void Check::findJacobian(const Doubles &x) {
  results = value(x);
  jacobian = {};
  size_t count = flatten(x).size();
  for (size_t column = 0; column < count; ++column) {
    if (program.isSeenByDifferences)
      jacobian.byDifferences.push_back(differenceAlong(value, x, ones(count, column)));
    jacobian.byComplexStep.push_back(complexStepAlong(value, x, ones(count, column)));
  }
}

/// sum over the results of J[.., column] v
static Flat timesTransposed(const std::vector<Flat> &columns, const Flat &v) {
  Flat result;
  for (const Flat &column : columns) {
    result.push_back(0);
    for (auto [d, t] : llvm::zip_equal(column, v))
      result.back() += t == 0 ? 0 : d * t;
  }
  return result;
}
static Flat times(const std::vector<Flat> &columns, const Flat &u, size_t rows) {
  Flat result(rows, 0.0);
  for (auto [column, t] : llvm::zip_equal(columns, u))
    for (auto [y, d] : llvm::zip_equal(result, column))
      y += t == 0 ? 0 : d * t;
  return result;
}

void Check::compareTransposed(const Function &derivative, const Doubles &x, const Doubles &v, Findings &findings) {
  Doubles got = derivative(joined({x, v}));
  Flat seeds = flatten(v);
  if (isZero(seeds))
    return compare("vjp of no seed", got, Flat(flatten(x).size(), 0.0), 0, findings);
  if (program.isSeenByDifferences)
    compare("vjp against differences", got, timesTransposed(jacobian.byDifferences, seeds), differenceTolerance, findings);
  compare("vjp against the complex step", got, timesTransposed(jacobian.byComplexStep, seeds), complexTolerance, findings);
  compare("vjp against dual numbers", got, flatten(transposedByDuals(joined({x, v}))), modeTolerance, findings);
}

void Check::compareForward(const Function &derivative, const Doubles &x, const Doubles &u, Findings &findings) {
  Doubles got = derivative(joined({x, u}));
  Flat seeds = flatten(u);
  size_t rows = flatten(results).size();
  if (isZero(seeds))
    return compare("jvp of no seed", got, Flat(rows, 0.0), 0, findings);
  if (program.isSeenByDifferences)
    compare("jvp against differences", got, times(jacobian.byDifferences, seeds, rows), differenceTolerance, findings);
  compare("jvp against the complex step", got, times(jacobian.byComplexStep, seeds, rows), complexTolerance, findings);
}

/// The transposed derivative of each unit vector: its elements are the columns of a table whose rows are inputs, given the other way round.
static std::vector<Flat> collectColumns(const Function &transposed, const Doubles &x, const Doubles &results) {
  size_t rows = flatten(results).size();
  std::vector<Flat> columns(flatten(x).size(), Flat(rows));
  for (size_t row = 0; row < rows; ++row)
    for (auto [column, d] : llvm::zip_equal(columns, flatten(transposed(joined({x, unflatten(results, ones(rows, row))})))))
      column[row] = d;
  return columns;
}

/// Dense, one by one, none.
static std::vector<Flat> makeSeeds(size_t count) {
  std::vector<Flat> seeds{dense(count), Flat(count, 0.0)};
  for (size_t k = 0; k < count; ++k)
    seeds.push_back(ones(count, k));
  return seeds;
}

void Check::checkFirst(const Doubles &x, Findings &findings) {
  findJacobian(x);
  for (const Flat &v : makeSeeds(flatten(results).size()))
    compareTransposed(*transposed, x, unflatten(results, v), findings);
  std::vector<Flat> columns = collectColumns(*transposed, x, results);
  for (const Function &derivative : forward)
    for (const Flat &u : makeSeeds(columns.size())) {
      compareForward(derivative, x, unflatten(x, u), findings);
      compare("jvp against vjp", derivative(joined({x, unflatten(x, u)})), times(columns, u, flatten(results).size()), modeTolerance, findings);
    }
}

void Check::checkSecond(const Doubles &x, const Doubles &v, const Doubles &u, Findings &findings) {
  Doubles both = (*transposedTwice)(joined({x, v, u})), inX(both.begin(), both.begin() + x.size()), inV(both.begin() + x.size(), both.end());
  Flat seeds = flatten(u);
  bool isNothing = isZero(seeds) || isZero(flatten(v));
  Flat zeros(seeds.size(), 0.0);
  compare("vjp of vjp, in the seeds", inV, times(jacobian.byComplexStep, seeds, flatten(results).size()), complexTolerance, findings);
  Flat expected = isNothing ? zeros : complexStepAlong(*transposed, joined({x, v}), seeds);
  compare("vjp of vjp against the complex step of vjp", inX, expected, isNothing ? 0 : complexTolerance, findings);
  if (program.isSeenByDifferences && !isNothing)
    compare("vjp of vjp against differences of vjp", inX, differenceAlong(*transposed, joined({x, v}), seeds), differenceTolerance, findings);
  for (const Function &derivative : second) {
    Doubles product = derivative(joined({x, v, u}));
    compare("hvp against the complex step of vjp", product, expected, isNothing ? 0 : complexTolerance, findings);
    compare("hvp against vjp of vjp", product, flatten(inX), modeTolerance, findings);
  }
}

/// Where the two sides of a kink differ, all modes take the side that the dialect says: that of dual numbers.
void Check::checkBoundary(const Doubles &x, Findings &findings) {
  results = value(x);
  for (const Flat &v : makeSeeds(flatten(results).size())) {
    Doubles args = joined({x, unflatten(results, v)});
    compare("vjp on a border against dual numbers", (*transposed)(args), flatten(transposedByDuals(args)), modeTolerance, findings);
  }
  std::vector<Flat> columns = collectColumns(*transposed, x, results);
  for (const Flat &u : makeSeeds(columns.size())) {
    for (const Function &derivative : forward)
      compare("jvp on a border against vjp", derivative(joined({x, unflatten(x, u)})), times(columns, u, flatten(results).size()), modeTolerance, findings);
    if (program.order < 2)
      continue;
    Doubles args = joined({x, unflatten(results, dense(flatten(results).size())), unflatten(x, u)});
    Doubles both = (*transposedTwice)(args);
    compare("vjp of vjp on a border against dual numbers", both, flatten(twiceByDuals(args)), modeTolerance, findings);
    for (const Function &derivative : second)
      compare("hvp on a border against vjp of vjp", derivative(args), flatten(Doubles(both.begin(), both.begin() + x.size())), modeTolerance, findings);
  }
}

/// Where a slope is infinite a seed of any other number gives an infinity of its sign, and 0 gives NaN, for which no choice stands: in both modes alike, since
/// the Jacobian of an elementwise op is its transpose.
void Check::checkInfinite(const Doubles &x, Findings &findings) {
  results = value(x);
  bool isInfinite = false;
  for (const Flat &v : makeSeeds(flatten(results).size())) {
    Doubles args = joined({x, unflatten(results, v)});
    Flat byDuals = flatten(transposedByDuals(args));
    isInfinite |= llvm::any_of(byDuals, [](double d) { return std::isinf(d); });
    compare("vjp at an infinite slope against dual numbers", (*transposed)(args), byDuals, modeTolerance, findings);
    for (const Function &derivative : forward)
      compare("jvp at an infinite slope against vjp", derivative(args), byDuals, modeTolerance, findings);
  }
  if (!isInfinite)
    findings.push_back(program.name + ": no slope is infinite where one was expected");
}

void Check::checkAll(Findings &findings) {
  transposed = Function::compile(context, transposedDerivative(map), nullptr);
  if (program.order > 1)
    transposedTwice = Function::compile(context, transposedDerivative(transposedDerivative(map)), nullptr);
  for (const ForwardMode &mode : getForwardModes()) {
    if (auto made = Function::compile(context, mode.make(map), nullptr))
      forward.push_back(std::move(*made));
    if (auto made = program.order > 1 ? Function::compile(context, secondDerivative(map, mode), nullptr) : std::nullopt)
      second.push_back(std::move(*made));
  }
  size_t modes = getForwardModes().size();
  if (!transposed || forward.size() != modes || (program.order > 1 && (!transposedTwice || second.size() != modes))) {
    findings.push_back(program.name + ": a derivative is refused");
    return;
  }
  for (unsigned seed : {1, 2}) {
    Doubles x = makePoint(program, seed);
    checkFirst(x, findings);
    size_t count = flatten(x).size(), rows = flatten(results).size();
    if (program.order < 2)
      continue;
    for (const Flat &u : makeSeeds(count))
      checkSecond(x, unflatten(results, dense(rows)), unflatten(x, u), findings);
    for (const Flat &v : {ones(rows, rows - 1), Flat(rows, 0.0)})
      checkSecond(x, unflatten(results, v), unflatten(x, dense(count)), findings);
    if (seed != 1)
      continue;
    Doubles args = joined({x, unflatten(results, dense(rows)), unflatten(x, dense(count))});
    compare("vjp of vjp against dual numbers", (*transposedTwice)(args), flatten(twiceByDuals(args)), modeTolerance, findings);
  }
  for (const Elements &elements : program.boundary) {
    Doubles x = makePoint(program, 1);
    for (auto [array, numbers] : llvm::zip_equal(x, elements))
      array.reals = numbers;
    checkBoundary(x, findings);
  }
  for (const Elements &elements : program.infinite) {
    Doubles x = makePoint(program, 1);
    x.front().reals = elements.front();
    checkInfinite(x, findings);
  }
}

void Check::findPoint() {
  if (point)
    return;
  point = makePoint(program, 1);
  findJacobian(*point);
}

void Check::checkTransposed(const DerivativeTable &table, Findings &findings) {
  findPoint();
  std::string messages;
  if (auto derivative = Function::compile(context, transposedDerivative(map), &table, &messages))
    compareTransposed(*derivative, *point, unflatten(results, dense(flatten(results).size())), findings);
  else
    findings.push_back(messages);
}

void Check::checkForward(const ForwardMode &mode, const DerivativeTable &table, Findings &findings) {
  findPoint();
  std::string messages;
  if (auto derivative = Function::compile(context, mode.make(map), &table, &messages))
    compareForward(*derivative, *point, unflatten(*point, dense(flatten(*point).size())), findings);
  else
    findings.push_back(messages);
}

bool Check::isActive() {
  findPoint();
  return llvm::any_of(jacobian.byComplexStep, [](const Flat &column) { return !isZero(column); });
}

} // namespace gradus::matrix
