//===- EvaluatorArrays.cpp - Ops that join arrays and write parts of them ------===//

#include "codegen/reference/Frame.h"

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

template <typename S>
static void copyElement(const Array<S> &from, int64_t source, Array<S> &to, int64_t target) {
  if (to.kind == Kind::Real)
    to.reals[target] = from.reals[source];
  else
    to.ints[target] = from.ints[source];
}

/// Each part is, for every index before the axis, one run of elements of the result.
template <typename S>
LogicalResult Frame<S>::join(ConcatOp op, unsigned slot, Array<S> &y) {
  int64_t axis = op.getAxis(), begin = 0;
  int64_t inner = stridesOf(y.shape)[axis], row = y.shape[axis] * inner;
  for (Value operand : op.getParts()) {
    const Array<S> &part = get(operand, slot);
    int64_t run = part.shape[axis] * inner;
    if (begin + run > row)
      break;
    for (int64_t i = 0; i < part.size(); ++i)
      copyElement(part, i, y, i / run * row + begin + i % run);
    begin += run;
  }
  if (begin != row)
    return session.fail(op, "the parts do not make up " + Twine(y.shape[axis]) + " along axis " + Twine(axis));
  return success();
}

template <typename S>
LogicalResult Frame<S>::writePlaces(ScatterOp op, unsigned slot, Array<S> &y) {
  const Array<S> &updates = get(op.getUpdates(), slot);
  std::vector<int64_t> targets(updates.size(), 0);
  if (failed(findTargets(op, op.getIndices(), op.getX(), slot, targets)))
    return failure();
  y = get(op.getX(), slot);
  for (auto [p, target] : llvm::enumerate(targets))
    copyElement(updates, p, y, target);
  return success();
}

#define INSTANTIATE(S)                                                                                                 \
  template LogicalResult Frame<S>::join(ConcatOp, unsigned, Array<S> &);                                               \
  template LogicalResult Frame<S>::writePlaces(ScatterOp, unsigned, Array<S> &);
GRADUS_FOR_EACH_SCALAR(INSTANTIATE)
