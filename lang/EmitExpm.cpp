//===- EmitExpm.cpp - The exponential of a matrix ---------------------------------===//
//
// e^A: A is halved until it is small, then a Pade approximant of degree 13 is squared as often (Higham, 2005).
//
// The derivative of e^A in the direction E is a block of the exponential of a matrix twice as large (Van Loan, 1978), and its transpose is the
// derivative at A^T:
//
//   exp [[A, E], [0, A]] = [[e^A, L(A, E)], [0, e^A]],   <dY, L(A, E)> = <L(A^T, dY), E>,   so that dA = L(A^T, dY).
//
// So the derivative of a derivative is one of the same kind. How often a matrix is halved is told by its numbers, no size bounds it; a derivative
// that went through the squarings would have to keep them all.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

#include <array>
#include <cmath>

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Attribute;
using mlir::Value;

/// How many derivatives of derivatives there are; each is of a matrix twice as large.
static constexpr int mostOrders = 4;

/// The exponential of one value, whose last two axes are matrices.
class Elaborator::MatrixExponential {
public:
  MatrixExponential(Elaborator &elaborator, Location at) : e(elaborator), at(at) {}

  Value emit(Value a, int derivatives = mostOrders) {
    ArrayType type = typeOf(a);
    auto op = CustomOp::create(e.builder, e.place(at), mlir::TypeRange(type), mlir::ValueRange(a));
    op->setAttr("exact", e.builder.getUnitAttr()); // the derivative is that of the body
    if (derivatives == 0)
      op->setAttr("implicit", e.builder.getStringAttr("'expm' beyond its derivative of order " + std::to_string(mostOrders)));
    e.fillWith(op.getBody(), {type}, at, [&](mlir::Block &block) { return compose({{block.getArgument(0)}}); });
    e.fillWith(op.getDerivative(), {type, type, type}, at, [&](mlir::Block &block) {
      Value dy = block.getArgument(2);
      return derivatives == 0 ? dy : derive(block.getArgument(0), dy, derivatives - 1);
    });
    return op.getYs().front();
  }

private:
  Array multiply(const Array &a, const Array &b) { return e.multiply(a, b, false, at); }
  Array times(double factor, const Array &x) { return e.mul(e.number(factor, at), x, at); }
  Array largestOf(const Array &x) { return e.reduce(ReductionKind::Max, x, llvm::to_vector(llvm::seq<int64_t>(0, typeOf(x.lanes.front()).getRank())), at); }

  /// The Pade approximant of degree 13, for matrices of norm 5.4 or less.
  Array approximate(const Array &a) {
    // Divided by the last one, so that they are powers of A over something like factorials.
    constexpr std::array<double, 14> whole{64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000,
                                           10559470521600,    670442572800,      33522128640,      1323241920,       40840800,
                                           960960,            16380,             182,              1};
    Array a2 = multiply(a, a), a4 = multiply(a2, a2), a6 = multiply(a4, a2), one = e.identityLike(a, at);
    auto combine = [&](int64_t first) { // c[first] A^6 + c[first - 2] A^4 + c[first - 4] A^2
      Array sum = e.add(times(whole[first] / whole[0], a6), times(whole[first - 2] / whole[0], a4), at);
      return e.add(sum, times(whole[first - 4] / whole[0], a2), at);
    };
    auto side = [&](int64_t high) {
      Array sum = e.add(multiply(a6, combine(high)), combine(high - 6), at);
      return e.add(sum, times(whole[high - 12] / whole[0], one), at);
    };
    Array odd = multiply(a, side(13)), even = side(12);
    return e.emitSolve(MatrixKind::General, false, e.sub(even, odd, at), e.add(even, odd, at), at)[0];
  }

