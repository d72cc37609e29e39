//===- VectorMathExp.cpp - exp, exp2, expm1, sigmoid, tanh ----------------------===//
//
// All reduce x = n ln 2 + r with |r| <= ln 2 / 2. exp itself, which loops over rows of logits wait for, takes a polynomial for e^r with no more
// operations than it must have. The others end in one for e^r - 1; where a quotient or a difference follows, e^r is carried as a pair, so that the
// roundings do not add up.
//
//===----------------------------------------------------------------------------===//

#include "codegen/cpu/VectorMathEmitter.h"

#include <cmath>

using namespace mlir;
using namespace gradus;

ExpParts MathEmitter::reduceExp(Value x) {
  ExpParts parts;
  parts.exponent = nearest(x, constant(0x1.71547652b82fep+0), parts.n);
  // The first product is exact and so is the difference; what the second one loses is kept for the tail.
  Value first = fma(parts.n, constant(-info.ln2[0]), x);
  Value minusLow = constant(-info.ln2[1]);
  parts.r = fma(parts.n, minusLow, first);
  Value lost = fma(parts.n, minusLow, sub(first, parts.r));
  parts.tail = fma(mul(parts.r, parts.r), horner(parts.r, info.exp), lost);
  return parts;
}

std::pair<Value, Value> MathEmitter::scales(const ExpParts &parts) {
  // Two factors, since 2^n itself may lie outside of the normal numbers; the second product is the only rounding.
  Value ignored;
  Value half = nearest(parts.n, constant(0.5), ignored);
  return {powerOfTwo(half), powerOfTwo(subInt(parts.exponent, half))};
}

Pair MathEmitter::mantissaOfExp(const ExpParts &parts) {
  Pair sum = quickSum(constant(1.0), parts.r);
  return quickSum(sum.hi, add(sum.lo, parts.tail));
}

Pair MathEmitter::halfExpm1(Value x) {
  ExpParts parts = reduceExp(atLeast(x, -40.0));
  Value scale = powerOfTwo(subInt(parts.exponent, integer(1)));
  Pair whole = twoSum(scale, constant(-0.5));
  Pair sum = twoSum(whole.hi, mul(scale, parts.r));
  return quickSum(sum.hi, fma(scale, parts.tail, add(whole.lo, sum.lo)));
}

MathEmitter::PlainExp MathEmitter::reducePlain(Value x, int64_t added) {
  // Adding 1.5 * 2^mantissa and `added` leaves n + added in the lowest bits of the sum: a shift to the left makes an exponent of them.
  Value shifter = constant(std::ldexp(1.5, info.mantissa) + double(added));
  PlainExp parts;
  parts.sum = fma(x, constant(0x1.71547652b82fep+0), shifter);
  parts.n = sub(parts.sum, shifter);
  // The first product is exact and so is the difference.
  Value r = fma(parts.n, constant(-info.ln2[1]), fma(parts.n, constant(-info.ln2[0]), x));
  Value one = constant(1.0);
  parts.power = fma(fma(horner(r, info.expPlain), r, one), r, one);
  return parts;
}

Value MathEmitter::exp(Value x) {
  PlainExp parts = reducePlain(atMost(atLeast(x, info.expLow), info.expHigh), 2 * info.bias);
  // Two factors, since 2^n itself may lie outside of the normal numbers; the second product is the only rounding.
  Value half = bits(fma(parts.n, constant(0.5), constant(std::ldexp(1.5, info.mantissa) + info.bias)));
  Value first = fromBits(shiftLeft(half, info.mantissa));
  Value second = fromBits(shiftLeft(subInt(bits(parts.sum), half), info.mantissa));
  return mul(mul(parts.power, first), second);
}

Value MathEmitter::expNotPositive(Value x) {
  // n is at most 0, so that n and a constant added to the exponent of the power give a normal number: a sum of integers, for which most machines have more units than for
  // products. The product with the other constant is the only rounding, as in exp. Infinity gives NaN in the power, whose sum is 0 in the bits that are shifted.
  int64_t middle = (info.bias + 1) / 2;
  PlainExp parts = reducePlain(atLeast(x, info.expLow), middle);
  Value scaled = fromBits(addInt(bits(parts.power), shiftLeft(bits(parts.sum), info.mantissa)));
  return mul(scaled, constant(std::ldexp(1.0, -middle)));
}

Value MathEmitter::exp2(Value x) {
  // x = n + f exactly; r = f ln 2 as a pair.
  constexpr double ln2 = 0x1.62e42fefa39efp-1, ln2Low = 0x1.abc9e3b39803fp-56;
  double high = info.width == 32 ? static_cast<float>(ln2) : ln2;
  ExpParts parts;
  Value bounded = atMost(atLeast(x, 1.45 * info.expLow), 1.45 * info.expHigh);
  parts.exponent = nearest(bounded, constant(1.0), parts.n);
  Value f = sub(bounded, parts.n), factor = constant(high);
  parts.r = mul(f, factor);
  Value lost = fma(f, factor, neg(parts.r));
  lost = fma(f, constant(info.width == 32 ? ln2 - high : ln2Low), lost);
  parts.tail = fma(mul(parts.r, parts.r), horner(parts.r, info.exp), lost);
  Pair mantissa = mantissaOfExp(parts);
  auto [first, second] = scales(parts);
  return mul(mul(mantissa.hi, first), second);
}

Value MathEmitter::expm1(Value x) {
  Pair half = halfExpm1(atMost(x, info.expHigh));
  return select(less(abs(x), constant(info.tiny)), x, add(half.hi, half.hi));
}

Value MathEmitter::sigmoid(Value x) {
  // e^x / (1 + e^x) where x < 0 and 1 / (1 + e^-x) elsewhere; the numerator is scaled after the division, so that a
  // result below the normal numbers is rounded once.
  Value zero = constant(0.0), one = constant(1.0);
  Value negative = less(x, zero);
  ExpParts parts = reduceExp(atLeast(neg(abs(x)), info.expLow));
  Pair mantissa = mantissaOfExp(parts);
  auto [first, second] = scales(parts);
  Value power = mul(mul(mantissa.hi, first), second);
  Value powerLow = mul(mul(mantissa.lo, first), second);
  Pair denominator = quickSum(one, power);
  denominator.lo = add(denominator.lo, powerLow);
  Pair numerator = {select(negative, mantissa.hi, one), select(negative, mantissa.lo, zero)};
  Value ratio = quotient(numerator, denominator);
  return mul(mul(ratio, select(negative, first, one)), select(negative, second, one));
}

Value MathEmitter::tanh(Value x) {
  // With h = (e^(-2 |x|) - 1) / 2: tanh |x| = -h / (1 + h).
  Value magnitude = abs(x);
  Pair half = halfExpm1(mul(magnitude, constant(-2.0)));
  Pair denominator = quickSum(constant(1.0), half.hi);
  denominator.lo = add(denominator.lo, half.lo);
  Value result = quotient({neg(half.hi), neg(half.lo)}, denominator);
  // Below 2^-14 or 2^-28 the cubic term does not count.
  double small = info.width == 32 ? 0x1p-14 : 0x1p-28;
  return select(less(magnitude, constant(small)), x, copySign(result, x));
}
