//===- Launch.cpp - Calls of kernels --------------------------------------------===//

#include "passes/fuse/Epilogue.h"
#include "passes/fuse/Traffic.h"
#include "passes/lower/Function.h"
#include "passes/lower/Product.h"

using namespace mlir;

namespace gradus {

void FunctionLowering::emitKernel(KernelOp kernel, Slot &slot) {
  for (Value result : kernel.getStored())
    if (!arrayOf(result).isScalar())
      slot.buffers.arrays[result] = placeOf(result, slot);
  Operation *scatter = findScatter(kernel);
  if (getProductOf(kernel)) {
    emitEpilogue(kernel, slot);
  } else if (findMatrixProduct(kernel)) {
    emitProduct(kernel, slot);
  } else if (isVectorContract(kernel)) {
    Evaluator evaluator(code, slot.buffers);
    Value output = placeOf(kernel.getResult(0), slot);
    launch(kernel, "", slot, {output}, emitContractCount(kernel, evaluator), emitContractWork(kernel, evaluator),
           [&](Evaluator &inside, ValueRange outputs, Value begin, Value end, LLVM::LLVMFuncOp) {
             emitContractBody(kernel, inside, outputs[0], begin, end);
           });
  } else if (scatter) {
    Value output = placeOf(kernel.getResult(0), slot);
    unsigned operand = cast<BlockArgument>(scatter->getOperand(0)).getArgNumber();
    Value before = slot.buffers.arrays.lookup(kernel.getOperand(operand));
    if (output != before) // a loop may carry it in one place
      unlessRefused([&] { copy(output, before, arrayOf(scatter->getResult(0)), slot); });
    // One call, whatever its size: duplicates are added in order.
    launch(kernel, "", slot, {output}, code.i64(1), code.i64(0),
           [&](Evaluator &inside, ValueRange outputs, Value, Value, LLVM::LLVMFuncOp) { emitScatterBody(kernel, inside, outputs[0]); });
  } else if (findFftOp(kernel)) {
    emitFft(kernel, slot);
  } else if (findCut(kernel)) {
    emitCutKernel(kernel, slot);
  } else if (findMatrixOp(kernel)) {
    emitMatrix(kernel, slot);
  } else if (findOrderOp(kernel)) {
    emitOrder(kernel, slot);
  } else if (kernel.getDomain().empty()) {
    emitScalarKernel(kernel, slot);
  } else {
    for (const KernelInfo &info : analyzeKernel(kernel))
      emitLoops(info, slot);
  }
}

/// A kernel without axes is code of the host.
void FunctionLowering::emitScalarKernel(KernelOp kernel, Slot &slot) {
  Buffers buffers;
  buffers.symbols = slot.buffers.symbols;
  buffers.seed = slot.buffers.seed;
  buffers.slot = slot.buffers.slot;
  for (auto [inner, operand] : llvm::zip_equal(kernel.getBody().getArguments(), kernel.getOperands())) {
    if (arrayOf(operand).isScalar())
      buffers.scalars[inner] = slot.buffers.scalars.lookup(operand);
    else
      buffers.arrays[inner] = slot.buffers.arrays.lookup(operand);
  }
  auto yield = cast<YieldOp>(kernel.getBody().front().getTerminator());
  auto evaluate = [&] {
    Evaluator evaluator(code, buffers);
    SmallVector<Value> known;
    for (Value value : yield.getValues()) {
      auto reduce = value.getDefiningOp<ReduceOp>();
      known.push_back(evaluator.evaluateScalar(reduce ? reduce.getX() : value));
      if (reduce)
        known.back() = emitCast(code, known.back(), reduce.getX().getType().getElementType(), reduce.getType().getElementType());
    }
    return known;
  };
  SmallVector<Type> types = llvm::map_to_vector(yield.getValues(), [&](Value value) { return code.regType(arrayOf(value).getElementType()); });
  // A bad index must not be read with.
  bool isChecked = plan.getCheck(kernel) == Check::Late;
  SmallVector<Value> known = isChecked ? valuesUnlessRefused(types, evaluate) : evaluate();
  for (auto [result, value] : llvm::zip_equal(kernel.getStored(), known))
    slot.buffers.scalars[result] = value;
}

/// Where the results of a kernel go, or the partial results of its reductions over everything.
SmallVector<Value> FunctionLowering::outputsOf(const KernelInfo &info, Slot &slot) {
  KernelOp kernel = info.kernel;
  SmallVector<Value> outputs;
  for (auto [index, result] : llvm::enumerate(kernel.getStored())) {
    bool isSummed = llvm::any_of(info.reductions, [&](const Reduction &reduction) { return reduction.result == index; });
    if (arrayOf(result).isScalar() && info.isFullReduction() && isSummed)
      outputs.push_back(code.byteAddress(workspace, slot.partials[kernel][index]));
    else if (arrayOf(result).isScalar()) // the one index of a vector's arg_reduce
      outputs.push_back(code.stackSlot(code.memType(arrayOf(result).getElementType()), 1));
    else if (Value offset = slot.unencoded.lookup(result))
      outputs.push_back(code.byteAddress(workspace, offset));
    else
      outputs.push_back(placeOf(result, slot));
  }
  return outputs;
}

void FunctionLowering::emitLoops(const KernelInfo &info, Slot &slot) {
  KernelOp kernel = info.kernel;
  SmallVector<Value> outputs = outputsOf(info, slot);
  Evaluator evaluator(code, slot.buffers);
  launch(kernel, info.form == KernelForm::Argument ? "_arg" : "", slot, outputs, emitCount(info, evaluator), emitWork(info, evaluator),
         [&](Evaluator &inside, ValueRange places, Value begin, Value end, LLVM::LLVMFuncOp body) {
           emitKernelBody(info, inside, places, begin, end);
           for (auto [index, op] : info.encodes)
             if (inside.traffic && !info.isFlat) { // read again
               inside.traffic->read += static_cast<double>(code.memBytes(code.getF32Type()));
               inside.traffic->written += getEncodedBytes(op);
             }
           if (std::optional<Traffic> traffic = inside.traffic)
             recordTraffic(body, layout.name, plan.getPosition(kernel), *traffic);
         });
  if (info.isFullReduction() && !blocksAtHand) // else when all slots are done
    emitFullReductions(info, slot);
  if (!info.isFlat)
    emitEncodes(info, slot);
  for (auto [index, op] : info.argReductions)
    if (arrayOf(op.getY()).isScalar())
      slot.buffers.scalars[kernel.getResult(index)] = code.loadElement(outputs[index], arrayOf(op.getY()).getElementType(), code.i64(0));
}

/// The codes of what a kernel has left in the workspace.
void FunctionLowering::emitEncodes(const KernelInfo &info, Slot &slot) {
  for (const auto &[index, encode] : info.encodes) {
    EncodeOp op = encode;
    Value result = info.kernel->getResult(index), numbers = code.byteAddress(workspace, slot.unencoded.lookup(result));
    Evaluator evaluator(code, slot.buffers);
    Value work = evaluator.product(op.getType().getShape());
    launch(info.kernel, "_encode" + std::to_string(index), slot, {numbers, placeOf(result, slot)}, code.ceilDiv(work, blockSize), work,
           [&](Evaluator &inside, ValueRange places, Value begin, Value end, LLVM::LLVMFuncOp) {
             emitEncodeBody(op, inside, places[0], places[1], begin, end);
           });
  }
}

/// The blocks' or units' results, pairwise, by one thread.
void FunctionLowering::emitFullReductions(const KernelInfo &info, Slot &slot) {
  Evaluator evaluator(code, slot.buffers);
  Value blocks = countPartials(info, evaluator);
  for (const Reduction &reduction : info.reductions) {
    Value partials = code.byteAddress(workspace, slot.partials[info.kernel][reduction.result]);
    auto load = [&](Value block) { return SmallVector<Value>{code.loadElement(partials, reduction.accumulate, block)}; };
    Value combined = emitPairwise(code, {reduction.kind}, {code.regType(reduction.accumulate)}, blocks, load).front();
    Value result = info.kernel->getResult(reduction.result);
    slot.buffers.scalars[result] = emitCast(code, combined, reduction.accumulate, arrayOf(result).getElementType());
  }
}

int64_t describePlace(const EntryLayout &layout, const KernelInfo &info) {
  auto isAnywhere = [](Value place) { return !place.getDefiningOp<IotaOp>(); };
  std::optional<int64_t> axis;
  for (Operation *op : info.checked)
    for (auto [number, place] : llvm::enumerate(getPlaces(op)))
      if (isAnywhere(place))
        axis = axis && *axis != static_cast<int64_t>(number) ? -1 : static_cast<int64_t>(number);
  auto inside = dyn_cast<BlockArgument>(info.checked.front()->getOperand(0));
  auto kernel = cast<KernelOp>(info.kernel);
  Value array = inside && inside.getOwner()->getParentOp() == kernel ? kernel->getOperand(inside.getArgNumber()) : Value();
  auto argument = dyn_cast_or_null<BlockArgument>(array);
  if (!argument || !isa<FuncOp>(argument.getOwner()->getParentOp()))
    return 0;
  for (auto [number, tensor] : llvm::enumerate(layout.tensors))
    if (tensor.argument == static_cast<int64_t>(argument.getArgNumber()))
      return static_cast<int64_t>(number) + 1 + ((axis.value_or(-1) + 1) << 16);
  return 0;
}

/// Sets the flag where an index of the kernel is outside its axis: to 1 in the kernel, then to twice what describes the place. No check loads by an index that has not been checked.
void FunctionLowering::emitCheck(KernelOp kernel, Slot &slot) {
  for (auto [index, info] : llvm::enumerate(analyzeChecks(kernel))) {
    std::string suffix = "_check" + (index ? std::to_string(index) : "");
    auto emit = [&] {
      Evaluator evaluator(code, slot.buffers);
      launch(kernel, suffix, slot, {flag}, emitCount(info, evaluator), emitWork(info, evaluator),
             [&](Evaluator &inside, ValueRange outputs, Value begin, Value end, LLVM::LLVMFuncOp) {
               emitKernelBody(info, inside, outputs, begin, end);
             });
      // The report has no room for the slot, without which a name would point at the wrong tensor.
      if (int64_t place = layout.isOpen ? 0 : describePlace(layout, info)) {
        Type i32 = code.getI32Type();
        Value state = code.loadRaw(i32, flag);
        Value isNew = code.compare(arith::CmpIPredicate::eq, state, code.i32(1));
        LLVM::StoreOp::create(code, code.select(isNew, code.i32(static_cast<int32_t>(2 * place)), state), flag);
      }
    };
    if (info.checkLevel == 0)
      emit();
    else
      unlessRefused(emit);
  }
}

/// Indices that come straight from the data are looked at before anything else happens.
void FunctionLowering::emitChecks() {
  auto isEarly = [&](KernelOp kernel) { return plan.getCheck(kernel) == Check::Early; };
  auto emitIn = [&](Slot &slot) {
    for (KernelOp kernel : llvm::make_filter_range(plan.getKernels(), isEarly))
      emitCheck(kernel, slot);
  };
  if (llvm::none_of(plan.getKernels(), isEarly))
    return;
  if (onlySlot)
    return emitIn(*onlySlot);
  code.loop(code.i64(0), slotCount, [&](Value index) {
    Slot slot = enterSlot(index);
    emitIn(slot);
  });
}

/// Indices that another kernel has computed are looked at right before they are used; from then on nothing is sure to run.
void FunctionLowering::emitLateCheck(KernelOp kernel, Slot &slot) {
  if (plan.getCheck(kernel) != Check::Late)
    return;
  emitCheck(kernel, slot);
  mayBeRefusedLate = true;
}

/// All at once, or through the hook of the context where that pays.
void FunctionLowering::callKernel(LLVM::LLVMFuncOp body, Value closure, Value count, Value work) {
  if (blocksAtHand) {
    LLVM::CallOp::create(code, body, ValueRange{closure, blocksAtHand->first, blocksAtHand->second});
    return;
  }
  Type ptr = code.ptrType(), i64 = code.getI64Type(), none = LLVM::LLVMVoidType::get(code.getContext());
  auto emitLaunch = [&](CodeBuilder &code, ValueRange arguments) {
    Value context = arguments[0], kernel = arguments[1], closure = arguments[2], count = arguments[3], work = arguments[4];
    Value null = LLVM::ZeroOp::create(code, ptr);
    Value hasContext = LLVM::ICmpOp::create(code, LLVM::ICmpPredicate::ne, context, null);
    Value isLarge = code.compare(arith::CmpIPredicate::sge, work, code.i64(parallelThreshold));
    Value hook = code.choose(
        ptr, arith::AndIOp::create(code, hasContext, isLarge),
        [&] { return code.loadRaw(ptr, code.byteAddress(context, static_cast<int64_t>(offsetof(gradus_context, parallel_for)))); },
        [&] { return null; });
    auto branch = scf::IfOp::create(code, LLVM::ICmpOp::create(code, LLVM::ICmpPredicate::ne, hook, null), /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(code);
    code.setInsertionPointToStart(branch.thenBlock());
    auto hookType = LLVM::LLVMFunctionType::get(none, {ptr, i64, ptr, ptr});
    LLVM::CallOp::create(code, hookType, ValueRange{hook, code.loadRaw(ptr, context), count, kernel, closure});
    code.setInsertionPointToStart(branch.elseBlock());
    LLVM::CallOp::create(code, body.getFunctionType(), ValueRange{kernel, closure, code.i64(0), count});
  };
  LLVM::LLVMFuncOp launch = getShared(code, "gradus_launch", none, {ptr, ptr, ptr, i64, i64}, emitLaunch);
  Value address = LLVM::AddressOfOp::create(code, ptr, body.getSymName());
  LLVM::CallOp::create(code, launch, ValueRange{context, address, closure, count, work});
}

/// The arguments of a kernel in the order in which its operations read them.
static SmallVector<BlockArgument> orderArguments(KernelOp kernel) {
  llvm::SetVector<BlockArgument> ordered;
  kernel.getBody().walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (auto argument = dyn_cast<BlockArgument>(operand); argument && argument.getOwner() == &kernel.getBody().front())
        ordered.insert(argument);
  });
  ordered.insert(kernel.getBody().args_begin(), kernel.getBody().args_end());
  return ordered.takeVector();
}

