//===- VectorMath.cpp - Elementary functions as straight-line code --------------===//

#include "codegen/cpu/VectorMath.h"

#include "codegen/cpu/VectorMathEmitter.h"
#include "codegen/cpu/VectorMathSpecial.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace gradus;

/// A function that is composed in f64.
static Value inDouble(MathEmitter &emitter, Value (*function)(MathEmitter &, Value), Value x) {
  if (!getElementTypeOrSelf(x.getType()).isF32())
    return function(emitter, x);
  return emitter.viaDouble([&](MathEmitter &wide, ArrayRef<Value> operands) { return function(wide, operands[0]); }, {x});
}

static Value inDouble(MathEmitter &emitter, Value (*function)(MathEmitter &, Value, Value), Value a, Value b) {
  if (!getElementTypeOrSelf(a.getType()).isF32())
    return function(emitter, a, b);
  return emitter.viaDouble([&](MathEmitter &wide, ArrayRef<Value> operands) { return function(wide, operands[0], operands[1]); }, {a, b});
}

Value gradus::emitMath(OpBuilder &builder, Location loc, MathFunction function, ValueRange operands) {
  Value x = operands.front();
  MathEmitter emitter(builder, loc, x.getType());
  switch (function) {
  case MathFunction::Acos: return inDouble(emitter, emitAcos, x);
  case MathFunction::Acosh: return inDouble(emitter, emitAcosh, x);
  case MathFunction::Asin: return inDouble(emitter, emitAsin, x);
  case MathFunction::Asinh: return inDouble(emitter, emitAsinh, x);
  case MathFunction::Atan: return inDouble(emitter, emitAtan, x);
  case MathFunction::Atan2: return inDouble(emitter, emitAtan2, x, operands[1]);
  case MathFunction::Atanh: return inDouble(emitter, emitAtanh, x);
  case MathFunction::Cbrt: return inDouble(emitter, emitCbrt, x);
  case MathFunction::Ceil: return emitter.ceil(x);
  case MathFunction::Cos: return emitter.cos(x);
  case MathFunction::Cosh: return inDouble(emitter, emitCosh, x);
  case MathFunction::Digamma: return inDouble(emitter, emitDigamma, x);
  case MathFunction::Erf: return emitter.erf(x);
  case MathFunction::Erfc: return inDouble(emitter, emitErfc, x);
  case MathFunction::Exp: return emitter.exp(x);
  case MathFunction::Exp2: return emitter.exp2(x);
  case MathFunction::ExpNotPositive: return emitter.expNotPositive(x);
  case MathFunction::Expm1: return emitter.expm1(x);
  case MathFunction::Floor: return emitter.floor(x);
  case MathFunction::Hypot: return inDouble(emitter, emitHypot, x, operands[1]);
  case MathFunction::IntPow: return emitter.intPow(x, operands[1]);
  case MathFunction::LambertW: return inDouble(emitter, emitLambertW, x);
  case MathFunction::LogGamma: return inDouble(emitter, emitLogGamma, x);
  case MathFunction::Log: return emitter.log(x);
  case MathFunction::Log10: return inDouble(emitter, emitLog10, x);
  case MathFunction::Log1p: return emitter.log1p(x);
  case MathFunction::Log2: return inDouble(emitter, emitLog2, x);
  case MathFunction::NormalCdf: return inDouble(emitter, emitNormalCdf, x);
  case MathFunction::NormalQuantile: return inDouble(emitter, emitNormalQuantile, x);
  case MathFunction::Pow: return emitter.pow(x, operands[1]);
  case MathFunction::Round: return emitter.roundEven(x);
  case MathFunction::Sigmoid: return emitter.sigmoid(x);
  case MathFunction::Sin: return emitter.sin(x);
  case MathFunction::Sinh: return inDouble(emitter, emitSinh, x);
  case MathFunction::Softplus: return emitter.softplus(x);
  case MathFunction::Sqrt: return emitter.sqrt(x);
  case MathFunction::Tanh: return emitter.tanh(x);
  case MathFunction::Trigamma: return inDouble(emitter, emitTrigamma, x);
  case MathFunction::Trunc: return emitter.trunc(x);
  }
  llvm_unreachable("every function is listed");
}
