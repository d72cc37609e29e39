//===- Draw.cpp - Random numbers at a point of a kernel -------------------------===//
//
// The numbers that codegen/draws/README.md defines, computed where they are needed: a draw moves no memory. Integer arithmetic, tables
// and + - * alone, on a scalar or on 16 lanes; a vector that lies in one row of blocks shares them.
//
//===----------------------------------------------------------------------===//

#include "codegen/draws/Tables.h"
#include "passes/lower/Evaluate.h"
#include "passes/lower/Philox.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace gradus {

namespace {

/// Integer arithmetic on scalars and vectors of any length.
class DrawEmitter {
public:
  explicit DrawEmitter(CodeBuilder &code) : code(code) {}

  Words philox(Words counter, Value key);
  /// One 64-bit key out of another one.
  Value derive(Value key, Value low, Value high);
  /// 64 bits out of two words; the two halves of 64 bits.
  Value join(Value low, Value high);
  Value lowHalf(Value x) { return arith::TruncIOp::create(code, with32(x.getType()), x); }
  Value highHalf(Value x) { return lowHalf(shiftRight(x, 32)); }

  Value uniform(Value bits, Type element);
  Value normal(Value bits, Type element);
  Value log(Value x);
  /// e^y for y <= 0.
  Value exp(Value y);
  Value gamma(Value element, Value key, Value shape);
  Value negate(Value x) { return arith::NegFOp::create(code, x); }
  /// The high half of a 128-bit product.
  Value multiplyHigh(Value a, Value b);
  Value shiftRight(Value x, int64_t n) { return arith::ShRUIOp::create(code, x, code.integer(x.getType(), n)); }
  Value land(Value a, int64_t mask) { return arith::AndIOp::create(code, a, code.integer(a.getType(), mask)); }
  Value lor(Value a, int64_t mask) { return arith::OrIOp::create(code, a, code.integer(a.getType(), mask)); }
  Value lxor(Value a, Value b) { return arith::XOrIOp::create(code, a, b); }
  Value widen(Value x) { return arith::ExtUIOp::create(code, with64(x.getType()), x); }
  Value spread(Value scalar, Type like);
  static Type with(Type like, Type element) {
    auto vector = dyn_cast<VectorType>(like);
    return vector ? vector.clone(element) : element;
  }
  Type with32(Type like) { return with(like, code.getI32Type()); }
  Type with64(Type like) { return with(like, code.getI64Type()); }

private:
  template <typename T>
  Value tableBase(StringRef name, ArrayRef<T> numbers);
  Value look(Value base, Type element, Value index);
  Value add(Value a, Value b) { return arith::AddFOp::create(code, a, b); }
  Value mul(Value a, Value b) { return arith::MulFOp::create(code, a, b); }

  CodeBuilder &code;
};

} // namespace

Value DrawEmitter::spread(Value scalar, Type like) {
  auto vector = dyn_cast<VectorType>(like);
  if (!vector || isa<VectorType>(scalar.getType()))
    return scalar;
  return vector::BroadcastOp::create(code, vector.clone(scalar.getType()), scalar);
}

Value DrawEmitter::join(Value low, Value high) {
  Value wide = widen(high);
  return arith::OrIOp::create(code, widen(low), arith::ShLIOp::create(code, wide, code.integer(wide.getType(), 32)));
}

/// Of 32 bits; words of the counter that are scalars stay so.
Words DrawEmitter::philox(Words words, Value key) {
  for (Value &word : words)
    word = widen(word);
  words = emitPhilox(code, words, key);
  for (Value &word : words)
    word = lowHalf(word);
  return words;
}

Value DrawEmitter::derive(Value key, Value low, Value high) {
  Words w = philox({lowHalf(low), highHalf(low), lowHalf(high), highHalf(high)}, key);
  return join(w[0], w[1]);
}

Value DrawEmitter::multiplyHigh(Value a, Value b) {
  constexpr int64_t low = 0xffffffff;
  auto times = [&](Value x, Value y) -> Value { return arith::MulIOp::create(code, x, y); };
  Value ah = shiftRight(a, 32), al = land(a, low), bh = shiftRight(b, 32), bl = land(b, low);
  Value middle = code.add(times(ah, bl), shiftRight(times(al, bl), 32));
  Value other = code.add(times(al, bh), land(middle, low));
  return code.add(times(ah, bh), code.add(shiftRight(middle, 32), shiftRight(other, 32)));
}

