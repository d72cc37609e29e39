//===- ReverseSweep.cpp - Cotangents of the values of one block ----------------===//

#include "passes/diff/ReverseSweep.h"

#include "mlir/Transforms/RegionUtils.h"

#include <cmath>

using namespace mlir;

namespace gradus {

bool hasFinitePartial(Operation *op, unsigned operand) {
  if (auto mul = dyn_cast<MulOp>(op))
    return std::isfinite(getFill(operand == 0 ? mul.getB() : mul.getA()).value_or(NAN));
  if (auto div = dyn_cast<DivOp>(op))
    return operand == 0 && std::isnormal(getFill(div.getB()).value_or(0.0));
  return isa<AddOp, SubOp, NegOp, MaxOp, MinOp, SelectOp>(op);
}

/// Whether a derivative of one's own, or its function, has an op that `isIt`.
static bool holds(CustomOp op, llvm::function_ref<bool(Operation *)> isIt) {
  return op->walk([&](Operation *inner) { return inner != op && isIt(inner) ? WalkResult::interrupt() : WalkResult::advance(); }).wasInterrupted();
}

bool choosesValue(Operation *op) {
  if (auto custom = dyn_cast<CustomOp>(op))
    return holds(custom, choosesValue);
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return reduce.getKind() == ReductionKind::Max || reduce.getKind() == ReductionKind::Min;
  if (auto cumulate = dyn_cast<CumulateOp>(op))
    return cumulate.getKind() == ReductionKind::Max || cumulate.getKind() == ReductionKind::Min;
  return isa<AbsOp, Atan2Op, EveryOp, HypotOp, IfOp, MaxOp, MinOp, SelectOp>(op);
}

static bool isWhereChoice(Operation *op) {
  auto custom = dyn_cast<CustomOp>(op);
  return isa<EveryOp, IfOp, SelectOp>(op) || (custom && holds(custom, llvm::IsaPred<EveryOp, IfOp, SelectOp>));
}

/// A copy of `op`; of one that stands for the gradus.custom in whose derivative it is, that op on other operands.
static Operation *copyOp(Operation &op, IRMapping &mapping, OpBuilder &builder) {
  if (!isa<CustomOp>(op) || !op.hasAttr("again"))
    return builder.clone(op, mapping);
  Operation *copy = builder.clone(*op.getParentOp());
  copy->setOperands(llvm::map_to_vector(op.getOperands(), [&](Value x) { return mapping.lookupOrDefault(x); }));
  mapping.map(op.getResults(), copy->getResults());
  return copy;
}

SmallVector<Operation *> copyOps(Block &block, IRMapping &mapping, OpBuilder &builder) {
  SmallVector<Operation *> copies;
  for (Operation &op : block.without_terminator())
    copies.push_back(copyOp(op, mapping, builder));
  return copies;
}

ArrayType ReverseSweep::cotangentType(Value value) {
  ArrayType type = arrayType(value);
  if (type.isScalar())
    return type.withElement(Float64Type::get(value.getContext()));
  if (type.isBlocks() || type.getElementType().getIntOrFloatBitWidth() < 32)
    return type.withElement(Float32Type::get(value.getContext()));
  return type;
}

/// Whether a sum begins with what a loop carries and goes on by scatters alone.
static bool isCarriedSum(Value sum) {
  while (auto scatter = sum.getDefiningOp<ScatterAddOp>())
    sum = scatter.getX();
  auto argument = dyn_cast<BlockArgument>(sum);
  return argument && isa<LoopOp>(argument.getOwner()->getParentOp());
}

unsigned findOperand(Operation *op, Value value) {
  return std::distance(op->operand_begin(), llvm::find(op->getOperands(), value));
}

void ReverseSweep::add(Operation *from, Value operand, Value contribution, Cotangent dy) {
  if (!activity.active.contains(operand) || getFill(contribution) == 0.0)
    return;
  contribution = buildCast(builder, from->getLoc(), contribution, cotangentType(operand).getElementType());
  if (getDerivativeKind(from) != DerivativeKind::Row) // a row has it from the table
    contribution = table.spoil(builder, from, findOperand(from, operand), contribution);
  bool isMasked = dy.isMasked || choosesValue(from), isWhere = dy.isWhere || isWhereChoice(from);
  auto [at, isFirst] = cotangents.try_emplace(operand, Cotangent{contribution, isMasked, isWhere});
  if (isFirst) {
    cameFrom.try_emplace(operand, from);
    return;
  }
  // In a pass of a loop the elements that a pass reads are added where the sum lies: there is no array of zeros in each pass. The contribution
  // itself stays, for it may be that of another operand too.
  auto scatter = contribution.getDefiningOp<ScatterAddOp>();
  if (scatter && getFill(scatter.getX()) == 0.0 && isCarriedSum(at->second.value)) {
    Value sum = at->second.value;
    at->second.value = ScatterAddOp::create(builder, from->getLoc(), sum.getType(), sum, scatter.getIndices(), scatter.getUpdates(), scatter.getInBounds());
  } else {
    at->second.value = AddOp::create(builder, from->getLoc(), at->second.value, contribution);
  }
  cameFrom.try_emplace(operand, from);
  at->second.isMasked &= isMasked; // what no choice can make 0 meets the partial as it is
  at->second.isWhere |= isWhere;
}

/// Whether an infinity or a NaN may meet a cotangent of 0 in an op.
bool ReverseSweep::needsGuard(Operation *op, Cotangent dy) const {
  if (!dy.isMasked)
    return false;
  return dy.isWhere || isUnbounded(op) || llvm::any_of(op->getOperands(), [&](Value value) { return activity.unbounded.contains(value); });
}

/// A contribution that is a number for t = 0 has a derivative of its own, which must stay: t may be 0 by chance.
Value guardContribution(OpBuilder &builder, Location loc, Value t, Value contribution) {
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
    if (!activity.active.contains(operand))
      continue;
    Value contribution = table.apply(builder, result, t, index);
    if (!contribution)
      return failure();
    bool isTimesFinite = isa<MulOp>(op) && !dy.isWhere && !activity.unbounded.contains(op->getOperand(1 - index));
    if (needsGuard(op, dy) && !isTimesFinite && getFill(contribution) != 0.0 && !hasFinitePartial(op, index))
      contribution = guardContribution(builder, op->getLoc(), t, contribution);
    add(op, operand, contribution, dy);
  }
  return success();
}

