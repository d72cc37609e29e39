//===- Pointwise.cpp - Code of one pointwise operation --------------------------===//
//
// Scalars (rank 0, once per call) and vectors take the same path, so that they have the same bits. No operation is marked
// with a fast-math flag: what LLVM may do is what IEEE 754 allows.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/VectorMath.h"
#include "passes/Build.h"
#include "passes/lower/Code.h"
#include "passes/lower/Steps.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace gradus {

using FPredicate = arith::CmpFPredicate;
using IPredicate = arith::CmpIPredicate;

static bool isFloatValue(Value value) { return isa<FloatType>(getElementTypeOrSelf(value.getType())); }

/// The type of `like` with another element type.
static Type withElement(Type like, Type element) {
  if (auto vector = dyn_cast<VectorType>(like))
    return vector.clone(element);
  return element;
}

static Value compareF(CodeBuilder &code, FPredicate predicate, Value a, Value b) {
  return arith::CmpFOp::create(code, predicate, a, b);
}
static Value compareI(CodeBuilder &code, IPredicate predicate, Value a, Value b) {
  return arith::CmpIOp::create(code, predicate, a, b);
}

/// bf16 is the upper half of f32; to nearest, ties to even, NaN stays NaN. Done on the bits, because what the machine
/// offers for it differs and the generic way is a library call.
static Value bf16FromF32(CodeBuilder &code, Value x) {
  Type i32 = withElement(x.getType(), code.getI32Type());
  Value bits = arith::BitcastOp::create(code, i32, x);
  Value odd = arith::AndIOp::create(code, arith::ShRUIOp::create(code, bits, code.integer(i32, 16)), code.integer(i32, 1));
  Value rounded = arith::AddIOp::create(code, bits, arith::AddIOp::create(code, odd, code.integer(i32, 0x7fff)));
  Value quiet = arith::OrIOp::create(code, bits, code.integer(i32, 0x400000));
  Value isNan = compareF(code, FPredicate::UNO, x, x);
  Value chosen = arith::SelectOp::create(code, isNan, quiet, rounded);
  Value high = arith::ShRUIOp::create(code, chosen, code.integer(i32, 16));
  return arith::TruncIOp::create(code, withElement(x.getType(), code.getIntegerType(16)), high);
}

static Value f32FromBf16(CodeBuilder &code, Value x) {
  Type i32 = withElement(x.getType(), code.getI32Type());
  Value wide = arith::ShLIOp::create(code, arith::ExtUIOp::create(code, i32, x), code.integer(i32, 16));
  return arith::BitcastOp::create(code, withElement(x.getType(), code.getF32Type()), wide);
}

/// f64 to f32 rounded to odd: rounding once more to a type of at most 22 bits of precision then gives what one rounding would.
static Value roundToOdd(CodeBuilder &code, Value x) {
  Type f32 = withElement(x.getType(), code.getF32Type()), i32 = withElement(x.getType(), code.getI32Type());
  Value y = arith::TruncFOp::create(code, f32, x);
  Value back = arith::ExtFOp::create(code, x.getType(), y);
  Value isAbove = compareF(code, FPredicate::OGT, math::AbsFOp::create(code, back), math::AbsFOp::create(code, x));
  Value isInexact = compareF(code, FPredicate::ONE, back, x);
  Value bits = arith::BitcastOp::create(code, i32, y);
  bits = arith::SubIOp::create(code, bits, arith::ExtUIOp::create(code, i32, isAbove));
  bits = arith::OrIOp::create(code, bits, arith::ExtUIOp::create(code, i32, isInexact));
  return arith::BitcastOp::create(code, f32, bits);
}

