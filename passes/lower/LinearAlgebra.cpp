//===- LinearAlgebra.cpp - Calls of factorizations ------------------------------===//
//
// A kernel of a factorization has an index for each matrix, and calls the runtime for it (gradus_matrix_*), which asks the functions that
// the context gives or has its own. Each matrix has a part of the workspace to itself, so that matrices may be done in any order.
//
//===----------------------------------------------------------------------===//

#include "passes/lower/Function.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace gradus {

Operation *findMatrixOp(KernelOp kernel) {
  Operation *op = &kernel.getBody().front().front();
  return isMatrixOp(op) ? op : nullptr;
}

/// The name of an op in the runtime and its number there.
static std::pair<StringRef, gradus_matrix_function> describe(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::pair<StringRef, gradus_matrix_function>>(op)
      .Case([](CholeskyOp) { return std::pair(StringRef("cholesky"), GRADUS_CHOLESKY); })
      .Case([](EighOp) { return std::pair(StringRef("eigh"), GRADUS_EIGH); })
      .Case([](LogDetOp) { return std::pair(StringRef("logdet"), GRADUS_LOGDET); })
      .Case([](QrOp) { return std::pair(StringRef("qr"), GRADUS_QR); })
      .Case([](SolveOp) { return std::pair(StringRef("solve"), GRADUS_SOLVE); })
      .Default([](Operation *) { return std::pair(StringRef("svd"), GRADUS_SVD); });
}

static gradus_matrix_kind kindOf(SolveOp op) {
  switch (op.getKind()) {
  case MatrixKind::General: return GRADUS_GENERAL;
  case MatrixKind::Lower: return GRADUS_LOWER;
  case MatrixKind::Upper: return GRADUS_UPPER;
  case MatrixKind::Positive: return GRADUS_POSITIVE;
  }
  return GRADUS_GENERAL;
}

static bool isSquare(Operation *op) { return !isa<QrOp, SvdOp>(op); }

