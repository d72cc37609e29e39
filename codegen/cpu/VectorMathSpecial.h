//===- VectorMathSpecial.h - Functions composed in f64 --------------------------===//
//
// Private to VectorMath*.cpp. Each takes an emitter on f64 and gives one result; an f32 is widened, which leaves one
// rounding. With `isSingle` the polynomials of exp and log are shorter.
//
//===----------------------------------------------------------------------------===//

#ifndef GRADUS_CODEGEN_CPU_VECTORMATHSPECIAL_H
#define GRADUS_CODEGEN_CPU_VECTORMATHSPECIAL_H

#include "codegen/cpu/VectorMathEmitter.h"

namespace gradus {

// Pieces.
/// The square root of s, nearly rounded correctly; 0 for 0.
Pair emitSqrtPair(MathEmitter &m, Pair s);
/// a / b to about twice the precision, for a finite a and a finite b that is not 0.
Pair emitRatio(MathEmitter &m, Pair a, Pair b);
/// ln x to about 2^-65, for a positive finite x.
Pair emitLogPair(MathEmitter &m, mlir::Value x);

// Circular and hyperbolic functions.
mlir::Value emitAcos(MathEmitter &m, mlir::Value x);
mlir::Value emitAcosh(MathEmitter &m, mlir::Value x);
mlir::Value emitAsin(MathEmitter &m, mlir::Value x);
mlir::Value emitAsinh(MathEmitter &m, mlir::Value x);
mlir::Value emitAtan(MathEmitter &m, mlir::Value x);
mlir::Value emitAtan2(MathEmitter &m, mlir::Value y, mlir::Value x);
mlir::Value emitAtanh(MathEmitter &m, mlir::Value x);
mlir::Value emitCosh(MathEmitter &m, mlir::Value x);
mlir::Value emitSinh(MathEmitter &m, mlir::Value x);

// Roots and logarithms.
mlir::Value emitCbrt(MathEmitter &m, mlir::Value x);
mlir::Value emitHypot(MathEmitter &m, mlir::Value a, mlir::Value b);
mlir::Value emitLog10(MathEmitter &m, mlir::Value x);
mlir::Value emitLog2(MathEmitter &m, mlir::Value x);

// Special functions.
mlir::Value emitDigamma(MathEmitter &m, mlir::Value x);
mlir::Value emitErfc(MathEmitter &m, mlir::Value x);
mlir::Value emitLambertW(MathEmitter &m, mlir::Value x);
mlir::Value emitLogGamma(MathEmitter &m, mlir::Value x);
mlir::Value emitNormalCdf(MathEmitter &m, mlir::Value x);
mlir::Value emitNormalQuantile(MathEmitter &m, mlir::Value p);
mlir::Value emitTrigamma(MathEmitter &m, mlir::Value x);

} // namespace gradus

#endif // GRADUS_CODEGEN_CPU_VECTORMATHSPECIAL_H
