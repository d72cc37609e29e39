//===- EmitClaim.cpp - Claims inside of blocks -----------------------------------===//
//
// A claim in a loop holds if it holds in every pass that the loop makes, under `when` if it holds where the block runs. What is claimed counts
// the passes against it:
//   loop .. { expect c }   becomes   loop .. with against = 0 { against' = against + (if c then 0 else 1) },  expect against == 0
// so that code needs no claims inside, and a failure says how often.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::cast;
using llvm::dyn_cast;
using llvm::isa;
using llvm::SmallVector;
using mlir::Operation;
using mlir::Value;

/// Whether a claim at the place at hand reaches the end of its test: blocks hand it on, derivatives and solvers do not.
bool Elaborator::mayClaim() {
  for (Operation *around = builder.getInsertionBlock()->getParentOp(); around; around = around->getParentOp()) {
    if (auto test = dyn_cast<FuncOp>(around))
      return test.getKind() == FuncKind::Test;
    if (!isa<EveryOp, IfOp, LoopOp>(around))
      return false;
  }
  return false;
}

/// |a - b| <= e max(1, |b|); NaN is near nothing, an infinity near itself alone.
static Array emitNear(Algebra &algebra, const Array &a, const Array &b, double tolerance, Location at) {
  auto number = [&](double x) { return algebra.number(x, at); };
  Array size = algebra.unary<AbsOp>(b, at), distance = algebra.unary<AbsOp>(algebra.sub(a, b, at), at);
  Array bound = algebra.mul(number(tolerance), algebra.binary<MaxOp>(number(1), size, at), at);
  Array isClose = algebra.compare(ComparePredicate::Le, distance, bound, at);
  Array isFinite = algebra.compare(ComparePredicate::Lt, size, number(std::numeric_limits<double>::infinity()), at);
  Array isEqual = algebra.compare(ComparePredicate::Eq, a, b, at);
  return algebra.select(isEqual, isEqual, algebra.select(isFinite, isClose, isFinite, at), at);
}

/// `op` with one result more, of the type of `first`: its new operand where it takes one. The regions are to yield it.
static Operation *withOneMore(mlir::OpBuilder &builder, Operation *op, Value first) {
  SmallVector<mlir::Type> types(op->getResultTypes());
  types.push_back(first.getType());
  SmallVector<Value> kept(op->getOperands());
  if (!isa<IfOp>(op))
    kept.push_back(first);
  mlir::OperationState state(op->getLoc(), op->getName(), kept, types, op->getAttrs());
  for (mlir::Region &region : op->getRegions())
    state.addRegion()->takeBody(region);
  builder.setInsertionPoint(op);
  Operation *wider = builder.create(state);
  op->replaceAllUsesWith(wider->getResults().drop_back());
  op->erase();
  return wider;
}

static void yieldAlso(mlir::Region &region, Value value) {
  Operation *yield = region.front().getTerminator();
  yield->insertOperands(yield->getNumOperands(), value);
}

/// Moves claims out of the blocks of a test.
void Elaborator::liftClaims(FuncOp test, Location at) {
  SmallVector<Operation *> claims;
  test.walk([&](Operation *op) {
    if (isa<ExpectNearOp, ExpectOp>(op) && op->getParentOp() != test)
      claims.push_back(op);
  });
  mlir::OpBuilder::InsertionGuard guard(builder);
  for (Operation *claim : claims) {
    builder.setInsertionPoint(claim);
    auto near = dyn_cast<ExpectNearOp>(claim);
    Array holds = near ? emitNear(*this, {{near.getA()}}, {{near.getB()}}, near.getTolerance().convertToDouble(), at) : Array{{cast<ExpectOp>(claim).getCondition()}};
    holds = reduce(ReductionKind::All, holds, allOwn, at);
    Value against = select(holds, integer(0, at), integer(1, at), at).lanes.front();
    std::string text = (near ? near.getText() : cast<ExpectOp>(claim).getText()).str();
    bool isInLoop = false;
    unsigned position = claim->getParentRegion()->getRegionNumber();
    for (Operation *around = claim->getParentOp(); around != test; around = around->getParentOp()) {
      builder.setInsertionPoint(around);
      Value none = integer(0, at).lanes.front();
      around = withOneMore(builder, around, none);
      if (isa<LoopOp>(around)) {
        for (mlir::Region &region : around->getRegions())
          if (!region.empty())
            region.front().addArgument(none.getType(), claim->getLoc());
        mlir::Region &body = around->getRegion(0);
        builder.setInsertionPoint(body.front().getTerminator());
        against = add({{body.front().getArguments().back()}}, {{against}}, at).lanes.front();
        yieldAlso(body, against);
        isInLoop = true;
      } else {
        for (mlir::Region &region : around->getRegions())
          yieldAlso(region, region.getRegionNumber() == position ? against : none);
      }
      against = around->getResults().back();
      position = around->getParentRegion()->getRegionNumber();
    }
    builder.setInsertionPointAfter(against.getDefiningOp());
    Array isNever = compare(ComparePredicate::Eq, {{against}}, integer(0, at), at);
    ExpectOp::create(builder, claim->getLoc(), isNever.lanes.front(), text + (isInLoop ? ", in each pass (left: how many were against it)" : ", where the block runs (left: 1 is against it)"));
    claim->erase();
  }
}
