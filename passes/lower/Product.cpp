//===- Product.cpp - Kernels that are products of matrices ------------------------===//
//
// Where the context has a function for products, that is asked first; else the result is cut into units that may be done in any order.
//
//===----------------------------------------------------------------------===//

#include "passes/lower/Product.h"

#include "passes/lower/Function.h"

using namespace mlir;

namespace gradus {

/// The labels before and with `last` that lie together in both arrays, in one order.
static SmallVector<int64_t> takeGroup(int64_t last, ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  const auto *inA = llvm::find(a, last), *inB = llvm::find(b, last);
  SmallVector<int64_t> group{last};
  while (inA != a.begin() && inB != b.begin() && *--inA == *--inB)
    group.insert(group.begin(), *inA);
  return group;
}

std::optional<MatrixProduct> findMatrixProduct(KernelOp kernel) {
  auto op = dyn_cast<ContractOp>(kernel.getBody().front().front());
  if (!op || op.getOut().empty())
    return std::nullopt;
  MatrixProduct product{op, op.getA(), op.getB(), op.getLhs(), op.getRhs(), {}, {}, {}, {}};
  int64_t last = op.getOut().back();
  if (!llvm::is_contained(product.bLabels, last)) {
    std::swap(product.a, product.b);
    std::swap(product.aLabels, product.bLabels);
  }
  auto isOfA = [&](int64_t label) { return llvm::is_contained(product.aLabels, label); };
  auto isOfB = [&](int64_t label) { return llvm::is_contained(product.bLabels, label); };
  auto isPlain = [](Value array) { return arrayOf(array).getElementType().isF32() || arrayOf(array).getElementType().isF64(); };
  if (isOfA(last) || !isPlain(product.a) || !isPlain(product.b))
    return std::nullopt;
  auto ownEnd = [](SmallVector<int64_t> group, function_ref<bool(int64_t)> isOther) { // a label of both operands is a loop around
    auto *shared = std::find_if(group.rbegin(), group.rend(), isOther).base();
    group.erase(group.begin(), shared);
    return group;
  };
  product.columns = ownEnd(takeGroup(last, op.getOut(), product.bLabels), isOfA);
  for (int64_t label : op.getOut())
    if (!isOfB(label))
      product.rows = {label};
  if (product.rows.empty())
    return std::nullopt;
  product.rows = takeGroup(product.rows.back(), op.getOut(), product.aLabels);
  product.rows = ownEnd(product.rows, isOfB);
  for (int64_t label : product.aLabels)
    if (!llvm::is_contained(op.getOut(), label))
      product.inner.push_back(label);
  if (product.inner.empty() || !llvm::all_of(product.inner, isOfB))
    return std::nullopt;
  SmallVector<int64_t> together = takeGroup(product.inner.back(), product.aLabels, product.bLabels);
  if (together.size() < product.inner.size() || ArrayRef(together).take_back(product.inner.size()) != ArrayRef(product.inner))
    return std::nullopt;
  for (int64_t label : product.bLabels)
    if (!llvm::is_contained(op.getOut(), label) && !llvm::is_contained(product.inner, label))
      return std::nullopt;
  for (int64_t label : op.getOut())
    if (!llvm::is_contained(product.rows, label) && !llvm::is_contained(product.columns, label))
      product.outer.push_back(label);
  return product;
}

namespace {

/// The sizes and strides of a product, and where its units are.
class ProductEmitter {
public:
  ProductEmitter(const MatrixProduct &product, Evaluator &evaluator);
  void emit(Value output, Value begin, Value end);
  /// i1: whether the function has computed all.
  Value emitHook(Value function, Value output);

  Value rows, columns, inner, outer; ///< sizes
  Value count, work;

private:
  SmallVector<Attribute> dimsOf(ArrayRef<int64_t> labels) const;
  Value strideOf(int64_t label, ArrayRef<int64_t> labels, ArrayRef<Attribute> shape);
  Value from(Value base, Value array, ArrayRef<int64_t> labels, ValueRange outerIndices);

