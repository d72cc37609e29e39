//===- Build.cpp - Small expressions that several passes build ----------------===//

#include "passes/Build.h"

#include "mlir/IR/Matchers.h"

#include <cmath>
#include <cstdlib>

using namespace mlir;

namespace gradus {

Value buildFill(OpBuilder &builder, Location loc, Type type, double value) {
  Value number = ConstantOp::create(builder, loc, value, builder.getF64Type());
  return buildBroadcast(builder, loc, number, cast<ArrayType>(type), {});
}

Value buildIntFill(OpBuilder &builder, Location loc, Type type, int64_t value) {
  Value number = ConstantOp::create(builder, loc, value);
  return buildBroadcast(builder, loc, number, cast<ArrayType>(type), {});
}

Value buildSize(OpBuilder &builder, Location loc, Attribute dim) {
  if (auto size = dyn_cast<IntegerAttr>(dim))
    return ConstantOp::create(builder, loc, size.getInt());
  return DimOp::create(builder, loc, cast<StringAttr>(dim));
}

Value buildCast(OpBuilder &builder, Location loc, Value x, Type element) {
  if (arrayType(x).getElementType() == element)
    return x;
  return CastOp::create(builder, loc, arrayType(x).withElement(element), x);
}

Value buildBroadcast(OpBuilder &builder, Location loc, Value x, ArrayType type, ArrayRef<int64_t> kept) {
  x = buildCast(builder, loc, x, type.getElementType());
  if (x.getType() == type)
    return x;
  return BroadcastOp::create(builder, loc, type, x, kept);
}

Value buildReduce(OpBuilder &builder, Location loc, ReductionKind kind, Value x, ArrayRef<int64_t> axes) {
  if (axes.empty())
    return x;
  ArrayType type = arrayType(x).dropAxes(axes);
  if (type.isScalar() && type.isFloat())
    type = type.withElement(builder.getF64Type());
  return ReduceOp::create(builder, loc, type, kind, x, axes, TypeAttr());
}

SmallVector<int64_t> complementAxes(int64_t rank, ArrayRef<int64_t> axes) {
  SmallVector<int64_t> rest;
  for (int64_t axis = 0; axis < rank; ++axis)
    if (!llvm::is_contained(axes, axis))
      rest.push_back(axis);
  return rest;
}

std::optional<double> getFill(Value value) {
  if (!arrayType(value).isFloat())
    return std::nullopt;
  while (Operation *op = value.getDefiningOp()) {
    if (auto constant = dyn_cast<ConstantOp>(op)) {
      auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
      if (!dense || !dense.isSplat())
        return std::nullopt;
      if (isa<FloatType>(dense.getElementType()))
        return dense.getSplatValue<APFloat>().convertToDouble();
      // The 1 of 1 + x is an integer that is cast. Beyond 2^24 a cast may round.
      int64_t number = dense.getSplatValue<APInt>().getSExtValue();
      return std::abs(number) <= 1 << 24 ? std::optional(static_cast<double>(number)) : std::nullopt;
    }
    if (!isa<CastOp, BroadcastOp>(op))
      return std::nullopt;
    ArrayType from = arrayType(op->getOperand(0));
    if (!(from.isFloat() && arrayType(value).isFloat()) && !from.getElementType().isInteger(64))
      return std::nullopt; // a cast that cuts, or a condition
    value = op->getOperand(0);
  }
  return std::nullopt;
}

std::optional<int64_t> getInteger(Value value) {
  DenseElementsAttr elements;
  bool isWhole = matchPattern(value, m_Constant(&elements)) && isa<IntegerType>(elements.getElementType()) && elements.isSplat();
  return isWhole ? std::optional(elements.getSplatValue<APInt>().getSExtValue()) : std::nullopt;
}

bool isFill(Value value, double number) {
  std::optional<double> fill = getFill(value);
  return fill && *fill == number && std::signbit(*fill) == std::signbit(number);
}

} // namespace gradus
