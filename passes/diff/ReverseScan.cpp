//===- ReverseScan.cpp - The derivative of a recurrence ------------------------===//
//
// y[k] = f(k, x[k], y[k - 1]) with y[-1] = c. A recurrence the other way round carries a, the cotangent that step k + 1 hands back:
//
//   t[k] = dy[k] + a[k + 1],   a[k] = (df/dy)' t[k],   dx[k] = (df/dx)' t[k],   dc = a[0].
//
// All values are kept by the recurrence itself, so nothing is written down.
//
//===----------------------------------------------------------------------===//

#include "passes/diff/ReverseSweep.h"

#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace gradus {

/// Along the leading axis of `type`: whether a place is the one with which the scan begins.
static Value buildIsFirst(OpBuilder &builder, Location loc, ScanOp op, ArrayType type) {
  ArrayType ints = type.withElement(builder.getI64Type());
  Value first = ConstantOp::create(builder, loc, int64_t(0));
  if (op.getReverse()) {
    Value size = buildSize(builder, loc, type.getShape().front());
    first = SubOp::create(builder, loc, size, ConstantOp::create(builder, loc, int64_t(1)));
  }
  Value number = IotaOp::create(builder, loc, ints, builder.getI64IntegerAttr(0));
  return CompareOp::create(builder, loc, ComparePredicate::Eq, number, buildBroadcast(builder, loc, first, ints, {}));
}

/// At each place what was carried into its step: the value of the step before, at first `init`.
static Value buildCarriedIn(OpBuilder &builder, Location loc, ScanOp op, unsigned index) {
  Value ys = op.getYs()[index], init = op.getInit()[index];
  ArrayType type = arrayType(ys), ints = type.withElement(builder.getI64Type());
  Value isFirst = buildIsFirst(builder, loc, op, type);
  SmallVector<Value> places;
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    places.push_back(IotaOp::create(builder, loc, ints, builder.getI64IntegerAttr(axis)));
  // The first step has none before it: it reads itself, to no effect.
  Value step = buildIntFill(builder, loc, ints, op.getReverse() ? 1 : -1);
  step = SelectOp::create(builder, loc, isFirst, buildIntFill(builder, loc, ints, 0), step);
  places.front() = AddOp::create(builder, loc, places.front(), step);
  Value before = GatherOp::create(builder, loc, type, ys, places, /*in_bounds=*/true);
  return SelectOp::create(builder, loc, isFirst, buildBroadcast(builder, loc, init, type, llvm::to_vector(llvm::seq<int64_t>(1, type.getRank()))), before);
}

class ScanReversal {
public:
  ScanReversal(ReverseSweep &sweep, ScanOp op)
      : sweep(sweep), op(op), loc(op.getLoc()), body(op.getBody().front()), builder(sweep.builder), steps(llvm::drop_begin(body.getArguments())) {
    getUsedValuesDefinedAbove(op.getBody(), read);
    read.remove_if([&](Value value) { return !sweep.activity.active.contains(value); });
  }
  LogicalResult run();

private:
  void findFlags();
  void create();
  Activity enter();
  LogicalResult differentiateStep(Activity sources);
  void dropUnread();
  void finish();
  unsigned numXs() { return op.getXs().size(); }
  static bool isReal(Value value) { return arrayType(value).isFloat(); }

  ReverseSweep &sweep;
  ScanOp op;
  Location loc;
  Block &body;
  OpBuilder &builder;
  SmallVector<Value> steps;       ///< what a step takes of xs, then what it carries
  SmallVector<unsigned> wanted;   ///< of xs, those that get a cotangent
  llvm::SetVector<Value> read;    ///< what the steps read around the region and that gets one, the sum of those of all steps
  bool isMasked = false, isWhere = false;
  ScanOp reversed;                ///< takes dy, xs, what was carried in; carries a, then dx and what the values read get, which no step reads
  SmallVector<std::optional<unsigned>> given; ///< for each a which of the reversed xs is its dy, if there is one
  unsigned numGiven = 0;          ///< how many dy there are
  IRMapping mapping;
  Block *block = nullptr;
};

/// What goes through the recurrence may be 0 by any choice of a step.
void ScanReversal::findFlags() {
  for (Value y : op.getYs()) {
    isMasked |= sweep.lookup(y).isMasked;
    isWhere |= sweep.lookup(y).isWhere;
  }
  op.getBody().walk([&](Operation *inner) {
    isMasked |= choosesValue(inner);
    isWhere |= isa<SelectOp>(inner);
  });
}

