//===- EvaluatorFft.cpp - Fourier transforms ---------------------------------------===//
//
// The sum that defines the transform, in the scalar type of the frame, one line after the other. Angles are those of j k modulo n, so that
// they stay small.
//
//===----------------------------------------------------------------------===//

#include "codegen/reference/Frame.h"

#include <limits>
#include <numbers>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

namespace {

/// exp(-2 pi i k / n) for k < n, or the conjugates.
struct Roots {
  Roots(int64_t n, bool isInverse) : cosines(n), sines(n) {
    for (int64_t k = 0; k < n; ++k) {
      long double angle = 2 * std::numbers::pi_v<long double> * static_cast<long double>(k) / static_cast<long double>(n);
      cosines[k] = static_cast<double>(std::cos(angle));
      sines[k] = static_cast<double>(isInverse ? std::sin(angle) : -std::sin(angle));
      if (4 * k % n == 0) // a quarter of the circle is exact
        for (double *x : {&cosines[k], &sines[k]})
          *x = std::round(*x);
    }
  }
  std::vector<double> cosines, sines;
};

} // namespace

/// The transform of the elements first, first + stride, ..
template <typename S>
static void transformLine(const Array<S> &re, const Array<S> &im, Array<S> &yre, Array<S> &yim, const Roots &roots, int64_t first, int64_t stride, bool isInverse) {
  int64_t n = roots.cosines.size();
  bool isFinite = true;
  for (int64_t j = 0; j < n; ++j)
    isFinite &= std::isfinite(Math<S>::lead(re.reals[first + j * stride])) && std::isfinite(Math<S>::lead(im.reals[first + j * stride]));
  for (int64_t k = 0; k < n; ++k) {
    S a(isFinite ? 0 : std::numeric_limits<double>::quiet_NaN()), b = a;
    for (int64_t j = 0; isFinite && j < n; ++j) {
      const S &x = re.reals[first + j * stride], &y = im.reals[first + j * stride];
      S c(roots.cosines[j * k % n]), s(roots.sines[j * k % n]);
      a = a + (x * c - y * s);
      b = b + (x * s + y * c);
    }
    yre.reals[first + k * stride] = isInverse ? a / S(static_cast<double>(n)) : a;
    yim.reals[first + k * stride] = isInverse ? b / S(static_cast<double>(n)) : b;
  }
}

template <typename S>
LogicalResult Frame<S>::runFft(FftOp op, Slots slots) {
  auto axis = static_cast<size_t>(op.getAxis());
  for (unsigned slot : slots) {
    const Array<S> &re = get(op.getRe(), slot), &im = get(op.getIm(), slot);
    auto yre = Array<S>::zeros(kindOf(op.getYre().getType()), re.shape), yim = yre;
    int64_t n = re.shape[axis], inner = countElements(ArrayRef(re.shape).drop_front(axis + 1));
    Roots roots(n, op.getInverse());
    for (int64_t line = 0, count = n == 0 ? 0 : re.size() / n; line < count; ++line)
      transformLine(re, im, yre, yim, roots, line / inner * n * inner + line % inner, inner, op.getInverse());
    set(op.getYre(), slot, std::move(yre));
    set(op.getYim(), slot, std::move(yim));
  }
  return success();
}

#define INSTANTIATE(S) template LogicalResult Frame<S>::runFft(FftOp, Slots);
GRADUS_FOR_EACH_SCALAR(INSTANTIATE)
