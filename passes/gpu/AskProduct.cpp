//===- AskProduct.cpp - Asks the library of a device for a product -------------------===//
//
// First over all slots: whether there is enough to multiply, and something in each. Then slot by slot, and where matrices are stacked along several axes that
// do not count as one, stack by stack. At the first that is declined nobody is asked any more, and kernels compute all of it.
//
//===----------------------------------------------------------------------===//

#include "passes/gpu/Frame.h"
#include "passes/lower/Kernel.h"
#include "passes/lower/Sizes.h"
#include "runtime/gradus_device.h"

using namespace mlir;

namespace gradus {

namespace {

/// A product of one slot.
class SlotProduct {
public:
  SlotProduct(const HostProduct &product, Evaluator &evaluator) : product(product), matrices(product.matrices), evaluator(evaluator), code(evaluator.code) {
    splitOuter();
  }
  /// f64: the multiplications, and the calls that they take.
  Value emitWork() { return toF64(code.mul(emitCalls(), sizeOf(batch)), {matrices.rows, matrices.columns, matrices.inner}); }
  Value emitCalls() { return sizeOf(around); }
  /// Fills a gradus_device_product for call `number`.
  void fill(Value asked, HostScope &scope, Value number);

private:
  Value toF64(Value number, ArrayRef<ArrayRef<int64_t>> times);
  Value sizeOf(ArrayRef<int64_t> labels) { return evaluator.product(getDims(matrices.op, labels)); }
  /// The elements from one index of a label to the next, 0 in an array without it.
  Value strideOf(int64_t label, ArrayRef<int64_t> labels);
  Value begin(Value address, Type element, ArrayRef<int64_t> labels, ValueRange indices);
  void splitOuter();

