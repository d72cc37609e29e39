//===- Slot.cpp - The tensors of a slot and the workspace -----------------------===//

#include "passes/lower/Function.h"

#include "passes/fuse/Control.h"
#include "passes/fuse/Epilogue.h"
#include "passes/lower/Blocks.h"
#include "passes/lower/Product.h"
#include "passes/lower/Sizes.h"

using namespace mlir;

namespace gradus {

Value FunctionLowering::descriptor(Value slot, unsigned tensor) { return emitDescriptor(code, layout, tensors, slot, tensor); }

void FunctionLowering::readSymbols(Slot &slot) { slot.buffers.symbols = emitSymbols(code, layout, tensors, slot.index); }

Value FunctionLowering::bytesOf(ArrayType type, Evaluator &evaluator) {
  return emitBytes(code, type.getElementType(), evaluator.product(type.getShape()));
}

/// What a kernel needs beside its results.
void FunctionLowering::takeScratch(KernelOp kernel, Slot &slot, Evaluator &evaluator, llvm::function_ref<Value(Value)> take) {
  if (FftOp op = findFftOp(kernel)) {
    slot.partials[kernel].push_back(take(fftWorkspace(op, evaluator)));
    slot.spaces.push_back(kernel.getDomain());
    return;
  }
  if (Operation *op = findMatrixOp(kernel)) {
    for (Value result : op->getResults())
      if (result.use_empty() && !arrayOf(result).isScalar())
        slot.partials[kernel].push_back(take(bytesOf(arrayOf(result), evaluator)));
    Value count = evaluator.product(arrayOf(op->getOperand(0)).getShape().drop_back(2));
    slot.partials[kernel].push_back(take(code.mul(count, matrixWorkspace(op, evaluator))));
    slot.spaces.push_back(kernel.getDomain());
    return;
  }
  if (findOrderOp(kernel)) {
    for (ArrayType scratch : getOrderScratch(kernel)) {
      slot.partials[kernel].push_back(take(bytesOf(scratch, evaluator)));
      slot.spaces.push_back(code.getArrayAttr(scratch.getShape()));
    }
    return;
  }
  if (kernel.getDomain().empty() || findCut(kernel) || findMatrixProduct(kernel) || isVectorContract(kernel) || findScatter(kernel))
    return;
  for (const KernelInfo &info : analyzeKernel(kernel)) {
    for (auto [index, op] : info.encodes)
      if (!info.isFlat)
        slot.unencoded[kernel.getResult(index)] = take(bytesOf(op.getX().getType().withElement(code.getF32Type()), evaluator));
    if (!info.isFullReduction())
      continue;
    SmallVector<Value> &places = slot.partials[kernel];
    places.resize(kernel.getNumResults());
    slot.spaces.push_back(kernel.getDomain());
    Value blocks = countPartials(info, evaluator);
    for (const Reduction &reduction : info.reductions)
      places[reduction.result] = take(code.mul(blocks, code.i64(code.memBytes(reduction.accumulate))));
  }
}

/// Every temporary of a slot, each aligned to 64 bytes.
void FunctionLowering::layOutWorkspace(Slot &slot) {
  Evaluator evaluator(code, slot.buffers);
  Value offset = code.i64(0);
  auto take = [&](Value bytes) {
    Value begin = offset;
    Value rounded = arith::AndIOp::create(code, code.add(bytes, code.i64(63)), code.i64(-64));
    offset = code.add(offset, rounded);
    return begin;
  };
  llvm::DenseSet<Value> carriedOn;
  func.walk([&](LoopOp loop) {
    for (const CarriedArray &carried : findCarriedArrays(loop)) {
      ArrayType type = arrayOf(loop.getInit()[carried.index]);
      if (!carried.isInPlace || !ownsInit(loop, carried.index)) {
        Value first = take(bytesOf(type, evaluator));
        slot.pairs[loop.getBody().getArgument(carried.index + 1)] = {first, carried.isInPlace ? first : take(bytesOf(type, evaluator))};
      }
      slot.spaces.push_back(code.getArrayAttr(type.getShape()));
      carriedOn.insert_range(carried.results);
    }
  });
  for (KernelOp kernel : plan.getKernels()) {
    if (const RowNest *nest = findNest(kernel)) {
      takeNested(kernel, *nest, slot, evaluator, take);
      continue;
    }
    if (KernelOp epilogue = getEpilogueOf(kernel); epilogue && !isArrayToo(kernel, epilogue, plan)) // has the room of a unit, on the stack
      continue;
    for (Value result : kernel.getStored()) {
      if (carriedOn.contains(result))
        continue;
      Home home = plan.getStorage(result).home;
      if (home != Home::Workspace && home != Home::Deferred)
        continue;
      slot.workspace[result] = take(bytesOf(arrayOf(result), evaluator));
      slot.spaces.push_back(code.getArrayAttr(arrayOf(result).getShape()));
    }
    takeScratch(kernel, slot, evaluator, take);
  }
  slot.kept.resize(ret.getValues().size());
  slot.staged.resize(ret.getValues().size());
  for (auto [index, value] : llvm::enumerate(ret.getValues())) {
    auto argument = dyn_cast<BlockArgument>(value);
    if (argument && !arrayOf(value).isScalar() && func.getResultOf(index) != argument.getArgNumber())
      slot.kept[index] = take(bytesOf(arrayOf(value), evaluator));
    if (needsStage(func, index))
      slot.staged[index] = take(bytesOf(arrayOf(value), evaluator));
  }
  for (const EntryTensor &tensor : layout.tensors)
    slot.defaults.push_back(tensor.initial && !tensor.type.isScalar() ? take(bytesOf(tensor.type, evaluator)) : Value());
  slot.workspaceSize = offset;
}

/// Whether the sizes above are those of memory that can be, counted in f64. Arguments have been checked, but of `X @ W` over an axis
/// of size 0 neither needs memory however many rows and columns the result has.
Value FunctionLowering::fitsMemory(const Slot &slot) {
  Value fits = arith::ConstantOp::create(code, code.getBoolAttr(true));
  for (ArrayAttr space : slot.spaces) {
    if (llvm::any_of(layout.tensors, [&](const EntryTensor &tensor) { return ArrayRef(tensor.dims) == space.getValue(); }))
      continue;
    Value count = code.number(code.getF64Type(), 1);
    for (Attribute dim : space) {
      Value size = isa<IntegerAttr>(dim) ? code.i64(cast<IntegerAttr>(dim).getInt()) : slot.buffers.symbols.lookup(dim);
      count = arith::MulFOp::create(code, count, arith::SIToFPOp::create(code, code.getF64Type(), size));
    }
    Value isSmall = arith::CmpFOp::create(code, arith::CmpFPredicate::OLE, count, code.number(code.getF64Type(), 0x1p50));
    fits = arith::AndIOp::create(code, fits, isSmall);
  }
  return fits;
}

FunctionLowering::Slot FunctionLowering::enterSlot(Value index) {
  Slot slot;
  slot.index = index;
  slot.buffers.seed = host.seed;
  slot.buffers.slot = index;
  readSymbols(slot);
  layOutWorkspace(slot);
  slot.buffers.scalars = host.scalars;
  for (auto [number, tensor] : llvm::enumerate(layout.tensors)) {
    Value data = code.loadRaw(code.ptrType(), code.byteAddress(descriptor(index, number), offsetof(gradus_tensor, data)));
    slot.data.push_back(data);
    if (tensor.argument < 0)
      continue;
    Value argument = func.getArgument(tensor.argument);
    if (!tensor.type.isScalar())
      slot.buffers.arrays[argument] = tensor.initial ? orDefault(data, number, slot) : data;
    else if (!slot.buffers.scalars.contains(argument))
      slot.buffers.scalars[argument] = loadScalar(data, tensor);
  }
  return slot;
}

Value FunctionLowering::isNull(Value pointer) {
  return LLVM::ICmpOp::create(code, LLVM::ICmpPredicate::eq, pointer, LLVM::ZeroOp::create(code, code.ptrType()));
}

/// The number that fills an input that is left out.
static Value defaultOf(CodeBuilder &code, const EntryTensor &tensor) {
  Type element = tensor.type.getElementType();
  return emitCast(code, code.number(code.getF64Type(), tensor.initial.value_or(0)), code.getF64Type(), element);
}

/// An argument of rank 0, which may be left out where it has a default.
Value FunctionLowering::loadScalar(Value data, const EntryTensor &tensor) {
  Type element = tensor.type.getElementType();
  if (!tensor.initial)
    return code.loadElement(data, element, code.i64(0));
  return code.choose(
      code.regType(element), isNull(data), [&] { return defaultOf(code, tensor); },
      [&] { return code.loadElement(data, element, code.i64(0)); });
}

/// The data of an input, or its default spread out in the workspace where there are none.
Value FunctionLowering::orDefault(Value data, unsigned number, Slot &slot) {
  const EntryTensor &tensor = layout.tensors[number];
  Type element = tensor.type.getElementType();
  Value place = code.byteAddress(workspace, slot.defaults[number]), isAbsent = isNull(data);
  code.ifThen(isAbsent, [&] {
    Value value = code.splat(defaultOf(code, tensor)), count = Evaluator(code, slot.buffers).product(tensor.type.getShape());
    code.loop(code.i64(0), count, lanes, {}, [&](Value index, ValueRange) {
      Value mask = code.compare(arith::CmpIPredicate::slt, code.laneNumbers(), code.splat(code.sub(count, index)));
      code.storeVector(place, element, index, value, mask);
      return SmallVector<Value>();
    });
  });
  return code.select(isAbsent, place, data);
}

/// The address of a result of a kernel.
Value FunctionLowering::placeOf(Value kernelResult, Slot &slot) {
  if (Value place = slot.places.lookup(kernelResult))
    return place;
  if (Value host = hosts.lookup(kernelResult))
    return placeOf(host, slot);
  const Storage &where = plan.getStorage(kernelResult);
  if (where.home == Home::Result)
    return slot.data[tensorOfResult(where.result)];
  return code.byteAddress(workspace, slot.workspace.lookup(kernelResult));
}

void FunctionLowering::copy(Value to, Value from, ArrayType type, Slot &slot) {
  Evaluator evaluator(code, slot.buffers);
  Value count = evaluator.product(type.getShape());
  Type element = type.getElementType();
  if (type.isBlocks()) { // scales and codes, as they stand
    count = bytesOf(type, evaluator);
    element = code.getI8Type();
  }
  code.loop(code.i64(0), count, lanes, {}, [&](Value index, ValueRange) {
    Value mask = code.compare(arith::CmpIPredicate::slt, code.laneNumbers(), code.splat(code.sub(count, index)));
    code.storeVector(to, element, index, code.loadVector(from, element, index, mask), mask);
    return SmallVector<Value>();
  });
}

} // namespace gradus
