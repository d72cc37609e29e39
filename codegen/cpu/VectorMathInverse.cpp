//===- VectorMathInverse.cpp - Inverse circular functions; hyperbolic ones ------===//
//
// Angles are all that of one quotient a / b: it is folded into [0, tan(pi / 8)] by exchanging a with b and by
// (a - b) / (a + b), and kept as a pair. Inverse hyperbolic functions are log1p of a pair.
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
/// Where 1 + x and x are one in a logarithm, to the last bit.
static constexpr double kHuge = 0x1p60;
/// |x| below which odd functions with the slope 1 are x.
static constexpr double kSmall = 0x1p-27;

//===----------------------------------------------------------------------------===//
// Angles
//===----------------------------------------------------------------------------===//

static Pair select(MathEmitter &m, Value condition, Pair yes, Pair no) {
  return {m.select(condition, yes.hi, no.hi), m.select(condition, yes.lo, no.lo)};
}

/// a + b for pairs, where neither part is small against the other.
static Pair sum(MathEmitter &m, Pair a, Pair b) {
  Pair result = m.twoSum(a.hi, b.hi);
  result.lo = m.add(result.lo, m.add(a.lo, b.lo));
  return result;
}

/// The angle in [0, pi / 2] whose tangent is a / b, for finite a, b >= 0 that are not both 0.
static Pair angleOf(MathEmitter &m, Pair a, Pair b) {
  constexpr double quarter = c::kPi[0] / 4, quarterLow = c::kPi[1] / 4;
  Value zero = m.constant(0.0);
  Value isSwapped = m.less(b.hi, a.hi);
  Pair small = select(m, isSwapped, b, a), large = select(m, isSwapped, a, b);
  Value isSteep = m.less(m.mul(large.hi, m.constant(0.41421356237309503)), small.hi); // tan(pi / 8)
  Pair difference = sum(m, small, {m.neg(large.hi), m.neg(large.lo)});
  Pair t = emitRatio(m, select(m, isSteep, difference, small), select(m, isSteep, sum(m, small, large), large));

  // The derivative 1 / (1 + t^2) of the low part, to a few hundredths.
  Value z = m.mul(t.hi, t.hi);
  Value rest = m.fma(m.mul(t.hi, z), m.horner(z, c::kAtan), m.mul(t.lo, m.sub(m.constant(1.0), z)));
  Value baseHigh = m.select(isSteep, m.constant(quarter), m.select(isSwapped, m.constant(2 * quarter), zero));
  Value baseLow = m.select(isSteep, m.constant(quarterLow), m.select(isSwapped, m.constant(2 * quarterLow), zero));
  Pair total = m.quickSum(baseHigh, m.select(isSwapped, m.neg(t.hi), t.hi));
  return m.quickSum(total.hi, m.add(total.lo, m.add(baseLow, m.select(isSwapped, m.neg(rest), rest))));
}

/// The angle, or pi minus it.
static Value supplementIf(MathEmitter &m, Value condition, Pair angle) {
  Pair other = m.quickSum(m.constant(c::kPi[0]), m.neg(angle.hi));
  Value low = m.add(other.lo, m.sub(m.constant(c::kPi[1]), angle.lo));
  return m.select(condition, m.add(other.hi, low), m.add(angle.hi, angle.lo));
}

/// sqrt(1 - x^2); NaN where there is none.
static Pair complement(MathEmitter &m, Value x) {
  Pair square = m.twoProduct(x, x);
  Pair rest = m.quickSum(m.constant(1.0), m.neg(square.hi));
  return emitSqrtPair(m, m.quickSum(rest.hi, m.sub(rest.lo, square.lo)));
}

Value gradus::emitAcos(MathEmitter &m, Value x) {
  Value zero = m.constant(0.0);
  return supplementIf(m, m.less(x, zero), angleOf(m, complement(m, x), {m.abs(x), zero}));
}

Value gradus::emitAsin(MathEmitter &m, Value x) {
  Pair angle = angleOf(m, {m.abs(x), m.constant(0.0)}, complement(m, x));
  return m.copySign(m.add(angle.hi, angle.lo), x);
}

Value gradus::emitAtan(MathEmitter &m, Value x) {
  Value zero = m.constant(0.0);
  Pair angle = angleOf(m, {m.atMost(m.abs(x), 0x1p100), zero}, {m.constant(1.0), zero});
  return m.copySign(m.add(angle.hi, angle.lo), x);
}

