//===- Fold.cpp - Constant folding and identities that need no new op ----------===//
//
// Floating constants fold in f64 for rank-0 f64 values alone, where the compiled code computes in f64 too; NaN and
// signed zeros are kept, so that no fold changes a bit of the result.
//
//===----------------------------------------------------------------------===//

#include "dialect/Gradus.h"

#include <cmath>

using namespace mlir;
using namespace gradus;

/// The value of a rank-0 f64 constant.
static std::optional<double> asF64(Attribute attr) {
  auto dense = dyn_cast_or_null<DenseElementsAttr>(attr);
  if (!dense || dense.getNumElements() != 1 || !dense.getElementType().isF64() || dense.getType().getRank() != 0)
    return std::nullopt;
  return *dense.getValues<double>().begin();
}
/// The value of a rank-0 i64 constant.
static std::optional<int64_t> asI64(Attribute attr) {
  auto dense = dyn_cast_or_null<DenseElementsAttr>(attr);
  if (!dense || dense.getNumElements() != 1 || !dense.getElementType().isInteger(64) || dense.getType().getRank() != 0)
    return std::nullopt;
  return *dense.getValues<int64_t>().begin();
}
static std::optional<bool> asBool(Attribute attr) {
  auto dense = dyn_cast_or_null<DenseElementsAttr>(attr);
  if (!dense || dense.getNumElements() != 1 || !dense.getElementType().isInteger(1))
    return std::nullopt;
  return *dense.getValues<bool>().begin();
}
static Attribute f64(MLIRContext *context, double value) {
  return DenseElementsAttr::get(RankedTensorType::get({}, Float64Type::get(context)), value);
}
static Attribute i64(MLIRContext *context, int64_t value) {
  return DenseElementsAttr::get(RankedTensorType::get({}, IntegerType::get(context, 64)), value);
}
static Attribute i1(MLIRContext *context, bool value) {
  return DenseElementsAttr::get(RankedTensorType::get({}, IntegerType::get(context, 1)), value);
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValueAttr(); }

//===----------------------------------------------------------------------===//
// Unary. Transcendental functions are left to run time: the compiled code has its own polynomials, and folding by the
// host's libm could differ from them in the last bit.
//===----------------------------------------------------------------------===//

#define FOLD_UNARY_F64(OP, EXPRESSION)                                                                                 \
  OpFoldResult OP::fold(FoldAdaptor adaptor) {                                                                         \
    if (auto x = asF64(adaptor.getX()))                                                                                \
      return f64(getContext(), EXPRESSION);                                                                            \
    return {};                                                                                                         \
  }
FOLD_UNARY_F64(AbsOp, std::fabs(*x))
FOLD_UNARY_F64(CeilOp, std::ceil(*x))
FOLD_UNARY_F64(FloorOp, std::floor(*x))
FOLD_UNARY_F64(RoundOp, std::nearbyint(*x))
FOLD_UNARY_F64(SqrtOp, std::sqrt(*x))
FOLD_UNARY_F64(SignOp, std::isnan(*x) ? *x : double((*x > 0) - (*x < 0)))
FOLD_UNARY_F64(TruncOp, std::trunc(*x))
#undef FOLD_UNARY_F64

#define NO_FOLD(OP)                                                                                                    \
  OpFoldResult OP::fold(FoldAdaptor) { return {}; }
NO_FOLD(AcoshOp)
NO_FOLD(AcosOp)
NO_FOLD(AsinhOp)
NO_FOLD(AsinOp)
NO_FOLD(Atan2Op)
NO_FOLD(AtanhOp)
NO_FOLD(AtanOp)
NO_FOLD(CbrtOp)
NO_FOLD(CoshOp)
NO_FOLD(CosOp)
NO_FOLD(DigammaOp)
NO_FOLD(ErfcOp)
NO_FOLD(ErfOp)
NO_FOLD(Exp2Op)
NO_FOLD(Expm1Op)
NO_FOLD(ExpOp)
NO_FOLD(HypotOp)
NO_FOLD(LambertWOp)
NO_FOLD(LGammaOp)
NO_FOLD(Log10Op)
NO_FOLD(Log1pOp)
NO_FOLD(Log2Op)
NO_FOLD(LogOp)
NO_FOLD(NormalCdfOp)
NO_FOLD(NormalQuantileOp)
NO_FOLD(PowOp)
NO_FOLD(SigmoidOp)
NO_FOLD(SinhOp)
NO_FOLD(SinOp)
NO_FOLD(SoftplusOp)
NO_FOLD(TanhOp)
NO_FOLD(TanOp)
NO_FOLD(TrigammaOp)
NO_FOLD(XorOp)
#undef NO_FOLD

