//===- Loops.cpp - How often the loops of a kernel go round -------------------------===//

#include "passes/gpu/Loops.h"
#include "passes/lower/Steps.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;

namespace gradus {

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

StepBound StepBound::ofSize(Attribute symbol) {
  StepBound bound;
  bound.formula = [symbol](Evaluator &evaluator) {
    return arith::SIToFPOp::create(evaluator.code, evaluator.code.getF64Type(), evaluator.sizeOf(symbol)).getResult();
  };
  return bound;
}

Value StepBound::emit(Evaluator &evaluator) const { return constant ? evaluator.code.number(evaluator.code.getF64Type(), *constant) : formula(evaluator); }

/// Of two bounds that are known: numbers at once, else a formula.
static StepBound::Formula combine(const StepBound &a, const StepBound &b, Value (*emit)(CodeBuilder &, Value, Value)) {
  return [a, b, emit](Evaluator &evaluator) {
    Value left = a.emit(evaluator), right = b.emit(evaluator);
    return emit(evaluator.code, left, right);
  };
}

template <typename Op>
static Value create(CodeBuilder &code, Value a, Value b) {
  return Op::create(code, a, b).getResult();
}

StepBound operator+(const StepBound &a, const StepBound &b) {
  if (!a.isKnown() || !b.isKnown())
    return {};
  if (a.constant && b.constant)
    return *a.constant + *b.constant;
  StepBound sum;
  sum.formula = combine(a, b, create<arith::AddFOp>);
  return sum;
}

StepBound operator*(const StepBound &a, const StepBound &b) {
  for (const StepBound *factor : {&a, &b})
    if (factor->constant && *factor->constant == 0)
      return 0;
  if (!a.isKnown() || !b.isKnown())
    return {};
  if (a.constant && b.constant)
    return *a.constant * *b.constant;
  StepBound product;
  product.formula = combine(a, b, create<arith::MulFOp>);
  return product;
}

StepBound operator/(const StepBound &a, double b) { return a * StepBound(1 / b); }

StepBound most(const StepBound &a, const StepBound &b) {
  if (!a.isKnown() || !b.isKnown())
    return {};
  if (a.constant && b.constant)
    return std::max(*a.constant, *b.constant);
  StepBound larger;
  larger.formula = combine(a, b, create<arith::MaximumFOp>);
  return larger;
}

StepBound least(const StepBound &a, const StepBound &b) {
  if (!a.isKnown() || !b.isKnown())
    return a.isKnown() ? a : b;
  if (a.constant && b.constant)
    return std::min(*a.constant, *b.constant);
  if (a.constant || b.constant) // a number needs no check at the call
    return a.constant ? a : b;
  StepBound smaller;
  smaller.formula = combine(a, b, create<arith::MinimumFOp>);
  return smaller;
}

//===----------------------------------------------------------------------===//
// The code of a kernel
//===----------------------------------------------------------------------===//

static constexpr StringLiteral sizeAttribute = "gradus.size";

void markSize(Value value, Attribute symbol) {
  if (Operation *op = value.getDefiningOp())
    op->setAttr(sizeAttribute, symbol);
}

static Attribute getSize(Value value) {
  Operation *op = value.getDefiningOp();
  return op ? op->getAttr(sizeAttribute) : Attribute();
}

static bool isNonNegative(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op) { // an induction variable counts up
    auto loop = dyn_cast<scf::ForOp>(value.getParentBlock()->getParentOp());
    return loop && value == loop.getInductionVar() && isNonNegative(loop.getLowerBound());
  }
  if (IntegerAttr constant; matchPattern(value, m_Constant(&constant)))
    return !constant.getValue().isNegative();
  if (getSize(value) || isa<gpu::ThreadIdOp>(op))
    return true;
  if (isa<arith::AddIOp, arith::MulIOp, arith::DivUIOp, arith::DivSIOp, arith::RemUIOp, arith::MinSIOp, arith::IndexCastOp>(op))
    return llvm::all_of(op->getOperands(), isNonNegative);
  if (isa<arith::MaxSIOp>(op))
    return llvm::any_of(op->getOperands(), isNonNegative);
  auto choice = dyn_cast<arith::SelectOp>(op);
  return choice && isNonNegative(choice.getTrueValue()) && isNonNegative(choice.getFalseValue());
}

static StepBound findGap(Value high, Value low);

