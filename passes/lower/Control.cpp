//===- Control.cpp - Conditions and loops around kernels -------------------------===//
//
// An array that control hands on is a pointer: nothing is copied by `if` and `every`. Each array that a loop carries has two places in the
// workspace; a pass reads the one and writes the other. Where what a pass yields is not the result of a kernel of its own, it is
// copied there. An array that a pass only scatters into, a history or a sum of derivatives, has one place and is never copied: a pass costs
// what it writes.
//
//===----------------------------------------------------------------------===//

#include "passes/fuse/Control.h"
#include "passes/fuse/Epilogue.h"
#include "passes/lower/Function.h"

using namespace mlir;

namespace gradus {

/// Collects what a pass of `loop` may hand on as `value`, the next of `own`: results of kernels of its body, and what stands between. False if it
/// may be anything else but `own` itself.
static bool collectOwn(LoopOp loop, Value value, Value own, llvm::SetVector<Value> &seen) {
  if (value == own || !seen.insert(value))
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || !loop.getBody().isAncestor(op->getParentRegion()))
    return false;
  if (isa<KernelOp>(op))
    return true;
  if (!isa<IfOp, EveryOp>(op))
    return false;
  return llvm::all_of(getSources(cast<OpResult>(value)), [&](Value source) { return collectOwn(loop, source, own, seen); });
}

/// The results of the scatters, from the last one back, that make `next` of `own`, if nothing else reads what they write over.
static SmallVector<Value> findScatters(LoopOp loop, Value next, Value own) {
  SmallVector<Value> results;
  while (next != own) {
    auto kernel = next.getDefiningOp<KernelOp>();
    Operation *scatter = kernel ? findScatter(kernel) : nullptr;
    if (!scatter || kernel->getBlock() != &loop.getBody().front() || !next.hasOneUse())
      return {};
    auto whole = cast<BlockArgument>(scatter->getOperand(0));
    if (!whole.hasOneUse()) // its own places or updates too
      return {};
    results.push_back(next);
    next = kernel.getOperand(whole.getArgNumber());
  }
  return own.hasOneUse() ? results : SmallVector<Value>();
}

/// Whether a pass reads what it may hand on, where several kernels make that: in one place, one of them would write over what another has left there.
static bool isReadAmongSeveral(const llvm::SetVector<Value> &seen) {
  auto isMade = [](Value value) { return isa<KernelOp>(value.getDefiningOp()); };
  auto isRead = [](Value value) { return llvm::any_of(value.getUsers(), llvm::IsaPred<KernelOp, LoopOp>); };
  return llvm::count_if(seen, isMade) > 1 && llvm::any_of(seen, isRead);
}

SmallVector<CarriedArray> findCarriedArrays(LoopOp loop) {
  SmallVector<CarriedArray> found;
  llvm::DenseSet<Value> taken;
  Operation *yield = loop.getBody().front().getTerminator();
  for (auto [index, next] : llvm::enumerate(yield->getOperands())) {
    Value own = loop.getBody().getArgument(index + 1);
    if (arrayOf(own).isScalar())
      continue;
    if (SmallVector<Value> scatters = findScatters(loop, next, own); !scatters.empty()) {
      found.push_back({static_cast<unsigned>(index), scatters, /*isCopied=*/false, /*isInPlace=*/true});
      continue;
    }
    llvm::SetVector<Value> seen;
    bool isCopied = !collectOwn(loop, next, own, seen) || isReadAmongSeveral(seen) || llvm::any_of(seen, [&](Value result) { return taken.contains(result); });
    SmallVector<Value> results;
    if (!isCopied)
      llvm::copy_if(seen, std::back_inserter(results), [](Value value) { return isa<KernelOp>(value.getDefiningOp()); });
    taken.insert_range(results);
    found.push_back({static_cast<unsigned>(index), results, isCopied});
  }
  return found;
}

/// A value of the body or of what stands around it: a number, or the address of an array.
static Value lookUp(CodeBuilder &code, Buffers &buffers, Value value) {
  if (!arrayOf(value).isScalar())
    return buffers.arrays.lookup(value);
  Evaluator evaluator(code, buffers);
  return evaluator.evaluateScalar(value);
}

