//===- Contract.cpp - Loops of contractions and scatters ------------------------===//
//
// y[out] = sum a * b, but for products of matrices (Product.cpp). Where the last axis of the result is the last axis of an operand, its elements lie along
// the lanes and the sums run one after the other, in blocks of 4,096 that are combined pairwise. Else (rows times a vector) the contraction is the sum of
// a product and takes the tree of reductions.
//
//===----------------------------------------------------------------------===//

#include "passes/lower/Kernel.h"

#include "passes/fuse/MatrixProduct.h"
#include "passes/fuse/Plan.h"

using namespace mlir;

namespace gradus {

static ContractOp getContract(KernelOp kernel) { return dyn_cast<ContractOp>(kernel.getBody().front().front()); }

SmallVector<int64_t> getSummed(ContractOp op) {
  SmallVector<int64_t> summed;
  for (ArrayRef<int64_t> labels : {op.getLhs(), op.getRhs()})
    for (int64_t label : labels)
      if (!llvm::is_contained(op.getOut(), label) && !llvm::is_contained(summed, label))
        summed.push_back(label);
  for (ArrayRef<int64_t> labels : {op.getRhs(), op.getLhs()})
    if (!labels.empty() && llvm::is_contained(summed, labels.back())) {
      int64_t last = labels.back();
      llvm::erase(summed, last);
      summed.push_back(last);
    }
  return summed;
}

Attribute getDim(ContractOp op, int64_t label) {
  for (auto [labels, value] : {std::pair(op.getLhs(), op.getA()), std::pair(op.getRhs(), op.getB())})
    for (auto [axis, own] : llvm::enumerate(labels))
      if (own == label)
        return arrayOf(value).getShape()[axis];
  llvm_unreachable("a label of the result or of a sum is one of an operand");
}

SmallVector<Attribute> getDims(ContractOp op, ArrayRef<int64_t> labels) {
  return llvm::map_to_vector(labels, [&](int64_t label) { return getDim(op, label); });
}

bool isVectorContract(KernelOp kernel) {
  ContractOp op = getContract(kernel);
  return op && isVectorContract(op);
}

void rewriteContract(KernelOp kernel) {
  ContractOp op = getContract(kernel);
  SmallVector<int64_t> labels(op.getOut()), summed = getSummed(op);
  llvm::append_range(labels, summed);
  OpBuilder builder(op);
  SmallVector<Attribute> domain = getDims(op, labels);
  auto type = ArrayType::get(domain, op.getA().getType().getElementType());
  auto spread = [&](Value value, ArrayRef<int64_t> own) {
    // Axes in the order of the domain, then along it.
    SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, own.size()));
    auto placeOf = [&](int64_t axis) { return llvm::find(labels, own[axis]) - labels.begin(); };
    llvm::sort(order, [&](int64_t a, int64_t b) { return placeOf(a) < placeOf(b); });
    SmallVector<int64_t> axes = llvm::map_to_vector(order, [&](int64_t axis) -> int64_t { return placeOf(axis); });
    if (!llvm::is_sorted(order)) {
      SmallVector<Attribute> shape = llvm::map_to_vector(order, [&](int64_t axis) { return arrayOf(value).getShape()[axis]; });
      value = TransposeOp::create(builder, op.getLoc(), arrayOf(value).withShape(shape), value, order);
    }
    return BroadcastOp::create(builder, op.getLoc(), type, value, axes).getResult();
  };
  Value product = MulOp::create(builder, op.getLoc(), spread(op.getA(), op.getLhs()), spread(op.getB(), op.getRhs()));
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(op.getOut().size(), labels.size()));
  Value sum = product;
  if (!axes.empty() || type.getElementType() != op.getType().getElementType())
    sum = ReduceOp::create(builder, op.getLoc(), op.getType(), ReductionKind::Sum, product, axes, TypeAttr());
  op.getResult().replaceAllUsesWith(sum);
  op.erase();
  kernel.setDomainAttr(builder.getArrayAttr(domain));
}

namespace {

/// The loops of a contraction with its last output axis along the lanes.
class ContractEmitter {
public:
  ContractEmitter(KernelOp kernel, Evaluator &evaluator);
  void emit(Value output, Value begin, Value end);
  /// The tiles of the result.
  Value count();

private:
  void emitTile(Value output, ArrayRef<Value> columns, Value mask);
  Value operandAt(Value operand, ArrayRef<int64_t> labels, Value column);

  ContractOp op;
  Evaluator &evaluator;
  CodeBuilder &code;
  int64_t vectorLabel;
  SmallVector<int64_t> outer, summed;
  int64_t width; ///< elements of a tile of vectors
  llvm::DenseMap<int64_t, Value> at; ///< scalar indices of outer and summed labels
};

} // namespace

ContractEmitter::ContractEmitter(KernelOp kernel, Evaluator &evaluator)
    : op(getContract(kernel)), evaluator(evaluator), code(evaluator.code), vectorLabel(op.getOut().back()), outer(op.getOut().drop_back()), summed(getSummed(op)) {
  width = (op.getA().getType().getElementType().isF64() ? 2 : 4) * lanes; // what fits the registers of AVX2
}

Value ContractEmitter::count() {
  return code.mul(evaluator.product(getDims(op, outer)), code.ceilDiv(evaluator.sizeOf(getDim(op, vectorLabel)), width));
}