/// The sizes of a call, those first that a kernel names, in its order: kernels that do the same over other sizes are then the same code.
static SmallVector<StringAttr> orderSymbols(KernelOp kernel, ArrayRef<StringAttr> symbols) {
  llvm::SetVector<StringAttr> ordered;
  auto addAll = [&](ArrayRef<Attribute> dims) {
    for (Attribute dim : dims)
      if (auto symbol = dyn_cast<StringAttr>(dim); symbol && llvm::is_contained(symbols, symbol))
        ordered.insert(symbol);
  };
  addAll(kernel.getDomain().getValue());
  for (Value operand : kernel.getOperands())
    addAll(arrayOf(operand).getShape());
  ordered.insert(symbols.begin(), symbols.end());
  return ordered.takeVector();
}

/// A function reads all fields of its closure at its start; those that it does not use go. Gives the type of what is left, and of each field its index before.
static LLVM::LLVMStructType pruneClosure(LLVM::LLVMStructType type, ArrayRef<Value> values, SmallVector<unsigned> &kept) {
  SmallVector<Type> types;
  for (auto [index, value] : llvm::enumerate(values))
    if (!value.use_empty()) {
      kept.push_back(index);
      types.push_back(type.getBody()[index]);
    }
  auto pruned = LLVM::LLVMStructType::getLiteral(type.getContext(), types);
  for (auto [index, value] : llvm::enumerate(values)) {
    Operation *load = value.getDefiningOp();
    auto address = load->getOperand(0).getDefiningOp<LLVM::GEPOp>();
    if (value.use_empty()) {
      load->erase();
    } else {
      OpBuilder builder(address);
      auto place = static_cast<int32_t>(llvm::find(kept, index) - kept.begin());
      load->setOperand(0, LLVM::GEPOp::create(builder, address.getLoc(), address.getType(), pruned, address.getBase(), ArrayRef<LLVM::GEPArg>{0, place}));
    }
    address.erase();
  }
  return pruned;
}

