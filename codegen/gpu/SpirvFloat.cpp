//===- SpirvFloat.cpp - Floating point in SPIR-V -----------------------------------===//
//
// Signs and NaN are looked at as bits: a device may compute as if there were no NaN, but not with integers.
//
//===----------------------------------------------------------------------===//

#include "codegen/gpu/SpirvEmitter.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using FPredicate = arith::CmpFPredicate;

namespace gradus {

static llvm::APInt signOf(Type type) { return llvm::APInt::getSignMask(getElementTypeOrSelf(type).getIntOrFloatBitWidth()); }

/// OpNop for what is no comparison of one instruction.
static Opcode compareOpcode(FPredicate predicate) {
  switch (predicate) {
  case FPredicate::OEQ: return Opcode::OpFOrdEqual;
  case FPredicate::OGT: return Opcode::OpFOrdGreaterThan;
  case FPredicate::OGE: return Opcode::OpFOrdGreaterThanEqual;
  case FPredicate::OLT: return Opcode::OpFOrdLessThan;
  case FPredicate::OLE: return Opcode::OpFOrdLessThanEqual;
  case FPredicate::ONE: return Opcode::OpFOrdNotEqual;
  case FPredicate::UEQ: return Opcode::OpFUnordEqual;
  case FPredicate::UGT: return Opcode::OpFUnordGreaterThan;
  case FPredicate::UGE: return Opcode::OpFUnordGreaterThanEqual;
  case FPredicate::ULT: return Opcode::OpFUnordLessThan;
  case FPredicate::ULE: return Opcode::OpFUnordLessThanEqual;
  case FPredicate::UNE: return Opcode::OpFUnordNotEqual;
  case FPredicate::AlwaysFalse:
  case FPredicate::AlwaysTrue:
  case FPredicate::ORD:
  case FPredicate::UNO:
    return Opcode::OpNop;
  }
  llvm_unreachable("all predicates are covered");
}

/// A magnitude above that of infinity.
Id SpirvEmitter::isNan(Type type, Id x) {
  Type word = bitsLike(type);
  auto element = cast<FloatType>(getElementTypeOrSelf(type));
  llvm::APInt infinity = llvm::APFloat::getInf(element.getFloatSemantics()).bitcastToAPInt();
  Id magnitude = make(Opcode::OpBitwiseAnd, word, {make(Opcode::OpBitcast, word, {x}), integer(word, (~signOf(type)).getZExtValue())});
  return make(Opcode::OpUGreaterThan, boolLike(type), {magnitude, integer(word, infinity.getZExtValue())});
}

Id SpirvEmitter::emitFloatCompare(FPredicate predicate, Type type, Id a, Id b) {
  a = widen(type, a), b = widen(type, b), type = wideOf(type);
  Type result = boolLike(type);
  if (Opcode opcode = compareOpcode(predicate); opcode != Opcode::OpNop)
    return make(opcode, result, {a, b});
  if (predicate == FPredicate::AlwaysFalse || predicate == FPredicate::AlwaysTrue)
    return truth(result, predicate == FPredicate::AlwaysTrue);
  Id isUnordered = a == b ? isNan(type, a) : make(Opcode::OpLogicalOr, result, {isNan(type, a), isNan(type, b)});
  return predicate == FPredicate::UNO ? isUnordered : make(Opcode::OpLogicalNot, result, {isUnordered});
}

/// Of a zero and its negative the maximum is the one without the sign: equal numbers differ in no other bit. Where `a` is NaN nothing compares, and `b` is chosen.
Id SpirvEmitter::emitExtremum(Type type, Id a, Id b, bool isMaximum, bool keepsNan) {
  Type word = bitsLike(type);
  Id isBeyond = make(isMaximum ? Opcode::OpFOrdGreaterThan : Opcode::OpFOrdLessThan, boolLike(type), {a, b});
  Id result = make(Opcode::OpSelect, type, {isBeyond, a, b});
  Id both = make(isMaximum ? Opcode::OpBitwiseAnd : Opcode::OpBitwiseOr, word, {make(Opcode::OpBitcast, word, {a}), make(Opcode::OpBitcast, word, {b})});
  Id isEqual = make(Opcode::OpFOrdEqual, boolLike(type), {a, b});
  result = make(Opcode::OpSelect, type, {isEqual, make(Opcode::OpBitcast, type, {both}), result});
  return make(Opcode::OpSelect, type, {isNan(type, keepsNan ? a : b), a, result});
}

Id SpirvEmitter::emitCopySign(Type type, Id magnitude, Id sign) {
  Type word = bitsLike(type);
  auto part = [&](Id x, const llvm::APInt &mask) {
    return make(Opcode::OpBitwiseAnd, word, {make(Opcode::OpBitcast, word, {x}), integer(word, mask.getZExtValue())});
  };
  return make(Opcode::OpBitcast, type, {make(Opcode::OpBitwiseOr, word, {part(magnitude, ~signOf(type)), part(sign, signOf(type))})});
}

/// Of a number that is known to be 0: whether it is -0.
static std::optional<bool> findZeroSign(Value value) {
  llvm::APFloat number(0.0);
  if (matchPattern(value, m_ConstantFloat(&number)))
    return number.isZero() ? std::optional(number.isNegative()) : std::nullopt;
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<arith::SIToFPOp, arith::UIToFPOp>(op))
    return matchPattern(op->getOperand(0), m_Zero()) ? std::optional(false) : std::nullopt;
  return isa_and_nonnull<arith::ExtFOp, arith::TruncFOp, vector::BroadcastOp>(op) ? findZeroSign(op->getOperand(0)) : std::nullopt;
}

