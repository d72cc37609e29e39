//===- EmitLogSumExp.cpp - cumlogsumexp ------------------------------------------===//
//
// y[k] = ln(e^x[0] + .. + e^x[k]) as a recurrence: y[k] = ln(e^y[k - 1] + e^x[k]), in which the larger one stands before the logarithm,
// so that nothing overflows and nothing is lost. Its derivative is that of the recurrence.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Value;

/// ln(e^a + e^b) = max(a, b) + ln(1 + e^-|a - b|). The branches are written out, so that at a tie both have the derivative 1/2; of equal
/// infinities a has it, as with max, so that what is -inf from the start has none. NaN where either is.
Array Algebra::logAddExp(const Array &a, const Array &b, Location at) {
  Array zero = integer(0, at), d = sub(b, a, at);
  Array isOdd = compare(ComparePredicate::Ne, d, d, at); // NaN, or equal infinities
  d = select(isOdd, zero, d, at);
  Array isBelow = compare(ComparePredicate::Le, d, zero, at);
  Array larger = select(isBelow, a, b, at), rest = unary<SoftplusOp>(select(isBelow, d, negate(d, at), at), at);
  return select(isOdd, binary<MaxOp>(a, b, at), add(larger, rest, at), at);
}

/// One array: a scan along the axis, which is brought to the front.
Value Elaborator::cumLogSumExp(Value x, int64_t axis, bool isReverse, Location at) {
  ArrayType type = typeOf(x);
  SmallVector<int64_t> order{axis}, inverse(type.getRank());
  for (int64_t k = 0; k < type.getRank(); ++k)
    if (k != axis)
      order.push_back(k);
  for (auto [k, from] : llvm::enumerate(order))
    inverse[from] = k;
  Value front = transposed(x, order, at);
  Shape rest(typeOf(front).getShape().drop_front());
  ArrayType carried = ArrayType::get(builder.getContext(), rest, elementOf(Kind::Float, rest.size()));
  Value none = broadcastTo(castTo(number(-std::numeric_limits<double>::infinity(), at).lanes.front(), carried.getElementType(), at), {}, rest, at);
  auto result = ArrayType::get(typeOf(front).getShape(), carried.getElementType());
  auto scan = ScanOp::create(builder, place(at), mlir::TypeRange(result), front, none, isReverse);
  mlir::Block &block = scan.getBody().emplaceBlock();
  block.addArgument(ArrayType::scalar(builder.getI64Type()), place(at));
  Array next{{block.addArgument(carried, place(at))}}, soFar{{block.addArgument(carried, place(at))}};
  {
    mlir::OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&block);
    YieldOp::create(builder, place(at), logAddExp(soFar, next, at).lanes.front());
  }
  return transposed(castTo(scan.getYs().front(), type.getElementType(), at), inverse, at);
}

/// cumlogsumexp[axis = 1, reverse](x), cumlogsumexp[k](x[i, k]).
Entity Elaborator::callCumLogSumExp(const CallSite &site) {
  if (!expectArguments(site, 1, 1))
    return {};
  std::optional<Ordered> ordered = readOrdered(site, /*mayTakeAll=*/false);
  if (!ordered)
    return {};
  Array x = toKind(ordered->x, Kind::Float, site.at);
  return perLane({x}, x.axes, [&](llvm::ArrayRef<Value> v) { return cumLogSumExp(v[0], ordered->axis, ordered->isFlagged, site.at); });
}
