//===- EmitCheckpoint.cpp - Loops in segments ----------------------------------------===//
//
// loop[checkpoints = c] makes the T passes of a loop in c segments of L = ceil(T / c) passes each: a loop in a loop. The derivative of the outer one
// keeps what each segment begins with, and makes a segment again before it goes back through it; that of the inner one keeps what the passes
// of one segment begin with. So c + L rows are kept instead of T, for one more evaluation of the passes: with c near sqrt(T), 2 sqrt(T) of them.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

#include "mlir/IR/IRMapping.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Value;

static constexpr int64_t mostCheckpoints = INT32_MAX;

/// What stands in the slot of a loop: 0 where it has none; nothing after an error.
std::optional<int64_t> Elaborator::readCheckpoints(llvm::ArrayRef<ast::Subscript> slot, Scope &scope, llvm::StringRef wayOut) {
  if (slot.empty())
    return 0;
  const ast::Subscript &first = slot.front();
  auto fail = [&](Location at, const std::string &found) -> std::optional<int64_t> {
    error(Code::LoopSlot, at, "the slot of a loop says how many checkpoints its derivative keeps, but this is " + found).suggest(wayOut.str());
    return std::nullopt;
  };
  if (first.kind != ast::SubKind::Named || first.name->name != "checkpoints")
    return fail(first.loc, textOf(first.loc));
  if (slot.size() > 1)
    return fail(slot[1].loc, "a second entry");
  std::optional<int64_t> number = constantInt(*first.value, scope, "the number of checkpoints");
  if (number && (*number < 1 || *number > mostCheckpoints)) {
    error(Code::LoopSlot, first.value->loc, "a loop has 1 to " + std::to_string(mostCheckpoints) + " checkpoints, but this is " + std::to_string(*number))
        .suggest("near the square root of the number of passes the memory is least");
    return std::nullopt;
  }
  return number;
}

/// Puts what stands for the index of a region, which counts the passes of a segment, to where the segment begins.
static Value moveIndex(mlir::Block &block, Value begin, mlir::Location loc) {
  mlir::OpBuilder inside = mlir::OpBuilder::atBlockBegin(&block);
  auto pass = AddOp::create(inside, loc, begin, block.getArgument(0));
  block.getArgument(0).replaceAllUsesExcept(pass, pass);
  return pass;
}

/// The same passes in `checkpoints` segments. One that may end early carries how many passes it has made, so that its condition is asked of
/// the same pass before a segment as at the end of the one before.
LoopOp Elaborator::splitLoop(LoopOp loop, int64_t checkpoints, Location at) {
  mlir::Location loc = place(at);
  mlir::OpBuilder::InsertionGuard guard(builder);
  Value count = loop.getCount(), one = ConstantOp::create(builder, loc, int64_t(1)), number = ConstantOp::create(builder, loc, checkpoints);
  // Rounded up; 0 or less where there is no pass.
  Value last = builder.createOrFold<SubOp>(loc, count, one);
  auto divideUp = [&](Value by) { return builder.createOrFold<AddOp>(loc, builder.createOrFold<IntDivOp>(loc, last, by), one); };
  Value length = divideUp(number), needed = divideUp(builder.createOrFold<MaxOp>(loc, length, one));
  Value segments = builder.createOrFold<MinOp>(loc, number, needed); // which shows that they are not more than the checkpoints
  bool endsEarly = !loop.getProceed().empty();
  SmallVector<Value> init(loop.getInit());
  if (endsEarly)
    init.push_back(ConstantOp::create(builder, loc, int64_t(0)));
  auto outer = LoopOp::create(builder, loc, mlir::TypeRange(mlir::ValueRange(init)), segments, init);
  auto enter = [&](mlir::Region &region) {
    mlir::Block &block = region.emplaceBlock();
    block.addArgument(ArrayType::scalar(builder.getI64Type()), loc);
    for (Value value : init)
      block.addArgument(value.getType(), loc);
    builder.setInsertionPointToEnd(&block);
    return &block;
  };
  mlir::Block *segment = enter(outer.getBody());
  Value begin = endsEarly ? Value(segment->getArguments().back()) : MulOp::create(builder, loc, segment->getArgument(0), length).getResult();
  Value passes = MinOp::create(builder, loc, length, SubOp::create(builder, loc, count, begin));
  mlir::ValueRange carried = segment->getArguments().drop_front();
  auto inner = LoopOp::create(builder, loc, carried.getTypes(), passes, carried);
  YieldOp::create(builder, loc, inner.getResults());
  if (endsEarly) { // before the body is moved, which has the regions' places
    mlir::Block *asked = enter(outer.getProceed());
    mlir::IRMapping mapping;
    mapping.map(loop.getProceed().getArgument(0), asked->getArguments().back());
    for (auto [from, to] : llvm::zip(loop.getProceed().getArguments().drop_front(), asked->getArguments().drop_front()))
      mapping.map(from, to);
    for (mlir::Operation &op : loop.getProceed().front())
      builder.clone(op, mapping);
  }
  inner.getBody().takeBody(loop.getBody());
  inner.getProceed().takeBody(loop.getProceed());
  Value pass = moveIndex(inner.getBody().front(), begin, loc);
  if (endsEarly) {
    // What has been made so far is carried by the inner loop too, but told by its index.
    moveIndex(inner.getProceed().front(), begin, loc);
    inner.getProceed().addArgument(one.getType(), loc);
    inner.getBody().addArgument(one.getType(), loc);
    mlir::Operation *yield = inner.getBody().front().getTerminator();
    builder.setInsertionPoint(yield);
    yield->insertOperands(yield->getNumOperands(), AddOp::create(builder, loc, pass, one).getResult());
  }
  for (auto [from, to] : llvm::zip(loop.getResults(), outer.getResults()))
    from.replaceAllUsesWith(to);
  loop.erase();
  return outer;
}
