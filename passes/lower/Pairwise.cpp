//===- Pairwise.cpp - The tree above the blocks ---------------------------------===//
//
// A binary counter of partial results: level l of the stack has the tree over 2^l blocks where bit l of the number of blocks that have come is
// set. A block is kept when the next one has come; the last one meets what is kept, the smallest trees first. So one block, which is what most
// rows have, meets no memory.
//
//===----------------------------------------------------------------------===//

#include "passes/lower/Code.h"
#include "passes/lower/Steps.h"

using namespace mlir;

namespace gradus {

/// Enough for 2^40 blocks.
static constexpr int64_t stackLevels = 40;

LLVM::LLVMFuncOp getShared(CodeBuilder &code, StringRef name, Type result, TypeRange arguments, function_ref<void(CodeBuilder &, ValueRange)> emitBody) {
  auto module = code.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  if (auto known = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return known;
  CodeBuilder inside(UnknownLoc::get(code.getContext()), code.getContext());
  inside.setInsertionPointToEnd(module.getBody());
  auto type = LLVM::LLVMFunctionType::get(result, llvm::to_vector(arguments));
  auto func = LLVM::LLVMFuncOp::create(inside, name, type, LLVM::Linkage::Internal);
  func.setNoInline(true);
  inside.setInsertionPointToStart(func.addEntryBlock(inside));
  emitBody(inside, func.getArguments());
  if (isa<LLVM::LLVMVoidType>(result))
    LLVM::ReturnOp::create(inside, ValueRange());
  return func;
}

/// "gradus_keep_sum_16xf32".
static std::string nameOf(StringRef what, ReductionKind kind, Type type) {
  std::string name;
  llvm::raw_string_ostream os(name);
  os << "gradus_" << what << '_' << stringifyReductionKind(kind) << '_';
  if (auto vector = dyn_cast<VectorType>(type))
    os << vector.getNumElements() << 'x';
  os << getElementTypeOrSelf(type);
  return name;
}

static Value isSet(CodeBuilder &code, Value bits) {
  return code.compare(arith::CmpIPredicate::ne, arith::AndIOp::create(code, bits, code.i64(1)), code.i64(0));
}

/// void (stack, block, value): while (block & 1) value = stack[level++] + value, block >>= 1; stack[level] = value
static LLVM::LLVMFuncOp getKeep(CodeBuilder &code, ReductionKind kind, Type type) {
  Type i64 = code.getI64Type();
  return getShared(code, nameOf("keep", kind, type), LLVM::LLVMVoidType::get(code.getContext()), {code.ptrType(), i64, type}, [&](CodeBuilder &code, ValueRange arguments) {
    Value stack = arguments[0];
    auto loop = scf::WhileOp::create(
        code, TypeRange{i64, i64, type}, ValueRange{arguments[1], code.i64(0), arguments[2]},
        [&](OpBuilder &builder, Location loc, ValueRange args) {
          CodeBuilder inner(loc, builder);
          scf::ConditionOp::create(inner, isSet(inner, args[0]), args);
        },
        [&](OpBuilder &builder, Location loc, ValueRange args) {
          CodeBuilder inner(loc, builder);
          Value lower = inner.loadRaw(type, inner.address(stack, type, args[1]));
          Value half = arith::ShRUIOp::create(inner, args[0], inner.i64(1));
          scf::YieldOp::create(inner, ValueRange{half, inner.add(args[1], inner.i64(1)), emitCombine(inner, kind, lower, args[2])});
        });
    setMostSteps(loop, 1); // on average: 2^k of the first 2^n numbers end in n - k bits that are set
    LLVM::StoreOp::create(code, loop.getResult(2), code.address(stack, type, loop.getResult(1)));
  });
}

/// type (stack, block, value), with the last block: value = stack[level] + value for every bit of its number.
static LLVM::LLVMFuncOp getFinish(CodeBuilder &code, ReductionKind kind, Type type) {
  Type i64 = code.getI64Type();
  return getShared(code, nameOf("finish", kind, type), type, {code.ptrType(), i64, type}, [&](CodeBuilder &code, ValueRange arguments) {
    Value stack = arguments[0];
    auto loop = scf::WhileOp::create(
        code, TypeRange{i64, i64, type}, ValueRange{arguments[1], code.i64(0), arguments[2]},
        [&](OpBuilder &builder, Location loc, ValueRange args) {
          CodeBuilder inner(loc, builder);
          scf::ConditionOp::create(inner, inner.compare(arith::CmpIPredicate::ne, args[0], inner.i64(0)), args);
        },
        [&](OpBuilder &builder, Location loc, ValueRange args) {
          CodeBuilder inner(loc, builder);
          Value next = inner.choose(
              type, isSet(inner, args[0]),
              [&] { return emitCombine(inner, kind, inner.loadRaw(type, inner.address(stack, type, args[1])), args[2]); }, [&] { return args[2]; });
          Value half = arith::ShRUIOp::create(inner, args[0], inner.i64(1));
          scf::YieldOp::create(inner, ValueRange{half, inner.add(args[1], inner.i64(1)), next});
        });
    setMostSteps(loop, stackLevels);
    LLVM::ReturnOp::create(code, loop.getResult(2));
  });
}

SmallVector<Value> emitPairwise(CodeBuilder &code, ArrayRef<ReductionKind> kinds, TypeRange types, Value count, function_ref<SmallVector<Value>(Value)> emitBlock) {
  SmallVector<Value> stacks, identities;
  for (auto [kind, type] : llvm::zip_equal(kinds, types)) {
    stacks.push_back(code.stackSlot(type, stackLevels));
    identities.push_back(emitIdentity(code, kind, type));
  }
  Value zero = code.i64(0), one = code.i64(1);
  scf::ForOp loop = code.loop(zero, count, 1, identities, [&](Value block, ValueRange before) {
    code.ifThen(code.compare(arith::CmpIPredicate::ne, block, zero), [&] {
      Value last = code.sub(block, one);
      for (auto [kind, type, stack, value] : llvm::zip_equal(kinds, types, stacks, before))
        LLVM::CallOp::create(code, getKeep(code, kind, type), ValueRange{stack, last, value});
    });
    return emitBlock(block);
  });
  auto branch = scf::IfOp::create(code, types, code.compare(arith::CmpIPredicate::sgt, count, one), /*addThenBlock=*/true, /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(code);
  code.setInsertionPointToStart(branch.thenBlock());
  SmallVector<Value> results;
  Value last = code.sub(count, one);
  for (auto [kind, type, stack, value] : llvm::zip_equal(kinds, types, stacks, loop.getResults()))
    results.push_back(LLVM::CallOp::create(code, getFinish(code, kind, type), ValueRange{stack, last, value}).getResult());
  scf::YieldOp::create(code, results);
  code.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(code, loop.getResults());
  return llvm::to_vector(ValueRange(branch.getResults()));
}

} // namespace gradus
