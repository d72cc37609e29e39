//===- KernelInfo.cpp - What the functions of a kernel compute -------------------===//

#include "passes/lower/Kernel.h"

#include "passes/fuse/Plan.h"

using namespace mlir;

namespace gradus {

static KernelForm getForm(ArrayRef<int64_t> axes, int64_t rank) {
  if (axes.empty() || static_cast<int64_t>(axes.size()) == rank)
    return KernelForm::Blocks;
  return axes.back() == rank - 1 ? KernelForm::Rows : KernelForm::Columns;
}

SmallVector<KernelInfo, 1> analyzeKernel(KernelOp kernel) {
  KernelInfo info, arguments;
  info.kernel = arguments.kernel = kernel;
  info.domain = arguments.domain = llvm::to_vector(kernel.getDomain());
  auto yield = cast<YieldOp>(kernel.getBody().front().getTerminator());
  for (auto [index, value] : llvm::enumerate(yield.getValues())) {
    if (auto reduce = value.getDefiningOp<ReduceOp>()) {
      Type element = reduce.getX().getType().getElementType();
      Type accumulate = reduce.getAccumulate() ? *reduce.getAccumulate() : element;
      info.reductions.push_back({static_cast<unsigned>(index), reduce, reduce.getKind(), element, accumulate});
      info.reducedAxes.assign(reduce.getAxes().begin(), reduce.getAxes().end());
    } else if (auto arg = value.getDefiningOp<ArgReduceOp>()) {
      arguments.argReductions.push_back({index, arg});
      arguments.reducedAxes = {static_cast<int64_t>(arg.getAxis())};
    } else if (auto encode = value.getDefiningOp<EncodeOp>()) {
      info.encodes.push_back({index, encode});
    } else {
      info.stores.push_back({index, value});
    }
  }
  info.form = getForm(info.reducedAxes, info.domain.size());
  info.isFlat = info.form == KernelForm::Blocks && !kernel->hasAttr(keepsRowsAttribute) && isPointByPoint(kernel);
  arguments.form = KernelForm::Argument;
  SmallVector<KernelInfo, 1> result;
  if (!info.stores.empty() || !info.encodes.empty() || !info.reductions.empty())
    result.push_back(info);
  if (!arguments.argReductions.empty())
    result.push_back(arguments);
  return result;
}

unsigned ChecksBelow::count(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return 0;
  if (auto it = known.find(op); it != known.end())
    return it->second;
  unsigned most = 0;
  for (Value operand : op->getOperands())
    most = std::max(most, count(operand));
  return known[op] = most + canFail(op);
}

SmallVector<KernelInfo, 1> analyzeChecks(KernelOp kernel) {
  SmallVector<KernelInfo, 1> infos;
  ChecksBelow below;
  kernel.getBody().walk([&](Operation *op) {
    if (!canFail(op))
      return;
    unsigned level = 0;
    for (Value index : getPlaces(op))
      level = std::max(level, below.count(index));
    ArrayRef<Attribute> shape = arrayOf(getPlaces(op).front()).getShape();
    // One check looks at the places of one array, so that a refusal can name it.
    auto same = llvm::find_if(infos, [&](const KernelInfo &info) {
      return info.checkLevel == level && ArrayRef(info.domain) == shape && info.checked.front()->getOperand(0) == op->getOperand(0);
    });
    if (same == infos.end()) {
      infos.push_back({});
      same = &infos.back();
      same->kernel = kernel;
      same->domain = llvm::to_vector(shape);
      same->checkLevel = level;
    }
    same->checked.push_back(op);
  });
  llvm::stable_sort(infos, [](const KernelInfo &a, const KernelInfo &b) { return a.checkLevel < b.checkLevel; });
  return infos;
}

} // namespace gradus
