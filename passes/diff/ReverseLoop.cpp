//===- ReverseLoop.cpp - The derivative of a loop ------------------------------===//
//
// With the carried values x[0], x[1], .., x[n] and x[k + 1] = f(k, x[k], c), c read from outside:
//
//   a[n] = the cotangent of x[n],   a[k] = (df/dx)(k, x[k], c)' a[k + 1],   cotangent of c = sum over k of (df/dc)(k, x[k], c)' a[k + 1].
//
// The loop writes down, at the place k of a history with one more axis, what pass k began with: of the carried values those alone that its
// derivative reads. A second loop runs from the last pass that was executed back; it computes a pass again from what is written down, then its
// derivative, and carries a and the sums. So there are two loops whatever the number of passes, and the memory is that of the histories.
//
//===----------------------------------------------------------------------===//

#include "passes/diff/PassCount.h"
#include "passes/diff/ReverseSweep.h"

#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace gradus {

class LoopReversal {
public:
  LoopReversal(ReverseSweep &sweep, LoopOp op) : sweep(sweep), op(op), loc(op.getLoc()), body(op.getBody().front()), builder(sweep.builder) {}
  LogicalResult run();

private:
  void findUseful();
  void findFlags();
  LogicalResult differentiatePass();
  LogicalResult record();
  void readHistories(LoopOp forward, ArrayRef<Value> histories);
  void finish();
  /// The place in the yield of a pass of what carried value `index` is written to, if its loop writes it down already.
  std::optional<unsigned> findHistory(unsigned index);
  ScatterOp asHistory(unsigned index);
  Operation *end() const { return body.getTerminator(); }

  ReverseSweep &sweep;
  LoopOp op;
  Location loc;
  Block &body;
  OpBuilder &builder;
  /// The carried values that have cotangents, and those whose cotangents are that of what was written down.
  llvm::SetVector<unsigned> carried;
  SmallVector<unsigned> histories;
  /// What the region reads from outside.
  llvm::SetVector<Value> read;
  bool isMasked = false, isWhere = false;
  LoopOp backward;
  SubOp last;                     ///< the number of the last pass
  SmallVector<Value> beginnings;  ///< stand for what a pass began with
};

SmallVector<Value> buildPlaces(OpBuilder &builder, Location loc, Value pass, ArrayType row) {
  ArrayType type = row.withElement(builder.getI64Type());
  SmallVector<Value> places{buildBroadcast(builder, loc, pass, type, {})};
  for (int64_t axis = 0; axis < row.getRank(); ++axis)
    places.push_back(IotaOp::create(builder, loc, type, builder.getI64IntegerAttr(axis)));
  return places;
}

static Value buildZero(OpBuilder &builder, Location loc, ArrayType type) {
  if (type.isFloat())
    return buildFill(builder, loc, type, 0.0);
  if (type.isInt())
    return buildIntFill(builder, loc, type, 0);
  return buildBroadcast(builder, loc, ConstantOp::create(builder, loc, false), type, {});
}

/// A number is written as a vector of one.
Value writeDown(OpBuilder &builder, Location loc, Value history, Value pass, Value x) {
  ArrayType row = arrayType(x);
  if (row.getRank() != 0)
    return ScatterOp::create(builder, loc, history.getType(), history, buildPlaces(builder, loc, pass, row), x, /*in_bounds=*/true);
  ArrayType one = row.withShape({builder.getI64IntegerAttr(1)});
  Value place = buildBroadcast(builder, loc, pass, one.withElement(builder.getI64Type()), {});
  return ScatterOp::create(builder, loc, history.getType(), history, ValueRange(place), buildBroadcast(builder, loc, x, one, {}), /*in_bounds=*/true);
}

