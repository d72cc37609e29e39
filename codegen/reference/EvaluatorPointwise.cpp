//===- EvaluatorPointwise.cpp - Elementwise ops of the reference evaluator -----===//

#include "codegen/reference/Frame.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

namespace {

/// Which op it is, so that the templates below hold a switch and no casts.
enum class Unary {
  Abs,
  Acos,
  Acosh,
  Asin,
  Asinh,
  Atan,
  Atanh,
  Cbrt,
  Ceil,
  Cos,
  Cosh,
  Digamma,
  Erf,
  Erfc,
  Exp,
  Exp2,
  Expm1,
  Floor,
  LambertW,
  LGamma,
  Log,
  Log10,
  Log1p,
  Log2,
  Neg,
  NormalCdf,
  NormalQuantile,
  Not,
  Round,
  Sigmoid,
  Sign,
  Sin,
  Sinh,
  Softplus,
  Sqrt,
  Stop,
  Tan,
  Tanh,
  Trigamma,
  Trunc
};
enum class Binary { Add, Sub, Mul, Div, Atan2, Hypot, Pow, Max, Min, IntDiv, Mod, And, Or, Xor };

} // namespace

static std::optional<Unary> asUnary(Operation *op) {
  return TypeSwitch<Operation *, std::optional<Unary>>(op)
      .Case([](AbsOp) { return Unary::Abs; })
      .Case([](AcosOp) { return Unary::Acos; })
      .Case([](AcoshOp) { return Unary::Acosh; })
      .Case([](AsinOp) { return Unary::Asin; })
      .Case([](AsinhOp) { return Unary::Asinh; })
      .Case([](AtanOp) { return Unary::Atan; })
      .Case([](AtanhOp) { return Unary::Atanh; })
      .Case([](CbrtOp) { return Unary::Cbrt; })
      .Case([](CeilOp) { return Unary::Ceil; })
      .Case([](CosOp) { return Unary::Cos; })
      .Case([](CoshOp) { return Unary::Cosh; })
      .Case([](DigammaOp) { return Unary::Digamma; })
      .Case([](ErfOp) { return Unary::Erf; })
      .Case([](ErfcOp) { return Unary::Erfc; })
      .Case([](ExpOp) { return Unary::Exp; })
      .Case([](Exp2Op) { return Unary::Exp2; })
      .Case([](Expm1Op) { return Unary::Expm1; })
      .Case([](FloorOp) { return Unary::Floor; })
      .Case([](LambertWOp) { return Unary::LambertW; })
      .Case([](LGammaOp) { return Unary::LGamma; })
      .Case([](LogOp) { return Unary::Log; })
      .Case([](Log10Op) { return Unary::Log10; })
      .Case([](Log1pOp) { return Unary::Log1p; })
      .Case([](Log2Op) { return Unary::Log2; })
      .Case([](NegOp) { return Unary::Neg; })
      .Case([](NormalCdfOp) { return Unary::NormalCdf; })
      .Case([](NormalQuantileOp) { return Unary::NormalQuantile; })
      .Case([](NotOp) { return Unary::Not; })
      .Case([](RoundOp) { return Unary::Round; })
      .Case([](SigmoidOp) { return Unary::Sigmoid; })
      .Case([](SignOp) { return Unary::Sign; })
      .Case([](SinOp) { return Unary::Sin; })
      .Case([](SinhOp) { return Unary::Sinh; })
      .Case([](SoftplusOp) { return Unary::Softplus; })
      .Case([](SqrtOp) { return Unary::Sqrt; })
      .Case([](StopOp) { return Unary::Stop; })
      .Case([](TanOp) { return Unary::Tan; })
      .Case([](TanhOp) { return Unary::Tanh; })
      .Case([](TrigammaOp) { return Unary::Trigamma; })
      .Case([](TruncOp) { return Unary::Trunc; })
      .Default([](Operation *) { return std::nullopt; });
}

static std::optional<Binary> asBinary(Operation *op) {
  return TypeSwitch<Operation *, std::optional<Binary>>(op)
      .Case([](AddOp) { return Binary::Add; })
      .Case([](SubOp) { return Binary::Sub; })
      .Case([](MulOp) { return Binary::Mul; })
      .Case([](DivOp) { return Binary::Div; })
      .Case([](Atan2Op) { return Binary::Atan2; })
      .Case([](HypotOp) { return Binary::Hypot; })
      .Case([](PowOp) { return Binary::Pow; })
      .Case([](MaxOp) { return Binary::Max; })
      .Case([](MinOp) { return Binary::Min; })
      .Case([](IntDivOp) { return Binary::IntDiv; })
      .Case([](ModOp) { return Binary::Mod; })
      .Case([](AndOp) { return Binary::And; })
      .Case([](OrOp) { return Binary::Or; })
      .Case([](XorOp) { return Binary::Xor; })
      .Default([](Operation *) { return std::nullopt; });
}

