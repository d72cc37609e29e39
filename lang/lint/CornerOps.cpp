//===- CornerOps.cpp - Single operations on what is known ------------------===//

#include "lang/lint/Corner.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace gradus;
using namespace gradus::lint;
using llvm::ArrayRef;
using llvm::isa;

Known lint::join(const Known &a, const Known &b) {
  Known both;
  both.isNonNegative = a.isNonNegative && b.isNonNegative;
  if (a.extent == Known::Nothing || b.extent == Known::Nothing || a.value != b.value)
    return both;
  both.extent = std::min(a.extent, b.extent);
  both.value = a.value;
  return both;
}

/// f of what is known, or nothing but the sign.
static Known map(const Known &x, double (*f)(double), bool isNonNegative) {
  Known y;
  y.isNonNegative = isNonNegative;
  double value = x.extent == Known::Nothing ? NAN : f(x.value);
  if (std::isnan(value)) // outside of the domain nothing is said
    return y;
  y.extent = x.extent;
  y.value = value;
  return y;
}

static double signOf(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }
static double softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

/// Functions of one element; nothing for all other operations.
static std::optional<Known> unary(mlir::Operation &op, const Known &x) {
  return llvm::TypeSwitch<mlir::Operation *, std::optional<Known>>(&op)
      .Case<AbsOp>([&](auto) { return map(x, std::fabs, true); })
      .Case<AcosOp>([&](auto) { return map(x, std::acos, true); })
      .Case<AcoshOp>([&](auto) { return map(x, std::acosh, true); })
      .Case<AsinOp>([&](auto) { return map(x, std::asin, x.isNonNegative); })
      .Case<AsinhOp>([&](auto) { return map(x, std::asinh, x.isNonNegative); })
      .Case<AtanOp>([&](auto) { return map(x, std::atan, x.isNonNegative); })
      .Case<AtanhOp>([&](auto) { return map(x, std::atanh, x.isNonNegative); })
      .Case<CbrtOp>([&](auto) { return map(x, std::cbrt, x.isNonNegative); })
      .Case<CeilOp>([&](auto) { return map(x, std::ceil, x.isNonNegative); })
      .Case<CosOp>([&](auto) { return map(x, std::cos, false); })
      .Case<CoshOp>([&](auto) { return map(x, std::cosh, true); })
      .Case<ErfOp>([&](auto) { return map(x, std::erf, x.isNonNegative); })
      .Case<ErfcOp>([&](auto) { return map(x, std::erfc, true); })
      .Case<ExpOp>([&](auto) { return map(x, std::exp, true); })
      .Case<Exp2Op>([&](auto) { return map(x, std::exp2, true); })
      .Case<Expm1Op>([&](auto) { return map(x, std::expm1, x.isNonNegative); })
      .Case<FloorOp>([&](auto) { return map(x, std::floor, x.isNonNegative); })
      .Case<Log10Op>([&](auto) { return map(x, std::log10, false); })
      .Case<Log1pOp>([&](auto) { return map(x, std::log1p, x.isNonNegative); })
      .Case<Log2Op>([&](auto) { return map(x, std::log2, false); })
      .Case<LogOp>([&](auto) { return map(x, std::log, false); })
      .Case<NegOp>([&](auto) { return map(x, [](double v) { return v == 0 ? 0 : -v; }, false); })
      .Case<NotOp>([&](auto) { return map(x, [](double v) { return v == 0 ? 1.0 : 0.0; }, true); })
      .Case<RoundOp>([&](auto) { return map(x, std::nearbyint, x.isNonNegative); })
      .Case<SigmoidOp>([&](auto) { return map(x, [](double v) { return 1 / (1 + std::exp(-v)); }, true); })
      .Case<SignOp>([&](auto) { return map(x, signOf, x.isNonNegative); })
      .Case<SinOp>([&](auto) { return map(x, std::sin, false); })
      .Case<SinhOp>([&](auto) { return map(x, std::sinh, x.isNonNegative); })
      .Case<SoftplusOp>([&](auto) { return map(x, softplus, true); })
      .Case<SqrtOp>([&](auto) { return map(x, std::sqrt, true); })
      .Case<TanOp>([&](auto) { return map(x, std::tan, false); })
      .Case<TanhOp>([&](auto) { return map(x, std::tanh, x.isNonNegative); })
      .Case<TruncOp>([&](auto) { return map(x, std::trunc, x.isNonNegative); })
      .Default([](auto) { return std::nullopt; });
}

/// f of two values of which both are known.
static Known combine(const Known &a, const Known &b, llvm::function_ref<double(double, double)> f, bool isNonNegative) {
  Known y;
  y.isNonNegative = isNonNegative;
  bool isSeparate = a.extent == Known::Some && b.extent == Known::Some; // perhaps other elements
  if (a.extent == Known::Nothing || b.extent == Known::Nothing || isSeparate)
    return y;
  y.value = f(a.value, b.value);
  if (!std::isnan(y.value))
    y.extent = std::min(a.extent, b.extent);
  return y;
}

