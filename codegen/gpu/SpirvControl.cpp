//===- SpirvControl.cpp - Control flow and the place of a thread in SPIR-V -----------===//

#include "codegen/gpu/SpirvEmitter.h"

#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace gradus {

/// Missing in MLIR's list.
static constexpr auto copyObject = static_cast<Opcode>(83);

/// What goes along an edge into a phi: never a pointer to memory without addresses.
LogicalResult SpirvEmitter::emitCarried(Operation *op, ValueRange carried, llvm::SmallVectorImpl<Id> &ids) {
  for (Value value : carried) {
    ids.push_back(idOf(value));
    if (!ids.back())
      return refuse(op, "it carries a pointer to memory without addresses (a private array or that of a group)");
    declareArithmetic(value.getType());
  }
  return success();
}

LogicalResult SpirvEmitter::emitIf(scf::IfOp op) {
  bool hasElse = op.elseBlock();
  Id then = words.newId(), merge = words.newId(), otherwise = hasElse ? words.newId() : merge;
  words.emitPlain(Opcode::OpSelectionMerge, {merge, 0});
  words.emitPlain(Opcode::OpBranchConditional, {idOf(op.getCondition()), then, otherwise});
  SmallVector<Id> results[2];
  Id ends[2] = {0, 0};
  for (auto [number, block, label] : {std::tuple(0, op.thenBlock(), then), std::tuple(1, op.elseBlock(), otherwise)}) {
    if (!block)
      continue;
    words.startBlock(label);
    if (failed(emitBlock(*block)) || failed(emitCarried(op, block->getTerminator()->getOperands(), results[number])))
      return failure();
    ends[number] = words.currentBlock();
    branch(merge);
  }
  words.startBlock(merge);
  for (auto [number, result] : llvm::enumerate(op.getResults()))
    values[result] = phi(result.getType(), {results[0][number], ends[0], results[1][number], ends[1]});
  return success();
}

/// before -> header; header: the number and the carried values; header -> body or merge; body -> continue -> header.
LogicalResult SpirvEmitter::emitFor(scf::ForOp op) {
  SmallVector<Id> init;
  if (failed(emitCarried(op, op.getInitArgs(), init)))
    return failure();
  Id before = words.currentBlock(), header = words.newId(), body = words.newId(), next = words.newId(), merge = words.newId();
  branch(header);
  words.startBlock(header);
  Type type = op.getInductionVar().getType();
  Id nextNumber = words.newId();
  SmallVector<Id> nextValues = llvm::map_to_vector(init, [&](Id) { return words.newId(); });
  values[op.getInductionVar()] = phi(type, {idOf(op.getLowerBound()), before, nextNumber, next});
  for (auto [argument, first, later] : llvm::zip_equal(op.getRegionIterArgs(), init, nextValues))
    values[argument] = phi(argument.getType(), {first, before, later, next});
  Id number = idOf(op.getInductionVar());
  Id goesOn = make(op.getUnsignedCmp() ? Opcode::OpULessThan : Opcode::OpSLessThan, i1, {number, idOf(op.getUpperBound())});
  words.emitPlain(Opcode::OpLoopMerge, {merge, next, 0});
  words.emitPlain(Opcode::OpBranchConditional, {goesOn, body, merge});
  words.startBlock(body);
  SmallVector<Id> yielded;
  if (failed(emitBlock(*op.getBody())) || failed(emitCarried(op, op.getBody()->getTerminator()->getOperands(), yielded)))
    return failure();
  branch(next);
  words.startBlock(next);
  for (auto [id, value, argument] : llvm::zip_equal(nextValues, yielded, op.getRegionIterArgs()))
    words.emitPlain(copyObject, {typeOf(argument.getType()), id, value});
  words.emitPlain(Opcode::OpIAdd, {typeOf(type), nextNumber, number, idOf(op.getStep())});
  branch(header);
  words.startBlock(merge);
  for (auto [result, argument] : llvm::zip_equal(op.getResults(), op.getRegionIterArgs()))
    values[result] = idOf(argument);
  return success();
}

