//===- ScatterToSelect.cpp - Scatters of one update a place as choices and joins -===//

#include "dialect/DimExpr.h"
#include "passes/Build.h"
#include "passes/Passes.h"
#include "passes/simplify/Patterns.h"

namespace gradus {
#define GEN_PASS_DEF_SCATTERTOSELECT
#include "passes/Passes.h.inc"
} // namespace gradus

using namespace mlir;
using namespace gradus;

static ArrayType arrayOf(Value value) { return cast<ArrayType>(value.getType()); }

/// The axis along which an index counts 0, 1, 2, .., if that is all it does.
static std::optional<int64_t> getCountedAxis(Value index) {
  if (auto iota = index.getDefiningOp<IotaOp>())
    return iota.getAxis();
  auto broadcast = index.getDefiningOp<BroadcastOp>();
  auto inner = broadcast ? broadcast.getX().getDefiningOp<IotaOp>() : nullptr;
  if (!inner || arrayOf(inner).getShape()[inner.getAxis()] != arrayOf(index).getShape()[broadcast.getAxes()[inner.getAxis()]])
    return std::nullopt;
  return broadcast.getAxes()[inner.getAxis()];
}

/// Whether a gather by the same index along an axis of the same size refuses what is out of range.
static bool isChecked(Value index, Attribute dim) {
  return llvm::any_of(index.getUsers(), [&](Operation *user) {
    auto gather = dyn_cast<GatherOp>(user);
    if (!gather)
      return false;
    for (auto [other, size] : llvm::zip_equal(gather.getIndices(), arrayOf(gather.getX()).getShape()))
      if (other == index && size == dim)
        return true;
    return false;
  });
}

/// Whether `x` is what a loop carries, perhaps with scatters into it: then a scatter costs what it writes, not what it writes into.
static bool isCarried(Value x) {
  while (isa_and_nonnull<ScatterAddOp, ScatterOp>(x.getDefiningOp()))
    x = x.getDefiningOp()->getOperand(0);
  auto argument = dyn_cast<BlockArgument>(x);
  return argument && isa<LoopOp>(argument.getOwner()->getParentOp());
}

/// What an index that counts along `axis` begins with.
static std::optional<DimExpr> getOffset(Value index, int64_t axis) {
  if (getCountedAxis(index) == axis)
    return DimExpr::number(0);
  auto sum = index.getDefiningOp<AddOp>();
  auto begin = sum && getCountedAxis(sum.getA()) == axis ? sum.getB().getDefiningOp<BroadcastOp>() : nullptr;
  if (!begin || !arrayOf(begin.getX()).isScalar())
    return std::nullopt;
  if (auto dim = begin.getX().getDefiningOp<DimOp>())
    return DimExpr::parse(dim.getSymbol());
  std::optional<int64_t> number = getInteger(begin.getX());
  return number ? std::optional(DimExpr::number(*number)) : std::nullopt;
}

/// Marks, while the pass runs, a concat that has come from a scatter into zeros: such a 0 is no term of a sum, and has no sign to keep.
static constexpr StringLiteral paddedAttr = "padded";

/// As many zeros along an axis, if any.
static void addZeros(OpBuilder &builder, Location loc, ArrayType type, int64_t axis, const DimExpr &size, SmallVector<Value> &parts) {
  SmallVector<Attribute> shape(type.getShape());
  shape[axis] = size.toAttr(builder.getContext());
  if (size.getNumber() != 0)
    parts.push_back(buildFill(builder, loc, type.withShape(shape), 0.0));
}

/// Where a block of updates with the rank of the array begins, axis by axis; null where it is no block.
static std::optional<SmallVector<DimExpr>> getBegins(ScatterAddOp op) {
  int64_t rank = arrayOf(op.getX()).getRank();
  if (rank == 0 || arrayOf(op.getUpdates()).getRank() != rank)
    return std::nullopt;
  SmallVector<DimExpr> begins;
  for (int64_t axis = 0; axis < rank; ++axis) {
    std::optional<DimExpr> begin = getOffset(op.getIndices()[axis], axis);
    if (!begin)
      return std::nullopt;
    begins.push_back(*begin);
  }
  return begins;
}

