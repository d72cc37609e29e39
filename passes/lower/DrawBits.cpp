//===- DrawBits.cpp - Blocks of random bits, and 16 of them an element ------------===//
//
// The generator costs more than what stochastic rounding does with its bits, so no product is wasted: before the loop over some hundred elements of a row
// their bits are drawn, in vectors of 8 blocks for 64 elements, and wait on the stack.
//
//===----------------------------------------------------------------------===//

#include "passes/lower/Evaluate.h"
#include "passes/lower/Philox.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace gradus {

static Value shiftDown(CodeBuilder &code, Value x, int64_t by) { return code.createOrFold<arith::ShRUIOp>(x, code.integer(x.getType(), by)); }
static Value keepBits(CodeBuilder &code, Value x, int64_t mask) { return code.createOrFold<arith::AndIOp>(x, code.integer(x.getType(), mask)); }

/// A scalar meets a vector in all its lanes.
static Value meetBits(CodeBuilder &code, Value a, Value b) {
  auto spread = [&](Value x, Value like) {
    auto type = dyn_cast<VectorType>(like.getType());
    return type && !isa<VectorType>(x.getType()) ? vector::BroadcastOp::create(code, type, x).getResult() : x;
  };
  return code.createOrFold<arith::XOrIOp>(spread(a, b), spread(b, a));
}

static constexpr int64_t lowWord = 0xffffffff;

void emitPhilox(CodeBuilder &code, MutableArrayRef<Words> blocks, ArrayRef<Value> keys) {
  auto times = [&](Value x, int64_t factor) { return code.mul(x, code.integer(x.getType(), factor)); };
  auto split = [&](Value key) { return std::pair(keepBits(code, key, lowWord), shiftDown(code, key, 32)); };
  SmallVector<std::pair<Value, Value>> halves = llvm::map_to_vector(keys, split);
  for (int round = 0; round < 10; ++round)
    for (auto [c, key] : llvm::zip_equal(blocks, halves)) {
      Value a = times(c[0], 0xD2511F53), b = times(c[2], 0xCD9E8D57);
      c = {meetBits(code, meetBits(code, key.first, c[1]), shiftDown(code, b, 32)), keepBits(code, b, lowWord),
           meetBits(code, meetBits(code, key.second, c[3]), shiftDown(code, a, 32)), keepBits(code, a, lowWord)};
      key = {keepBits(code, code.add(key.first, code.i64(0x9E3779B9)), lowWord), keepBits(code, code.add(key.second, code.i64(0xBB67AE85)), lowWord)};
    }
}

Words emitPhilox(CodeBuilder &code, Words counter, Value key) {
  emitPhilox(code, MutableArrayRef<Words>(counter), key);
  return counter;
}

//===----------------------------------------------------------------------===//
// 16 bits an element
//===----------------------------------------------------------------------===//

static constexpr int64_t blocksTogether = 8, elementsOfBlock = 8, groupElements = blocksTogether * elementsOfBlock;

/// The two words of 64 bits that a block is.
static std::array<Value, 2> joinWords(CodeBuilder &code, const Words &words) {
  auto pair = [&](Value low, Value high) -> Value {
    return arith::OrIOp::create(code, low, arith::ShLIOp::create(code, high, code.integer(high.getType(), 32)));
  };
  return {pair(words[0], words[1]), pair(words[2], words[3])};
}

SmallVector<DrawOp> Evaluator::findStoredBits(KernelOp kernel) const {
  // Then they are asked for at the points of the domain, and at no others.
  auto isStored = [](Operation *user) { return isa<StochasticCastOp>(user) && llvm::all_of(user->getUsers(), llvm::IsaPred<YieldOp>); };
  SmallVector<DrawOp> draws;
  for (DrawOp draw : kernel.getBody().getOps<DrawOp>()) {
    ArrayType type = draw.getY().getType();
    bool isAtPoints = !type.isScalar() && llvm::equal(type.getShape(), kernel.getDomain()) && llvm::all_of(draw->getUsers(), isStored);
    if (draw.getDistribution() == DrawKind::Bits && drawKeys.contains(draw) && isAtPoints)
      draws.push_back(draw);
  }
  return draws;
}