/// The address of a table, which the module gets once.
template <typename T>
Value DrawEmitter::tableBase(StringRef name, ArrayRef<T> numbers) {
  auto module = code.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  std::string symbol = ("gradus_draw_" + name).str();
  if (!module.lookupSymbol(symbol)) {
    OpBuilder::InsertionGuard guard(code);
    code.setInsertionPointToStart(module.getBody());
    Type element = sizeof(T) == 4 ? Type(code.getF32Type()) : Type(code.getF64Type());
    auto count = static_cast<int64_t>(numbers.size());
    auto values = DenseElementsAttr::get(RankedTensorType::get({count}, element), numbers);
    LLVM::GlobalOp::create(code, LLVM::LLVMArrayType::get(element, count), /*isConstant=*/true, LLVM::Linkage::Internal, symbol, values);
  }
  return LLVM::AddressOfOp::create(code, code.ptrType(), symbol);
}

Value DrawEmitter::look(Value base, Type element, Value index) {
  if (isa<VectorType>(index.getType()))
    return code.gatherVector(base, element, index, {});
  return code.loadElement(base, element, index);
}

/// (2 k + 1) / 2^24 of the 23 leading bits, or (2 k + 1) / 2^53 of 52: exact.
Value DrawEmitter::uniform(Value bits, Type element) {
  bool isSingle = element.isF32();
  Value k = shiftRight(bits, isSingle ? 9 : 12);
  Value odd = lor(code.add(k, k), 1);
  Value number = arith::SIToFPOp::create(code, with(bits.getType(), element), odd);
  return mul(number, code.number(number.getType(), isSingle ? 0x1p-24 : 0x1p-53));
}

/// The quantile of f = 2 k + 1, where k is the 30 (62) low bits, by the table; the leading bit is the sign.
Value DrawEmitter::normal(Value bits, Type element) {
  bool isSingle = element.isF32();
  int64_t mantissa = isSingle ? 23 : 52, bias = isSingle ? 127 : 1023, one = bias << mantissa, part = int64_t(1) << (mantissa - 2);
  Type integer = bits.getType(), real = with(integer, element);
  Value k = land(bits, isSingle ? 0x3fffffff : 0x3fffffffffffffff);
  Value f = arith::SIToFPOp::create(code, real, lor(code.add(k, k), 1));
  Value image = arith::BitcastOp::create(code, integer, f);
  Value segment = code.sub(shiftRight(image, mantissa - 2), code.integer(integer, bias << 2));
  Value significand = lor(land(image, (int64_t(1) << mantissa) - 1), one);
  Value middle = lor(land(significand, ~(part - 1)), part / 2);
  Value t = arith::SubFOp::create(code, arith::BitcastOp::create(code, real, significand), arith::BitcastOp::create(code, real, middle));
  Value base = isSingle ? tableBase<float>("quantile32", draws::quantile32) : tableBase<double>("quantile64", draws::quantile64);
  int degree = isSingle ? draws::quantileDegree32 : draws::quantileDegree64, count = isSingle ? draws::quantileSegments32 : draws::quantileSegments64;
  if (isSingle)
    segment = widen(segment);
  Value z;
  for (int j = degree; j >= 0; --j) {
    Value c = look(base, element, code.add(segment, code.integer(segment.getType(), int64_t(j) * count)));
    z = z ? add(mul(z, t), c) : c;
  }
  Value sign = land(bits, isSingle ? int64_t(INT32_MIN) : INT64_MIN);
  return arith::BitcastOp::create(code, real, lxor(arith::BitcastOp::create(code, integer, z), sign));
}