//===----------------------------------------------------------------------===//
// Integers wrap around; an i32 is kept in its range after every op
//===----------------------------------------------------------------------===//

static int64_t wrap(int64_t x, Type element) { return element.isInteger(32) ? static_cast<int32_t>(x) : x; }

static int64_t floorQuotient(int64_t a, int64_t b) {
  if (b == 0)
    return 0;
  if (b == -1) // the least integer has no negative
    return static_cast<int64_t>(0 - static_cast<uint64_t>(a));
  bool isRoundedUp = a % b != 0 && (a < 0) != (b < 0);
  return isRoundedUp ? a / b - 1 : a / b;
}

static int64_t evaluateInt(Unary op, int64_t x) {
  switch (op) {
  case Unary::Abs: return x < 0 ? static_cast<int64_t>(0 - static_cast<uint64_t>(x)) : x;
  case Unary::Neg: return static_cast<int64_t>(0 - static_cast<uint64_t>(x));
  case Unary::Sign: return (x > 0) - (x < 0);
  case Unary::Not: return !x;
  default: return x; // stop; the verifier admits no other
  }
}

static int64_t evaluateInt(Binary op, int64_t a, int64_t b) {
  uint64_t ua = a, ub = b;
  switch (op) {
  case Binary::Add: return ua + ub;
  case Binary::Sub: return ua - ub;
  case Binary::Mul: return ua * ub;
  case Binary::Max: return std::max(a, b);
  case Binary::Min: return std::min(a, b);
  case Binary::IntDiv: return floorQuotient(a, b);
  case Binary::Mod: return b == 0 ? 0 : static_cast<int64_t>(ua - ub * static_cast<uint64_t>(floorQuotient(a, b)));
  case Binary::And: return a & b;
  case Binary::Or: return a | b;
  case Binary::Xor: return a ^ b;
  default: return 0; // div and pow; the verifier admits them for floats only
  }
}

/// x^n; for a negative n the quotient 1 / x^-n, rounded down.
static int64_t intPower(int64_t x, int64_t n) {
  uint64_t power = 1, square = x;
  for (uint64_t e = n < 0 ? 0 - static_cast<uint64_t>(n) : static_cast<uint64_t>(n); e; e >>= 1, square *= square)
    power *= e & 1 ? square : 1;
  return n < 0 ? floorQuotient(1, power) : static_cast<int64_t>(power);
}

template <typename T>
static bool compare(ComparePredicate predicate, T a, T b) {
  switch (predicate) {
  case ComparePredicate::Eq: return a == b;
  case ComparePredicate::Ne: return a != b;
  case ComparePredicate::Lt: return a < b;
  case ComparePredicate::Le: return a <= b;
  case ComparePredicate::Gt: return a > b;
  case ComparePredicate::Ge: return a >= b;
  }
  return false;
}

//===----------------------------------------------------------------------===//
// Reals
//===----------------------------------------------------------------------===//

