//===- Corner.cpp - A function at a point that is partly known -------------===//
//
// Forwards: what each value is at the point. Backwards: what is asked for there, and under which conditions. Regions are walked where their
// operation stands; a loop is walked until what it carries is stable, which it is after a few passes, because knowledge only shrinks.
//
//===----------------------------------------------------------------------===//

#include "lang/lint/Corner.h"

#include "llvm/ADT/STLExtras.h"

using namespace gradus;
using namespace gradus::lint;
using llvm::ArrayRef;
using llvm::dyn_cast;
using llvm::isa;
using mlir::Block;
using mlir::Operation;
using mlir::Value;

Corner::Corner(FuncOp func, const Point &point) : point(point) {
  Block &body = func.getBody().front();
  for (mlir::BlockArgument argument : body.getArguments()) {
    auto given = point.arguments.find(argument.getArgNumber());
    bool isGiven = given != point.arguments.end();
    set(argument, isGiven ? given->second : Known(), isGiven && given->second.extent != Known::Nothing ? Support(1) << (argument.getArgNumber() % 63) : 0);
  }
  evaluate(body);
  Operation *end = body.getTerminator();
  for (Value result : end->getOperands())
    add(result, {0});
  demand(body);
}

void Corner::set(Value value, Known what, Support support) {
  known[value] = what;
  supports[value] = support;
}

Corner::Support Corner::supportOf(mlir::ValueRange values) const {
  Support all = 0;
  for (Value value : values)
    all |= supports.lookup(value);
  return all;
}

//===----------------------------------------------------------------------===//
// Forwards
//===----------------------------------------------------------------------===//

void Corner::evaluate(Block &block) {
  for (Operation &op : block.without_terminator())
    evaluate(op);
}

void Corner::evaluate(Operation &op) {
  if (op.getNumRegions() > 0)
    return evaluateRegions(op);
  Support support = supportOf(op.getOperands());
  if (auto oracle = dyn_cast<OracleOp>(op)) {
    bool isZero = point.hasZeroGradients && oracle.getQuery() == OracleQuery::Gradient;
    for (Value answer : op.getResults()) // bit 63: the gradient of an objective
      set(answer, isZero ? Known::all(0) : Known(), support | (isZero ? Support(1) << 63 : 0));
    return;
  }
  Knowns operands;
  for (Value operand : op.getOperands())
    operands.push_back(at(operand));
  for (Value result : op.getResults())
    set(result, op.getNumResults() == 1 ? evaluateOne(op, operands) : Known(), support);
  if (auto sort = dyn_cast<SortOp>(op)) {
    Known sorted = operands.front();
    if (sorted.extent == Known::Some)
      sorted.extent = Known::Nothing;
    set(sort.getValues(), sorted, support);
  }
}

/// Walks the body of a loop until what it carries holds before and after each pass.
void Corner::evaluateLoop(Operation &op, Block &body, mlir::OperandRange inits, unsigned firstCarried) {
  // Each level repeats those in it: deep inside, what is carried is taken to be unknown at once.
  constexpr unsigned deepest = 3;
  bool isTried = ++loopDepth <= deepest;
  Knowns carried;
  for (Value init : inits)
    carried.push_back(isTried ? at(init) : Known());
  Support support = supportOf(op.getOperands());
  unsigned passes = 0;
  for (bool isStable = false; !isStable;) {
    if (++passes == 3) // it would end by itself, after as many passes as are carried
      carried.assign(carried.size(), Known());
    for (auto [index, argument] : llvm::enumerate(body.getArguments()))
      set(argument, index < firstCarried ? Known() : carried[index - firstCarried], support);
    evaluate(body);
    support |= supportOf(body.getTerminator()->getOperands());
    isStable = true;
    for (auto [before, after] : llvm::zip_equal(carried, body.getTerminator()->getOperands())) {
      Known both = join(before, at(after));
      isStable &= both == before;
      before = both;
    }
  }
  --loopDepth;
  for (auto [result, what] : llvm::zip_equal(op.getResults(), carried))
    set(result, what, support);
}

