//===- Scalars.cpp - Numbers, computed by one thread --------------------------------===//

#include "passes/fuse/Control.h"
#include "passes/gpu/Device.h"

using namespace mlir;

namespace gradus {

/// Leaves the values of the op in the scope.
void DeviceLowering::emitScalarOp(Scope &scope, Operation *op) {
  bind(scope, op);
  if (auto kernel = dyn_cast<KernelOp>(op))
    return emitScalarKernel(scope, kernel);
  if (isControl(op))
    return emitScalarControl(scope, op);
  Evaluator evaluator(scope.code, scope.buffers);
  for (Value result : op->getResults()) {
    Value value = evaluator.evaluateScalar(result);
    scope.buffers.scalars[result] = value;
  }
}

/// A kernel without axes.
void DeviceLowering::emitScalarKernel(Scope &scope, KernelOp kernel) {
  Buffers buffers = buffersOf(scope, kernel);
  Evaluator evaluator(scope.code, buffers);
  evaluator.somewhere = scope.frame;
  auto yield = cast<YieldOp>(kernel.getBody().front().getTerminator());
  for (auto [result, yielded] : llvm::zip_equal(kernel.getStored(), yield.getValues())) {
    auto reduce = yielded.getDefiningOp<ReduceOp>();
    Value value = evaluator.evaluateScalar(reduce ? reduce.getX() : yielded);
    if (reduce)
      value = emitCast(scope.code, value, reduce.getX().getType().getElementType(), reduce.getType().getElementType());
    scope.buffers.scalars[result] = value;
  }
}

SmallVector<Value> DeviceLowering::emitScalarRegion(Scope &scope, Block &block) {
  for (Operation &op : block.without_terminator())
    emitScalarOp(scope, &op);
  return llvm::map_to_vector(block.getTerminator()->getOperands(), [&](Value value) { return scalarIn(scope, value); });
}

/// Control of numbers alone.
void DeviceLowering::emitScalarControl(Scope &scope, Operation *op) {
  if (auto loop = dyn_cast<LoopOp>(op))
    return emitScalarLoop(scope, loop);
  CodeBuilder &code = scope.code;
  auto choice = dyn_cast<IfOp>(op);
  auto every = dyn_cast<EveryOp>(op);
  Value condition = choice ? scalarIn(scope, choice.getCondition()) : emitEvery(code, scalarIn(scope, every.getPeriod()), scalarIn(scope, every.getTime()));
  SmallVector<Type> types = llvm::map_to_vector(op->getResults(), [&](Value result) { return code.regType(arrayOf(result).getElementType()); });
  SmallVector<Value> keeps;
  if (every)
    keeps = llvm::map_to_vector(every.getKept(), [&](Value value) { return scalarIn(scope, value); });
  auto branch = scf::IfOp::create(code, types, condition, /*addThenBlock=*/true, /*addElseBlock=*/true);
  {
    OpBuilder::InsertionGuard guard(code);
    code.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(code, emitScalarRegion(scope, op->getRegion(0).front()));
    code.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(code, choice ? emitScalarRegion(scope, choice.getOtherwise().front()) : keeps);
  }
  for (auto [result, value] : llvm::zip_equal(op->getResults(), branch.getResults()))
    scope.buffers.scalars[result] = value;
}

void DeviceLowering::emitScalarLoop(Scope &scope, LoopOp loop) {
  CodeBuilder &code = scope.code;
  Value count = emitCast(code, scalarIn(scope, loop.getCount()), arrayOf(loop.getCount()).getElementType(), code.getI64Type());
  SmallVector<Value> init{code.i64(0)};
  for (Value value : loop.getInit())
    init.push_back(scalarIn(scope, value));
  SmallVector<Type> types(ValueRange(init).getTypes());
  SmallVector<Location> locs(types.size(), loop.getLoc());
  auto give = [&](Block &block, ValueRange known) {
    for (auto [argument, value] : llvm::zip_equal(block.getArguments(), known))
      scope.buffers.scalars[argument] = value;
  };
  auto repeated = scf::WhileOp::create(code, types, init);
  {
    OpBuilder::InsertionGuard guard(code);
    Block *before = code.createBlock(&repeated.getBefore(), {}, types, locs);
    Value proceed = code.compare(arith::CmpIPredicate::slt, before->getArgument(0), count);
    if (!loop.getProceed().empty()) {
      Block &asked = loop.getProceed().front();
      proceed = code.choose(
          code.getI1Type(), proceed,
          [&] {
            give(asked, before->getArguments());
            return emitScalarRegion(scope, asked).front();
          },
          [&] { return code.integer(code.getI1Type(), 0); });
    }
    scf::ConditionOp::create(code, proceed, before->getArguments());
    Block *after = code.createBlock(&repeated.getAfter(), {}, types, locs);
    give(loop.getBody().front(), after->getArguments());
    SmallVector<Value> next{code.add(after->getArgument(0), code.i64(1))};
    llvm::append_range(next, emitScalarRegion(scope, loop.getBody().front()));
    scf::YieldOp::create(code, next);
  }
  for (auto [result, value] : llvm::zip_equal(loop.getResults(), ValueRange(repeated.getResults()).drop_front()))
    scope.buffers.scalars[result] = value;
}

} // namespace gradus