namespace {

/// scatter_add(x[i, label], u) with i = 0, 1, 2, .. -> select(k == label, x + u, x), and scatter likewise without x: each row takes one
/// update, so that no sum of updates arises and the bits are those of the scatter. A comparison an element, for a pass over x less.
template <typename Scatter>
struct ChooseByIndex : OpRewritePattern<Scatter> {
  using OpRewritePattern<Scatter>::OpRewritePattern;
  LogicalResult matchAndRewrite(Scatter op, PatternRewriter &rewriter) const override {
    ArrayType type = arrayOf(op.getX()), points = arrayOf(op.getUpdates());
    if (points.getRank() + 1 != type.getRank())
      return rewriter.notifyMatchFailure(op, "an element may take several updates");
    std::optional<int64_t> chosen;
    SmallVector<int64_t> kept;
    for (int64_t axis = 0; axis < type.getRank(); ++axis) {
      std::optional<int64_t> counted = getCountedAxis(op.getIndices()[axis]);
      bool isNextAxis = counted && *counted == static_cast<int64_t>(kept.size()) && points.getShape()[*counted] == type.getShape()[axis];
      if (isNextAxis)
        kept.push_back(axis);
      else if (chosen)
        return rewriter.notifyMatchFailure(op, "more than one index comes from data");
      else
        chosen = axis;
    }
    if (!chosen)
      return rewriter.notifyMatchFailure(op, "no index is left to compare with");
    Value index = op.getIndices()[*chosen];
    if (isCarried(op.getX()))
      return rewriter.notifyMatchFailure(op, "a loop writes it in its place");
    if (!isChecked(index, type.getShape()[*chosen]))
      return rewriter.notifyMatchFailure(op, "no gather checks the index");
    Location loc = op.getLoc();
    ArrayType indexType = type.withElement(arrayOf(index).getElementType());
    Value column = IotaOp::create(rewriter, loc, indexType, *chosen);
    Value label = BroadcastOp::create(rewriter, loc, indexType, index, kept);
    Value isHere = CompareOp::create(rewriter, loc, ComparePredicate::Eq, column, label);
    Value update = BroadcastOp::create(rewriter, loc, type, op.getUpdates(), kept);
    if constexpr (std::is_same_v<Scatter, ScatterAddOp>)
      update = AddOp::create(rewriter, loc, op.getX(), update);
    rewriter.replaceOpWithNewOp<SelectOp>(op, isHere, update, op.getX());
    return success();
  }
};

/// scatter_add(0[i + a], u) with i = 0, 1, 2, .. along every axis -> concat(0, u, 0): the derivative of a slice. Nothing is added twice.
struct PadWithZeros : OpRewritePattern<ScatterAddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScatterAddOp op, PatternRewriter &rewriter) const override {
    ArrayType type = arrayOf(op.getX());
    std::optional<SmallVector<DimExpr>> begins = getBegins(op);
    if (getFill(op.getX()) != 0.0 || !begins)
      return rewriter.notifyMatchFailure(op, "it does not write a block into zeros");
    SmallVector<std::pair<DimExpr, DimExpr>> around;
    for (int64_t axis = 0; axis < type.getRank(); ++axis) {
      const DimExpr &before = (*begins)[axis];
      DimExpr after = DimExpr::of(type.getShape()[axis]) - before - DimExpr::of(arrayOf(op.getUpdates()).getShape()[axis]);
      if (!before.isNeverNegative() || !after.isNeverNegative())
        return rewriter.notifyMatchFailure(op, "the block may leave the array");
      around.push_back({before, after});
    }
    Value block = op.getUpdates();
    for (auto [axis, sizes] : llvm::enumerate(around))
      block = pad(rewriter, op.getLoc(), block, axis, sizes.first, sizes.second, type.getShape()[axis]);
    rewriter.replaceOp(op, block);
    return success();
  }

  static Value pad(OpBuilder &builder, Location loc, Value block, int64_t axis, const DimExpr &before, const DimExpr &after, Attribute whole) {
    SmallVector<Value> parts;
    addZeros(builder, loc, arrayOf(block), axis, before, parts);
    parts.push_back(block);
    addZeros(builder, loc, arrayOf(block), axis, after, parts);
    if (parts.size() == 1)
      return block;
    SmallVector<Attribute> shape(arrayOf(block).getShape());
    shape[axis] = whole;
    auto padded = ConcatOp::create(builder, loc, arrayOf(block).withShape(shape), parts, axis);
    padded->setAttr(paddedAttr, builder.getUnitAttr());
    return padded;
  }
};

/// concat(0, u, 0) + concat(v, 0) -> concat(v, 0, u, 0), where both are derivatives of slices and no element is in two of them.
struct JoinPadded : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AddOp op, PatternRewriter &rewriter) const override {
    auto a = op.getA().getDefiningOp<ConcatOp>(), b = op.getB().getDefiningOp<ConcatOp>();
    if (!a || !b || !a->hasAttr(paddedAttr) || !b->hasAttr(paddedAttr) || a.getAxis() != b.getAxis())
      return rewriter.notifyMatchFailure(op, "these are no slices along one axis");
    SmallVector<Value> parts(a.getParts());
    DimExpr at = DimExpr::number(0);
    for (Value part : b.getParts()) {
      if (getFill(part) != 0.0 && !put(rewriter, parts, part, at, a.getAxis()))
        return rewriter.notifyMatchFailure(op, "an element may be in both");
      at = at + sizeAlong(part, a.getAxis());
    }
    auto joined = rewriter.replaceOpWithNewOp<ConcatOp>(op, op.getType(), parts, a.getAxis());
    joined->setAttr(paddedAttr, rewriter.getUnitAttr());
    return success();
  }

  static DimExpr sizeAlong(Value part, int64_t axis) { return DimExpr::of(arrayOf(part).getShape()[axis]); }

  /// Puts `block`, which begins at `begin`, among the zeros of `parts`; false where they are not sure to be zeros.
  static bool put(OpBuilder &builder, SmallVector<Value> &parts, Value block, const DimExpr &begin, int64_t axis) {
    DimExpr at = DimExpr::number(0);
    for (auto [number, part] : llvm::enumerate(parts)) {
      DimExpr before = begin - at, after = sizeAlong(part, axis) - before - sizeAlong(block, axis);
      at = at + sizeAlong(part, axis);
      if (getFill(part) != 0.0 || !before.isNeverNegative() || !after.isNeverNegative())
        continue;
      SmallVector<Value> around;
      addZeros(builder, block.getLoc(), arrayOf(block), axis, before, around);
      around.push_back(block);
      addZeros(builder, block.getLoc(), arrayOf(block), axis, after, around);
      parts.erase(parts.begin() + number);
      parts.insert(parts.begin() + number, around.begin(), around.end());
      return true;
    }
    return false;
  }
};

struct ScatterToSelect : WalkPass<gradus::impl::ScatterToSelectBase<ScatterToSelect>> {
  void populate(RewritePatternSet &set) override { set.add<ChooseByIndex<ScatterAddOp>, ChooseByIndex<ScatterOp>, JoinPadded, PadWithZeros>(set.getContext()); }
  void runOnOperation() override {
    WalkPass::runOnOperation();
    getOperation()->walk([](ConcatOp op) { op->removeAttr(paddedAttr); });
  }
};

} // namespace