/// Compilers take x / 0, with the constant, for undefined, and leave out what is made of it; x times an infinity is the same number.
Id SpirvEmitter::emitDivide(arith::DivFOp op, Type type, ArrayRef<Id> x) {
  std::optional<bool> isNegative = findZeroSign(op.getRhs());
  double infinity = std::numeric_limits<double>::infinity();
  return isNegative ? make(Opcode::OpFMul, type, {x[0], number(type, *isNegative ? -infinity : infinity)}) : make(Opcode::OpFDiv, type, x);
}

Id SpirvEmitter::emitFloat(Operation *op) {
  if (auto compare = dyn_cast<arith::CmpFOp>(op))
    return emitFloatCompare(compare.getPredicate(), compare.getLhs().getType(), idOf(compare.getLhs()), idOf(compare.getRhs()));
  Type stored = op->getResult(0).getType();
  if (!isa<FloatType>(getElementTypeOrSelf(stored)) || !llvm::all_of(op->getOperandTypes(), [&](Type type) { return type == stored; }))
    return 0;
  Type type = wideOf(stored);
  SmallVector<Id> x = llvm::map_to_vector(op->getOperands(), [&](Value value) { return widen(stored, idOf(value)); });
  auto extremum = [&](bool isMaximum, bool keepsNan) { return emitExtremum(type, x[0], x[1], isMaximum, keepsNan); };
  Id result = llvm::TypeSwitch<Operation *, Id>(op)
                  .Case<arith::AddFOp>([&](auto) { return make(Opcode::OpFAdd, type, x); })
                  .Case<arith::SubFOp>([&](auto) { return make(Opcode::OpFSub, type, x); })
                  .Case<arith::MulFOp>([&](auto) { return make(Opcode::OpFMul, type, x); })
                  .Case<arith::DivFOp>([&](arith::DivFOp divide) { return emitDivide(divide, type, x); })
                  .Case<arith::NegFOp>([&](auto) { return make(Opcode::OpFNegate, type, x); })
                  .Case<arith::MaximumFOp>([&](auto) { return extremum(true, true); })
                  .Case<arith::MinimumFOp>([&](auto) { return extremum(false, true); })
                  .Case<arith::MaxNumFOp>([&](auto) { return extremum(true, false); })
                  .Case<arith::MinNumFOp>([&](auto) { return extremum(false, false); })
                  .Case<math::AbsFOp>([&](auto) { return emitCopySign(type, x[0], number(type, 0)); })
                  .Case<math::CopySignOp>([&](auto) { return emitCopySign(type, x[0], x[1]); })
                  .Case<math::CeilOp>([&](auto) { return makeGlsl(Glsl::Ceil, type, x); })
                  .Case<math::FloorOp>([&](auto) { return makeGlsl(Glsl::Floor, type, x); })
                  .Case<math::RoundEvenOp>([&](auto) { return makeGlsl(Glsl::RoundEven, type, x); })
                  .Case<math::SqrtOp>([&](auto) { return makeGlsl(Glsl::Sqrt, type, x); })
                  .Case<math::TruncOp>([&](auto) { return makeGlsl(Glsl::Trunc, type, x); })
                  // In f32 a product of f16 is exact, but the sum would be rounded twice.
                  .Case<math::FmaOp, LLVM::FMAOp>([&](auto) { return type == stored ? emitFma(type, x[0], x[1], x[2]) : 0; })
                  .Default([](auto) { return 0; });
  return result ? narrow(stored, result) : 0;
}

} // namespace gradus
