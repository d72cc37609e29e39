//===- Guard.cpp - Finds what is not finite before a step writes anything ----------===//
//
// Adds conditions to the results of a step; lowering refuses the call where one is false. What a condition costs is whether it reads an array
// again. So a gradient is not looked at itself where a sum over it that the step makes anyway cannot be finite unless the gradient is.
//
//===----------------------------------------------------------------------===//

#include "passes/step/Guard.h"
#include "passes/Build.h"
#include "passes/Passes.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

namespace gradus {
#define GEN_PASS_DEF_GUARD
#include "passes/Passes.h.inc"
} // namespace gradus

using namespace mlir;
using namespace gradus;

static ArrayType arrayOf(Value value) { return cast<ArrayType>(value.getType()); }

/// Whether the result of the op has an element that is not finite wherever the operand has one.
static bool passesOn(OpOperand &use) {
  Operation *op = use.getOwner();
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return reduce.getKind() == ReductionKind::Sum || reduce.getKind() == ReductionKind::Prod;
  if (auto reduce = dyn_cast<AllReduceOp>(op))
    return reduce.getKind() == ReductionKind::Sum || reduce.getKind() == ReductionKind::Prod;
  if (auto power = dyn_cast<IntPowOp>(op))
    return use.getOperandNumber() == 0 && getInteger(power.getOperand(1)).value_or(0) >= 1;
  if (isa<DivOp>(op))
    return use.getOperandNumber() == 0;
  if (isa<CastOp>(op))
    return arrayOf(op->getResult(0)).isFloat();
  return isa<AbsOp, AddOp, MulOp, NegOp, NormOp, ReshapeOp, SqrtOp, SubOp, TransposeOp>(op);
}

/// Whether the spec looks itself: x - x and x != x are how isfinite and isnan are written.
static bool isQuestion(Operation *op) { return isa<CompareOp, SubOp>(op) && op->getOperand(0) == op->getOperand(1); }

namespace {

struct Findings {
  bool isAsked = false;           ///< the spec asks whether it is finite
  Value sum;                      ///< a number that the step makes anyway and that is not finite where the array is not, or null
  llvm::DenseSet<Value> derived;  ///< the values on the way
};

/// Follows an array through the function.
Findings follow(FuncOp func, Value array) {
  Findings found;
  SmallVector<std::pair<Value, bool>> pending{{array, true}};
  while (!pending.empty()) {
    auto [value, isSure] = pending.pop_back_val();
    for (OpOperand &use : value.getUses()) {
      Operation *op = use.getOwner();
      found.isAsked |= isQuestion(op);
      bool isChoice = isa<SelectOp>(op) && use.getOperandNumber() > 0;
      if (op->getParentOp() != func || isQuestion(op) || !(passesOn(use) || isChoice) || !found.derived.insert(op->getResult(0)).second)
        continue;
      Value result = op->getResult(0);
      bool isStillSure = isSure && !isChoice;
      bool isKnownEarly = func.isOpen() ? isa<AllReduceOp>(op) : isa<NormOp, ReduceOp>(op);
      if (isStillSure && isKnownEarly && arrayOf(result).isScalar() && !found.sum)
        found.sum = result;
      pending.push_back({result, isStillSure});
    }
  }
  return found;
}

enum class Level { Off, Joint, Grads, Full };

class Guarding {
public:
  Guarding(FuncOp func, Level level) : func(func), level(level), builder(func.getBody().front().getTerminator()) {}
  void run();

private:
  Value isFinite(Value x, bool isOfCall);
  void add(Value x, const Twine &what, bool isOfCall = false);
  void addGradient(Value gradient, const std::string &name);
  void addGradients();
  void addSums();
  void addNext();
  void appendResults();

  FuncOp func;
  Level level;
  OpBuilder builder;
  llvm::DenseSet<Value> known;   ///< are looked at, or left to the spec
  SmallVector<std::pair<Value, std::string>> conditions;
};

} // namespace

