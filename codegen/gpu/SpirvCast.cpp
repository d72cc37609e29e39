//===- SpirvCast.cpp - Conversions in SPIR-V ---------------------------------------===//
//
// f16 is converted by integer arithmetic: Vulkan leaves the rounding to f16 to the device, and some devices read its small numbers as zeros.
//
//===----------------------------------------------------------------------===//

#include "codegen/gpu/SpirvEmitter.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using IPredicate = arith::CmpIPredicate;

namespace gradus {

static unsigned widthOf(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 64;
}

Id SpirvEmitter::resize(Type from, Type to, Id x, bool isSigned) {
  unsigned before = widthOf(from), after = widthOf(to);
  if (before == after)
    return x;
  if (before == 1 && after < 32) {
    Type word = withElement(to, i32);
    return resize(word, to, resize(from, word, x, isSigned), isSigned);
  }
  if (before == 1)
    return make(Opcode::OpSelect, to, {x, integer(to, isSigned ? ~uint64_t(0) : 1), integer(to, 0)});
  if (after == 1) {
    Type word = before < 32 ? withElement(from, i32) : from;
    Id low = make(Opcode::OpBitwiseAnd, word, {resize(from, word, x, false), integer(word, 1)});
    return make(Opcode::OpINotEqual, to, {low, integer(word, 0)});
  }
  return words.emit(isSigned ? Opcode::OpSConvert : Opcode::OpUConvert, typeOf(to), {x});
}

/// 0 for f16: it would be rounded twice.
Id SpirvEmitter::emitIntToFloat(Type from, Type to, Id x, bool isSigned) {
  if (getElementTypeOrSelf(to).isF16())
    return 0;
  if (widthOf(from) < 32) {
    Type word = withElement(from, i32);
    x = resize(from, word, x, isSigned);
  }
  return words.emit(isSigned ? Opcode::OpConvertSToF : Opcode::OpConvertUToF, typeOf(to), {x});
}

Id SpirvEmitter::emitFloatToInt(Type from, Type to, Id x, bool isSigned) {
  if (widthOf(to) == 1)
    return 0;
  Type word = widthOf(to) < 32 ? withElement(to, i32) : to;
  Id whole = words.emit(isSigned ? Opcode::OpConvertFToS : Opcode::OpConvertFToU, typeOf(word), {widen(from, x)});
  return resize(word, to, whole, isSigned);
}

Type SpirvEmitter::wideOf(Type type) { return getElementTypeOrSelf(type).isF16() ? withElement(type, f32) : type; }

/// f16 to f32, exact. The exponent moves by 112; once more for infinities and NaN; a number below 2^-14 is a multiple of 2^-24.
Id SpirvEmitter::widen(Type type, Id x) {
  if (!getElementTypeOrSelf(type).isF16())
    return x;
  Type real = withElement(type, f32), word = withElement(type, i32);
  auto whole = [&](uint64_t value) { return integer(word, value); };
  auto with = [&](Opcode opcode, Id a, uint64_t b) { return make(opcode, word, {a, whole(b)}); };
  constexpr uint64_t shift = uint64_t(112) << 23;
  Id half = words.emit(Opcode::OpUConvert, typeOf(word), {x});
  Id sign = with(Opcode::OpShiftLeftLogical, with(Opcode::OpBitwiseAnd, half, 0x8000), 16), magnitude = with(Opcode::OpBitwiseAnd, half, 0x7fff);
  Id normal = with(Opcode::OpIAdd, with(Opcode::OpShiftLeftLogical, magnitude, 13), shift);
  Id isSpecial = emitIntegerCompare(IPredicate::uge, word, magnitude, whole(0x7c00));
  normal = make(Opcode::OpSelect, word, {isSpecial, with(Opcode::OpIAdd, normal, shift), normal});
  Id multiple = words.emit(Opcode::OpConvertUToF, typeOf(real), {magnitude});
  Id small = make(Opcode::OpBitcast, word, {make(Opcode::OpFMul, real, {multiple, number(real, 0x1p-24)})});
  Id isSmall = emitIntegerCompare(IPredicate::ult, word, magnitude, whole(0x400));
  Id result = make(Opcode::OpBitwiseOr, word, {make(Opcode::OpSelect, word, {isSmall, small, normal}), sign});
  return make(Opcode::OpBitcast, real, {result});
}

/// f32 to f16, to nearest, ties to even. The exponent moves by 112, and half of the last place is added; what is below 2^-14 meets 1/2, whose last place is 2^-24.
Id SpirvEmitter::narrow(Type type, Id x) {
  if (!getElementTypeOrSelf(type).isF16())
    return x;
  Type real = withElement(type, f32), word = withElement(type, i32);
  auto whole = [&](uint64_t value) { return integer(word, value); };
  auto with = [&](Opcode opcode, Id a, uint64_t b) { return make(opcode, word, {a, whole(b)}); };
  auto choose = [&](IPredicate predicate, Id a, uint64_t bound, Id yes, Id no) {
    return make(Opcode::OpSelect, word, {emitIntegerCompare(predicate, word, a, whole(bound)), yes, no});
  };
  Id image = make(Opcode::OpBitcast, word, {x});
  Id sign = with(Opcode::OpBitwiseAnd, with(Opcode::OpShiftRightLogical, image, 16), 0x8000), magnitude = with(Opcode::OpBitwiseAnd, image, 0x7fffffff);
  Id moved = with(Opcode::OpISub, magnitude, uint64_t(112) << 23);
  Id odd = with(Opcode::OpBitwiseAnd, with(Opcode::OpShiftRightLogical, moved, 13), 1);
  Id normal = with(Opcode::OpShiftRightLogical, make(Opcode::OpIAdd, word, {with(Opcode::OpIAdd, moved, 0xfff), odd}), 13);
  Id sum = make(Opcode::OpFAdd, real, {make(Opcode::OpBitcast, real, {magnitude}), number(real, 0.5)});
  Id small = with(Opcode::OpISub, make(Opcode::OpBitcast, word, {sum}), 0x3f000000);
  Id part = with(Opcode::OpBitwiseAnd, with(Opcode::OpShiftRightLogical, magnitude, 13), 0x3ff);
  Id nan = with(Opcode::OpBitwiseOr, part, 0x7e00);
  Id result = choose(IPredicate::ult, magnitude, 0x38800000, small, normal);
  result = choose(IPredicate::uge, magnitude, 0x47800000, whole(0x7c00), result);
  result = choose(IPredicate::ugt, magnitude, 0x7f800000, nan, result);
  return words.emit(Opcode::OpUConvert, typeOf(type), {make(Opcode::OpBitwiseOr, word, {result, sign})});
}

Id SpirvEmitter::emitCast(Operation *op) {
  if (op->getNumOperands() != 1)
    return 0;
  Type from = op->getOperand(0).getType(), to = op->getResult(0).getType();
  Id x = idOf(op->getOperand(0));
  bool isFromHalf = getElementTypeOrSelf(from).isF16(), isToHalf = getElementTypeOrSelf(to).isF16();
  return llvm::TypeSwitch<Operation *, Id>(op)
      .Case<arith::ExtSIOp, arith::IndexCastOp>([&](auto) { return resize(from, to, x, true); })
      .Case<arith::ExtUIOp, arith::TruncIOp, arith::IndexCastUIOp>([&](auto) { return resize(from, to, x, false); })
      .Case<LLVM::IntToPtrOp, LLVM::PtrToIntOp>([&](auto) { return resize(from, to, x, false); })
      .Case<arith::SIToFPOp>([&](auto) { return emitIntToFloat(from, to, x, true); })
      .Case<arith::UIToFPOp>([&](auto) { return emitIntToFloat(from, to, x, false); })
      .Case<arith::FPToSIOp>([&](auto) { return emitFloatToInt(from, to, x, true); })
      .Case<arith::FPToUIOp>([&](auto) { return emitFloatToInt(from, to, x, false); })
      .Case<arith::ExtFOp>([&](auto) {
        Id single = widen(from, x);
        return isFromHalf && getElementTypeOrSelf(to).isF32() ? single : words.emit(Opcode::OpFConvert, typeOf(to), {single});
      })
      .Case<arith::TruncFOp>([&](auto) -> Id {
        if (isToHalf)
          return getElementTypeOrSelf(from).isF32() ? narrow(to, x) : 0; // f64 to f16 would be rounded twice
        return words.emit(Opcode::OpFConvert, typeOf(to), {x});
      })
      .Case<arith::BitcastOp, LLVM::BitcastOp>([&](auto) { return typeOf(from) == typeOf(to) ? x : make(Opcode::OpBitcast, to, {x}); })
      .Default([](auto) { return 0; });
}

} // namespace gradus
