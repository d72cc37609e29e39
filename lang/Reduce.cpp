//===- Reduce.cpp - Reductions and contractions of arrays in the making ----===//

#include "lang/Algebra.h"

#include "llvm/ADT/SetVector.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::ArrayRef;
using llvm::SmallVector;
using mlir::Attribute;
using mlir::Operation;
using mlir::Value;

/// The type of a reduction's result: without the axes; a floating scalar is f64.
static ArrayType reducedType(ArrayType from, ArrayRef<int64_t> axes) {
  ArrayType to = from.dropAxes(axes);
  if (to.isScalar() && to.isFloat())
    to = to.withElement(mlir::Float64Type::get(from.getContext()));
  return to;
}

SmallVector<int64_t> Algebra::axesOf(Value v, size_t indices, ArrayRef<int64_t> axes) {
  if (axes == ArrayRef<int64_t>(allOwn))
    return llvm::to_vector(llvm::seq<int64_t>(indices, typeOf(v).getRank()));
  return SmallVector<int64_t>(axes);
}

static SmallVector<IndexVar *, 2> remaining(const Array &x, ArrayRef<int64_t> axes) {
  SmallVector<IndexVar *, 2> kept;
  for (auto [position, index] : llvm::enumerate(x.axes))
    if (!llvm::is_contained(axes, static_cast<int64_t>(position)))
      kept.push_back(index);
  return kept;
}

Array Algebra::reduce(ReductionKind kind, const Array &operand, ArrayRef<int64_t> axes, Location at, mlir::Type accumulate) {
  if (operand.isPoison())
    return {};
  bool isLogical = kind == ReductionKind::Any || kind == ReductionKind::All;
  Array x = isLogical ? toKind(operand, Kind::Bool, at) : kindOf(operand) == Kind::Bool ? toKind(operand, Kind::Int, at) : operand;
  return perLane({x}, remaining(x, axes), [&](ArrayRef<Value> v) -> Value {
    SmallVector<int64_t> over = axesOf(v[0], x.axes.size(), axes);
    if (over.empty())
      return v[0];
    auto wider = accumulate && typeOf(v[0]).isFloat() && accumulate != typeOf(v[0]).getElementType() ? mlir::TypeAttr::get(accumulate) : mlir::TypeAttr();
    return ReduceOp::create(builder, place(at), reducedType(typeOf(v[0]), over), kind, v[0], over, wider);
  });
}

Array Algebra::logSumExp(const Array &operand, ArrayRef<int64_t> axes, Location at) {
  Array x = operand.isPoison() ? Array() : toKind(operand, Kind::Float, at);
  if (x.isPoison())
    return x;
  return perLane({x}, remaining(x, axes), [&](ArrayRef<Value> v) -> Value {
    SmallVector<int64_t> over = axesOf(v[0], x.axes.size(), axes);
    if (over.empty())
      return v[0];
    return LogSumExpOp::create(builder, place(at), reducedType(typeOf(v[0]), over), v[0], over);
  });
}

Array Algebra::norm(const Array &operand, ArrayRef<int64_t> axes, Location at) {
  Array x = operand.isPoison() ? Array() : toKind(operand, Kind::Float, at);
  if (x.isPoison())
    return {};
  return perLane({x}, remaining(x, axes), [&](ArrayRef<Value> v) -> Value {
    SmallVector<int64_t> over = axesOf(v[0], x.axes.size(), axes);
    if (over.empty())
      return builder.createOrFold<AbsOp>(place(at), v[0]);
    return NormOp::create(builder, place(at), reducedType(typeOf(v[0]), over), v[0], over);
  });
}

Array Algebra::countOf(const Array &x, ArrayRef<int64_t> axes, Location at) {
  if (x.isPoison())
    return {};
  Array counts = perLane({x}, {}, [&](ArrayRef<Value> v) -> Value {
    Value count = ConstantOp::create(builder, place(at), int64_t(1));
    for (int64_t axis : axesOf(v[0], x.axes.size(), axes))
      count = builder.createOrFold<MulOp>(place(at), count, sizeOf(typeOf(v[0]).getShape()[axis], at));
    return castTo(count, builder.getF64Type(), at);
  });
  return counts;
}

/// Ops that may be computed where nobody asks for them: they refuse no call.
static bool isHarmless(Operation *op) {
  if (auto gather = llvm::dyn_cast<GatherOp>(op))
    return gather.getInBounds();
  return op->hasTrait<Pointwise>() || llvm::isa<BroadcastOp, ConstantOp, ContractOp, DimOp, IntPowOp, IotaOp, LogSumExpOp, NormOp, ReduceOp, ReshapeOp, TransposeOp>(op);
}

