//===- Concat.cpp - A point of a join -------------------------------------------===//
//
// A join is pulled, too: a point lies in one of the parts. Where it is one point for all lanes, every part is read at the place nearest to
// it and one is chosen; where the lanes run across the parts, each part is read in the lanes that are its own.
//
//===----------------------------------------------------------------------===//

#include "passes/lower/Evaluate.h"

using namespace mlir;

namespace gradus {

/// The value of a part whose first element along the axis is number `begin` of the join, and whether the point is inside it.
Value Evaluator::emitPart(Value part, ArrayRef<Index> point, int64_t axis, Value begin, Value &isInside) {
  const Index &along = point[axis];
  Point local(point);
  bool wasEmpty = mayBeEmpty;
  if (along.isUniform()) {
    {
      OpBuilder::InsertionGuard guard(code);
      if (inner) // what is the same in every lane may be read before the loop over vectors, and so must be known there
        code.setInsertionPoint(inner);
      Value size = sizeOf(arrayOf(part).getShape()[axis]), place = code.sub(along.scalar, begin);
      isInside = code.compare(arith::CmpIPredicate::ult, place, size);
      local[axis] = Index::uniform(code.max(code.min(place, code.sub(size, code.i64(1))), zero));
    }
    mayBeEmpty = true;
    Value value = evaluate(part, local);
    mayBeEmpty = wasEmpty;
    return value;
  }
  Value size = sizeOf(arrayOf(part).getShape()[axis]), places = code.sub(lanesOf(along), code.splat(begin));
  isInside = code.compare(arith::CmpIPredicate::ult, places, code.splat(size));
  if (along.isLane)
    local[axis] = Index::lane(code.sub(along.scalar, begin));
  else
    local[axis] = Index::lanewise(code.sub(along.vector, code.splat(begin)));
  // What is read under this mask must not be remembered beyond it.
  std::map<Key, Value> known = pointMemo;
  Value outer = mask;
  mask = outer ? arith::AndIOp::create(code, outer, isInside).getResult() : isInside;
  Value value = evaluateVector(part, local);
  mask = outer;
  pointMemo = std::move(known);
  return value;
}

Value Evaluator::emitConcat(ConcatOp concat, ArrayRef<Index> point) {
  int64_t axis = concat.getAxis();
  Value begin = zero, result;
  for (Value part : concat.getParts()) {
    Value isInside, value = emitPart(part, point, axis, begin, isInside);
    if (result && isa<VectorType>(value.getType()) && !isa<VectorType>(isInside.getType()))
      isInside = code.splat(isInside);
    if (result && isa<VectorType>(value.getType()) != isa<VectorType>(result.getType())) {
      value = code.splat(value);
      result = code.splat(result);
      isInside = code.splat(isInside);
    }
    result = result ? arith::SelectOp::create(code, isInside, value, result).getResult() : value;
    OpBuilder::InsertionGuard guard(code);
    if (inner)
      code.setInsertionPoint(inner);
    begin = code.add(begin, sizeOf(arrayOf(part).getShape()[axis]));
  }
  return result;
}

} // namespace gradus
