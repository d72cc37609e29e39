//===- VectorMathLog.cpp - log, log1p, softplus ---------------------------------===//
//
// With u = 2^e (1 + f) and s = f / (2 + f): ln u = e ln 2 + 2 atanh(s), and 2 atanh(s) = f - f^2 / 2 + s (f^2 / 2 + R)
// where R = 2 atanh(s) / s - 2; f and the larger part of e ln 2 are exact.
//
//===----------------------------------------------------------------------------===//

#include "codegen/cpu/VectorMathEmitter.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace gradus;

Value MathEmitter::logOf(Value e, Pair mantissa) {
  Value f = mantissa.hi;
  Value s = div(f, add(constant(2.0), f));
  Value z = mul(s, s);
  Value rest = mul(z, horner(z, info.log));
  Value halfSquare = mul(mul(f, constant(0.5)), f);
  Value tail = fma(e, constant(info.ln2[1]), mul(s, add(halfSquare, rest)));
  if (mantissa.lo) // the derivative 1 / (1 + f), to a tenth
    tail = fma(mantissa.lo, sub(constant(1.0), f), tail);
  Pair sum = quickSum(mul(e, constant(info.ln2[0])), f);
  return add(sum.hi, add(sum.lo, sub(tail, halfSquare)));
}

Value MathEmitter::log(Value x) {
  Value zero = constant(0.0), infinity = constant(std::numeric_limits<double>::infinity());
  // Numbers below the normal ones are scaled up.
  int shift = info.mantissa + 2;
  Value small = less(x, constant(std::ldexp(1.0, 1 - info.bias)));
  Value scaled = select(small, mul(x, constant(std::ldexp(1.0, shift))), x);
  Value e, m;
  splitExponent(scaled, e, m);
  e = select(small, sub(e, constant(shift)), e);
  Value result = logOf(e, {sub(m, constant(1.0)), nullptr});
  result = select(less(x, infinity), result, x);
  result = select(less(x, zero), constant(std::numeric_limits<double>::quiet_NaN()), result);
  return select(equal(x, zero), neg(infinity), result);
}

Value MathEmitter::log1pOf(Value x, Value rest) {
  Pair u = twoSum(constant(1.0), x);
  if (rest)
    u.lo = add(u.lo, rest);
  Value e, m;
  splitExponent(u.hi, e, m);
  // What 1 + x lost goes into f; it no longer counts where 2^-e might leave the normal numbers.
  Value ignored;
  Value scale = powerOfTwo(nearest(e, constant(-1.0), ignored));
  Value correction = select(less(x, constant(std::ldexp(1.0, info.mantissa + 4))), mul(u.lo, scale), constant(0.0));
  return logOf(e, quickSum(sub(m, constant(1.0)), correction));
}

Value MathEmitter::log1p(Value x) {
  Value minusOne = constant(-1.0), infinity = constant(std::numeric_limits<double>::infinity());
  Value result = log1pOf(x, nullptr);
  result = select(less(x, infinity), result, x);
  result = select(less(x, minusOne), constant(std::numeric_limits<double>::quiet_NaN()), result);
  result = select(equal(x, minusOne), neg(infinity), result);
  return select(less(abs(x), constant(info.tiny)), x, result);
}

Value MathEmitter::softplus(Value x) {
  // max(x, 0) + ln(1 + e^-|x|).
  Value zero = constant(0.0);
  ExpParts parts = reduceExp(atLeast(neg(abs(x)), info.expLow));
  Pair mantissa = mantissaOfExp(parts);
  auto [first, second] = scales(parts);
  Value power = mul(mul(mantissa.hi, first), second);
  Value powerLow = mul(mul(mantissa.lo, first), second);
  Value logarithm = select(less(power, constant(info.tiny)), power, log1pOf(power, powerLow));
  return add(select(less(x, zero), zero, x), logarithm);
}