/// Moves all that a value is computed from in front of `block`, an op with regions. False where it depends on what the block carries, or may
/// refuse a call, which a block that does not run must not.
static bool moveBefore(Operation *block, Value value) {
  llvm::SetVector<Operation *> needed;
  SmallVector<Value> open{value};
  while (!open.empty()) {
    Value next = open.pop_back_val();
    if (!block->isAncestor(next.getParentBlock()->getParentOp()))
      continue;
    Operation *op = next.getDefiningOp();
    if (!op || !isHarmless(op))
      return false;
    if (needed.insert(op))
      llvm::append_range(open, op->getOperands());
  }
  SmallVector<Operation *> inOrder;
  block->walk([&](Operation *op) {
    if (needed.contains(op))
      inOrder.push_back(op);
  });
  for (Operation *op : inOrder)
    op->moveBefore(block);
  return true;
}

/// All tensors are reduced together, which no block of one tensor can do: what stands in one is computed in front of it.
Array Algebra::overAll(ReductionKind kind, const Array &x, Location at) {
  if (x.isPoison() || !x.isEach)
    return x;
  mlir::OpBuilder::InsertionGuard guard(builder);
  bool isInside = numRegions > 0 && isOpen && !isUnbound;
  if (isInside) {
    Operation *block = builder.getInsertionBlock()->getParentOp();
    while (block->getParentOp() && !llvm::isa<FuncOp>(block->getParentOp()))
      block = block->getParentOp();
    isInside = !moveBefore(block, x.lanes.front());
    builder.setInsertionPoint(block);
  }
  if (isInside || (isOneOfMany && x.lanes.size() == 1)) {
    error(Code::CollectionInControl, at, "a reduction over the collection of what a block of 'when', 'every' or 'loop' makes is not built yet").suggest("compute it before the block");
    return {};
  }
  Array result;
  Value total = x.lanes.front();
  for (Value lane : ArrayRef<Value>(x.lanes).drop_front()) {
    switch (kind) {
    case ReductionKind::Sum:
      total = builder.createOrFold<AddOp>(place(at), total, lane);
      break;
    case ReductionKind::Prod:
      total = builder.createOrFold<MulOp>(place(at), total, lane);
      break;
    case ReductionKind::Max:
      total = builder.createOrFold<MaxOp>(place(at), total, lane);
      break;
    case ReductionKind::Min:
      total = builder.createOrFold<MinOp>(place(at), total, lane);
      break;
    case ReductionKind::Any:
      total = builder.createOrFold<OrOp>(place(at), total, lane);
      break;
    case ReductionKind::All:
      total = builder.createOrFold<AndOp>(place(at), total, lane);
      break;
    }
  }
  if (isOpen)
    total = AllReduceOp::create(builder, place(at), total.getType(), kind, total);
  result.lanes.push_back(total);
  result.axes = x.axes;
  return result;
}

Array Algebra::contract(const Array &a, ArrayRef<int64_t> aLabels, const Array &b, ArrayRef<int64_t> bLabels,
                        ArrayRef<int64_t> outLabels, ArrayRef<IndexVar *> summed, Location at) {
  Array x = a.isPoison() ? Array() : toKind(a, Kind::Float, at), y = b.isPoison() ? Array() : toKind(b, Kind::Float, at);
  if (x.isPoison() || y.isPoison())
    return {};
  SmallVector<IndexVar *, 2> axes;
  for (IndexVar *index : commonAxes({x, y}))
    if (!llvm::is_contained(summed, index))
      axes.push_back(index);
  // An index is labelled by its id; own axes get labels above all ids.
  constexpr int64_t above = int64_t(1) << 32;
  auto labels = [&](ArrayRef<IndexVar *> indices, ArrayRef<int64_t> own) {
    SmallVector<int64_t> all;
    for (IndexVar *index : indices)
      all.push_back(index->id);
    for (int64_t label : own)
      all.push_back(above + label);
    return all;
  };
  SmallVector<int64_t> lhs = labels(x.axes, aLabels), rhs = labels(y.axes, bLabels), out = labels(axes, outLabels);
  // Small, dense labels in the order of their first use.
  llvm::SmallDenseMap<int64_t, int64_t> dense;
  for (SmallVector<int64_t> *list : {&lhs, &rhs, &out})
    for (int64_t &label : *list)
      label = dense.try_emplace(label, dense.size()).first->second;
  return perLane({x, y}, axes, [&](ArrayRef<Value> v) -> Value {
    llvm::SmallDenseMap<int64_t, Attribute> sizes;
    auto read = [&](Value operand, ArrayRef<int64_t> list) {
      for (auto [label, dim] : llvm::zip_equal(list, typeOf(operand).getShape()))
        sizes[label] = dim;
    };
    Value p = castTo(v[0], wide, at), q = castTo(v[1], wide, at);
    read(p, lhs);
    read(q, rhs);
    Shape shape;
    for (int64_t label : out)
      shape.push_back(sizes[label]);
    auto type = ArrayType::get(builder.getContext(), shape, elementOf(Kind::Float, shape.size()));
    return ContractOp::create(builder, place(at), type, p, q, lhs, rhs, out);
  });
}
