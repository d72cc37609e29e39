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

/// The functions; all take one operand but for Pow (x, y) and IntPow (x, n).
enum class MathFunction {
  Exp,
  Expm1,
  Log,
  Log1p,
  Sin,
  Cos,
  Tanh,
  Sigmoid,  ///< 1 / (1 + e^-x)
  Softplus, ///< ln(1 + e^x)
  Erf,
  Sqrt,
  Floor,
  Ceil,
  Pow,
  IntPow ///< n is an i64, the same for all lanes; by repeated squaring, each product rounded
};

/// Emits `function` at the builder's insertion point. A constant n of IntPow gives the products without a loop.
mlir::Value emitMath(mlir::OpBuilder &builder, mlir::Location loc, MathFunction function, mlir::ValueRange operands);

} // namespace gradus

#endif // GRADUS_CODEGEN_CPU_VECTORMATH_H
