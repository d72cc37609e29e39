//===- VectorMathPow.cpp - x^y and x^n ------------------------------------------===//
//
// x^y = e^(y ln x). The error of ln x is multiplied by up to 745, so f64 carries it as a pair; f32 computes in f64.
//
//===----------------------------------------------------------------------------===//

#include "codegen/cpu/VectorMathCoefficients.h"
#include "codegen/cpu/VectorMathEmitter.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace gradus;
namespace c = gradus::coefficients;

/// a b for pairs.
static Pair product(MathEmitter &emitter, Pair a, Pair b) {
  Pair result = emitter.twoProduct(a.hi, b.hi);
  Value cross = emitter.fma(a.hi, b.lo, emitter.mul(a.lo, b.hi));
  return emitter.quickSum(result.hi, emitter.add(result.lo, cross));
}

/// constant + a for pairs, where the constant is the larger one.
static Pair addTo(MathEmitter &emitter, double hi, double lo, Pair a) {
  Pair sum = emitter.quickSum(emitter.constant(hi), a.hi);
  return emitter.quickSum(sum.hi, emitter.add(sum.lo, emitter.add(a.lo, emitter.constant(lo))));
}

Pair MathEmitter::logPair(Value e, Value f) {
  // s = f / (2 + f) as a pair; the remainder of the division is exact.
  Pair denominator = quickSum(constant(2.0), f);
  Value reciprocal = div(constant(1.0), denominator.hi);
  Value sHigh = mul(f, reciprocal);
  Value minus = neg(sHigh);
  Value remainder = fma(minus, denominator.lo, fma(minus, denominator.hi, f));
  Pair s = quickSum(sHigh, mul(remainder, reciprocal));

  // 2 s (1 + z / 3 + z^2 / 5 + z^3 tail): the terms with z and z^2 are pairs, the tail needs no more than a double.
  Pair z = product(*this, s, s);
  Value tail = mul(z.hi, horner(z.hi, c::kLogTail));
  Pair inner = addTo(*this, c::kFifth[0], c::kFifth[1], {tail, constant(0.0)});
  inner = addTo(*this, c::kThird[0], c::kThird[1], product(*this, z, inner));
  Value two = constant(2.0);
  Pair twiceS = {mul(s.hi, two), mul(s.lo, two)};
  Pair rest = product(*this, twiceS, product(*this, z, inner));
  Pair ofMantissa = quickSum(twiceS.hi, rest.hi);
  ofMantissa.lo = add(ofMantissa.lo, add(rest.lo, twiceS.lo));

  Pair sum = quickSum(mul(e, constant(c::kLn2Triple[0])), ofMantissa.hi);
  Value exponentLow = fma(e, constant(c::kLn2Triple[1]), mul(e, constant(c::kLn2Triple[2])));
  return quickSum(sum.hi, add(exponentLow, add(sum.lo, ofMantissa.lo)));
}

/// |x|^y, and 1 where |x| is 1.
Value MathEmitter::powerOfMagnitude(Value magnitude, Value y) {
  Value zero = constant(0.0), one = constant(1.0), infinity = constant(std::numeric_limits<double>::infinity());
  Value small = less(magnitude, constant(std::ldexp(1.0, 1 - info.bias)));
  int shift = info.mantissa + 2;
  Value scaled = select(small, mul(magnitude, constant(std::ldexp(1.0, shift))), magnitude);
  Value e, m;
  splitExponent(scaled, e, m);
  e = select(small, sub(e, constant(shift)), e);
  Value f = sub(m, one);
  Pair logarithm = single ? Pair{logOf(e, {f, nullptr}), zero} : logPair(e, f);
  logarithm.hi = select(equal(magnitude, zero), neg(infinity), logarithm.hi);
  logarithm.hi = select(equal(magnitude, infinity), infinity, logarithm.hi);

  // The low part of the exponent means nothing where the exponent leaves the range, and would make a NaN of infinity.
  Pair exponent = twoProduct(y, logarithm.hi);
  exponent.lo = fma(y, logarithm.lo, exponent.lo);
  exponent.lo = select(less(abs(exponent.hi), constant(1024.0)), exponent.lo, zero);
  ExpParts parts = reduceExp(atMost(atLeast(exponent.hi, info.expLow), info.expHigh));
  Pair mantissa = mantissaOfExp(parts);
  mantissa.lo = fma(exponent.lo, mantissa.hi, mantissa.lo);
  auto [first, second] = scales(parts);
  Value result = mul(mul(add(mantissa.hi, mantissa.lo), first), second);
  return select(equal(magnitude, one), one, result);
}

Value MathEmitter::pow(Value x, Value y) {
  if (getElementTypeOrSelf(type).isF32())
    return viaDouble([](MathEmitter &wide, ArrayRef<Value> operands) { return wide.pow(operands[0], operands[1]); },
                     {x, y});
  Value zero = constant(0.0), one = constant(1.0);
  Value magnitude = abs(x);
  Value result = powerOfMagnitude(magnitude, y);

  Value whole = equal(floor(y), y);
  Value halfY = mul(y, constant(0.5));
  Value odd = both(whole, less(floor(halfY), halfY));
  result = select(odd, copySign(result, x), result);
  // A negative number has powers with whole exponents only, but -inf counts as a limit.
  Value finiteNegative = both(less(x, zero), less(constant(-std::numeric_limits<double>::infinity()), x));
  Value nan = constant(std::numeric_limits<double>::quiet_NaN());
  result = select(finiteNegative, select(whole, result, nan), result);
  result = select(either(isNan(x), isNan(y)), add(x, y), result);
  return select(either(equal(x, one), equal(y, zero)), one, result);
}

Value MathEmitter::intPow(Value x, Value n) {
  Value one = constant(1.0);
  APInt known;
  if (matchPattern(n, m_ConstantInt(&known))) {
    Value result = one, base = x;
    for (uint64_t k = known.abs().getZExtValue(); k != 0; k >>= 1) {
      if (k & 1)
        result = result == one ? base : mul(result, base);
      if (k > 1)
        base = mul(base, base);
    }
    return known.isNegative() ? div(one, result) : result;
  }

  auto i64 = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(value));
  };
  Value none = i64(0), unit = i64(1);
  Value negative = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, n, none);
  Value count = arith::SelectOp::create(builder, loc, negative, arith::SubIOp::create(builder, loc, none, n), n);
  auto loop = scf::WhileOp::create(
      builder, loc, TypeRange{type, type, count.getType()}, ValueRange{one, x, count},
      [&](OpBuilder &nested, Location at, ValueRange state) {
        Value more = arith::CmpIOp::create(nested, at, arith::CmpIPredicate::ne, state[2], none);
        scf::ConditionOp::create(nested, at, more, state);
      },
      [&](OpBuilder &nested, Location at, ValueRange state) {
        Value bit = arith::AndIOp::create(nested, at, state[2], unit);
        Value set = arith::CmpIOp::create(nested, at, arith::CmpIPredicate::ne, bit, none);
        Value times = arith::MulFOp::create(nested, at, state[0], state[1]);
        Value result = arith::SelectOp::create(nested, at, set, times, state[0]);
        Value square = arith::MulFOp::create(nested, at, state[1], state[1]);
        Value rest = arith::ShRUIOp::create(nested, at, state[2], unit);
        scf::YieldOp::create(nested, at, ValueRange{result, square, rest});
      });
  Value result = loop.getResult(0);
  return arith::SelectOp::create(builder, loc, negative, div(one, result), result);
}
