//===- ForwardCustom.cpp - Forward mode through derivatives of one's own -------===//
//
// The derivative region of a gradus.custom is a vector-Jacobian product v -> v J, which is linear in v. So the tangents of the results are its
// transpose, by reverse mode: J x' = d/dv <v J, x'>. Where the region gives the derivative of the body by another way (`exact`), the body
// is followed itself, and the derivative of what that gives is made of the region.
//
//===----------------------------------------------------------------------===//

#include "passes/diff/ForwardSweep.h"

#include "mlir/Transforms/RegionUtils.h"

#include <utility>

using namespace mlir;

namespace gradus {

/// What belongs to one direction.
static Value takeDirection(OpBuilder &builder, Location loc, Value all, Value pass) {
  ArrayType row = arrayType(all).dropAxes(0);
  return GatherOp::create(builder, loc, row, all, buildPlaces(builder, loc, pass, row), /*in_bounds=*/true);
}

namespace {
/// The derivative of the tangents J(x) x' that `made` gives of the results of `op` from x and x': that of <J(x) x', c> = <x', c J(x)> in both of them, in which c J is
/// the derivative of `op`.
class ExactDerivative {
public:
  /// `moving`: the operands of `op` whose tangents stand behind the operands of `op` among those of `made`.
  ExactDerivative(CustomOp op, CustomOp made, ArrayRef<unsigned> moving, Attribute seeds) : op(op), made(made), moving(moving), seeds(seeds) {}

  void fill() {
    Location loc = op.getLoc();
    OpBuilder builder(op.getContext());
    Block *block = builder.createBlock(&made.getDerivative());
    for (Value x : made.getXs())
      block->addArgument(x.getType(), loc);
    for (int role = 0; role < 2; ++role) // the results, then their cotangents
      for (Value y : made.getYs())
        block->addArgument(y.getType(), loc);
    SmallVector<Value> points, values(block->getArguments().take_front(made->getNumOperands()));
    llvm::copy_if(values, std::back_inserter(points), [](Value x) { return arrayType(x).isFloat(); });
    auto grad = GradOp::create(builder, loc, ArrayType::scalar(builder.getF64Type()), TypeRange(ValueRange(points)), points);
    YieldOp::create(builder, loc, grad.getGradients());
    Block *inside = builder.createBlock(&grad.getBody());
    for (Value &x : values)
      if (arrayType(x).isFloat())
        x = inside->addArgument(x.getType(), loc);
    SmallVector<Value> cotangents(block->getArguments().take_back(made->getNumResults()));
    YieldOp::create(builder, loc, seeds ? addUp(builder, values, cotangents) : multiply(builder, values, cotangents));
  }

private:
  /// <x', c J(x)> for the operands of `made` and the cotangents c of its results.
  Value multiply(OpBuilder &builder, ArrayRef<Value> values, ArrayRef<Value> cotangents) {
    Location loc = op.getLoc();
    Block &block = op.getDerivative().front();
    ArrayRef<Value> xs = values.take_front(op->getNumOperands()), dxs = values.drop_front(op->getNumOperands());
    IRMapping mapping, again;
    mapping.map(block.getArguments().take_front(xs.size()), xs);
    auto ys = block.getArguments().drop_front(xs.size()).take_front(op->getNumResults());
    if (llvm::any_of(ys, [](Value y) { return !y.use_empty(); })) {
      again.map(op.getXs(), xs);
      mapping.map(ys, builder.clone(*op, again)->getResults());
    }
    for (auto [argument, c] : llvm::zip_equal(block.getArguments().take_back(cotangents.size()), cotangents))
      mapping.map(argument, buildCast(builder, loc, c, arrayType(argument).getElementType()));
    copyOps(block, mapping, builder);
    Value sum;
    for (auto [k, dx] : llvm::zip_equal(moving, dxs)) {
      auto isFloat = [](Value x) { return arrayType(x).isFloat(); };
      Value slope = mapping.lookupOrDefault(block.getTerminator()->getOperand(llvm::count_if(op.getXs().take_front(k), isFloat)));
      Value product = MulOp::create(builder, loc, dx, buildCast(builder, loc, slope, arrayType(dx).getElementType()));
      product = buildReduce(builder, loc, ReductionKind::Sum, product, llvm::to_vector(llvm::seq<int64_t>(0, arrayType(dx).getRank())));
      product = buildCast(builder, loc, product, builder.getF64Type());
      sum = sum ? AddOp::create(builder, loc, sum, product).getResult() : product;
    }
    return sum;
  }