static Value castFloat(CodeBuilder &code, Value x, Type from, Type to) {
  if (from.isBF16()) {
    x = f32FromBf16(code, x);
    from = code.getF32Type();
  }
  if (from == to)
    return x;
  Type f32 = withElement(x.getType(), code.getF32Type());
  if (to.isBF16() || (to.isF16() && from.isF64())) {
    if (from.isF64())
      x = roundToOdd(code, x);
    else if (from.isF16())
      x = arith::ExtFOp::create(code, f32, x);
    if (to.isBF16())
      return bf16FromF32(code, x);
    return arith::TruncFOp::create(code, withElement(x.getType(), to), x);
  }
  Type type = withElement(x.getType(), to);
  if (to.getIntOrFloatBitWidth() > from.getIntOrFloatBitWidth())
    return code.createOrFold<arith::ExtFOp>(type, x);
  return code.createOrFold<arith::TruncFOp>(type, x);
}

/// gradus.stochastic_cast. The numbers between two of 16 bits are as many as their lowest bits count, and so are the sums that carry: the bits of f32 are
/// in the order of the numbers. f16 cuts 13 of them off, and where it is subnormal 2^-24 counts, with 16 bits behind.
static Value emitStochasticCast(CodeBuilder &code, Value x, Value drawn, Type from, Type to) {
  if (from.isF64())
    x = castFloat(code, x, from, code.getF32Type());
  Type i32 = withElement(x.getType(), code.getI32Type());
  auto integer = [&](int64_t n) { return code.integer(i32, n); };
  Value bits = arith::BitcastOp::create(code, i32, x), isNan = compareF(code, FPredicate::UNO, x, x);
  if (to.isBF16()) {
    Value quiet = arith::OrIOp::create(code, bits, integer(0x400000));
    Value chosen = arith::SelectOp::create(code, isNan, quiet, arith::AddIOp::create(code, bits, drawn));
    return arith::TruncIOp::create(code, withElement(x.getType(), code.getIntegerType(16)), arith::ShRUIOp::create(code, chosen, integer(16)));
  }
  Value carried = arith::AddIOp::create(code, bits, arith::ShRUIOp::create(code, drawn, integer(3)));
  Value cut = arith::BitcastOp::create(code, x.getType(), arith::AndIOp::create(code, carried, integer(-0x2000)));
  Value size = math::AbsFOp::create(code, x), isSmall = compareF(code, FPredicate::OLT, size, code.number(x.getType(), 0x1p-14));
  Value small = arith::SelectOp::create(code, isSmall, size, code.number(x.getType(), 0));
  Value count = arith::FPToSIOp::create(code, i32, arith::MulFOp::create(code, small, code.number(x.getType(), 0x1p40)));
  count = arith::ShRUIOp::create(code, arith::AddIOp::create(code, count, drawn), integer(16));
  Value rounded = arith::MulFOp::create(code, arith::SIToFPOp::create(code, x.getType(), count), code.number(x.getType(), 0x1p-24));
  rounded = math::CopySignOp::create(code, rounded, x);
  Value y = arith::SelectOp::create(code, isNan, x, arith::SelectOp::create(code, isSmall, rounded, cut));
  return arith::TruncFOp::create(code, withElement(x.getType(), to), y);
}

/// Towards zero; NaN gives 0 and what is out of range the nearest bound.
static Value intFromFloat(CodeBuilder &code, Value x, Type to) {
  Type type = withElement(x.getType(), to);
  unsigned width = to.getIntOrFloatBitWidth();
  double bound = std::ldexp(1.0, width - 1); // the bounds are powers of 2, exact in f32 and f64
  Value low = code.number(x.getType(), -bound), high = code.number(x.getType(), bound);
  Value isLow = compareF(code, FPredicate::OLT, x, low), isHigh = compareF(code, FPredicate::OGE, x, high);
  Value isNan = compareF(code, FPredicate::UNO, x, x);
  Value zero = code.number(x.getType(), 0);
  Value isOutside = arith::OrIOp::create(code, isNan, arith::OrIOp::create(code, isLow, isHigh));
  Value inside = arith::SelectOp::create(code, isOutside, zero, x);
  Value result = arith::FPToSIOp::create(code, type, inside);
  result = arith::SelectOp::create(code, isLow, code.integer(type, APInt::getSignedMinValue(width).getSExtValue()), result);
  return arith::SelectOp::create(code, isHigh, code.integer(type, APInt::getSignedMaxValue(width).getSExtValue()), result);
}

