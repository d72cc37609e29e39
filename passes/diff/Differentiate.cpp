//===- Differentiate.cpp - gradus-differentiate: no gradus.grad is left -------===//
//
// Reverse mode. The ops of a region are walked once, from the yield back; every value has one cotangent, complete when its
// defining op is reached, so that a shared subterm is never expanded twice.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/diff/Rules.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

#include <cmath>

using namespace mlir;

namespace gradus {

#define GEN_PASS_DEF_DIFFERENTIATE
#include "passes/Passes.h.inc"

namespace {

/// Expands what stands in a region, innermost first.
LogicalResult expandAll(Region &region, const DerivativeTable &table);

/// The reverse sweep over one region.
class ReverseSweep {
public:
  ReverseSweep(GradOp grad, const DerivativeTable &table)
      : grad(grad), table(table), builder(grad.getBody().front().getTerminator()) {}

  /// Appends the gradients to the region; fails with an error at the first op that has no derivative.
  FailureOr<SmallVector<Value>> run();

private:
  struct Cotangent {
    Value value;
    /// It may be 0 because a choice (where, max, ..) was not taken: then 0 * inf must not arise.
    bool isMasked = false;
    /// The choice may be that of a where: what it leaves out may be an input that is NaN.
    bool isWhere = false;
  };

  void findActive();
  LogicalResult visit(Operation *op, Cotangent dy);
  RuleResult applyRule(Operation *op, Cotangent dy, llvm::function_ref<RuleResult(ReverseContext &)> rule);
  LogicalResult visitSeveral(Operation *op);
  LogicalResult visitElementwise(Operation *op, Cotangent dy);
  LogicalResult visitCustom(CustomOp op);
  void add(Operation *from, Value operand, Value contribution, Cotangent dy);
  bool needsGuard(Operation *op, Cotangent dy) const;
  Value guard(Location loc, Value t, Value contribution);
  LogicalResult emitNoDerivative(Operation *op);
  /// The element type in which the cotangent of `value` is added up.
  Type cotangentElement(Value value) const;

