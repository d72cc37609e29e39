//===- Slopes.cpp - Derivatives of a function by evaluating it ------------------===//

#include "codegen/reference/Slopes.h"

#include "dialect/Gradus.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

FailureOr<Differences> reference::differenceOf(llvm::function_ref<FailureOr<long double>(long double)> valueAt, long double at, long double h) {
  h *= std::fmax(1.0L, std::fabs(at));
  auto far = valueAt(at + h), near = valueAt(at + h / 2), here = valueAt(at), nearBefore = valueAt(at - h / 2), farBefore = valueAt(at - h);
  if (failed(far) || failed(near) || failed(here) || failed(nearBefore) || failed(farBefore))
    return failure();
  long double coarse = (*far - *farBefore) / (2 * h), fine = (*near - *nearBefore) / h;
  return Differences{static_cast<double>((4 * fine - coarse) / 3), static_cast<double>((*here - *nearBefore) / (h / 2)),
                     static_cast<double>((*near - *here) / (h / 2))};
}

FailureOr<Differences> reference::differenceAt(FuncOp func, Arrays<long double> &point, unsigned argument, int64_t element, long double h,
                                               const llvm::StringMap<int64_t> &sizes, std::string &error) {
  long double &x = point[argument].reals[element], at = x;
  auto valueAt = [&](long double where) -> FailureOr<long double> {
    x = where;
    auto results = evaluate<long double>(func, point, error, 0, sizes);
    x = at;
    if (failed(results))
      return failure();
    return (*results)[0].reals[0];
  };
  return differenceOf(valueAt, at, h);
}

FailureOr<double> reference::complexStepAt(FuncOp func, Arrays<std::complex<double>> &point, unsigned argument, int64_t element,
                                           const llvm::StringMap<int64_t> &sizes, std::string &error) {
  const double step = 1e-30;
  std::complex<double> &x = point[argument].reals[element], at = x;
  x += std::complex<double>(0, step);
  auto results = evaluate<std::complex<double>>(func, point, error, 0, sizes);
  x = at;
  if (failed(results))
    return failure();
  return (*results)[0].reals[0].imag() / step;
}

Surroundings reference::lookAround(FuncOp func, ArrayRef<Array<double>> point, ArrayRef<unsigned> wrt, uint64_t seed, unsigned pairs) {
  Surroundings around{pairs, {}, {}};
  std::mt19937_64 bits(seed);
  auto uniform = [&] { return 2 * ((static_cast<double>(bits() >> 11) + 0.5) * 0x1p-53) - 1; };
  static constexpr double sizes[] = {1e-6, 1e-9, 1e-12}; // for corners that are rounded off near them
  for (unsigned pair = 0; pair < pairs; ++pair) {
    std::vector<std::vector<double>> moves;
    for (unsigned index : wrt) {
      auto &move = moves.emplace_back();
      for (double x : point[index].reals)
        move.push_back(sizes[pair % 3] * std::fmax(1, std::fabs(x)) * uniform());
    }
    for (double sign : {1.0, -1.0}) {
      Arrays<double> moved(point.begin(), point.end());
      for (auto [index, move] : llvm::zip_equal(wrt, moves))
        for (auto [x, d] : llvm::zip_equal(moved[index].reals, move))
          x += sign * d;
      std::string ignored;
      auto found = evaluateGradients<double>(func, moved, wrt, ignored);
      if (failed(found) || !std::isfinite(found->value))
        continue;
      if (around.least.empty())
        around.least = around.largest = found->gradients;
      for (auto [least, largest, next] : llvm::zip_equal(around.least, around.largest, found->gradients))
        for (auto [low, high, x] : llvm::zip_equal(least.reals, largest.reals, next.reals)) {
          low = std::fmin(low, x); // which leave NaN out
          high = std::fmax(high, x);
        }
    }
  }
  return around;
}