/// As a for loop, but the condition stands behind code of its own.
LogicalResult SpirvEmitter::emitWhile(scf::WhileOp op) {
  SmallVector<Id> init;
  if (failed(emitCarried(op, op.getInits(), init)))
    return failure();
  Id before = words.currentBlock(), header = words.newId(), test = words.newId(), body = words.newId(), next = words.newId(), merge = words.newId();
  branch(header);
  words.startBlock(header);
  SmallVector<Id> nextValues = llvm::map_to_vector(init, [&](Id) { return words.newId(); });
  for (auto [argument, first, later] : llvm::zip_equal(op.getBeforeArguments(), init, nextValues))
    values[argument] = phi(argument.getType(), {first, before, later, next});
  words.emitPlain(Opcode::OpLoopMerge, {merge, next, 0});
  branch(test);
  words.startBlock(test);
  scf::ConditionOp condition = op.getConditionOp();
  SmallVector<Id> passed;
  if (failed(emitBlock(*op.getBeforeBody())) || failed(emitCarried(op, condition.getArgs(), passed)))
    return failure();
  words.emitPlain(Opcode::OpBranchConditional, {idOf(condition.getCondition()), body, merge});
  words.startBlock(body);
  for (auto [argument, result, value] : llvm::zip_equal(op.getAfterArguments(), op.getResults(), passed))
    values[argument] = values[result] = value;
  SmallVector<Id> yielded;
  if (failed(emitBlock(*op.getAfterBody())) || failed(emitCarried(op, op.getYieldOp().getOperands(), yielded)))
    return failure();
  branch(next);
  words.startBlock(next);
  for (auto [id, value, argument] : llvm::zip_equal(nextValues, yielded, op.getBeforeArguments()))
    words.emitPlain(copyObject, {typeOf(argument.getType()), id, value});
  branch(header);
  words.startBlock(merge);
  return success();
}

/// The body stands where it is called: so a pointer to a private array has a meaning in it too.
LogicalResult SpirvEmitter::emitCall(Operation *op) {
  auto call = cast<CallOpInterface>(op);
  auto callee = dyn_cast_or_null<FunctionOpInterface>(call.resolveCallable());
  if (!callee || callee.isExternal())
    return refuse(op, "it calls what is not in the module");
  if (!callee.getFunctionBody().hasOneBlock())
    return refuse(op, "the function branches between blocks, expected structured control flow");
  if (llvm::is_contained(callStack, callee.getOperation()))
    return refuse(op, "the function calls itself");
  for (auto [argument, operand] : llvm::zip_equal(callee.getArguments(), call.getArgOperands())) {
    values.erase(argument), places.erase(argument);
    if (Id id = idOf(operand))
      values[argument] = id;
    else
      places[argument] = places.lookup(operand);
  }
  callStack.push_back(callee);
  llvm::scope_exit atEnd([&] { callStack.pop_back(); });
  Block &body = callee.getFunctionBody().front();
  if (failed(emitBlock(body)))
    return failure();
  SmallVector<Id> results;
  if (failed(emitCarried(op, body.getTerminator()->getOperands(), results)))
    return failure();
  for (auto [result, id] : llvm::zip_equal(op->getResults(), results))
    values[result] = id;
  return success();
}

LogicalResult SpirvEmitter::emitPosition(Operation *op, spirv::BuiltIn builtin, gpu::Dimension dimension) {
  Id word = typeOf(i32), vector = words.type(Opcode::OpTypeVector, {word, 3});
  Id &variable = builtins[static_cast<uint32_t>(builtin)];
  if (!variable) {
    auto storage = spirv::StorageClass::Input;
    variable = words.global(Opcode::OpVariable, words.pointer(storage, vector), {static_cast<uint32_t>(storage)});
    words.decorate(variable, spirv::Decoration::BuiltIn, {static_cast<uint32_t>(builtin)});
  }
  interface.insert(variable);
  Id all = words.emit(Opcode::OpLoad, vector, {variable});
  Id one = words.emit(Opcode::OpCompositeExtract, word, {all, static_cast<uint32_t>(dimension)});
  values[op->getResult(0)] = words.emit(Opcode::OpUConvert, typeOf(i64), {one});
  return success();
}

/// Orders all memory that the threads of a group share, that behind addresses too.
void SpirvEmitter::emitBarrier() {
  using Semantics = spirv::MemorySemantics;
  Id scope = integer(i32, static_cast<uint32_t>(spirv::Scope::Workgroup));
  Id semantics = integer(i32, static_cast<uint32_t>(Semantics::AcquireRelease | Semantics::UniformMemory | Semantics::WorkgroupMemory));
  words.emitPlain(Opcode::OpControlBarrier, {scope, scope, semantics});
}

std::optional<LogicalResult> SpirvEmitter::emitControl(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<LogicalResult>>(op)
      .Case<scf::IfOp>([&](auto branchOp) { return emitIf(branchOp); })
      .Case<scf::ForOp>([&](auto loop) { return emitFor(loop); })
      .Case<scf::WhileOp>([&](auto loop) { return emitWhile(loop); })
      .Case<CallOpInterface>([&](auto) { return emitCall(op); })
      .Case<gpu::BarrierOp>([&](auto) {
        emitBarrier();
        return success();
      })
      .Case<gpu::ThreadIdOp>([&](auto thread) { return emitPosition(op, spirv::BuiltIn::LocalInvocationId, thread.getDimension()); })
      .Case<gpu::BlockIdOp>([&](auto group) { return emitPosition(op, spirv::BuiltIn::WorkgroupId, group.getDimension()); })
      .Case<gpu::GridDimOp>([&](auto grid) { return emitPosition(op, spirv::BuiltIn::NumWorkgroups, grid.getDimension()); })
      .Case<LLVM::Prefetch>([&](auto) { return success(); }) // a hint
      .Default([](auto) { return std::nullopt; });
}

} // namespace gradus
