//===- ScatterToSelect.cpp - A scatter of one update a row as a choice ----------===//

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

namespace {

/// scatter_add(x[i, label], u) with i = 0, 1, 2, .. -> select(k == label, x + u, x): each row takes one update, so that no sum of
/// updates arises and the bits are those of the scatter. A comparison an element, for a pass over x less.
struct ChooseByIndex : OpRewritePattern<ScatterAddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScatterAddOp op, PatternRewriter &rewriter) const override {
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
    if (!isChecked(index, type.getShape()[*chosen]))
      return rewriter.notifyMatchFailure(op, "no gather checks the index");
    Location loc = op.getLoc();
    ArrayType indexType = type.withElement(arrayOf(index).getElementType());
    Value column = IotaOp::create(rewriter, loc, indexType, *chosen);
    Value label = BroadcastOp::create(rewriter, loc, indexType, index, kept);
    Value isHere = CompareOp::create(rewriter, loc, ComparePredicate::Eq, column, label);
    Value update = BroadcastOp::create(rewriter, loc, type, op.getUpdates(), kept);
    Value sum = AddOp::create(rewriter, loc, op.getX(), update);
    rewriter.replaceOpWithNewOp<SelectOp>(op, isHere, sum, op.getX());
    return success();
  }
};

struct ScatterToSelect : WalkPass<gradus::impl::ScatterToSelectBase<ScatterToSelect>> {
  void populate(RewritePatternSet &set) override { set.add<ChooseByIndex>(set.getContext()); }
};

} // namespace