/// A function of the runtime.
LLVM::LLVMFuncOp FunctionLowering::declareRuntime(StringRef name, Type result, TypeRange arguments) {
  auto module = func->getParentOfType<ModuleOp>();
  if (auto known = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return known;
  OpBuilder::InsertionGuard guard(code);
  code.setInsertionPointToEnd(module.getBody());
  return LLVM::LLVMFuncOp::create(code, name, LLVM::LLVMFunctionType::get(result, llvm::to_vector(arguments)), LLVM::Linkage::External);
}

/// The sizes of the last two axes.
static std::pair<Value, Value> sizesOf(Value array, Evaluator &evaluator) {
  ArrayRef<Attribute> shape = arrayOf(array).getShape().take_back(2);
  return {evaluator.sizeOf(shape[0]), evaluator.sizeOf(shape[1])};
}

Value FunctionLowering::matrixWorkspace(Operation *op, Evaluator &evaluator) {
  Type i32 = code.getI32Type(), i64 = code.getI64Type();
  LLVM::LLVMFuncOp callee = declareRuntime("gradus_matrix_workspace", i64, {i32, i32, i64, i64});
  auto [rows, columns] = sizesOf(op->getOperand(0), evaluator);
  Value dtype = code.i32(toDType(arrayOf(op->getOperand(0)).getElementType()));
  return LLVM::CallOp::create(code, callee, ValueRange{code.i32(describe(op).second), dtype, rows, columns}).getResult();
}

namespace {

/// The code for one matrix after the other.
class MatrixEmitter {
public:
  /// `places` are those of the op's results, null where a number is not wanted; then come the workspace, the bytes of it for one
  /// matrix, and the functions of the context.
  MatrixEmitter(Operation *op, LLVM::LLVMFuncOp callee, Evaluator &evaluator, ArrayRef<Value> places, ValueRange rest)
      : op(op), callee(callee), evaluator(evaluator), code(evaluator.code), places(places), workspace(rest[0]), workspaceBytes(rest[1]),
        functions(rest[2]) {}

  void emit(Value begin, Value end) {
    if (isa<LogDetOp>(op))
      for (Value &number : numbers)
        number = code.stackSlot(code.getF64Type(), 1);
    code.loop(begin, end, [&](Value index) { emitOne(index); });
  }

private:
  /// Where matrix (or vector) number `index` of an array begins.
  Value part(Value base, ArrayType type, Value index) {
    unsigned batch = arrayOf(op->getOperand(0)).getRank() - 2;
    Value size = evaluator.product(type.getShape().drop_front(batch));
    return code.address(base, type.getElementType(), code.mul(index, size));
  }

  void emitOne(Value index) {
    Type element = arrayOf(op->getOperand(0)).getElementType();
    auto [rows, columns] = sizesOf(op->getOperand(0), evaluator);
    SmallVector<Value> arguments{functions, code.i32(toDType(element))};
    if (auto solve = dyn_cast<SolveOp>(op))
      arguments.append({code.i32(kindOf(solve)), code.i32(solve.getTransposed()), rows, sizesOf(solve.getB(), evaluator).second});
    else if (isSquare(op))
      arguments.push_back(rows);
    else
      arguments.append({rows, columns});
    for (Value operand : op->getOperands())
      arguments.push_back(part(evaluator.baseOf(operand), arrayOf(operand), index));
    bool hasNumbers = isa<LogDetOp>(op);
    if (hasNumbers)
      arguments.append({numbers[0], numbers[1]});
    for (auto [result, place] : llvm::zip_equal(op->getResults(), places))
      if (!hasNumbers && arrayOf(result).isFloat())
        arguments.push_back(part(place, arrayOf(result), index));
    arguments.push_back(code.byteAddress(workspace, code.mul(index, workspaceBytes)));
    Value status = LLVM::CallOp::create(code, callee, arguments).getResult();
    for (auto [number, result] : llvm::enumerate(op->getResults())) {
      Type to = arrayOf(result).getElementType();
      if (!places[number] || (!hasNumbers && arrayOf(result).isFloat()))
        continue;
      Value value = hasNumbers ? emitCast(code, code.loadRaw(code.getF64Type(), numbers[number]), code.getF64Type(), to)
                               : code.compare(arith::CmpIPredicate::ne, status, code.i32(0));
      code.storeElement(places[number], to, index, value);
    }
  }

  Operation *op;
  LLVM::LLVMFuncOp callee;
  Evaluator &evaluator;
  CodeBuilder &code;
  ArrayRef<Value> places;
  Value workspace, workspaceBytes, functions;
  Value numbers[2]; ///< what logdet gives, in f64
};

} // namespace

/// (functions, dtype, sizes, operands, floating results, workspace) -> int32_t.
static SmallVector<Type> argumentTypes(Operation *op, CodeBuilder &code) {
  Type ptr = code.ptrType(), i32 = code.getI32Type(), i64 = code.getI64Type();
  SmallVector<Type> types{ptr, i32};
  if (isa<SolveOp>(op))
    types.append({i32, i32, i64, i64});
  else
    types.append(isSquare(op) ? 1 : 2, i64);
  types.append(op->getNumOperands(), ptr);
  types.append(llvm::count_if(op->getResults(), [](Value result) { return arrayOf(result).isFloat(); }), ptr);
  types.push_back(ptr);
  return types;
}

/// What each element of the first operand costs to read and to write, where all arrays of that rank have its shape.
static std::optional<Traffic> countBytes(Operation *op) {
  ArrayType model = arrayOf(op->getOperand(0));
  Traffic sum;
  auto add = [&](ValueRange values, double &bytes) {
    for (Value value : values) {
      if (arrayOf(value).getRank() < model.getRank())
        continue;
      if (arrayOf(value).getShape() != model.getShape())
        return false;
      bytes += static_cast<double>(model.getElementType().getIntOrFloatBitWidth() / 8);
    }
    return true;
  };
  bool isKnown = add(op->getOperands(), sum.read);
  return isKnown && add(op->getResults(), sum.written) ? std::optional(sum) : std::nullopt;
}

void FunctionLowering::emitMatrix(KernelOp kernel, Slot &slot) {
  Operation *op = findMatrixOp(kernel);
  ArrayRef<Value> scratch = slot.partials[kernel];
  SmallVector<Value> places(op->getNumResults());
  auto yielded = kernel.getBody().front().getTerminator()->getOperands();
  for (auto [value, stored] : llvm::zip_equal(yielded, kernel.getStored()))
    places[cast<OpResult>(value).getResultNumber()] =
        arrayOf(stored).isScalar() ? code.stackSlot(code.memType(arrayOf(stored).getElementType()), 1) : placeOf(stored, slot);
  for (auto [place, result] : llvm::zip_equal(places, op->getResults()))
    if (!place && !arrayOf(result).isScalar()) {
      place = code.byteAddress(workspace, scratch.front());
      scratch = scratch.drop_front();
    }
  // What the function is given: the places that there are, then the rest.
  SmallVector<Value> outputs;
  llvm::copy_if(places, std::back_inserter(outputs), [](Value place) { return static_cast<bool>(place); });
  Evaluator evaluator(code, slot.buffers);
  Value null = LLVM::ZeroOp::create(code, code.ptrType());
  Value functions = code.choose(
      code.ptrType(), isNull(context), [&] { return null; },
      [&] { return code.loadRaw(code.ptrType(), code.byteAddress(context, static_cast<int64_t>(offsetof(gradus_context, linear_algebra)))); });
  outputs.append({code.byteAddress(workspace, scratch.front()), matrixWorkspace(op, evaluator), functions});
  LLVM::LLVMFuncOp callee = declareRuntime(("gradus_matrix_" + describe(op).first).str(), code.getI32Type(), argumentTypes(op, code));

  SmallVector<Attribute> domain = llvm::to_vector(kernel.getDomain());
  Value count = evaluator.product(ArrayRef(domain).drop_back(2));
  Value work = code.mul(evaluator.product(domain), evaluator.sizeOf(domain.back()));
  launch(kernel, "", slot, outputs, count, work, [&](Evaluator &inside, ValueRange given, Value begin, Value end, LLVM::LLVMFuncOp body) {
    SmallVector<Value> own(places.size());
    size_t next = 0;
    for (auto [mine, place] : llvm::zip_equal(own, places))
      if (place)
        mine = given[next++];
    MatrixEmitter(op, callee, inside, own, given.drop_front(next)).emit(begin, end);
    if (std::optional<Traffic> traffic = countBytes(op))
      recordTraffic(body, layout.name, plan.getPosition(kernel), *traffic);
  });
  for (auto [value, stored] : llvm::zip_equal(yielded, kernel.getStored()))
    if (arrayOf(stored).isScalar())
      slot.buffers.scalars[stored] =
          code.loadElement(places[cast<OpResult>(value).getResultNumber()], arrayOf(stored).getElementType(), code.i64(0));
}

} // namespace gradus
