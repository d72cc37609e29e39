//===- ForwardSweep.cpp - Tangents of the values of one region -----------------===//

#include "passes/diff/ForwardSweep.h"
#include "dialect/Jvp.h"
#include "passes/diff/OpDerivatives.h"

#include "mlir/Transforms/RegionUtils.h"

#include <utility>

using namespace mlir;

namespace gradus {

//===----------------------------------------------------------------------===//
// What rules work with
//===----------------------------------------------------------------------===//

ArrayType ForwardContext::behind(ArrayType type) const { return putBehind(seeds, type); }

SmallVector<int64_t> ForwardContext::axesBehind(ArrayRef<int64_t> axes) const {
  return llvm::map_to_vector(axes, [&](int64_t axis) { return axis + shift(); });
}

Value ForwardContext::wide(Value x) {
  ArrayType type = arrayType(x);
  return seeds ? buildBroadcast(builder, loc, x, behind(type), llvm::to_vector(llvm::seq<int64_t>(1, type.getRank() + 1))) : x;
}

Value ForwardContext::orZero(Value operand, Type element) {
  Value t = tangent(operand);
  return t ? toElement(t, element) : buildFill(builder, loc, behind(arrayType(operand).withElement(element)), 0.0);
}

ForwardContext ForwardSweep::contextOf(Operation *op, llvm::function_ref<Value(Value, Value)> guardBy, llvm::function_ref<Value(Value)> tangent) {
  return {{*builder, op->getLoc(), guardBy, activity.unbounded}, seeds, tangent};
}

ArrayType ForwardSweep::tangentType(Value value) const { return putBehind(seeds, ReverseSweep::cotangentType(value)); }

Value ForwardSweep::orZero(Value value, OpBuilder &at) {
  Value known = lookup(value).value;
  return known ? known : buildFill(at, value.getLoc(), tangentType(value), 0.0);
}

//===----------------------------------------------------------------------===//
// Flags and guards
//===----------------------------------------------------------------------===//

static void merge(Tangent &flags, Tangent other) {
  flags.isMasked |= other.isMasked;
  flags.isWhere |= other.isWhere;
}

Tangent ForwardSweep::flagsOf(Operation *op) const {
  llvm::SetVector<Value> inputs(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), inputs);
  Tangent flags;
  for (Value input : inputs)
    merge(flags, lookup(input));
  return flags;
}

Tangent ForwardSweep::flagsOfPasses(Operation *op, ValueRange init) const {
  Tangent flags = flagsOf(op);
  flags.isMasked |= llvm::any_of(init, [&](Value value) { return !lookup(value).value; });
  op->walk([&](Operation *inner) { flags.isMasked |= inner != op && choosesValue(inner); });
  return flags;
}

/// A partial that is NaN for other reasons comes with a value that is NaN: here, unlike in reverse, a where makes no difference.
bool ForwardSweep::needsGuard(Operation *op, Tangent t) const {
  if (!t.isMasked)
    return false;
  return isUnbounded(op) || llvm::any_of(op->getOperands(), [&](Value value) { return activity.unbounded.contains(value); });
}

void ForwardSweep::give(Operation *op, Value result, Value tangent, Tangent flags) {
  if (!tangent)
    return;
  flags.value = buildCast(*builder, op->getLoc(), tangent, tangentType(result).getElementType());
  flags.isMasked |= choosesValue(op);
  flags.isWhere = false;
  set(result, flags);
  auto moves = [&](Value operand) { return lookup(operand).value != nullptr; };
  auto through = llvm::find_if(op->getOperands(), moves);
  cameFrom.try_emplace(result, Step{op->getName(), op->getLoc(), through == op->operand_end() ? Value() : Value(*through)});
}

//===----------------------------------------------------------------------===//
// Elementwise ops
//===----------------------------------------------------------------------===//

static bool isSameCondition(Value a, Value b) {
  auto x = a.getDefiningOp<CompareOp>(), y = b.getDefiningOp<CompareOp>();
  return a == b || (x && y && x.getPredicate() == y.getPredicate() && x.getA() == y.getA() && x.getB() == y.getB());
}

