//===- FloatEquality.cpp - Rounded results that are compared exactly ----------===//
//
// Two ways to one number differ in the last place, so that == is true or false by chance. Exact are numbers of the spec, what is stored, what is chosen among others
// (max, sort) and what is whole; 'n == 0' asks whether a division is possible and is fine, and so is 'x == max(x)'. Tests compare as they like.
//
//     when f(w') == f(w) { .. }                        warned of
//     when abs(f(w') - f(w)) <= 1e-12 { .. }           mended
//
//===----------------------------------------------------------------------===//

#include "lang/lint/Corner.h"
#include "lang/lint/Finding.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace gradus;
using namespace gradus::lint;
using llvm::dyn_cast;
using llvm::isa;
using llvm::isa_and_nonnull;
using mlir::Operation;
using mlir::Value;

static bool isSelection(ReductionKind kind) { return kind == ReductionKind::Max || kind == ReductionKind::Min; }

/// How many operations a search looks at; one that is longer finds nothing, so that the lint is silent.
static constexpr unsigned mostSteps = 200;

/// Whether a value is made of integers in a way that keeps them whole.
static bool isWhole(Value value, unsigned &steps) {
  Operation *op = value.getDefiningOp();
  if (!llvm::cast<ArrayType>(value.getType()).isFloat())
    return true;
  auto all = [&] { return llvm::all_of(op->getOperands(), [&](Value operand) { return isWhole(operand, steps); }); };
  if (++steps > mostSteps)
    return true;
  if (!op)
    return false;
  if (isa<ConstantOp>(op)) {
    lint::Known known = lint::evaluateOne(*op, {});
    return known.extent == lint::Known::All && known.value == std::trunc(known.value);
  }
  return isa<AbsOp, AddOp, BroadcastOp, CastOp, CeilOp, FloorOp, GatherOp, IntPowOp, MaxOp, MinOp, MulOp, NegOp, PowOp, ReshapeOp, RoundOp, SelectOp, SubOp, TransposeOp, TruncOp>(op) && all();
}

/// Whether a value is stored or a number of the spec, or chosen among such.
static bool isExact(Value value, unsigned &steps) {
  Operation *op = value.getDefiningOp();
  if (!op || ++steps > mostSteps || !llvm::cast<ArrayType>(value.getType()).isFloat())
    return true;
  auto all = [&] { return llvm::all_of(op->getOperands(), [&](Value operand) { return isExact(operand, steps); }); };
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<CeilOp, ConstantOp, DrawOp, FloorOp, RoundOp, SignOp, TruncOp>([](auto) { return true; })
      .Case<AllReduceOp, CumulateOp, ReduceOp>([&](auto one) { return isSelection(one.getKind()) && all(); })
      .Case<AbsOp, BroadcastOp, CastOp, ConcatOp, GatherOp, MaxOp, MinOp, NegOp, ReshapeOp, ScatterOp, SelectOp, SortOp, StopOp, TransposeOp>([&](auto) { return all(); })
      .Default([](auto) { return false; });
}

static Value behind(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<BroadcastOp, CastOp, ReshapeOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

static bool isNumber(Value value) { return isa_and_nonnull<ConstantOp>(behind(value).getDefiningOp()); }

/// The same formula elsewhere gives the same bits.
static bool hasNoRounding(Value value) {
  unsigned steps = 0, wholeSteps = 0;
  return isExact(value, steps) || isWhole(value, wholeSteps);
}

/// x == max(x): one of them is the other's element.
static bool isChosenFrom(Value chosen, Value from) {
  Operation *op = behind(chosen).getDefiningOp();
  auto isFrom = [&](Value one) { return behind(one) == behind(from); };
  if (auto reduce = llvm::dyn_cast_or_null<ReduceOp>(op))
    return isSelection(reduce.getKind()) && isFrom(reduce.getX());
  if (auto reduce = llvm::dyn_cast_or_null<AllReduceOp>(op))
    return isSelection(reduce.getKind()) && isChosenFrom(reduce.getX(), from);
  return isa_and_nonnull<GatherOp, MaxOp, MinOp, SelectOp, SortOp>(op) && llvm::any_of(op->getOperands(), isFrom);
}

void lint::findFloatEquality(Subject &subject, Findings &findings) {
  auto module = mlir::ModuleOp(subject.spec.module);
  for (FuncOp func : module.getOps<FuncOp>()) {
    if (func.getKind() == FuncKind::Test)
      continue;
    func.walk([&](CompareOp op) {
      Value a = op.getA(), b = op.getB();
      bool isEquality = op.getPredicate() == ComparePredicate::Eq || op.getPredicate() == ComparePredicate::Ne;
      std::optional<Location> at = subject.placeOf(op);
      if (!isEquality || !at || (hasNoRounding(a) && hasNoRounding(b)) || isNumber(a) || isNumber(b) || isChosenFrom(a, b) || isChosenFrom(b, a))
        return;
      std::string sign = op.getPredicate() == ComparePredicate::Eq ? "==" : "!=";
      if (subject.textOf({at->file, at->line, at->col, at->line, at->col + 2}) != sign) // what a word of the library asks
        return;
      if (!llvm::any_of(findings, [&](const Finding &other) { return other.at == *at; }))
        findings.push_back({*at, "'" + sign + "' compares numbers that are rounded, so that the last place decides", "compare the distance with a bound: 'abs(a - b) <= 1e-6'"});
    });
  }
}