/// "clipped.grad:7"
static std::string placeOf(Value value) {
  std::string place;
  value.getLoc()->walk([&](Location at) {
    auto file = dyn_cast<FileLineColLoc>(at);
    if (!file)
      return WalkResult::advance();
    place = llvm::formatv("{0}:{1}", llvm::sys::path::filename(file.getFilename().getValue()), file.getLine());
    return WalkResult::interrupt();
  });
  return place.empty() ? place : " (" + place + ")";
}

/// x - x is 0 for finite numbers alone. `isOfCall`: the number is one for all slots.
Value Guarding::isFinite(Value x, bool isOfCall) {
  Location loc = x.getLoc();
  if (!isa<Float32Type, Float64Type>(arrayOf(x).getElementType()))
    x = CastOp::create(builder, loc, arrayOf(x).withElement(builder.getF32Type()), x);
  ArrayType type = arrayOf(x);
  Type element = type.getElementType();
  Value zero = ConstantOp::create(builder, loc, DenseElementsAttr::get(RankedTensorType::get({}, element), builder.getFloatAttr(element, 0)));
  if (!type.isScalar())
    zero = BroadcastOp::create(builder, loc, type, zero, ArrayRef<int64_t>{});
  ArrayType truth = type.withElement(builder.getI1Type());
  Value fine = CompareOp::create(builder, loc, truth, ComparePredicate::Eq, SubOp::create(builder, loc, type, x, x), zero);
  ArrayType one = ArrayType::scalar(builder.getI1Type());
  if (!type.isScalar())
    fine = ReduceOp::create(builder, loc, one, ReductionKind::All, fine, llvm::to_vector(llvm::seq<int64_t>(0, type.getRank())), TypeAttr());
  return func.isOpen() && !isOfCall ? AllReduceOp::create(builder, loc, one, ReductionKind::All, fine).getResult() : fine;
}

void Guarding::add(Value x, const Twine &what, bool isOfCall) {
  if (known.insert(x).second)
    conditions.push_back({isFinite(x, isOfCall), what.str()});
}

void Guarding::addGradient(Value gradient, const std::string &name) {
  if (gradient.use_empty() || !arrayOf(gradient).isFloat())
    return;
  Findings found = follow(func, gradient);
  if (found.isAsked) {
    known.insert(found.derived.begin(), found.derived.end());
    return;
  }
  if (found.sum)
    add(found.sum, name + " or a sum over it" + placeOf(found.sum), /*isOfCall=*/true);
  else if (level != Level::Joint)
    add(gradient, name);
}

static bool isShapedAsParam(FuncOp func, Value value) {
  return llvm::any_of(func.getArguments(), [&](BlockArgument argument) {
    return func.getArgRole(argument.getArgNumber()) == Role::Param && arrayOf(argument).getShape() == arrayOf(value).getShape();
  });
}

/// The gradients that the step is given, or takes. What is taken in a loop or under a condition, for whatever point, is left to it; so are gradients of
/// samples, which are more than the parameters and mostly in no memory.
void Guarding::addGradients() {
  for (BlockArgument argument : func.getArguments())
    if (func.getArgRole(argument.getArgNumber()) == Role::Grad)
      addGradient(argument, "'" + func.getArgName(argument.getArgNumber()).str() + "'");
  if (func.getKind() != FuncKind::TrainStep)
    return;
  for (auto grad : llvm::to_vector(func.getBody().getOps<GradOp>()))
    for (auto [at, gradient] : llvm::zip_equal(grad.getWrt(), grad.getGradients())) {
      if (!isShapedAsParam(func, gradient))
        continue;
      Value origin = at;
      while (auto cast = origin.getDefiningOp<CastOp>())
        origin = cast.getX();
      auto argument = dyn_cast<BlockArgument>(origin);
      addGradient(gradient, argument ? "the gradient of '" + func.getArgName(argument.getArgNumber()).str() + "'" : "a gradient" + placeOf(gradient));
    }
}