template <typename S>
static void mapReal(Unary op, const std::vector<S> &x, std::vector<S> &y) {
  auto each = [&](auto f) { std::transform(x.begin(), x.end(), y.begin(), f); };
  using M = Math<S>;
  switch (op) {
  case Unary::Abs: return each([](const S &v) { return M::abs(v); });
  case Unary::Acos: return each([](const S &v) { return M::acos(v); });
  case Unary::Acosh: return each([](const S &v) { return M::acosh(v); });
  case Unary::Asin: return each([](const S &v) { return M::asin(v); });
  case Unary::Asinh: return each([](const S &v) { return M::asinh(v); });
  case Unary::Atan: return each([](const S &v) { return M::atan(v); });
  case Unary::Atanh: return each([](const S &v) { return M::atanh(v); });
  case Unary::Cbrt: return each([](const S &v) { return M::cbrt(v); });
  case Unary::Ceil: return each([](const S &v) { return M::ceil(v); });
  case Unary::Cos: return each([](const S &v) { return M::cos(v); });
  case Unary::Cosh: return each([](const S &v) { return M::cosh(v); });
  case Unary::Digamma: return each([](const S &v) { return M::digamma(v); });
  case Unary::Erf: return each([](const S &v) { return M::erf(v); });
  case Unary::Erfc: return each([](const S &v) { return M::erfc(v); });
  case Unary::Exp: return each([](const S &v) { return M::exp(v); });
  case Unary::Exp2: return each([](const S &v) { return M::exp2(v); });
  case Unary::Expm1: return each([](const S &v) { return M::expm1(v); });
  case Unary::Floor: return each([](const S &v) { return M::floor(v); });
  case Unary::LambertW: return each([](const S &v) { return M::lambertW(v); });
  case Unary::LGamma: return each([](const S &v) { return M::lgamma(v); });
  case Unary::Log: return each([](const S &v) { return M::log(v); });
  case Unary::Log10: return each([](const S &v) { return M::log10(v); });
  case Unary::Log1p: return each([](const S &v) { return M::log1p(v); });
  case Unary::Log2: return each([](const S &v) { return M::log2(v); });
  case Unary::Neg: return each([](const S &v) { return -v; });
  case Unary::NormalCdf: return each([](const S &v) { return M::normalCdf(v); });
  case Unary::NormalQuantile: return each([](const S &v) { return M::normalQuantile(v); });
  case Unary::Round: return each([](const S &v) { return M::round(v); });
  case Unary::Sigmoid: return each([](const S &v) { return M::sigmoid(v); });
  case Unary::Sign: return each([](const S &v) { return M::sign(v); });
  case Unary::Sin: return each([](const S &v) { return M::sin(v); });
  case Unary::Sinh: return each([](const S &v) { return M::sinh(v); });
  case Unary::Softplus: return each([](const S &v) { return M::softplus(v); });
  case Unary::Sqrt: return each([](const S &v) { return M::sqrt(v); });
  case Unary::Stop: return each([](const S &v) { return M::drop(v); });
  case Unary::Tan: return each([](const S &v) { return M::tan(v); });
  case Unary::Tanh: return each([](const S &v) { return M::tanh(v); });
  case Unary::Trigamma: return each([](const S &v) { return M::trigamma(v); });
  case Unary::Trunc: return each([](const S &v) { return M::trunc(v); });
  case Unary::Not: return; // bools only
  }
}

template <typename S>
static void mapReal(Binary op, const std::vector<S> &a, const std::vector<S> &b, std::vector<S> &y) {
  auto each = [&](auto f) { std::transform(a.begin(), a.end(), b.begin(), y.begin(), f); };
  using M = Math<S>;
  switch (op) {
  case Binary::Add: return each([](const S &u, const S &v) { return u + v; });
  case Binary::Sub: return each([](const S &u, const S &v) { return u - v; });
  case Binary::Mul: return each([](const S &u, const S &v) { return u * v; });
  case Binary::Div: return each([](const S &u, const S &v) { return u / v; });
  case Binary::Atan2: return each([](const S &u, const S &v) { return M::atan2(u, v); });
  case Binary::Hypot: return each([](const S &u, const S &v) { return M::hypot(u, v); });
  case Binary::Pow: return each([](const S &u, const S &v) { return M::pow(u, v); });
  case Binary::Max: return each([](const S &u, const S &v) { return M::max(u, v); });
  case Binary::Min: return each([](const S &u, const S &v) { return M::min(u, v); });
  case Binary::Mod: return each([](const S &u, const S &v) { return u - v * M::floor(u / v); });
  case Binary::IntDiv: case Binary::And: case Binary::Or: case Binary::Xor: return; // integers and bools only
  }
}

template <typename S>
bool Frame<S>::evaluateUnary(Operation *op, unsigned slot, Array<S> &y) {
  std::optional<Unary> which = asUnary(op);
  if (!which)
    return false;
  const Array<S> &x = get(op->getOperand(0), slot);
  y = Array<S>::zeros(x.kind, x.shape);
  Type element = arrayType(op->getResult(0)).getElementType();
  // The slope of trigamma is not known: of which op it is the third derivative, the second or the first.
  int derivatives = isa<LGammaOp>(op) ? 3 : isa<DigammaOp>(op) ? 2 : isa<TrigammaOp>(op) ? 1 : Math<S>::order + 1;
  if (Math<S>::order >= derivatives && llvm::any_of(x.reals, Math<S>::moves))
    session.implicit = op;
  if (x.kind == Kind::Real)
    mapReal(*which, x.reals, y.reals);
  else
    llvm::transform(x.ints, y.ints.begin(), [&](int64_t v) { return wrap(evaluateInt(*which, v), element); });
  return true;
}

template <typename S>
bool Frame<S>::evaluateBinary(Operation *op, unsigned slot, Array<S> &y) {
  std::optional<Binary> which = asBinary(op);
  if (!which)
    return false;
  const Array<S> &a = get(op->getOperand(0), slot), &b = get(op->getOperand(1), slot);
  y = Array<S>::zeros(a.kind, a.shape);
  Type element = arrayType(op->getResult(0)).getElementType();
  if (a.kind == Kind::Real)
    mapReal(*which, a.reals, b.reals, y.reals);
  for (size_t i = 0; i < y.ints.size(); ++i)
    y.ints[i] = wrap(evaluateInt(*which, a.ints[i], b.ints[i]), element);
  return true;
}