Value emitCast(CodeBuilder &code, Value x, Type from, Type to) {
  if (from == to)
    return x;
  if (isa<BlocksType>(from)) // decoded where it was loaded
    from = code.getF32Type();
  bool isFromFloat = isa<FloatType>(from), isToFloat = isa<FloatType>(to);
  if (isFromFloat && isToFloat)
    return castFloat(code, x, from, to);
  if (isFromFloat && !from.isF64())
    x = castFloat(code, x, from, code.getF32Type());
  if (to.isInteger(1))
    return isFromFloat ? compareF(code, FPredicate::UNE, x, code.number(x.getType(), 0))
                       : compareI(code, IPredicate::ne, x, code.integer(x.getType(), 0));
  if (isFromFloat)
    return intFromFloat(code, x, to);
  if (isToFloat) {
    // A 16-bit type takes the way through f32; i64 to f32 is one rounding.
    Type middle = to.getIntOrFloatBitWidth() < 32 ? Type(code.getF64Type()) : to;
    Type type = withElement(x.getType(), middle);
    Value y = from.isInteger(1) ? arith::UIToFPOp::create(code, type, x).getResult() : arith::SIToFPOp::create(code, type, x).getResult();
    return castFloat(code, y, middle, to);
  }
  Type type = withElement(x.getType(), to);
  if (from.isInteger(1))
    return arith::ExtUIOp::create(code, type, x);
  if (to.getIntOrFloatBitWidth() > from.getIntOrFloatBitWidth())
    return arith::ExtSIOp::create(code, type, x);
  return arith::TruncIOp::create(code, type, x);
}

static Value emitCompare(CodeBuilder &code, ComparePredicate predicate, Value a, Value b) {
  static constexpr FPredicate floats[] = {FPredicate::OEQ, FPredicate::UNE, FPredicate::OLT,
                                          FPredicate::OLE, FPredicate::OGT, FPredicate::OGE};
  static constexpr IPredicate ints[] = {IPredicate::eq,  IPredicate::ne,  IPredicate::slt,
                                        IPredicate::sle, IPredicate::sgt, IPredicate::sge};
  static constexpr IPredicate bools[] = {IPredicate::eq,  IPredicate::ne,  IPredicate::ult,
                                         IPredicate::ule, IPredicate::ugt, IPredicate::uge};
  auto index = static_cast<unsigned>(predicate);
  if (isFloatValue(a))
    return compareF(code, floats[index], a, b);
  return compareI(code, getElementTypeOrSelf(a.getType()).isInteger(1) ? bools[index] : ints[index], a, b);
}

/// -1, 0 or 1; NaN for NaN. What is neither above nor below is zero or NaN, and so is its sum with 0.
static Value emitSign(CodeBuilder &code, Value x) {
  Type type = x.getType();
  Value zero = code.number(type, 0);
  Value isAbove = emitCompare(code, ComparePredicate::Gt, x, zero), isBelow = emitCompare(code, ComparePredicate::Lt, x, zero);
  Value same = isFloatValue(x) ? arith::AddFOp::create(code, x, zero).getResult() : zero;
  Value rest = arith::SelectOp::create(code, isBelow, code.number(type, -1), same);
  return arith::SelectOp::create(code, isAbove, code.number(type, 1), rest);
}