LogicalResult ReverseSweep::visitOne(Operation *op, Cotangent dy) {
  RuleResult result = applyRule(op, dy, [&](ReverseContext &context) {
    bool isDone = applyShapeRule(op, dy.value, context) == RuleResult::Done || applyReduceRule(op, dy.value, context) == RuleResult::Done ||
                  applyOrderRule(op, dy.value, context) == RuleResult::Done;
    return isDone ? RuleResult::Done : RuleResult::NoRule;
  });
  return success(result == RuleResult::Done);
}

RuleResult ReverseSweep::applyRule(Operation *op, Cotangent dy, llvm::function_ref<RuleResult(ReverseContext &)> rule) {
  auto addTo = [&](Value operand, Value contribution) { add(op, operand, contribution, dy); };
  auto needs = [&](Value operand) { return activity.active.contains(operand); };
  auto guardBy = [&](Value t, Value contribution) { return guardContribution(builder, op->getLoc(), t, contribution); };
  // A contraction guarded product by product is slow, so that one of inputs takes them to be finite.
  bool isGuarded = needsGuard(op, isa<ContractOp>(op) ? Cotangent{dy.value, dy.isMasked} : dy);
  ReverseContext context{{builder, op->getLoc(), isGuarded ? llvm::function_ref<Value(Value, Value)>(guardBy) : nullptr, activity.unbounded}, addTo, needs};
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
  if (failed(expandGradients(op.getDerivative(), table)))
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
    if (arrayType(value).isFloat() && !getFill(value)) // behind a number there is nothing
      mapping.map(value, StopOp::create(builder, loc, value));
  Block &block = op.getDerivative().front();
  // What it makes of the cotangents is linear in them: a product with one that is 0 is 0, where a choice may have made it so.
  auto cotangentArguments = block.getArguments().drop_front(op->getNumOperands() + op->getNumResults());
  DenseSet<Value> linear(cotangentArguments.begin(), cotangentArguments.end());
  auto isLinear = [&](Value operand) { return linear.contains(operand); };
  for (Operation &inner : block.without_terminator()) {
    Operation *copy = copyOp(inner, mapping, builder);
    if (llvm::none_of(inner.getOperands(), isLinear))
      continue;
    linear.insert(inner.result_begin(), inner.result_end());
    bool isProduct = isa<MulOp>(inner) || (isa<DivOp>(inner) && isLinear(inner.getOperand(0)));
    if (isProduct && needsGuard(op, all))
      mapping.map(inner.getResult(0), guardContribution(builder, loc, copy->getOperand(isLinear(inner.getOperand(0)) ? 0 : 1), copy->getResult(0)));
  }
  auto yielded = block.getTerminator()->getOperands().begin();
  for (Value x : op.getXs())
    if (arrayType(x).isFloat())
      add(op, x, mapping.lookupOrDefault(*yielded++), all);
  return success();
}

