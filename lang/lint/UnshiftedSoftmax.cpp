//===- UnshiftedSoftmax.cpp - softmax and its kin by hand ----------------------===//
//
// e^z is infinite in f32 from z = 89 on, and 0 below -104: exp(z) / sum(exp(z)) becomes NaN, log(sum(exp(z))) infinite. The words of the language shift by the
// largest z first. The compiler mends the plain forms, but no others, and the reference evaluator none.
//
//     p = exp(z) / sum(exp(z))                         warned of
//     p = softmax(z)                                   mended
//
//===----------------------------------------------------------------------===//

#include "lang/lint/Finding.h"

#include "dialect/Gradus.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace gradus;
using namespace gradus::lint;
using llvm::dyn_cast_or_null;
using llvm::isa;
using llvm::isa_and_nonnull;
using mlir::Operation;
using mlir::Value;

/// A value without what only moves its elements.
static Value behind(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<BroadcastOp, CastOp, GatherOp, ReshapeOp, StopOp, TransposeOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

template <typename Op>
static Op opBehind(Value value) {
  return dyn_cast_or_null<Op>(behind(value).getDefiningOp());
}

/// Whether an exponent cannot become large: it is shifted by a maximum, or bounded.
static bool isTame(Value exponent) {
  Operation *op = behind(exponent).getDefiningOp();
  if (isa_and_nonnull<DivOp>(op)) // (z - max(z)) / tau
    return isa_and_nonnull<SubOp>(behind(op->getOperand(0)).getDefiningOp()) && isTame(op->getOperand(0));
  if (auto difference = dyn_cast_or_null<SubOp>(op)) {
    Operation *shift = behind(difference.getB()).getDefiningOp();
    if (auto largest = dyn_cast_or_null<ReduceOp>(shift))
      return largest.getKind() == ReductionKind::Max;
    if (auto largest = dyn_cast_or_null<AllReduceOp>(shift))
      return largest.getKind() == ReductionKind::Max;
    return isa_and_nonnull<CumulateOp, LogSumExpOp, MaxOp>(shift);
  }
  return isa_and_nonnull<AtanOp, ConstantOp, CosOp, ErfOp, LogOp, MinOp, NormalCdfOp, SigmoidOp, SinOp, TanhOp>(op);
}

/// -|z|: beside a 1, it does no harm that e^-|z| vanishes.
static bool isMinusMagnitude(Value exponent) {
  Operation *op = behind(exponent).getDefiningOp();
  return isa_and_nonnull<NegOp>(op) && isa_and_nonnull<AbsOp, NormOp, SoftplusOp>(behind(op->getOperand(0)).getDefiningOp());
}

static Value sumOf(Value value) {
  if (auto mean = opBehind<DivOp>(value); mean && isa_and_nonnull<ConstantOp, DimOp, MulOp>(behind(mean.getB()).getDefiningOp()))
    value = mean.getA();
  if (auto sum = opBehind<ReduceOp>(value))
    return sum.getKind() == ReductionKind::Sum ? sum.getX() : Value();
  if (auto sum = opBehind<AllReduceOp>(value))
    return sum.getKind() == ReductionKind::Sum ? sumOf(sum.getX()) : Value();
  return {};
}

/// The exponent of a sum of powers of e that is not shifted; null for anything else.
static Value exponentOfSum(Value value) {
  Value terms = sumOf(value);
  auto power = terms ? opBehind<ExpOp>(terms) : ExpOp();
  return power && !isTame(power.getX()) ? power.getX() : Value();
}

static bool isOne(Value value) {
  auto constant = opBehind<ConstantOp>(value);
  auto dense = constant ? llvm::dyn_cast<mlir::DenseElementsAttr>(constant.getValue()) : mlir::DenseElementsAttr();
  if (!dense || !dense.isSplat())
    return false;
  if (auto number = llvm::dyn_cast<mlir::FloatAttr>(dense.getSplatValue<mlir::Attribute>()))
    return number.getValueAsDouble() == 1;
  auto number = llvm::dyn_cast<mlir::IntegerAttr>(dense.getSplatValue<mlir::Attribute>());
  return number && number.getValue() == 1;
}

namespace {

struct Form {
  std::string written, word;
};

} // namespace

static std::optional<Form> formOf(DivOp op) {
  auto power = opBehind<ExpOp>(op.getA());
  Value exponent = power ? exponentOfSum(op.getB()) : Value();
  if (!exponent || behind(exponent) != behind(power.getX()))
    return std::nullopt;
  return Form{"exp(z) / sum(exp(z))", "softmax(z)"};
}

/// What a logarithm is taken of.
static std::optional<Form> formOf(Value x) {
  if (exponentOfSum(x))
    return Form{"log(sum(exp(z)))", "logsumexp(z)"};
  if (opBehind<SigmoidOp>(x))
    return Form{"log(sigmoid(z))", "log_sigmoid(z)"};
  if (auto power = opBehind<ExpOp>(x))
    if (auto difference = opBehind<SubOp>(power.getX()); difference && opBehind<LogSumExpOp>(difference.getB()))
      return Form{"log(softmax(z))", "logsoftmax(z)"};
  auto sum = opBehind<AddOp>(x);
  auto a = sum ? opBehind<ExpOp>(sum.getA()) : ExpOp(), b = sum ? opBehind<ExpOp>(sum.getB()) : ExpOp();
  if (a && b && !isTame(a.getX()) && !isTame(b.getX()))
    return Form{"log(exp(a) + exp(b))", "logsumexp(stack(a, b))"};
  ExpOp one = a ? a : b;
  if (one && !isTame(one.getX()) && !isMinusMagnitude(one.getX()) && (isOne(sum.getA()) || isOne(sum.getB())))
    return Form{"log(1 + exp(z))", "softplus(z)"};
  return std::nullopt;
}

static std::optional<Form> formOfAny(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<Form>>(op)
      .Case<DivOp>([](DivOp one) { return formOf(one); })
      .Case<Log1pOp>([](Log1pOp one) -> std::optional<Form> {
        auto power = opBehind<ExpOp>(one.getX());
        if (!power || isTame(power.getX()) || isMinusMagnitude(power.getX()))
          return std::nullopt;
        return Form{"log1p(exp(z))", "softplus(z)"};
      })
      .Case<LogOp>([](LogOp one) { return formOf(one.getX()); })
      .Default([](auto) { return std::nullopt; });
}

void lint::findUnshiftedSoftmax(Subject &subject, Findings &findings) {
  auto module = mlir::ModuleOp(subject.spec.module);
  for (FuncOp func : module.getOps<FuncOp>()) {
    if (func.getKind() == FuncKind::Test)
      continue;
    func.walk([&](Operation *op) {
      std::optional<Form> form = formOfAny(op);
      std::optional<Location> at = form ? subject.placeOf(op) : std::nullopt;
      if (!at || llvm::any_of(findings, [&](const Finding &other) { return other.at == *at; }))
        return;
      findings.push_back({*at, "this is " + form->written + ": the power of e overflows or vanishes where z is large or small, and takes the result with it",
                          "'" + form->word + "' is the same, and exact for every z"});
    });
  }
}