/// p + q. Where a row chooses p, and another one q where that is not chosen, it is one choice; -q is taken away, and what is divided by the
/// same number is added up first.
static Value buildSum(OpBuilder &builder, Location loc, Value p, Value q) {
  auto a = p.getDefiningOp<SelectOp>(), b = q.getDefiningOp<SelectOp>();
  if (a && b && isSameCondition(a.getC(), b.getC()) && getFill(a.getB()) == 0.0 && getFill(b.getA()) == 0.0)
    return SelectOp::create(builder, loc, a.getC(), a.getA(), b.getB());
  auto negated = q.getDefiningOp<NegOp>();
  Value term = negated ? negated.getX() : q;
  auto over = p.getDefiningOp<DivOp>(), below = term.getDefiningOp<DivOp>();
  bool isOneQuotient = over && below && over.getB() == below.getB();
  Value x = isOneQuotient ? over.getA() : p, y = isOneQuotient ? below.getA() : term;
  Value sum = negated ? SubOp::create(builder, loc, x, y).getResult() : AddOp::create(builder, loc, x, y).getResult();
  return isOneQuotient ? DivOp::create(builder, loc, sum, over.getB()).getResult() : sum;
}

/// The sum over the operands of the rows of the table.
LogicalResult ForwardSweep::visitElementwise(Operation *op) {
  Value result = op->getResult(0), primal = result, sum;
  ForwardContext context = contextOf(op, nullptr, nullptr);
  if (seeds) { // the same op for each direction: simplification computes it once
    IRMapping mapping;
    for (Value operand : op->getOperands())
      mapping.map(operand, context.wide(operand));
    Operation *copy = builder->clone(*op, mapping);
    copy->getResult(0).setType(context.behind(arrayType(result)));
    primal = copy->getResult(0);
  }
  Tangent flags;
  for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
    Tangent own = lookup(operand);
    if (!own.value)
      continue;
    Value t = buildCast(*builder, op->getLoc(), own.value, arrayType(result).getElementType());
    Value contribution = table.apply(*builder, primal, t, index);
    if (!contribution)
      return failure();
    if (getFill(contribution) == 0.0)
      continue;
    flags.isMasked = own.isMasked && (!sum || flags.isMasked); // a sum is 0 by choice where all of it is
    bool isTimesFinite = isa<MulOp>(op) && !activity.unbounded.contains(op->getOperand(1 - index));
    if (needsGuard(op, own) && !isTimesFinite && !hasFinitePartial(op, index))
      contribution = guardContribution(*builder, op->getLoc(), t, contribution);
    sum = sum ? buildSum(*builder, op->getLoc(), sum, contribution) : contribution;
  }
  give(op, result, sum, flags);
  return success();
}

//===----------------------------------------------------------------------===//
// All ops
//===----------------------------------------------------------------------===//

LogicalResult ForwardSweep::visitByRule(Operation *op) {
  auto guardBy = [&](Value t, Value contribution) { return guardContribution(*builder, op->getLoc(), t, contribution); };
  auto tangent = [&](Value operand) { return lookup(operand).value; };
  Tangent flags = flagsOf(op);
  bool isGuarded = needsGuard(op, flags);
  if (auto product = dyn_cast<ContractOp>(op)) { // guarded product by product it is slow: only where a factor that can overflow meets a tangent
    Tangent a = lookup(product.getA()), b = lookup(product.getB());
    auto meets = [&](Tangent moving, Value other) { return moving.value && moving.isMasked && activity.unbounded.contains(other); };
    isGuarded = meets(a, product.getB()) || meets(b, product.getA());
    flags.isMasked = (!a.value || a.isMasked) && (!b.value || b.isMasked);
  }
  ForwardContext context = contextOf(op, isGuarded ? llvm::function_ref<Value(Value, Value)>(guardBy) : nullptr, tangent);
  for (auto rule : {applyForwardShapeRule, applyForwardReduceRule, applyForwardLinearAlgebraRule}) {
    ForwardRule found = rule(op, context);
    if (failed(found))
      continue;
    for (auto [result, value] : llvm::zip_equal(op->getResults(), *found))
      give(op, result, value, flags);
    return success();
  }
  return failure();
}

