//===- VectorMathEmitter.cpp - The vocabulary of the vector math ----------------===//

#include "codegen/cpu/VectorMathEmitter.h"

#include "codegen/cpu/VectorMathCoefficients.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;
using namespace gradus;

namespace {

/// The type with the shape of `like` and this element type.
Type withElement(Type like, Type element) {
  if (auto vector = dyn_cast<VectorType>(like))
    return vector.clone(element);
  return element;
}

/// `single`: f32; `full`: f64; `shortened`: f64 whose results are rounded to f32 at last.
const MathFormat &formatFor(Type element, bool resultInSingle) {
  namespace c = coefficients;
  static constexpr MathFormat single = {
      32, 23, 127, -104.5, 89.0, 0x1p-25, 4.0, c::kLn2F32, c::kExpF32, c::kExpPlainF32, c::kLogF32, c::kErfNearF32, c::kErfFarF32};
  static constexpr MathFormat full = {
      64, 52, 1023, -746.0, 710.0, 0x1p-54, 6.0, c::kLn2F64, c::kExpF64, c::kExpPlainF64, c::kLogF64, c::kErfNearF64, c::kErfFarF64};
  static constexpr MathFormat shortened = {
      64, 52, 1023, -746.0, 710.0, 0x1p-54, 6.0, c::kLn2F64, c::kExpShort, c::kExpPlainF64, c::kLogShort, c::kErfNearF64, c::kErfFarF64};
  if (element.isF32())
    return single;
  return resultInSingle ? shortened : full;
}

} // namespace

MathEmitter::MathEmitter(OpBuilder &builder, Location loc, Type type, bool resultInSingle)
    : builder(builder), loc(loc), type(type), single(resultInSingle),
      info(formatFor(getElementTypeOrSelf(type), resultInSingle)) {
  intType = withElement(type, builder.getIntegerType(info.width));
}

Value MathEmitter::viaDouble(function_ref<Value(MathEmitter &, ArrayRef<Value>)> body, ArrayRef<Value> operands) {
  Type wide = withElement(type, builder.getF64Type());
  SmallVector<Value> widened;
  for (Value operand : operands)
    widened.push_back(arith::ExtFOp::create(builder, loc, wide, operand));
  MathEmitter emitter(builder, loc, wide, /*resultInSingle=*/true);
  return arith::TruncFOp::create(builder, loc, type, body(emitter, widened));
}

//===----------------------------------------------------------------------------===//
// Constants and operations
//===----------------------------------------------------------------------------===//

Value MathEmitter::constant(double value) {
  TypedAttr attr = builder.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, attr);
  return arith::ConstantOp::create(builder, loc, attr);
}

Value MathEmitter::integer(int64_t value) {
  TypedAttr attr = builder.getIntegerAttr(getElementTypeOrSelf(intType), value);
  if (auto vector = dyn_cast<VectorType>(intType))
    attr = DenseElementsAttr::get(vector, attr);
  return arith::ConstantOp::create(builder, loc, attr);
}

Value MathEmitter::add(Value a, Value b) { return arith::AddFOp::create(builder, loc, a, b); }
Value MathEmitter::sub(Value a, Value b) { return arith::SubFOp::create(builder, loc, a, b); }
Value MathEmitter::mul(Value a, Value b) { return arith::MulFOp::create(builder, loc, a, b); }
Value MathEmitter::div(Value a, Value b) { return arith::DivFOp::create(builder, loc, a, b); }
Value MathEmitter::fma(Value a, Value b, Value c) { return math::FmaOp::create(builder, loc, a, b, c); }
Value MathEmitter::neg(Value a) { return arith::NegFOp::create(builder, loc, a); }
Value MathEmitter::abs(Value a) { return math::AbsFOp::create(builder, loc, a); }
Value MathEmitter::sqrt(Value a) { return math::SqrtOp::create(builder, loc, a); }
Value MathEmitter::floor(Value a) { return math::FloorOp::create(builder, loc, a); }
Value MathEmitter::ceil(Value a) { return math::CeilOp::create(builder, loc, a); }
Value MathEmitter::trunc(Value a) { return math::TruncOp::create(builder, loc, a); }
Value MathEmitter::roundEven(Value a) { return math::RoundEvenOp::create(builder, loc, a); }
Value MathEmitter::copySign(Value magnitude, Value sign) {
  return math::CopySignOp::create(builder, loc, magnitude, sign);
}
Value MathEmitter::addInt(Value a, Value b) { return arith::AddIOp::create(builder, loc, a, b); }
Value MathEmitter::subInt(Value a, Value b) { return arith::SubIOp::create(builder, loc, a, b); }
Value MathEmitter::andInt(Value a, Value b) { return arith::AndIOp::create(builder, loc, a, b); }
Value MathEmitter::shiftLeft(Value a, int64_t by) { return arith::ShLIOp::create(builder, loc, a, integer(by)); }
Value MathEmitter::shiftRight(Value a, int64_t by) { return arith::ShRUIOp::create(builder, loc, a, integer(by)); }

