//===- VectorMathRoots.cpp - cbrt, hypot, log2, log10 ---------------------------===//

#include "codegen/cpu/VectorMathSpecial.h"
#include "codegen/cpu/VectorMathSpecialCoefficients.h"

#include <limits>

using namespace mlir;
using namespace gradus;
namespace c = gradus::coefficients;

Pair gradus::emitSqrtPair(MathEmitter &m, Pair s) {
  Value zero = m.constant(0.0), root = m.sqrt(s.hi);
  Value rest = m.add(m.fma(m.neg(root), root, s.hi), s.lo);
  Value low = m.div(m.mul(rest, m.constant(0.5)), root);
  return {root, m.select(m.equal(root, zero), zero, low)};
}

Pair gradus::emitRatio(MathEmitter &m, Pair a, Pair b) {
  Value q = m.div(a.hi, b.hi), minus = m.neg(q);
  Value rest = m.add(m.fma(minus, b.hi, a.hi), m.fma(minus, b.lo, a.lo));
  return {q, m.div(rest, b.hi)};
}

/// x = 2^e u with u in [sqrt 1/2, sqrt 2), for a positive finite x; numbers below the normal ones are scaled up.
static Value split(MathEmitter &m, Value x, Value &u) {
  Value isSmall = m.less(x, m.constant(0x1p-1022)), e;
  m.splitExponent(m.select(isSmall, m.mul(x, m.constant(0x1p54)), x), e, u);
  return m.select(isSmall, m.sub(e, m.constant(54.0)), e);
}

Pair gradus::emitLogPair(MathEmitter &m, Value x) {
  Value u, e = split(m, x, u), f = m.sub(u, m.constant(1.0));
  return m.isSingle() ? Pair{m.logOf(e, {f, nullptr}), m.constant(0.0)} : m.logPair(e, f);
}

/// ln x times a constant, for every x.
static Value scaledLog(MathEmitter &m, Value x, const double (&factor)[2]) {
  Value zero = m.constant(0.0), infinity = m.constant(std::numeric_limits<double>::infinity());
  Pair logarithm = emitLogPair(m, x);
  Value high = m.constant(factor[0]);
  Pair product = m.twoProduct(logarithm.hi, high);
  Value low = m.add(product.lo, m.fma(logarithm.hi, m.constant(factor[1]), m.mul(logarithm.lo, high)));
  Value result = m.add(product.hi, low);
  result = m.select(m.less(x, infinity), result, x);
  result = m.select(m.less(x, zero), m.constant(std::numeric_limits<double>::quiet_NaN()), result);
  return m.select(m.equal(x, zero), m.neg(infinity), result);
}

Value gradus::emitLog10(MathEmitter &m, Value x) { return scaledLog(m, x, c::kLog10OfE); }
Value gradus::emitLog2(MathEmitter &m, Value x) { return scaledLog(m, x, c::kLog2OfE); }

Value gradus::emitCbrt(MathEmitter &m, Value x) {
  Value zero = m.constant(0.0), one = m.constant(1.0), magnitude = m.abs(x), u;
  Value e = split(m, magnitude, u);
  // e = 3 third + rest with a rest of -1, 0 or 1.
  Value third = m.roundEven(m.mul(e, m.constant(1.0 / 3)));
  Value rest = m.fma(third, m.constant(-3.0), e);
  Value isMore = m.less(zero, rest), isLess = m.less(rest, zero);
  Value v = m.mul(u, m.select(isMore, m.constant(2.0), m.select(isLess, m.constant(0.5), one)));
  Value factor = m.select(isMore, m.constant(c::kCbrtTwo), m.select(isLess, m.constant(c::kCbrtHalf), one));
  Value y = m.mul(m.horner(u, c::kCbrt), factor);
  // A step of Halley: the error is cubed. Then one of Newton, whose residual v - y^3 is exact.
  Value cube = m.mul(m.mul(y, y), y);
  y = m.mul(y, m.div(m.add(cube, m.add(v, v)), m.add(m.add(cube, cube), v)));
  Pair square = m.twoProduct(y, y), power = m.twoProduct(square.hi, y);
  Value residual = m.sub(m.sub(m.sub(v, power.hi), power.lo), m.mul(square.lo, y));
  y = m.add(y, m.div(residual, m.mul(m.constant(3.0), square.hi)));
  Value ignored;
  y = m.copySign(m.mul(y, m.powerOfTwo(m.nearest(third, one, ignored))), x);
  Value infinity = m.constant(std::numeric_limits<double>::infinity());
  return m.select(m.both(m.less(zero, magnitude), m.less(magnitude, infinity)), y, x);
}

Value gradus::emitHypot(MathEmitter &m, Value a, Value b) {
  Value one = m.constant(1.0), infinity = m.constant(std::numeric_limits<double>::infinity());
  Value x = m.abs(a), y = m.abs(b);
  Value isSwapped = m.less(x, y), large = m.select(isSwapped, y, x), small = m.select(isSwapped, x, y);
  Value isHigh = m.less(m.constant(0x1p500), large), isLow = m.less(large, m.constant(0x1p-400));
  Value scale = m.select(isHigh, m.constant(0x1p-600), m.select(isLow, m.constant(0x1p600), one));
  Value back = m.select(isHigh, m.constant(0x1p600), m.select(isLow, m.constant(0x1p-600), one));
  large = m.mul(large, scale);
  small = m.mul(small, scale);
  Pair first = m.twoProduct(large, large), second = m.twoProduct(small, small);
  Pair sum = m.quickSum(first.hi, second.hi);
  Pair root = emitSqrtPair(m, m.quickSum(sum.hi, m.add(sum.lo, m.add(first.lo, second.lo))));
  Value result = m.mul(m.add(root.hi, root.lo), back);
  result = m.select(m.either(m.isNan(a), m.isNan(b)), m.add(x, y), result);
  return m.select(m.either(m.equal(x, infinity), m.equal(y, infinity)), infinity, result);
}
