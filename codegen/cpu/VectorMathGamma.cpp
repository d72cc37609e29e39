//===- VectorMathGamma.cpp - lgamma, digamma, trigamma --------------------------===//
//
// Above 8, the series of Stirling in 1 / x^2. Below, the recurrences gamma(x + 1) = x gamma(x) lead to (1, 2], where a
// polynomial is multiplied by the factors that vanish at the zeros of the function, so that the error stays relative to
// it; trigamma, which is a sum of positive terms, goes up to the series instead. Negative x are reflected: only there
// can what is subtracted be close. (Abramowitz and Stegun 6.1, 6.3, 6.4.)
//
//===----------------------------------------------------------------------------===//

#include "codegen/cpu/VectorMathSpecial.h"
#include "codegen/cpu/VectorMathSpecialCoefficients.h"

#include <limits>

using namespace mlir;
using namespace gradus;
namespace c = gradus::coefficients;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();
static constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
/// Where the series begins.
static constexpr double kStart = 8.0;

namespace {
/// A negative x is replaced by w = 1 - x; `sine` is sin(pi x) / pi up to the sign, `cosine` cos(pi x) up to the same one.
struct Reflected {
  Value w, isNegative, isPole, sine, cosine;
};
} // namespace

static Reflected reflect(MathEmitter &m, Value x) {
  Value zero = m.constant(0.0);
  Reflected result;
  result.isNegative = m.less(x, zero);
  result.w = m.select(result.isNegative, m.sub(m.constant(1.0), x), x);
  Value nearest = m.roundEven(x), f = m.sub(x, nearest), z = m.mul(f, f);
  result.isPole = m.both(m.equal(x, nearest), m.either(result.isNegative, m.equal(x, zero)));
  result.sine = m.mul(f, m.horner(z, c::kSinPi));
  result.cosine = m.horner(z, c::kCosPi);
  return result;
}

/// Goes down from w <= 8 by steps of 1 to t in [1, 2); w in [0, 1) stays. `visit` gets each t and whether it was reached.
static Value descend(MathEmitter &m, Value w, llvm::function_ref<void(Value isStep, Value t)> visit) {
  Value one = m.constant(1.0), two = m.constant(2.0), t = m.atMost(w, kStart);
  for (int step = 0; step < 6; ++step) {
    Value isStep = m.less(two, t);
    t = m.select(isStep, m.sub(t, one), t);
    visit(isStep, t);
  }
  return t;
}

/// lgamma of w >= 0, without infinities.
static Value logGammaOf(MathEmitter &m, Value w) {
  Value zero = m.constant(0.0), one = m.constant(1.0);
  Value isLarge = m.less(m.constant(kStart), w), isBelowOne = m.less(w, one);
  Pair product = {one, zero};
  Value t = descend(m, w, [&](Value isStep, Value next) {
    Pair longer = m.twoProduct(product.hi, next);
    longer.lo = m.fma(product.lo, next, longer.lo);
    product = {m.select(isStep, longer.hi, product.hi), m.select(isStep, longer.lo, product.lo)};
  });
  Pair logarithm = emitLogPair(m, m.select(m.either(isLarge, isBelowOne), w, product.hi));

  // lgamma(1 + y) is y (y - 1) times a polynomial; w = 1 + y, but for the factors in the logarithm.
  Value y = m.select(isBelowOne, w, m.sub(t, one));
  Value base = m.mul(m.mul(y, m.sub(y, one)), m.horner(y, c::kLogGamma));
  Pair shift = {m.select(isBelowOne, m.neg(logarithm.hi), logarithm.hi), m.select(isBelowOne, m.neg(logarithm.lo), logarithm.lo)};
  shift.lo = m.add(shift.lo, m.select(isBelowOne, zero, m.div(product.lo, product.hi)));
  Pair small = m.twoSum(shift.hi, base);
  Value smallValue = m.add(small.hi, m.add(small.lo, shift.lo));

  // (w - 1/2) (ln w - 1) + ln(2 pi) / 2 - 1/2 + series.
  Value reciprocal = m.div(one, w);
  Value series = m.fma(reciprocal, m.horner(m.mul(reciprocal, reciprocal), c::kStirling), m.constant(c::kHalfLogTwoPi));
  Pair lower = m.quickSum(logarithm.hi, m.constant(-1.0)), factor = m.twoSum(w, m.constant(-0.5));
  lower.lo = m.add(lower.lo, logarithm.lo);
  Pair main = m.twoProduct(factor.hi, lower.hi);
  main.lo = m.add(main.lo, m.fma(factor.hi, lower.lo, m.mul(factor.lo, lower.hi)));
  Value large = m.add(main.hi, m.add(main.lo, series));
  large = m.select(m.less(main.hi, m.constant(kInfinity)), large, main.hi);
  return m.select(isLarge, large, smallValue);
}