/// Lane l of a vector has block 0, 4, 1, 5, 2, 6, 3, 7 of a group, so that pairs of words which lie in one 128-bit part of a register make the blocks in order. Two
/// vectors go through the rounds together: the products of one would wait for one another.
void Evaluator::drawAhead(ArrayRef<DrawOp> draws, Value first, Value end, int64_t most) {
  auto type = VectorType::get({blocksTogether}, code.getI64Type());
  const int64_t order[] = {0, 4, 1, 5, 2, 6, 3, 7}, even[] = {0, 8, 2, 10, 4, 12, 6, 14}, odd[] = {1, 9, 3, 11, 5, 13, 7, 15};
  const std::array<ArrayRef<int64_t>, 2> halves = {even, odd};
  int64_t groups = draws.size() == 1 ? 2 : 1, step = groups * groupElements; // of a pass
  Value begin = keepBits(code, first, -groupElements), passes = code.ceilDiv(code.sub(end, begin), step);
  // One pass more than there can be: the last vector that is read may go on behind the end.
  int64_t mostPasses = (most + groupElements + step - 2) / step + 1;
  for (DrawOp draw : draws)
    drawn[draw] = {code.stackSlot(type, 2 * groups * mostPasses), begin};
  Value numbers = arith::ConstantOp::create(code, DenseElementsAttr::get(type, ArrayRef(order))), zero = code.i64(0);
  Value firstBlock = shiftDown(code, begin, 3);
  code.loop(zero, passes, [&](Value pass) {
    Value number = code.mul(pass, code.i64(groups)); // of a group
    Value block = code.add(firstBlock, code.mul(number, code.i64(blocksTogether)));
    SmallVector<Words> words;
    SmallVector<Value> keys;
    for (DrawOp draw : draws)
      for (int64_t k = 0; k < groups; ++k) {
        Value own = code.add(block, code.i64(k * blocksTogether));
        Value low = code.add(vector::BroadcastOp::create(code, type, keepBits(code, own, lowWord)), numbers);
        words.push_back({low, shiftDown(code, own, 32), zero, zero});
        keys.push_back(drawKeys.lookup(draw));
      }
    for (size_t pair = 0; pair < words.size(); pair += 2) {
      size_t count = std::min<size_t>(2, words.size() - pair);
      emitPhilox(code, MutableArrayRef(words).slice(pair, count), ArrayRef(keys).slice(pair, count));
    }
    for (auto [job, own] : llvm::enumerate(words)) {
      auto [front, back] = joinWords(code, own);
      Value place = code.mul(code.add(number, code.i64(static_cast<int64_t>(job) % groups)), code.i64(2));
      Value base = drawn[draws[job / groups]].words;
      for (auto [half, lanesOfHalf] : llvm::enumerate(halves)) {
        Value to = LLVM::GEPOp::create(code, code.ptrType(), type, base, LLVM::GEPArg(code.add(place, code.i64(static_cast<int64_t>(half)))));
        LLVM::StoreOp::create(code, vector::ShuffleOp::create(code, front, back, lanesOfHalf), to, 64);
      }
    }
  });
}

/// Element e has half e % 8 of block e / 8.
Value Evaluator::emitBits(DrawOp draw, ArrayRef<Index> point) {
  Type i16 = code.getIntegerType(16), i32 = code.getI32Type();
  ArrayType type = draw.getY().getType();
  if (auto known = drawn.find(draw); known != drawn.end()) {
    Value element = code.i64(0);
    for (auto [axis, index] : llvm::enumerate(point))
      element = axis == 0 ? index.scalar : code.add(code.mul(element, sizeOf(type.getShape()[axis])), index.scalar);
    Value from = code.address(known->second.words, i16, code.sub(element, known->second.begin));
    Value halves = LLVM::LoadOp::create(code, VectorType::get({lanes}, i16), from, 2);
    return arith::ExtUIOp::create(code, VectorType::get({lanes}, i32), halves);
  }
  Value element = elementNumber(type, point), block = shiftDown(code, element, 3), zero = code.i64(0);
  auto [front, back] = joinWords(code, emitPhilox(code, {keepBits(code, block, lowWord), shiftDown(code, block, 32), zero, zero}, drawKey(draw)));
  Value isBack = code.compare(arith::CmpIPredicate::ne, keepBits(code, element, 4), code.integer(element.getType(), 0));
  Value by = arith::MulIOp::create(code, keepBits(code, element, 3), code.integer(element.getType(), 16));
  Value bits = keepBits(code, arith::ShRUIOp::create(code, code.select(isBack, back, front), by), 0xffff);
  auto vector = dyn_cast<VectorType>(bits.getType());
  return arith::TruncIOp::create(code, vector ? Type(vector.clone(i32)) : i32, bits);
}

} // namespace gradus