/// What a number is at most; where it may be negative, at most that or 0.
static StepBound findMost(Value value) {
  if (Attribute symbol = getSize(value))
    return StepBound::ofSize(symbol);
  if (IntegerAttr constant; matchPattern(value, m_Constant(&constant)))
    return static_cast<double>(std::max<int64_t>(constant.getValue().getSExtValue(), 0));
  Operation *op = value.getDefiningOp();
  if (!op)
    return {};
  if (isa<gpu::ThreadIdOp>(op))
    return 255;
  auto of = [&](unsigned operand) { return findMost(op->getOperand(operand)); };
  if (isa<arith::IndexCastOp>(op))
    return of(0);
  if (isa<arith::AddIOp>(op))
    return of(0) + of(1);
  if (isa<arith::SubIOp>(op))
    return least(findGap(op->getOperand(0), op->getOperand(1)), isNonNegative(op->getOperand(1)) ? of(0) : StepBound());
  if (isa<arith::MulIOp>(op))
    return isNonNegative(op->getOperand(0)) && isNonNegative(op->getOperand(1)) ? of(0) * of(1) : StepBound();
  if (isa<arith::DivUIOp, arith::DivSIOp>(op)) {
    IntegerAttr by;
    if (!isNonNegative(op->getOperand(0)) || !isNonNegative(op->getOperand(1)))
      return {};
    return matchPattern(op->getOperand(1), m_Constant(&by)) && by.getInt() > 0 ? of(0) / static_cast<double>(by.getInt()) : of(0);
  }
  if (isa<arith::RemUIOp>(op))
    return isNonNegative(op->getOperand(0)) && isNonNegative(op->getOperand(1)) ? of(1) : StepBound();
  if (isa<arith::MinSIOp>(op))
    return least(of(0), of(1));
  if (isa<arith::MaxSIOp>(op))
    return most(of(0), of(1));
  if (isa<arith::SelectOp>(op))
    return most(of(1), of(2));
  return {};
}

/// high - low, or 0 where that is more: of numbers that are made of one another.
static StepBound findGap(Value high, Value low) {
  if (high == low)
    return 0;
  if (auto choice = high.getDefiningOp<arith::SelectOp>())
    return most(findGap(choice.getTrueValue(), low), findGap(choice.getFalseValue(), low));
  if (auto choice = low.getDefiningOp<arith::SelectOp>())
    return most(findGap(high, choice.getTrueValue()), findGap(high, choice.getFalseValue()));
  StepBound gap = isNonNegative(low) ? findMost(high) : StepBound();
  if (auto smaller = high.getDefiningOp<arith::MinSIOp>())
    gap = least(gap, least(findGap(smaller.getLhs(), low), findGap(smaller.getRhs(), low)));
  auto isSumOf = [](Value sum, Value part) {
    auto add = sum.getDefiningOp<arith::AddIOp>();
    return add && (add.getLhs() == part || add.getRhs() == part);
  };
  auto rest = [](Value sum, Value part) {
    auto add = sum.getDefiningOp<arith::AddIOp>();
    return add.getLhs() == part ? add.getRhs() : add.getLhs();
  };
  if (isSumOf(high, low))
    gap = least(gap, findMost(rest(high, low)));
  if (auto add = low.getDefiningOp<arith::AddIOp>())
    for (Value part : {add.getLhs(), add.getRhs()})
      if (isNonNegative(rest(low, part)))
        gap = least(gap, findGap(high, part));
  return gap;
}

static StepBound findSteps(Operation *root);

static StepBound findStepsIn(Operation *op) {
  StepBound all = 0;
  for (Region &region : op->getRegions())
    for (Operation &inner : region.getOps())
      all = all + findSteps(&inner);
  return all;
}

/// Of a loop. The pass that finds its end counts like the others: Mesa's device runs it to the end, inner loops too, with no thread in it.
static StepBound countPassesOf(const StepBound &iterations, const StepBound &inside) { return (iterations + StepBound(1)) * (inside + StepBound(1)); }

/// Of an operation with all that is in it.
static StepBound findSteps(Operation *op) {
  if (auto call = dyn_cast<LLVM::CallOp>(op)) {
    auto callee = call.getCallee() ? SymbolTable::lookupNearestSymbolFrom<LLVM::LLVMFuncOp>(op, call.getCalleeAttr()) : LLVM::LLVMFuncOp();
    return callee ? findStepsIn(callee) : StepBound();
  }
  StepBound inside = findStepsIn(op);
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    IntegerAttr step;
    double by = matchPattern(loop.getStep(), m_Constant(&step)) ? static_cast<double>(step.getInt()) : 1;
    StepBound gap = findGap(loop.getUpperBound(), loop.getLowerBound());
    return countPassesOf(gap / by + StepBound(by > 1 ? 1 : 0), inside);
  }
  if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    auto steps = op->getAttrOfType<IntegerAttr>(mostStepsAttribute);
    return steps ? countPassesOf(static_cast<double>(steps.getInt()), inside) : StepBound();
  }
  return inside;
}

StepBound findSteps(LLVM::LLVMFuncOp kernel) {
  StepBound steps = findStepsIn(kernel);
  kernel.walk([](Operation *op) { op->removeAttr(sizeAttribute); });
  return steps;
}

/// Two iterations, as the number of groups is not negative, of which compilers do not know.
Value emitHasEndedLoops(CodeBuilder &code, Value first) {
  Value sign = arith::ShRUIOp::create(code, first, code.i64(63)), two = code.i64(2);
  scf::ForOp loop = code.loop(code.i64(0), code.add(sign, two), 1, {code.i64(0)}, [&](Value, ValueRange rounds) {
    return SmallVector<Value>{code.add(rounds[0], code.i64(1))};
  });
  return code.compare(arith::CmpIPredicate::slt, loop.getResult(0), two);
}

} // namespace gradus