/// Sums over the collection, which every tensor's step depends on.
void Guarding::addSums() {
  for (auto reduction : llvm::to_vector(func.getBody().getOps<AllReduceOp>())) {
    bool isSum = reduction.getKind() == ReductionKind::Sum || reduction.getKind() == ReductionKind::Prod;
    if (isSum && arrayOf(reduction.getY()).isFloat() && arrayOf(reduction.getY()).isScalar())
      add(reduction.getY(), "a sum over all tensors" + placeOf(reduction.getY()), /*isOfCall=*/true);
  }
}

void Guarding::addNext() {
  Operation *ret = func.getBody().front().getTerminator();
  for (auto [index, value] : llvm::enumerate(llvm::to_vector(ret->getOperands()))) {
    int64_t of = func.getResultOf(index);
    if (of < 0 || !arrayOf(value).isFloat() || value == func.getArgument(of))
      continue;
    add(value, "the next value of '" + func.getResultName(index) + "'");
  }
}

/// After all results of the spec, so that their numbers stay.
void Guarding::appendResults() {
  Operation *ret = func.getBody().front().getTerminator();
  for (const auto &[condition, what] : conditions) {
    auto attributes = builder.getDictionaryAttr({
        builder.getNamedAttr(guardAttribute, builder.getStringAttr(what)),
        builder.getNamedAttr("gradus.name", builder.getStringAttr("guard")),
        builder.getNamedAttr("gradus.role", RoleAttr::get(func.getContext(), Role::Report)),
    });
    (void)func.insertResult(func.getNumResults(), condition.getType(), attributes);
    ret->insertOperands(ret->getNumOperands(), condition);
  }
}

void Guarding::run() {
  addGradients();
  for (unsigned index = 0; index < func.getNumResults(); ++index)
    if (func.getKind() == FuncKind::TrainStep && func.getResultRole(index) == Role::Value)
      add(func.getBody().front().getTerminator()->getOperand(index), "the loss");
  addSums();
  if (level == Level::Full)
    addNext();
  appendResults();
}

/// An exchange, unless there is a meeting of all workers as well: who refuses tells the others there, partners of an exchange at the exchange alone.
static ExchangeOp findLoneExchange(FuncOp func) {
  ExchangeOp found;
  bool meetsAll = false;
  func.walk([&](Operation *op) {
    meetsAll |= isa<WorkersOp>(op);
    if (auto exchange = dyn_cast<ExchangeOp>(op); exchange && !found)
      found = exchange;
  });
  return meetsAll ? ExchangeOp() : found;
}

namespace {

struct Guard : gradus::impl::GuardBase<Guard> {
  using Base::Base;

  void runOnOperation() override {
    FuncOp func = getOperation();
    bool isStep = func.getKind() == FuncKind::RuleStep || func.getKind() == FuncKind::TrainStep;
    bool isGuarded = llvm::any_of(llvm::seq(func.getNumResults()), [&](unsigned index) { return func.getResultAttr(index, guardAttribute) != nullptr; });
    Level level = func.getKind() == FuncKind::TrainStep ? Level::Grads : Level::Joint;
    if (!this->level.empty()) {
      std::optional<Level> given = llvm::StringSwitch<std::optional<Level>>(this->level)
                                       .Case("off", Level::Off)
                                       .Case("joint", Level::Joint)
                                       .Case("grads", Level::Grads)
                                       .Case("full", Level::Full)
                                       .Default(std::nullopt);
      if (!given) {
        func.emitError("internal: no level of the guard: ") << this->level;
        return signalPassFailure();
      }
      level = *given;
    }
    if (!isStep || isGuarded || level == Level::Off)
      return;
    if (ExchangeOp exchange = findLoneExchange(func)) {
      if (this->level.empty())
        return;
      exchange.emitError("G0931: not built yet: a guard around an exchange, whose partner would not hear of a refusal; build with '--guard=off'");
      return signalPassFailure();
    }
    Guarding(func, level).run();
  }
};

} // namespace
