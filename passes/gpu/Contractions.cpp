//===- Contractions.cpp - Products of matrices and other contractions -----------------===//
//
// One thread an element of the result, with the sum that the CPU makes of it (codegen/README.md): of a product of matrices blocks of 128 by fma, which are
// added one after the other; of another contraction blocks of 4,096, pairwise. Those that are neither are sums of a product (rewriteContract).
//
//===----------------------------------------------------------------------===//

#include "passes/gpu/Device.h"
#include "passes/lower/Product.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace gradus {

namespace {

/// The operands of a contraction at some labels.
class ContractionThread {
public:
  ContractionThread(ContractOp op, Evaluator &evaluator) : op(op), evaluator(evaluator), code(evaluator.code) {}
  void set(ArrayRef<int64_t> labels, Value number) {
    for (auto [label, index] : llvm::zip_equal(labels, evaluator.delinearize(number, getDims(op, labels))))
      at[label] = index;
  }
  Value load(Value operand, ArrayRef<int64_t> labels) {
    return evaluator.evaluate(operand, llvm::map_to_vector(labels, [&](int64_t label) { return Index::uniform(at.lookup(label)); }));
  }
  /// Numbers [low, high) of the labels that are summed; `add` gives the next sum.
  Value sum(ArrayRef<int64_t> summed, Value low, Value high, function_ref<Value(Value a, Value b, Value sum)> add) {
    Value none = code.number(code.regType(op.getType().getElementType()), 0);
    scf::ForOp loop = code.loop(low, high, 1, {none}, [&](Value number, ValueRange sums) {
      set(summed, number);
      evaluator.startInner(nullptr, {});
      Value a = load(op.getA(), op.getLhs()), b = load(op.getB(), op.getRhs());
      return SmallVector<Value>{add(a, b, sums[0])};
    });
    return loop.getResult(0);
  }
  Value emitProduct(ArrayRef<int64_t> inner);
  Value emitOther();

private:
  ContractOp op;
  Evaluator &evaluator;
  Code &code;
  llvm::DenseMap<int64_t, Value> at;
};

} // namespace

Value ContractionThread::emitProduct(ArrayRef<int64_t> inner) {
  Value size = evaluator.product(getDims(op, inner)), zero = code.i64(0), width = code.i64(productBlock);
  auto sumOf = [&](Value low) {
    return sum(inner, low, code.min(code.add(low, width), size), [&](Value a, Value b, Value before) { return math::FmaOp::create(code, a, b, before).getResult(); });
  };
  scf::ForOp rest = code.loop(width, size, productBlock, {sumOf(zero)}, [&](Value low, ValueRange before) {
    return SmallVector<Value>{arith::AddFOp::create(code, before[0], sumOf(low)).getResult()};
  });
  return rest.getResult(0);
}

Value ContractionThread::emitOther() {
  SmallVector<int64_t> summed = getSummed(op);
  Value total = evaluator.product(getDims(op, summed));
  Type type = code.regType(op.getType().getElementType());
  return emitPairwise(code, {ReductionKind::Sum}, type, code.ceilDiv(total, blockSize), [&](Value block) {
           Value low = code.mul(block, code.i64(blockSize));
           return SmallVector<Value>{sum(summed, low, code.min(code.add(low, code.i64(blockSize)), total), [&](Value a, Value b, Value before) {
             return arith::AddFOp::create(code, before, arith::MulFOp::create(code, a, b)).getResult();
           })};
         })
      .front();
}

void DeviceLowering::emitContract(KernelOp kernel) {
  auto op = cast<ContractOp>(kernel.getBody().front().front());
  Cell place = placeOf(kernel.getResult(0));
  auto countOf = [op](Evaluator &evaluator) mutable { return evaluator.product(op.getType().getShape()); };
  auto groups = [countOf](Evaluator &evaluator) mutable { return evaluator.code.ceilDiv(countOf(evaluator), groupSize); };
  emitLaunch("contract", kernel.getLoc(), Grid::Units, groups, [&](Scope &scope) {
    Code &code = scope.code;
    Buffers buffers = buffersOf(scope, kernel);
    Evaluator evaluator(code, buffers);
    evaluator.somewhere = scope.frame;
    Value number = code.add(code.mul(scope.group, code.i64(groupSize)), scope.thread);
    code.ifThen(code.compare(arith::CmpIPredicate::slt, number, countOf(evaluator)), [&] {
      ContractionThread thread(op, evaluator);
      thread.set(op.getOut(), number);
      std::optional<MatrixProduct> product = findMatrixProduct(kernel);
      Value result = product ? thread.emitProduct(product->inner) : thread.emitOther();
      code.storeElement(pointerIn(scope, place), op.getType().getElementType(), number, result);
    });
  });
}

} // namespace gradus