static Known multiply(mlir::Operation &op, const Known &a, const Known &b) {
  bool isSquare = op.getOperand(0) == op.getOperand(1);
  bool isNonNegative = isSquare || (a.isNonNegative && b.isNonNegative);
  if (isSquare)
    return map(a, [](double v) { return v * v; }, true);
  // 0 times anything finite
  const Known &zero = a.is(0) && a.extent >= b.extent ? a : b;
  const Known &other = &zero == &a ? b : a;
  if (zero.is(0) && !(other.extent != Known::Nothing && std::isinf(other.value))) {
    Known y = zero;
    y.isNonNegative = isNonNegative;
    return y;
  }
  return combine(a, b, [](double x, double y) { return x * y; }, isNonNegative);
}

static Known raise(const Known &x, const Known &n, bool isIntegerPower) {
  bool isEven = isIntegerPower && n.extent == Known::All && std::fmod(n.value, 2) == 0;
  if (n.isAll(0))
    return Known::all(1);
  return combine(x, n, [](double a, double b) { return std::pow(a, b); }, isEven || x.isNonNegative);
}

static Known compare(CompareOp op, const Known &a, const Known &b) {
  if (op.getA() == op.getB() && op.getA().getType().getElementType().isInteger())
    return Known::all(op.getPredicate() == ComparePredicate::Eq || op.getPredicate() == ComparePredicate::Le || op.getPredicate() == ComparePredicate::Ge);
  return combine(a, b, [&](double x, double y) -> double {
    switch (op.getPredicate()) {
    case ComparePredicate::Eq: return x == y;
    case ComparePredicate::Ne: return x != y;
    case ComparePredicate::Lt: return x < y;
    case ComparePredicate::Le: return x <= y;
    case ComparePredicate::Gt: return x > y;
    case ComparePredicate::Ge: return x >= y;
    }
    return NAN;
  }, true);
}

/// One value decides: false of 'and', true of 'or'.
static Known logical(const Known &a, const Known &b, bool isAnd) {
  double decides = isAnd ? 0 : 1;
  if (a.isAll(decides) || b.isAll(decides))
    return Known::all(decides);
  return combine(a, b, [&](double x, double y) -> double { return isAnd ? x && y : x || y; }, true);
}

static Known extreme(const Known &a, const Known &b, bool isMax) {
  bool isNonNegative = isMax ? a.isNonNegative || b.isNonNegative : a.isNonNegative && b.isNonNegative;
  // the least of 0 and what is never below it
  if (!isMax && ((a.isAll(0) && b.isNonNegative) || (b.isAll(0) && a.isNonNegative)))
    return Known::all(0);
  return combine(a, b, [&](double x, double y) { return isMax ? std::max(x, y) : std::min(x, y); }, isNonNegative);
}

Known lint::choose(const Known &condition, const Known &a, const Known &b) {
  if (condition.extent != Known::All)
    return join(a, b);
  Known chosen = condition.value != 0 ? a : b;
  chosen.isNonNegative = a.isNonNegative && b.isNonNegative;
  return chosen;
}

/// Functions of two or three elements.
static std::optional<Known> several(mlir::Operation &op, ArrayRef<Known> x) {
  bool bothNonNegative = x.size() > 1 && x[0].isNonNegative && x[1].isNonNegative;
  return llvm::TypeSwitch<mlir::Operation *, std::optional<Known>>(&op)
      .Case<AddOp>([&](auto) { return combine(x[0], x[1], [](double a, double b) { return a + b; }, bothNonNegative); })
      .Case<AndOp>([&](auto) { return logical(x[0], x[1], true); })
      .Case<CompareOp>([&](CompareOp one) { return compare(one, x[0], x[1]); })
      .Case<DivOp>([&](auto) { return combine(x[0], x[1], [](double a, double b) { return b == 0 ? NAN : a / b; }, bothNonNegative); })
      .Case<HypotOp>([&](auto) { return combine(x[0], x[1], [](double a, double b) { return std::hypot(a, b); }, true); })
      .Case<IntDivOp>([&](auto) { return combine(x[0], x[1], [](double a, double b) { return b == 0 ? 0 : std::floor(a / b); }, bothNonNegative); })
      .Case<IntPowOp>([&](auto) { return raise(x[0], x[1], true); })
      .Case<MaxOp>([&](auto) { return extreme(x[0], x[1], true); })
      .Case<MinOp>([&](auto) { return extreme(x[0], x[1], false); })
      .Case<ModOp>([&](auto) { return combine(x[0], x[1], [](double a, double b) { return b == 0 ? NAN : a - b * std::floor(a / b); }, bothNonNegative); })
      .Case<MulOp>([&](auto) { return multiply(op, x[0], x[1]); })
      .Case<OrOp>([&](auto) { return logical(x[0], x[1], false); })
      .Case<PowOp>([&](auto) { return raise(x[0], x[1], false); })
      .Case<SelectOp>([&](auto) { return choose(x[0], x[1], x[2]); })
      .Case<SubOp>([&](auto) { return combine(x[0], x[1], [](double a, double b) { return a - b; }, false); })
      .Default([](auto) { return std::nullopt; });
}

