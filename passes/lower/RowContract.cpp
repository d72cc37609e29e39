//===- RowContract.cpp - Contractions in a row nest -----------------------------===//
//
// A block of rows is in the cache, so that it may be gone through several times: for each tile of the result, which stays in registers.
// Rows of a result are sums in row-major order of the summed labels, as everywhere. A sum over the rows goes on with what the blocks
// before have left, row after row.
//
//===----------------------------------------------------------------------===//

#include "passes/lower/Kernel.h"

using namespace mlir;

namespace gradus {

namespace {

class RowContractEmitter {
public:
  RowContractEmitter(ContractOp op, int64_t rowLabel, Evaluator &evaluator);
  void emit(Value output, Value begin, Value end);

private:
  void emitStrips(Value output);
  void emitTiles(Value output, ArrayRef<Value> columns, Value mask);
  void emitTile(Value output, ArrayRef<Value> tile, ArrayRef<Value> columns, Value mask);
  SmallVector<Value> emitProducts(ArrayRef<Value> tile, ArrayRef<Value> columns, Value mask, ValueRange sums);
  Value operandAt(Value operand, ArrayRef<int64_t> labels, Value tile, Value column);
  Value positionOf(Value tile, Value column);
  bool isEnd() { return !llvm::is_contained(op.getOut(), rowLabel); }

