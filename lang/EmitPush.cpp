//===- EmitPush.cpp - Stacks of the last values --------------------------------===//
//
// `push(S, x)` is S with x as its first element and the last one dropped: S[0] is the newest. The elements move; a ring in place would have
// to know where it begins.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Value;

/// x as the first element of `stack` along an axis; the stack keeps its type.
Value Elaborator::pushed(Value stack, Value x, int64_t axis, Location at) {
  ArrayType type = typeOf(stack);
  auto positions = ArrayType::get(builder.getContext(), type.getShape(), builder.getI64Type());
  auto along = [&](int64_t axis) -> Value { return IotaOp::create(builder, place(at), positions, builder.getI64IntegerAttr(axis)); };
  SmallVector<Value> indices;
  SmallVector<int64_t> places;
  for (int64_t each = 0; each < type.getRank(); ++each) {
    indices.push_back(along(each));
    if (each != axis)
      places.push_back(each);
  }
  Array first{{indices[axis]}}, zero = integer(0, at);
  Array before = binary<MaxOp>(sub(first, integer(1, at), at), zero, at);
  Array isFirst = compare(ComparePredicate::Eq, first, zero, at);
  indices[axis] = before.lanes.front();
  Value older = GatherOp::create(builder, place(at), type, stack, indices);
  Value newest = broadcastTo(x, places, type.getShape(), at);
  return SelectOp::create(builder, place(at), isFirst.lanes.front(), newest, older);
}

Entity Elaborator::callPush(const CallSite &site) {
  auto both = arrayArguments(site, 2, 2);
  if (!both)
    return {};
  const Array &stack = (*both)[0], &x = (*both)[1];
  const SmallVector<IndexVar *, 2> axes = commonAxes({stack, x});
  if (ownRank(stack) == 0) {
    error(Code::RankMismatch, site.at, "'push' needs a stack, an array with at least one axis, but this is one number").suggest("declare it: state S: [10] like w = 0");
    return {};
  }
  Kind kind = std::max(kindOf(stack), kindOf(x));
  Array result;
  result.axes = axes;
  result.isEach = stack.isEach || x.isEach;
  result.isJoint = stack.isJoint || x.isJoint;
  for (size_t k = 0; k < std::max(stack.lanes.size(), x.lanes.size()); ++k) {
    Shape shape(ownShape(stack, stack.lanes.size() == 1 ? 0 : k)), element(llvm::drop_begin(shape));
    size_t lane = x.lanes.size() == 1 ? 0 : k;
    Array one{{x.lane(k)}, false, false, x.axes};
    std::optional<Shape> common = commonShape({filled(0, element, site.at), one}, 0, site.at);
    if (!common)
      return {};
    if (*common != element) {
      error(Code::ShapeMismatch, site.at, "an element of the stack has the shape " + describe(element) + ", but what is pushed has the shape " + describe(ownShape(x, lane)));
      return {};
    }
    Array newest = x;
    newest.lanes = one.lanes;
    Value older = fit(stack, stack.lanes.size() == 1 ? 0 : k, axes, shape, kind, site.at);
    result.lanes.push_back(pushed(older, castTo(fit(newest, 0, axes, element, kind, site.at), typeOf(older).getElementType(), site.at), axes.size(), site.at));
  }
  return result;
}
