//===- SpirvTypes.cpp - Types and constants in SPIR-V --------------------------------===//

#include "codegen/gpu/SpirvEmitter.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace gradus {

Type SpirvEmitter::withElement(Type like, Type element) {
  auto vector = dyn_cast<VectorType>(like);
  return vector ? Type(vector.clone(element)) : element;
}

Type SpirvEmitter::bitsLike(Type like) {
  Type element = getElementTypeOrSelf(like);
  return withElement(like, IntegerType::get(like.getContext(), element.getIntOrFloatBitWidth()));
}

Id SpirvEmitter::typeOf(Type type) {
  if (isa<LLVM::LLVMPointerType, IndexType>(type) || type.isInteger(64)) {
    words.addCapability(spirv::Capability::Int64);
    return integerType(64);
  }
  if (type.isInteger(1))
    return words.type(Opcode::OpTypeBool);
  if (type.isF16())
    return integerType(16);
  if (type.isInteger(8) || type.isInteger(16) || type.isInteger(32))
    return integerType(type.getIntOrFloatBitWidth());
  if (type.isF64())
    words.addCapability(spirv::Capability::Float64);
  if (type.isF32() || type.isF64())
    return words.type(Opcode::OpTypeFloat, {type.getIntOrFloatBitWidth()});
  auto vector = dyn_cast<VectorType>(type);
  if (!vector || vector.getRank() != 1 || vector.isScalable() || vector.getDimSize(0) < 2 || vector.getDimSize(0) > 4)
    return 0;
  Id element = typeOf(vector.getElementType());
  return element ? words.type(Opcode::OpTypeVector, {element, static_cast<uint32_t>(vector.getDimSize(0))}) : 0;
}

void SpirvEmitter::declareArithmetic(Type type) {
  Type element = getElementTypeOrSelf(type);
  if (element == i8)
    words.addCapability(spirv::Capability::Int8);
  if (element == i16 || element.isF16())
    words.addCapability(spirv::Capability::Int16);
}

Id SpirvEmitter::splat(Type type, Id element) {
  auto vector = dyn_cast<VectorType>(type);
  if (!vector)
    return element;
  return words.constant(Opcode::OpConstantComposite, typeOf(type), SmallVector<Id>(vector.getDimSize(0), element));
}

/// A scalar constant of these bits.
Id SpirvEmitter::bits(Type type, const llvm::APInt &value) {
  declareArithmetic(type);
  SmallVector<uint32_t> parts = {static_cast<uint32_t>(value.extractBitsAsZExtValue(std::min(32U, value.getBitWidth()), 0))};
  if (value.getBitWidth() == 64)
    parts.push_back(static_cast<uint32_t>(value.extractBitsAsZExtValue(32, 32)));
  return words.constant(Opcode::OpConstant, typeOf(type), parts);
}

Id SpirvEmitter::integer(Type like, uint64_t value) {
  Type element = getElementTypeOrSelf(like);
  unsigned width = isa<IntegerType>(element) ? element.getIntOrFloatBitWidth() : 64;
  return splat(like, bits(element, llvm::APInt(64, value).trunc(width)));
}

Id SpirvEmitter::number(Type like, double value) {
  auto element = cast<FloatType>(getElementTypeOrSelf(like));
  return splat(like, bits(element, cast<FloatAttr>(FloatAttr::get(element, value)).getValue().bitcastToAPInt()));
}

Id SpirvEmitter::truth(Type like, bool value) {
  return splat(like, words.constant(value ? Opcode::OpConstantTrue : Opcode::OpConstantFalse, typeOf(i1)));
}

/// 0 if the attribute is no number.
Id SpirvEmitter::constant(Type type, Attribute value) {
  if (auto elements = dyn_cast<DenseElementsAttr>(value)) {
    if (!isa<VectorType>(type))
      return 0;
    SmallVector<Id> parts;
    for (Attribute element : elements.getValues<Attribute>())
      parts.push_back(constant(elements.getElementType(), element));
    return words.constant(Opcode::OpConstantComposite, typeOf(type), parts);
  }
  if (auto number = dyn_cast<FloatAttr>(value))
    return bits(type, number.getValue().bitcastToAPInt());
  auto integerAttr = dyn_cast<IntegerAttr>(value);
  if (!integerAttr)
    return 0;
  if (type == i1)
    return truth(i1, !integerAttr.getValue().isZero());
  return bits(type, integerAttr.getValue());
}

/// Instructions that must not be joined with others, nor simplified as if there were no NaN and no -0: comparisons too, which some compilers would negate.
static bool isFloatInstruction(Opcode opcode) {
  return (opcode >= Opcode::OpFOrdEqual && opcode <= Opcode::OpFUnordGreaterThanEqual) ||
         llvm::is_contained({Opcode::OpFNegate, Opcode::OpFAdd, Opcode::OpFSub, Opcode::OpFMul, Opcode::OpFDiv}, opcode);
}

Id SpirvEmitter::make(Opcode opcode, Type type, Ids operands) {
  declareArithmetic(type);
  Id id = words.emit(opcode, typeOf(type), operands);
  if (isFloatInstruction(opcode))
    words.decorate(id, spirv::Decoration::NoContraction);
  return id;
}

} // namespace gradus