  ContractOp op;
  int64_t rowLabel;
  Evaluator &evaluator;
  CodeBuilder &code;
  /// The label along the lanes, and one that the operand with it has not: a vector of that operand serves several of its points. Or -1.
  int64_t vectorLabel, tileLabel = -1;
  SmallVector<int64_t> outer, summed;
  Value begin, end;
  llvm::DenseMap<int64_t, Value> at; ///< scalar indices of outer and summed labels
};

} // namespace

/// What fits the registers of AVX2.
static int64_t getTile(ContractOp op) { return op.getType().getElementType().isF64() ? 2 : 4; }

RowContractEmitter::RowContractEmitter(ContractOp op, int64_t rowLabel, Evaluator &evaluator)
    : op(op), rowLabel(rowLabel), evaluator(evaluator), code(evaluator.code), vectorLabel(op.getOut().back()) {
  bool isRight = !op.getRhs().empty() && op.getRhs().back() == vectorLabel;
  ArrayRef<int64_t> along = isRight ? op.getRhs() : op.getLhs();
  for (int64_t label : op.getOut().drop_back())
    if (!llvm::is_contained(along, label) && (tileLabel < 0 || label == rowLabel))
      tileLabel = label;
  for (int64_t label : op.getOut().drop_back())
    if (label != tileLabel)
      outer.push_back(label);
  summed = getSummed(op);
  if (isEnd()) { // the rows come first
    llvm::erase(summed, rowLabel);
    summed.insert(summed.begin(), rowLabel);
  }
}

Value RowContractEmitter::operandAt(Value operand, ArrayRef<int64_t> labels, Value tile, Value column) {
  Point point;
  for (int64_t label : labels) {
    if (label == vectorLabel)
      point.push_back(Index::lane(column));
    else
      point.push_back(Index::uniform(label == tileLabel ? tile : at.lookup(label)));
  }
  return evaluator.evaluateVector(operand, point);
}

Value RowContractEmitter::positionOf(Value tile, Value column) {
  SmallVector<Value> indices;
  for (int64_t label : op.getOut())
    indices.push_back(label == vectorLabel ? column : label == tileLabel ? tile : at.lookup(label));
  return evaluator.linearize(indices, getDims(op, op.getOut()));
}

SmallVector<Value> RowContractEmitter::emitProducts(ArrayRef<Value> tile, ArrayRef<Value> columns, Value mask, ValueRange sums) {
  evaluator.startInner(nullptr, mask);
  SmallVector<Value> next;
  for (Value row : tile)
    for (auto [number, column] : llvm::enumerate(columns)) {
      evaluator.turn = {static_cast<int64_t>(number), {}};
      Value a = operandAt(op.getA(), op.getLhs(), row, column), b = operandAt(op.getB(), op.getRhs(), row, column);
      next.push_back(arith::AddFOp::create(code, sums[next.size()], arith::MulFOp::create(code, a, b)));
    }
  evaluator.turn.reset();
  return next;
}

/// Sums for tile x columns of vectors of the result.
void RowContractEmitter::emitTile(Value output, ArrayRef<Value> tile, ArrayRef<Value> columns, Value mask) {
  Type element = op.getType().getElementType(), type = code.vecType(element);
  size_t size = tile.size() * columns.size();
  SmallVector<Attribute> dims = getDims(op, summed);
  auto emitStep = [&](Value number, ValueRange sums) {
    for (auto [label, index] : llvm::zip_equal(summed, evaluator.delinearize(number, dims)))
      at[label] = index;
    return emitProducts(tile, columns, mask, sums);
  };
  auto emitSums = [&](Value low, Value high, ValueRange init) {
    // Two at a time: a step is so short that counting takes a good part of it.
    Value middle = code.add(low, arith::AndIOp::create(code, code.sub(high, low), code.i64(-2)));
    scf::ForOp pairs = code.loop(low, middle, 2, init, [&](Value number, ValueRange sums) {
      return emitStep(code.add(number, code.i64(1)), emitStep(number, sums));
    });
    return llvm::to_vector(ValueRange(code.loop(middle, high, 1, pairs.getResults(), emitStep).getResults()));
  };
  SmallVector<Value> positions, results;
  for (Value row : tile)
    for (Value column : columns)
      positions.push_back(positionOf(row, column));
  if (isEnd()) {
    SmallVector<Value> before;
    for (Value position : positions)
      before.push_back(code.loadVector(output, element, position, mask));
    Value rest = evaluator.product(ArrayRef(dims).drop_front());
    results = emitSums(code.mul(begin, rest), code.mul(end, rest), before);
  } else {
    Value total = evaluator.product(dims), blocks = code.ceilDiv(total, blockSize);
    results = emitPairwise(code, SmallVector<ReductionKind>(size, ReductionKind::Sum), SmallVector<Type>(size, type), blocks, [&](Value block) {
      Value low = code.mul(block, code.i64(blockSize));
      return emitSums(low, code.min(code.add(low, code.i64(blockSize)), total), SmallVector<Value>(size, code.number(type, 0)));
    });
  }
  for (auto [position, result] : llvm::zip_equal(positions, results))
    code.storeVector(output, element, position, result, mask);
}

/// The points of the tile's label, several at a time and what is left one by one.
void RowContractEmitter::emitTiles(Value output, ArrayRef<Value> columns, Value mask) {
  if (tileLabel < 0)
    return emitTile(output, {Value()}, columns, mask);
  bool isOverRows = tileLabel == rowLabel;
  Value low = isOverRows ? begin : code.i64(0), high = isOverRows ? end : evaluator.sizeOf(getDim(op, tileLabel));
  int64_t tile = getTile(op);
  Value whole = arith::AndIOp::create(code, code.sub(high, low), code.i64(-tile));
  Value middle = code.add(low, whole);
  code.loop(low, middle, tile, {}, [&](Value first, ValueRange) {
    SmallVector<Value> all;
    for (int64_t i = 0; i < tile; ++i)
      all.push_back(code.add(first, code.i64(i)));
    emitTile(output, all, columns, mask);
    return SmallVector<Value>();
  });
  code.loop(middle, high, [&](Value row) { emitTile(output, {row}, columns, mask); });
}

/// All vectors of the result, for the outer labels as they are.
void RowContractEmitter::emitStrips(Value output) {
  bool isOverRows = vectorLabel == rowLabel; // the rows are all that the result has
  Value low = isOverRows ? begin : code.i64(0), size = isOverRows ? end : evaluator.sizeOf(getDim(op, vectorLabel));
  int64_t width = tileLabel < 0 ? getTile(op) * lanes : lanes;
  Value whole = code.sub(size, code.rem(code.sub(size, low), code.i64(width)));
  code.loop(low, whole, width, {}, [&](Value first, ValueRange) {
    SmallVector<Value> columns;
    for (int64_t i = 0; i < width; i += lanes)
      columns.push_back(code.add(first, code.i64(i)));
    emitTiles(output, columns, {});
    return SmallVector<Value>();
  });
  code.loop(whole, size, lanes, {}, [&](Value column, ValueRange) {
    Value mask = code.compare(arith::CmpIPredicate::slt, code.laneNumbers(), code.splat(code.sub(size, column)));
    emitTiles(output, {column}, mask);
    return SmallVector<Value>();
  });
}

void RowContractEmitter::emit(Value output, Value first, Value last) {
  begin = first;
  end = last;
  SmallVector<Attribute> dims = getDims(op, outer);
  Value low = code.i64(0), high = evaluator.product(dims);
  if (!outer.empty() && outer.front() == rowLabel) {
    Value rest = evaluator.product(ArrayRef(dims).drop_front());
    low = code.mul(begin, rest);
    high = code.mul(end, rest);
  }
  code.loop(low, high, [&](Value number) {
    for (auto [label, index] : llvm::zip_equal(outer, evaluator.delinearize(number, dims)))
      at[label] = index;
    emitStrips(output);
  });
}

void emitRowContractBody(KernelOp kernel, int64_t rowLabel, Evaluator &evaluator, Value output, Value begin, Value end) {
  RowContractEmitter(cast<ContractOp>(kernel.getBody().front().front()), rowLabel, evaluator).emit(output, begin, end);
}

} // namespace gradus