/// ln of a positive normal number: 2^k z with z beside a point c of the table, r = (z - c) / c, and the series of ln(1 + r).
Value DrawEmitter::log(Value x) {
  Type real = x.getType(), element = getElementTypeOrSelf(real);
  bool isSingle = element.isF32();
  int64_t mantissa = isSingle ? 23 : 52, offset = isSingle ? 0x3f300000 : 0x3fe6000000000000;
  Type integer = isSingle ? with32(real) : with64(real);
  Value image = arith::BitcastOp::create(code, integer, x);
  Value above = code.sub(image, code.integer(integer, offset));
  Value row = land(shiftRight(above, mantissa - 4), 15);
  Value exponent = arith::ShRSIOp::create(code, above, code.integer(integer, mantissa));
  Value power = arith::ShLIOp::create(code, exponent, code.integer(integer, mantissa));
  Value z = arith::BitcastOp::create(code, real, code.sub(image, power));
  Value k = arith::SIToFPOp::create(code, real, exponent);
  Value base = isSingle ? tableBase<float>("log32", draws::log32) : tableBase<double>("log64", draws::log64);
  if (isSingle)
    row = widen(row);
  auto column = [&](int64_t number) { return look(base, element, code.add(row, code.integer(row.getType(), 16 * number))); };
  Value r = mul(arith::SubFOp::create(code, z, column(0)), column(1));
  int degree = isSingle ? 7 : 14;
  auto coefficient = [&](int n) {
    double c = (n % 2 ? 1.0 : -1.0) / n;
    return code.number(real, isSingle ? static_cast<float>(c) : c);
  };
  Value series = coefficient(degree);
  for (int n = degree - 1; n >= 2; --n)
    series = add(mul(series, r), coefficient(n));
  double high = isSingle ? draws::ln2_32[0] : draws::ln2_64[0], low = isSingle ? draws::ln2_32[1] : draws::ln2_64[1];
  Value small = add(r, mul(mul(r, r), series));
  Value rest = add(mul(k, code.number(real, low)), small);
  return add(add(mul(k, code.number(real, high)), column(2)), rest);
}

/// 2^-m e^r, where r is the rest of y + m ln 2, by the series to degree 13.
Value DrawEmitter::exp(Value y) {
  Type real = y.getType(), integer = with64(real);
  auto constant = [&](double x) { return code.number(real, x); };
  Value isInside = arith::CmpFOp::create(code, arith::CmpFPredicate::OGT, y, constant(-708));
  y = code.select(isInside, y, constant(-708));
  Value m = arith::FPToSIOp::create(code, integer, arith::SubFOp::create(code, constant(0.5), mul(y, constant(0x1.71547652b82fep0))));
  Value k = arith::SIToFPOp::create(code, real, m);
  Value r = add(add(y, mul(k, constant(draws::ln2_64[0]))), mul(k, constant(draws::ln2_64[1])));
  double factorial = 6227020800.0;
  Value series = constant(1 / factorial);
  for (int n = 12; n >= 0; --n) {
    factorial /= n + 1;
    series = add(mul(series, r), constant(1 / factorial));
  }
  Value power = arith::ShLIOp::create(code, code.sub(code.integer(integer, 1023), m), code.integer(integer, 52));
  return code.select(isInside, mul(series, arith::BitcastOp::create(code, real, power)), constant(0));
}

/// Marsaglia and Tsang (2000) with 8 tries, each with bits of its own; below a shape of 1, the number of shape + 1 times u^(1 / shape).
Value DrawEmitter::gamma(Value element, Value key, Value shape) {
  Type f64 = code.getF64Type(), real = with(element.getType(), f64), words = with32(element.getType());
  auto scalar = [&](double x) { return code.number(f64, x); };
  auto constant = [&](double x) { return code.number(real, x); };
  auto compare = [&](arith::CmpFPredicate predicate, Value a, Value b) -> Value { return arith::CmpFOp::create(code, predicate, a, b); };
  Value isSmall = compare(arith::CmpFPredicate::OLT, shape, scalar(1)), isShape = compare(arith::CmpFPredicate::OGT, shape, scalar(0));
  Value a = code.select(isSmall, add(shape, scalar(1)), shape);
  Value d = arith::SubFOp::create(code, a, scalar(1.0 / 3));
  Value c = arith::DivFOp::create(code, scalar(1), math::SqrtOp::create(code, mul(scalar(9), d)));
  d = spread(d, real), c = spread(c, real);
  auto bitsOf = [&](Value attempt) {
    Value none = code.i32(0), zero = code.integer(words, 0);
    Words own = philox({lowHalf(attempt), none, none, code.i32(3)}, key);
    return philox({lowHalf(element), highHalf(element), zero, zero}, join(own[0], own[1]));
  };
  // The first accepted number stays.
  scf::ForOp tries = code.loop(code.i64(0), code.i64(8), 1, {d, code.integer(words, 0)}, [&](Value attempt, ValueRange carried) {
    Words bits = bitsOf(attempt);
    Value x = normal(join(bits[0], bits[1]), f64), u = uniform(join(bits[2], bits[3]), f64);
    Value t = add(constant(1), mul(c, x)), v = mul(mul(t, t), t);
    Value isPositive = compare(arith::CmpFPredicate::OGT, v, constant(0));
    v = code.select(isPositive, v, constant(1));
    Value bend = add(arith::SubFOp::create(code, constant(1), v), log(v));
    Value bound = add(mul(constant(0.5), mul(x, x)), mul(d, bend));
    Value isOpen = code.compare(arith::CmpIPredicate::eq, carried[1], code.integer(words, 0));
    Value keeps = arith::AndIOp::create(code, isOpen, arith::AndIOp::create(code, isPositive, compare(arith::CmpFPredicate::OLT, log(u), bound)));
    return SmallVector<Value>{code.select(keeps, mul(d, v), carried[0]), code.select(keeps, code.integer(words, 1), carried[1])};
  });
  Value y = tries.getResult(0);
  Words last = bitsOf(code.i64(8));
  Value inverse = arith::DivFOp::create(code, scalar(1), shape);
  Value power = exp(mul(log(uniform(join(last[0], last[1]), f64)), spread(inverse, real)));
  y = code.select(spread(isSmall, real), mul(y, power), y);
  return code.select(spread(isShape, real), y, constant(0));
}