  GradOp grad;
  const DerivativeTable &table;
  OpBuilder builder;
  /// Values that depend on the region's arguments.
  DenseSet<Value> active;
  /// Values that can be infinite though all inputs are finite.
  DenseSet<Value> unbounded;
  DenseMap<Value, Cotangent> cotangents;
  /// The op through which a value got its first cotangent: one step of the path back to the loss.
  DenseMap<Value, Operation *> cameFrom;
};

} // namespace

/// Ops whose value or partial derivative is infinite at, or overflows near, ordinary arguments.
static bool isUnbounded(Operation *op) {
  if (auto div = dyn_cast<DivOp>(op))
    return getFill(div.getB()).value_or(0.0) == 0.0;
  if (auto power = dyn_cast<IntPowOp>(op)) {
    DenseElementsAttr exponent;
    return !matchPattern(power.getN(), m_Constant(&exponent)) || (*exponent.getValues<APInt>().begin()).isNegative();
  }
  return isa<AcosOp, AcoshOp, AsinOp, AtanhOp, CbrtOp, CholeskyOp, CoshOp, CustomOp, DigammaOp, EighOp, Exp2Op, Expm1Op, ExpOp, LambertWOp, LGammaOp, Log10Op,
             Log1pOp, Log2Op, LogDetOp, LogOp, ModOp, NormalQuantileOp, PowOp, QrOp, SinhOp, SolveOp, SqrtOp, SvdOp, TanOp, TrigammaOp>(op);
}

/// Whether the partial derivative of an elementwise op in an operand is finite wherever the op is taken, be its operands infinite or NaN.
static bool hasFinitePartial(Operation *op, unsigned operand) {
  if (auto mul = dyn_cast<MulOp>(op))
    return std::isfinite(getFill(operand == 0 ? mul.getB() : mul.getA()).value_or(NAN));
  if (auto div = dyn_cast<DivOp>(op))
    return operand == 0 && std::isnormal(getFill(div.getB()).value_or(0.0));
  return isa<AddOp, SubOp, NegOp, MaxOp, MinOp, SelectOp, StopOp>(op);
}

static bool chooses(Operation *op) {
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return reduce.getKind() == ReductionKind::Max || reduce.getKind() == ReductionKind::Min;
  return isa<AbsOp, Atan2Op, HypotOp, MaxOp, MinOp, SelectOp>(op);
}

void ReverseSweep::findActive() {
  Block &body = grad.getBody().front();
  active.insert(body.args_begin(), body.args_end());
  for (Operation &op : body) {
    auto isIn = [](const DenseSet<Value> &set) { return [&set](Value value) { return set.contains(value); }; };
    // What the regions of a custom op read around them is constant, but for one whose derivative nobody has given.
    llvm::SetVector<Value> captured;
    if (!isa<CustomOp>(op) || op.hasAttr("implicit"))
      for (Region &region : op.getRegions())
        getUsedValuesDefinedAbove(region, captured);
    // A draw is a constant, whatever its parameters.
    bool isActive = !isa<DrawOp>(op) && (llvm::any_of(op.getOperands(), isIn(active)) || llvm::any_of(captured, isIn(active)));
    bool canOverflow = isUnbounded(&op) || llvm::any_of(op.getOperands(), isIn(unbounded));
    for (Value result : op.getResults()) {
      if (isActive && arrayType(result).isFloat() && !isa<StopOp>(op))
        active.insert(result);
      if (canOverflow)
        unbounded.insert(result);
    }
  }
}

Type ReverseSweep::cotangentElement(Value value) const {
  ArrayType type = arrayType(value);
  if (type.isScalar())
    return Float64Type::get(value.getContext());
  if (type.getElementType().getIntOrFloatBitWidth() < 32)
    return Float32Type::get(value.getContext());
  return type.getElementType();
}

/// `dy` is the cotangent of the op's result.
void ReverseSweep::add(Operation *from, Value operand, Value contribution, Cotangent dy) {
  if (!active.contains(operand) || getFill(contribution) == 0.0)
    return;
  contribution = buildCast(builder, from->getLoc(), contribution, cotangentElement(operand));
  bool isMasked = dy.isMasked || chooses(from), isWhere = dy.isWhere || isa<SelectOp>(from);
  auto [at, isFirst] = cotangents.try_emplace(operand, Cotangent{contribution, isMasked, isWhere});
  if (isFirst) {
    cameFrom.try_emplace(operand, from);
    return;
  }
  at->second.value = AddOp::create(builder, from->getLoc(), at->second.value, contribution);
  at->second.isMasked |= isMasked;
  at->second.isWhere |= isWhere;
}

/// Whether an infinity or a NaN may meet a cotangent of 0 in an op.
bool ReverseSweep::needsGuard(Operation *op, Cotangent dy) const {
  if (!dy.isMasked)
    return false;
  return dy.isWhere || isUnbounded(op) || llvm::any_of(op->getOperands(), [&](Value value) { return unbounded.contains(value); });
}

/// `contribution`, but 0 where it is NaN for t = 0: 0 * inf. A contribution that is a number for t = 0 has a derivative of its own, which
/// must stay: t may be 0 by chance.
Value ReverseSweep::guard(Location loc, Value t, Value contribution) {
  t = buildCast(builder, loc, t, arrayType(contribution).getElementType());
  Value zero = buildFill(builder, loc, t.getType(), 0.0);
  Value isZero = CompareOp::create(builder, loc, ComparePredicate::Eq, t, zero);
  Value isNan = CompareOp::create(builder, loc, ComparePredicate::Ne, contribution, contribution);
  return SelectOp::create(builder, loc, AndOp::create(builder, loc, isZero, isNan), zero, contribution);
}

LogicalResult ReverseSweep::visitElementwise(Operation *op, Cotangent dy) {
  Value result = op->getResult(0);
  Value t = buildCast(builder, op->getLoc(), dy.value, arrayType(result).getElementType());
  for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
    if (!active.contains(operand))
      continue;
    Value contribution = table.apply(builder, result, t, index);
    if (!contribution)
      return failure();
    if (needsGuard(op, dy) && getFill(contribution) != 0.0 && !hasFinitePartial(op, index))
      contribution = guard(op->getLoc(), t, contribution);
    add(op, operand, contribution, dy);
  }
  return success();
}

