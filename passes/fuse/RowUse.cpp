//===- RowUse.cpp - How a kernel goes through rows -------------------------------===//

#include "passes/fuse/Plan.h"
#include "passes/fuse/RowNest.h"

using namespace mlir;

namespace gradus {

static ArrayType arrayOf(Value value) { return cast<ArrayType>(value.getType()); }

/// What is known of an axis of a value while the kernel is at a row, if not its number.
static constexpr int64_t freeAxis = -1;    ///< the value is the same at every row
static constexpr int64_t unknownAxis = -2; ///< it is read at other rows than this one

/// Whether a value counts along an axis, so that at row i it is i.
static bool isCountAlong(Value value, int64_t axis) {
  Operation *op = value.getDefiningOp();
  if (auto iota = dyn_cast_or_null<IotaOp>(op))
    return iota.getAxis() == static_cast<uint64_t>(axis);
  if (isa_and_nonnull<CastOp>(op))
    return isCountAlong(op->getOperand(0), axis);
  auto repeated = dyn_cast_or_null<BroadcastOp>(op);
  if (!repeated)
    return false;
  for (auto [from, to] : llvm::enumerate(repeated.getAxes()))
    if (to == axis && arrayOf(repeated.getX()).getShape()[from] == arrayOf(value).getShape()[axis])
      return isCountAlong(repeated.getX(), from);
  return false;
}

/// The axis of the operand of a load that moves with `axis` of its result.
static int64_t mapAxis(BroadcastOp op, int64_t axis) {
  ArrayRef<Attribute> from = arrayOf(op.getX()).getShape(), to = arrayOf(op.getResult()).getShape();
  for (auto [own, target] : llvm::enumerate(op.getAxes()))
    if (target == axis)
      return from[own] == to[target] ? static_cast<int64_t>(own) : freeAxis;
  return freeAxis;
}

/// The first axis of a reshape stays itself where it has its size.
static int64_t mapAxis(ReshapeOp op, int64_t axis) {
  ArrayRef<Attribute> from = arrayOf(op.getX()).getShape(), to = arrayOf(op.getResult()).getShape();
  return axis == 0 && !from.empty() && from.front() == to.front() ? 0 : unknownAxis;
}

static int64_t mapAxis(GatherOp op, int64_t axis) {
  for (auto [number, index] : llvm::enumerate(op.getIndices()))
    if (isCountAlong(index, axis) && arrayOf(op.getX()).getShape()[number] == arrayOf(op.getResult()).getShape()[axis])
      return number;
  return unknownAxis;
}

RowUse::RowUse(KernelOp kernel, Attribute rows) : kernel(kernel), rows(rows), reads(kernel.getNumOperands(), RowRead::None) {
  if (auto contract = dyn_cast<ContractOp>(kernel.getBody().front().front()))
    classifyContract(contract);
  else if (llvm::none_of(kernel.getBody().front(), [](Operation &op) { return standsAlone(&op); }))
    classifyBody();
}

bool RowUse::hasRows(unsigned result) const {
  if (part == RowPart::Row)
    return true;
  Operation *op = KernelOp(kernel).getBody().front().getTerminator()->getOperand(result).getDefiningOp();
  return part == RowPart::End && label < 0 && !isa_and_nonnull<ReduceOp>(op);
}

/// One operand may be read in several ways: at its own row and as a whole, for one.
void RowUse::note(Value argument, RowRead how) {
  RowRead &known = reads[cast<BlockArgument>(argument).getArgNumber()];
  known = known == RowRead::None || known == how ? how : RowRead::Other;
}

/// z[i, ..] = sum of what has the row i first; or a sum over i of such products.
void RowUse::classifyContract(ContractOp op) {
  auto begins = [&](ArrayRef<int64_t> labels, Value value) { return !labels.empty() && arrayOf(value).getShape().front() == rows ? labels.front() : -1; };
  ArrayRef<int64_t> lhs = op.getLhs(), rhs = op.getRhs(), out = op.getOut();
  for (int64_t known : {begins(lhs, op.getA()), begins(rhs, op.getB())}) {
    auto isFirstOrAbsent = [&](ArrayRef<int64_t> labels) { return llvm::count(labels, known) == (!labels.empty() && labels.front() == known); };
    if (known < 0 || !isFirstOrAbsent(lhs) || !isFirstOrAbsent(rhs) || out.empty())
      continue;
    if (out.front() == known)
      part = RowPart::Row;
    else if (!llvm::is_contained(out, known) && isVectorContract(kernel))
      part = RowPart::End;
    else
      continue;
    label = known;
    for (auto [labels, value] : {std::pair(lhs, op.getA()), std::pair(rhs, op.getB())})
      note(value, llvm::is_contained(labels, known) ? RowRead::Own : RowRead::Free);
    return;
  }
}

/// Elementwise values and reductions.
void RowUse::classifyBody() {
  SmallVector<Attribute> domain = llvm::to_vector(kernel.getDomain());
  if (domain.empty() || domain.front() != rows)
    return;
  int64_t last = domain.size() - 1;
  part = RowPart::Row;
  SmallVector<Value> roots;
  for (Value value : kernel.getBody().front().getTerminator()->getOperands()) {
    Operation *op = value.getDefiningOp();
    roots.push_back(isa_and_nonnull<ArgReduceOp, EncodeOp, ReduceOp>(op) ? op->getOperand(0) : value);
    auto reduce = dyn_cast_or_null<ReduceOp>(op);
    auto arg = dyn_cast_or_null<ArgReduceOp>(op);
    bool overRows = reduce && llvm::is_contained(reduce.getAxes(), 0);
    bool isEnd = overRows && (static_cast<int64_t>(reduce.getAxes().size()) == last + 1 || !llvm::is_contained(reduce.getAxes(), last));
    if (isa_and_nonnull<EncodeOp>(op) || (arg && arg.getAxis() == 0) || (overRows && !isEnd) || arrayOf(value).isBlocks()) {
      part = RowPart::None;
      return;
    }
    if (isEnd)
      part = RowPart::End;
  }
  for (Value root : roots)
    read(root, 0);
}

/// Follows a value, of which `axis` moves with the rows, to the operands of the kernel.
void RowUse::read(Value root, int64_t rootAxis) {
  llvm::DenseSet<std::pair<Value, int64_t>> seen;
  SmallVector<std::pair<Value, int64_t>> pending{{root, rootAxis}};
  while (!pending.empty()) {
    auto [value, axis] = pending.pop_back_val();
    if (arrayOf(value).isScalar())
      axis = freeAxis;
    if (!seen.insert({value, axis}).second)
      continue;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      bool isOwn = axis == 0 && arrayOf(value).getShape().front() == rows;
      note(argument, isOwn ? RowRead::Own : axis == freeAxis ? RowRead::Free : RowRead::Other);
      continue;
    }
    Operation *op = value.getDefiningOp();
    int64_t from = axis;
    if (axis >= 0) {
      if (auto broadcast = dyn_cast<BroadcastOp>(op))
        from = mapAxis(broadcast, axis);
      else if (auto reshape = dyn_cast<ReshapeOp>(op))
        from = mapAxis(reshape, axis);
      else if (auto transpose = dyn_cast<TransposeOp>(op))
        from = transpose.getPermutation()[axis];
      else if (auto concat = dyn_cast<ConcatOp>(op))
        from = static_cast<int64_t>(concat.getAxis()) == axis ? unknownAxis : axis;
    }
    for (auto [number, operand] : llvm::enumerate(op->getOperands())) {
      auto gather = dyn_cast<GatherOp>(op);
      pending.push_back({operand, gather && number == 0 && axis != freeAxis ? (axis >= 0 ? mapAxis(gather, axis) : unknownAxis) : from});
    }
  }
}

} // namespace gradus