//===----------------------------------------------------------------------===//
// The evaluator's side
//===----------------------------------------------------------------------===//

/// FNV-1a of 64 bits.
static int64_t hashSite(StringRef site) {
  uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char byte : site.bytes())
    hash = (hash ^ byte) * 0x100000001b3;
  return static_cast<int64_t>(hash);
}

Value Evaluator::drawKey(DrawOp draw) {
  if (Value known = drawKeys.lookup(draw))
    return known;
  DrawEmitter emitter(code);
  auto number = [&](Value value) { return emitCast(code, evaluateScalar(value), arrayOf(value).getElementType(), code.getI64Type()); };
  Value key = emitter.derive(buffers.seed, number(draw.getTime()), code.i64(hashSite(draw.getSite())));
  SmallVector<Value> keys;
  if (draw->hasAttr("each"))
    keys.push_back(buffers.slot);
  for (Value operand : draw.getKeys())
    keys.push_back(number(operand));
  for (auto [position, value] : llvm::enumerate(keys))
    key = emitter.derive(key, value, code.i64(static_cast<int64_t>(position) + 1));
  return key;
}

void Evaluator::evaluateDrawKeys(KernelOp kernel) {
  for (DrawOp draw : kernel.getBody().getOps<DrawOp>()) {
    bool hasAll = isKnown(draw.getTime()) && llvm::all_of(draw.getKeys(), [&](Value key) { return isKnown(key); });
    if (hasAll)
      drawKeys[draw] = drawKey(draw);
  }
}

/// The number of the element at a point, in row-major order.
Value Evaluator::elementNumber(ArrayType type, ArrayRef<Index> point) {
  bool isUniform = llvm::all_of(point, [](const Index &index) { return index.isUniform(); });
  Value linear;
  for (auto [axis, index] : llvm::enumerate(point)) {
    Value at = isUniform ? index.scalar : lanesOf(index);
    if (!linear) {
      linear = at;
      continue;
    }
    Value size = sizeOf(type.getShape()[axis]);
    linear = code.add(code.mul(linear, isUniform ? size : code.splat(size)), at);
  }
  return linear ? linear : code.i64(0);
}

/// The bits of an element: word e % 4 of block e / 4, or, of 64 bits, words 2 (e % 2) and the next one of block e / 2.
static Value emitElementBits(CodeBuilder &code, Value element, Value key, bool isSingle) {
  DrawEmitter emitter(code);
  Value block = emitter.shiftRight(element, isSingle ? 2 : 1);
  Value zero = code.i32(0);
  Words w = emitter.philox({emitter.lowHalf(block), emitter.highHalf(block), zero, zero}, key);
  auto has = [&](int64_t bit) {
    Value masked = emitter.land(element, bit);
    return code.compare(arith::CmpIPredicate::ne, masked, code.integer(element.getType(), 0));
  };
  if (!isSingle)
    return code.select(has(1), emitter.join(w[2], w[3]), emitter.join(w[0], w[1]));
  return code.select(has(2), code.select(has(1), w[3], w[2]), code.select(has(1), w[1], w[0]));
}

