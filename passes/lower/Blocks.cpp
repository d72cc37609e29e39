//===- Blocks.cpp - Numbers in blocks of 8-bit codes -----------------------------===//

#include "passes/lower/Blocks.h"

#include "passes/fuse/Traffic.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using FPredicate = arith::CmpFPredicate;
using IPredicate = arith::CmpIPredicate;

namespace gradus {

static constexpr int64_t mantissaBits = 23, infinityBits = 0x7f800000, magnitudeBits = 0x7fffffff;
static constexpr double leastWithSign = 0x1p-19, leastQuotient = 0x1p-27;

/// The type of the shape of `like`, a scalar or a vector, with another element.
static Type withElement(Value like, Type element) {
  auto vector = dyn_cast<VectorType>(like.getType());
  return vector ? Type(vector.clone(element)) : element;
}
static Value bitsOf(Code &code, Value x) { return arith::BitcastOp::create(code, withElement(x, code.getI32Type()), x); }
static Value floatOf(Code &code, Value bits) { return arith::BitcastOp::create(code, withElement(bits, code.getF32Type()), bits); }
static Value andInt(Code &code, Value x, int64_t mask) { return arith::AndIOp::create(code, x, code.integer(x.getType(), mask)); }
static Value andInt(Code &code, Value x, Value mask) { return arith::AndIOp::create(code, x, mask); }
static Value shiftLeft(Code &code, Value x, int64_t by) { return arith::ShLIOp::create(code, x, code.integer(x.getType(), by)); }
static Value shiftRight(Code &code, Value x, int64_t by) { return arith::ShRUIOp::create(code, x, code.integer(x.getType(), by)); }
static Value addInt(Code &code, Value x, int64_t y) { return arith::AddIOp::create(code, x, code.integer(x.getType(), y)); }
static Value timesInt(Code &code, Value x, int64_t y) { return arith::MulIOp::create(code, x, code.integer(x.getType(), y)); }
static Value addFloat(Code &code, Value x, double y) { return arith::AddFOp::create(code, x, code.number(x.getType(), y)); }
static Value timesFloat(Code &code, Value x, double y) { return arith::MulFOp::create(code, x, code.number(x.getType(), y)); }
static Value chooseInt(Code &code, Value c, int64_t a, int64_t b) { return code.select(c, code.i32(static_cast<int32_t>(a)), code.i32(static_cast<int32_t>(b))); }

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

Value emitBytes(Code &code, Type element, Value count) {
  Value bytes = code.mul(count, code.i64(code.memBytes(element)));
  auto blocks = dyn_cast<BlocksType>(element);
  return blocks ? code.add(bytes, code.mul(code.ceilDiv(count, blocks.getSize()), code.i64(BlocksType::scaleBytes))) : bytes;
}

static Value blockOf(Code &code, BlocksType type, Value index) { return shiftRight(code, index, llvm::Log2_64(type.getSize())); }

static Value addressOfScale(Code &code, Value base, BlocksType type, Value index) {
  return code.byteAddress(base, timesInt(code, blockOf(code, type, index), type.getSize() + BlocksType::scaleBytes));
}

Value addressOfCode(Code &code, Value base, BlocksType type, Value index) {
  Value scales = addInt(code, timesInt(code, blockOf(code, type, index), BlocksType::scaleBytes), BlocksType::scaleBytes);
  return code.byteAddress(base, arith::AddIOp::create(code, index, scales));
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

/// v(u) times the scale. The scale is one for all lanes, or one for each.
static Value decode(Code &code, Value codes, Value scale) {
  Type i32 = withElement(codes, code.getI32Type()), f32 = withElement(codes, code.getF32Type());
  auto spread = [&](Value x) { return isa<VectorType>(i32) ? code.splat(x) : x; };
  bool isEach = isa<VectorType>(scale.getType());
  auto choose = [&](Value c, Value a, Value b) { return isEach ? arith::SelectOp::create(code, c, code.splat(a), code.splat(b)).getResult() : spread(code.select(c, a, b)); };
  Value scaleBits = bitsOf(code, scale);
  Value hasNoSign = arith::CmpIOp::create(code, IPredicate::slt, scaleBits, code.integer(scaleBits.getType(), 0));
  Value size = spread(floatOf(code, andInt(code, scaleBits, magnitudeBits)));
  Value wide = arith::ExtUIOp::create(code, i32, codes);
  Value magnitude = andInt(code, wide, choose(hasNoSign, code.i32(0xff), code.i32(0x7f)));
  Value sign = shiftLeft(code, andInt(code, wide, choose(hasNoSign, code.i32(0), code.i32(0x80))), 24);
  // u = 2^f m, and 8^(f - 7) (7 m - 6): all of it is exact.
  Value u = addFloat(code, arith::SIToFPOp::create(code, f32, magnitude), 1);
  Type number = code.getF32Type();
  u = arith::MulFOp::create(code, u, choose(hasNoSign, code.number(number, 0.5), code.number(number, 1)));
  Value bits = bitsOf(code, u);
  Value m = floatOf(code, arith::OrIOp::create(code, andInt(code, bits, 0x7fffff), code.integer(i32, 0x3f800000)));
  Value exponent = addInt(code, timesInt(code, shiftRight(code, bits, mantissaBits), 3), 127 - 3 * (127 + 7));
  Value value = arith::MulFOp::create(code, addFloat(code, timesFloat(code, m, 7), -6), floatOf(code, shiftLeft(code, exponent, mantissaBits)));
  Value isZero = arith::CmpIOp::create(code, IPredicate::eq, magnitude, code.integer(i32, 0));
  value = arith::SelectOp::create(code, isZero, code.number(f32, 0), value);
  value = floatOf(code, arith::OrIOp::create(code, bitsOf(code, value), sign));
  return arith::MulFOp::create(code, value, size);
}

static Value loadScale(Code &code, Value base, BlocksType type, Value index) {
  auto load = LLVM::LoadOp::create(code, code.getF32Type(), addressOfScale(code, base, type, index), BlocksType::scaleBytes);
  load->setAttr(servesAttribute, code.getI64IntegerAttr(type.getSize()));
  return load;
}

Value loadFromBlock(Code &code, Value base, BlocksType type, Value index) {
  Value number = LLVM::LoadOp::create(code, code.getI8Type(), addressOfCode(code, base, type, index), 1);
  return decode(code, number, loadScale(code, base, type, index));
}

Value loadRowFromBlock(Code &code, Value base, BlocksType type, Value index, Value mask) {
  Type bytes = VectorType::get({lanes}, code.getI8Type());
  Value from = addressOfCode(code, base, type, index), codes;
  if (mask)
    codes = LLVM::MaskedLoadOp::create(code, bytes, from, mask, code.number(bytes, 0), 1);
  else
    codes = LLVM::LoadOp::create(code, bytes, from, 1);
  return decode(code, codes, loadScale(code, base, type, index));
}

Value gatherFromBlocks(Code &code, Value base, BlocksType type, Value indices) {
  Type bytes = VectorType::get({lanes}, code.getI8Type()), numbers = VectorType::get({lanes}, code.getF32Type());
  Value all = code.integer(VectorType::get({lanes}, code.getI1Type()), 1);
  Value codes = LLVM::masked_gather::create(code, bytes, addressOfCode(code, base, type, indices), all, ValueRange{code.number(bytes, 0)}, 1);
  auto scales = LLVM::masked_gather::create(code, numbers, addressOfScale(code, base, type, indices), all, ValueRange{code.number(numbers, 0)},
                                            BlocksType::scaleBytes);
  scales->setAttr(servesAttribute, code.getI64IntegerAttr(type.getSize()));
  return decode(code, codes, scales);
}

//===----------------------------------------------------------------------===//
// Encoding
//===----------------------------------------------------------------------===//

namespace {

/// Builds the function that encodes one block: (block, numbers, count).
class EncoderBuilder {
public:
  explicit EncoderBuilder(Code &code) : code(code), i32(code.vecType(code.getI32Type())), f32(code.vecType(code.getF32Type())) {}

  void build(LLVM::LLVMFuncOp function);

private:
  void findLargest();
  void decideForm();
  Value encode(Value bits);
  /// All vectors of the block; a null mask means all lanes.
  SmallVector<Value> overVectors(ValueRange init, function_ref<SmallVector<Value>(Value index, Value mask, ValueRange carried)> step);
  Value loadBits(Value index, Value mask) { return bitsOf(code, code.loadVector(numbers, code.getF32Type(), index, mask)); }

  Code &code;
  Type i32, f32;
  Value block, numbers, count;
  Value largest, largestNegative; ///< magnitudes, as bits
  Value divisor, bound;           ///< what is above `bound` is not 0
  Value hasSign;
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

/// As bits, the magnitudes are in order, and an infinity or NaN is above all numbers.
void EncoderBuilder::findLargest() {
  Value none = code.integer(i32, 0);
  SmallVector<Value> found = overVectors({none, none}, [&](Value index, Value mask, ValueRange carried) {
    Value bits = loadBits(index, mask), magnitude = andInt(code, bits, magnitudeBits);
    Value negative = andInt(code, magnitude, arith::ShRSIOp::create(code, bits, code.integer(i32, 31)));
    return SmallVector<Value>{arith::MaxSIOp::create(code, carried[0], magnitude), arith::MaxSIOp::create(code, carried[1], negative)};
  });
  largest = emitCombineLanes(code, ReductionKind::Max, found[0]);
  largestNegative = emitCombineLanes(code, ReductionKind::Max, found[1]);
}

/// With or without a sign; stores the scale. What has no scale, zeros and what is not finite, is divided by infinity: its codes are 0.
void EncoderBuilder::decideForm() {
  Value scale = floatOf(code, largest), least = timesFloat(code, scale, leastWithSign);
  Value isFinite = code.compare(IPredicate::slt, largest, code.i32(infinityBits));
  Value isProper = arith::AndIOp::create(code, isFinite, code.compare(IPredicate::ne, largest, code.i32(0)));
  hasSign = arith::CmpFOp::create(code, FPredicate::OGT, floatOf(code, largestNegative), least);
  Value infinity = code.number(code.getF32Type(), std::numeric_limits<double>::infinity());
  divisor = code.splat(code.select(isProper, scale, infinity));
  bound = code.splat(code.select(isProper, code.select(hasSign, least, code.number(code.getF32Type(), 0)), infinity));
  Value mark = code.select(hasSign, code.i32(0), code.select(isProper, code.i32(INT32_MIN), code.i32(0)));
  Value stored = code.select(isFinite, arith::OrIOp::create(code, largest, mark), code.i32(0x7fc00000));
  LLVM::StoreOp::create(code, stored, block, BlocksType::scaleBytes);
}

/// The codes of 16 numbers, given as bits.
Value EncoderBuilder::encode(Value bits) {
  Value x = floatOf(code, andInt(code, bits, code.splat(chooseInt(code, hasSign, magnitudeBits, -1))));
  Value y = arith::DivFOp::create(code, x, divisor), least = code.number(f32, leastQuotient);
  y = arith::SelectOp::create(code, arith::CmpFOp::create(code, FPredicate::OGE, y, least), y, least);
  // y = 8^(power - 9) Y: the exponent above 2^-27, divided by 3.
  Value yBits = bitsOf(code, y);
  Value power = shiftRight(code, timesInt(code, addInt(code, shiftRight(code, yBits, mantissaBits), 27 - 127), 11), 5);
  Value ofPower = addInt(code, timesInt(code, power, 3), -27);
  Value Y = floatOf(code, arith::SubIOp::create(code, yBits, shiftLeft(code, ofPower, mantissaBits)));
  Value m = timesFloat(code, addFloat(code, Y, 6), static_cast<double>(1.0f / 7.0f));
  Value exponent = arith::AddIOp::create(code, power, code.splat(chooseInt(code, hasSign, -2, -1)));
  Value u = floatOf(code, arith::AddIOp::create(code, bitsOf(code, m), shiftLeft(code, exponent, mantissaBits)));
  // Added to 2^23 a number is rounded to an integer, which is what its bits then count.
  Value rounded = addInt(code, bitsOf(code, addFloat(code, addFloat(code, u, -1), 0x1p23)), -0x4b000000);
  Value isSome = arith::CmpFOp::create(code, FPredicate::OGT, x, bound);
  rounded = arith::MaxSIOp::create(code, rounded, arith::ExtUIOp::create(code, i32, isSome));
  Value sign = andInt(code, shiftRight(code, bits, 24), code.splat(chooseInt(code, hasSign, 0x80, 0)));
  Value isZero = arith::CmpIOp::create(code, IPredicate::eq, rounded, code.integer(i32, 0));
  Value all = arith::SelectOp::create(code, isZero, rounded, arith::OrIOp::create(code, rounded, sign));
  return arith::TruncIOp::create(code, code.vecType(code.getI8Type()), all);
}

void EncoderBuilder::build(LLVM::LLVMFuncOp function) {
  block = function.getArgument(0);
  numbers = function.getArgument(1);
  count = function.getArgument(2);
  findLargest();
  decideForm();
  Value codes = code.byteAddress(block, BlocksType::scaleBytes);
  overVectors({}, [&](Value index, Value mask, ValueRange) {
    code.storeVector(codes, code.getI8Type(), index, encode(loadBits(index, mask)), mask);
    return SmallVector<Value>();
  });
  LLVM::ReturnOp::create(code, ValueRange());
}

/// One function of a module encodes the blocks of all its kernels.
static LLVM::LLVMFuncOp getEncoder(Code &code) {
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

void emitEncode(Code &code, BlocksType type, Value base, Value numbers, Value begin, Value end) {
  LLVM::LLVMFuncOp encoder = getEncoder(code);
  code.loop(begin, end, type.getSize(), {}, [&](Value first, ValueRange) {
    Value count = code.min(code.i64(type.getSize()), code.sub(end, first));
    Value from = code.address(numbers, code.getF32Type(), code.sub(first, begin));
    LLVM::CallOp::create(code, encoder, ValueRange{addressOfScale(code, base, type, first), from, count});
    return SmallVector<Value>();
  });
}

} // namespace gradus