void ScanReversal::create() {
  SmallVector<Value> xs, init;
  SmallVector<Type> types;
  Attribute size = arrayType(op.getYs().front()).getShape().front();
  auto carry = [&](Value step) {
    ArrayType type = ReverseSweep::cotangentType(step);
    init.push_back(buildFill(builder, loc, type, 0.0));
    SmallVector<Attribute> shape{size};
    llvm::append_range(shape, type.getShape());
    types.push_back(type.withShape(shape));
  };
  for (auto [y, step] : llvm::zip_equal(op.getYs(), ArrayRef(steps).drop_front(numXs())))
    if (isReal(y)) {
      Value dy = sweep.lookup(y).value;
      given.push_back(dy ? std::optional(xs.size()) : std::nullopt);
      if (dy)
        xs.push_back(dy);
      carry(step);
    }
  numGiven = xs.size();
  llvm::append_range(xs, op.getXs());
  for (unsigned index = 0; index < op.getInit().size(); ++index)
    xs.push_back(buildCarriedIn(builder, loc, op, index));
  for (auto [index, x] : llvm::enumerate(op.getXs()))
    if (sweep.activity.active.contains(x)) {
      wanted.push_back(index);
      carry(steps[index]);
    }
  llvm::for_each(read, carry);
  reversed = ScanOp::create(builder, loc, types, xs, init, !op.getReverse());
}

/// The arguments of the region that runs back, and which of them its derivative goes through.
Activity ScanReversal::enter() {
  OpBuilder inside(op.getContext());
  block = inside.createBlock(&reversed.getBody());
  mapping.map(body.getArgument(0), block->addArgument(body.getArgument(0).getType(), loc));
  for (auto [a, place] : llvm::zip(reversed.getInit(), given))
    if (place)
      block->addArgument(a.getType(), loc);
  Activity sources{{read.begin(), read.end()}, sweep.activity.unbounded};
  for (auto [index, step] : llvm::enumerate(steps)) {
    Value copy = block->addArgument(step.getType(), loc);
    mapping.map(step, copy);
    bool isCarried = index >= numXs();
    if (isReal(step) && (isCarried || sweep.activity.active.contains(op.getXs()[index])))
      sources.active.insert(copy);
    if (isCarried || sweep.activity.unbounded.contains(op.getXs()[index]))
      sources.unbounded.insert(copy);
  }
  for (Value carried : reversed.getInit())
    block->addArgument(carried.getType(), loc);
  return sources;
}

LogicalResult ScanReversal::differentiateStep(Activity sources) {
  OpBuilder inside(op.getContext());
  inside.setInsertionPointToEnd(block);
  Operation *yield = YieldOp::create(inside, loc, ValueRange()), *end = body.getTerminator();
  inside.setInsertionPoint(yield);
  SmallVector<Operation *> copies = copyOps(body, mapping, inside);
  ReverseSweep inner(sweep.table, inside, std::move(sources), &sweep, op);
  inner.enter(*block);
  unsigned flow = 0, firstFlow = block->getNumArguments() - reversed.getInit().size();
  for (Value next : llvm::make_filter_range(end->getOperands(), isReal)) {
    Value t = block->getArgument(firstFlow + flow);
    if (std::optional<unsigned> place = given[flow++])
      t = AddOp::create(inside, loc, block->getArgument(1 + *place), t);
    inner.add(end, mapping.lookupOrDefault(next), t, {t, isMasked, isWhere});
  }
  if (failed(inner.run(copies)))
    return failure();
  SmallVector<Value> handed;
  auto hand = [&](Value step) {
    Value found = inner.lookup(mapping.lookupOrDefault(step)).value;
    handed.push_back(found ? found : buildFill(inside, loc, ReverseSweep::cotangentType(step), 0.0));
  };
  llvm::for_each(llvm::make_filter_range(ArrayRef(steps).drop_front(numXs()), isReal), hand);
  for (unsigned index : wanted)
    hand(steps[index]);
  llvm::for_each(read, hand);
  yield->setOperands(handed);
  eraseUnread(*block);
  return success();
}

/// Drops the operands that no step reads.
void ScanReversal::dropUnread() {
  for (unsigned k = reversed.getXs().size(); k-- > numGiven;)
    if (block->getArgument(k + 1).use_empty()) {
      reversed.getXsMutable().erase(k);
      block->eraseArgument(k + 1);
    }
}

void ScanReversal::finish() {
  auto handed = reversed.getYs().drop_front(given.size());
  for (auto [index, dx] : llvm::zip_equal(wanted, handed.take_front(wanted.size())))
    sweep.add(op, op.getXs()[index], dx, {dx, isMasked, isWhere});
  for (auto [value, parts] : llvm::zip_equal(read, handed.drop_front(wanted.size())))
    sweep.add(op, value, buildReduce(builder, loc, ReductionKind::Sum, parts, {0}), {parts, isMasked, isWhere});
  for (auto [c, a] : llvm::zip(llvm::make_filter_range(op.getInit(), isReal), reversed.getYs()))
    if (sweep.activity.active.contains(c)) {
      Value isFirst = buildIsFirst(builder, loc, op, arrayType(a)); // an empty recurrence has none
      Value first = SelectOp::create(builder, loc, isFirst, a, buildFill(builder, loc, a.getType(), 0.0));
      sweep.add(op, c, buildReduce(builder, loc, ReductionKind::Sum, first, {0}), {a, true, isWhere});
    }
}

LogicalResult ScanReversal::run() {
  findFlags();
  create();
  if (failed(differentiateStep(enter())))
    return failure();
  dropUnread();
  finish();
  return success();
}

LogicalResult ReverseSweep::visitScan(ScanOp op) { return ScanReversal(*this, op).run(); }

} // namespace gradus
