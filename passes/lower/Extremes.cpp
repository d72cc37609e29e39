//===- Extremes.cpp - The largest and smallest numbers of a row -------------------===//
//
// The largest number is the same in any order, so several accumulators take it that do not wait for one another. A maximum that keeps every NaN and tells +0 from -0
// is five instructions, a comparison and a choice are one. So the loop compares and chooses, and looks whether there was a NaN. Where there was, or where the result is a
// zero whose sign counts, the row is done once more by the loop that follows, which takes care of both.
//
//===----------------------------------------------------------------------------===//

#include "passes/fuse/Cost.h"
#include "passes/lower/Body.h"

using namespace mlir;

namespace gradus {

static bool isExtreme(ReductionKind kind) { return kind == ReductionKind::Max || kind == ReductionKind::Min; }

/// Whether all that a kernel computes are largest and smallest numbers of what is quickly computed.
bool BodyEmitter::hasQuickExtremes() const {
  constexpr int64_t lightest = 8;
  int64_t weight = 0;
  KernelOp kernel = info.kernel;
  for (Operation &op : kernel.getBody().front())
    weight += getFlopWeight(&op);
  return !info.isCheck() && weight <= lightest && info.stores.empty() && info.encodes.empty() && !info.reductions.empty() &&
         llvm::all_of(info.reductions, [](const Reduction &reduction) { return isExtreme(reduction.kind); });
}

static Value compareFloats(CodeBuilder &code, arith::CmpFPredicate predicate, Value a, Value b) { return arith::CmpFOp::create(code, predicate, a, b); }

/// Whether a lane of a vector of conditions is true.
static Value emitAnyLane(CodeBuilder &code, Value conditions) {
  Value bits = LLVM::BitcastOp::create(code, code.getIntegerType(lanes), conditions);
  return code.compare(arith::CmpIPredicate::ne, bits, code.integer(bits.getType(), 0));
}

/// What lies above a number in the order of an extreme: for the smallest, what is less.
static Value emitIsMore(CodeBuilder &code, ReductionKind kind, Value a, Value b) {
  return compareFloats(code, kind == ReductionKind::Max ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT, a, b);
}

/// Whether the extreme of all lanes may be a zero.
static Value emitIsZero(CodeBuilder &code, ReductionKind kind, Value met) {
  Value zero = code.number(met.getType(), 0);
  Value hasZero = emitAnyLane(code, compareFloats(code, arith::CmpFPredicate::OEQ, met, zero)), hasMore = emitAnyLane(code, emitIsMore(code, kind, met, zero));
  return code.select(hasMore, code.number(code.getI1Type(), 0), hasZero);
}

/// Whole vectors from `low` on: where that ends, and what the accumulators have met. That is at `low`, and nothing, where it has to be done with more care.
std::pair<Value, SmallVector<Value>> BodyEmitter::emitExtremes(Value low, Value high, ValueRange carried, function_ref<Point(Value)> pointAt) {
  constexpr size_t together = 4;
  Value end = code.add(low, arith::AndIOp::create(code, code.sub(high, low), code.i64(-int64_t(together) * lanes)));
  size_t count = carried.size();
  auto isFloat = [&](size_t i) { return isa<FloatType>(info.reductions[i].accumulate); };
  SmallVector<Value> init;
  for (size_t i = 0; i < count; ++i) {
    init.append(together, carried[i]);
    // Lanes as wide as the numbers, so that it stays in the form in which vectors are compared.
    unsigned width = code.regType(info.reductions[i].accumulate).getIntOrFloatBitWidth();
    init.push_back(code.integer(code.vecType(code.getIntegerType(width)), 0));
  }
  constexpr size_t stride = together + 1;
  scf::ForOp loop = code.loop(low, end, together * lanes, init, [&](Value index, ValueRange values) {
    SmallVector<Value> next(values);
    SmallVector<SmallVector<Value>> met(count);
    evaluator.startInner(index.getParentBlock()->getParentOp(), {});
    for (size_t k = 0; k < together; ++k) {
      Point point = pointAt(code.add(index, code.i64(int64_t(k) * lanes)));
      for (auto [i, reduction] : llvm::enumerate(info.reductions)) {
        Value value = emitCast(code, evaluator.evaluateVector(reduction.op->getOperand(0), point), reduction.element, reduction.accumulate);
        Value &best = next[i * stride + k];
        if (!isFloat(i)) {
          best = emitCombine(code, reduction.kind, best, value);
          continue;
        }
        best = arith::SelectOp::create(code, emitIsMore(code, reduction.kind, value, best), value, best);
        met[i].push_back(value);
      }
    }
    for (auto [i, numbers] : llvm::enumerate(met))
      for (size_t k = 0; k < numbers.size(); k += 2) {
        Value &hadNan = next[i * stride + together];
        Value isNan = compareFloats(code, arith::CmpFPredicate::UNO, numbers[k], numbers[k + 1]); // either
        hadNan = arith::OrIOp::create(code, hadNan, arith::ExtSIOp::create(code, hadNan.getType(), isNan));
      }
    return next;
  });
  evaluator.endRow();
  SmallVector<Value> met;
  Value again = code.number(code.getI1Type(), 0);
  for (size_t i = 0; i < count; ++i) {
    ValueRange own = loop.getResults().slice(i * stride, stride);
    Value value = own[0];
    for (size_t k = 1; k < together; ++k)
      value = emitCombine(code, kindOf(i), value, own[k]);
    met.push_back(value);
    if (!isFloat(i))
      continue;
    Value hadNan = emitAnyLane(code, code.compare(arith::CmpIPredicate::ne, own[together], code.integer(own[together].getType(), 0)));
    again = arith::OrIOp::create(code, again, arith::OrIOp::create(code, hadNan, emitIsZero(code, kindOf(i), value)));
  }
  for (auto [value, before] : llvm::zip_equal(met, carried))
    value = code.select(again, before, value);
  return {code.select(again, low, end), met};
}

} // namespace gradus
