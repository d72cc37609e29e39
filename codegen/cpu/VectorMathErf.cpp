//===- VectorMathErf.cpp - erf --------------------------------------------------===//
//
// x + x P(x^2) up to |x| = 1 and 1 - e^Q(|x| - 1) above, where Q approximates ln(erfc).
//
//===----------------------------------------------------------------------------===//

#include "codegen/cpu/VectorMathEmitter.h"

using namespace mlir;
using namespace gradus;

Value MathEmitter::erf(Value x) {
  Value one = constant(1.0);
  Value magnitude = abs(x);
  Value near = fma(x, horner(mul(x, x), info.erfNear), x);

  // At least 1, so that the power below stays in range; a NaN passes.
  Value clamped = atMost(atLeast(magnitude, 1.0), info.erfOne);
  ExpParts parts = reduceExp(horner(sub(clamped, one), info.erfFar));
  Pair mantissa = mantissaOfExp(parts);
  Value complement = mul(mantissa.hi, powerOfTwo(parts.exponent));
  return select(less(magnitude, one), near, copySign(sub(one, complement), x));
}