/// The write of a carried value that is nothing but a history.
ScatterOp LoopReversal::asHistory(unsigned index) {
  auto scatter = end()->getOperand(index).getDefiningOp<ScatterOp>();
  Value own = body.getArgument(index + 1);
  bool isAsked = !op.getProceed().empty() && !op.getProceed().front().getArgument(index + 1).use_empty();
  if (!scatter || !scatter.getInBounds() || scatter.getX() != own || !own.hasOneUse() || !scatter->hasOneUse() || isAsked)
    return {};
  auto place = scatter.getIndices().front().getDefiningOp<BroadcastOp>();
  bool isOwnPlace = place && place.getX() == body.getArgument(0); // another one in each pass
  return isOwnPlace && !sweep.activity.active.contains(op.getInit()[index]) ? scatter : ScatterOp();
}

std::optional<unsigned> LoopReversal::findHistory(unsigned index) {
  Value own = body.getArgument(index + 1);
  for (unsigned other = 0; other < op.getNumResults(); ++other)
    if (ScatterOp scatter = asHistory(other)) {
      auto repeated = scatter.getUpdates().getDefiningOp<BroadcastOp>();
      if (scatter.getUpdates() == own || (repeated && repeated.getX() == own))
        return other;
    }
  return std::nullopt;
}

/// Goes back from the results that have cotangents.
void LoopReversal::findUseful() {
  SmallVector<Value> pending;
  for (auto [index, result] : llvm::enumerate(op.getResults())) {
    if (!sweep.cotangents.contains(result))
      continue;
    if (ScatterOp scatter = asHistory(index)) {
      histories.push_back(index);
      pending.push_back(scatter.getUpdates());
    } else if (carried.insert(index)) {
      pending.push_back(end()->getOperand(index));
    }
  }
  llvm::DenseSet<Value> seen;
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    if (!sweep.activity.active.contains(value) || !seen.insert(value).second)
      continue;
    if (!op.getBody().isAncestor(value.getParentRegion())) {
      read.insert(value);
      continue;
    }
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      if (carried.insert(argument.getArgNumber() - 1))
        pending.push_back(end()->getOperand(argument.getArgNumber() - 1));
      continue;
    }
    Operation *source = value.getDefiningOp();
    llvm::SetVector<Value> inputs(source->operand_begin(), source->operand_end());
    getUsedValuesDefinedAbove(source->getRegions(), inputs);
    llvm::append_range(pending, inputs);
  }
}

/// What goes round may be 0 by any choice of a pass.
void LoopReversal::findFlags() {
  for (Value result : op.getResults()) {
    isMasked |= sweep.lookup(result).isMasked;
    isWhere |= sweep.lookup(result).isWhere;
  }
  body.walk([&](Operation *inner) {
    isMasked |= choosesValue(inner);
    isWhere |= isa<EveryOp, IfOp, SelectOp>(inner);
  });
}

