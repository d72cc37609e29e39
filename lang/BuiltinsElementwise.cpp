//===- BuiltinsElementwise.cpp - Elementwise words that are made of others ------===//
//
// Kinks as for relu: on a bound the derivative is that of the flat side, or the left one.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

#include <limits>

using namespace gradus;
using namespace gradus::lang;

/// x > 0 ? x : alpha (e^x - 1), with alpha = 1 unless it is given.
Entity Elaborator::callElu(const CallSite &site) {
  auto x = arrayArguments(site, 1, 2);
  if (!x)
    return {};
  Array below = unary<Expm1Op>((*x)[0], site.at);
  if (x->size() == 2)
    below = mul((*x)[1], below, site.at);
  return select(compare(ComparePredicate::Gt, (*x)[0], integer(0, site.at), site.at), (*x)[0], below, site.at);
}

/// x times the normal distribution function of x.
Entity Elaborator::callGelu(const CallSite &site) {
  auto x = arrayArguments(site, 1, 1);
  return x ? mul((*x)[0], unary<NormalCdfOp>((*x)[0], site.at), site.at) : Entity();
}

Entity Elaborator::callIsInf(const CallSite &site) {
  auto x = arrayArguments(site, 1, 1);
  if (!x)
    return {};
  Array magnitude = unary<AbsOp>((*x)[0], site.at);
  return compare(ComparePredicate::Eq, magnitude, number(std::numeric_limits<double>::infinity(), site.at), site.at);
}

Entity Elaborator::callIsNan(const CallSite &site) {
  auto x = arrayArguments(site, 1, 1);
  if (!x)
    return {};
  Array real = toKind((*x)[0], Kind::Float, site.at);
  return compare(ComparePredicate::Ne, real, real, site.at);
}

/// x > 0 ? x : slope x, with slope = 0.01 unless it is given.
Entity Elaborator::callLeakyRelu(const CallSite &site) {
  auto x = arrayArguments(site, 1, 2);
  if (!x)
    return {};
  Array below = mul(x->size() == 2 ? (*x)[1] : number(0.01, site.at), (*x)[0], site.at);
  return select(compare(ComparePredicate::Gt, (*x)[0], integer(0, site.at), site.at), (*x)[0], below, site.at);
}

Entity Elaborator::callLogSigmoid(const CallSite &site) {
  auto x = arrayArguments(site, 1, 1);
  return x ? negate(unary<SoftplusOp>(negate((*x)[0], site.at), site.at), site.at) : Entity();
}

/// ln(p / (1 - p))
Entity Elaborator::callLogit(const CallSite &site) {
  auto p = arrayArguments(site, 1, 1);
  if (!p)
    return {};
  return sub(unary<LogOp>((*p)[0], site.at), unary<Log1pOp>(negate((*p)[0], site.at), site.at), site.at);
}

Entity Elaborator::callReciprocal(const CallSite &site) {
  auto x = arrayArguments(site, 1, 1);
  return x ? div(integer(1, site.at), (*x)[0], site.at) : Entity();
}

Entity Elaborator::callRelu6(const CallSite &site) {
  // A tie goes to the first argument: the derivative is 0 at both bounds.
  auto x = arrayArguments(site, 1, 1);
  return x ? binary<MinOp>(integer(6, site.at), binary<MaxOp>(integer(0, site.at), (*x)[0], site.at), site.at) : Entity();
}

Entity Elaborator::callRsqrt(const CallSite &site) {
  auto x = arrayArguments(site, 1, 1);
  return x ? div(integer(1, site.at), unary<SqrtOp>((*x)[0], site.at), site.at) : Entity();
}

Entity Elaborator::callSilu(const CallSite &site) {
  auto x = arrayArguments(site, 1, 1);
  return x ? mul((*x)[0], unary<SigmoidOp>((*x)[0], site.at), site.at) : Entity();
}

Entity Elaborator::callXor(const CallSite &site) {
  auto x = arrayArguments(site, 2, 2);
  if (!x)
    return {};
  for (const Array &operand : *x)
    if (kindOf(operand) != Kind::Bool) {
      error(Code::NotABool, site.at, "'xor' takes conditions, but this is a number").suggest("compare it: 'x != 0'");
      return {};
    }
  return binary<XorOp>((*x)[0], (*x)[1], site.at, Kind::Bool);
}
