//===- ForwardCustom.cpp - Forward mode through derivatives of one's own -------===//
//
// The derivative region of a gradus.custom is a vector-Jacobian product v -> v J, which is linear in v. So the tangents of the results are its
// transpose, by reverse mode: J x' = d/dv <v J, x'>. Where the region gives the derivative of the body by another way (`exact`), the body
// is followed itself.
//
//===----------------------------------------------------------------------===//

#include "passes/diff/ForwardSweep.h"

#include "mlir/Transforms/RegionUtils.h"

#include <utility>

using namespace mlir;

namespace gradus {

LogicalResult ForwardSweep::visitExact(CustomOp op) {
  IRMapping mapping;
  mapping.map(op.getBody().getArguments(), op.getXs());
  Block &body = op.getBody().front();
  SmallVector<Operation *> copies = copyOps(body, mapping, *builder);
  // What comes out is read from an op: a loop that is followed is another one afterwards.
  Operation *yield = builder->clone(*body.getTerminator(), mapping);
  for (Operation *copy : copies) {
    activity.follow(copy);
    if (llvm::none_of(copy->getResults(), [&](Value result) { return activity.active.contains(result); }))
      continue;
    OpBuilder behind(op.getContext());
    behind.setInsertionPointAfter(copy);
    OpBuilder *around = std::exchange(builder, &behind);
    LogicalResult isDone = visit(copy);
    builder = around;
    if (failed(isDone))
      return failure();
  }
  SmallVector<Value> ys(yield->getOperands());
  yield->erase();
  for (auto [result, value] : llvm::zip_equal(op.getYs(), ys))
    if (Tangent known = lookup(value); known.value)
      give(op, result, known.value, known);
  return success();
}

/// An array of `type` with cos(1), cos(2), .. in it: where what is linear in it leaves out what is 0, it leaves out nothing.
static Value buildGeneric(OpBuilder &builder, Location loc, ArrayType type) {
  ArrayType ints = type.withElement(builder.getI64Type());
  Value number = buildIntFill(builder, loc, ints, 0);
  for (auto [axis, dim] : llvm::enumerate(type.getShape())) {
    Value size = isa<IntegerAttr>(dim) ? ConstantOp::create(builder, loc, cast<IntegerAttr>(dim).getInt()).getResult()
                                       : DimOp::create(builder, loc, cast<StringAttr>(dim)).getResult();
    Value along = IotaOp::create(builder, loc, ints, builder.getI64IntegerAttr(axis));
    number = AddOp::create(builder, loc, MulOp::create(builder, loc, number, buildBroadcast(builder, loc, size, ints, {})), along);
  }
  number = AddOp::create(builder, loc, number, buildIntFill(builder, loc, ints, 1));
  return CosOp::create(builder, loc, buildCast(builder, loc, number, type.getElementType()));
}

FailureOr<SmallVector<Value>> ForwardSweep::transposeCustom(CustomOp op, ArrayRef<Value> dxs, Tangent flags) {
  Location loc = op.getLoc();
  SmallVector<Value> given(op.getXs()), generic;
  llvm::append_range(given, op.getYs());
  for (Value y : op.getYs())
    if (arrayType(y).isFloat())
      generic.push_back(buildGeneric(*builder, loc, arrayType(y)));
  llvm::append_range(given, generic);
  IRMapping mapping;
  mapping.map(op.getDerivative().getArguments(), given);
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op.getDerivative(), captured);
  for (Value value : captured)
    if (arrayType(value).isFloat() && !getFill(value))
      mapping.map(value, StopOp::create(*builder, loc, value));
  Block &block = op.getDerivative().front();
  SmallVector<Operation *> copies = copyOps(block, mapping, *builder);
  Activity sources{{generic.begin(), generic.end()}, activity.unbounded};
  for (Operation *copy : copies)
    sources.follow(copy);
  ReverseSweep sweep(table, *builder, std::move(sources));
  for (auto [dx, t] : llvm::zip_equal(block.getTerminator()->getOperands(), dxs))
    if (t)
      sweep.add(op, mapping.lookupOrDefault(dx), t, {t, flags.isMasked, flags.isWhere});
  if (failed(sweep.run(copies)))
    return failure();
  return llvm::map_to_vector(generic, [&](Value v) { return sweep.lookup(v).value; });
}

/// One direction after the other.
FailureOr<SmallVector<Value>> ForwardSweep::transposeForEach(CustomOp op, ArrayRef<Value> dxs, Tangent flags) {
  Location loc = op.getLoc();
  SmallVector<Value> init;
  for (Value y : op.getYs())
    if (arrayType(y).isFloat())
      init.push_back(buildFill(*builder, loc, tangentType(y), 0.0));
  Value count = isa<IntegerAttr>(seeds) ? ConstantOp::create(*builder, loc, cast<IntegerAttr>(seeds).getInt()).getResult()
                                        : DimOp::create(*builder, loc, cast<StringAttr>(seeds)).getResult();
  auto loop = LoopOp::create(*builder, loc, TypeRange(ValueRange(init)), count, init);
  OpBuilder inside(op.getContext());
  Block *block = inside.createBlock(&loop.getBody());
  Value pass = block->addArgument(count.getType(), loc);
  for (Value value : init)
    block->addArgument(value.getType(), loc);
  Operation *yield = YieldOp::create(inside, loc, ValueRange());
  inside.setInsertionPoint(yield);
  SmallVector<Value> slices, next;
  for (Value t : dxs) {
    ArrayType row = t ? arrayType(t).dropAxes(0) : ArrayType();
    slices.push_back(t ? GatherOp::create(inside, loc, row, t, buildPlaces(inside, loc, pass, row), /*in_bounds=*/true).getResult() : Value());
  }
  OpBuilder *around = std::exchange(builder, &inside);
  FailureOr<SmallVector<Value>> found = transposeCustom(op, slices, flags);
  builder = around;
  if (failed(found))
    return failure();
  for (auto [sum, t] : llvm::zip_equal(block->getArguments().drop_front(), *found))
    next.push_back(t ? writeDown(inside, loc, sum, pass, buildCast(inside, loc, t, arrayType(sum).getElementType())) : Value(sum));
  yield->setOperands(next);
  eraseUnread(*block);
  return SmallVector<Value>(loop.getResults());
}

LogicalResult ForwardSweep::visitCustom(CustomOp op) {
  if (failed(expandGradients(op.getDerivative(), table)))
    return failure();
  SmallVector<Value> dxs;
  Tangent flags;
  for (Value x : op.getXs())
    if (arrayType(x).isFloat()) {
      Tangent t = lookup(x);
      flags.isMasked |= t.isMasked;
      flags.isWhere |= t.isWhere;
      dxs.push_back(t.value);
    }
  FailureOr<SmallVector<Value>> found = seeds ? transposeForEach(op, dxs, flags) : transposeCustom(op, dxs, flags);
  if (failed(found))
    return failure();
  auto next = found->begin();
  for (Value y : op.getYs())
    if (arrayType(y).isFloat())
      give(op, y, *next++, flags);
  return success();
}

} // namespace gradus
