//===- OneHot.cpp - Which place of a row a number asks for -------------------------===//
//
// A comparison of the numbers of an axis with one that is the same for the whole row is true in one place at most. Instead of 64 bits in each lane it takes 32: of how far
// that place lies from a place nearby, where what lies too far to matter is cut off.
//
//===----------------------------------------------------------------------------===//

#include "passes/lower/Evaluate.h"

#include <limits>

using namespace mlir;

namespace gradus {

static Value laneNumbers(CodeBuilder &code) {
  SmallVector<int32_t> numbers = llvm::to_vector(llvm::seq<int32_t>(0, lanes));
  return arith::ConstantOp::create(code, code.getI32VectorAttr(numbers));
}

/// How far the place lies from `begin`, in 32 bits; `most` if it lies before that, or farther.
static Value distance(CodeBuilder &code, Value place, Value begin, int64_t most) {
  Value far = arith::MinUIOp::create(code, code.sub(place, begin), code.i64(most)); // of unsigned numbers what is below 0 is large
  return code.splat(arith::TruncIOp::create(code, code.getI32Type(), far));
}

/// The number that the lanes' own are compared with, and its point; null for what is no such comparison.
std::pair<Value, Point> Evaluator::findOneHot(CompareOp compare, ArrayRef<Index> point) const {
  auto iota = compare.getA().getDefiningOp<IotaOp>();
  if (compare.getPredicate() != ComparePredicate::Eq || !iota || !iota.getType().getElementType().isInteger(64) || isFlat || !point[iota.getAxis()].isLane)
    return {};
  Value same = compare.getB();
  Point from(point);
  while (auto repeated = same.getDefiningOp<BroadcastOp>()) {
    from = mapBroadcast(repeated, from);
    same = repeated.getX();
  }
  if (!isAllUniform(from))
    return {};
  return {same, from};
}

Value Evaluator::emitOneHot(CompareOp compare, ArrayRef<Index> point) {
  auto [number, at] = findOneHot(compare, point);
  if (!number)
    return {};
  Value place = evaluate(number, at);
  int64_t axis = compare.getA().getDefiningOp<IotaOp>().getAxis();
  return code.compare(arith::CmpIPredicate::eq, laneNumbers(code), distance(code, place, point[axis].scalar, lanes));
}

/// Only those over the domain: at its points, a comparison over other axes would ask for numbers outside of their array.
SmallVector<CompareOp> Evaluator::findOneHots(KernelOp kernel, ArrayRef<Attribute> domain, ArrayRef<Index> point) const {
  SmallVector<CompareOp> found;
  for (auto compare : kernel.getBody().front().getOps<CompareOp>())
    if (compare.getType().getShape() == domain && findOneHot(compare, point).first)
      found.push_back(compare);
  return found;
}

void Evaluator::rememberOneHots(ArrayRef<CompareOp> compares, ArrayRef<Index> point, Value low, Value steps) {
  for (CompareOp compare : compares) {
    auto [number, at] = findOneHot(compare, point);
    // The same in each step of the loop, so that a step is one comparison.
    Value place = distance(code, evaluate(number, at), low, std::numeric_limits<int32_t>::max());
    Value wanted = arith::SubIOp::create(code, place, laneNumbers(code));
    remember(compare.getResult(), point, code.compare(arith::CmpIPredicate::eq, wanted, steps));
  }
}

} // namespace gradus