/// A real as an integer: towards 0, NaN gives 0, what is out of range the nearest bound.
template <typename F>
static int64_t truncate(F x, Type element) {
  int64_t low = element.isInteger(32) ? INT32_MIN : INT64_MIN, high = element.isInteger(32) ? INT32_MAX : INT64_MAX;
  if (std::isnan(x))
    return 0;
  if (x <= static_cast<F>(low))
    return low;
  return x >= static_cast<F>(high) ? high : static_cast<int64_t>(x);
}

/// The nearest number of 16 bits; the wider types of the IR are one `S`. The derivative is that of x.
template <typename S>
static S narrow(const S &x, Type element) {
  if (element.getIntOrFloatBitWidth() != 16)
    return x;
  auto lead = Math<S>::lead(x);
  llvm::APFloat value(static_cast<double>(lead));
  bool isInexact;
  value.convert(cast<FloatType>(element).getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &isInexact);
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &isInexact);
  auto rounded = static_cast<decltype(lead)>(value.convertToDouble());
  if (rounded == lead || !std::isfinite(lead))
    return x;
  return std::isfinite(rounded) ? x + S(rounded - lead) : S(rounded);
}

template <typename S>
void Frame<S>::cast(CastOp op, unsigned slot, Array<S> &y) {
  const Array<S> &x = get(op.getX(), slot);
  Type element = arrayType(op.getY()).getElementType();
  y = Array<S>::zeros(kindOf(op.getType()), x.shape);
  bool fromReal = x.kind == Kind::Real;
  for (int64_t i = 0, n = x.size(); i < n; ++i) {
    if (y.kind == Kind::Real)
      y.reals[i] = fromReal ? narrow(x.reals[i], element) : S(static_cast<typename Math<S>::Lead>(x.ints[i]));
    else if (y.kind == Kind::Bool)
      y.ints[i] = fromReal ? Math<S>::lead(x.reals[i]) != 0 : x.ints[i] != 0;
    else
      y.ints[i] = fromReal ? truncate(Math<S>::lead(x.reals[i]), element) : wrap(x.ints[i], element);
  }
}

template <typename S>
bool Frame<S>::evaluatePointwise(Operation *op, unsigned slot, Array<S> &y) {
  if (auto castOp = dyn_cast<CastOp>(op)) {
    cast(castOp, slot, y);
    return true;
  }
  if (auto power = dyn_cast<IntPowOp>(op)) {
    const Array<S> &x = get(power.getX(), slot);
    int64_t n = get(power.getN(), slot).ints[0];
    y = Array<S>::zeros(x.kind, x.shape);
    llvm::transform(x.reals, y.reals.begin(), [n](const S &v) { return intPow(v, n); });
    Type element = arrayType(power.getY()).getElementType();
    llvm::transform(x.ints, y.ints.begin(), [&](int64_t v) { return wrap(intPower(v, n), element); });
    return true;
  }
  if (auto comparison = dyn_cast<CompareOp>(op)) {
    const Array<S> &a = get(comparison.getA(), slot), &b = get(comparison.getB(), slot);
    y = Array<S>::zeros(Kind::Bool, a.shape);
    for (size_t i = 0; i < y.ints.size(); ++i)
      y.ints[i] = a.kind == Kind::Real
                      ? compare(comparison.getPredicate(), Math<S>::lead(a.reals[i]), Math<S>::lead(b.reals[i]))
                      : compare(comparison.getPredicate(), a.ints[i], b.ints[i]);
    return true;
  }
  if (auto select = dyn_cast<SelectOp>(op)) {
    const Array<S> &c = get(select.getC(), slot), &a = get(select.getA(), slot), &b = get(select.getB(), slot);
    y = b;
    for (size_t i = 0; i < c.ints.size(); ++i)
      if (c.ints[i] && y.kind == Kind::Real)
        y.reals[i] = a.reals[i];
      else if (c.ints[i])
        y.ints[i] = a.ints[i];
    return true;
  }
  return evaluateUnary(op, slot, y) || evaluateBinary(op, slot, y);
}

#define INSTANTIATE(S)                                                                                                 \
  template bool Frame<S>::evaluateUnary(Operation *, unsigned, Array<S> &);                                            \
  template bool Frame<S>::evaluateBinary(Operation *, unsigned, Array<S> &);                                           \
  template bool Frame<S>::evaluatePointwise(Operation *, unsigned, Array<S> &);                                        \
  template void Frame<S>::cast(CastOp, unsigned, Array<S> &);
GRADUS_FOR_EACH_SCALAR(INSTANTIATE)