void Corner::evaluateRegions(Operation &op) {
  if (auto loop = dyn_cast<LoopOp>(op)) {
    evaluateLoop(op, loop.getBody().front(), loop.getInit(), 1);
    if (loop.getProceed().empty())
      return;
    for (auto [mine, theirs] : llvm::zip_equal(loop.getProceed().getArguments(), loop.getBody().getArguments()))
      set(mine, at(theirs), supports.lookup(theirs));
    return evaluate(loop.getProceed().front());
  }
  if (auto scan = dyn_cast<ScanOp>(op))
    return evaluateLoop(op, scan.getBody().front(), scan.getInit(), 1 + scan.getXs().size());
  Support support = supportOf(op.getOperands());
  auto yields = [&](Block &block) {
    support |= supportOf(block.getTerminator()->getOperands());
    return block.getTerminator()->getOperands();
  };
  if (auto choice = dyn_cast<IfOp>(op)) {
    evaluate(choice.getThen().front());
    evaluate(choice.getOtherwise().front());
    auto first = yields(choice.getThen().front()), second = yields(choice.getOtherwise().front());
    Known condition = at(choice.getCondition());
    for (auto [result, a, b] : llvm::zip_equal(op.getResults(), first, second))
      set(result, choose(condition, at(a), at(b)), support);
    return;
  }
  // The arguments of all other regions are the operands, where there are any.
  Block &body = op.getRegion(0).front();
  for (auto [argument, operand] : llvm::zip(body.getArguments(), op.getOperands()))
    set(argument, at(operand), supports.lookup(operand));
  evaluate(body);
  auto values = yields(body);
  for (Value result : op.getResults())
    set(result, Known(), support);
  if (isa<CustomOp>(op))
    for (auto [result, value] : llvm::zip_equal(op.getResults(), values))
      set(result, at(value), support);
  if (auto every = dyn_cast<EveryOp>(op))
    for (auto [result, value, kept] : llvm::zip_equal(op.getResults(), values, every.getKept()))
      set(result, choose(at(every.getTime()).isAll(1) ? Known::all(1) : Known(), at(value), at(kept)), support);
  if (isa<GradOp>(op) && point.hasZeroGradients)
    for (Value gradient : op.getResults().drop_front())
      set(gradient, Known::all(0), support | Support(1) << 63);
}

//===----------------------------------------------------------------------===//
// Backwards
//===----------------------------------------------------------------------===//

/// A value is asked for once more, under one more condition. Of two ways the one with fewer conditions is enough.
void Corner::add(Value value, const Demand &demand, Support condition) {
  Demand &mine = demands[value];
  for (Support way : demand) {
    way |= condition;
    if (llvm::any_of(mine, [&](Support known) { return (known & ~way) == 0; }))
      continue;
    llvm::erase_if(mine, [&](Support known) { return (way & ~known) == 0; });
    if (mine.size() < 8)
      mine.push_back(way);
  }
}

Corner::Support Corner::conditionOf(LoopOp loop) const {
  Value proceeds = loop.getProceed().front().getTerminator()->getOperand(0);
  return at(proceeds).extent == Known::All ? 0 : supports.lookup(proceeds);
}

void Corner::demand(Block &block) {
  for (Operation &op : llvm::reverse(block.without_terminator())) {
    Demand all;
    for (Value result : op.getResults())
      if (auto known = demands.find(result); known != demands.end())
        all.append(known->second.begin(), known->second.end());
    if (all.empty())
      continue;
    if (op.getNumRegions() > 0) {
      demandInside(op, all);
      continue;
    }
    auto select = dyn_cast<SelectOp>(op);
    for (Value operand : op.getOperands()) {
      bool isBranch = select && operand != select.getC();
      Known condition = select ? at(select.getC()) : Known();
      if (isBranch && condition.extent == Known::All && operand != (condition.value != 0 ? select.getA() : select.getB()))
        continue;
      add(operand, all, isBranch && condition.extent != Known::All ? supports.lookup(select.getC()) : 0);
    }
  }
}

void Corner::demandInside(Operation &op, const Demand &all) {
  auto enter = [&](Block &block, Support condition) {
    for (Value value : block.getTerminator()->getOperands())
      add(value, all, condition);
    demand(block);
  };
  if (auto choice = dyn_cast<IfOp>(op)) {
    Known condition = at(choice.getCondition());
    bool isKnown = condition.extent == Known::All;
    Support support = isKnown ? 0 : supports.lookup(choice.getCondition());
    if (!isKnown || condition.value != 0)
      enter(choice.getThen().front(), support);
    if (!isKnown || condition.value == 0)
      enter(choice.getOtherwise().front(), support);
    return add(choice.getCondition(), all);
  }
  if (auto loop = dyn_cast<LoopOp>(op); loop && !loop.getProceed().empty()) {
    Block &proceed = loop.getProceed().front();
    enter(proceed, 0);
    if (!at(proceed.getTerminator()->getOperand(0)).isAll(0))
      enter(loop.getBody().front(), conditionOf(loop));
  } else {
    enter(op.getRegion(0).front(), 0);
  }
  for (Value operand : op.getOperands())
    add(operand, all);
}

bool Corner::isAsked(Operation *op, Value operand) const {
  Support support = supports.lookup(operand);
  for (Value result : op->getResults())
    if (auto ways = demands.find(result); ways != demands.end() && llvm::any_of(ways->second, [&](Support way) { return (way & support) == 0; }))
      return true;
  return false;
}