/// The loop that runs back, with stand-ins for what a pass began with.
LogicalResult LoopReversal::differentiatePass() {
  Value count = buildCast(builder, loc, op.getCount(), builder.getI64Type());
  last = SubOp::create(builder, loc, count, ConstantOp::create(builder, loc, int64_t(1)));
  SmallVector<Value> init;
  auto start = [&](Value known, ArrayType type) { init.push_back(known ? buildCast(builder, loc, known, type.getElementType()) : buildFill(builder, loc, type, 0.0)); };
  for (unsigned index : carried)
    start(sweep.lookup(op.getResult(index)).value, ReverseSweep::cotangentType(op.getResult(index)));
  for (Value value : read)
    start(sweep.lookup(value).value, ReverseSweep::cotangentType(value));
  backward = LoopOp::create(builder, loc, TypeRange(ValueRange(init)), count, init);

  OpBuilder inside(op.getContext());
  Block *block = inside.createBlock(&backward.getBody());
  Value passed = block->addArgument(count.getType(), loc);
  for (Value value : init)
    block->addArgument(value.getType(), loc);
  SmallVector<Value> sums(block->getArguments().drop_front());
  Operation *yield = YieldOp::create(inside, loc, ValueRange());
  inside.setInsertionPoint(yield);
  IRMapping mapping;
  mapping.map(body.getArgument(0), SubOp::create(inside, loc, last, passed).getResult());
  Activity sources{{read.begin(), read.end()}, sweep.activity.unbounded};
  for (Value own : body.getArguments().drop_front()) {
    beginnings.push_back(block->addArgument(own.getType(), loc));
    mapping.map(own, beginnings.back());
    if (sweep.activity.active.contains(own))
      sources.active.insert(beginnings.back());
    if (sweep.activity.unbounded.contains(own))
      sources.unbounded.insert(beginnings.back());
  }
  SmallVector<Operation *> copies = copyOps(body, mapping, inside);
  ReverseSweep inner(sweep.table, inside, std::move(sources), &sweep, op);
  inner.enter(*block);
  for (auto [value, sum] : llvm::zip_equal(read, ArrayRef(sums).drop_front(carried.size())))
    inner.cotangents.insert({value, {sum, isMasked, isWhere}});
  for (auto [index, a] : llvm::zip_equal(carried, ArrayRef(sums).take_front(carried.size())))
    inner.add(end(), mapping.lookupOrDefault(end()->getOperand(index)), a, {a, isMasked, isWhere});
  for (unsigned index : histories) {
    auto scatter = cast<ScatterOp>(mapping.lookup(end()->getOperand(index)).getDefiningOp());
    Value dy = sweep.lookup(op.getResult(index)).value;
    ArrayType type = arrayType(scatter.getUpdates()).withElement(arrayType(dy).getElementType());
    Value own = GatherOp::create(inside, loc, type, dy, scatter.getIndices(), /*in_bounds=*/true);
    inner.add(end(), scatter.getUpdates(), own, {own, isMasked, isWhere});
  }
  if (failed(inner.run(copies)))
    return failure();
  SmallVector<Value> next;
  for (auto [index, a] : llvm::zip_equal(carried, ArrayRef(sums).take_front(carried.size()))) {
    Value own = inner.lookup(beginnings[index]).value;
    next.push_back(own ? own : buildFill(inside, loc, a.getType(), 0.0));
  }
  for (Value value : read)
    next.push_back(inner.lookup(value).value);
  yield->setOperands(next);
  eraseUnread(*block);
  return success();
}

/// Replaces the loop by one that writes down what the derivative reads and, where it may end early, counts its passes.
LogicalResult LoopReversal::record() {
  SmallVector<unsigned> written;
  SmallVector<Value> known(op.getNumResults());
  for (unsigned index = 0; index < op.getNumResults(); ++index) {
    if (beginnings[index].use_empty())
      continue;
    if (std::optional<unsigned> history = findHistory(index))
      known[index] = op.getResult(*history);
    else
      written.push_back(index);
  }
  Attribute passes = findPasses(op);
  if (!written.empty() && !passes) {
    InFlightDiagnostic error = op.emitError("G0494: the derivative of a loop keeps what each pass began with, but the sizes do not tell how many passes there are");
    sweep.notePath(error, op);
    error.attachNote(op.getCount().getLoc()) << "the number of passes is known in the call alone; count by a size (size n = 20), or by at most a number: min(n, 100)";
    return failure();
  }
  bool isCounted = !op.getProceed().empty();
  LoopOp forward = op;
  if (isCounted || !written.empty()) {
    OpBuilder before(op);
    SmallVector<Value> init(op.getInit());
    if (isCounted)
      init.push_back(ConstantOp::create(before, loc, int64_t(0)));
    for (unsigned index : written) {
      ArrayType row = arrayType(op.getResult(index));
      SmallVector<Attribute> shape{passes};
      llvm::append_range(shape, row.getShape());
      init.push_back(buildZero(before, loc, row.withShape(shape)));
    }
    forward = LoopOp::create(before, loc, TypeRange(ValueRange(init)), op.getCount(), init);
    forward->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    forward.getBody().takeBody(op.getBody());
    forward.getProceed().takeBody(op.getProceed());
    for (Value more : ValueRange(init).drop_front(op.getNumResults())) {
      body.addArgument(more.getType(), loc);
      if (isCounted)
        forward.getProceed().front().addArgument(more.getType(), loc);
    }
    before.setInsertionPoint(end());
    SmallVector<Value> next(end()->getOperands());
    if (isCounted)
      next.push_back(AddOp::create(before, loc, body.getArgument(0), ConstantOp::create(before, loc, int64_t(1))));
    for (unsigned index : written)
      next.push_back(writeDown(before, loc, body.getArgument(next.size() + 1), body.getArgument(0), body.getArgument(index + 1)));
    end()->setOperands(next);
    for (auto [k, index] : llvm::enumerate(written))
      known[index] = forward.getResult(op.getNumResults() + isCounted + k);
    for (Value &history : known)
      if (history && history.getDefiningOp() == op)
        history = forward.getResult(cast<OpResult>(history).getResultNumber());
    op->replaceAllUsesWith(forward.getResults().take_front(op.getNumResults()));
    sweep.replaced.push_back(op);
  }
  if (isCounted) {
    Value executed = forward.getResult(op.getNumResults());
    last.getAMutable().assign(executed);
    backward.getCountMutable().assign(executed);
  }
  readHistories(forward, known);
  return success();
}