/// floor(a / b), 0 where b = 0. Division by -1 is a negation: the least integer divided by it would trap.
static Value emitIntDiv(CodeBuilder &code, Value a, Value b) {
  Type type = a.getType();
  Value zero = code.integer(type, 0), one = code.integer(type, 1);
  Value isZero = compareI(code, IPredicate::eq, b, zero), isMinus = compareI(code, IPredicate::eq, b, code.integer(type, -1));
  Value safe = arith::SelectOp::create(code, arith::OrIOp::create(code, isZero, isMinus), one, b);
  Value quotient = arith::DivSIOp::create(code, a, safe);
  Value remainder = arith::SubIOp::create(code, a, arith::MulIOp::create(code, quotient, safe));
  Value hasOtherSign = compareI(code, IPredicate::slt, arith::XOrIOp::create(code, remainder, safe), zero);
  Value isBelow = arith::AndIOp::create(code, compareI(code, IPredicate::ne, remainder, zero), hasOtherSign);
  Value floored = arith::SelectOp::create(code, isBelow, arith::SubIOp::create(code, quotient, one), quotient);
  floored = arith::SelectOp::create(code, isMinus, arith::SubIOp::create(code, zero, a), floored);
  return arith::SelectOp::create(code, isZero, zero, floored);
}

static Value emitMod(CodeBuilder &code, Value a, Value b) {
  if (isFloatValue(a)) {
    Value floored = math::FloorOp::create(code, arith::DivFOp::create(code, a, b));
    return arith::SubFOp::create(code, a, arith::MulFOp::create(code, b, floored));
  }
  Value isZero = compareI(code, IPredicate::eq, b, code.integer(b.getType(), 0));
  Value value = arith::SubIOp::create(code, a, arith::MulIOp::create(code, b, emitIntDiv(code, a, b)));
  return arith::SelectOp::create(code, isZero, code.integer(a.getType(), 0), value);
}

/// x^n by repeated squaring, lowest bit first; a negative n takes the reciprocal at the end.
static Value emitIntPow(CodeBuilder &code, Value x, Value n) {
  Type type = x.getType();
  bool isFloat = isFloatValue(x);
  if (!n.getType().isInteger(64))
    n = arith::ExtSIOp::create(code, code.getI64Type(), n);
  Value zero = code.i64(0), one = code.number(type, 1);
  Value isNegative = code.compare(IPredicate::slt, n, zero);
  Value count = code.select(isNegative, code.sub(zero, n), n);
  auto times = [&](CodeBuilder &inner, Value a, Value b) {
    return isFloat ? arith::MulFOp::create(inner, a, b).getResult() : arith::MulIOp::create(inner, a, b).getResult();
  };
  // The factors 1 and x as two neighbours in memory: AVX2 has no conditional move of one float, and would branch. Which bits of a step count are set no
  // branch predictor knows, and each wrong guess costs as much as five products.
  bool isInMemory = isFloat && !isa<VectorType>(type);
  Value factors = isInMemory ? code.stackSlot(type, 2) : Value();
  if (isInMemory)
    code.storeElement(factors, type, zero, one);
  auto loop = scf::WhileOp::create(
      code, TypeRange{code.getI64Type(), type, type}, ValueRange{count, x, one},
      [&](OpBuilder &builder, Location loc, ValueRange args) {
        CodeBuilder inner(loc, builder);
        scf::ConditionOp::create(inner, inner.compare(IPredicate::ne, args[0], zero), args);
      },
      [&](OpBuilder &builder, Location loc, ValueRange args) {
        CodeBuilder inner(loc, builder);
        Value bit = arith::AndIOp::create(inner, args[0], inner.i64(1)), power;
        if (isInMemory) {
          inner.storeElement(factors, type, inner.i64(1), args[1]);
          power = times(inner, args[2], inner.loadElement(factors, type, bit));
        } else {
          power = arith::SelectOp::create(inner, inner.compare(IPredicate::ne, bit, zero), times(inner, args[2], args[1]), args[2]);
        }
        Value half = arith::ShRUIOp::create(inner, args[0], inner.i64(1));
        scf::YieldOp::create(inner, ValueRange{half, times(inner, args[1], args[1]), power});
      });
  setMostSteps(loop, stepsOfHalving);
  Value power = loop.getResult(2);
  Value reciprocal;
  if (isFloat) {
    reciprocal = arith::DivFOp::create(code, one, power);
  } else { // 1 / m rounded down, as int_div: -1 below 0, 1 for 1, else 0
    Value isUnit = compareI(code, IPredicate::eq, power, one), isBelow = compareI(code, IPredicate::slt, power, code.integer(type, 0));
    Value rest = arith::SelectOp::create(code, isUnit, one, code.integer(type, 0));
    reciprocal = arith::SelectOp::create(code, isBelow, code.integer(type, -1), rest);
  }
  return arith::SelectOp::create(code, isNegative, reciprocal, power);
}

