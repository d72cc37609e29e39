//===- VectorMath.h - Elementary functions as straight-line code ----------------===//
//
// Every function becomes arith and math.fma operations on the type of its operand: a float or a vector of floats, f32
// or f64 (the caller widens f16 and bf16). There is no branch, no table in memory and no call, so the same bits come
// out of a scalar and of a vector of any width, with AVX2 and with AVX-512. Special values are those of IEEE 754 / C99
// Annex F. The error bounds stand in ulp.md, which the test writes.
//
//===----------------------------------------------------------------------------===//

#ifndef GRADUS_CODEGEN_CPU_VECTORMATH_H
#define GRADUS_CODEGEN_CPU_VECTORMATH_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace gradus {

/// The functions; all take one operand but for Atan2 (y, x), Hypot and Pow (x, y), and IntPow (x, n).
enum class MathFunction {
  Acos,
  Acosh,
  Asin,
  Asinh,
  Atan,
  Atan2,
  Atanh,
  Cbrt,
  Ceil,
  Cos,
  Cosh,
  Digamma,
  Erf,
  Erfc,
  Exp,
  Exp2,
  ExpNotPositive, ///< Exp of what is known to be at most 0 or infinite: the same bits in fewer operations, but NaN of +infinity, and of NaN anything
  Expm1,
  Floor,
  Hypot,
  IntPow, ///< n is an i64, the same for all lanes; by repeated squaring, each product rounded
  LambertW,
  LogGamma,
  Log,
  Log10,
  Log1p,
  Log2,
  NormalCdf,
  NormalQuantile,
  Pow,
  Round, ///< ties to even
  Sigmoid,  ///< 1 / (1 + e^-x)
  Sin,
  Sinh,
  Softplus, ///< ln(1 + e^x)
  Sqrt,
  Tanh,
  Trigamma,
  Trunc
};

/// Emits `function` at the builder's insertion point. A constant n of IntPow gives the products without a loop.
mlir::Value emitMath(mlir::OpBuilder &builder, mlir::Location loc, MathFunction function, mlir::ValueRange operands);

} // namespace gradus

#endif // GRADUS_CODEGEN_CPU_VECTORMATH_H