/// The same for 16 elements in a row from a multiple of 16: the lanes share 4 blocks, or 8.
static Value emitRowBits(CodeBuilder &code, Value first, Value key, bool isSingle) {
  DrawEmitter emitter(code);
  int64_t blocks = isSingle ? 4 : 8;
  auto type = VectorType::get({blocks}, code.getI32Type());
  SmallVector<int32_t> steps = llvm::to_vector(llvm::seq<int32_t>(0, static_cast<int32_t>(blocks)));
  Value low = emitter.spread(emitter.lowHalf(emitter.shiftRight(first, isSingle ? 2 : 1)), type);
  Value high = emitter.highHalf(emitter.shiftRight(first, isSingle ? 2 : 1));
  low = code.add(low, arith::ConstantOp::create(code, DenseElementsAttr::get(type, ArrayRef<int32_t>(steps))));
  Value zero = code.i32(0);
  Words w = emitter.philox({low, high, zero, zero}, key);
  SmallVector<int64_t> all = llvm::to_vector(llvm::seq<int64_t>(0, lanes)), order;
  if (!isSingle) {
    for (int64_t e = 0; e < lanes; ++e)
      order.push_back(e / 2 + (e % 2) * 8);
    return vector::ShuffleOp::create(code, emitter.join(w[0], w[1]), emitter.join(w[2], w[3]), order);
  }
  for (int64_t e = 0; e < lanes; ++e)
    order.push_back(e / 4 + (e % 4) * 4);
  ArrayRef<int64_t> half = ArrayRef(all).take_front(8);
  Value front = vector::ShuffleOp::create(code, w[0], w[1], half), back = vector::ShuffleOp::create(code, w[2], w[3], half);
  return vector::ShuffleOp::create(code, front, back, order);
}

/// The swap-or-not shuffle (Hoang, Morris and Rogaway, 2012): in each round an element may change places with its mirror image.
static Value emitPermutation(CodeBuilder &code, Value element, Value size, Value key) {
  scf::ForOp rounds = code.loop(code.i64(0), code.i64(64), 1, {element}, [&](Value round, ValueRange carried) {
    DrawEmitter emitter(code);
    Value x = carried[0], number = emitter.lowHalf(round), none = code.i32(0);
    Words own = emitter.philox({number, none, none, code.i32(1)}, key);
    Value mirror = emitter.multiplyHigh(emitter.join(own[0], own[1]), size);
    Value other = code.sub(emitter.spread(mirror, x.getType()), x);
    Value isBelow = code.compare(arith::CmpIPredicate::slt, other, code.integer(x.getType(), 0));
    other = code.select(isBelow, code.add(other, emitter.spread(size, x.getType())), other);
    Value larger = code.max(x, other);
    Type words = emitter.with32(x.getType());
    Words w = emitter.philox({emitter.lowHalf(larger), emitter.highHalf(larger), emitter.spread(number, words), code.integer(words, 2)}, key);
    Value swaps = code.compare(arith::CmpIPredicate::ne, emitter.land(w[0], 1), code.integer(words, 0));
    return SmallVector<Value>{code.select(swaps, other, x)};
  });
  return rounds.getResult(0);
}

/// The number of partial sums of the weights that are at most u times their total, but never the number of weights.
Value Evaluator::emitCategorical(DrawOp draw, Value uniform) {
  Value weights = draw.getParameters()[0];
  Value size = sizeOf(arrayOf(weights).getShape()[0]);
  // What is computed in one of the loops here is not known outside of it.
  auto pointBefore = pointMemo, rowBefore = rowMemo;
  auto scalarBefore = scalarMemo;
  auto forget = [&] { pointMemo = pointBefore, rowMemo = rowBefore, scalarMemo = scalarBefore; };
  Operation *innerBefore = std::exchange(inner, nullptr);
  Value maskBefore = std::exchange(mask, Value());
  Value none = code.number(code.getF64Type(), 0);
  auto weightAt = [&](Value k) {
    Value weight = emitCast(code, evaluate(weights, {Index::uniform(k)}), arrayOf(weights).getElementType(), code.getF64Type());
    Value isWeight = arith::CmpFOp::create(code, arith::CmpFPredicate::OGT, weight, none);
    return code.select(isWeight, weight, none);
  };
  scf::ForOp sum = code.loop(code.i64(0), size, 1, {code.number(code.getF64Type(), 0)}, [&](Value k, ValueRange carried) {
    return SmallVector<Value>{arith::AddFOp::create(code, carried[0], weightAt(k)).getResult()};
  });
  forget();
  DrawEmitter emitter(code);
  Type real = uniform.getType(), integer = emitter.with64(real);
  Value target = arith::MulFOp::create(code, uniform, emitter.spread(sum.getResult(0), real));
  Value zero = code.integer(integer, 0), one = code.integer(integer, 1);
  scf::ForOp count = code.loop(code.i64(0), size, 1, {code.number(code.getF64Type(), 0), zero}, [&](Value k, ValueRange carried) {
    Value partial = arith::AddFOp::create(code, carried[0], weightAt(k));
    Value isPast = arith::CmpFOp::create(code, arith::CmpFPredicate::OLE, emitter.spread(partial, real), target);
    return SmallVector<Value>{partial, code.select(isPast, code.add(carried[1], one), carried[1])};
  });
  forget();
  inner = innerBefore, mask = maskBefore;
  Value last = code.max(emitter.spread(code.sub(size, code.i64(1)), integer), zero);
  return code.min(count.getResult(1), last);
}