static SmallVector<Value> lookUpAll(CodeBuilder &code, Buffers &buffers, ValueRange values) {
  return llvm::map_to_vector(values, [&](Value value) { return lookUp(code, buffers, value); });
}

static void bind(Buffers &buffers, ValueRange values, ValueRange known) {
  for (auto [value, is] : llvm::zip_equal(values, known))
    (arrayOf(value).isScalar() ? buffers.scalars : buffers.arrays)[value] = is;
}

static Type typeInCode(CodeBuilder &code, Value value) {
  return arrayOf(value).isScalar() ? code.regType(arrayOf(value).getElementType()) : code.ptrType();
}

static Value isSame(CodeBuilder &code, Value a, Value b) { return LLVM::ICmpOp::create(code, LLVM::ICmpPredicate::eq, a, b); }

/// The ops of a phase, or of a region in it. Without a slot: of the host, which has no kernels.
void FunctionLowering::emitOps(Block &block, Buffers &buffers, Slot *slot, bool isRehearsed) {
  for (Operation &op : block.without_terminator()) {
    if (auto kernel = dyn_cast<KernelOp>(op)) {
      if (const RowNest *nest = findNest(kernel)) {
        if (kernel == nest->kernels.front())
          emitNestOrKernels(*nest, *slot);
        emitGuards(&op, buffers);
        continue;
      }
      if (getEpilogueOf(kernel)) // runs with it
        continue;
      if (!isRehearsed)
        emitLateCheck(kernel, *slot);
      emitKernel(kernel, *slot);
    } else if (isControl(&op)) {
      emitControl(&op, buffers, slot);
    } else {
      emitScalarOp(&op, buffers);
    }
    emitGuards(&op, buffers);
  }
}