LogicalResult ReverseSweep::visit(Operation *op, Cotangent dy) {
  if (op->hasTrait<Pointwise>() && !isa<CastOp>(op))
    return visitElementwise(op, dy);
  RuleResult result = applyRule(op, dy, [&](ReverseContext &context) {
    bool isDone = applyShapeRule(op, dy.value, context) == RuleResult::Done || applyReduceRule(op, dy.value, context) == RuleResult::Done ||
                  applyOrderRule(op, dy.value, context) == RuleResult::Done;
    return isDone ? RuleResult::Done : RuleResult::NoRule;
  });
  return success(result == RuleResult::Done);
}

RuleResult ReverseSweep::applyRule(Operation *op, Cotangent dy, llvm::function_ref<RuleResult(ReverseContext &)> rule) {
  auto addTo = [&](Value operand, Value contribution) { add(op, operand, contribution, dy); };
  auto needs = [&](Value operand) { return active.contains(operand); };
  auto guardBy = [&](Value t, Value contribution) { return guard(op->getLoc(), t, contribution); };
  // A contraction guarded product by product is slow, so that one of inputs takes them to be finite.
  bool isGuarded = needsGuard(op, isa<ContractOp>(op) ? Cotangent{dy.value, dy.isMasked} : dy);
  ReverseContext context{builder, op->getLoc(), addTo, needs, isGuarded ? llvm::function_ref<Value(Value, Value)>(guardBy) : nullptr};
  return rule(context);
}

/// Of several results any may have a cotangent.
LogicalResult ReverseSweep::visitSeveral(Operation *op) {
  SmallVector<Value> all;
  Cotangent dy;
  for (Value result : op->getResults()) {
    Cotangent own = cotangents.lookup(result);
    all.push_back(own.value);
    dy.isMasked |= own.isMasked;
    dy.isWhere |= own.isWhere;
  }
  RuleResult result = applyRule(op, dy, [&](ReverseContext &context) {
    auto fft = dyn_cast<FftOp>(op);
    return fft ? applyFftRule(fft, all, context) : applyLinearAlgebraRule(op, all, context);
  });
  return success(result == RuleResult::Done);
}

/// Copies the op's own derivative behind what is there. Its results stand for themselves in it: they have a derivative in their turn.
LogicalResult ReverseSweep::visitCustom(CustomOp op) {
  if (failed(expandAll(op.getDerivative(), table)))
    return failure();
  Location loc = op.getLoc();
  Cotangent all;
  SmallVector<Value> given(op.getXs());
  llvm::append_range(given, op.getYs());
  for (Value y : op.getYs()) {
    if (!arrayType(y).isFloat())
      continue;
    Cotangent dy = cotangents.lookup(y);
    all.isMasked |= dy.isMasked;
    all.isWhere |= dy.isWhere;
    given.push_back(dy.value ? buildCast(builder, loc, dy.value, arrayType(y).getElementType()) : buildFill(builder, loc, y.getType(), 0.0));
  }
  IRMapping mapping;
  mapping.map(op.getDerivative().getArguments(), given);
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op.getDerivative(), captured);
  for (Value value : captured)
    if (arrayType(value).isFloat())
      mapping.map(value, StopOp::create(builder, loc, value));
  Block &block = op.getDerivative().front();
  for (Operation &inner : block.without_terminator())
    builder.clone(inner, mapping);
  auto yielded = block.getTerminator()->getOperands().begin();
  for (Value x : op.getXs())
    if (arrayType(x).isFloat())
      add(op, x, mapping.lookupOrDefault(*yielded++), all);
  return success();
}

LogicalResult ReverseSweep::emitNoDerivative(Operation *op) {
  auto implicit = op->getAttrOfType<StringAttr>("implicit");
  InFlightDiagnostic error = op->emitError("G0850: no derivative of ");
  if (implicit)
    error << implicit.getValue();
  else
    error << "'" << op->getName() << "'";
  if (!implicit && op->getNumRegions() != 0)
    error << " in reverse: not built yet";
  SmallVector<Operation *> path; // from the op to the loss
  for (Operation *step = op; step;) {
    Operation *next = nullptr;
    for (Value result : step->getResults())
      if (Operation *from = cameFrom.lookup(result))
        next = from;
    if (next)
      path.push_back(next);
    step = next;
  }
  for (Operation *step : llvm::reverse(path)) {
    if (isa<YieldOp>(step))
      error.attachNote(grad.getLoc()) << "the gradient is asked for here";
    else
      error.attachNote(step->getLoc()) << "which goes through '" << step->getName() << "'";
  }
  error.attachNote(op->getLoc()) << "and needs the derivative of '" << op->getName() << "'; 'stop' makes it a constant";
  return failure();
}