OpFoldResult NegOp::fold(FoldAdaptor adaptor) {
  if (auto inner = getX().getDefiningOp<NegOp>()) // -(-x) -> x
    return inner.getX();
  if (auto x = asF64(adaptor.getX()))
    return f64(getContext(), -*x);
  if (auto x = asI64(adaptor.getX()))
    return i64(getContext(), static_cast<int64_t>(0 - static_cast<uint64_t>(*x)));
  return {};
}

OpFoldResult NotOp::fold(FoldAdaptor adaptor) {
  if (auto inner = getX().getDefiningOp<NotOp>()) // not not x -> x
    return inner.getX();
  if (auto x = asBool(adaptor.getX()); x && cast<ArrayType>(getType()).isScalar())
    return i1(getContext(), !*x);
  return {};
}

//===----------------------------------------------------------------------===//
// Binary
//===----------------------------------------------------------------------===//

template <typename Op, typename Float, typename Int>
static OpFoldResult foldBinary(Op op, Attribute a, Attribute b, Float onFloat, Int onInt) {
  if (auto x = asF64(a), y = asF64(b); x && y)
    return f64(op.getContext(), onFloat(*x, *y));
  if (auto x = asI64(a), y = asI64(b); x && y)
    return i64(op.getContext(), onInt(*x, *y));
  return {};
}

OpFoldResult AddOp::fold(FoldAdaptor adaptor) {
  return foldBinary(*this, adaptor.getA(), adaptor.getB(), [](double a, double b) { return a + b; },
                    [](uint64_t a, uint64_t b) { return a + b; });
}
OpFoldResult SubOp::fold(FoldAdaptor adaptor) {
  return foldBinary(*this, adaptor.getA(), adaptor.getB(), [](double a, double b) { return a - b; },
                    [](uint64_t a, uint64_t b) { return a - b; });
}
OpFoldResult MulOp::fold(FoldAdaptor adaptor) {
  if (asF64(adaptor.getB()) == 1.0 || asI64(adaptor.getB()) == 1) // x * 1 -> x, exact for every x
    return getA();
  return foldBinary(*this, adaptor.getA(), adaptor.getB(), [](double a, double b) { return a * b; },
                    [](uint64_t a, uint64_t b) { return a * b; });
}
OpFoldResult DivOp::fold(FoldAdaptor adaptor) {
  if (asF64(adaptor.getB()) == 1.0) // x / 1 -> x
    return getA();
  if (auto a = asF64(adaptor.getA()), b = asF64(adaptor.getB()); a && b)
    return f64(getContext(), *a / *b);
  return {};
}
OpFoldResult MaxOp::fold(FoldAdaptor adaptor) {
  if (getA() == getB())
    return getA();
  return foldBinary(*this, adaptor.getA(), adaptor.getB(),
                    [](double a, double b) { return std::isnan(a) || a >= b ? a : b; },
                    [](int64_t a, int64_t b) { return std::max(a, b); });
}
OpFoldResult MinOp::fold(FoldAdaptor adaptor) {
  if (getA() == getB())
    return getA();
  return foldBinary(*this, adaptor.getA(), adaptor.getB(),
                    [](double a, double b) { return std::isnan(a) || a <= b ? a : b; },
                    [](int64_t a, int64_t b) { return std::min(a, b); });
}

