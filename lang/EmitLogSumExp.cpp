//===- EmitLogSumExp.cpp - cumlogsumexp ------------------------------------------===//
//
// y[k] = ln(e^x[0] + .. + e^x[k]) as a recurrence: y[k] = ln(e^y[k - 1] + e^x[k]), in which the larger one stands before the logarithm,
// so that nothing overflows and nothing is lost. Its derivative is a linear recurrence the other way, written out.
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

namespace {

/// The recurrence along the leading axis, with its derivative.
class CumulatedLogSumExp {
public:
  CumulatedLogSumExp(Algebra &algebra, Value x, bool isReverse, Location at)
      : e(algebra), isReverse(isReverse), at(at), from(Algebra::typeOf(x)),
        carried(ArrayType::get(e.builder.getContext(), from.getShape().drop_front(), e.elementOf(Kind::Float, from.getRank() - 1))),
        type(ArrayType::get(from.getShape(), carried.getElementType())) {}

  Value emit(Value x) {
    auto op = CustomOp::create(e.builder, e.place(at), mlir::TypeRange(type), mlir::ValueRange(x));
    op->setAttr("names", e.builder.getStrArrayAttr({"cumlogsumexp", "x"})); // for `gradus check`: it is no inner problem
    e.fillWith(op.getBody(), {from}, at, [&](mlir::Block &block) { return cumulate(block.getArgument(0)); });
    e.fillWith(op.getDerivative(), {from, type, type}, at,
               [&](mlir::Block &block) { return derive(block.getArgument(0), block.getArgument(1), block.getArgument(2)); });
    return op.getYs().front();
  }

private:
  /// A scan of `xs` from an array of the number `first`.
  Value scan(llvm::ArrayRef<Value> xs, double first, bool runsBack, llvm::function_ref<Value(mlir::Block &)> value) {
    Value init = e.broadcastTo(e.castTo(e.number(first, at).lanes.front(), carried.getElementType(), at), {}, carried.getShape(), at);
    auto op = ScanOp::create(e.builder, e.place(at), mlir::TypeRange(type), xs, init, runsBack);
    SmallVector<mlir::Type> types(xs.size() + 2, carried);
    types[0] = ArrayType::scalar(e.builder.getI64Type());
    e.fillWith(op.getBody(), types, at, value);
    return op.getYs().front();
  }

  Value cumulate(Value x) {
    return scan(x, -std::numeric_limits<double>::infinity(), isReverse,
                [&](mlir::Block &block) { return e.logAddExp({{block.getArgument(2)}}, {{block.getArgument(1)}}, at).lanes.front(); });
  }

  /// y of the step after each; of the last one its own.
  Value following(Value y) {
    ArrayType numbers = type.withElement(e.builder.getI64Type());
    auto count = [&](size_t axis) -> Array { return {{IotaOp::create(e.builder, e.place(at), numbers, e.builder.getI64IntegerAttr(axis))}}; };
    Array one = e.integer(1, at), last = e.sub(Array{{e.sizeOf(type.getShape()[0], at)}}, one, at);
    Array next = isReverse ? e.binary<MaxOp>(e.sub(count(0), one, at), e.integer(0, at), at) : e.binary<MinOp>(e.add(count(0), one, at), last, at);
    SmallVector<Value> places{next.lanes.front()};
    for (int64_t axis = 1; axis < type.getRank(); ++axis)
      places.push_back(count(axis).lanes.front());
    return GatherOp::create(e.builder, e.place(at), type, y, places, /*in_bounds=*/true);
  }

  /// dx[k] = e^(x[k] - y[k]) a[k] with a[k] = dy[k] + e^(y[k] - y[k + 1]) a[k + 1]: no exponent is above 0. An element -inf weighs nothing.
  Value derive(Value x, Value y, Value dy) {
    Array all{{y}}, next{{following(y)}}, zero = e.integer(0, at), element{{e.castTo(x, type.getElementType(), at)}};
    Array isSame = e.compare(ComparePredicate::Eq, all, next, at); // also of infinities
    Array rest = e.unary<ExpOp>(e.select(isSame, zero, e.sub(all, next, at), at), at);
    Value a = scan({rest.lanes.front(), dy}, 0.0, !isReverse, [&](mlir::Block &block) {
      Value behind = MulOp::create(e.builder, e.place(at), block.getArgument(1), block.getArgument(3));
      return AddOp::create(e.builder, e.place(at), block.getArgument(2), behind).getResult();
    });
    Array isNone = e.compare(ComparePredicate::Eq, element, e.number(-std::numeric_limits<double>::infinity(), at), at);
    Array weight = e.select(isNone, zero, e.unary<ExpOp>(e.sub(element, all, at), at), at);
    return e.castTo(e.mul({{a}}, weight, at).lanes.front(), from.getElementType(), at);
  }

  Algebra &e;
  bool isReverse;
  Location at;
  ArrayType from, carried, type;
};

} // namespace

/// One array: the axis is brought to the front.
Value Elaborator::cumLogSumExp(Value x, int64_t axis, bool isReverse, Location at) {
  ArrayType type = typeOf(x);
  SmallVector<int64_t> order{axis}, inverse(type.getRank());
  for (int64_t k = 0; k < type.getRank(); ++k)
    if (k != axis)
      order.push_back(k);
  for (auto [k, from] : llvm::enumerate(order))
    inverse[from] = k;
  Value front = transposed(x, order, at);
  return transposed(castTo(CumulatedLogSumExp(*this, front, isReverse, at).emit(front), type.getElementType(), at), inverse, at);
}

/// cumlogsumexp[axis = 1, reverse](x), cumlogsumexp[k](x[i, k]).
Entity Elaborator::callCumLogSumExp(const CallSite &site) {
  if (!expectArguments(site, 1, 1))
    return {};
  std::optional<Ordered> ordered = readOrdered(site, /*mayTakeAll=*/false);
  if (!ordered)
    return {};
  Array x = toKind(ordered->x, Kind::Float, site.at);
  Array sums = perLane({x}, x.axes, [&](llvm::ArrayRef<Value> v) { return cumLogSumExp(v[0], ordered->axis, ordered->isFlagged, site.at); });
  return finishOrdered(*ordered, sums, site.at);
}
