//===- EmitLossState.cpp - What the loss of a train unit keeps -----------------===//
//
// Its states, and those of the schedules behind its hyper-parameters, are states of the train unit, under the loss's name. The next
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

Array Elaborator::lossHyper(const TrainPlan &plan, UnitBuilder &unit, const ast::Param &param, RuleRun &run, Scope &scope) {
  StateKeeper mine{&run, param.name.name + "."};
  llvm::SaveAndRestore keeps(keeper, &mine);
  return trainHyper(unit, param, lossHyperPath(plan, *plan.loss, false, param), findBound(plan.bound, param.name.name), scope, run.time);
}

/// The first states. Their values may come from the parameters, the sizes and the hyper-parameters.
bool Elaborator::emitLossStates(TrainPlan &plan, UnitBuilder &unit, llvm::ArrayRef<Array> params, const InputSource &inputs) {
  bool keeps = keepsState(*plan.loss), isSound = true;
  auto isBoundToState = [&](const ast::Param &param) {
    const Delayed *bound = findBound(plan.bound, param.name.name);
    return bound && mentionsState(*bound->expr, *bound->scope);
  };
  if (!keeps && llvm::none_of(*plan.loss->params, isBoundToState))
    return true;
  std::map<std::string, GivenInput> given;
  Scope *inner = arena.scope(plan.loss->scope);
  RuleRun run;
  run.block = plan.loss->block;
  run.scope = inner;
  run.sharedPrefix = plan.loss->name + ".";
  run.time = integer(1, plan.train->loc);
  run.slots = &plan.lossSlots;
  run.given = &given;
  run.inputs = &inputs;
  for (const ast::Param &param : *plan.loss->params)
    if (param.isSize)
      isSound &= bindSize(param, findBound(plan.bound, param.name.name), lossHyperPath(plan, *plan.loss, false, param), *inner, param.loc);
  for (const ast::Param &param : *plan.loss->params) {
    size_t position = llvm::find(plan.params, &param) - plan.params.begin();
    bool hasDims = param.type && param.type->hasDims;
    if (position < plan.params.size())
      isSound &= bindParam(param, params[position], param.loc, *inner);
    else if (hasDims)
      isSound &= evalShape(*param.type, 0, *inner, /*mayDeclare=*/true).has_value();
    else if (!param.isSize && (keeps || isBoundToState(param)))
      inner->set(param.name.name, lossHyper(plan, unit, param, run, *inner), param.loc);
  }
  return isSound && (!keeps || openKept(*plan.loss, run));
}

/// The states as arguments of the step.
void Elaborator::openLoss(const TrainPlan &plan, UnitBuilder &unit, const Array &time, const InputSource &inputs, KeptLoss &loss) {
  laneCount = 1;
  rowsArguments.clear();
  loss.run.root = plan.loss->name;
  loss.run.sharedPrefix = plan.loss->name + ".";
  loss.run.time = time;
  loss.run.given = &loss.given;
  loss.run.inputs = &inputs;
  loss.run.states = &loss.states;
  loss.run.nextStates = &loss.next;
  for (const StateSlot &slot : plan.lossSlots) {
    Value argument = unit.addArgument(Role::State, plan.loss->name + "." + slot.path, slot.types.front(), slot.decl->loc, {{}, {}, plan.params.size(), true});
    loss.buffers[slot.path] = argument;
    loss.states[slot.path] = load({{argument}}, slot.decl->loc);
    loss.next[slot.path] = loss.states[slot.path];
  }
}

/// Evaluates the loss at the parameters of the step for its next states, which all other evaluations of the step read.
bool Elaborator::commitLoss(TrainUnit &step) {
  if (!keepsState(*step.plan.loss))
    return true;
  step.kept->run.nextStates = &step.kept->next;
  const TrainLoss *loss = bindLoss(step, *step.plan.loss, step.plan.bound, nullptr, 0);
  if (!loss)
    return false;
  const Location at = step.plan.train->objectives.front().loc;
  if (llvm::any_of(loss->extras, [](const auto &extra) { return extra.has_value(); })) {
    refuseOwnPoint(*this, *step.plan.loss, at);
    return false;
  }
  std::vector<Actual> actuals;
  for (const ObjectiveArgument &argument : loss->arguments)
    actuals.push_back({argument.name, argument.value, argument.name.loc});
  StateKeeper commits{&step.kept->run, ""};
  llvm::SaveAndRestore keeps(keeper, &commits);
  llvm::SaveAndRestore count(laneCount, size_t(1));
  bool isSound = !callClosure(*step.plan.loss, std::move(actuals), at).isPoison();
  step.kept->run.nextStates = nullptr;
  step.kept->run.committed = &step.kept->next;
  return isSound;
}