LogicalResult emitNoDerivativeOf(Operation *op, llvm::function_ref<void(InFlightDiagnostic &)> notePath) {
  auto implicit = op->getAttrOfType<StringAttr>("implicit");
  InFlightDiagnostic error = op->emitError("G0850: no derivative of ");
  if (implicit)
    error << implicit.getValue();
  else
    error << "'" << op->getName() << "'";
  notePath(error);
  error.attachNote(op->getLoc()) << "and needs the derivative of '" << op->getName() << "'; 'stop' makes it a constant";
  return failure();
}

LogicalResult ReverseSweep::emitNoDerivative(Operation *op) {
  return emitNoDerivativeOf(op, [&](InFlightDiagnostic &error) { notePath(error, op); });
}

void ReverseSweep::notePath(InFlightDiagnostic &error, Operation *op) {
  SmallVector<Operation *> path; // from the op to what the block yields
  for (Operation *step = op; step;) {
    Operation *next = nullptr;
    for (Value result : step->getResults())
      if (Operation *from = cameFrom.lookup(result))
        next = from;
    if (next)
      path.push_back(next);
    step = next;
  }
  if (outer) {
    outer->notePath(error, around);
    error.attachNote(around->getLoc()) << "which goes through '" << around->getName() << "'";
  }
  for (Operation *step : llvm::reverse(path)) {
    if (!isa<YieldOp>(step))
      error.attachNote(step->getLoc()) << "which goes through '" << step->getName() << "'";
    else if (!outer)
      error.attachNote(step->getParentOp()->getLoc()) << "the gradient is asked for here";
  }
}

LogicalResult ReverseSweep::visitRegions(Operation *op) {
  if (auto loop = dyn_cast<LoopOp>(op))
    return visitLoop(loop);
  if (auto every = dyn_cast<EveryOp>(op))
    return visitEvery(every);
  if (auto choice = dyn_cast<IfOp>(op))
    return visitIf(choice);
  if (auto scan = dyn_cast<ScanOp>(op))
    return visitScan(scan);
  auto custom = dyn_cast<CustomOp>(op);
  return custom && !custom->hasAttr("implicit") ? visitCustom(custom) : emitNoDerivative(op);
}

LogicalResult ReverseSweep::visit(Operation *op) {
  for (unsigned operand = 0; operand <= op->getNumOperands(); ++operand)
    if (getDerivativeKind(op) != DerivativeKind::Row && table.isMissing(op, operand))
      return emitNoDerivative(op);
  // The other result of a sort is an order, which carries no derivative.
  bool hasOneFloat = op->getNumResults() == 1 || isa<SortOp>(op);
  LogicalResult isDone = failure();
  switch (getDerivativeKind(op)) {
  case DerivativeKind::Row:
    isDone = visitElementwise(op, lookup(op->getResult(0)));
    break;
  case DerivativeKind::Linear:
  case DerivativeKind::Rule:
    isDone = hasOneFloat ? visitOne(op, lookup(op->getResult(0))) : visitSeveral(op);
    break;
  case DerivativeKind::Region:
    return visitRegions(op);
  case DerivativeKind::Inactive:
  case DerivativeKind::None:
  case DerivativeKind::Structure:
    break;
  }
  return succeeded(isDone) ? success() : emitNoDerivative(op);
}

LogicalResult ReverseSweep::run(ArrayRef<Operation *> ops) {
  auto hasCotangent = [&](Value result) { return cotangents.contains(result); };
  LogicalResult isDone = success();
  for (Operation *op : llvm::reverse(ops))
    if (succeeded(isDone) && llvm::any_of(op->getResults(), hasCotangent))
      isDone = visit(op);
  for (Operation *op : replaced)
    op->erase();
  replaced.clear();
  return isDone;
}

} // namespace gradus