static Known reduce(ReductionKind kind, const Known &x) {
  bool isMultiplicative = kind == ReductionKind::Prod;
  if (kind == ReductionKind::Sum || isMultiplicative) {
    Known y;
    y.isNonNegative = x.isNonNegative;
    if (x.isAll(0) || (!isMultiplicative && x.isFar()) || (isMultiplicative && (x.is(0) || x.isAll(1)))) { // how many others there are is not known
      y.extent = Known::All;
      y.value = x.value;
    }
    return y;
  }
  Known y = x;
  if (y.extent != Known::All)
    y.extent = Known::Nothing;
  if (kind == ReductionKind::Min && x.is(0) && x.isNonNegative)
    return Known::all(0);
  return y;
}

static Known contract(ContractOp op, const Known &a, const Known &b) {
  Known y;
  if (a.isAll(0) || b.isAll(0) || (a.isFar() && b.isFar())) {
    y.extent = Known::All;
    y.value = a.isFar() && b.isFar() ? a.value * b.value : 0;
  }
  y.isNonNegative = (a.isNonNegative && b.isNonNegative) || (op.getA() == op.getB() && op.getLhs() == op.getRhs());
  return y;
}

/// What moves elements about: all of them stay what they are.
static Known move(ArrayRef<Known> parts, bool keepsAll) {
  Known y = parts.front();
  for (const Known &part : parts.drop_front())
    y = join(y, part);
  if (!keepsAll && y.extent == Known::Some)
    y.extent = Known::Nothing;
  return y;
}

static Known constant(ConstantOp op) {
  auto dense = llvm::dyn_cast<mlir::DenseElementsAttr>(op.getValue());
  Known y;
  if (!dense || !dense.isSplat())
    return y;
  if (auto number = llvm::dyn_cast<mlir::FloatAttr>(dense.getSplatValue<mlir::Attribute>()))
    return Known::all(number.getValueAsDouble());
  if (auto number = llvm::dyn_cast<mlir::IntegerAttr>(dense.getSplatValue<mlir::Attribute>()))
    return Known::all(number.getType().isInteger(1) ? number.getValue().getZExtValue() : number.getValue().getSExtValue());
  return y;
}

Known lint::evaluateOne(mlir::Operation &op, ArrayRef<Known> x) {
  if (op.getNumOperands() == 1)
    if (std::optional<Known> y = unary(op, x[0]))
      return *y;
  if (std::optional<Known> y = several(op, x))
    return *y;
  Known countable; // sizes and indices
  countable.isNonNegative = true;
  return llvm::TypeSwitch<mlir::Operation *, Known>(&op)
      .Case<AllReduceOp>([&](AllReduceOp one) { return reduce(one.getKind(), x[0]); })
      .Case<BroadcastOp, EncodeOp, ReshapeOp, StochasticCastOp, StopOp, TransposeOp>([&](auto) { return x[0]; })
      .Case<CastOp>([&](CastOp one) { return one.getType().getElementType().isInteger() ? map(x[0], std::trunc, x[0].isNonNegative) : x[0]; })
      .Case<ConcatOp>([&](auto) { return move(x, false); })
      .Case<ConstantOp>([&](ConstantOp one) { return constant(one); })
      .Case<ContractOp>([&](ContractOp one) { return contract(one, x[0], x[1]); })
      .Case<CumulateOp>([&](CumulateOp one) { return reduce(one.getKind(), x[0]); })
      .Case<DimOp, IotaOp>([&](auto) { return countable; })
      .Case<ExchangeOp>([&](auto) { return move(x.take_front(), false); })
      .Case<GatherOp>([&](auto) { return move(x.take_front(), false); })
      .Case<NormOp>([&](auto) {
        Known y;
        y.isNonNegative = true;
        return x[0].isAll(0) ? Known::all(0) : y;
      })
      .Case<ReduceOp>([&](ReduceOp one) { return reduce(one.getKind(), x[0]); })
      .Case<ScatterOp>([&](auto) { return move({x.front(), x.back()}, false); })
      .Case<WorkersOp>([&](WorkersOp one) { return reduce(one.getKind(), x[0]); })
      .Default([](auto) { return Known(); });
}