void FunctionLowering::emitControl(Operation *op, Buffers &buffers, Slot *slot) {
  if (auto loop = dyn_cast<LoopOp>(op))
    return emitLoop(loop, buffers, slot);
  Value condition;
  if (auto choice = dyn_cast<IfOp>(op)) {
    condition = lookUp(code, buffers, choice.getCondition());
  } else {
    auto every = cast<EveryOp>(op);
    Value period = lookUp(code, buffers, every.getPeriod()), now = lookUp(code, buffers, every.getTime());
    condition = emitEvery(code, period, now);
  }
  SmallVector<Type> types = llvm::map_to_vector(op->getResults(), [&](Value result) { return typeInCode(code, result); });
  auto branch = scf::IfOp::create(code, types, condition, /*addThenBlock=*/true, /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(code);
  auto emitRegion = [&](Block *into, Region &region) {
    code.setInsertionPointToStart(into);
    emitOps(region.front(), buffers, slot);
    scf::YieldOp::create(code, lookUpAll(code, buffers, region.front().getTerminator()->getOperands()));
  };
  emitRegion(branch.thenBlock(), op->getRegion(0));
  if (auto choice = dyn_cast<IfOp>(op)) {
    emitRegion(branch.elseBlock(), choice.getOtherwise());
  } else {
    code.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(code, lookUpAll(code, buffers, cast<EveryOp>(op).getKept()));
  }
  bind(buffers, op->getResults(), branch.getResults());
}

/// Whether another pass runs: `known` are the index and the carried values.
Value FunctionLowering::emitProceed(LoopOp loop, Value count, ValueRange known, Buffers &buffers, Slot *slot) {
  Value proceed = code.compare(arith::CmpIPredicate::slt, known.front(), count);
  if (flag) { // of a call that is refused no value counts, nor how often a loop runs
    Value isFine = code.compare(arith::CmpIPredicate::eq, code.loadRaw(code.getI32Type(), flag), code.i32(0));
    proceed = arith::AndIOp::create(code, proceed, isFine);
  }
  if (loop.getProceed().empty())
    return proceed;
  Block &asked = loop.getProceed().front();
  auto branch = scf::IfOp::create(code, TypeRange(code.getI1Type()), proceed, /*addThenBlock=*/true, /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(code);
  code.setInsertionPointToStart(branch.thenBlock());
  bind(buffers, asked.getArguments(), known);
  emitOps(asked, buffers, slot);
  scf::YieldOp::create(code, lookUp(code, buffers, asked.getTerminator()->getOperand(0)));
  code.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(code, ValueRange{arith::ConstantOp::create(code, code.getBoolAttr(false))});
  return branch.getResult(0);
}

/// One pass: the next carried values.
SmallVector<Value> FunctionLowering::emitPass(LoopOp loop, ValueRange known, Buffers &buffers, Slot *slot) {
  Block &body = loop.getBody().front();
  bind(buffers, body.getArguments(), known);
  DenseMap<unsigned, Value> places;
  SmallVector<CarriedArray> arrays = findCarriedArrays(loop);
  for (const CarriedArray &carried : arrays) {
    if (carried.isInPlace) {
      for (Value result : carried.results)
        slot->places[result] = known[carried.index + 1];
      continue;
    }
    auto [first, second] = slot->pairs.lookup(body.getArgument(carried.index + 1));
    Value a = code.byteAddress(workspace, first), b = code.byteAddress(workspace, second);
    places[carried.index] = code.select(isSame(code, known[carried.index + 1], a), b, a);
    for (Value result : carried.results)
      slot->places[result] = places[carried.index];
  }
  emitOps(body, buffers, slot);
  SmallVector<Value> next = lookUpAll(code, buffers, body.getTerminator()->getOperands());
  for (const CarriedArray &carried : arrays)
    if (carried.isCopied) {
      copy(places[carried.index], next[carried.index], arrayOf(body.getArgument(carried.index + 1)), *slot);
      next[carried.index] = places[carried.index];
    }
  return next;
}

/// Whether a loop alone reads what carried value `index` begins with, in the workspace, where it is written anew before each run of the loop.
bool FunctionLowering::ownsInit(LoopOp loop, unsigned index) {
  Value init = loop.getInit()[index];
  auto kernel = init.getDefiningOp<KernelOp>();
  return kernel && kernel->getBlock() == loop->getBlock() && init.hasOneUse() && plan.getStorage(init).home == Home::Workspace;
}

void FunctionLowering::emitLoop(LoopOp loop, Buffers &buffers, Slot *slot) {
  Value count = lookUp(code, buffers, loop.getCount());
  count = emitCast(code, count, arrayOf(loop.getCount()).getElementType(), code.getI64Type());
  SmallVector<Value> init{code.i64(0)};
  llvm::append_range(init, lookUpAll(code, buffers, loop.getInit()));
  for (const CarriedArray &carried : findCarriedArrays(loop))
    if (carried.isInPlace && !ownsInit(loop, carried.index)) {
      Value place = code.byteAddress(workspace, slot->pairs.lookup(loop.getBody().getArgument(carried.index + 1)).first);
      copy(place, init[carried.index + 1], arrayOf(loop.getInit()[carried.index]), *slot);
      init[carried.index + 1] = place;
    }
  SmallVector<Type> types(ValueRange(init).getTypes());
  SmallVector<Location> locs(types.size(), loop.getLoc());
  auto repeated = scf::WhileOp::create(code, types, init);
  OpBuilder::InsertionGuard guard(code);
  Block *before = code.createBlock(&repeated.getBefore(), {}, types, locs);
  Value proceed = emitProceed(loop, count, before->getArguments(), buffers, slot);
  scf::ConditionOp::create(code, proceed, before->getArguments());
  Block *after = code.createBlock(&repeated.getAfter(), {}, types, locs);
  SmallVector<Value> next{code.add(after->getArgument(0), code.i64(1))};
  llvm::append_range(next, emitPass(loop, after->getArguments(), buffers, slot));
  scf::YieldOp::create(code, next);
  bind(buffers, loop.getResults(), ValueRange(repeated.getResults()).drop_front());
}

} // namespace gradus