  const MatrixProduct &product;
  Evaluator &evaluator;
  Code &code;
  Type element;
  Value aRow, aInner, bInner, bColumn, yRow;
  Value unitsOfRows, unitsOfColumns, height; ///< rows of a unit
  int64_t unitColumns;
};

} // namespace

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

ProductEmitter::ProductEmitter(const MatrixProduct &product, Evaluator &evaluator)
    : product(product), evaluator(evaluator), code(evaluator.code), element(arrayOf(product.a).getElementType()) {
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
  // The rows of units are alike, and whole tiles.
  unitsOfRows = code.ceilDiv(rows, unitRows);
  Value share = code.div(code.add(rows, code.sub(unitsOfRows, code.i64(1))), code.max(unitsOfRows, code.i64(1)));
  height = code.mul(code.ceilDiv(share, tileRows), code.i64(tileRows));
  // Where columns of A are packed, it is for more columns of Y; else units may be smaller, for more threads.
  bool packsA = product.aLabels.back() != product.inner.back();
  unitColumns = (packsA ? unitVectors : unitVectors / 2) * productWidth(element);
  unitsOfColumns = code.ceilDiv(columns, unitColumns);
  count = code.mul(outer, code.mul(unitsOfRows, unitsOfColumns));
  work = code.mul(code.mul(outer, inner), code.mul(rows, columns));
}

/// Where the matrix of an array begins.
Value ProductEmitter::from(Value base, Value array, ArrayRef<int64_t> labels, ValueRange outerIndices) {
  Value offset = code.i64(0);
  for (auto [label, index] : llvm::zip_equal(product.outer, outerIndices))
    if (llvm::is_contained(labels, label))
      offset = code.add(offset, code.mul(index, strideOf(label, labels, arrayOf(array).getShape())));
  return code.address(base, element, offset);
}

void ProductEmitter::emit(Value output, Value begin, Value end) {
  LLVM::LLVMFuncOp unit = getProductUnit(code, element);
  ContractOp op = product.op;
  code.loop(begin, end, [&](Value index) {
    Value column = code.mul(code.rem(index, unitsOfColumns), code.i64(unitColumns)), rest = code.div(index, unitsOfColumns);
    Value row = code.mul(code.rem(rest, unitsOfRows), height);
    SmallVector<Value> around = evaluator.delinearize(code.div(rest, unitsOfRows), dimsOf(product.outer));
    Value a = from(evaluator.baseOf(product.a), product.a, product.aLabels, around), b = from(evaluator.baseOf(product.b), product.b, product.bLabels, around);
    Value y = from(output, op.getY(), op.getOut(), around);
    a = code.address(a, element, code.mul(row, aRow));
    b = code.address(b, element, code.mul(column, bColumn));
    y = code.address(y, element, code.add(code.mul(row, yRow), column));
    Value ownRows = code.min(code.sub(rows, row), height), ownColumns = code.min(code.sub(columns, column), code.i64(unitColumns));
    LLVM::CallOp::create(code, unit, ValueRange{ownRows, ownColumns, inner, a, aRow, aInner, b, bInner, bColumn, y, yRow});
  });
}

Value ProductEmitter::emitHook(Value function, Value output) {
  Type ptr = code.ptrType(), i32 = code.getI32Type(), i64 = code.getI64Type();
  auto type = LLVM::LLVMFunctionType::get(i32, {i32, i64, i64, i64, ptr, i64, i64, ptr, i64, i64, ptr, i64});
  ContractOp op = product.op;
  scf::ForOp loop = code.loop(code.i64(0), outer, 1, {code.i32(1)}, [&](Value index, ValueRange done) {
    SmallVector<Value> around = evaluator.delinearize(index, dimsOf(product.outer));
    Value a = from(evaluator.baseOf(product.a), product.a, product.aLabels, around), b = from(evaluator.baseOf(product.b), product.b, product.bLabels, around);
    Value y = from(output, op.getY(), op.getOut(), around);
    Value has = code.compare(arith::CmpIPredicate::ne, done[0], code.i32(0));
    return SmallVector<Value>{code.choose(
        i32, has,
        [&] {
          SmallVector<Value> arguments{function, code.i32(toDType(element)), rows, columns, inner, a, aRow, aInner, b, bInner, bColumn, y, yRow};
          return LLVM::CallOp::create(code, type, arguments).getResult();
        },
        [&] { return done[0]; })};
  });
  return code.compare(arith::CmpIPredicate::ne, loop.getResult(0), code.i32(0));
}

/// ptr (context): its function for products, or null.
static LLVM::LLVMFuncOp getHook(Code &code) {
  Type ptr = code.ptrType();
  return getShared(code, "gradus_product_hook", ptr, {ptr}, [&](Code &inside, ValueRange arguments) {
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

void FunctionLowering::emitProduct(KernelOp kernel, Slot &slot) {
  MatrixProduct product = *findMatrixProduct(kernel);
  Value output = placeOf(kernel.getResult(0), slot);
  auto emitAll = [&] {
    // The host reads the operands as the kernel does.
    Buffers buffers = slot.buffers;
    for (auto [argument, operand] : llvm::zip_equal(kernel.getBody().getArguments(), kernel.getOperands()))
      buffers.arrays[argument] = slot.buffers.arrays.lookup(operand);
    Evaluator evaluator(code, buffers);
    ProductEmitter host(product, evaluator);
    Value hook = LLVM::CallOp::create(code, getHook(code), ValueRange{context}).getResult();
    Value isAsked = LLVM::ICmpOp::create(code, LLVM::ICmpPredicate::ne, hook, LLVM::ZeroOp::create(code, code.ptrType()));
    isAsked = arith::AndIOp::create(code, isAsked, code.compare(arith::CmpIPredicate::ne, host.work, code.i64(0)));
    Value isLeft = code.choose(
        code.getI1Type(), isAsked,
        [&] { return code.compare(arith::CmpIPredicate::eq, host.emitHook(hook, output), code.number(code.getI1Type(), 0)); },
        [&] { return code.number(code.getI1Type(), 1); });
    code.ifThen(isLeft, [&] {
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