/// Puts what was written down in the place of the stand-ins.
void LoopReversal::readHistories(LoopOp forward, ArrayRef<Value> known) {
  Block &block = backward.getBody().front();
  OpBuilder inside(op.getContext());
  inside.setInsertionPointToStart(&block);
  Value pass = llvm::any_of(known, [](Value history) { return history != nullptr; }) ? SubOp::create(inside, loc, last, block.getArgument(0)) : Value();
  for (auto [beginning, history] : llvm::zip_equal(beginnings, known))
    if (history) {
      auto row = cast<ArrayType>(beginning.getType());
      beginning.replaceAllUsesWith(GatherOp::create(inside, loc, row, history, buildPlaces(inside, loc, pass, row), /*in_bounds=*/true));
    }
  block.eraseArguments(block.getNumArguments() - beginnings.size(), beginnings.size());
}

/// Drops the sums to which nothing was added, and hands on the others.
void LoopReversal::finish() {
  Block &block = backward.getBody().front();
  Operation *yield = block.getTerminator();
  SmallVector<Value> init(backward.getInit()), kept;
  for (unsigned k = init.size(); k-- > carried.size();)
    if (yield->getOperand(k) == block.getArgument(k + 1) && block.getArgument(k + 1).hasOneUse()) {
      yield->eraseOperand(k);
      block.eraseArgument(k + 1);
      init.erase(init.begin() + k);
      read.remove(read[k - carried.size()]);
    }
  if (init.size() != backward.getNumResults()) {
    OpBuilder at(backward);
    auto less = LoopOp::create(at, loc, TypeRange(ValueRange(init)), backward.getCount(), init);
    less.getBody().takeBody(backward.getBody());
    backward->erase();
    backward = less;
  }
  // A loop that may make no pass is a choice.
  bool isRun = op.getProceed().empty() && getInteger(backward.getCount()).value_or(0) > 0;
  for (auto [value, sum] : llvm::zip_equal(read, backward.getResults().drop_front(carried.size()))) {
    Cotangent known = sweep.lookup(value);
    Value total = sweep.table.spoil(builder, op, findOperand(op, value), sum);
    sweep.cotangents[value] = {total, known.isMasked || isMasked || !isRun, known.isWhere || isWhere};
    sweep.cameFrom.try_emplace(value, op);
  }
  for (auto [index, a] : llvm::zip_equal(carried, backward.getResults().take_front(carried.size())))
    sweep.add(op, op.getInit()[index], a, {a, isMasked, isWhere});
}

LogicalResult LoopReversal::run() {
  findUseful();
  findFlags();
  if (failed(differentiatePass()) || failed(record()))
    return failure();
  finish();
  return success();
}

LogicalResult ReverseSweep::visitLoop(LoopOp op) { return LoopReversal(*this, op).run(); }

} // namespace gradus
