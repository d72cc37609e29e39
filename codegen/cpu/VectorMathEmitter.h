//===- VectorMathEmitter.h - The vocabulary of the vector math ------------------===//
//
// Private to VectorMath*.cpp: short names for the operations on one type, and the pieces that functions share.
//
//===----------------------------------------------------------------------------===//

#ifndef GRADUS_CODEGEN_CPU_VECTORMATHEMITTER_H
#define GRADUS_CODEGEN_CPU_VECTORMATHEMITTER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace gradus {

/// An unevaluated sum; |lo| is small against |hi|.
struct Pair {
  mlir::Value hi, lo;
};

/// What the code needs to know of a floating-point format, and the polynomials that are good enough for it.
struct MathFormat {
  int width;           ///< bits of the whole number
  int mantissa;        ///< stored bits of the mantissa
  int bias;            ///< of the exponent
  double expLow;       ///< e^x rounds to 0 below
  double expHigh;      ///< e^x overflows above
  double tiny;         ///< |x| below which x is expm1(x), log1p(x) and tanh(x)
  double erfOne;       ///< erf(x) rounds to 1 above
  llvm::ArrayRef<double> ln2, exp, expPlain, log, erfNear, erfFar;
};

/// e^x = 2^n (1 + r + tail), |r| <= ln 2 / 2. `exponent` is n as an integer, `n` the same as a float.
struct ExpParts {
  mlir::Value n, exponent, r, tail;
};

/// Emits on one type: a float or a vector of floats.
class MathEmitter {
public:
  /// With `resultInSingle` the type is f64, but the results need only be good for a rounding to f32.
  MathEmitter(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, bool resultInSingle = false);
  bool isSingle() const { return single; }
  /// Runs `body` on f64 operands, for a result in f32.
  mlir::Value viaDouble(llvm::function_ref<mlir::Value(MathEmitter &, llvm::ArrayRef<mlir::Value>)> body,
                        llvm::ArrayRef<mlir::Value> operands);

  // Constants and operations.
  mlir::Value constant(double value);
  mlir::Value integer(int64_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, mlir::Value b);
  mlir::Value fma(mlir::Value a, mlir::Value b, mlir::Value c);
  mlir::Value neg(mlir::Value a);
  mlir::Value abs(mlir::Value a);
  mlir::Value sqrt(mlir::Value a);
  mlir::Value floor(mlir::Value a);
  mlir::Value ceil(mlir::Value a);
  mlir::Value trunc(mlir::Value a);
  mlir::Value roundEven(mlir::Value a);
  mlir::Value copySign(mlir::Value magnitude, mlir::Value sign);
  mlir::Value addInt(mlir::Value a, mlir::Value b);
  mlir::Value subInt(mlir::Value a, mlir::Value b);
  mlir::Value andInt(mlir::Value a, mlir::Value b);
  mlir::Value shiftLeft(mlir::Value a, int64_t by);
  mlir::Value shiftRight(mlir::Value a, int64_t by);
  /// Ordered comparisons: false where an operand is NaN.
  mlir::Value less(mlir::Value a, mlir::Value b);
  mlir::Value equal(mlir::Value a, mlir::Value b);
  mlir::Value equalInt(mlir::Value a, mlir::Value b);
  mlir::Value isNan(mlir::Value a);
  mlir::Value both(mlir::Value a, mlir::Value b);
  mlir::Value either(mlir::Value a, mlir::Value b);
  mlir::Value differ(mlir::Value a, mlir::Value b);
  mlir::Value select(mlir::Value condition, mlir::Value yes, mlir::Value no);
  /// max(a, bound) and min(a, bound) that keep a NaN in a.
  mlir::Value atLeast(mlir::Value a, double bound);
  mlir::Value atMost(mlir::Value a, double bound);
  mlir::Value bits(mlir::Value a);
  mlir::Value fromBits(mlir::Value a);

