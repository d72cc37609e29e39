//===- Infinity.cpp - Where an infinite quotient does no harm ----------------===//
//
// min(1, c / norm(g)) is 1 where g is 0, as it is meant: an infinity of a sign that is known is left behind by min, max, a comparison, a division by it or a function
// that levels off. 0 / 0 is left behind by nothing, nor is an infinite derivative.
//
//===----------------------------------------------------------------------===//

#include "lang/lint/Boundaries.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace gradus;
using namespace gradus::lint;
using llvm::isa;
using mlir::Operation;
using mlir::Value;

static bool isLeftBehind(Value infinite, bool isPositive, unsigned depth);

/// One use of what is infinite.
static bool isLeftBehindBy(Operation *user, Value infinite, bool isPositive, unsigned depth) {
  auto goesOn = [&](bool sign) { return isLeftBehind(user->getResult(0), sign, depth + 1); };
  return llvm::TypeSwitch<Operation *, bool>(user)
      .Case<AtanOp, CompareOp, ErfOp, NormalCdfOp, SigmoidOp, SignOp, TanhOp>([](auto) { return true; })
      .Case<AddOp, BroadcastOp, CastOp, CbrtOp, ReshapeOp, SqrtOp>([&](auto) { return goesOn(isPositive); })
      .Case<DivOp>([&](DivOp op) { return op.getB() == infinite && op.getA() != infinite; })
      .Case<ExpOp>([&](auto) { return !isPositive || goesOn(true); })
      .Case<MaxOp>([&](auto) { return !isPositive || goesOn(true); })
      .Case<MinOp>([&](auto) { return isPositive || goesOn(false); })
      .Case<NegOp>([&](auto) { return goesOn(!isPositive); })
      .Case<SubOp>([&](SubOp op) { return op.getA() != op.getB() && goesOn(op.getA() == infinite ? isPositive : !isPositive); })
      .Default([](auto) { return false; });
}

static bool isLeftBehind(Value infinite, bool isPositive, unsigned depth) {
  constexpr unsigned deepest = 8;
  return depth < deepest && llvm::all_of(infinite.getUsers(), [&](Operation *user) { return isLeftBehindBy(user, infinite, isPositive, depth); });
}

bool lint::isInfinityLeftBehind(Value quotient) { return isLeftBehind(quotient, true, 0); }