Value gradus::emitLogGamma(MathEmitter &m, Value x) {
  Reflected at = reflect(m, x);
  Value value = logGammaOf(m, at.w), infinity = m.constant(kInfinity);
  // ln(pi / |sin(pi x)|) - lgamma(1 - x)
  Value reflected = m.neg(m.add(m.log(m.abs(at.sine)), value));
  value = m.select(at.isNegative, reflected, value);
  value = m.select(m.less(at.w, infinity), value, m.add(at.w, at.w)); // an infinity or a NaN
  return m.select(at.isPole, infinity, value);
}

/// digamma of w > 0.
static Value digammaOf(MathEmitter &m, Value w) {
  Value zero = m.constant(0.0), one = m.constant(1.0);
  Value isLarge = m.less(m.constant(kStart), w), isBelowOne = m.less(w, one);
  // The sum of the reciprocals, as one quotient.
  Value numerator = zero, denominator = one;
  Value t = descend(m, w, [&](Value isStep, Value next) {
    numerator = m.select(isStep, m.fma(numerator, next, denominator), numerator);
    denominator = m.select(isStep, m.mul(denominator, next), denominator);
  });
  Value shift = m.div(m.select(isBelowOne, m.constant(-1.0), numerator), m.select(isBelowOne, w, denominator));
  Value y = m.select(isBelowOne, w, m.sub(t, one));
  Value distance = m.sub(m.sub(y, m.constant(c::kDigammaRoot[0])), m.constant(c::kDigammaRoot[1]));
  Value small = m.fma(distance, m.horner(y, c::kDigamma), shift);

  Value reciprocal = m.div(one, w), z = m.mul(reciprocal, reciprocal);
  Value series = m.fma(z, m.horner(z, c::kDigammaTail), m.mul(m.constant(0.5), reciprocal));
  return m.select(isLarge, m.sub(m.log(w), series), small);
}

Value gradus::emitDigamma(MathEmitter &m, Value x) {
  Reflected at = reflect(m, x);
  Value value = digammaOf(m, at.w);
  // digamma(1 - x) - pi / tan(pi x)
  value = m.select(at.isNegative, m.sub(value, m.div(at.cosine, at.sine)), value);
  return m.select(at.isPole, m.constant(kNan), value);
}

/// trigamma of w > 0.
static Value trigammaOf(MathEmitter &m, Value w) {
  Value one = m.constant(1.0), start = m.constant(kStart), isSmall = m.less(w, start);
  Value sum = m.constant(0.0);
  for (int k = 7; k >= 0; --k) {
    Value reciprocal = m.div(one, m.add(w, m.constant(k)));
    sum = m.fma(reciprocal, reciprocal, sum);
  }
  Value r = m.div(one, m.select(isSmall, m.add(w, start), w)), z = m.mul(r, r);
  Value series = m.fma(r, m.fma(z, m.horner(z, c::kTrigammaTail), m.mul(m.constant(0.5), r)), r);
  return m.add(series, m.select(isSmall, sum, m.constant(0.0)));
}

Value gradus::emitTrigamma(MathEmitter &m, Value x) {
  Reflected at = reflect(m, x);
  Value value = trigammaOf(m, at.w);
  // (pi / sin(pi x))^2 - trigamma(1 - x)
  Value r = m.div(m.constant(1.0), at.sine);
  value = m.select(at.isNegative, m.fma(r, r, m.neg(value)), value);
  return m.select(at.isPole, m.constant(kInfinity), value);
}