Value Evaluator::emitDraw(DrawOp draw, ArrayRef<Index> point) {
  ArrayType type = draw.getY().getType();
  Type element = type.getElementType();
  bool isSingle = element.isF32();
  DrawEmitter emitter(code);
  if (draw.getDistribution() == DrawKind::Bits)
    return emitBits(draw, point);
  Value key = drawKey(draw);
  if (draw.getDistribution() == DrawKind::Permutation)
    return emitCast(code, emitPermutation(code, elementNumber(type, point), sizeOf(type.getShape()[0]), key), code.getI64Type(), element);
  if (draw.getDistribution() == DrawKind::Gamma) {
    Value p = draw.getParameters()[0];
    Value shape = emitCast(code, evaluateScalar(p), arrayOf(p).getElementType(), code.getF64Type());
    return emitCast(code, emitter.gamma(elementNumber(type, point), key, shape), code.getF64Type(), element);
  }
  bool isRow = isFlat && point.size() == 1 && point[0].isLane;
  Value bits = isRow ? emitRowBits(code, point[0].scalar, key, isSingle) : emitElementBits(code, elementNumber(type, point), key, isSingle);
  Type real = DrawEmitter::with(bits.getType(), element);
  switch (draw.getDistribution()) {
  case DrawKind::Normal:
    return emitter.normal(bits, element);
  case DrawKind::Uniform:
    return emitter.uniform(bits, element);
  case DrawKind::Exponential:
    return emitter.negate(emitter.log(emitter.uniform(bits, element)));
  case DrawKind::Gumbel:
    return emitter.negate(emitter.log(emitter.negate(emitter.log(emitter.uniform(bits, element)))));
  case DrawKind::Rademacher: {
    Value sign = emitter.land(bits, isSingle ? int64_t(INT32_MIN) : INT64_MIN);
    return arith::BitcastOp::create(code, real, emitter.lor(sign, isSingle ? 0x3f800000 : 0x3ff0000000000000));
  }
  case DrawKind::Bernoulli: {
    Value p = draw.getParameters()[0];
    Value wide = emitCast(code, evaluateScalar(p), arrayOf(p).getElementType(), code.getF64Type());
    Value bound = emitCast(code, arith::MulFOp::create(code, wide, code.number(code.getF64Type(), 0x1p32)), code.getF64Type(), code.getI64Type());
    Value word = isSingle ? emitter.widen(bits) : emitter.shiftRight(bits, 32);
    Value isOne = code.compare(arith::CmpIPredicate::slt, word, emitter.spread(bound, word.getType()));
    return arith::UIToFPOp::create(code, real, isOne);
  }
  case DrawKind::Index: {
    Value n = draw.getParameters()[0];
    Value count = emitCast(code, evaluateScalar(n), arrayOf(n).getElementType(), code.getI64Type());
    Value number = emitter.multiplyHigh(bits, emitter.spread(code.max(count, code.i64(0)), bits.getType()));
    return emitCast(code, number, code.getI64Type(), element);
  }
  case DrawKind::Categorical:
    return emitCast(code, emitCategorical(draw, emitter.uniform(bits, code.getF64Type())), code.getI64Type(), element);
  case DrawKind::Bits:
  case DrawKind::Gamma:
  case DrawKind::Permutation:
    break;
  }
  llvm_unreachable("refused before: no code for this distribution");
}

} // namespace gradus
