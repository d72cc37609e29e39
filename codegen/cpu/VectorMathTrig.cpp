//===- VectorMathTrig.cpp - sin and cos -----------------------------------------===//
//
// x = q pi / 2 + r with |r| <= pi / 4, r as a pair. f32 computes in f64. Up to 2^45 the reduction subtracts q times
// pi / 2 to 159 bits; beyond, the fraction of x * 2 / pi is summed from products with pieces of 2 / pi, each reduced
// modulo 4 exactly. That sum is behind the only branch of the vector math, taken where some lane is that large; each
// lane chooses its own result, so the branch does not show in the bits.
//
//===----------------------------------------------------------------------------===//

#include "codegen/cpu/VectorMathCoefficients.h"
#include "codegen/cpu/VectorMathEmitter.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace gradus;
namespace c = gradus::coefficients;

/// Beyond this the multiples of pi / 2 are no longer subtracted one by one.
static constexpr double kLarge = 0x1p45;

MathEmitter::Reduced MathEmitter::reduceModerate(Value x) {
  Reduced result;
  Value n;
  result.quadrant = nearest(x, constant(c::kTwoOverPi), n);
  Pair first = twoProduct(n, constant(c::kHalfPi[0]));
  Pair second = twoProduct(n, constant(c::kHalfPi[1]));
  Pair high = twoSum(sub(x, first.hi), neg(first.lo));
  Pair low = twoSum(high.hi, neg(second.hi));
  Value rest = fma(n, constant(-c::kHalfPi[2]), sub(high.lo, second.lo));
  Pair r = quickSum(low.hi, add(low.lo, rest));
  result.r = r;
  return result;
}

MathEmitter::Reduced MathEmitter::reduceLarge(Value x) {
  // x is scaled down and the pieces up: the last ones lie below the smallest double.
  ArrayRef<double> pieces = single ? ArrayRef<double>(c::kTwoOverPiSingle) : ArrayRef<double>(c::kTwoOverPiDouble);
  Value four = constant(-4.0), quarter = constant(0.25);
  Value scaled = mul(x, constant(single ? 1.0 : c::kPieceScale));
  auto modulo4 = [&](Value p) { return fma(roundEven(mul(p, quarter)), four, p); };
  Pair sum = {constant(0.0), constant(0.0)};
  for (double piece : pieces) {
    Pair product = twoProduct(scaled, constant(piece));
    Pair next = twoSum(sum.hi, modulo4(product.hi));
    sum = {next.hi, add(sum.lo, next.lo)};
    if (single) // 24 times 24 bits: the product has no low part
      continue;
    Pair after = twoSum(sum.hi, modulo4(product.lo));
    sum = {after.hi, add(sum.lo, after.lo)};
  }
  Reduced result;
  Value n;
  result.quadrant = nearest(sum.hi, constant(1.0), n);
  Pair fraction = quickSum(sub(sum.hi, n), sum.lo);
  Pair r = twoProduct(fraction.hi, constant(c::kHalfPi[0]));
  r.lo = add(r.lo, fma(fraction.hi, constant(c::kHalfPi[1]), mul(fraction.lo, constant(c::kHalfPi[0]))));
  result.r = quickSum(r.hi, r.lo);
  return result;
}

MathEmitter::Reduced MathEmitter::reduceAngle(Value x) {
  Reduced moderate = reduceModerate(x);
  Value large = less(constant(kLarge), abs(x));
  Value any = large;
  if (auto vector = dyn_cast<VectorType>(large.getType())) {
    if (vector.getRank() != 1)
      any = vector::ShapeCastOp::create(builder, loc, VectorType::get({vector.getNumElements()}, builder.getI1Type()),
                                        large);
    any = vector::ReductionOp::create(builder, loc, vector::CombiningKind::OR, any);
  }
  auto branch = scf::IfOp::create(
      builder, loc, any,
      [&](OpBuilder &nested, Location) {
        OpBuilder::InsertionGuard guard(builder);
        builder.setInsertionPoint(nested.getInsertionBlock(), nested.getInsertionPoint());
        Reduced far = reduceLarge(x);
        SmallVector<Value> chosen = {select(large, far.quadrant, moderate.quadrant),
                                     select(large, far.r.hi, moderate.r.hi), select(large, far.r.lo, moderate.r.lo)};
        scf::YieldOp::create(builder, loc, chosen);
      },
      [&](OpBuilder &nested, Location) {
        scf::YieldOp::create(nested, loc, ValueRange{moderate.quadrant, moderate.r.hi, moderate.r.lo});
      });
  return {branch.getResult(0), {branch.getResult(1), branch.getResult(2)}};
}

Value MathEmitter::sineOrCosine(Value x, bool cosine) {
  Reduced reduced = reduceAngle(x);
  Value r = reduced.r.hi, low = reduced.r.lo;
  Value one = constant(1.0);
  Value z = mul(r, r), halfZ = mul(z, constant(0.5));
  ArrayRef<double> sinPolynomial = single ? ArrayRef<double>(c::kSinShort) : ArrayRef<double>(c::kSinF64);
  ArrayRef<double> cosPolynomial = single ? ArrayRef<double>(c::kCosShort) : ArrayRef<double>(c::kCosF64);
  // sin(r + low) = r + r z S + low (1 - z / 2), cos(r + low) = 1 - z / 2 + z^2 C - r low.
  Value sine = add(r, fma(mul(r, z), horner(z, sinPolynomial), mul(low, sub(one, halfZ))));
  Pair start = quickSum(one, neg(halfZ));
  Value cosineRest = fma(neg(r), low, mul(mul(z, z), horner(z, cosPolynomial)));
  Value cosineOfR = add(start.hi, add(start.lo, cosineRest));

  Value quadrant = cosine ? addInt(reduced.quadrant, integer(1)) : reduced.quadrant;
  Value odd = equalInt(andInt(quadrant, integer(1)), integer(1));
  Value value = select(odd, cosineOfR, sine);
  Value sign = shiftLeft(andInt(quadrant, integer(2)), info.width - 2);
  return fromBits(differ(bits(value), sign));
}

Value MathEmitter::sin(Value x) {
  if (getElementTypeOrSelf(type).isF32())
    return viaDouble([](MathEmitter &wide, ArrayRef<Value> operands) { return wide.sin(operands[0]); }, {x});
  // Close to 0, x itself: this keeps the sign of 0.
  return select(less(abs(x), constant(0x1p-27)), x, sineOrCosine(x, /*cosine=*/false));
}

Value MathEmitter::cos(Value x) {
  if (getElementTypeOrSelf(type).isF32())
    return viaDouble([](MathEmitter &wide, ArrayRef<Value> operands) { return wide.cos(operands[0]); }, {x});
  return sineOrCosine(x, /*cosine=*/true);
}
