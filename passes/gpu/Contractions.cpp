//===- Contractions.cpp - Products of matrices and other contractions -----------------===//
//
// One thread an element of the result, with the sum that the CPU makes of it (codegen/README.md): of a product of matrices blocks of 128 by fma, which are
// added one after the other (large ones by tiles, Tiles.cpp), or the tree of a row where there are few rows; of another contraction blocks of 4,096, pairwise. Those that are neither are sums
// of a product (rewriteContract).
//
//===----------------------------------------------------------------------===//

#include "passes/gpu/Tiles.h"
#include "passes/lower/Blocks.h"
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
  /// Every `step`-th of the numbers [low, high) of the labels that are summed; `add` gives the next sum.
  Value sum(ArrayRef<int64_t> summed, Value low, Value high, function_ref<Value(Value a, Value b, Value sum)> add, int64_t step = 1) {
    Value none = code.number(code.regType(op.getType().getElementType()), 0);
    scf::ForOp loop = code.loop(low, high, step, {none}, [&](Value number, ValueRange sums) {
      set(summed, number);
      evaluator.startInner(nullptr, {});
      Value a = load(op.getA(), op.getLhs()), b = load(op.getB(), op.getRhs());
      return SmallVector<Value>{add(a, b, sums[0])};
    });
    return loop.getResult(0);
  }
  /// One pass of it; `left` gives what the passes before have left.
  Value emitProduct(const MatrixProduct &product, Value pass, function_ref<Value()> left);
  Value emitBlocks(ArrayRef<int64_t> inner, Value pass, function_ref<Value()> left);
  Value emitDot(ArrayRef<int64_t> inner);
  Value emitOther(Value block);

private:
  ContractOp op;
  Evaluator &evaluator;
  CodeBuilder &code;
  llvm::DenseMap<int64_t, Value> at;
};

} // namespace

/// Few rows of a product of rows are sums of rows: the sizes of the call decide.
Value ContractionThread::emitProduct(const MatrixProduct &product, Value pass, function_ref<Value()> left) {
  if (!product.sumsRows())
    return emitBlocks(product.inner, pass, left);
  Type type = code.regType(op.getType().getElementType());
  Value isFew = code.compare(arith::CmpIPredicate::sle, evaluator.product(getDims(op, product.rows)), code.i64(dotRows));
  auto dot = [&] { // all of it in the first pass
    Value isFirst = code.compare(arith::CmpIPredicate::eq, pass, code.i64(0));
    return code.choose(type, isFirst, [&] { return emitDot(product.inner); }, left);
  };
  return code.choose(type, isFew, dot, [&] { return emitBlocks(product.inner, pass, left); });
}

/// The tree of a row: lanes meet as the leaves of a balanced tree whose order is that of the lanes' reversed bits.
Value ContractionThread::emitDot(ArrayRef<int64_t> inner) {
  Value size = evaluator.product(getDims(op, inner));
  Type type = code.regType(op.getType().getElementType());
  auto tree = [&](Value count, function_ref<Value(Value)> emitLeaf) {
    return emitPairwise(code, {ReductionKind::Sum}, {type}, count, [&](Value leaf) { return SmallVector<Value>{emitLeaf(leaf)}; }).front();
  };
  auto add = [&](Value a, Value b, Value before) { return arith::AddFOp::create(code, before, arith::MulFOp::create(code, a, b)).getResult(); };
  return tree(code.ceilDiv(size, blockSize), [&](Value block) {
    Value low = code.mul(block, code.i64(blockSize)), high = code.min(code.add(low, code.i64(blockSize)), size);
    return tree(code.i64(lanes), [&](Value leaf) {
      Value lane = code.i64(0);
      for (int64_t bit = 1; bit < lanes; bit *= 2) {
        Value isSet = code.compare(arith::CmpIPredicate::ne, arith::AndIOp::create(code, leaf, code.i64(bit)), code.i64(0));
        lane = code.add(lane, code.select(isSet, code.i64(lanes / (2 * bit)), code.i64(0)));
      }
      return sum(inner, code.add(low, lane), high, add, lanes);
    });
  });
}