  const HostProduct &product;
  const MatrixProduct &matrices;
  Evaluator &evaluator;
  CodeBuilder &code;
  SmallVector<int64_t> batch, around; ///< stacks of matrices for one call, and for which calls are repeated
};

} // namespace

/// Sizes as f64, whose product does not overflow.
Value SlotProduct::toF64(Value number, ArrayRef<ArrayRef<int64_t>> times) {
  auto convert = [&](Value size) { return arith::SIToFPOp::create(code, code.getF64Type(), size).getResult(); };
  Value result = convert(number);
  for (ArrayRef<int64_t> labels : times)
    result = arith::MulFOp::create(code, result, convert(sizeOf(labels)));
  return result;
}

Value SlotProduct::strideOf(int64_t label, ArrayRef<int64_t> labels) {
  const auto *place = llvm::find(labels, label);
  return place == labels.end() ? code.i64(0) : sizeOf(labels.drop_front(place - labels.begin() + 1));
}

/// The last axes around the matrices that lie together in each array, or in none of its axes, count as one.
void SlotProduct::splitOuter() {
  auto liesBefore = [](int64_t label, int64_t next, ArrayRef<int64_t> labels) {
    const auto *a = llvm::find(labels, label), *b = llvm::find(labels, next);
    return a == labels.end() ? b == labels.end() : a + 1 == b && b != labels.end();
  };
  around.assign(matrices.outer.begin(), matrices.outer.end());
  while (!around.empty()) {
    int64_t label = around.back();
    if (!batch.empty() && !llvm::all_of(ArrayRef<ArrayRef<int64_t>>{ContractOp(matrices.op).getOut(), matrices.aLabels, matrices.bLabels},
                                        [&](ArrayRef<int64_t> labels) { return liesBefore(label, batch.front(), labels); }))
      return;
    batch.insert(batch.begin(), label);
    around.pop_back();
  }
}

/// Where the first matrix of a call begins.
Value SlotProduct::begin(Value address, Type element, ArrayRef<int64_t> labels, ValueRange indices) {
  Value elements = code.i64(0);
  for (auto [label, index] : llvm::zip_equal(around, indices))
    elements = code.add(elements, code.mul(index, strideOf(label, labels)));
  return code.add(address, code.mul(elements, code.i64(code.memBytes(element))));
}

void SlotProduct::fill(Value asked, HostScope &scope, Value number) {
  ContractOp op = matrices.op;
  SmallVector<Value> indices = evaluator.delinearize(number, getDims(op, around));
  auto put = [&](size_t offset, Value value) { LLVM::StoreOp::create(code, value, code.byteAddress(asked, static_cast<int64_t>(offset))); };
  auto next = [&](ArrayRef<int64_t> labels) { return batch.empty() ? code.i64(0) : strideOf(batch.back(), labels); };
  using Asked = gradus_device_product;
  Type element = product.element, result = op.getType().getElementType();
  put(offsetof(Asked, dtype), code.i32(toDType(element)));
  put(offsetof(Asked, result), code.i32(toDType(result)));
  put(offsetof(Asked, count), sizeOf(batch));
  put(offsetof(Asked, rows), sizeOf(matrices.rows));
  put(offsetof(Asked, columns), sizeOf(matrices.columns));
  put(offsetof(Asked, inner), sizeOf(matrices.inner));
  put(offsetof(Asked, a), begin(product.a(scope), element, matrices.aLabels, indices));
  put(offsetof(Asked, a_row), strideOf(matrices.rows.back(), matrices.aLabels));
  put(offsetof(Asked, a_column), strideOf(matrices.inner.back(), matrices.aLabels));
  put(offsetof(Asked, a_next), next(matrices.aLabels));
  put(offsetof(Asked, b), begin(product.b(scope), element, matrices.bLabels, indices));
  put(offsetof(Asked, b_row), strideOf(matrices.inner.back(), matrices.bLabels));
  put(offsetof(Asked, b_column), strideOf(matrices.columns.back(), matrices.bLabels));
  put(offsetof(Asked, b_next), next(matrices.bLabels));
  put(offsetof(Asked, y), begin(product.y(scope), result, op.getOut(), indices));
  put(offsetof(Asked, y_row), strideOf(matrices.rows.back(), op.getOut()));
  put(offsetof(Asked, y_next), next(op.getOut()));
}

/// i1 (device, status, gradus_device_product): whether the product is recorded.
static LLVM::LLVMFuncOp getAsk(CodeBuilder &code) {
  Type ptr = code.ptrType(), i32 = code.getI32Type();
  return getShared(code, "gradus_device_ask", code.getI1Type(), {ptr, ptr, ptr}, [&](CodeBuilder &code, ValueRange arguments) {
    Value isFine = code.compare(arith::CmpIPredicate::eq, code.loadRaw(i32, arguments[1]), code.i32(GRADUS_OK));
    Value isDone = code.choose(
        code.getI1Type(), isFine,
        [&] {
          Value hook = code.loadRaw(ptr, code.byteAddress(arguments[0], int64_t(offsetof(gradus_device, product))));
          Value user = code.loadRaw(ptr, code.byteAddress(arguments[0], int64_t(offsetof(gradus_device, user))));
          auto type = LLVM::LLVMFunctionType::get(i32, {ptr, ptr});
          Value result = LLVM::CallOp::create(code, type, ValueRange{hook, user, arguments[2]}).getResult();
          Value isDeclined = code.compare(arith::CmpIPredicate::eq, result, code.i32(GRADUS_DECLINED));
          LLVM::StoreOp::create(code, code.select(isDeclined, code.i32(GRADUS_OK), result), arguments[1]);
          return code.compare(arith::CmpIPredicate::eq, result, code.i32(GRADUS_OK));
        },
        [&] { return code.integer(code.getI1Type(), 0); });
    LLVM::ReturnOp::create(code, isDone);
  });
}

namespace {

class Asker {
public:
  Asker(CodeBuilder &code, const HostProduct &product, const HostCall &call, ArrayRef<Value> passes)
      : code(code), product(product), call(call), passes(passes), bit(code.getI1Type()), yes(code.integer(bit, 1)), no(code.integer(bit, 0)) {}
  Value emitIsWorth();
  Value emitIsDone();

private:
  Buffers enter(Value slot) {
    Buffers buffers;
    buffers.symbols = emitSymbols(code, call.layout, call.tensors, slot);
    return buffers;
  }
  HostScope scopeOf(Evaluator &evaluator, Value slot, Value places);
  Value emitRuns(HostScope &scope) {
    Value runs = yes;
    for (const HostValue &condition : product.conditions)
      runs = arith::AndIOp::create(code, runs, condition(scope));
    return runs;
  }