Value gradus::emitAtan2(MathEmitter &m, Value y, Value x) {
  Value zero = m.constant(0.0), one = m.constant(1.0), infinity = m.constant(kInfinity);
  Value a = m.abs(y), b = m.abs(x);
  Value isHigh = m.equal(a, infinity), isWide = m.equal(b, infinity), isFar = m.either(isHigh, isWide);
  // What is large is scaled down, so that a sum stays finite, and what is small up, so that remainders are exact; what becomes 0
  // by this is 0 in the quotient.
  Value most = m.select(m.less(a, b), b, a);
  Value isSmall = m.less(most, m.constant(0x1p-800)), isLarge = m.less(m.constant(0x1p1000), most);
  Value scale = m.select(isSmall, m.constant(0x1p200), m.select(isLarge, m.constant(0x1p-100), one));
  a = m.select(isFar, m.select(isHigh, one, zero), m.mul(a, scale));
  b = m.select(isFar, m.select(isWide, one, zero), m.mul(b, scale));
  b = m.select(m.both(m.equal(a, zero), m.equal(b, zero)), one, b);
  Value angle = supplementIf(m, m.less(m.copySign(one, x), zero), angleOf(m, {a, zero}, {b, zero}));
  return m.select(m.either(m.isNan(x), m.isNan(y)), m.add(x, y), m.copySign(angle, y));
}

//===----------------------------------------------------------------------------===//
// Hyperbolic functions
//===----------------------------------------------------------------------------===//

/// e^x / 2 for x >= 0, also where e^x itself is too large.
static Pair halfExp(MathEmitter &m, Value x) {
  ExpParts parts = m.reduceExp(m.atMost(x, 712.0));
  Pair mantissa = m.mantissaOfExp(parts);
  auto [first, second] = m.scales(parts);
  Value half = m.mul(second, m.constant(0.5));
  return {m.mul(m.mul(mantissa.hi, first), half), m.mul(m.mul(mantissa.lo, first), half)};
}

Value gradus::emitCosh(MathEmitter &m, Value x) {
  Pair half = halfExp(m, m.abs(x));
  return m.add(half.hi, m.add(half.lo, m.div(m.constant(0.25), half.hi)));
}

Value gradus::emitSinh(MathEmitter &m, Value x) {
  Value one = m.constant(1.0), magnitude = m.abs(x);
  Pair half = halfExp(m, magnitude);
  Value far = m.add(half.hi, m.sub(half.lo, m.div(m.constant(0.25), half.hi)));
  // With h = (e^x - 1) / 2: sinh x = h + h / (1 + 2 h).
  Pair h = m.halfExpm1(m.atMost(magnitude, 1.0));
  Pair power = m.quickSum(one, m.add(h.hi, h.hi));
  power.lo = m.add(power.lo, m.add(h.lo, h.lo));
  Pair near = sum(m, h, emitRatio(m, h, power));
  Value result = m.copySign(m.select(m.less(magnitude, one), m.add(near.hi, near.lo), far), x);
  return m.select(m.less(magnitude, m.constant(kSmall)), x, result);
}

/// ln(1 + t) where x <= kHuge, and ln(2 x) elsewhere.
static Value logOfSum(MathEmitter &m, Value x, Pair t) {
  Value zero = m.constant(0.0), isHuge = m.less(m.constant(kHuge), x);
  Value logarithm = m.log1pOf(m.select(isHuge, x, t.hi), m.select(isHuge, zero, t.lo));
  Value result = m.add(logarithm, m.select(isHuge, m.constant(c::kLn2[0]), zero));
  return m.select(m.less(x, m.constant(kInfinity)), result, x); // an infinity or a NaN
}

Value gradus::emitAcosh(MathEmitter &m, Value x) {
  Value one = m.constant(1.0);
  Value bounded = m.atMost(x, kHuge);
  Pair square = m.twoProduct(bounded, bounded);
  Pair below = m.twoSum(square.hi, m.constant(-1.0));
  Pair root = emitSqrtPair(m, m.quickSum(below.hi, m.add(below.lo, square.lo)));
  Pair t = sum(m, m.twoSum(bounded, m.constant(-1.0)), root);
  return m.select(m.less(x, one), m.constant(kNan), logOfSum(m, x, m.quickSum(t.hi, t.lo)));
}

Value gradus::emitAsinh(MathEmitter &m, Value x) {
  Value one = m.constant(1.0), magnitude = m.abs(x);
  Value bounded = m.atMost(magnitude, kHuge);
  Value square = m.mul(bounded, bounded);
  Value rest = m.div(square, m.add(one, m.sqrt(m.add(one, square))));
  Value result = m.copySign(logOfSum(m, magnitude, m.twoSum(bounded, rest)), x);
  return m.select(m.less(magnitude, m.constant(kSmall)), x, result);
}

Value gradus::emitAtanh(MathEmitter &m, Value x) {
  Value one = m.constant(1.0), magnitude = m.abs(x);
  Pair t = emitRatio(m, {m.add(magnitude, magnitude), m.constant(0.0)}, m.twoSum(one, m.neg(magnitude)));
  Value result = m.mul(m.constant(0.5), m.log1pOf(t.hi, t.lo));
  Value outside = m.select(m.equal(magnitude, one), m.constant(kInfinity), m.constant(kNan));
  result = m.select(m.less(magnitude, one), result, outside);
  return m.select(m.less(magnitude, m.constant(kSmall)), x, m.copySign(result, x));
}