Value ContractionThread::emitBlocks(ArrayRef<int64_t> inner, Value pass, function_ref<Value()> left) {
  static_assert(mostSteps % productBlock == 0);
  Value size = evaluator.product(getDims(op, inner)), zero = code.i64(0), width = code.i64(productBlock);
  Value begin = code.mul(pass, code.i64(mostSteps)), end = code.min(code.add(begin, code.i64(mostSteps)), size);
  Value isFirst = code.compare(arith::CmpIPredicate::eq, pass, zero);
  auto sumOf = [&](Value low) {
    return sum(inner, low, code.min(code.add(low, width), size), [&](Value a, Value b, Value before) { return math::FmaOp::create(code, a, b, before).getResult(); });
  };
  Value first = code.choose(code.regType(op.getType().getElementType()), isFirst, [&] { return sumOf(zero); }, left);
  scf::ForOp rest = code.loop(code.select(isFirst, width, begin), end, productBlock, {first}, [&](Value low, ValueRange before) {
    return SmallVector<Value>{arith::AddFOp::create(code, before[0], sumOf(low)).getResult()};
  });
  return rest.getResult(0);
}

/// The sum of a block; without one, of the only block.
Value ContractionThread::emitOther(Value block) {
  SmallVector<int64_t> summed = getSummed(op);
  Value low = code.i64(0), high = evaluator.product(getDims(op, summed));
  if (block) {
    low = code.mul(block, code.i64(blockSize));
    high = code.min(code.add(low, code.i64(blockSize)), high);
  }
  return sum(summed, low, high, [&](Value a, Value b, Value before) {
    return arith::AddFOp::create(code, before, arith::MulFOp::create(code, a, b)).getResult();
  });
}

void DeviceLowering::emitContract(KernelOp kernel) {
  auto op = cast<ContractOp>(kernel.getBody().front().front());
  std::optional<MatrixProduct> product = findMatrixProduct(kernel);
  Type element = op.getType().getElementType();
  SmallVector<Attribute> summed = getDims(op, getSummed(op)), shape(op.getType().getShape());
  bool isCut = !product && !hasOneBlock(summed);
  auto points = [shape](Evaluator &evaluator) { return evaluator.product(shape); };
  auto blocks = [summed](Evaluator &evaluator) { return evaluator.code.ceilDiv(evaluator.product(summed), blockSize); };
  auto units = [=](Evaluator &evaluator) { return isCut ? evaluator.code.mul(points(evaluator), blocks(evaluator)) : points(evaluator); };
  auto groups = [=](Evaluator &evaluator) {
    Value each = evaluator.code.ceilDiv(units(evaluator), groupSize);
    return product ? evaluator.code.select(emitIsTiled(*product, evaluator), countTiles(*product, evaluator), each) : each;
  };
  auto bytes = [units, element](Evaluator &evaluator) { return emitBytes(evaluator.code, element, units(evaluator)); };
  Cell result = placeOf(kernel.getResult(0)), place = isCut ? newTemporary(bytes, shape) : result;
  emitLaunch("contract", kernel.getLoc(), Grid::Units, groups, [&](Scope &scope) {
    CodeBuilder &code = scope.code;
    Buffers buffers = buffersOf(scope, kernel);
    Evaluator evaluator(code, buffers);
    evaluator.somewhere = scope.frame;
    Value number = code.add(code.mul(scope.group, code.i64(groupSize)), scope.thread);
    Value isUnit = code.compare(arith::CmpIPredicate::slt, number, units(evaluator));
    if (product) {
      Value isTiled = emitIsTiled(*product, evaluator);
      code.ifThen(isTiled, [&] { emitTile(*product, evaluator, scope, pointerIn(scope, place)); });
      isUnit = code.select(isTiled, code.integer(code.getI1Type(), 0), isUnit);
    }
    code.ifThen(isUnit, [&] {
      ContractionThread thread(op, evaluator);
      Value count = isCut ? points(evaluator) : Value();
      thread.set(op.getOut(), isCut ? code.rem(number, count) : number);
      auto left = [&] { return code.loadElement(pointerIn(scope, place), element, number); };
      Value value = product ? thread.emitProduct(*product, scope.pass, left) : thread.emitOther(isCut ? code.div(number, count) : Value());
      code.storeElement(pointerIn(scope, place), element, number, value);
    });
  });
  if (product) // a slot whose axis is shorter than that of others keeps what it has
    program.launches.back().passes = [dims = getDims(op, product->inner)](Evaluator &evaluator) {
      return evaluator.code.max(evaluator.code.ceilDiv(evaluator.product(dims), mostSteps), evaluator.code.i64(1));
    };
  if (isCut)
    emitBlockTrees(kernel.getLoc(), BlockTree{ReductionKind::Sum, element, element, place, result}, points, blocks);
}

} // namespace gradus