static Value fieldAddress(CodeBuilder &code, LLVM::LLVMStructType closure, Value base, size_t index) {
  return LLVM::GEPOp::create(code, code.ptrType(), closure, base, ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(index)});
}

void fillClosure(CodeBuilder &code, LLVM::LLVMStructType type, Value closure, ValueRange values) {
  for (auto [index, value] : llvm::enumerate(values))
    LLVM::StoreOp::create(code, value, fieldAddress(code, type, closure, index));
}

/// Builds the function of a kernel. What it reads of a cached array moves no memory.
KernelFunction FunctionLowering::buildFunction(KernelOp kernel, StringRef suffix, Slot &slot, ValueRange outputs, function_ref<bool(Value)> isCached,
                                               Body emitBody) {
  SmallVector<KernelFunction::Field> fields;
  SmallVector<Value> inner; // the block argument that stands for a captured value
  for (BlockArgument argument : orderArguments(kernel)) {
    Value operand = kernel.getOperand(argument.getArgNumber());
    Value value = arrayOf(operand).isScalar() ? slot.buffers.scalars.lookup(operand) : slot.buffers.arrays.lookup(operand);
    if (!value) // a check does not need what is not known yet
      continue;
    fields.push_back({value, operand});
    inner.push_back(argument);
  }
  size_t firstOutput = fields.size();
  for (auto [number, output] : llvm::enumerate(outputs))
    fields.push_back({output, {}, static_cast<int>(number)});
  size_t firstSymbol = fields.size();
  SmallVector<StringAttr> symbols = orderSymbols(kernel, layout.symbols);
  for (StringAttr symbol : symbols)
    fields.push_back({slot.buffers.symbols.lookup(symbol), {}});
  bool hasDraws = !kernel.getBody().getOps<DrawOp>().empty();
  if (hasDraws)
    fields.append({{slot.buffers.seed, {}}, {slot.buffers.slot, {}}});

  std::string name = layout.cName + "__kernel" + std::to_string(plan.getPosition(kernel)) + suffix.str() + stage.str();
  auto captured = llvm::map_to_vector(fields, [](const KernelFunction::Field &field) { return field.captured; });
  ClosureFunction built = buildBody(kernel.getLoc(), name, captured, [&](CodeBuilder &inside, ArrayRef<Value> values, LLVM::LLVMFuncOp body) {
    for (auto [field, value] : llvm::zip_equal(fields, values)) {
      Value array = field.output >= 0 && field.output < static_cast<int>(kernel.getNumResults()) ? Value(kernel.getResult(field.output)) : field.operand;
      if (array && isCached(array))
        value.getDefiningOp()->setAttr(cachedAttribute, inside.getUnitAttr());
    }
    Buffers buffers;
    for (auto [argument, value] : llvm::zip(inner, values))
      (arrayOf(argument).isScalar() ? buffers.scalars : buffers.arrays)[argument] = value;
    for (auto [symbol, value] : llvm::zip(symbols, values.drop_front(firstSymbol)))
      buffers.symbols[symbol] = value;
    if (hasDraws)
      std::tie(buffers.seed, buffers.slot) = std::pair(values.end()[-2], values.back());
    Evaluator evaluator(inside, buffers);
    emitBody(evaluator, values.slice(firstOutput, outputs.size()), body.getArgument(1), body.getArgument(2), body);
  });
  KernelFunction function{built.body, built.closure, {}};
  for (unsigned index : built.kept)
    function.fields.push_back(fields[index]);
  return function;
}

