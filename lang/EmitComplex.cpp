//===- EmitComplex.cpp - Complex numbers and Fourier transforms --------------------===//
//
// A complex array is a pair of real ones of one shape. It exists while a spec is elaborated only: what it computes with are the parts, so that
// differentiation and code know nothing of it. It goes through names, functions and index notation; states, arguments and results of
// units are real.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Value;

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

namespace {
/// A factor or term: without an imaginary part it is real.
struct Operand {
  Array re;
  std::optional<Array> im;
};
} // namespace

static Operand operandOf(const Entity &entity, llvm::function_ref<Array()> asReal) {
  const Complex *z = entity.get<Complex>();
  return z ? Operand{z->re, z->im} : Operand{asReal(), std::nullopt};
}

/// The complex array of two parts, each repeated where the other is larger.
Entity Elaborator::makeComplex(const Array &re, const Array &im, Location at) {
  if (re.isPoison() || im.isPoison())
    return {};
  Array both[2];
  for (int part = 0; part < 2; ++part) {
    both[part] = elementwise({re, im}, Kind::Float, at, [&](llvm::ArrayRef<Value> v) { return v[part]; });
    if (both[part].isPoison())
      return {};
  }
  return &static_cast<const Complex &>(arena.complexes.emplace_back(Complex{both[0], both[1]}));
}

Entity Elaborator::mapParts(const Complex &z, Location at, llvm::function_ref<Array(const Array &)> map) {
  Array re = map(z.re);
  return re.isPoison() ? Entity() : makeComplex(re, map(z.im), at);
}

/// Inside index notation for one tensor of several: the parts of that.
Entity Elaborator::sliceLane(const Complex &z, Location at) {
  return activeLane ? mapParts(z, at, [&](const Array &part) { return sliceLane(part); }) : Entity(&z);
}

/// An argument that may be complex; of a real one the imaginary part is 0.
std::optional<Complex> Elaborator::complexArgument(const CallSite &site, size_t position, bool hasSlot) {
  if (!hasSlot && !site.slots.empty()) {
    error(Code::UnknownSlot, site.slots[0].loc, "'" + site.builtin->name.str() + "' works by elements and takes no subscript");
    return std::nullopt;
  }
  const ast::Expr &expr = *site.call->arguments[position].value;
  Entity entity = eval(expr, *site.scope);
  if (!entity.get<Complex>()) {
    Array x = asArray(entity, expr.loc);
    entity = x.isPoison() ? Entity() : makeComplex(x, number(0, expr.loc), expr.loc);
  }
  const Complex *z = entity.get<Complex>();
  return z ? std::optional(*z) : std::nullopt;
}

