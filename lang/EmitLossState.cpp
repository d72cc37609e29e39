//===- EmitLossState.cpp - What the losses of a train unit keep ----------------===//
//
// Their states, and those of the schedules behind their hyper-parameters, are states of the train unit, under the loss's name. The next
// states come from the evaluation at the step's own parameters, beside the one that is differentiated.
//
//===----------------------------------------------------------------------===//

#include "lang/TrainPlan.h"

using namespace gradus;
using namespace gradus::lang;
using mlir::Value;

/// A hyper-parameter of the loss is called by its name; behind the loss's where a rule has one of that name, and those of a further loss.
std::string Elaborator::lossHyperPath(const TrainPlan &plan, const Closure &loss, bool isFurther, const ast::Param &param) {
  bool isTaken = llvm::any_of(plan.groups, [&](const TrainGroup &group) {
    return group.prefix.empty() && llvm::any_of(group.call->rule->params, [&](const ast::Param &p) { return p.name.name == param.name.name; });
  });
  return (isTaken || isFurther ? loss.name + "." : "") + param.name.name;
}

Array Elaborator::lossHyper(const TrainPlan &plan, const TrainGoal &goal, UnitBuilder &unit, const ast::Param &param, RuleRun &run, Scope &scope) {
  StateKeeper mine{&run, param.name.name + "."};
  llvm::SaveAndRestore keeps(keeper, &mine);
  return trainHyper(unit, param, lossHyperPath(plan, *goal.loss, goal.source != nullptr, param), findBound(goal.bound, param.name.name), scope, run.time);
}

/// The first states. Their values may come from the parameters, the sizes and the hyper-parameters.
bool Elaborator::emitLossStates(TrainPlan &plan, TrainGoal &goal, UnitBuilder &unit, llvm::ArrayRef<Array> params, const InputSource &inputs) {
  const Closure &loss = *goal.loss;
  bool keeps = keepsState(loss), isSound = true;
  auto isBoundToState = [&](const ast::Param &param) {
    const Delayed *bound = findBound(goal.bound, param.name.name);
    return bound && mentionsState(*bound->expr, *bound->scope);
  };
  if (!keeps && llvm::none_of(*loss.params, isBoundToState))
    return true;
  std::map<std::string, GivenInput> given;
  Scope *inner = arena.scope(loss.scope);
  RuleRun run;
  run.block = loss.block;
  run.scope = inner;
  run.sharedPrefix = loss.name + ".";
  run.time = integer(1, plan.train->loc);
  run.slots = &goal.slots;
  run.given = &given;
  run.inputs = &inputs;
  for (const ast::Param &param : *loss.params)
    if (param.isSize)
      isSound &= bindSize(param, findBound(goal.bound, param.name.name), lossHyperPath(plan, loss, goal.source != nullptr, param), *inner, param.loc);
  for (const ast::Param &param : *loss.params) {
    auto isThis = [&](const ast::Param *known) { return known->name.name == param.name.name; };
    size_t position = llvm::find_if(plan.params, isThis) - plan.params.begin();
    bool hasDims = param.type && param.type->hasDims;
    if (position < plan.params.size())
      isSound &= bindParam(param, params[position], param.loc, *inner);
    else if (hasDims)
      isSound &= evalShape(*param.type, 0, *inner, /*mayDeclare=*/true).has_value();
    else if (!param.isSize && (keeps || isBoundToState(param)))
      inner->set(param.name.name, lossHyper(plan, goal, unit, param, run, *inner), param.loc);
  }
  return isSound && (!keeps || openKept(loss, run));
}

/// The states as arguments of the step.
void Elaborator::openLoss(const TrainPlan &plan, size_t number, UnitBuilder &unit, const Array &time, const InputSource &inputs, KeptLoss &loss) {
  const TrainGoal &goal = plan.goals[number];
  laneCount = 1;
  loss.run.root = goal.loss->name;
  loss.run.sharedPrefix = goal.loss->name + ".";
  loss.run.time = time;
  loss.run.given = &loss.given;
  loss.run.inputs = &inputs;
  loss.run.states = &loss.states;
  loss.run.nextStates = &loss.next;
  for (const StateSlot &slot : goal.slots) {
    Value argument = unit.addArgument(Role::State, goal.loss->name + "." + slot.path, slot.types.front(), slot.decl->loc, {{}, {}, plan.params.size() + number, true});
    loss.buffers[slot.path] = argument;
    loss.states[slot.path] = load({{argument}}, slot.decl->loc);
    loss.next[slot.path] = loss.states[slot.path];
  }
}

/// Evaluates the loss at the parameters of the step for its next states, which all other evaluations of the step read.
bool Elaborator::commitLoss(TrainUnit &step, size_t number) {
  const TrainGoal &goal = step.plan.goals[number];
  KeptLoss &kept = step.kept[number];
  if (!keepsState(*goal.loss))
    return true;
  kept.run.nextStates = &kept.next;
  const TrainLoss *loss = bindGoal(step, number);
  if (!loss)
    return false;
  if (llvm::any_of(loss->extras, [](const auto &extra) { return extra.has_value(); })) {
    refuseOwnPoint(*this, *goal.loss, goal.loc);
    return false;
  }
  std::vector<Actual> actuals;
  for (const ObjectiveArgument &argument : loss->arguments)
    actuals.push_back({argument.name, argument.value, argument.name.loc});
  StateKeeper commits{&kept.run, ""};
  llvm::SaveAndRestore keeps(keeper, &commits);
  llvm::SaveAndRestore count(laneCount, size_t(1));
  bool isSound = !callClosure(*goal.loss, std::move(actuals), goal.loc).isPoison();
  kept.run.nextStates = nullptr;
  kept.run.committed = &kept.next;
  return isSound;
}
