//===- Control.cpp - Conditions and loops around kernels -----------------------------===//
//
// The host does not know a condition: both branches are launched, and a cell tells the kernels of each whether they do anything. The host knows how often a
// loop may run; a pass that `while` leaves out is launched and does nothing. An array that control hands on is an address in a cell. Each array that a loop
// carries has two places, as on the CPU: a pass reads the one and writes the other.
//
//===----------------------------------------------------------------------===//

#include "passes/fuse/Control.h"
#include "passes/gpu/Device.h"
#include "passes/lower/Function.h"

using namespace mlir;

namespace gradus {

/// `condition` is that of `active` where the host knows it.
void DeviceLowering::emitRegion(Region &region, Cell active, std::optional<HostValue> condition) {
  Level inside;
  inside.isOfSlot = level->isOfSlot;
  inside.active = active;
  inside.path = condition ? level->path : std::nullopt;
  if (inside.path)
    inside.path->conditions.push_back(*condition);
  Level *outer = std::exchange(level, &inside);
  emitBlock(region.front());
  flush();
  level = outer;
}

/// Sets the cells that say whether something runs under a condition, or else. Where nothing around it runs, neither does.
void DeviceLowering::decide(std::function<Value(Scope &)> condition, Cell then, std::optional<Cell> otherwise) {
  flush();
  std::optional<Cell> around = std::exchange(level->active, std::nullopt);
  addEffect([=, this](Scope &scope) {
    CodeBuilder &code = scope.code;
    Type bit = code.getI1Type();
    auto decideIn = [&] {
      Scope inside = scope;
      return condition(inside);
    };
    Value on = around ? load(scope, *around, bit) : Value(), no = code.integer(bit, 0);
    Value isThen = on ? code.choose(bit, on, decideIn, [&] { return no; }) : decideIn();
    store(scope, then, bit, isThen);
    if (!otherwise)
      return;
    Value isElse = arith::XOrIOp::create(code, isThen, code.integer(bit, 1));
    store(scope, *otherwise, bit, on ? arith::AndIOp::create(code, isElse, on).getResult() : isElse);
  });
  flush();
  level->active = around;
}

/// Control that takes or gives arrays.
void DeviceLowering::emitControl(Operation *op) {
  if (auto loop = dyn_cast<LoopOp>(op))
    return emitLoop(loop);
  auto choice = dyn_cast<IfOp>(op);
  auto every = dyn_cast<EveryOp>(op);
  Cell then = newCell(level->isOfSlot), otherwise = newCell(level->isOfSlot);
  decide([=, this](Scope &scope) mutable {
    if (choice)
      return scalarIn(scope, choice.getCondition());
    return emitEvery(scope.code, scalarIn(scope, every.getPeriod()), scalarIn(scope, every.getTime()));
  }, then, otherwise);
  emitRegion(op->getRegion(0), then, choice ? findHostCondition(choice.getCondition(), /*isOpposite=*/false) : std::nullopt);
  if (choice)
    emitRegion(choice.getOtherwise(), otherwise, findHostCondition(choice.getCondition(), /*isOpposite=*/true));
  SmallVector<Value> taken(op->getRegion(0).front().getTerminator()->getOperands());
  SmallVector<Value> rest = choice ? SmallVector<Value>(choice.getOtherwise().front().getTerminator()->getOperands()) : SmallVector<Value>(every.getKept());
  for (auto [result, a, b] : llvm::zip_equal(op->getResults(), taken, rest)) {
    Cell place = newCell(level->isOfSlot);
    bool isNumber = isRankZero(result);
    addEffect([=, this, a = Value(a), b = Value(b)](Scope &scope) {
      Value condition = load(scope, then, scope.code.getI1Type());
      if (isNumber)
        store(scope, place, arrayOf(a).getElementType(), scope.code.select(condition, scalarIn(scope, a), scalarIn(scope, b)));
      else
        store(scope, place, scope.code.getI64Type(),
              scope.code.select(condition, load(scope, addressOf(a), scope.code.getI64Type()), load(scope, addressOf(b), scope.code.getI64Type())));
    });
    (isNumber ? cells : addresses)[result] = place;
  }
  flush();
}

/// Asks whether another pass runs: from the first one that does not, none does.
void DeviceLowering::emitProceed(LoopOp loop) {
  if (loop.getProceed().empty())
    return;
  Block &asked = loop.getProceed().front();
  for (auto [argument, carried] : llvm::zip_equal(asked.getArguments(), loop.getBody().getArguments())) {
    if (isRankZero(argument))
      cells[argument] = cells.lookup(carried);
    else
      addresses[argument] = addresses.lookup(carried);
  }
  emitBlock(asked);
  Value proceeds = asked.getTerminator()->getOperand(0);
  addEffect([this, proceeds, active = *level->active](Scope &scope) { store(scope, active, scope.code.getI1Type(), scalarIn(scope, proceeds)); });
  flush();
}

/// What a pass leaves for the next one.
void DeviceLowering::emitPassEnd(LoopOp loop, ArrayRef<CarriedArray> arrays, const DenseMap<unsigned, Cell> &others, Cell index) {
  Block &body = loop.getBody().front();
  SmallVector<std::pair<Cell, Value>> numbers;
  SmallVector<std::pair<Cell, Cell>> handed;
  for (auto [argument, next] : llvm::zip_equal(body.getArguments().drop_front(), body.getTerminator()->getOperands())) {
    if (isRankZero(argument)) {
      numbers.push_back({cells.lookup(argument), next});
      continue;
    }
    const auto *carried = llvm::find_if(arrays, [&, number = argument.getArgNumber() - 1](const CarriedArray &known) { return known.index == number; });
    if (carried->isCopied)
      emitCopy(others.lookup(carried->index), addressOf(next), arrayOf(next), {});
    handed.push_back({addresses.lookup(argument), carried->isCopied || carried->isInPlace ? others.lookup(carried->index) : addressOf(next)});
  }
  addEffect([=, this](Scope &scope) {
    CodeBuilder &code = scope.code;
    Type i64 = code.getI64Type();
    SmallVector<Value> values, places;
    for (const auto &[cell, next] : numbers)
      values.push_back(scalarIn(scope, next));
    for (const auto &[cell, next] : handed)
      places.push_back(load(scope, next, i64));
    Value passes = code.add(load(scope, index, i64), code.i64(1));
    for (auto [number, value] : llvm::zip_equal(numbers, values))
      store(scope, number.first, arrayOf(number.second).getElementType(), value);
    for (auto [cell, place] : llvm::zip_equal(handed, places))
      store(scope, cell.first, i64, place);
    store(scope, index, i64, passes);
  });
  flush();
}

void DeviceLowering::emitLoop(LoopOp loop) {
  bool isOfSlot = level->isOfSlot;
  Block &body = loop.getBody().front();
  SmallVector<CarriedArray> arrays = findCarriedArrays(loop);
  // Before the first pass.
  DenseMap<unsigned, std::pair<Cell, Cell>> pairs;
  for (const CarriedArray &carried : arrays) {
    ArrayType type = arrayOf(loop.getInit()[carried.index]);
    Cell first = temporaryFor(type);
    pairs[carried.index] = {first, carried.isInPlace ? first : temporaryFor(type)};
    if (carried.isInPlace)
      emitCopy(first, addressOf(loop.getInit()[carried.index]), type, {});
  }
  Cell active = newCell(isOfSlot), index = newCell(isOfSlot);
  cells[body.getArgument(0)] = index;
  for (auto [argument, init] : llvm::zip_equal(body.getArguments().drop_front(), loop.getInit())) {
    Cell place = newCell(isOfSlot);
    (isRankZero(argument) ? cells : addresses)[argument] = place;
    unsigned number = argument.getArgNumber() - 1;
    const auto *array = llvm::find_if(arrays, [&](const CarriedArray &carried) { return carried.index == number; });
    Cell from = isRankZero(argument) ? Cell() : array != arrays.end() && array->isInPlace ? pairs.lookup(number).first : addressOf(init);
    addEffect([=, this, init = Value(init)](Scope &scope) {
      if (isRankZero(init))
        store(scope, place, arrayOf(init).getElementType(), scalarIn(scope, init));
      else
        store(scope, place, scope.code.getI64Type(), load(scope, from, scope.code.getI64Type()));
    });
  }
  addEffect([=, this](Scope &scope) { store(scope, index, scope.code.getI64Type(), scope.code.i64(0)); });
  decide([](Scope &scope) { return scope.code.integer(scope.code.getI1Type(), 1); }, active, std::nullopt);
  // A pass.
  Step repeated;
  repeated.count = [count = Value(loop.getCount())](Evaluator &evaluator) {
    return emitCast(evaluator.code, evaluator.evaluateScalar(count), arrayOf(count).getElementType(), evaluator.code.getI64Type());
  };
  std::vector<Step> *outside = std::exchange(steps, &repeated.body);
  Level inside;
  inside.isOfSlot = isOfSlot;
  inside.active = active;
  inside.path = loop.getProceed().empty() ? level->path : std::nullopt; // with `while` only the device knows when it ends
  for (const CarriedArray &carried : arrays)
    if (inside.path)
      knowCarried(loop, carried, pairs.lookup(carried.index).first, pairs.lookup(carried.index).second);
  if (inside.path)
    ++inside.path->loops;
  Level *outer = std::exchange(level, &inside);
  emitProceed(loop);
  DenseMap<unsigned, Cell> others;
  for (const CarriedArray &carried : arrays) {
    auto [first, second] = pairs.lookup(carried.index);
    Cell now = addresses.lookup(body.getArgument(carried.index + 1)), other = carried.isInPlace ? first : newCell(isOfSlot);
    others[carried.index] = other;
    for (Value result : carried.results)
      addresses[result] = other;
    if (!carried.isInPlace)
      addEffect([this, first = first, second = second, now, other](Scope &scope) {
        CodeBuilder &code = scope.code;
        Type i64 = code.getI64Type();
        Value a = load(scope, first, i64), b = load(scope, second, i64);
        store(scope, other, i64, code.select(code.compare(arith::CmpIPredicate::eq, load(scope, now, i64), a), b, a));
      });
  }
  emitBlock(body);
  flush();
  emitPassEnd(loop, arrays, others, index);
  level = outer;
  steps = outside;
  steps->push_back(std::move(repeated));
  for (auto [result, argument] : llvm::zip_equal(loop.getResults(), body.getArguments().drop_front())) {
    if (isRankZero(result))
      cells[result] = cells.lookup(argument);
    else
      addresses[result] = addresses.lookup(argument);
  }
}

} // namespace gradus
