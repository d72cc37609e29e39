//===- Differentiated.cpp - What a derivative goes through ------------------===//

#include "lang/lint/Boundaries.h"

#include "dialect/Jvp.h"

using namespace gradus;
using namespace gradus::lint;
using llvm::DenseSet;
using llvm::isa;
using mlir::Block;
using mlir::Operation;
using mlir::Value;

namespace {

class Search {
public:
  explicit Search(FuncOp func) {
    Block &body = func.getBody().front();
    if (func.getKind() == FuncKind::Loss) {
      for (mlir::BlockArgument argument : body.getArguments())
        if (func.getArgRole(argument.getArgNumber()) == Role::Param)
          moving.insert(argument);
      for (Value result : body.getTerminator()->getOperands().take_front())
        wanted.insert(result);
    }
    follow(body);
    ask(body);
  }

  DenseSet<Operation *> result;

private:
  /// What no derivative passes.
  static bool isWall(Operation &op) { return isa<CeilOp, CompareOp, FloorOp, RoundOp, SignOp, StopOp, TruncOp>(op); }

  bool moves(mlir::ValueRange values) const {
    return llvm::any_of(values, [&](Value value) { return moving.contains(value); });
  }

  /// Forwards: what moves with the variables.
  void follow(Block &block) {
    for (Operation &op : block.without_terminator())
      follow(op);
  }
  void follow(Operation &op) {
    bool isMoving = moves(op.getOperands());
    bool isDerivative = isa<GradOp, JvpOp>(op); // its arguments are variables
    // What a loop carries may move from the second pass on; deep inside of loops it is taken to move.
    constexpr unsigned deepest = 3;
    bool isLoop = isa<LoopOp, ScanOp>(op);
    loopDepth += isLoop;
    isMoving |= loopDepth > deepest;
    for (unsigned pass = 0; pass < (isLoop && loopDepth <= deepest ? 2u : 1u); ++pass)
      for (mlir::Region &region : op.getRegions())
        for (Block &block : region) {
          if (isMoving || isDerivative)
            moving.insert(block.args_begin(), block.args_end());
          follow(block);
          isMoving |= moves(block.getTerminator()->getOperands());
        }
    loopDepth -= isLoop;
    if (isMoving && !isWall(op))
      moving.insert(op.result_begin(), op.result_end());
  }

  /// Backwards: what the differentiated value is made of.
  void ask(Block &block) {
    for (Operation &op : llvm::reverse(block.without_terminator())) {
      bool isWanted = llvm::any_of(op.getResults(), [&](Value value) { return wanted.contains(value); });
      bool isDerivative = isa<GradOp, JvpOp>(op);
      for (mlir::Region &region : op.getRegions())
        for (Block &inner : region) {
          if (isWanted || isDerivative)
            for (Value value : inner.getTerminator()->getOperands())
              wanted.insert(value);
          ask(inner);
        }
      if (!isWanted || isWall(op))
        continue;
      if (moves(op.getOperands()))
        result.insert(&op);
      wanted.insert(op.operand_begin(), op.operand_end());
    }
  }

  DenseSet<Value> moving, wanted;
  unsigned loopDepth = 0;
};

} // namespace

DenseSet<Operation *> lint::differentiatedIn(FuncOp func) { return Search(func).result; }
