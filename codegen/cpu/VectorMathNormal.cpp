//===- VectorMathNormal.cpp - erfc and the normal distribution ------------------===//
//
// For x >= 1/2, erfc(x) = e^(-x^2) g(x): the square is a pair, and (1 + 2 x) g a polynomial in (x - 4) / (x + 4)
// (Shepherd and Laframboise, Math. Comp. 36, 1981), so that the error stays a few last places down to the smallest
// numbers. Below, 1 - erf(x).
//
//===----------------------------------------------------------------------------===//

#include "codegen/cpu/VectorMathCoefficients.h"
#include "codegen/cpu/VectorMathSpecial.h"
#include "codegen/cpu/VectorMathSpecialCoefficients.h"

#include <limits>

using namespace mlir;
using namespace gradus;
namespace c = gradus::coefficients;

namespace {
/// factor * erfc(z) = (value.hi + value.lo) * first * second, and e^(-z^2) = power * first * second.
struct Tail {
  Pair value;
  Value power, first, second;
};
} // namespace

/// erf(z) / z - 1, for |z| <= 1.
static Value erfRest(MathEmitter &m, Value z) { return m.horner(m.mul(z, z), c::kErfNearF64); }

/// factor * erfc(z) for 0.45 <= z <= 28; `square` is z^2.
static Tail tailOf(MathEmitter &m, Value z, Pair square, double factor) {
  Value four = m.constant(4.0);
  Pair q = emitRatio(m, m.twoSum(z, m.neg(four)), m.twoSum(z, four));
  Pair denominator = m.twoSum(m.add(z, z), m.constant(1.0));
  Pair scaled = emitRatio(m, {m.mul(m.horner(q.hi, c::kErfcx), m.constant(factor)), m.constant(0.0)}, denominator);
  ExpParts parts = m.reduceExp(m.atLeast(m.neg(square.hi), -790.0));
  Pair mantissa = m.mantissaOfExp(parts);
  mantissa.lo = m.fma(m.neg(square.lo), mantissa.hi, mantissa.lo);
  auto [first, second] = m.scales(parts);
  Pair value = m.twoProduct(mantissa.hi, scaled.hi);
  value.lo = m.add(value.lo, m.fma(mantissa.lo, scaled.hi, m.mul(mantissa.hi, scaled.lo)));
  return {value, mantissa.hi, first, second};
}

static Value valueOf(MathEmitter &m, const Tail &tail) {
  return m.mul(m.mul(m.add(tail.value.hi, tail.value.lo), tail.first), tail.second);
}

Value gradus::emitErfc(MathEmitter &m, Value x) {
  Value one = m.constant(1.0), magnitude = m.atMost(m.abs(x), 28.0);
  Value tail = valueOf(m, tailOf(m, magnitude, m.twoProduct(magnitude, magnitude), 1.0));
  Value far = m.select(m.less(x, m.constant(0.0)), m.sub(m.constant(2.0), tail), tail);
  Pair near = m.quickSum(one, m.neg(x));
  near.lo = m.fma(m.neg(x), erfRest(m, x), near.lo);
  return m.select(m.less(magnitude, m.constant(0.5)), m.add(near.hi, near.lo), far);
}

/// z = x / sqrt 2 and z^2, to the bit.
static Value standardize(MathEmitter &m, Value x, Pair &square) {
  Value half = m.constant(0.5);
  square = m.twoProduct(x, x);
  square = {m.mul(square.hi, half), m.mul(square.lo, half)};
  return m.mul(x, m.constant(c::kSqrtHalf[0]));
}

Value gradus::emitNormalCdf(MathEmitter &m, Value x) {
  Value half = m.constant(0.5);
  Pair square;
  Value z = standardize(m, m.atMost(m.abs(x), 39.5), square);
  Value tail = valueOf(m, tailOf(m, z, square, 0.5));
  Value far = m.select(m.less(m.constant(0.0), x), m.sub(m.constant(1.0), tail), tail);
  Value halfZ = m.copySign(m.mul(z, half), x);
  Pair near = m.quickSum(half, halfZ);
  near.lo = m.fma(halfZ, erfRest(m, z), near.lo);
  return m.select(m.less(z, half), m.add(near.hi, near.lo), far);
}

Value gradus::emitNormalQuantile(MathEmitter &m, Value p) {
  Value zero = m.constant(0.0), half = m.constant(0.5), one = m.constant(1.0);
  // |x| = a, from the distance to 1/2 in the middle and from the nearer tail elsewhere; both differences are exact.
  Value q = m.sub(p, half), distance = m.abs(q), isMiddle = m.less(distance, m.constant(0.42));
  Value tail = m.select(m.less(p, half), p, m.sub(one, p));
  Value s = m.sqrt(m.neg(m.log(tail)));
  Value a = m.select(isMiddle, m.mul(distance, m.horner(m.mul(q, q), c::kQuantileMiddle)),
                     m.mul(s, m.horner(m.div(one, s), c::kQuantileTail)));
  // One step of Halley: with d = (cdf(a) - p) / pdf(a), a loses d / (1 + a d / 2). Where the tail is close to the least
  // numbers, all is scaled up.
  Pair square;
  Value z = standardize(m, a, square);
  Tail beyond = tailOf(m, m.atLeast(z, 0.5), square, 0.5);
  Value isTiny = m.less(tail, m.constant(0x1p-900)), up = m.select(isTiny, m.constant(0x1p128), one);
  Value second = m.mul(beyond.second, up);
  auto scale = [&](Value x) { return m.mul(m.mul(x, beyond.first), second); };
  Value tailError = m.sub(m.mul(tail, up), scale(m.add(beyond.value.hi, beyond.value.lo)));
  Pair halfZ = m.twoProduct(a, m.constant(0.5 * c::kSqrtHalf[0]));
  halfZ.lo = m.fma(a, m.constant(0.5 * c::kSqrtHalf[1]), halfZ.lo);
  Value rest = erfRest(m, z);
  Value middleError = m.fma(halfZ.hi, rest, m.add(m.sub(halfZ.hi, distance), m.fma(halfZ.lo, rest, halfZ.lo)));
  Value d = m.div(m.mul(m.select(isMiddle, middleError, tailError), m.constant(c::kSqrtTwoPi)), scale(beyond.power));
  a = m.sub(a, m.div(d, m.fma(m.mul(a, half), d, one)));

  Value infinity = m.constant(std::numeric_limits<double>::infinity());
  a = m.select(m.equal(tail, zero), infinity, a);
  a = m.select(m.less(tail, zero), m.constant(std::numeric_limits<double>::quiet_NaN()), a);
  return m.copySign(a, q);
}