Value MathEmitter::less(Value a, Value b) {
  return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT, a, b);
}
Value MathEmitter::equal(Value a, Value b) {
  return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, a, b);
}
Value MathEmitter::equalInt(Value a, Value b) {
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, a, b);
}
Value MathEmitter::isNan(Value a) { return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNO, a, a); }
Value MathEmitter::both(Value a, Value b) { return arith::AndIOp::create(builder, loc, a, b); }
Value MathEmitter::either(Value a, Value b) { return arith::OrIOp::create(builder, loc, a, b); }
Value MathEmitter::differ(Value a, Value b) { return arith::XOrIOp::create(builder, loc, a, b); }
Value MathEmitter::select(Value condition, Value yes, Value no) {
  return arith::SelectOp::create(builder, loc, condition, yes, no);
}

Value MathEmitter::atLeast(Value a, double bound) {
  Value limit = constant(bound);
  return select(less(a, limit), limit, a);
}

Value MathEmitter::atMost(Value a, double bound) {
  Value limit = constant(bound);
  return select(less(limit, a), limit, a);
}

Value MathEmitter::bits(Value a) { return arith::BitcastOp::create(builder, loc, intType, a); }
Value MathEmitter::fromBits(Value a) { return arith::BitcastOp::create(builder, loc, type, a); }

//===----------------------------------------------------------------------------===//
// Building blocks
//===----------------------------------------------------------------------------===//

Value MathEmitter::horner(Value x, ArrayRef<double> c) {
  Value value = constant(c.back());
  for (double next : llvm::reverse(c.drop_back()))
    value = fma(value, x, constant(next));
  return value;
}

Pair MathEmitter::twoSum(Value a, Value b) {
  Value hi = add(a, b);
  Value fromB = sub(hi, a);
  Value fromA = sub(hi, fromB);
  return {hi, add(sub(a, fromA), sub(b, fromB))};
}

Pair MathEmitter::quickSum(Value a, Value b) {
  Value hi = add(a, b);
  return {hi, sub(b, sub(hi, a))};
}

Pair MathEmitter::twoProduct(Value a, Value b) {
  Value hi = mul(a, b);
  return {hi, fma(a, b, neg(hi))};
}

Value MathEmitter::quotient(Pair a, Pair b) {
  Value reciprocal = div(constant(1.0), b.hi);
  Value q = mul(a.hi, reciprocal);
  Value minusQ = neg(q);
  Value remainder = add(fma(minusQ, b.hi, a.hi), a.lo);
  return fma(fma(minusQ, b.lo, remainder), reciprocal, q);
}

Value MathEmitter::nearest(Value x, Value factor, Value &rounded) {
  // Adding 1.5 * 2^mantissa leaves the integer in the lowest bits of the sum; AVX2 has no conversion to i64.
  double shift = std::ldexp(1.5, info.mantissa);
  Value shifter = constant(shift);
  Value shifted = fma(x, factor, shifter);
  rounded = sub(shifted, shifter);
  return subInt(bits(shifted), bits(shifter));
}

Value MathEmitter::powerOfTwo(Value k) {
  return fromBits(shiftLeft(addInt(k, integer(info.bias)), info.mantissa));
}

void MathEmitter::splitExponent(Value u, Value &e, Value &m) {
  // Measured from sqrt(1/2), the exponent field of u is e + bias.
  int64_t one = int64_t(info.bias) << info.mantissa;
  double root = 0x1.6a09e667f3bcdp-1;
  int64_t origin = info.width == 32 ? int64_t(llvm::bit_cast<int32_t>(float(root))) : llvm::bit_cast<int64_t>(root);
  Value uBits = bits(u);
  Value field = shiftRight(addInt(uBits, integer(one - origin)), info.mantissa);
  m = fromBits(subInt(uBits, subInt(shiftLeft(field, info.mantissa), integer(one))));
  // A small integer below the mantissa of 2^mantissa makes a float without a conversion.
  double base = std::ldexp(1.0, info.mantissa);
  int64_t baseBits = (int64_t(info.bias) + info.mantissa) << info.mantissa;
  e = sub(fromBits(addInt(field, integer(baseBits))), constant(base + info.bias));
}
