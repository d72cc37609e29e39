//===- Jvp.cpp - The verifier of gradus.jvp -------------------------------------===//

#include "dialect/Jvp.h"

using namespace mlir;
using namespace gradus;

#define GET_OP_CLASSES
#include "dialect/JvpOps.cpp.inc"

static ArrayType arrayOf(Value value) { return cast<ArrayType>(value.getType()); }

ArrayType gradus::putBehind(Attribute seeds, ArrayType type) {
  if (!seeds)
    return type;
  SmallVector<Attribute> shape{seeds};
  llvm::append_range(shape, type.getShape());
  return type.withShape(shape);
}

Attribute JvpOp::getSeeds() {
  ArrayType direction = arrayOf(getDirections().front());
  return direction.getRank() == arrayOf(getPoints().front()).getRank() ? Attribute() : direction.getShape().front();
}

LogicalResult JvpOp::verify() {
  if (getPoints().empty()) // jvp_c1
    return emitOpError("expects a point");
  if (arrayOf(getDirections().front()).getRank() < arrayOf(getPoints().front()).getRank()) // jvp_c2
    return emitOpError("expects a direction of ") << getPoints().front().getType() << ", but got " << getDirections().front().getType();
  Attribute seeds = getSeeds();
  for (auto [point, direction] : llvm::zip_equal(getPoints(), getDirections()))
    if (direction.getType() != putBehind(seeds, arrayOf(point))) // jvp_c2
      return emitOpError("expects a direction of ") << putBehind(seeds, arrayOf(point)) << ", but got " << direction.getType();
  Block &block = getBody().front();
  if (TypeRange(block.getArgumentTypes()) != TypeRange(getPoints())) // jvp_c1
    return emitOpError("expects a block that takes (") << TypeRange(getPoints()) << "), but it takes (" << block.getArgumentTypes() << ")";
  auto yield = dyn_cast_or_null<YieldOp>(block.empty() ? nullptr : &block.back());
  if (!yield || TypeRange(yield.getValues()) != TypeRange(getValues())) // jvp_c3
    return emitOpError("expects a region that yields (") << TypeRange(getValues()) << ")";
  for (auto [value, tangent] : llvm::zip_equal(getValues(), getTangents()))
    if (tangent.getType() != putBehind(seeds, arrayOf(value))) // jvp_c3
      return emitOpError("expects a tangent of ") << putBehind(seeds, arrayOf(value)) << ", but got " << tangent.getType();
  return success();
}