FailureOr<SmallVector<Value>> ReverseSweep::run() {
  findActive();
  Block &body = grad.getBody().front();
  Operation *yield = body.getTerminator();
  SmallVector<Operation *> ops;
  for (Operation &op : body.without_terminator())
    ops.push_back(&op);
  Value one = ConstantOp::create(builder, yield->getLoc(), 1.0, builder.getF64Type());
  add(yield, yield->getOperand(0), one, {});

  for (Operation *op : llvm::reverse(ops)) {
    auto hasCotangent = [&](Value result) { return cotangents.contains(result); };
    if (llvm::none_of(op->getResults(), hasCotangent))
      continue;
    // The other result of a sort is an order, which carries no derivative.
    if (auto custom = dyn_cast<CustomOp>(op)) {
      if (custom->hasAttr("implicit"))
        return emitNoDerivative(op);
      if (failed(visitCustom(custom)))
        return failure();
      continue;
    }
    bool hasOneFloat = op->getNumResults() == 1 || isa<SortOp>(op);
    if (failed(hasOneFloat ? visit(op, cotangents.lookup(op->getResult(0))) : visitSeveral(op)))
      return emitNoDerivative(op);
  }

  SmallVector<Value> gradients;
  for (Value argument : body.getArguments()) {
    Value gradient = cotangents.lookup(argument).value;
    if (!gradient) // the loss does not depend on it
      gradient = buildFill(builder, grad.getLoc(), argument.getType(), 0.0);
    gradients.push_back(buildCast(builder, grad.getLoc(), gradient, arrayType(argument).getElementType()));
  }
  return gradients;
}

/// Replaces `grad` by the ops of its region and those of its gradients.
static LogicalResult expand(GradOp grad, const DerivativeTable &table) {
  FailureOr<SmallVector<Value>> gradients = ReverseSweep(grad, table).run();
  if (failed(gradients))
    return failure();
  Block &body = grad.getBody().front();
  SmallVector<Value> results{body.getTerminator()->getOperand(0)};
  llvm::append_range(results, *gradients);
  for (auto [argument, value] : llvm::zip_equal(body.getArguments(), grad.getWrt())) {
    argument.replaceAllUsesWith(value);
    for (Value &result : results)
      if (result == argument)
        result = value;
  }
  body.getTerminator()->erase();
  grad->getBlock()->getOperations().splice(grad->getIterator(), body.getOperations());
  grad->replaceAllUsesWith(results);
  grad.erase();
  return success();
}

/// Gradients in a derivative of one's own wait until someone asks for it: it may never be, and need not have a derivative itself.
static bool isAskedFor(GradOp grad, Region &within) {
  for (Region *region = grad->getParentRegion(); region != &within; region = region->getParentRegion())
    if (auto custom = dyn_cast<CustomOp>(region->getParentOp()); custom && region == &custom.getDerivative())
      return false;
  return true;
}

namespace {
LogicalResult expandAll(Region &region, const DerivativeTable &table) {
  SmallVector<GradOp> grads;
  region.walk([&](GradOp grad) {
    if (isAskedFor(grad, region))
      grads.push_back(grad);
  });
  for (GradOp grad : grads)
    if (failed(expand(grad, table)))
      return failure(); // an outer gradient would only report the same op again
  return success();
}

struct Differentiate : impl::DifferentiateBase<Differentiate> {
  using Base::Base;
  void runOnOperation() override {
    if (!getOperation()->walk([](GradOp) { return WalkResult::interrupt(); }).wasInterrupted())
      return markAllAnalysesPreserved();
    DerivativeTable table(&getContext());
    if (failed(expandAll(getOperation()->getRegion(0), table)))
      signalPassFailure();
  }
};
} // namespace

} // namespace gradus