/// Builds the function of a kernel and calls it.
void FunctionLowering::launch(KernelOp kernel, StringRef suffix, Slot &slot, ValueRange outputs, Value count, Value work, Body emitBody) {
  KernelFunction function = buildFunction(kernel, suffix, slot, outputs, [](Value) { return false; }, emitBody);
  Value closure = code.stackSlot(function.closure, 1);
  fillClosure(code, function.closure, closure, llvm::map_to_vector(function.fields, [](const KernelFunction::Field &field) { return field.captured; }));
  callUnlessRefused(function.body, closure, count, work);
}

void FunctionLowering::callUnlessRefused(LLVM::LLVMFuncOp body, Value closure, Value count, Value work) {
  if (mayBeRefusedLate)
    unlessRefused([&] { callKernel(body, closure, count, work); });
  else
    callKernel(body, closure, count, work);
}

ClosureFunction FunctionLowering::buildBody(Location loc, StringRef name, ValueRange captured,
                                            llvm::function_ref<void(CodeBuilder &, ArrayRef<Value>, LLVM::LLVMFuncOp)> emit) {
  auto type = LLVM::LLVMStructType::getLiteral(code.getContext(), llvm::to_vector(captured.getTypes()));
  Type i64 = code.getI64Type();
  LLVM::LLVMFuncOp body = createFunction(name, LLVM::LLVMVoidType::get(code.getContext()), {code.ptrType(), i64, i64}, true);
  body.setNoInline(true); // two calls, one copy
  SmallVector<Value> values;
  {
    CodeBuilder inside(loc, code.getContext());
    inside.setInsertionPointToStart(&body.getBody().front());
    for (auto [index, fieldType] : llvm::enumerate(type.getBody()))
      values.push_back(inside.loadRaw(fieldType, fieldAddress(inside, type, body.getArgument(0), index)));
    emit(inside, values, body);
    inside.setInsertionPointToEnd(&body.getBody().front());
    LLVM::ReturnOp::create(inside, ValueRange());
  }
  ClosureFunction function{body, {}, {}};
  function.closure = pruneClosure(type, values, function.kept);
  return function;
}

Value FunctionLowering::buildClosure(const ClosureFunction &function, ValueRange captured) {
  Value closure = code.stackSlot(function.closure, 1);
  fillClosure(code, function.closure, closure, llvm::map_to_vector(function.kept, [&](unsigned index) { return captured[index]; }));
  return closure;
}

} // namespace gradus
