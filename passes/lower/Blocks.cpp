//===- Blocks.cpp - Numbers in blocks of 8-bit codes -----------------------------===//

#include "passes/lower/Blocks.h"

#include "passes/fuse/Traffic.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using FPredicate = arith::CmpFPredicate;
using IPredicate = arith::CmpIPredicate;

namespace gradus {

static constexpr int64_t exponentBits = 0x7f800000, infinityBits = 0x7f800000, leastNormalBits = 0x00800000, magnitudeBits = 0x7fffffff, signBit = INT32_MIN;
static constexpr double leastWithSign = 0x1p-19;

/// The type of the shape of `like`, a scalar or a vector, with another element.
static Type withElement(Value like, Type element) {
  auto vector = dyn_cast<VectorType>(like.getType());
  return vector ? Type(vector.clone(element)) : element;
}
static Value bitsOf(CodeBuilder &code, Value x) { return arith::BitcastOp::create(code, withElement(x, code.getI32Type()), x); }
static Value floatOf(CodeBuilder &code, Value bits) { return arith::BitcastOp::create(code, withElement(bits, code.getF32Type()), bits); }
static Value andInt(CodeBuilder &code, Value x, int64_t mask) { return arith::AndIOp::create(code, x, code.integer(x.getType(), mask)); }
static Value andInt(CodeBuilder &code, Value x, Value mask) { return arith::AndIOp::create(code, x, mask); }
static Value shiftLeft(CodeBuilder &code, Value x, int64_t by) { return arith::ShLIOp::create(code, x, code.integer(x.getType(), by)); }
static Value shiftRight(CodeBuilder &code, Value x, int64_t by) { return arith::ShRUIOp::create(code, x, code.integer(x.getType(), by)); }
static Value addInt(CodeBuilder &code, Value x, int64_t y) { return arith::AddIOp::create(code, x, code.integer(x.getType(), y)); }
static Value timesInt(CodeBuilder &code, Value x, int64_t y) { return arith::MulIOp::create(code, x, code.integer(x.getType(), y)); }
static Value addFloat(CodeBuilder &code, Value x, double y) { return arith::AddFOp::create(code, x, code.number(x.getType(), y)); }
static Value timesFloat(CodeBuilder &code, Value x, double y) { return arith::MulFOp::create(code, x, code.number(x.getType(), y)); }
static Value chooseInt(CodeBuilder &code, Value c, int64_t a, int64_t b) { return code.select(c, code.i32(static_cast<int32_t>(a)), code.i32(static_cast<int32_t>(b))); }
static Value chooseFloat(CodeBuilder &code, Value c, double a, double b) { return code.select(c, code.number(code.getF32Type(), a), code.number(code.getF32Type(), b)); }

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

Value emitBytes(CodeBuilder &code, Type element, Value count) {
  Value bytes = code.mul(count, code.i64(code.memBytes(element)));
  auto blocks = dyn_cast<BlocksType>(element);
  return blocks ? code.add(bytes, code.mul(code.ceilDiv(count, blocks.getSize()), code.i64(BlocksType::scaleBytes))) : bytes;
}

static Value blockOf(CodeBuilder &code, BlocksType type, Value index) { return shiftRight(code, index, llvm::Log2_64(type.getSize())); }

Value addressOfScale(CodeBuilder &code, Value base, BlocksType type, Value index) {
  return code.byteAddress(base, timesInt(code, blockOf(code, type, index), type.getSize() + BlocksType::scaleBytes));
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

/// v(u) = 8^(f - 7) (7 m - 6) is (7 u - 6 p) p^2 2^-21, where p = 2^f; all of it is exact. Where there is no sign u is half of what is computed.
static void readForm(CodeBuilder &code, Value scale, BlockForm &form) {
  Value bits = bitsOf(code, scale);
  auto with = [&](Value hasSign, int64_t a, int64_t b) -> Value {
    return arith::SelectOp::create(code, hasSign, code.integer(bits.getType(), a), code.integer(bits.getType(), b));
  };
  auto factor = [&](Value hasSign, double x) -> Value {
    return arith::SelectOp::create(code, hasSign, code.number(scale.getType(), x * 0x1p-21), code.number(scale.getType(), x * 0x1p-24));
  };
  Value hasSign = arith::CmpIOp::create(code, IPredicate::sge, bits, code.integer(bits.getType(), 0));
  form.scale = floatOf(code, andInt(code, bits, magnitudeBits));
  form.magnitude = with(hasSign, 0x7f, 0xff);
  form.sign = with(hasSign, signBit, 0);
  form.upFactor = factor(hasSign, 7);
  form.downFactor = factor(hasSign, 6);
}

static Value decode(CodeBuilder &code, Value codes, const BlockForm &form) {
  Type i32 = withElement(codes, code.getI32Type()), f32 = withElement(codes, code.getF32Type());
  auto spread = [&](Value x) { return isa<VectorType>(i32) ? code.splat(x) : x; };
  Value wide = arith::ExtUIOp::create(code, i32, codes);
  Value magnitude = andInt(code, wide, spread(form.magnitude));
  // In the lowest bits of 2^23 an integer is added to it.
  Value above = floatOf(code, arith::OrIOp::create(code, magnitude, code.integer(i32, 0x4b000000)));
  Value u = addFloat(code, above, 1 - 0x1p23);
  Value power = floatOf(code, andInt(code, bitsOf(code, u), exponentBits));
  Value down = arith::MulFOp::create(code, power, spread(form.downFactor));
  Value difference = math::FmaOp::create(code, u, spread(form.upFactor), arith::NegFOp::create(code, down)); // exact, as without fma
  Value value = arith::MulFOp::create(code, difference, arith::MulFOp::create(code, power, power));
  Value isZero = arith::CmpIOp::create(code, IPredicate::eq, magnitude, code.integer(i32, 0));
  value = arith::SelectOp::create(code, isZero, code.number(f32, 0), value);
  Value sign = andInt(code, shiftLeft(code, wide, 24), spread(form.sign));
  value = floatOf(code, arith::OrIOp::create(code, bitsOf(code, value), sign));
  return arith::MulFOp::create(code, value, spread(form.scale));
}

BlockForm loadForm(CodeBuilder &code, Value base, BlocksType type, Value index) {
  BlockForm form;
  auto scale = LLVM::LoadOp::create(code, code.getF32Type(), addressOfScale(code, base, type, index), BlocksType::scaleBytes);
  scale->setAttr(servesAttribute, code.getI64IntegerAttr(type.getSize()));
  Value scales = addInt(code, timesInt(code, blockOf(code, type, index), BlocksType::scaleBytes), BlocksType::scaleBytes);
  form.codes = code.byteAddress(base, scales);
  readForm(code, scale, form);
  return form;
}

Value loadFromBlock(CodeBuilder &code, Value base, BlocksType type, Value index) {
  BlockForm form = loadForm(code, base, type, index);
  return decode(code, LLVM::LoadOp::create(code, code.getI8Type(), code.byteAddress(form.codes, index), 1), form);
}

Value loadRowFromBlock(CodeBuilder &code, const BlockForm &form, Value index, Value mask) {
  Type bytes = VectorType::get({lanes}, code.getI8Type());
  Value from = code.byteAddress(form.codes, index), codes;
  if (mask)
    codes = LLVM::MaskedLoadOp::create(code, bytes, from, mask, code.number(bytes, 0), 1);
  else
    codes = LLVM::LoadOp::create(code, bytes, from, 1);
  return decode(code, codes, form);
}

Value gatherFromBlocks(CodeBuilder &code, Value base, BlocksType type, Value indices) {
  Type bytes = VectorType::get({lanes}, code.getI8Type()), numbers = VectorType::get({lanes}, code.getF32Type());
  Value all = code.integer(VectorType::get({lanes}, code.getI1Type()), 1);
  Value before = addInt(code, timesInt(code, blockOf(code, type, indices), BlocksType::scaleBytes), BlocksType::scaleBytes);
  Value from = code.byteAddress(base, arith::AddIOp::create(code, indices, before));
  Value codes = LLVM::masked_gather::create(code, bytes, from, all, ValueRange{code.number(bytes, 0)}, 1);
  auto scales = LLVM::masked_gather::create(code, numbers, addressOfScale(code, base, type, indices), all, ValueRange{code.number(numbers, 0)},
                                            BlocksType::scaleBytes);
  scales->setAttr(servesAttribute, code.getI64IntegerAttr(type.getSize()));
  BlockForm form;
  readForm(code, scales, form);
  return decode(code, codes, form);
}

//===----------------------------------------------------------------------===//
// Encoding
//===----------------------------------------------------------------------===//

/// With or without a sign. What has no scale, zeros and what is not finite, has nothing above the bound: its codes are 0.
EncodeForm decideForm(CodeBuilder &code, Value largestSigned, Value largestFlipped) {
  Type number = code.getF32Type();
  EncodeForm form;
  Value last = arith::XOrIOp::create(code, largestFlipped, code.i32(INT32_MIN));
  Value isNegative = code.compare(IPredicate::slt, last, code.i32(0));
  Value largestNegative = code.select(isNegative, andInt(code, last, magnitudeBits), code.i32(0)), largest = code.max(largestSigned, largestNegative);
  Value isFinite = code.compare(IPredicate::slt, largest, code.i32(infinityBits));
  Value isProper = arith::AndIOp::create(code, isFinite, code.compare(IPredicate::ne, largest, code.i32(0)));
  Value scaleBits = code.max(largest, code.i32(leastNormalBits)), scale = floatOf(code, scaleBits), least = timesFloat(code, scale, leastWithSign);
  Value hasSign = arith::CmpFOp::create(code, FPredicate::OGT, floatOf(code, largestNegative), least);
  Value infinity = code.number(number, std::numeric_limits<double>::infinity()), none = code.number(number, 0);
  form.bound = code.select(isProper, code.select(hasSign, least, none), infinity);
  Value reciprocal = arith::DivFOp::create(code, code.number(number, 0.5), scale);
  form.halfReciprocal = code.select(isProper, reciprocal, none);
  form.leastPart = chooseFloat(code, hasSign, 0x1p-19, 0x1p-22);
  double seventhOf = static_cast<double>(1.0f / 7.0f);
  form.seventh = chooseFloat(code, hasSign, seventhOf * 0x1p92, seventhOf * 0x1p93);
  form.mask = code.select(isProper, chooseInt(code, hasSign, magnitudeBits, -1), code.i32(0)); // nothing that is not finite is compared: devices differ there
  form.signMask = chooseInt(code, hasSign, 0x80, 0);
  Value mark = code.select(hasSign, code.i32(0), code.i32(INT32_MIN));
  Value stored = code.select(isProper, arith::OrIOp::create(code, scaleBits, mark), code.i32(0));
  form.stored = code.select(isFinite, stored, code.i32(0x7fc00000));
  return form;
}

/// In the upper halves of words: their upper halves divided by 3, and times 384. Those are exponents of f32 in their places, of parts of the scale that
/// matter, 105 to 126, so that the upper half of a product of 16 bits is the quotient. Vectors multiply all halves at once.
static std::pair<Value, Value> thirdOf(CodeBuilder &code, Value words) {
  if (!isa<VectorType>(words.getType())) {
    Value quotient = shiftRight(code, timesInt(code, shiftRight(code, words, 16), 171), 16);
    return {shiftLeft(code, quotient, 16), shiftLeft(code, timesInt(code, quotient, 3 * 128), 16)};
  }
  Type i32 = words.getType(), halves = VectorType::get({2 * lanes}, code.getIntegerType(16));
  auto halvesOf = [&](Value words) -> Value { return LLVM::BitcastOp::create(code, halves, words); };
  auto wordsOf = [&](Value pairs) -> Value { return LLVM::BitcastOp::create(code, i32, pairs); };
  auto product = arith::MulUIExtendedOp::create(code, halvesOf(words), halvesOf(code.integer(i32, int64_t(171) << 16)));
  Value quotient = product.getHigh();
  return {wordsOf(quotient), wordsOf(arith::MulIOp::create(code, quotient, halvesOf(code.integer(i32, int64_t(3 * 128) << 16))))};
}

/// y / 2 = P Y for a power P = 2^(3 q - 127) and 1 <= Y < 8: q is the biased exponent of y / 2 divided by 3. Then u = 2^(q - 35) (Y + 6) / 7, and 2 u where there
/// is no sign.
Value encodeNumbers(CodeBuilder &code, Value bits, const EncodeForm &form) {
  Type i32 = bits.getType();
  Value x = floatOf(code, andInt(code, bits, form.mask));
  Value y = arith::MulFOp::create(code, x, form.halfReciprocal);
  y = arith::SelectOp::create(code, arith::CmpFOp::create(code, FPredicate::OGT, y, form.leastPart), y, form.leastPart);
  auto [q, powerBits] = thirdOf(code, andInt(code, bitsOf(code, y), exponentBits));
  Value sum = arith::AddFOp::create(code, y, timesFloat(code, floatOf(code, powerBits), 6));
  Value scaled = arith::MulFOp::create(code, sum, form.seventh);
  Value u = floatOf(code, arith::SubIOp::create(code, bitsOf(code, scaled), shiftLeft(code, q, 8)));
  // Added to 2^23 a number is rounded to an integer, which its lowest bits then are; u - 1 would be exact.
  Value rounded = bitsOf(code, addFloat(code, u, 0x1p23 - 1));
  Value isSome = arith::CmpFOp::create(code, FPredicate::OGT, x, form.bound);
  Value all = arith::OrIOp::create(code, rounded, andInt(code, shiftRight(code, bits, 24), form.signMask));
  all = arith::SelectOp::create(code, isSome, all, code.integer(i32, 0));
  return arith::TruncIOp::create(code, withElement(all, code.getI8Type()), all);
}

namespace {

/// Builds the function that encodes one block: (block, numbers, count).
class EncoderBuilder {
public:
  explicit EncoderBuilder(CodeBuilder &code) : code(code), i32(code.vecType(code.getI32Type())) {}

  void build(LLVM::LLVMFuncOp function);

private:
  EncodeForm findForm();
  /// All vectors of the block; a null mask means all lanes.
  SmallVector<Value> overVectors(ValueRange init, function_ref<SmallVector<Value>(Value index, Value mask, ValueRange carried)> step);
  Value loadBits(Value index, Value mask) { return bitsOf(code, code.loadVector(numbers, code.getF32Type(), index, mask)); }

  CodeBuilder &code;
  Type i32;
  Value numbers, count;
};

} // namespace

SmallVector<Value> EncoderBuilder::overVectors(ValueRange init, function_ref<SmallVector<Value>(Value, Value, ValueRange)> step) {
  Value whole = arith::AndIOp::create(code, count, code.i64(-lanes));
  scf::ForOp main = code.loop(code.i64(0), whole, lanes, init, [&](Value index, ValueRange carried) { return step(index, {}, carried); });
  Value left = code.sub(count, whole);
  auto tail = scf::IfOp::create(code, main.getResultTypes(), code.compare(IPredicate::sgt, left, code.i64(0)), /*addThenBlock=*/true, /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(code);
  code.setInsertionPointToStart(tail.thenBlock());
  Value mask = code.compare(IPredicate::slt, code.laneNumbers(), code.splat(left));
  SmallVector<Value> next = step(whole, mask, main.getResults());
  if (!init.empty() || tail.thenBlock()->empty() || !tail.thenBlock()->back().hasTrait<OpTrait::IsTerminator>())
    scf::YieldOp::create(code, next);
  code.setInsertionPointToStart(tail.elseBlock());
  if (tail.elseBlock()->empty())
    scf::YieldOp::create(code, main.getResults());
  return llvm::to_vector(ValueRange(tail.getResults()));
}

/// As bits, the numbers of each sign are in order, and an infinity or NaN is above all numbers: the largest one is the largest as a signed integer, the
/// largest negative one the largest as an unsigned integer, which is a signed one with its highest bit flipped.
EncodeForm EncoderBuilder::findForm() {
  Value none = code.integer(i32, 0);
  SmallVector<Value> found = overVectors({none, none}, [&](Value index, Value mask, ValueRange carried) {
    Value bits = loadBits(index, mask);
    return SmallVector<Value>{arith::MaxSIOp::create(code, carried[0], bits), arith::MaxUIOp::create(code, carried[1], bits)};
  });
  Value positive = emitCombineLanes(code, ReductionKind::Max, found[0]);
  Value flipped = arith::XOrIOp::create(code, found[1], code.integer(i32, signBit));
  return decideForm(code, positive, emitCombineLanes(code, ReductionKind::Max, flipped));
}

void EncoderBuilder::build(LLVM::LLVMFuncOp function) {
  Value block = function.getArgument(0);
  numbers = function.getArgument(1);
  count = function.getArgument(2);
  EncodeForm form = findForm();
  LLVM::StoreOp::create(code, form.stored, block, BlocksType::scaleBytes);
  for (Value *field : {&form.halfReciprocal, &form.bound, &form.leastPart, &form.seventh, &form.mask, &form.signMask})
    *field = code.splat(*field);
  Value codes = code.byteAddress(block, BlocksType::scaleBytes);
  overVectors({}, [&](Value index, Value mask, ValueRange) {
    code.storeVector(codes, code.getI8Type(), index, encodeNumbers(code, loadBits(index, mask), form), mask);
    return SmallVector<Value>();
  });
  LLVM::ReturnOp::create(code, ValueRange());
}

/// One function of a module encodes the blocks of all its kernels.
static LLVM::LLVMFuncOp getEncoder(CodeBuilder &code) {
  constexpr StringLiteral name = "gradus_encode_block";
  auto module = code.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  if (auto known = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return known;
  OpBuilder::InsertionGuard guard(code);
  code.setInsertionPointToEnd(module.getBody());
  Type ptr = code.ptrType();
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(code.getContext()), {ptr, ptr, code.getI64Type()});
  auto created = LLVM::LLVMFuncOp::create(code, name, type, LLVM::Linkage::Internal);
  created.setNoInline(true);
  code.setInsertionPointToStart(created.addEntryBlock(code));
  EncoderBuilder(code).build(created);
  return created;
}

void emitEncode(CodeBuilder &code, BlocksType type, Value base, Value numbers, Value begin, Value end) {
  LLVM::LLVMFuncOp encoder = getEncoder(code);
  code.loop(begin, end, type.getSize(), {}, [&](Value first, ValueRange) {
    Value count = code.min(code.i64(type.getSize()), code.sub(end, first));
    Value from = code.address(numbers, code.getF32Type(), code.sub(first, begin));
    LLVM::CallOp::create(code, encoder, ValueRange{addressOfScale(code, base, type, first), from, count});
    return SmallVector<Value>();
  });
}

} // namespace gradus
