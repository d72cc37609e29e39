//===- Slopes.h - Derivatives of a function by evaluating it --------------------===//
//
// Three ways that know no derivative rule of the compiler: differences in long double, a complex step, and, for what a derivative at a
// kink may be, the gradients around a point by dual numbers.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/reference/Evaluator.h"

#include <complex>

namespace gradus::reference {

/// A point in the scalar type that it is evaluated in.
template <typename S>
Arrays<S> liftPoint(llvm::ArrayRef<Array<double>> point) {
  Arrays<S> lifted;
  for (const Array<double> &array : point) {
    Array<S> &next = lifted.emplace_back(Array<S>{array.kind, array.shape, {}, array.ints});
    next.reals.assign(array.reals.begin(), array.reals.end());
  }
  return lifted;
}

/// A central difference and the one-sided ones.
struct Differences {
  double central = 0, left = 0, right = 0;
};
/// Of a number that `valueAt` gives, at `at`; as below.
llvm::FailureOr<Differences> differenceOf(llvm::function_ref<llvm::FailureOr<long double>(long double)> valueAt, long double at, long double h);
/// The first result of `func` in one element, with the steps h and h / 2, extrapolated: error O(h^4) besides rounding. h is relative to max(1, |x|).
llvm::FailureOr<Differences> differenceAt(FuncOp func, Arrays<long double> &point, unsigned argument, int64_t element, long double h,
                                          const llvm::StringMap<int64_t> &sizes, std::string &error);

/// Im f(x + i h) / h with h = 1e-30: nothing is subtracted, so that it is as exact as the value. The imaginary part ends at a `gradus.stop`. Right
/// where f is analytic piece by piece, which every op of the dialect is: choices go by the real parts.
llvm::FailureOr<double> complexStepAt(FuncOp func, Arrays<std::complex<double>> &point, unsigned argument, int64_t element,
                                      const llvm::StringMap<int64_t> &sizes, std::string &error);

/// The least and the largest of each partial derivative at points around one, in `pairs` x + d and x - d of sizes from 1e-6 down. At a kink the derivative lies
/// between them; where the function is smooth they are one number but for its curvature. Points without a finite gradient do not count.
struct Surroundings {
  unsigned pairs = 0;
  Arrays<double> least, largest; ///< one array for each of `wrt`; no arrays where no point counted
};
Surroundings lookAround(FuncOp func, llvm::ArrayRef<Array<double>> point, llvm::ArrayRef<unsigned> wrt, uint64_t seed, unsigned pairs);

} // namespace gradus::reference
