//===- EmitReading.cpp - A loss with state that a rule asks ---------------------===//
//
// Its next states are those of one evaluation a step: at the parameters before the step, on the batch. Every other evaluation of the step, at
// another point or on other data, reads these next states and writes nothing; so its derivative does not go through them. At the step's own point
// a next state is an expression like any other.
//
//===----------------------------------------------------------------------===//

#include "dialect/Jvp.h"
#include "lang/TrainPlan.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::cast;
using llvm::dyn_cast;
using mlir::Value;

/// Where a value of a derivative's inside comes from: in gradus.grad and gradus.jvp x stands for what it is differentiated at.
static Value sourceOf(Value value) {
  while (auto argument = dyn_cast<mlir::BlockArgument>(value)) {
    mlir::Operation *around = argument.getOwner()->getParentOp();
    auto grad = dyn_cast<GradOp>(around);
    auto jvp = dyn_cast<JvpOp>(around);
    if (!grad && !jvp)
      break;
    value = grad ? grad.getWrt()[argument.getArgNumber()] : jvp.getPoints()[argument.getArgNumber()];
  }
  return value;
}

/// Whether an objective is asked where its states commit.
bool Elaborator::isOwnPoint(const Objective &objective, llvm::ArrayRef<Array> points) {
  if (objective.choice != DataChoice::Batch)
    return false;
  return llvm::all_of(objective.arguments, [&](const ObjectiveArgument &argument) {
    if (!argument.point)
      return true;
    const Array &own = argument.value.array();
    return !own.isPoison() && sourceOf(points[argument.point->first].lane(argument.point->second)) == own.lanes.front();
  });
}

/// A loss with state of which the rule makes an argument: nothing says where its states would commit.
void lang::refuseOwnPoint(Algebra &algebra, const Closure &loss, Location at) {
  algebra.error(Code::StateNotKept, at, "'" + loss.name + "' has a state, but the rule itself makes an argument of it, so that the step has no own point for it")
      .note(loss.loc, "'" + loss.name + "' is declared here")
      .suggest("pass the state as an argument");
}

/// In a test: the evaluation at the point before the step, whose next states the others read.
bool Elaborator::evaluateOwn(Objective &objective, const RuleRun &asking, Location at) {
  if (llvm::any_of(objective.models, [](const auto &model) { return !model; })) {
    refuseOwnPoint(*this, *objective.target, at);
    return false;
  }
  OwnEvaluation &own = ownEvaluations.emplace_back();
  own.run.nextStates = &own.next;
  own.path = asking.path + objective.name + ".";
  std::vector<Array> points;
  for (const auto &model : objective.models)
    points.push_back(*model);
  objective.kept = &own.run;
  Array value = askValue(objective, points, at);
  own.run.nextStates = nullptr;
  own.run.committed = &own.next;
  return !value.isPoison();
}
