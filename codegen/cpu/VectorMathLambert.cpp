//===- VectorMathLambert.cpp - The principal branch of Lambert's W --------------===//
//
// Close to the branch point -1 / e, a polynomial in p = sqrt(2 (1 + e x)). Elsewhere a start to some hundredths, and two
// steps of the iteration of Fritsch, Shafer and Crowley (Comm. ACM 16, 1973), each of which takes the error to the
// fourth power; it works on ln(x / w) - w, which neither overflows nor cancels.
//
//===----------------------------------------------------------------------------===//

#include "codegen/cpu/VectorMathSpecial.h"
#include "codegen/cpu/VectorMathSpecialCoefficients.h"

#include <limits>

using namespace mlir;
using namespace gradus;
namespace c = gradus::coefficients;

Value gradus::emitLambertW(MathEmitter &m, Value x) {
  Value one = m.constant(1.0), two = m.constant(2.0);
  Value isNear = m.less(x, m.constant(-0.27));
  // The product with e is cancelled by 1 within the fma; what e itself lost is added then.
  Value above = m.fma(x, m.constant(c::kEuler[1]), m.fma(x, m.constant(c::kEuler[0]), one));
  Value p = m.sqrt(m.add(above, above));
  Value near = m.fma(p, m.horner(p, c::kLambert), m.constant(-1.0));

  // Winitzki: W is about L (1 - ln(1 + L) / (2 + L)) with L = ln(1 + x).
  Value bounded = m.atLeast(x, -0.28);
  Value logarithm = m.log1p(bounded);
  Value w = m.mul(logarithm, m.sub(one, m.div(m.log1p(logarithm), m.add(two, logarithm))));
  for (int step = 0; step < 2; ++step) {
    Value z = m.sub(m.log(m.div(bounded, w)), w), t = m.add(one, w);
    Value q = m.mul(m.add(t, t), m.fma(z, m.constant(2.0 / 3), t));
    Value change = m.mul(m.div(z, t), m.div(m.sub(q, z), m.fma(z, m.constant(-2.0), q)));
    w = m.fma(w, change, w);
  }
  Value result = m.select(isNear, near, w);
  result = m.select(m.less(m.abs(x), m.constant(0x1p-54)), x, result);
  return m.select(m.equal(x, m.constant(std::numeric_limits<double>::infinity())), x, result);
}