  /// The sum of these products over the directions.
  Value addUp(OpBuilder &builder, ArrayRef<Value> values, ArrayRef<Value> cotangents) {
    Location loc = op.getLoc();
    Value count = buildSize(builder, loc, seeds), zero = ConstantOp::create(builder, loc, 0.0, builder.getF64Type());
    auto loop = LoopOp::create(builder, loc, TypeRange(zero.getType()), count, zero);
    OpBuilder::InsertionGuard guard(builder);
    Block *block = builder.createBlock(&loop.getBody());
    Value pass = block->addArgument(count.getType(), loc), sum = block->addArgument(zero.getType(), loc);
    SmallVector<Value> one(values), each;
    for (Value &dx : MutableArrayRef<Value>(one).drop_front(op->getNumOperands()))
      dx = takeDirection(builder, loc, dx, pass);
    for (Value c : cotangents)
      each.push_back(takeDirection(builder, loc, c, pass));
    YieldOp::create(builder, loc, AddOp::create(builder, loc, sum, multiply(builder, one, each)).getResult());
    return loop.getResult(0);
  }

  CustomOp op, made;
  ArrayRef<unsigned> moving;
  Attribute seeds;
};
} // namespace

/// The body is followed itself, in an op that says in turn what the derivative of these tangents is: what the body does need not have one in reverse.
LogicalResult ForwardSweep::visitExact(CustomOp op) {
  SmallVector<unsigned> moving;
  SmallVector<Value> operands(op.getXs());
  SmallVector<Type> types;
  Tangent flags;
  for (auto [k, x] : llvm::enumerate(op.getXs()))
    if (Tangent t = lookup(x); t.value) {
      moving.push_back(k);
      operands.push_back(t.value);
      flags.isMasked |= t.isMasked;
      flags.isWhere |= t.isWhere;
    }
  for (Value y : op.getYs())
    if (arrayType(y).isFloat())
      types.push_back(tangentType(y));
  auto made = CustomOp::create(*builder, op.getLoc(), types, operands);
  for (StringRef name : {"exact", "implicit"})
    if (Attribute mark = op->getAttr(name))
      made->setAttr(name, mark);
  IRMapping mapping;
  op.getBody().cloneInto(&made.getBody(), mapping);
  Block &body = made.getBody().front();
  Activity inner;
  for (auto [argument, x] : llvm::zip_equal(body.getArguments(), op.getXs())) {
    if (lookup(x).value)
      inner.active.insert(argument);
    if (activity.unbounded.contains(x))
      inner.unbounded.insert(argument);
  }
  inner.follow(body);
  ForwardSweep sweep(table, seeds, std::move(inner));
  for (unsigned k : moving)
    sweep.set(body.getArgument(k), {body.addArgument(lookup(op.getXs()[k]).value.getType(), op.getLoc()), flags.isMasked, flags.isWhere});
  if (failed(sweep.run(body)))
    return failure();
  Operation *yield = body.getTerminator();
  OpBuilder end(yield);
  SmallVector<Value> tangents;
  for (Value y : yield->getOperands())
    if (arrayType(y).isFloat())
      tangents.push_back(sweep.orZero(y, end));
  yield->setOperands(tangents);
  ExactDerivative(op, made, moving, seeds).fill();
  auto next = made.getYs().begin();
  for (Value y : op.getYs())
    if (arrayType(y).isFloat())
      give(op, y, *next++, flags);
  return success();
}

/// An array of `type` with cos(1), cos(2), .. in it: where what is linear in it leaves out what is 0, it leaves out nothing.
static Value buildGeneric(OpBuilder &builder, Location loc, ArrayType type) {
  ArrayType ints = type.withElement(builder.getI64Type());
  Value number = buildIntFill(builder, loc, ints, 0);
  for (auto [axis, dim] : llvm::enumerate(type.getShape())) {
    Value size = buildSize(builder, loc, dim);
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
  Value count = buildSize(*builder, loc, seeds);
  auto loop = LoopOp::create(*builder, loc, TypeRange(ValueRange(init)), count, init);
  OpBuilder inside(op.getContext());
  Block *block = inside.createBlock(&loop.getBody());
  Value pass = block->addArgument(count.getType(), loc);
  for (Value value : init)
    block->addArgument(value.getType(), loc);
  Operation *yield = YieldOp::create(inside, loc, ValueRange());
  inside.setInsertionPoint(yield);
  SmallVector<Value> slices, next;
  for (Value t : dxs)
    slices.push_back(t ? takeDirection(inside, loc, t, pass) : Value());
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
