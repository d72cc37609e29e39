//===- Tiles.cpp - Products of matrices by groups ---------------------------------------===//
//
// A group computes 64 x 64 elements of the result, a thread 4 x 4 of them, 16 apart: what the group needs of both matrices for the next few steps comes into
// its memory, and is read from there 64 times. The sums are those of one thread an element (Contractions.cpp).
//
//===----------------------------------------------------------------------===//

#include "passes/gpu/Tiles.h"

#include "passes/gpu/ContractionPoint.h"
#include "passes/lower/Product.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace gradus {

/// The edge of a tile, and of the threads in it.
static constexpr int64_t tileEdge = 64, threadEdge = 16, perThread = tileEdge / threadEdge;
/// Columns of a tile in memory are so far apart, that threads which write a row of it meet no bank of another.
static constexpr int64_t tilePitch = tileEdge + 1;
/// Smaller results are left to one thread an element.
static constexpr int64_t leastEdge = threadEdge;
static_assert(threadEdge * threadEdge == groupSize);

namespace {

class TileEmitter : ContractionPoint {
public:
  TileEmitter(const MatrixProduct &product, Evaluator &evaluator, Scope &scope);
  void emit(Value output);

private:
  Value indexOf(Value low, Value number, Value size) { return code.min(code.add(low, number), code.sub(size, code.i64(1))); }
  void emitFill(Value memory, Value array, ArrayRef<int64_t> labels, ArrayRef<int64_t> own, Value low, Value size, Value from);
  SmallVector<Value> emitSteps(Value count, ValueRange sums);
  SmallVector<Value> emitBlock(Value low, Value high);
  /// Whether an element of the thread is in the result, and where; the last one of the result for one that is not.
  std::pair<Value, Value> emitElement(int64_t k);
  SmallVector<Value> emitLeft(Value isFirst, Value output);

  const MatrixProduct &product;
  Scope &scope;
  Type element;
  int64_t depth; ///< the steps of which a tile is in memory
  Value rows, columns, inner, row, column, threadRow, threadColumn, a, b;
};

} // namespace

TileEmitter::TileEmitter(const MatrixProduct &product, Evaluator &evaluator, Scope &scope)
    : ContractionPoint(product.op, evaluator), product(product), scope(scope), element(op.getType().getElementType()),
      depth(productWidth(element)), rows(evaluator.product(dimsOf(product.rows))), columns(evaluator.product(dimsOf(product.columns))),
      inner(evaluator.product(dimsOf(product.inner))), a(emitGroupMemory(code, element, depth * tilePitch)),
      b(emitGroupMemory(code, element, depth * tilePitch)) {
  Value tileColumns = code.ceilDiv(columns, tileEdge), tileRows = code.ceilDiv(rows, tileEdge), rest = code.div(scope.group, tileColumns);
  column = code.mul(code.rem(scope.group, tileColumns), code.i64(tileEdge));
  row = code.mul(code.rem(rest, tileRows), code.i64(tileEdge));
  set(product.outer, code.div(rest, tileRows));
  threadRow = code.div(scope.thread, code.i64(threadEdge));
  threadColumn = code.rem(scope.thread, code.i64(threadEdge));
}

/// `depth` steps of a matrix, from step `from` on: threads beside each other read what lies together. Where the matrix ends its last elements stand again.
void TileEmitter::emitFill(Value memory, Value array, ArrayRef<int64_t> labels, ArrayRef<int64_t> own, Value low, Value size, Value from) {
  bool isAlongInner = labels.back() == product.inner.back();
  int64_t together = isAlongInner ? depth : tileEdge;
  Value fast = code.rem(scope.thread, code.i64(together)), slow = code.div(scope.thread, code.i64(together));
  for (int64_t begin = 0; begin < tileEdge * depth / together; begin += groupSize / together) {
    Value next = code.add(slow, code.i64(begin)), step = isAlongInner ? fast : next, place = isAlongInner ? next : fast;
    set(own, indexOf(low, place, size));
    set(product.inner, indexOf(from, step, inner));
    evaluator.startInner(nullptr, {});
    storeGroup(code, memory, code.add(code.mul(step, code.i64(tilePitch)), place), load(array, labels));
  }
}

/// The first `count` steps of what is in memory.
SmallVector<Value> TileEmitter::emitSteps(Value count, ValueRange sums) {
  scf::ForOp loop = code.loop(code.i64(0), count, 1, sums, [&](Value step, ValueRange before) {
    Value start = code.mul(step, code.i64(tilePitch));
    auto load = [&](Value memory, Value first) {
      SmallVector<Value> values;
      for (int64_t k = 0; k < perThread; ++k)
        values.push_back(loadGroup(code, memory, code.add(start, code.add(first, code.i64(k * threadEdge))), element));
      return values;
    };
    SmallVector<Value> left = load(a, threadRow), right = load(b, threadColumn), next;
    for (auto [k, sum] : llvm::enumerate(before))
      next.push_back(math::FmaOp::create(code, left[k / perThread], right[k % perThread], sum));
    return next;
  });
  return llvm::to_vector(ValueRange(loop.getResults()));
}