static std::optional<MathFunction> findMathFunction(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<MathFunction>>(op)
      .Case<AcosOp>([](auto) { return MathFunction::Acos; })
      .Case<AcoshOp>([](auto) { return MathFunction::Acosh; })
      .Case<AsinOp>([](auto) { return MathFunction::Asin; })
      .Case<AsinhOp>([](auto) { return MathFunction::Asinh; })
      .Case<AtanOp>([](auto) { return MathFunction::Atan; })
      .Case<Atan2Op>([](auto) { return MathFunction::Atan2; })
      .Case<AtanhOp>([](auto) { return MathFunction::Atanh; })
      .Case<CbrtOp>([](auto) { return MathFunction::Cbrt; })
      .Case<CosOp>([](auto) { return MathFunction::Cos; })
      .Case<CoshOp>([](auto) { return MathFunction::Cosh; })
      .Case<DigammaOp>([](auto) { return MathFunction::Digamma; })
      .Case<ErfOp>([](auto) { return MathFunction::Erf; })
      .Case<ErfcOp>([](auto) { return MathFunction::Erfc; })
      .Case<ExpOp>([](auto exp) { return exp->hasAttr(notPositiveAttribute) ? MathFunction::ExpNotPositive : MathFunction::Exp; })
      .Case<Exp2Op>([](auto) { return MathFunction::Exp2; })
      .Case<Expm1Op>([](auto) { return MathFunction::Expm1; })
      .Case<HypotOp>([](auto) { return MathFunction::Hypot; })
      .Case<LambertWOp>([](auto) { return MathFunction::LambertW; })
      .Case<LGammaOp>([](auto) { return MathFunction::LogGamma; })
      .Case<LogOp>([](auto) { return MathFunction::Log; })
      .Case<Log10Op>([](auto) { return MathFunction::Log10; })
      .Case<Log1pOp>([](auto) { return MathFunction::Log1p; })
      .Case<Log2Op>([](auto) { return MathFunction::Log2; })
      .Case<NormalCdfOp>([](auto) { return MathFunction::NormalCdf; })
      .Case<NormalQuantileOp>([](auto) { return MathFunction::NormalQuantile; })
      .Case<PowOp>([](auto) { return MathFunction::Pow; })
      .Case<RoundOp>([](auto) { return MathFunction::Round; })
      .Case<SigmoidOp>([](auto) { return MathFunction::Sigmoid; })
      .Case<SinOp>([](auto) { return MathFunction::Sin; })
      .Case<SinhOp>([](auto) { return MathFunction::Sinh; })
      .Case<SoftplusOp>([](auto) { return MathFunction::Softplus; })
      .Case<TanhOp>([](auto) { return MathFunction::Tanh; })
      .Case<TrigammaOp>([](auto) { return MathFunction::Trigamma; })
      .Case<TruncOp>([](auto) { return MathFunction::Trunc; })
      .Default([](auto) { return std::nullopt; });
}

