//===- Product.cpp - Kernels that are products of matrices ------------------------===//
//
// Where the context has a function for products, that is asked first; else the result is cut into units that may be done in any order.
//
//===----------------------------------------------------------------------===//

#include "passes/lower/Product.h"

#include "passes/lower/Function.h"

using namespace mlir;

namespace gradus {

SmallVector<Attribute> ProductEmitter::dimsOf(ArrayRef<int64_t> labels) const {
  return llvm::map_to_vector(labels, [&](int64_t label) {
    bool isOfA = llvm::is_contained(product.aLabels, label);
    ArrayRef<int64_t> own = isOfA ? product.aLabels : product.bLabels;
    return arrayOf(isOfA ? product.a : product.b).getShape()[llvm::find(own, label) - own.begin()];
  });
}

Value ProductEmitter::strideOf(int64_t label, ArrayRef<int64_t> labels, ArrayRef<Attribute> shape) {
  return evaluator.product(shape.drop_front(llvm::find(labels, label) - labels.begin() + 1));
}

ProductEmitter::ProductEmitter(const MatrixProduct &product, Evaluator &evaluator, bool hasRoom)
    : element(arrayOf(product.a).getElementType()), product(product), evaluator(evaluator), code(evaluator.code) {
  rows = evaluator.product(dimsOf(product.rows));
  columns = evaluator.product(dimsOf(product.columns));
  inner = evaluator.product(dimsOf(product.inner));
  outer = evaluator.product(dimsOf(product.outer));
  auto shapeOf = [](Value array) { return arrayOf(array).getShape(); };
  ContractOp op = product.op;
  aRow = strideOf(product.rows.back(), product.aLabels, shapeOf(product.a));
  aInner = strideOf(product.inner.back(), product.aLabels, shapeOf(product.a));
  bInner = strideOf(product.inner.back(), product.bLabels, shapeOf(product.b));
  bColumn = strideOf(product.columns.back(), product.bLabels, shapeOf(product.b));
  yRow = strideOf(product.rows.back(), op.getOut(), shapeOf(op.getY()));
  // Where columns of A are packed, it is for more columns of Y; else units may be smaller, for more threads.
  bool packsA = product.aLabels.back() != product.inner.back();
  int64_t vectors = packsA ? unitVectors : unitVectors / 2;
  unitColumns = vectors * productWidth(element);
  // The rows of units are alike, and whole tiles.
  unitsOfRows = code.ceilDiv(rows, hasRoom ? roomRows * unitVectors / vectors : unitRows);
  Value share = code.div(code.add(rows, code.sub(unitsOfRows, code.i64(1))), code.max(unitsOfRows, code.i64(1)));
  height = code.mul(code.ceilDiv(share, tileRows), code.i64(tileRows));
  unitsOfColumns = code.ceilDiv(columns, unitColumns);
  count = code.mul(outer, code.mul(unitsOfRows, unitsOfColumns));
  work = code.mul(code.mul(outer, inner), code.mul(rows, columns));
}

/// The element of an array that its matrix begins with.
Value ProductEmitter::firstOf(Value array, ArrayRef<int64_t> labels, ValueRange outerIndices) {
  Value offset = code.i64(0);
  for (auto [label, index] : llvm::zip_equal(product.outer, outerIndices))
    if (llvm::is_contained(labels, label))
      offset = code.add(offset, code.mul(index, strideOf(label, labels, arrayOf(array).getShape())));
  return offset;
}

Value ProductEmitter::from(Value base, Value array, ArrayRef<int64_t> labels, ValueRange outerIndices) {
  return code.address(base, element, firstOf(array, labels, outerIndices));
}

void ProductEmitter::forUnits(Value begin, Value end, function_ref<void(const ProductUnit &unit)> emitUnit) {
  code.loop(begin, end, [&](Value index) {
    ProductUnit unit;
    unit.index = index;
    unit.column = code.mul(code.rem(index, unitsOfColumns), code.i64(unitColumns));
    Value rest = code.div(index, unitsOfColumns);
    unit.row = code.mul(code.rem(rest, unitsOfRows), height);
    unit.around = evaluator.delinearize(code.div(rest, unitsOfRows), dimsOf(product.outer));
    unit.a = code.address(from(evaluator.baseOf(product.a), product.a, product.aLabels, unit.around), element, code.mul(unit.row, aRow));
    unit.b = code.address(from(evaluator.baseOf(product.b), product.b, product.bLabels, unit.around), element, code.mul(unit.column, bColumn));
    unit.rows = code.min(code.sub(rows, unit.row), height);
    unit.columns = code.min(code.sub(columns, unit.column), code.i64(unitColumns));
    ContractOp op = product.op;
    unit.first = firstOf(op.getY(), op.getOut(), unit.around);
    emitUnit(unit);
  });
}

void ProductEmitter::emitUnit(const ProductUnit &unit, Value y, Value yRow) {
  SmallVector<Value> arguments{unit.rows, unit.columns, inner, unit.a, aRow, aInner, unit.b, bInner, bColumn, y, yRow};
  auto compute = [&] { LLVM::CallOp::create(code, getProductUnit(code, element), arguments); };
  if (!product.sumsRows())
    return compute();
  code.ifThen(code.compare(arith::CmpIPredicate::sgt, rows, code.i64(dotRows)), compute);
  code.ifThen(code.compare(arith::CmpIPredicate::sle, rows, code.i64(dotRows)), [&] {
    LLVM::CallOp::create(code, getProductDots(code, element), ValueRange{unit.rows, unit.columns, inner, unit.a, aRow, unit.b, bColumn, y, yRow});
  });
}

void ProductEmitter::emitUnitOf(Value output, const ProductUnit &unit) {
  Value y = code.address(output, element, unit.first);
  emitUnit(unit, code.address(y, element, code.add(code.mul(unit.row, yRow), unit.column)), yRow);
}

void ProductEmitter::emit(Value output, Value begin, Value end) {
  forUnits(begin, end, [&](const ProductUnit &unit) { emitUnitOf(output, unit); });
}

Value ProductEmitter::emitHook(Value function, const ProductUnit &unit, Value y, Value yRow) {
  Type ptr = code.ptrType(), i32 = code.getI32Type(), i64 = code.getI64Type();
  auto type = LLVM::LLVMFunctionType::get(i32, {i32, i64, i64, i64, ptr, i64, i64, ptr, i64, i64, ptr, i64});
  SmallVector<Value> arguments{function, code.i32(toDType(element)), unit.rows, unit.columns, inner, unit.a, aRow, aInner, unit.b, bInner, bColumn, y, yRow};
  return code.compare(arith::CmpIPredicate::ne, LLVM::CallOp::create(code, type, arguments).getResult(), code.i32(0));
}

Value ProductEmitter::emitHook(Value function, Value output) {
  ContractOp op = product.op;
  Value yes = code.number(code.getI1Type(), 1);
  scf::ForOp loop = code.loop(code.i64(0), outer, 1, {yes}, [&](Value index, ValueRange done) {
    SmallVector<Value> around = evaluator.delinearize(index, dimsOf(product.outer));
    Value a = from(evaluator.baseOf(product.a), product.a, product.aLabels, around), b = from(evaluator.baseOf(product.b), product.b, product.bLabels, around);
    ProductUnit whole{index, code.i64(0), code.i64(0), rows, columns, a, b, firstOf(op.getY(), op.getOut(), around), around};
    return SmallVector<Value>{code.choose(
        yes.getType(), done[0], [&] { return emitHook(function, whole, code.address(output, element, whole.first), yRow); }, [&] { return done[0]; })};
  });
  return loop.getResult(0);
}

/// ptr (context): its function for products, or null.
static LLVM::LLVMFuncOp getHook(CodeBuilder &code) {
  Type ptr = code.ptrType();
  return getShared(code, "gradus_product_hook", ptr, {ptr}, [&](CodeBuilder &inside, ValueRange arguments) {
    Value null = LLVM::ZeroOp::create(inside, ptr);
    auto follow = [&](Value pointer, size_t offset) {
      return inside.choose(
          ptr, LLVM::ICmpOp::create(inside, LLVM::ICmpPredicate::ne, pointer, null),
          [&] { return inside.loadRaw(ptr, inside.byteAddress(pointer, static_cast<int64_t>(offset))); }, [&] { return null; });
    };
    Value functions = follow(arguments[0], offsetof(gradus_context, linear_algebra));
    LLVM::ReturnOp::create(inside, follow(functions, offsetof(gradus_linear_algebra, product)));
  });
}

Value emitFindHook(CodeBuilder &code, Value context) { return LLVM::CallOp::create(code, getHook(code), ValueRange{context}).getResult(); }

Buffers takeOperands(KernelOp kernel, const Buffers &buffers) {
  Buffers own = buffers;
  for (auto [argument, operand] : llvm::zip_equal(kernel.getBody().getArguments(), kernel.getOperands()))
    own.arrays[argument] = buffers.arrays.lookup(operand);
  return own;
}

Value FunctionLowering::emitAskForProduct(ProductEmitter &host, Value output) {
  Value hook = emitFindHook(code, context);
  Value isAsked = LLVM::ICmpOp::create(code, LLVM::ICmpPredicate::ne, hook, LLVM::ZeroOp::create(code, code.ptrType()));
  isAsked = arith::AndIOp::create(code, isAsked, code.compare(arith::CmpIPredicate::ne, host.work, code.i64(0)));
  return code.choose(code.getI1Type(), isAsked, [&] { return host.emitHook(hook, output); }, [&] { return code.number(code.getI1Type(), 0); });
}

void FunctionLowering::emitProduct(KernelOp kernel, Slot &slot) {
  MatrixProduct product = *findMatrixProduct(kernel);
  Value output = placeOf(kernel.getResult(0), slot);
  auto emitAll = [&] {
    Buffers buffers = takeOperands(kernel, slot.buffers);
    Evaluator evaluator(code, buffers);
    ProductEmitter host(product, evaluator);
    Value isDone = emitAskForProduct(host, output);
    code.ifThen(code.compare(arith::CmpIPredicate::eq, isDone, code.number(code.getI1Type(), 0)), [&] {
      launch(kernel, "", slot, {output}, host.count, host.work, [&](Evaluator &inside, ValueRange outputs, Value begin, Value end, LLVM::LLVMFuncOp) {
        ProductEmitter(product, inside).emit(outputs[0], begin, end);
      });
    });
  };
  if (mayBeRefusedLate)
    unlessRefused(emitAll);
  else
    emitAll();
}

} // namespace gradus
