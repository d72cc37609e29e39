//===- Contractions.cpp - Products of matrices and other contractions -----------------===//
//
// One thread an element of the result, with the sum that the CPU makes of it (codegen/README.md): of a product of matrices blocks of 128 by fma, which are
// added one after the other (large ones by tiles, Tiles.cpp), or the tree of a row where there are few rows; of another contraction blocks of 4,096, pairwise. Those that are neither are sums
// of a product (rewriteContract).
//
//===----------------------------------------------------------------------===//

#include "passes/gpu/ContractionPoint.h"
#include "passes/gpu/Tiles.h"
#include "passes/lower/Blocks.h"
#include "passes/lower/Product.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace gradus {

namespace {

/// What one thread sums.
class ContractionThread : public ContractionPoint {
public:
  using ContractionPoint::ContractionPoint;
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
  Value emitBlocks(ArrayRef<int64_t> inner, Value pass, function_ref<Value()> left);
  /// A block of the tree of a row.
  Value emitDot(ArrayRef<int64_t> inner, Value block);
  Value emitOther(Value block);
};

} // namespace

/// Lanes meet as the leaves of a balanced tree whose order is that of the lanes' reversed bits.
Value ContractionThread::emitDot(ArrayRef<int64_t> inner, Value block) {
  Value size = evaluator.product(getDims(op, inner));
  Type type = code.regType(op.getType().getElementType());
  auto add = [&](Value a, Value b, Value before) { return arith::AddFOp::create(code, before, arith::MulFOp::create(code, a, b)).getResult(); };
  Value low = code.mul(block, code.i64(blockSize)), high = code.min(code.add(low, code.i64(blockSize)), size);
  auto emitLane = [&](Value leaf) {
    Value lane = code.i64(0);
    for (int64_t bit = 1; bit < lanes; bit *= 2) {
      Value isSet = code.compare(arith::CmpIPredicate::ne, arith::AndIOp::create(code, leaf, code.i64(bit)), code.i64(0));
      lane = code.add(lane, code.select(isSet, code.i64(lanes / (2 * bit)), code.i64(0)));
    }
    return SmallVector<Value>{sum(inner, code.add(low, lane), high, add, lanes)};
  };
  return emitPairwise(code, {ReductionKind::Sum}, {type}, code.i64(lanes), emitLane).front();
}

Value ContractionThread::emitBlocks(ArrayRef<int64_t> inner, Value pass, function_ref<Value()> left) {
  static_assert(mostSteps % productBlock == 0);
  Value size = evaluator.product(getDims(op, inner)), zero = code.i64(0), width = code.i64(productBlock);
  AxisPart part = partOf(code, pass);
  Value end = code.min(part.high, size);
  auto sumOf = [&](Value low) {
    return sum(inner, low, code.min(code.add(low, width), size), [&](Value a, Value b, Value before) { return math::FmaOp::create(code, a, b, before).getResult(); });
  };
  Value first = code.choose(code.regType(op.getType().getElementType()), part.isFirst, [&] { return sumOf(zero); }, left);
  scf::ForOp rest = code.loop(code.add(part.low, code.select(part.isFirst, width, zero)), end, productBlock, {first}, [&](Value low, ValueRange before) {
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

/// Whether the rows of a product are so few that the CPU takes the tree of a row for each element: sizes decide.
static Value emitIsFew(ContractOp op, const MatrixProduct &product, Evaluator &evaluator) {
  CodeBuilder &code = evaluator.code;
  if (!product.sumsRows())
    return code.integer(code.getI1Type(), 0);
  return code.compare(arith::CmpIPredicate::sle, evaluator.product(getDims(op, product.rows)), code.i64(dotRows));
}

/// Few rows of a product of rows: one thread a block of 4,096 of an element. Of many rows nothing is launched.
void DeviceLowering::emitDots(KernelOp kernel) {
  auto op = cast<ContractOp>(kernel.getBody().front().front());
  MatrixProduct product = *findMatrixProduct(kernel);
  Type element = op.getType().getElementType();
  SmallVector<Attribute> shape(op.getType().getShape()), summed = getDims(op, product.inner);
  auto points = [=](Evaluator &evaluator) { return evaluator.code.select(emitIsFew(op, product, evaluator), evaluator.product(shape), evaluator.code.i64(0)); };
  auto blocks = [=](Evaluator &evaluator) { return evaluator.code.ceilDiv(evaluator.product(summed), blockSize); };
  auto units = [=](Evaluator &evaluator) { return evaluator.code.mul(points(evaluator), blocks(evaluator)); };
  auto bytes = [=](Evaluator &evaluator) { return emitBytes(evaluator.code, element, units(evaluator)); };
  Cell place = newTemporary(bytes, shape);
  emitLaunch("dot", kernel.getLoc(), Grid::Units, [=](Evaluator &evaluator) { return evaluator.code.ceilDiv(units(evaluator), groupSize); }, [&](Scope &scope) {
    CodeBuilder &code = scope.code;
    Buffers buffers = buffersOf(scope, kernel);
    Evaluator evaluator(code, buffers);
    evaluator.somewhere = scope.frame;
    Value count = points(evaluator);
    forThread(scope, code.mul(count, blocks(evaluator)), [&](Value number) {
      ContractionThread thread(op, evaluator);
      thread.set(op.getOut(), code.rem(number, count));
      code.storeElement(pointerIn(scope, place), element, number, thread.emitDot(product.inner, code.div(number, count)));
    });
  });
  emitBlockTrees(kernel.getLoc(), BlockTree{ReductionKind::Sum, element, element, place, placeOf(kernel.getResult(0))}, points, blocks);
}

void DeviceLowering::emitContract(KernelOp kernel) {
  auto op = cast<ContractOp>(kernel.getBody().front().front());
  std::optional<MatrixProduct> product = findMatrixProduct(kernel);
  Type element = op.getType().getElementType();
  SmallVector<Attribute> summed = getDims(op, getSummed(op)), shape(op.getType().getShape());
  bool isCut = !product && !hasOneBlock(summed);
  auto points = [=](Evaluator &evaluator) {
    Value all = evaluator.product(shape);
    return product && product->sumsRows() ? evaluator.code.select(emitIsFew(op, *product, evaluator), evaluator.code.i64(0), all) : all;
  };
  if (product && product->sumsRows())
    emitDots(kernel);
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
    Value count = units(evaluator);
    if (product) {
      Value isTiled = emitIsTiled(*product, evaluator);
      code.ifThen(isTiled, [&] { emitTile(*product, evaluator, scope, pointerIn(scope, place)); });
      count = code.select(isTiled, code.i64(0), count);
    }
    forThread(scope, count, [&](Value number) {
      ContractionThread thread(op, evaluator);
      Value elements = isCut ? points(evaluator) : Value();
      thread.set(op.getOut(), isCut ? code.rem(number, elements) : number);
      auto left = [&] { return code.loadElement(pointerIn(scope, place), element, number); };
      Value value = product ? thread.emitBlocks(product->inner, scope.pass, left) : thread.emitOther(isCut ? code.div(number, elements) : Value());
      code.storeElement(pointerIn(scope, place), element, number, value);
    });
  });
  if (product) // a slot whose axis is shorter than that of others keeps what it has
    program.launches.back().passes = [dims = getDims(op, product->inner)](Evaluator &evaluator) { return countPasses(evaluator.code, evaluator.product(dims)); };
  if (isCut)
    emitBlockTrees(kernel.getLoc(), BlockTree{ReductionKind::Sum, element, element, place, result}, points, blocks);
}

} // namespace gradus
