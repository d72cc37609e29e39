//===- SpirvInteger.cpp - Integers and bools in SPIR-V ---------------------------------===//

#include "codegen/gpu/SpirvEmitter.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using IPredicate = arith::CmpIPredicate;

namespace gradus {

/// What is one instruction; OpNop where it is not.
static Opcode directOpcode(Operation *op) {
  return llvm::TypeSwitch<Operation *, Opcode>(op)
      .Case<arith::AddIOp>([](auto) { return Opcode::OpIAdd; })
      .Case<arith::AndIOp>([](auto) { return Opcode::OpBitwiseAnd; })
      .Case<arith::DivSIOp>([](auto) { return Opcode::OpSDiv; })
      .Case<arith::DivUIOp>([](auto) { return Opcode::OpUDiv; })
      .Case<arith::MulIOp>([](auto) { return Opcode::OpIMul; })
      .Case<arith::OrIOp>([](auto) { return Opcode::OpBitwiseOr; })
      .Case<arith::RemUIOp>([](auto) { return Opcode::OpUMod; })
      .Case<arith::ShLIOp>([](auto) { return Opcode::OpShiftLeftLogical; })
      .Case<arith::ShRSIOp>([](auto) { return Opcode::OpShiftRightArithmetic; })
      .Case<arith::ShRUIOp>([](auto) { return Opcode::OpShiftRightLogical; })
      .Case<arith::SubIOp>([](auto) { return Opcode::OpISub; })
      .Case<arith::XOrIOp>([](auto) { return Opcode::OpBitwiseXor; })
      .Default([](auto) { return Opcode::OpNop; });
}

/// Arithmetic of one bit.
static Opcode directBoolOpcode(Operation *op) {
  return llvm::TypeSwitch<Operation *, Opcode>(op)
      .Case<arith::AddIOp, arith::SubIOp, arith::XOrIOp>([](auto) { return Opcode::OpLogicalNotEqual; })
      .Case<arith::AndIOp, arith::MulIOp>([](auto) { return Opcode::OpLogicalAnd; })
      .Case<arith::OrIOp>([](auto) { return Opcode::OpLogicalOr; })
      .Default([](auto) { return Opcode::OpNop; });
}

static IPredicate getPredicate(LLVM::ICmpPredicate predicate) {
  switch (predicate) {
  case LLVM::ICmpPredicate::eq: return IPredicate::eq;
  case LLVM::ICmpPredicate::ne: return IPredicate::ne;
  case LLVM::ICmpPredicate::slt: return IPredicate::slt;
  case LLVM::ICmpPredicate::sle: return IPredicate::sle;
  case LLVM::ICmpPredicate::sgt: return IPredicate::sgt;
  case LLVM::ICmpPredicate::sge: return IPredicate::sge;
  case LLVM::ICmpPredicate::ult: return IPredicate::ult;
  case LLVM::ICmpPredicate::ule: return IPredicate::ule;
  case LLVM::ICmpPredicate::ugt: return IPredicate::ugt;
  case LLVM::ICmpPredicate::uge: return IPredicate::uge;
  }
  llvm_unreachable("all predicates are covered");
}

static Opcode compareOpcode(IPredicate predicate) {
  switch (predicate) {
  case IPredicate::eq: return Opcode::OpIEqual;
  case IPredicate::ne: return Opcode::OpINotEqual;
  case IPredicate::slt: return Opcode::OpSLessThan;
  case IPredicate::sle: return Opcode::OpSLessThanEqual;
  case IPredicate::sgt: return Opcode::OpSGreaterThan;
  case IPredicate::sge: return Opcode::OpSGreaterThanEqual;
  case IPredicate::ult: return Opcode::OpULessThan;
  case IPredicate::ule: return Opcode::OpULessThanEqual;
  case IPredicate::ugt: return Opcode::OpUGreaterThan;
  case IPredicate::uge: return Opcode::OpUGreaterThanEqual;
  }
  llvm_unreachable("all predicates are covered");
}

static bool isSignedPredicate(IPredicate predicate) {
  return llvm::is_contained({IPredicate::slt, IPredicate::sle, IPredicate::sgt, IPredicate::sge}, predicate);
}

/// Bools and small integers are compared as 32 bits.
Id SpirvEmitter::emitIntegerCompare(IPredicate predicate, Type type, Id a, Id b) {
  Type element = getElementTypeOrSelf(type);
  if (element == i1 && (predicate == IPredicate::eq || predicate == IPredicate::ne))
    return make(predicate == IPredicate::eq ? Opcode::OpLogicalEqual : Opcode::OpLogicalNotEqual, type, {a, b});
  if (element == i1 || element == i8 || element == i16) {
    Type wide = withElement(type, i32);
    a = resize(type, wide, a, isSignedPredicate(predicate));
    b = resize(type, wide, b, isSignedPredicate(predicate));
  }
  return make(compareOpcode(predicate), boolLike(type), {a, b});
}

/// a - b (a / b): the remainder of a negative number is undefined in Vulkan, the quotient is not.
Id SpirvEmitter::emitRemainder(Type type, Id a, Id b) {
  Id quotient = make(Opcode::OpSDiv, type, {a, b});
  return make(Opcode::OpISub, type, {a, make(Opcode::OpIMul, type, {quotient, b})});
}

/// 31 less the number of the leading bit, which is -1 where there is none; 64 bits are two halves, less than 32 bits are widened.
Id SpirvEmitter::emitLeadingZeros(Type type, Id x) {
  Type word = withElement(type, i32);
  auto zerosOf = [&](Id half) { return make(Opcode::OpISub, word, {integer(word, 31), makeGlsl(Glsl::FindUMsb, word, {half})}); };
  unsigned width = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  if (width == 32)
    return zerosOf(x);
  if (width < 32) {
    Id zeros = make(Opcode::OpISub, word, {zerosOf(resize(type, word, x, false)), integer(word, 32 - width)});
    return resize(word, type, zeros, false);
  }
  Id high = resize(type, word, make(Opcode::OpShiftRightLogical, type, {x, integer(type, 32)}), false), low = resize(type, word, x, false);
  Id isShort = make(Opcode::OpIEqual, boolLike(type), {high, integer(word, 0)});
  Id below = make(Opcode::OpIAdd, word, {zerosOf(low), integer(word, 32)});
  return resize(word, type, make(Opcode::OpSelect, word, {isShort, below, zerosOf(high)}), false);
}

/// Vulkan counts bits of 32-bit integers only.
Id SpirvEmitter::emitPopulation(Type type, Id x) {
  Type word = withElement(type, i32);
  Id count = make(Opcode::OpBitCount, word, {resize(type, word, x, false)});
  if (getElementTypeOrSelf(type).getIntOrFloatBitWidth() == 64) {
    Id high = resize(type, word, make(Opcode::OpShiftRightLogical, type, {x, integer(type, 32)}), false);
    count = make(Opcode::OpIAdd, word, {count, make(Opcode::OpBitCount, word, {high})});
  }
  return resize(word, type, count, false);
}

Id SpirvEmitter::emitInteger(Operation *op) {
  Type type = op->getResult(0).getType();
  SmallVector<Id> x = llvm::map_to_vector(op->getOperands(), [&](Value value) { return idOf(value); });
  bool isBool = getElementTypeOrSelf(type) == i1;
  if (Opcode opcode = isBool ? directBoolOpcode(op) : directOpcode(op); opcode != Opcode::OpNop)
    return make(opcode, type, x);
  auto choose = [&](IPredicate predicate) { return make(Opcode::OpSelect, type, {emitIntegerCompare(predicate, type, x[0], x[1]), x[0], x[1]}); };
  return llvm::TypeSwitch<Operation *, Id>(op)
      .Case<arith::ConstantOp, LLVM::ConstantOp>([&](auto constantOp) {
        // A small one is converted, as long as nothing else needs the capability.
        auto number = dyn_cast<IntegerAttr>(constantOp.getValue());
        bool isSmall = number && (type == i8 || type == i16);
        return isSmall ? resize(i32, type, integer(i32, number.getValue().getZExtValue()), false) : constant(type, constantOp.getValue());
      })
      .Case<LLVM::ZeroOp, LLVM::UndefOp, LLVM::PoisonOp>([&](auto) { return words.constant(Opcode::OpConstantNull, typeOf(type)); })
      .Case<arith::CmpIOp>([&](auto compare) { return emitIntegerCompare(compare.getPredicate(), compare.getLhs().getType(), x[0], x[1]); })
      .Case<LLVM::ICmpOp>([&](auto compare) {
        return emitIntegerCompare(getPredicate(compare.getPredicate()), compare.getLhs().getType(), x[0], x[1]);
      })
      .Case<arith::SelectOp, LLVM::SelectOp>([&](auto) { return make(Opcode::OpSelect, type, x); })
      .Case<arith::RemSIOp>([&](auto) { return isBool ? 0 : emitRemainder(type, x[0], x[1]); })
      .Case<arith::MaxSIOp>([&](auto) { return choose(IPredicate::sgt); })
      .Case<arith::MaxUIOp>([&](auto) { return choose(IPredicate::ugt); })
      .Case<arith::MinSIOp>([&](auto) { return choose(IPredicate::slt); })
      .Case<arith::MinUIOp>([&](auto) { return choose(IPredicate::ult); })
      .Case<math::AbsIOp>([&](auto) {
        Id isNegative = emitIntegerCompare(IPredicate::slt, type, x[0], integer(type, 0));
        return make(Opcode::OpSelect, type, {isNegative, make(Opcode::OpISub, type, {integer(type, 0), x[0]}), x[0]});
      })
      .Case<math::CountLeadingZerosOp>([&](auto) { return isBool ? 0 : emitLeadingZeros(type, x[0]); })
      .Case<math::CountTrailingZerosOp>([&](auto) -> Id {
        // The bits below the lowest one that is set.
        if (isBool)
          return 0;
        Id below = make(Opcode::OpBitwiseAnd, type, {make(Opcode::OpNot, type, {x[0]}), make(Opcode::OpISub, type, {x[0], integer(type, 1)})});
        return emitPopulation(type, below);
      })
      .Case<math::CtPopOp>([&](auto) { return isBool ? x[0] : emitPopulation(type, x[0]); })
      .Default([](auto) { return 0; });
}

} // namespace gradus
