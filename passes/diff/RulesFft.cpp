//===- RulesFft.cpp - The reverse rule of the Fourier transform ---------------===//
//
// y = F x with a symmetric matrix F, so that what x gets is F* g, the conjugate of F applied to the conjugate of g; of the inverse alike.
//
//===----------------------------------------------------------------------===//

#include "passes/diff/Rules.h"

using namespace mlir;

namespace gradus {

RuleResult applyFftRule(FftOp op, ArrayRef<Value> cotangents, ReverseContext &context) {
  ArrayType type = arrayType(op.getRe());
  auto given = [&](unsigned part) {
    return cotangents[part] ? context.toElement(cotangents[part], type.getElementType()) : buildFill(context.builder, context.loc, type, 0.0);
  };
  auto negate = [&](Value x) -> Value { return NegOp::create(context.builder, context.loc, x); };
  auto turned = FftOp::create(context.builder, context.loc, type, type, given(0), cotangents[1] ? negate(given(1)) : given(1), op.getAxis(), op.getInverse());
  if (context.needs(op.getRe()))
    context.add(op.getRe(), turned.getYre());
  if (context.needs(op.getIm()))
    context.add(op.getIm(), negate(turned.getYim()));
  return RuleResult::Done;
}

} // namespace gradus