LogicalResult ForwardSweep::emitNoDerivative(Operation *op) {
  SmallVector<Step> path;
  auto moves = [&](Value operand) { return lookup(operand).value != nullptr; };
  auto first = llvm::find_if(op->getOperands(), moves);
  for (Value value = first == op->operand_end() ? Value() : Value(*first); value;) {
    auto step = cameFrom.find(value);
    if (step == cameFrom.end())
      break;
    path.push_back(step->second);
    value = step->second.through;
  }
  return emitNoDerivativeOf(op, [&](InFlightDiagnostic &error) {
    if (auto jvp = op->getParentOfType<JvpOp>())
      error.attachNote(jvp.getLoc()) << "the derivative is asked for here";
    for (const Step &step : llvm::reverse(path))
      error.attachNote(step.loc) << "which goes through '" << step.name << "'";
  });
}

SmallVector<std::pair<Value, Tangent>> ForwardSweep::spoilTangents(Operation *op) {
  SmallVector<std::pair<Value, Tangent>> sound;
  if (table.isSound() || getDerivativeKind(op) == DerivativeKind::Row) // rows are spoilt by the table
    return sound;
  llvm::SetVector<Value> inputs(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), inputs);
  for (Value input : inputs) {
    Tangent own = lookup(input);
    Value wrong = own.value ? table.spoil(*builder, op, findOperand(op, input), own.value) : Value();
    if (wrong == own.value)
      continue;
    sound.emplace_back(input, own);
    set(input, {wrong, own.isMasked, own.isWhere});
  }
  return sound;
}

LogicalResult ForwardSweep::visitRegions(Operation *op) {
  if (auto loop = dyn_cast<LoopOp>(op))
    return visitLoop(loop);
  if (auto choice = dyn_cast<IfOp>(op))
    return visitIf(choice);
  if (auto every = dyn_cast<EveryOp>(op))
    return visitEvery(every);
  if (auto scan = dyn_cast<ScanOp>(op))
    return visitScan(scan);
  if (auto custom = dyn_cast<CustomOp>(op))
    return custom->hasAttr("exact") ? visitExact(custom) : custom->hasAttr("implicit") ? emitNoDerivative(op) : visitCustom(custom);
  return emitNoDerivative(op);
}

LogicalResult ForwardSweep::visit(Operation *op) {
  // What could move need not: behind a step the tangent is 0.
  auto moves = [&](Value operand) { return lookup(operand).value != nullptr; };
  if (op->getNumRegions() == 0 && llvm::none_of(op->getOperands(), moves))
    return success();
  for (unsigned operand = 0; operand <= op->getNumOperands(); ++operand)
    if (getDerivativeKind(op) != DerivativeKind::Row && table.isMissing(op, operand))
      return emitNoDerivative(op);
  SmallVector<std::pair<Value, Tangent>> sound = spoilTangents(op);
  LogicalResult isDone = failure();
  switch (getDerivativeKind(op)) {
  case DerivativeKind::Row:
    isDone = visitElementwise(op);
    break;
  case DerivativeKind::Linear:
  case DerivativeKind::Rule:
    isDone = visitByRule(op);
    break;
  case DerivativeKind::Region:
    if (failed(visitRegions(op)))
      return failure();
    isDone = success();
    break;
  case DerivativeKind::Inactive:
  case DerivativeKind::None:
  case DerivativeKind::Structure:
    break;
  }
  for (auto [value, tangent] : sound)
    set(value, tangent);
  return succeeded(isDone) ? success() : emitNoDerivative(op);
}

LogicalResult ForwardSweep::run(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator())) {
    if (llvm::none_of(op.getResults(), [&](Value result) { return activity.active.contains(result); }))
      continue;
    OpBuilder behind(op.getContext());
    behind.setInsertionPointAfter(&op);
    OpBuilder *around = std::exchange(builder, &behind);
    LogicalResult isDone = visit(&op);
    builder = around;
    if (failed(isDone))
      return failure();
  }
  return success();
}

} // namespace gradus