/// z[i, k] = ..
Entity Elaborator::defineByIndex(llvm::ArrayRef<ast::Subscript> subscripts, Location at, const ast::Expr &value, Scope &scope) {
  size_t numParts = 1;
  SmallVector<Array> parts = eachLane(2, [&] {
    SmallVector<Array> one = defineOne(subscripts, at, value, scope);
    numParts = one.size();
    return SmallVector<Array>{one.front(), one.back()};
  });
  return numParts == 1 ? Entity(parts[0]) : makeComplex(parts[0], parts[1], at);
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

using Product = llvm::function_ref<Array(const Array &, const Array &)>;

static Operand multiplied(Algebra &algebra, const Operand &a, const Operand &b, Product product, Location at) {
  Operand result{product(a.re, b.re), std::nullopt};
  if (a.im && b.im)
    result.re = algebra.sub(result.re, product(*a.im, *b.im), at);
  if (b.im)
    result.im = product(a.re, *b.im);
  if (a.im) {
    Array part = product(*a.im, b.re);
    result.im = result.im ? algebra.add(*result.im, part, at) : part;
  }
  return result;
}

/// a (b* / |b|) / |b|: no square overflows.
static Operand divide(Algebra &algebra, const Operand &a, const Operand &b, Location at) {
  auto scaled = [&](const Operand &x, const Array &size) {
    return Operand{algebra.div(x.re, size, at), x.im ? std::optional(algebra.div(*x.im, size, at)) : std::nullopt};
  };
  if (!b.im)
    return scaled(a, b.re);
  Array size = algebra.binary<HypotOp>(b.re, *b.im, at, Kind::Float);
  Operand turned = scaled({b.re, algebra.negate(*b.im, at)}, size);
  auto product = [&](const Array &x, const Array &y) { return algebra.mul(x, y, at); };
  return scaled(multiplied(algebra, a, turned, product, at), size);
}

/// The power with an exponent that is known, by squares.
static Operand raise(Algebra &algebra, Operand base, int64_t exponent, Location at) {
  auto product = [&](const Array &x, const Array &y) { return algebra.mul(x, y, at); };
  Operand one{algebra.number(1, at), std::nullopt}, result = one;
  for (uint64_t rest = std::abs(exponent); rest != 0; rest /= 2) {
    if (rest % 2)
      result = multiplied(algebra, base, result, product, at);
    if (rest > 1)
      base = multiplied(algebra, base, base, product, at);
  }
  return exponent < 0 ? divide(algebra, one, result, at) : result;
}

Entity Elaborator::evalComplexBinary(const ast::Binary &expr, const Entity &left, const Entity &right) {
  if (left.isPoison() || right.isPoison())
    return {};
  Location at = expr.opLoc;
  Operand a = operandOf(left, [&] { return asArray(left, expr.lhs->loc); }), b = operandOf(right, [&] { return asArray(right, expr.rhs->loc); });
  if (a.re.isPoison() || b.re.isPoison())
    return {};
  auto finish = [&](const Operand &x) { return makeComplex(x.re, x.im.value_or(number(0, at)), at); };
  switch (expr.op) {
  case ast::BinaryOp::Add:
    return makeComplex(add(a.re, b.re, at), a.im && b.im ? add(*a.im, *b.im, at) : a.im ? *a.im : *b.im, at);
  case ast::BinaryOp::Sub:
    return makeComplex(sub(a.re, b.re, at), a.im && b.im ? sub(*a.im, *b.im, at) : a.im ? *a.im : negate(*b.im, at), at);
  case ast::BinaryOp::Mul:
    return finish(multiplied(*this, a, b, [&](const Array &x, const Array &y) { return mul(x, y, at); }, at));
  case ast::BinaryOp::Div:
    return finish(divide(*this, a, b, at));
  case ast::BinaryOp::MatMul:
    return finish(multiplied(*this, a, b, [&](const Array &x, const Array &y) { return matmul(x, y, at); }, at));
  default:
    break;
  }
  std::optional<int64_t> exponent = b.im ? std::nullopt : constantIntOf(b.re);
  if (expr.op == ast::BinaryOp::Pow && exponent && std::abs(*exponent) <= 64)
    return finish(raise(*this, a, *exponent, at));
  error(Code::ComplexNumber, at, expr.op == ast::BinaryOp::Pow ? "a power of a complex number has an integer exponent from -64 to 64" : "'%' has no complex operand")
      .suggest(expr.op == ast::BinaryOp::Pow ? "exp(w * complex(log(abs(z)), angle(z))) is z to the power w" : "real(z) and imag(z) are real");
  return {};
}

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

/// complex(re, im)
Entity Elaborator::callComplex(const CallSite &site) {
  auto x = arrayArguments(site, 2, 2);
  return x ? makeComplex((*x)[0], (*x)[1], site.at) : Entity();
}

Entity Elaborator::callReal(const CallSite &site) {
  std::optional<Complex> z = expectArguments(site, 1, 1) ? complexArgument(site, 0) : std::nullopt;
  return z ? Entity(z->re) : Entity();
}

Entity Elaborator::callImag(const CallSite &site) {
  std::optional<Complex> z = expectArguments(site, 1, 1) ? complexArgument(site, 0) : std::nullopt;
  return z ? Entity(z->im) : Entity();
}

Entity Elaborator::callConj(const CallSite &site) {
  std::optional<Complex> z = expectArguments(site, 1, 1) ? complexArgument(site, 0) : std::nullopt;
  return z ? makeComplex(z->re, negate(z->im, site.at), site.at) : Entity();
}

/// In [-pi, pi]; of 0 it is 0.
Entity Elaborator::callAngle(const CallSite &site) {
  std::optional<Complex> z = expectArguments(site, 1, 1) ? complexArgument(site, 0) : std::nullopt;
  return z ? Entity(binary<Atan2Op>(z->im, z->re, site.at, Kind::Float)) : Entity();
}

/// Words of real numbers that have complex ones, too: which they are shows when the argument is there.
Entity Elaborator::realOrComplex(const CallSite &site, llvm::function_ref<Entity(const Array &)> ofReal, llvm::function_ref<Entity(const Complex &)> ofComplex) {
  if (!expectArguments(site, 1, 1))
    return {};
  const ast::Expr &expr = *site.call->arguments[0].value;
  Entity entity = eval(expr, *site.scope);
  const Complex *z = entity.get<Complex>();
  Array x = z ? z->re : asArray(entity, expr.loc);
  if (x.isPoison())
    return {};
  if (!site.slots.empty()) {
    error(Code::UnknownSlot, site.slots[0].loc, "'" + site.builtin->name.str() + "' works by elements and takes no subscript");
    return {};
  }
  return z ? ofComplex(*z) : ofReal(x);
}

Entity Elaborator::callAbs(const CallSite &site) {
  return realOrComplex(
      site, [&](const Array &x) { return unary<AbsOp>(x, site.at, /*isFloatOnly=*/false); },
      [&](const Complex &z) { return binary<HypotOp>(z.re, z.im, site.at, Kind::Float); });
}

Entity Elaborator::callExp(const CallSite &site) {
  return realOrComplex(
      site, [&](const Array &x) { return unary<ExpOp>(x, site.at); },
      [&](const Complex &z) {
        Array size = unary<ExpOp>(z.re, site.at);
        return makeComplex(mul(size, unary<CosOp>(z.im, site.at), site.at), mul(size, unary<SinOp>(z.im, site.at), site.at), site.at);
      });
}

/// Along the only axis, an axis by number, or an index that is bound.
template <bool isInverse>
Entity Elaborator::callFft(const CallSite &site) {
  std::optional<Complex> z = expectArguments(site, 1, 1) ? complexArgument(site, 0, /*hasSlot=*/true) : std::nullopt;
  std::optional<Complex> model;
  if (z && isOverCollection(site, z->re)) { // one line of numbers, whatever the tensor at hand
    llvm::SaveAndRestore all(activeLane, std::optional<size_t>());
    model = complexArgument(site, 0, /*hasSlot=*/true);
    z = model ? std::optional(Complex{joined(model->re, 0, site.at), joined(model->im, 0, site.at)}) : std::nullopt;
  }
  std::optional<Ordered> along = z && !z->re.isPoison() ? findOrdered(site, z->re, /*mayTakeAll=*/false) : std::nullopt;
  if (!along)
    return {};
  Complex y = *z;
  for (size_t k = 0; k < y.re.lanes.size(); ++k) {
    ArrayType type = typeOf(z->re.lanes[k]);
    auto op = FftOp::create(builder, place(site.at), type, type, z->re.lanes[k], z->im.lanes[k], static_cast<uint64_t>(along->axis), isInverse);
    y.re.lanes[k] = op.getYre();
    y.im.lanes[k] = op.getYim();
  }
  if (model)
    return makeComplex(apart(y.re, model->re, 0, site.at), apart(y.im, model->im, 0, site.at), site.at);
  return makeComplex(y.re, y.im, site.at);
}
template Entity Elaborator::callFft<false>(const CallSite &site);
template Entity Elaborator::callFft<true>(const CallSite &site);
