//===- RowNest.cpp - Kernels that go through their rows together -----------------===//
//
// A nest is one function over super-blocks of rows. In a super-block it goes from block to block and calls the function of each kernel for the rows
// of the block. What is read in the nest alone has the room of one block for each super-block. Sums over the rows are partial results: numbers for each
// block, arrays for each super-block, to which its blocks add one after the other. How many rows a block has depends on the shapes alone.
//
//===----------------------------------------------------------------------===//

#include "passes/fuse/Cost.h"
#include "passes/fuse/Epilogue.h"
#include "passes/fuse/Traffic.h"
#include "passes/lower/Function.h"

using namespace mlir;

namespace gradus {

/// A block of rows has about so many bytes in all arrays that have the rows: it and the next one stay in the first cache.
static constexpr int64_t blockBytes = 20480;
/// Arrays of partial sums have room for whole vectors of every type.
static constexpr int64_t partialAlignment = 128;
/// As many super-blocks as many threads want, unless they have too many rows for one sum, or too few for the partial sums that each of them costs.
static constexpr int64_t mostSuperBlocks = 64, mostSuperRows = 4096, rowBytesPerPartialByte = 16;

static bool isFullSum(Value result) { return arrayOf(result).isScalar(); }

Value FunctionLowering::emitRowBytes(Value array, Evaluator &evaluator) {
  return code.mul(evaluator.product(arrayOf(array).getShape().drop_front()), code.i64(code.memBytes(arrayOf(array).getElementType())));
}

/// The room of the partial sums of one super-block.
static Value emitPartialBytes(CodeBuilder &code, Value result, Evaluator &evaluator, Type accumulate) {
  Value bytes = code.mul(evaluator.product(arrayOf(result).getShape()), code.i64(code.memBytes(accumulate)));
  return code.mul(code.ceilDiv(bytes, partialAlignment), code.i64(partialAlignment));
}

/// What a result of a kernel that sums over the rows is accumulated in, and how.
static std::pair<ReductionKind, Type> getAccumulation(KernelOp kernel, unsigned result) {
  Operation *op = kernel.getBody().front().getTerminator()->getOperand(result).getDefiningOp();
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return {reduce.getKind(), reduce.getAccumulate() ? *reduce.getAccumulate() : reduce.getX().getType().getElementType()};
  return {ReductionKind::Sum, arrayOf(op->getResult(0)).getElementType()};
}

NestShape FunctionLowering::emitNestShape(const RowNest &nest, Evaluator &evaluator) {
  CodeBuilder &code = evaluator.code;
  NestShape shape;
  shape.rows = evaluator.sizeOf(nest.rows);
  llvm::SetVector<Value> wide;
  Value rowBytes = code.i64(0), partialBytes = code.i64(0);
  for (KernelOp kernel : nest.kernels) {
    RowUse use(kernel, nest.rows);
    for (auto [number, operand] : llvm::enumerate(kernel.getOperands()))
      if (use.getRead(number) == RowRead::Own)
        wide.insert(operand);
    for (auto [number, result] : llvm::enumerate(kernel.getStored())) {
      if (use.hasRows(number))
        wide.insert(result);
      else if (!isFullSum(result))
        partialBytes = code.add(partialBytes, emitPartialBytes(code, result, evaluator, getAccumulation(kernel, number).second));
    }
  }
  for (Value array : wide)
    if (auto source = array.getDefiningOp<KernelOp>(); !source || !source->hasAttr(readsAheadAttribute))
      rowBytes = code.add(rowBytes, code.mul(evaluator.product(arrayOf(array).getShape().drop_front()), code.i64(code.memBytes(arrayOf(array).getElementType()))));
  rowBytes = code.max(rowBytes, code.i64(1));
  // Whole vectors or tiles of rows, where there are as many.
  Value fit = code.min(code.div(code.i64(blockBytes), rowBytes), code.i64(mostSuperRows));
  auto roundDown = [&](int64_t unit) { return arith::AndIOp::create(code, fit, code.i64(-unit)).getResult(); };
  auto isAtLeast = [&](int64_t count) { return code.compare(arith::CmpIPredicate::sge, fit, code.i64(count)); };
  shape.blockRows = code.select(isAtLeast(16), roundDown(16), code.select(isAtLeast(4), roundDown(4), code.max(fit, code.i64(1))));
  Value wanted = code.min(code.ceilDiv(shape.rows, mostSuperBlocks), code.i64(mostSuperRows));
  Value least = code.div(code.mul(partialBytes, code.i64(rowBytesPerPartialByte)), rowBytes);
  auto countOf = [&](Value all, Value each) { return code.div(code.add(all, code.sub(each, code.i64(1))), each); };
  shape.blocksPerSuper = code.max(countOf(code.max(wanted, least), shape.blockRows), code.i64(1));
  shape.superBlocks = countOf(shape.rows, code.mul(shape.blocksPerSuper, shape.blockRows));
  shape.blocks = countOf(shape.rows, shape.blockRows);
  return shape;
}

const RowNest *FunctionLowering::findNest(KernelOp kernel) const {
  for (const RowNest &nest : nests)
    if (llvm::is_contained(nest.kernels, kernel))
      return &nest;
  return nullptr;
}

/// The room of a result of a kernel in a nest and of its partial sums.
void FunctionLowering::takeNested(KernelOp kernel, const RowNest &nest, Slot &slot, Evaluator &evaluator, function_ref<Value(Value)> take) {
  NestShape shape = emitNestShape(nest, evaluator);
  RowUse use(kernel, nest.rows);
  slot.spaces.push_back(kernel.getDomain());
  for (auto [number, result] : llvm::enumerate(kernel.getStored())) {
    if (hosts.contains(result))
      continue;
    if (nest.isLocal(result, plan)) {
      Value bytes = code.mul(code.mul(shape.superBlocks, shape.blockRows), emitRowBytes(result, evaluator));
      slot.workspace[result] = take(nest.narrow ? code.select(emitIsNarrow(nest, evaluator), bytes, bytesOf(arrayOf(result), evaluator)) : bytes);
      slot.spaces.push_back(code.getArrayAttr(arrayOf(result).getShape()));
      continue;
    }
    Home home = plan.getStorage(result).home;
    if (home == Home::Workspace || home == Home::Deferred) {
      slot.workspace[result] = take(bytesOf(arrayOf(result), evaluator));
      slot.spaces.push_back(code.getArrayAttr(arrayOf(result).getShape()));
    }
    if (use.hasRows(number))
      continue;
    Type accumulate = getAccumulation(kernel, number).second;
    Value bytes = isFullSum(result) ? code.mul(shape.blocks, code.i64(code.memBytes(accumulate)))
                                    : code.mul(shape.superBlocks, emitPartialBytes(code, result, evaluator, accumulate));
    slot.nestPartials[result] = take(bytes);
  }
  if (nest.narrow)
    takeScratch(kernel, slot, evaluator, take);
}

Value FunctionLowering::emitIsNarrow(const RowNest &nest, Evaluator &evaluator) {
  return code.compare(arith::CmpIPredicate::sle, evaluator.sizeOf(nest.narrow), code.i64(widestProduct));
}

/// A nest, or where a size of the call is too large for it the same kernels one after the other.
void FunctionLowering::emitNestOrKernels(const RowNest &nest, Slot &slot) {
  if (!nest.narrow)
    return emitNest(nest, slot);
  SmallVector<Value> sums;
  for (KernelOp kernel : nest.kernels)
    llvm::copy_if(kernel.getStored(), std::back_inserter(sums), isFullSum);
  auto getSums = [&] { return llvm::map_to_vector(sums, [&](Value sum) { return slot.buffers.scalars.lookup(sum); }); };
  SmallVector<Type> types = llvm::map_to_vector(sums, [&](Value sum) { return code.regType(arrayOf(sum).getElementType()); });
  Evaluator evaluator(code, slot.buffers);
  auto branch = scf::IfOp::create(code, types, emitIsNarrow(nest, evaluator), /*addThenBlock=*/true, /*addElseBlock=*/true);
  {
    OpBuilder::InsertionGuard guard(code);
    code.setInsertionPointToStart(branch.thenBlock());
    emitNest(nest, slot);
    scf::YieldOp::create(code, getSums());
    code.setInsertionPointToStart(branch.elseBlock());
    for (KernelOp kernel : nest.kernels)
      if (!getEpilogueOf(kernel)) // else it runs with that, behind the nest
        emitKernel(kernel, slot);
    scf::YieldOp::create(code, getSums());
  }
  for (auto [sum, value] : llvm::zip_equal(sums, branch.getResults()))
    slot.buffers.scalars[sum] = value;
  for (KernelOp kernel : nest.kernels)
    for (Value result : kernel.getStored())
      if (!isFullSum(result))
        slot.buffers.arrays[result] = placeOf(result, slot);
}

namespace {

/// How a pointer of a kernel moves while the nest goes on: not, with the rows of a block, with the blocks or with the super-blocks.
enum class Motion { None, Rows, Blocks, SuperBlocks };

} // namespace

/// The kernels that ask for the next block of an array: those of its readers that compute long enough for it to come meanwhile.
static SmallVector<KernelOp> findAskers(const RowNest &nest, Value array) {
  SmallVector<KernelOp> readers = nest.findReaders(array);
  auto weigh = [](KernelOp kernel) {
    int64_t weight = 1;
    for (Operation &op : kernel.getBody().front())
      weight += getFlopWeight(&op);
    return weight;
  };
  int64_t most = 0;
  for (KernelOp kernel : readers)
    most = std::max(most, weigh(kernel));
  llvm::erase_if(readers, [&](KernelOp kernel) { return 4 * weigh(kernel) < most; });
  return readers;
}

/// The functions of the kernels of a nest, for rows [begin, end).
SmallVector<KernelFunction> FunctionLowering::buildNested(KernelOp kernel, const RowNest &nest, Slot &slot, ValueRange outputs) {
  auto isCached = [&](Value array) { return nest.isLocal(array, plan) || nest.isCached(kernel, array); };
  // What is in the nest alone has the rows of a block, unless it waits where a result will stand.
  auto beginRows = [&](Evaluator &inside, Value begin) {
    for (auto [operand, inner] : llvm::zip_equal(kernel.getOperands(), kernel.getBody().getArguments()))
      if (nest.isLocal(operand, plan) && !hosts.contains(operand))
        inside.beginAt(inside.baseOf(inner), inside.code.mul(begin, inside.product(arrayOf(operand).getShape().drop_front())));
  };
  // Each of these kernels asks for its part of the next block, and so far behind that: test/bench/rows takes 1 or 2 % less time.
  constexpr int64_t furtherBytes = 4096;
  auto askAhead = [&](Evaluator &inside, Value begin, Value end) {
    CodeBuilder &code = inside.code;
    for (auto [operand, inner] : llvm::zip_equal(kernel.getOperands(), kernel.getBody().getArguments())) {
      SmallVector<KernelOp> readers = findAskers(nest, operand);
      int64_t number = llvm::find(readers, kernel) - readers.begin(), shift = llvm::Log2_64(readers.size() | 1);
      if (number >= std::min<int64_t>(readers.size(), int64_t(1) << shift))
        continue;
      Value width = inside.product(arrayOf(operand).getShape().drop_front());
      Value first = code.mul(begin, width), size = code.mul(code.sub(end, begin), width);
      Value part = code.createOrFold<arith::ShRUIOp>(size, code.i64(shift)), further = code.i64(furtherBytes / code.memBytes(arrayOf(operand).getElementType()));
      inside.askAhead(inside.baseOf(inner), {first, code.add(code.add(first, code.add(size, further)), code.mul(part, code.i64(number))), shift});
    }
  };
  if (isa<ContractOp>(kernel.getBody().front().front())) {
    int64_t label = RowUse(kernel, nest.rows).getLabel();
    return {buildFunction(kernel, "_rows", slot, outputs, isCached, [&](Evaluator &inside, ValueRange places, Value begin, Value end, LLVM::LLVMFuncOp) {
      beginRows(inside, begin);
      askAhead(inside, begin, end);
      emitRowContractBody(kernel, label, inside, places[0], begin, end);
    })};
  }
  SmallVector<KernelFunction> functions;
  for (const KernelInfo &info : analyzeKernel(kernel)) {
    StringRef suffix = info.form == KernelForm::Argument ? "_rows_arg" : "_rows";
    functions.push_back(buildFunction(kernel, suffix, slot, outputs, isCached, [&](Evaluator &inside, ValueRange places, Value begin, Value end, LLVM::LLVMFuncOp body) {
      beginRows(inside, begin);
      askAhead(inside, begin, end);
      emitKernelBody(info, inside, places, begin, end, /*isNested=*/true);
      if (std::optional<Traffic> traffic = inside.traffic)
        recordTraffic(body, layout.name, plan.getPosition(kernel), *traffic);
    }));
  }
  return functions;
}

/// The closure of a nest: its shape, then for each function of a kernel the fields of its closure, then how far pointers move.
struct FunctionLowering::NestClosure {
  SmallVector<Value> captured;
  struct Field {
    unsigned place;
    Motion motion = Motion::None;
    unsigned stride = 0;
  };
  struct Member {
    KernelFunction function;
    SmallVector<Field> fields;
  };
  SmallVector<Member> members;
  /// Partial sums that a super-block begins with: the pointer, the bytes of each super-block, and what they are.
  struct Sum {
    unsigned place, stride;
    ReductionKind kind;
    Type type;
  };
  SmallVector<Sum> sums;