/// floor(a / b), 0 where b = 0, wrapping for the least a and b = -1.
static int64_t floorDiv(int64_t a, int64_t b) {
  if (b == 0)
    return 0;
  if (b == -1)
    return static_cast<int64_t>(0 - static_cast<uint64_t>(a));
  return a / b - ((a % b != 0) && ((a < 0) != (b < 0)));
}
OpFoldResult IntDivOp::fold(FoldAdaptor adaptor) {
  if (auto a = asI64(adaptor.getA()), b = asI64(adaptor.getB()); a && b)
    return i64(getContext(), floorDiv(*a, *b));
  return {};
}
OpFoldResult ModOp::fold(FoldAdaptor adaptor) {
  if (auto a = asI64(adaptor.getA()), b = asI64(adaptor.getB()); a && b)
    return i64(getContext(), *b == 0 ? 0 : *a - static_cast<int64_t>(static_cast<uint64_t>(*b) * floorDiv(*a, *b)));
  return {};
}
OpFoldResult AndOp::fold(FoldAdaptor adaptor) {
  if (getA() == getB())
    return getA();
  if (auto b = asBool(adaptor.getB()))
    return *b ? OpFoldResult(getA()) : cast<ArrayType>(getType()).isScalar() ? OpFoldResult(i1(getContext(), false)) : OpFoldResult();
  return {};
}
OpFoldResult OrOp::fold(FoldAdaptor adaptor) {
  if (getA() == getB())
    return getA();
  if (auto b = asBool(adaptor.getB()))
    return !*b ? OpFoldResult(getA()) : cast<ArrayType>(getType()).isScalar() ? OpFoldResult(i1(getContext(), true)) : OpFoldResult();
  return {};
}

OpFoldResult IntPowOp::fold(FoldAdaptor adaptor) {
  if (asI64(adaptor.getN()) == 1) // x^1 -> x
    return getX();
  return {};
}

OpFoldResult CompareOp::fold(FoldAdaptor adaptor) {
  auto decide = [&](auto a, auto b) -> Attribute {
    switch (getPredicate()) {
    case ComparePredicate::Eq: return i1(getContext(), a == b);
    case ComparePredicate::Ne: return i1(getContext(), a != b);
    case ComparePredicate::Lt: return i1(getContext(), a < b);
    case ComparePredicate::Le: return i1(getContext(), a <= b);
    case ComparePredicate::Gt: return i1(getContext(), a > b);
    case ComparePredicate::Ge: return i1(getContext(), a >= b);
    }
    return {};
  };
  if (auto a = asF64(adaptor.getA()), b = asF64(adaptor.getB()); a && b)
    return decide(*a, *b);
  if (auto a = asI64(adaptor.getA()), b = asI64(adaptor.getB()); a && b)
    return decide(*a, *b);
  return {};
}

OpFoldResult SelectOp::fold(FoldAdaptor adaptor) {
  if (getA() == getB())
    return getA();
  if (auto c = asBool(adaptor.getC())) // a constant of rank 0, or a splat of one element
    return *c ? getA() : getB();
  return {};
}

OpFoldResult CastOp::fold(FoldAdaptor adaptor) {
  if (getX().getType() == getY().getType())
    return getX();
  auto to = cast<ArrayType>(getType());
  if (auto x = asI64(adaptor.getX()); x && to.getElementType().isF64())
    return f64(getContext(), static_cast<double>(*x));
  return {};
}

//===----------------------------------------------------------------------===//
// Shapes and reductions
//===----------------------------------------------------------------------===//

OpFoldResult BroadcastOp::fold(FoldAdaptor) { return getX().getType() == getType() ? getX() : OpFoldResult(); }

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getX().getType() == getType())
    return getX();
  if (auto inner = getX().getDefiningOp<ReshapeOp>(); inner && inner.getX().getType() == getType())
    return inner.getX(); // reshape(reshape(x)) -> x where the types agree
  return {};
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  ArrayRef<int64_t> outer = getPermutation();
  if (llvm::is_sorted(outer)) // the identity
    return getX();
  auto inner = getX().getDefiningOp<TransposeOp>();
  if (!inner)
    return {};
  for (auto [k, axis] : llvm::enumerate(outer))
    if (inner.getPermutation()[axis] != static_cast<int64_t>(k))
      return {};
  return inner.getX(); // a permutation and its inverse
}

OpFoldResult ReduceOp::fold(FoldAdaptor) { return getAxes().empty() && getX().getType() == getType() ? getX() : OpFoldResult(); }