  // Building blocks.
  /// c[0] + x (c[1] + ...).
  mlir::Value horner(mlir::Value x, llvm::ArrayRef<double> c);
  /// hi + lo = a + b exactly; quickSum needs |a| >= |b| or a = 0.
  Pair twoSum(mlir::Value a, mlir::Value b);
  Pair quickSum(mlir::Value a, mlir::Value b);
  /// hi + lo = a b exactly, short of underflow.
  Pair twoProduct(mlir::Value a, mlir::Value b);
  /// (a.hi + a.lo) / (b.hi + b.lo), nearly rounded correctly, and the reciprocal of b.hi that it used.
  mlir::Value quotient(Pair a, Pair b);
  /// The integer nearest to x, for |x| < 2^(mantissa - 2), as an integer; `rounded` is the same as a float.
  mlir::Value nearest(mlir::Value x, mlir::Value factor, mlir::Value &rounded);
  /// 2^k for an exponent k of normal numbers.
  mlir::Value powerOfTwo(mlir::Value k);
  /// The two factors of 2^parts.n; each is a normal number for every n that a clamped argument gives.
  std::pair<mlir::Value, mlir::Value> scales(const ExpParts &parts);
  /// Reduces x, which lies in [expLow, expHigh] or is NaN.
  ExpParts reduceExp(mlir::Value x);
  /// e^x of a clamped x before the scaling.
  Pair mantissaOfExp(const ExpParts &parts);
  /// (e^x - 1) / 2, exact to about two extra bits; x is at most expHigh.
  Pair halfExpm1(mlir::Value x);
  /// Splits a positive normal u = 2^e m with m in [sqrt 1/2, sqrt 2).
  void splitExponent(mlir::Value u, mlir::Value &e, mlir::Value &m);
  /// e ln 2 + ln(1 + f); the low part of f may be null.
  mlir::Value logOf(mlir::Value e, Pair f);
  /// e ln 2 + ln(1 + f) to about 2^-65, in f64.
  Pair logPair(mlir::Value e, mlir::Value f);
  /// ln(1 + x + rest) for x > -1, not infinite; rest is at most a last place of x, or null.
  mlir::Value log1pOf(mlir::Value x, mlir::Value rest);

  // Functions; see MathFunction.
  mlir::Value exp(mlir::Value x);
  mlir::Value expNotPositive(mlir::Value x);
  mlir::Value exp2(mlir::Value x);
  mlir::Value expm1(mlir::Value x);
  mlir::Value sigmoid(mlir::Value x);
  mlir::Value tanh(mlir::Value x);
  mlir::Value log(mlir::Value x);
  mlir::Value log1p(mlir::Value x);
  mlir::Value softplus(mlir::Value x);
  mlir::Value erf(mlir::Value x);
  mlir::Value sin(mlir::Value x);
  mlir::Value cos(mlir::Value x);
  mlir::Value pow(mlir::Value x, mlir::Value y);
  mlir::Value intPow(mlir::Value x, mlir::Value n);

private:
  /// e^x = 2^n power. `sum` has n + added in its lowest bits.
  struct PlainExp {
    mlir::Value sum, n, power;
  };
  PlainExp reducePlain(mlir::Value x, int64_t added);

  /// An angle without its multiples of pi / 2.
  struct Reduced {
    mlir::Value quadrant;
    Pair r;
  };
  Reduced reduceModerate(mlir::Value x);
  Reduced reduceLarge(mlir::Value x);
  Reduced reduceAngle(mlir::Value x);
  mlir::Value sineOrCosine(mlir::Value x, bool cosine);
  mlir::Value powerOfMagnitude(mlir::Value magnitude, mlir::Value y);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  mlir::Type type, intType;
  bool single; ///< f64 on the way to an f32
  const MathFormat &info;
};

} // namespace gradus

#endif // GRADUS_CODEGEN_CPU_VECTORMATHEMITTER_H