  CodeBuilder &code;
  const HostProduct &product;
  const HostCall &call;
  ArrayRef<Value> passes;
  Type bit;
  Value yes, no;
};

} // namespace

HostScope Asker::scopeOf(Evaluator &evaluator, Value slot, Value places) {
  auto addressIn = [this, slot, places](Cell cell) {
    const SlotField &field = call.program.fields[cell.index];
    if (field.kind == SlotField::Temporary)
      return code.loadRaw(code.getI64Type(), code.byteAddress(places, field.index * cellBytes));
    Value self = emitDescriptor(code, call.layout, call.tensors, slot, field.index);
    return code.loadRaw(code.getI64Type(), code.byteAddress(self, int64_t(offsetof(gradus_tensor, data))));
  };
  return {evaluator, addressIn, passes};
}

/// i1: whether the calls have enough to do, and each of them something: without steps to sum a library is not asked.
Value Asker::emitIsWorth() {
  Type f64 = code.getF64Type();
  Value zero = code.number(f64, 0);
  scf::ForOp loop = code.loop(code.i64(0), call.slots, 1, {zero, zero, yes}, [&](Value slot, ValueRange carried) {
    Buffers buffers = enter(slot);
    Evaluator evaluator(code, buffers);
    HostScope scope = scopeOf(evaluator, slot, {});
    SlotProduct ofSlot(product, evaluator);
    Value runs = emitRuns(scope), work = ofSlot.emitWork(), calls = arith::SIToFPOp::create(code, f64, ofSlot.emitCalls());
    Value isSome = arith::CmpFOp::create(code, arith::CmpFPredicate::OGT, work, zero);
    auto ifItRuns = [&](Value number) { return code.select(runs, number, zero); };
    return SmallVector<Value>{arith::AddFOp::create(code, carried[0], ifItRuns(work)), arith::AddFOp::create(code, carried[1], ifItRuns(calls)),
                              arith::AndIOp::create(code, carried[2], code.select(runs, isSome, yes))};
  });
  Value least = code.loadRaw(f64, code.byteAddress(call.device, int64_t(offsetof(gradus_device, least_product))));
  least = arith::MulFOp::create(code, least, loop.getResult(1));
  return arith::AndIOp::create(code, loop.getResult(2), arith::CmpFOp::create(code, arith::CmpFPredicate::OGE, loop.getResult(0), least));
}

/// i1: whether all calls are recorded.
Value Asker::emitIsDone() {
  Type i64 = code.getI64Type();
  Value places = code.stackSlot(i64, std::max<int64_t>(1, call.program.temporaries.size()));
  Value asked = code.stackSlot(i64, sizeof(gradus_device_product) / sizeof(int64_t));
  scf::ForOp loop = code.loop(code.i64(0), call.slots, 1, {yes, call.temporaries}, [&](Value slot, ValueRange carried) {
    Value end = LLVM::CallOp::create(code, call.getPlaces(), ValueRange{call.tensors, slot, carried[1], places}).getResult();
    Buffers buffers = enter(slot);
    Evaluator evaluator(code, buffers);
    HostScope scope = scopeOf(evaluator, slot, places);
    SlotProduct ofSlot(product, evaluator);
    Value calls = code.select(arith::AndIOp::create(code, carried[0], emitRuns(scope)), ofSlot.emitCalls(), code.i64(0));
    scf::ForOp all = code.loop(code.i64(0), calls, 1, {carried[0]}, [&](Value number, ValueRange done) {
      return SmallVector<Value>{code.choose(
          bit, done[0],
          [&] {
            ofSlot.fill(asked, scope, number);
            return LLVM::CallOp::create(code, getAsk(code), ValueRange{call.device, call.status, asked}).getResult();
          },
          [&] { return no; })};
    });
    return SmallVector<Value>{all.getResult(0), end};
  });
  return loop.getResult(0);
}

Value emitAskForProduct(CodeBuilder &code, const HostProduct &product, const HostCall &call, ArrayRef<Value> passes) {
  static_assert(offsetof(gradus_device_product, y_next) + sizeof(int64_t) == sizeof(gradus_device_product));
  Asker asker(code, product, call, passes);
  Type bit = code.getI1Type(), ptr = code.ptrType();
  auto yes = [&] { return code.integer(bit, 1); };
  Value hook = code.loadRaw(ptr, code.byteAddress(call.device, int64_t(offsetof(gradus_device, product))));
  Value hasLibrary = LLVM::ICmpOp::create(code, LLVM::ICmpPredicate::ne, hook, LLVM::ZeroOp::create(code, ptr));
  return code.choose(
      bit, hasLibrary, [&] { return code.choose(bit, asker.emitIsWorth(), [&] { return arith::XOrIOp::create(code, asker.emitIsDone(), yes()).getResult(); }, yes); }, yes);
}

} // namespace gradus