static Value emitUnary(CodeBuilder &code, Operation *op, Value x) {
  bool isFloat = isFloatValue(x);
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<AbsOp>([&](auto) -> Value {
        if (isFloat)
          return math::AbsFOp::create(code, x);
        Value zero = code.integer(x.getType(), 0);
        return arith::SelectOp::create(code, compareI(code, IPredicate::slt, x, zero), arith::SubIOp::create(code, zero, x), x);
      })
      .Case<CeilOp>([&](auto) -> Value { return math::CeilOp::create(code, x); })
      .Case<FloorOp>([&](auto) -> Value { return math::FloorOp::create(code, x); })
      .Case<NegOp>([&](auto) -> Value {
        if (isFloat)
          return arith::NegFOp::create(code, x);
        return arith::SubIOp::create(code, code.integer(x.getType(), 0), x);
      })
      .Case<NotOp>([&](auto) -> Value { return arith::XOrIOp::create(code, x, code.integer(x.getType(), 1)); })
      .Case<SignOp>([&](auto) { return emitSign(code, x); })
      .Case<SqrtOp>([&](auto) -> Value { return math::SqrtOp::create(code, x); })
      .Case<StopOp>([&](auto) { return x; })
      .Default([](auto) { return Value(); });
}

static Value emitBinary(CodeBuilder &code, Operation *op, Value a, Value b) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<AddOp>([&](auto) { return emitCombine(code, ReductionKind::Sum, a, b); })
      .Case<AndOp>([&](auto) { return emitCombine(code, ReductionKind::All, a, b); })
      .Case<CompareOp>([&](CompareOp compare) { return emitCompare(code, compare.getPredicate(), a, b); })
      .Case<DivOp>([&](auto) -> Value { return arith::DivFOp::create(code, a, b); })
      .Case<IntDivOp>([&](auto) { return emitIntDiv(code, a, b); })
      .Case<MaxOp>([&](auto) { return emitCombine(code, ReductionKind::Max, a, b); })
      .Case<MinOp>([&](auto) { return emitCombine(code, ReductionKind::Min, a, b); })
      .Case<ModOp>([&](auto) { return emitMod(code, a, b); })
      .Case<MulOp>([&](auto) { return emitCombine(code, ReductionKind::Prod, a, b); })
      .Case<OrOp>([&](auto) { return emitCombine(code, ReductionKind::Any, a, b); })
      .Case<SubOp>([&](auto) -> Value {
        if (isFloatValue(a))
          return arith::SubFOp::create(code, a, b);
        return arith::SubIOp::create(code, a, b);
      })
      .Case<XorOp>([&](auto) -> Value { return arith::XOrIOp::create(code, a, b); })
      .Default([](auto) { return Value(); });
}

Value emitPointwise(CodeBuilder &code, Operation *op, ValueRange operands) {
  if (auto cast = dyn_cast<CastOp>(op))
    return emitCast(code, operands[0], cast.getX().getType().getElementType(), cast.getY().getType().getElementType());
  if (isa<SelectOp>(op))
    return arith::SelectOp::create(code, operands[0], operands[1], operands[2]);
  if (auto cast = dyn_cast<StochasticCastOp>(op))
    return emitStochasticCast(code, operands[0], operands[1], cast.getX().getType().getElementType(), cast.getY().getType().getElementType());
  if (isa<IntPowOp>(op))
    return emitIntPow(code, operands[0], operands[1]);
  if (isa<TanOp>(op)) {
    Value sine = emitMath(code, code.getLoc(), MathFunction::Sin, operands);
    return arith::DivFOp::create(code, sine, emitMath(code, code.getLoc(), MathFunction::Cos, operands));
  }
  if (std::optional<MathFunction> function = findMathFunction(op))
    return emitMath(code, code.getLoc(), *function, operands);
  return operands.size() == 1 ? emitUnary(code, op, operands[0]) : emitBinary(code, op, operands[0], operands[1]);
}

} // namespace gradus