Value ContractEmitter::operandAt(Value operand, ArrayRef<int64_t> labels, Value column) {
  Point point = llvm::map_to_vector(labels, [&](int64_t label) { return label == vectorLabel ? Index::lane(column) : Index::uniform(at.lookup(label)); });
  return evaluator.evaluateVector(operand, point);
}

/// Sums for some vectors of the result.
void ContractEmitter::emitTile(Value output, ArrayRef<Value> columns, Value mask) {
  Type element = op.getType().getElementType(), type = code.vecType(element);
  size_t size = columns.size();
  SmallVector<Attribute> dims = getDims(op, summed);
  Value total = evaluator.product(dims), blocks = code.ceilDiv(total, blockSize);
  SmallVector<ReductionKind> kinds(size, ReductionKind::Sum);
  SmallVector<Value> results = emitPairwise(code, kinds, SmallVector<Type>(size, type), blocks, [&](Value block) {
    Value low = code.mul(block, code.i64(blockSize)), high = code.min(code.add(low, code.i64(blockSize)), total);
    SmallVector<Value> zeros(size, code.number(type, 0));
    scf::ForOp loop = code.loop(low, high, 1, zeros, [&](Value number, ValueRange sums) {
      for (auto [label, index] : llvm::zip_equal(summed, evaluator.delinearize(number, dims)))
        at[label] = index;
      evaluator.startInner(nullptr, mask);
      SmallVector<Value> next;
      for (Value column : columns) {
        Value a = operandAt(op.getA(), op.getLhs(), column), b = operandAt(op.getB(), op.getRhs(), column);
        Value product = arith::MulFOp::create(code, a, b);
        next.push_back(arith::AddFOp::create(code, sums[next.size()], product));
      }
      return next;
    });
    return llvm::to_vector(ValueRange(loop.getResults()));
  });
  for (auto [column, result] : llvm::zip_equal(columns, results)) {
    SmallVector<Value> indices = llvm::map_to_vector(op.getOut(), [&](int64_t label) { return label == vectorLabel ? column : at.lookup(label); });
    code.storeVector(output, element, evaluator.linearize(indices, getDims(op, op.getOut())), result, mask);
  }
}

void ContractEmitter::emit(Value output, Value begin, Value end) {
  Value size = evaluator.sizeOf(getDim(op, vectorLabel)), strips = code.ceilDiv(size, width);
  code.loop(begin, end, [&](Value index) {
    Value first = code.mul(code.rem(index, strips), code.i64(width)), rest = code.div(index, strips);
    for (auto [label, value] : llvm::zip_equal(outer, evaluator.delinearize(rest, getDims(op, outer))))
      at[label] = value;
    Value isWhole = code.compare(arith::CmpIPredicate::sge, code.sub(size, first), code.i64(width));
    auto branch = scf::IfOp::create(code, isWhole, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(code);
    code.setInsertionPointToStart(branch.thenBlock());
    SmallVector<Value> columns;
    for (int64_t offset = 0; offset < width; offset += lanes)
      columns.push_back(code.add(first, code.i64(offset)));
    emitTile(output, columns, {});
    code.setInsertionPointToStart(branch.elseBlock());
    code.loop(first, code.min(code.add(first, code.i64(width)), size), lanes, {}, [&](Value column, ValueRange) {
      Value mask = code.compare(arith::CmpIPredicate::slt, code.laneNumbers(), code.splat(code.sub(size, column)));
      emitTile(output, {column}, mask);
      return SmallVector<Value>();
    });
  });
}

Value emitContractCount(KernelOp kernel, Evaluator &evaluator) { return ContractEmitter(kernel, evaluator).count(); }

Value emitContractWork(KernelOp kernel, Evaluator &evaluator) {
  ContractOp op = getContract(kernel);
  return evaluator.code.mul(evaluator.product(getDims(op, op.getOut())), evaluator.product(getDims(op, getSummed(op))));
}

void emitContractBody(KernelOp kernel, Evaluator &evaluator, Value output, Value begin, Value end) {
  ContractEmitter(kernel, evaluator).emit(output, begin, end);
}

void emitScatterPoint(KernelOp kernel, Evaluator &evaluator, Value output, ArrayRef<Index> point) {
  CodeBuilder &code = evaluator.code;
  Operation *op = findScatter(kernel);
  ArrayType type = arrayOf(op->getResult(0));
  Type element = type.getElementType();
  evaluator.startInner(nullptr, {});
  SmallVector<Value> indices;
  for (Value index : getPlaces(op))
    indices.push_back(emitCast(code, evaluator.evaluate(index, point), arrayOf(index).getElementType(), code.getI64Type()));
  Value update = evaluator.evaluate(op->getOperands().back(), point);
  Value position = evaluator.linearize(indices, type.getShape());
  if (isa<ScatterAddOp>(op))
    update = emitCombine(code, ReductionKind::Sum, code.loadElement(output, element, position), update);
  code.storeElement(output, element, position, update);
}

void emitScatterBody(KernelOp kernel, Evaluator &evaluator, Value output) {
  CodeBuilder &code = evaluator.code;
  SmallVector<Attribute> domain = llvm::to_vector(kernel.getDomain());
  code.loop(code.i64(0), evaluator.product(domain), [&](Value number) {
    Point point;
    for (Value index : evaluator.delinearize(number, domain))
      point.push_back(Index::uniform(index));
    emitScatterPoint(kernel, evaluator, output, point);
  });
}

} // namespace gradus
