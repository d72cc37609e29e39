//===- SpirvFma.cpp - a * b + c with one rounding in SPIR-V --------------------------===//
//
// GLSL.std.450 Fma may have one rounding or two. A function of the module chooses by specialization constant 0 between it and sums without error.
//
// f32: exact, but for what the device does with numbers below 2^-126. f64: exact where neither the product's error nor the sum is below 2^-1022, that is for
// |a b| >= 2^-968 or a b = 0, and |a|, |b| < 2^996; beyond, what a * b + c with two roundings is.
//
//===----------------------------------------------------------------------===//

#include "codegen/gpu/SpirvEmitter.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace gradus {

/// a + b and its error (Knuth).
std::pair<Id, Id> SpirvEmitter::sumWithError(Id a, Id b) {
  auto add = [&](Id x, Id y) { return make(Opcode::OpFAdd, f64, {x, y}); };
  auto sub = [&](Id x, Id y) { return make(Opcode::OpFSub, f64, {x, y}); };
  Id sum = add(a, b), fromB = sub(sum, a), fromA = sub(sum, fromB);
  return {sum, add(sub(a, fromA), sub(b, fromB))};
}

/// a + b rounded to odd: where the sum has an error and is even, its neighbour on the side of the error. Rounded once more to 51 bits or less, or added to
/// something far larger, it gives what one rounding would (Boldo and Melquiond, 2008).
Id SpirvEmitter::roundSumToOdd(Id a, Id b) {
  auto [sum, error] = sumWithError(a, b);
  Id image = make(Opcode::OpBitcast, i64, {sum});
  Id hasError = make(Opcode::OpFOrdNotEqual, i1, {error, number(f64, 0)}); // false for the NaN of an infinite sum
  Id isEven = make(Opcode::OpIEqual, i1, {make(Opcode::OpBitwiseAnd, i64, {image, integer(i64, 1)}), integer(i64, 0)});
  Id differ = make(Opcode::OpBitwiseXor, i64, {image, make(Opcode::OpBitcast, i64, {error})});
  Id isInward = make(Opcode::OpSLessThan, i1, {differ, integer(i64, 0)});
  Id step = make(Opcode::OpSelect, i64, {isInward, integer(i64, ~uint64_t(0)), integer(i64, 1)});
  Id moves = make(Opcode::OpLogicalAnd, i1, {hasError, isEven});
  Id moved = make(Opcode::OpIAdd, i64, {image, make(Opcode::OpSelect, i64, {moves, step, integer(i64, 0)})});
  return make(Opcode::OpBitcast, f64, {moved});
}

/// The product is exact in f64, and their sum has 53 bits where 26 are enough.
Id SpirvEmitter::emulateFmaSingle(Id a, Id b, Id c) {
  auto wide = [&](Id x) { return words.emit(Opcode::OpFConvert, typeOf(f64), {x}); };
  Id product = make(Opcode::OpFMul, f64, {wide(a), wide(b)});
  return words.emit(Opcode::OpFConvert, typeOf(f32), {roundSumToOdd(product, wide(c))});
}

/// a b = u + v by Dekker's product; then the three parts of u + v + c.
Id SpirvEmitter::emulateFmaDouble(Id a, Id b, Id c) {
  auto add = [&](Id x, Id y) { return make(Opcode::OpFAdd, f64, {x, y}); };
  auto sub = [&](Id x, Id y) { return make(Opcode::OpFSub, f64, {x, y}); };
  auto mul = [&](Id x, Id y) { return make(Opcode::OpFMul, f64, {x, y}); };
  auto split = [&](Id x) {
    Id scaled = mul(x, number(f64, 0x1p27 + 1)), high = sub(scaled, sub(scaled, x));
    return std::pair(high, sub(x, high));
  };
  Id u = mul(a, b);
  auto [aHigh, aLow] = split(a);
  auto [bHigh, bLow] = split(b);
  Id v = add(add(sub(mul(aHigh, bHigh), u), mul(aHigh, bLow)), mul(aLow, bHigh));
  v = add(v, mul(aLow, bLow));
  auto [t, tError] = sumWithError(c, v);
  auto [sum, sumError] = sumWithError(u, t);
  Id result = add(sum, roundSumToOdd(tError, sumError));
  // Beyond the range the errors are NaN; of a sum of 0 only the plain form has the sign.
  Id isZero = make(Opcode::OpFOrdEqual, i1, {result, number(f64, 0)});
  Id takesPlain = make(Opcode::OpLogicalOr, i1, {isZero, isNan(f64, result)});
  return make(Opcode::OpSelect, f64, {takesPlain, add(u, c), result});
}

Id SpirvEmitter::makeFma(Type type) {
  if (Id known = fmaFunctions.lookup(type))
    return known;
  Id boolean = typeOf(i1);
  if (!hasFma) {
    hasFma = words.global(Opcode::OpSpecConstantFalse, boolean);
    words.decorate(hasFma, spirv::Decoration::SpecId, {0});
  }
  Id real = typeOf(type);
  SmallVector<Id> x;
  Id function = words.beginFunction(real, words.type(Opcode::OpTypeFunction, {real, real, real, real}), {real, real, real}, x);
  Id own = words.newId(), emulated = words.newId(), merge = words.newId();
  words.emitPlain(Opcode::OpSelectionMerge, {merge, 0});
  words.emitPlain(Opcode::OpBranchConditional, {hasFma, own, emulated});
  words.startBlock(own);
  Id first = makeGlsl(Glsl::Fma, type, x);
  branch(merge);
  words.startBlock(emulated);
  Id second = type == f32 ? emulateFmaSingle(x[0], x[1], x[2]) : emulateFmaDouble(x[0], x[1], x[2]);
  branch(merge);
  words.startBlock(merge);
  words.emitPlain(Opcode::OpReturnValue, {phi(type, {first, own, second, emulated})});
  words.endFunction();
  return fmaFunctions[type] = function;
}

Id SpirvEmitter::emitFma(Type type, Id a, Id b, Id c) {
  Type element = getElementTypeOrSelf(type);
  Id function = makeFma(element), real = typeOf(element);
  auto vector = dyn_cast<VectorType>(type);
  if (!vector)
    return words.emit(Opcode::OpFunctionCall, real, {function, a, b, c});
  SmallVector<Id> parts;
  for (uint32_t lane = 0; lane < vector.getDimSize(0); ++lane) {
    SmallVector<Id> operands = {function};
    for (Id x : {a, b, c})
      operands.push_back(words.emit(Opcode::OpCompositeExtract, real, {x, lane}));
    parts.push_back(words.emit(Opcode::OpFunctionCall, real, operands));
  }
  return words.emit(Opcode::OpCompositeConstruct, typeOf(type), parts);
}

} // namespace gradus
