//===- Scatter.cpp - Scatters ----------------------------------------------------------===//
//
// Duplicates are added in row-major order. Updates that differ along an axis where a place only counts (rows that are added to rows) never meet: such points
// have a thread each, which goes through all updates of its own.
//
//===----------------------------------------------------------------------===//

#include "passes/gpu/Device.h"
#include "passes/lower/Body.h"

using namespace mlir;

namespace gradus {

/// The axis of the updates along which a place counts, or -1.
static int64_t findCountedAxis(Value place) {
  Operation *op = place.getDefiningOp();
  if (auto iota = dyn_cast_or_null<IotaOp>(op))
    return iota.getAxis();
  auto repeated = dyn_cast_or_null<BroadcastOp>(op);
  auto iota = repeated ? repeated.getX().getDefiningOp<IotaOp>() : IotaOp();
  return iota ? repeated.getAxes()[iota.getAxis()] : -1;
}

static SmallVector<int64_t> findOwnAxes(KernelOp kernel) {
  SmallVector<int64_t> own;
  for (Value place : getPlaces(findScatter(kernel)))
    if (int64_t axis = findCountedAxis(place); axis >= 0 && !llvm::is_contained(own, axis))
      own.push_back(axis);
  llvm::sort(own);
  return own;
}

void DeviceLowering::emitScatter(KernelOp kernel) {
  Operation *scatter = findScatter(kernel);
  Value before = kernel.getOperand(cast<BlockArgument>(scatter->getOperand(0)).getArgNumber());
  Cell place = placeOf(kernel.getResult(0));
  CopyWhen when;
  when.isElsewhere = true; // a loop may carry it in one place
  emitCopy(place, addressOf(before), arrayOf(scatter->getResult(0)), when);
  SmallVector<Attribute> domain = llvm::to_vector(kernel.getDomain());
  SmallVector<int64_t> own = findOwnAxes(kernel), rest;
  for (int64_t axis = 0, rank = domain.size(); axis < rank; ++axis)
    if (!llvm::is_contained(own, axis))
      rest.push_back(axis);
  auto groups = [dims = pick(domain, own)](Evaluator &evaluator) { return evaluator.code.ceilDiv(evaluator.product(dims), groupSize); };
  emitLaunch("scatter", kernel.getLoc(), Grid::Units, groups, [&](Scope &scope) {
    CodeBuilder &code = scope.code;
    Buffers buffers = buffersOf(scope, kernel);
    Evaluator evaluator(code, buffers);
    evaluator.somewhere = scope.frame;
    evaluator.evaluateScalars(kernel, [](Value) { return true; });
    Value output = pointerIn(scope, place);
    forThread(scope, evaluator.product(pick(domain, own)), [&](Value number) {
      Point point(domain.size());
      auto set = [&](ArrayRef<int64_t> axes, Value linear) {
        for (auto [axis, index] : llvm::zip_equal(axes, evaluator.delinearize(linear, pick(domain, axes))))
          point[axis] = Index::uniform(index);
      };
      set(own, number);
      Value begin = code.mul(scope.pass, code.i64(mostSteps)), end = code.min(code.add(begin, code.i64(mostSteps)), evaluator.product(pick(domain, rest)));
      code.loop(begin, end, [&](Value update) {
        set(rest, update);
        emitScatterPoint(kernel, evaluator, output, point);
      });
    });
  });
  program.launches.back().passes = [dims = pick(domain, rest)](Evaluator &evaluator) { return evaluator.code.ceilDiv(evaluator.product(dims), mostSteps); };
}

} // namespace gradus