  unsigned add(Value value) {
    captured.push_back(value);
    return captured.size() - 1;
  }
};

/// The code of one super-block after the other.
static void emitSuperBlocks(CodeBuilder &code, const FunctionLowering::NestClosure &closure, ArrayRef<Value> fields, Value begin, Value end) {
  Value rows = fields[0], blockRows = fields[1], blocksPerSuper = fields[2];
  SmallVector<Value> closures;
  for (const auto &member : closure.members)
    closures.push_back(code.stackSlot(member.function.closure, 1));
  Value blocks = code.div(code.add(rows, code.sub(blockRows, code.i64(1))), blockRows);
  code.loop(begin, end, [&](Value super) {
    for (const auto &sum : closure.sums) {
      Value place = code.byteAddress(fields[sum.place], code.mul(super, fields[sum.stride]));
      Value identity = emitIdentity(code, sum.kind, code.vecType(sum.type));
      Value count = code.div(fields[sum.stride], code.i64(code.memBytes(sum.type)));
      code.loop(code.i64(0), count, lanes, {}, [&](Value index, ValueRange) {
        code.storeVector(place, sum.type, index, identity, {});
        return SmallVector<Value>();
      });
    }
    Value first = code.mul(super, blocksPerSuper), last = code.min(code.add(first, blocksPerSuper), blocks);
    code.loop(first, last, [&](Value block) {
      Value low = code.mul(block, blockRows), high = code.min(code.add(low, blockRows), rows);
      // The room of a super-block has its first row where the block has its own.
      Value before = code.sub(code.mul(super, blockRows), low);
      for (auto [member, own] : llvm::zip_equal(closure.members, closures)) {
        SmallVector<Value> values;
        for (const auto &field : member.fields) {
          values.push_back(fields[field.place]);
          if (field.motion == Motion::None)
            continue;
          Value times = field.motion == Motion::Rows ? before : field.motion == Motion::Blocks ? block : super;
          values.back() = code.byteAddress(values.back(), code.mul(times, fields[field.stride]));
        }
        fillClosure(code, member.function.closure, own, values);
        LLVM::CallOp::create(code, member.function.body, ValueRange{own, low, high});
      }
    });
  });
}

/// Where the results of a kernel go in a nest, and how the pointers move.
void FunctionLowering::addMembers(KernelOp kernel, const RowNest &nest, Slot &slot, NestClosure &closure, DenseMap<Value, unsigned> &rowStrides) {
  Evaluator evaluator(code, slot.buffers);
  RowUse use(kernel, nest.rows);
  SmallVector<Value> outputs;
  SmallVector<std::pair<Motion, unsigned>> motions;
  for (auto [number, result] : llvm::enumerate(kernel.getStored())) {
    if (!isFullSum(result))
      slot.buffers.arrays[result] = placeOf(result, slot);
    if (use.hasRows(number)) {
      outputs.push_back(placeOf(result, slot));
      if (nest.isLocal(result, plan) && !hosts.contains(result))
        rowStrides[result] = closure.add(emitRowBytes(result, evaluator));
      motions.push_back(rowStrides.contains(result) ? std::pair(Motion::Rows, rowStrides[result]) : std::pair(Motion::None, 0U));
      continue;
    }
    auto [kind, type] = getAccumulation(kernel, number);
    outputs.push_back(code.byteAddress(workspace, slot.nestPartials.lookup(result)));
    if (isFullSum(result)) {
      motions.push_back({Motion::Blocks, closure.add(code.i64(code.memBytes(type)))});
      continue;
    }
    unsigned stride = closure.add(emitPartialBytes(code, result, evaluator, type));
    motions.push_back({Motion::SuperBlocks, stride});
    closure.sums.push_back({closure.add(outputs.back()), stride, kind, type});
  }
  for (KernelFunction &function : buildNested(kernel, nest, slot, outputs)) {
    NestClosure::Member member{function, {}};
    for (const KernelFunction::Field &field : function.fields) {
      NestClosure::Field own{closure.add(field.captured)};
      if (field.output >= 0)
        std::tie(own.motion, own.stride) = motions[field.output];
      else if (auto known = rowStrides.find(field.operand); field.operand && known != rowStrides.end())
        std::tie(own.motion, own.stride) = std::pair(Motion::Rows, known->second);
      member.fields.push_back(own);
    }
    closure.members.push_back(member);
  }
}

void FunctionLowering::emitNest(const RowNest &nest, Slot &slot) {
  Evaluator evaluator(code, slot.buffers);
  NestShape shape = emitNestShape(nest, evaluator);
  NestClosure closure;
  closure.captured = {shape.rows, shape.blockRows, shape.blocksPerSuper};
  DenseMap<Value, unsigned> rowStrides;
  Value work = code.i64(0);
  for (KernelOp kernel : nest.kernels) {
    addMembers(kernel, nest, slot, closure, rowStrides);
    bool isContract = isa<ContractOp>(kernel.getBody().front().front());
    work = code.add(work, isContract ? emitContractWork(kernel, evaluator) : evaluator.product(llvm::to_vector(kernel.getDomain())));
  }
  std::string name = layout.cName + "__nest" + std::to_string(plan.getPosition(nest.kernels.front()));
  ClosureFunction function = buildBody(nest.kernels.front()->getLoc(), name, closure.captured, [&](CodeBuilder &inside, ArrayRef<Value> fields, LLVM::LLVMFuncOp body) {
    emitSuperBlocks(inside, closure, fields, body.getArgument(1), body.getArgument(2));
  });
  callUnlessRefused(function.body, buildClosure(function, closure.captured), shape.superBlocks, work);
  for (KernelOp kernel : nest.kernels)
    emitNestSums(kernel, nest, slot, shape);
}

/// The partial sums, pairwise: numbers by the calling thread, arrays vector by vector.
void FunctionLowering::emitNestSums(KernelOp kernel, const RowNest &nest, Slot &slot, const NestShape &shape) {
  RowUse use(kernel, nest.rows);
  for (auto [index, value] : llvm::enumerate(kernel.getStored())) {
    if (use.hasRows(index))
      continue;
    Value result = value;
    auto [kind, accumulate] = getAccumulation(kernel, index);
    Value partials = code.byteAddress(workspace, slot.nestPartials.lookup(result));
    Type element = arrayOf(result).getElementType();
    if (isFullSum(result)) {
      auto load = [&, type = accumulate](Value block) { return SmallVector<Value>{code.loadElement(partials, type, block)}; };
      Value combined = emitPairwise(code, {kind}, {code.regType(accumulate)}, shape.blocks, load).front();
      slot.buffers.scalars[result] = emitCast(code, combined, accumulate, element);
      continue;
    }
    Evaluator evaluator(code, slot.buffers);
    Value count = evaluator.product(arrayOf(result).getShape());
    launch(kernel, "_sum" + std::to_string(index), slot, {partials, placeOf(result, slot)}, code.ceilDiv(count, lanes), code.mul(count, shape.superBlocks),
           [&, kind = kind, type = accumulate](Evaluator &inside, ValueRange places, Value begin, Value end, LLVM::LLVMFuncOp) {
             CodeBuilder &code = inside.code;
             Value size = inside.product(arrayOf(result).getShape()), bytes = emitPartialBytes(code, result, inside, type);
             Value supers = emitNestShape(nest, inside).superBlocks;
             code.loop(begin, end, [&](Value strip) {
               Value position = code.mul(strip, code.i64(lanes));
               Value mask = code.compare(arith::CmpIPredicate::slt, code.laneNumbers(), code.splat(code.sub(size, position)));
               auto load = [&](Value super) {
                 return SmallVector<Value>{code.loadVector(code.byteAddress(places[0], code.mul(super, bytes)), type, position, {})};
               };
               Value sum = emitPairwise(code, {kind}, {code.vecType(type)}, supers, load).front();
               code.storeVector(places[1], element, position, emitCast(code, sum, type, element), mask);
             });
           });
  }
}

} // namespace gradus
