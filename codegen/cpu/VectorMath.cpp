//===- VectorMath.cpp - Elementary functions as straight-line code --------------===//

#include "codegen/cpu/VectorMath.h"

#include "codegen/cpu/VectorMathEmitter.h"

using namespace mlir;
using namespace gradus;

Value gradus::emitMath(OpBuilder &builder, Location loc, MathFunction function, ValueRange operands) {
  Value x = operands.front();
  MathEmitter emitter(builder, loc, x.getType());
  switch (function) {
  case MathFunction::Exp:
    return emitter.exp(x);
  case MathFunction::Expm1:
    return emitter.expm1(x);
  case MathFunction::Log:
    return emitter.log(x);
  case MathFunction::Log1p:
    return emitter.log1p(x);
  case MathFunction::Sin:
    return emitter.sin(x);
  case MathFunction::Cos:
    return emitter.cos(x);
  case MathFunction::Tanh:
    return emitter.tanh(x);
  case MathFunction::Sigmoid:
    return emitter.sigmoid(x);
  case MathFunction::Softplus:
    return emitter.softplus(x);
  case MathFunction::Erf:
    return emitter.erf(x);
  case MathFunction::Sqrt:
    return emitter.sqrt(x);
  case MathFunction::Floor:
    return emitter.floor(x);
  case MathFunction::Ceil:
    return emitter.ceil(x);
  case MathFunction::Pow:
    return emitter.pow(x, operands[1]);
  case MathFunction::IntPow:
    return emitter.intPow(x, operands[1]);
  }
  llvm_unreachable("every function is listed");
}