/// The sums over one block of elements.
SmallVector<Value> TileEmitter::emitBlock(Value low, Value high) {
  SmallVector<Value> zeros(perThread * perThread, code.number(element, 0));
  scf::ForOp loop = code.loop(low, high, depth, zeros, [&](Value from, ValueRange before) {
    emitBarrier(code); // all have read what stood there
    emitFill(a, product.a, product.aLabels, product.rows, row, rows, from);
    emitFill(b, product.b, product.bLabels, product.columns, column, columns, from);
    emitBarrier(code);
    Value count = code.sub(high, from), isWhole = code.compare(arith::CmpIPredicate::sge, count, code.i64(depth));
    auto choice = scf::IfOp::create(code, before.getTypes(), isWhole, /*addThenBlock=*/true, /*addElseBlock=*/true);
    for (Block *block : {choice.thenBlock(), choice.elseBlock()}) { // the first is a loop that can be unrolled
      OpBuilder::InsertionGuard guard(code);
      code.setInsertionPointToEnd(block);
      scf::YieldOp::create(code, emitSteps(block == choice.thenBlock() ? code.i64(depth) : count, before));
    }
    return llvm::to_vector(ValueRange(choice.getResults()));
  });
  return llvm::to_vector(ValueRange(loop.getResults()));
}

std::pair<Value, Value> TileEmitter::emitElement(int64_t k) {
  Value ownRow = code.add(threadRow, code.i64(k / perThread * threadEdge)), ownColumn = code.add(threadColumn, code.i64(k % perThread * threadEdge));
  Value isRow = code.compare(arith::CmpIPredicate::slt, code.add(row, ownRow), rows);
  Value isColumn = code.compare(arith::CmpIPredicate::slt, code.add(column, ownColumn), columns);
  set(product.rows, indexOf(row, ownRow, rows));
  set(product.columns, indexOf(column, ownColumn, columns));
  SmallVector<int64_t> out(op.getOut());
  Value position = evaluator.linearize(llvm::map_to_vector(out, [&](int64_t label) { return at.lookup(label); }), dimsOf(out));
  return {arith::AndIOp::create(code, isRow, isColumn), position};
}

/// What the passes before have left in the output.
SmallVector<Value> TileEmitter::emitLeft(Value isFirst, Value output) {
  SmallVector<Type> types(perThread * perThread, element);
  auto choice = scf::IfOp::create(code, types, isFirst, /*addThenBlock=*/true, /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(code);
  code.setInsertionPointToEnd(choice.thenBlock());
  scf::YieldOp::create(code, SmallVector<Value>(types.size(), code.number(element, 0)));
  code.setInsertionPointToEnd(choice.elseBlock());
  SmallVector<Value> left;
  for (int64_t k = 0; k < perThread * perThread; ++k)
    left.push_back(code.loadElement(output, element, emitElement(k).second));
  scf::YieldOp::create(code, left);
  return llvm::to_vector(ValueRange(choice.getResults()));
}

void TileEmitter::emit(Value output) {
  AxisPart part = partOf(code, scope.pass);
  Value end = code.min(part.high, inner);
  scf::ForOp loop = code.loop(part.low, end, productBlock, emitLeft(part.isFirst, output), [&](Value low, ValueRange before) {
    SmallVector<Value> sums = emitBlock(low, code.min(code.add(low, code.i64(productBlock)), end));
    // The first block stays as it is: 0 + -0 would be 0.
    Value isFirst = code.compare(arith::CmpIPredicate::eq, low, code.i64(0));
    for (auto [sum, sumBefore] : llvm::zip_equal(sums, before))
      sum = code.select(isFirst, sum, arith::AddFOp::create(code, sumBefore, sum));
    return sums;
  });
  for (int64_t k = 0; k < perThread * perThread; ++k) {
    auto [isThere, position] = emitElement(k);
    code.ifThen(isThere, [&, position = position] { code.storeElement(output, element, position, loop.getResult(k)); });
  }
}

Value emitIsTiled(const MatrixProduct &product, Evaluator &evaluator) {
  CodeBuilder &code = evaluator.code;
  Value rows = evaluator.product(getDims(product.op, product.rows)), columns = evaluator.product(getDims(product.op, product.columns));
  return code.compare(arith::CmpIPredicate::sge, code.min(rows, columns), code.i64(leastEdge));
}

Value countTiles(const MatrixProduct &product, Evaluator &evaluator) {
  CodeBuilder &code = evaluator.code;
  auto edges = [&](ArrayRef<int64_t> labels) { return code.ceilDiv(evaluator.product(getDims(product.op, labels)), tileEdge); };
  return code.mul(evaluator.product(getDims(product.op, product.outer)), code.mul(edges(product.rows), edges(product.columns)));
}

void emitTile(const MatrixProduct &product, Evaluator &evaluator, Scope &scope, Value output) { TileEmitter(product, evaluator, scope).emit(output); }

} // namespace gradus