  Value compose(const Array &x) {
    // One number of halvings for all matrices of an array: enough for the largest sum of a column.
    Array norm = largestOf(e.reduce(ReductionKind::Sum, e.unary<AbsOp>(x, at), typeOf(x.lanes.front()).getRank() - 2, at));
    Array halvings = e.unary<CeilOp>(e.unary<Log2Op>(e.mul(norm, e.number(1 / 5.37, at), at), at), at);
    // Of 0 and of what is not finite there is nothing to halve.
    Array isInside = e.logical(true, e.compare(ComparePredicate::Gt, halvings, e.number(0, at), at), e.compare(ComparePredicate::Lt, halvings, e.number(1100, at), at), at);
    halvings = e.select(isInside, halvings, e.number(0, at), at);
    Value count = e.castTo(halvings.lanes.front(), e.builder.getI64Type(), at);
    Value small = approximate(e.mul(x, e.unary<Exp2Op>(e.negate(halvings, at), at), at)).lanes.front();
    auto loop = LoopOp::create(e.builder, e.place(at), mlir::TypeRange(small.getType()), count, small);
    e.fillWith(loop.getBody(), {ArrayType::scalar(e.builder.getI64Type()), small.getType()}, at, [&](mlir::Block &block) {
      Array power{{block.getArgument(1)}};
      return multiply(power, power).lanes.front();
    });
    return loop.getResult(0);
  }

  Value concat(Value a, Value b, int64_t axis) {
    Shape shape(typeOf(a).getShape());
    shape[axis] = (DimExpr::of(shape[axis]) * DimExpr::number(2)).toAttr(e.builder.getContext());
    return ConcatOp::create(e.builder, e.place(at), typeOf(a).withShape(shape), mlir::ValueRange{a, b}, axis);
  }

  /// The block at the upper right of a matrix of two times two.
  Value upperRight(Value x, ArrayType type) {
    SmallVector<Value> places;
    int64_t last = type.getRank() - 1;
    for (int64_t axis = 0; axis < last; ++axis)
      places.push_back(e.counts(type.getShape(), axis, at).lanes.front());
    places.push_back(e.add(e.counts(type.getShape(), last, at), {{e.sizeOf(type.getShape().back(), at)}}, at).lanes.front());
    return GatherOp::create(e.builder, e.place(at), type, x, places, /*in_bounds=*/true);
  }

  /// L(A^T, dY). It is linear in dY, which is brought to the size of 1 by a power of 2, so that the larger matrix is halved as often as A.
  Value derive(Value a, Value dy, int derivatives) {
    ArrayType type = typeOf(a);
    int64_t rank = type.getRank();
    SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    std::swap(permutation[rank - 2], permutation[rank - 1]);
    Array largest = largestOf(e.unary<AbsOp>({{dy}}, at)), one = e.number(1, at), zero = e.number(0, at);
    largest.lanes = {StopOp::create(e.builder, e.place(at), largest.lanes.front())};
    Array isInside = e.logical(true, e.compare(ComparePredicate::Gt, largest, zero, at), e.compare(ComparePredicate::Lt, largest, e.number(INFINITY, at), at), at);
    Array exponent = e.binary<MaxOp>(e.unary<FloorOp>(e.unary<Log2Op>(e.select(isInside, largest, one, at), at), at), e.number(-100, at), at);
    Array scale = e.unary<Exp2Op>(exponent, at);
    Value turned = e.transposed(a, permutation, at), none = e.filled(0, type.getShape(), at).lanes.front();
    Value upper = concat(turned, e.div({{dy}}, scale, at).lanes.front(), rank - 1), lower = concat(none, turned, rank - 1);
    Array found{{upperRight(emit(concat(upper, lower, rank - 2), derivatives), type)}};
    found = e.mul(found, scale, at);
    // Where nothing is asked for the matrix may be as it is.
    Array isNone = e.logical(true, e.compare(ComparePredicate::Eq, largest, zero, at), e.compare(ComparePredicate::Ne, found, found, at), at);
    return e.select(isNone, zero, found, at).lanes.front();
  }

  Elaborator &e;
  Location at;
};

Entity Elaborator::callExpm(const CallSite &site) {
  std::optional<Array> a = onlyMatrix(site, /*isSquare=*/true);
  if (!a)
    return {};
  MatrixExponential exponential(*this, site.at);
  return eachTensor(*a, [&](const Array &x, size_t) -> Array {
    Array y = x;
    y.lanes = {exponential.emit(x.lanes.front())};
    return y;
  });
}
