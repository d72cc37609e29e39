//===- EmitObjective.cpp - The loss of a train unit ----------------------------===//
//
// Its arguments that are not minimised over are data of the step, its hyper-parameters are bound as those of rules, and its states and those
// of the schedules behind its hyper-parameters are states of the train unit, under the loss's name. The next states come from the evaluation at
// the step's own parameters, beside the one that is differentiated.
//
//===----------------------------------------------------------------------===//

#include "lang/TrainPlan.h"

using namespace gradus;
using namespace gradus::lang;
using mlir::Value;

/// A hyper-parameter of the loss is called by its name, or behind the loss's where a rule has one of that name.
std::string Elaborator::lossHyperPath(const TrainPlan &plan, const ast::Param &param) {
  bool isTaken = llvm::any_of(plan.groups, [&](const TrainGroup &group) {
    return group.prefix.empty() && llvm::any_of(group.call->rule->params, [&](const ast::Param &p) { return p.name.name == param.name.name; });
  });
  return (isTaken ? plan.loss->name + "." : "") + param.name.name;
}

static const Delayed *findBound(const std::map<std::string, Delayed> &bound, const ast::Param &param) {
  auto it = bound.find(param.name.name);
  return it == bound.end() ? nullptr : &it->second;
}

Array Elaborator::lossHyper(const TrainPlan &plan, UnitBuilder &unit, const ast::Param &param, RuleRun &run, Scope &scope) {
  StateKeeper mine{&run, param.name.name + "."};
  llvm::SaveAndRestore keeps(keeper, &mine);
  return trainHyper(unit, param, lossHyperPath(plan, param), findBound(plan.bound, param), scope, run.time);
}

/// The first states. Their values may come from the parameters, the sizes and the hyper-parameters.
bool Elaborator::emitLossStates(TrainPlan &plan, UnitBuilder &unit, llvm::ArrayRef<Array> params, const InputSource &inputs) {
  bool keeps = keepsState(*plan.loss), isSound = true;
  auto isBoundToState = [&](const ast::Param &param) {
    const Delayed *bound = findBound(plan.bound, param);
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
      isSound &= bindSize(param, findBound(plan.bound, param), lossHyperPath(plan, param), *inner, param.loc);
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
void Elaborator::openLoss(const TrainPlan &plan, UnitBuilder &unit, const Array &time, const InputSource &inputs, TrainLoss &loss) {
  laneCount = 1;
  rowsArgument = {};
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

/// The arguments of the loss, in its order.
bool Elaborator::takeLossArguments(const TrainPlan &plan, UnitBuilder &unit, llvm::ArrayRef<Array> params, Scope &shapes, TrainLoss &loss,
                                   std::vector<Actual> &actuals) {
  for (const ast::Param &param : *plan.loss->params)
    if (param.isSize && !bindSize(param, findBound(plan.bound, param), lossHyperPath(plan, param), shapes, param.loc))
      return false;
  for (const ast::Param &param : *plan.loss->params) {
    size_t position = llvm::find(plan.params, &param) - plan.params.begin();
    Entity argument;
    if (position < plan.params.size()) {
      argument = params[position];
    } else if (param.isSize) {
      argument = shapes.findHere(param.name.name)->entity;
    } else if (param.type && param.type->hasDims) {
      std::optional<Shape> shape = evalShape(*param.type, 0, shapes, /*mayDeclare=*/true);
      std::optional<Kind> kind = kindOfType(param.type, nullptr);
      if (!shape || !kind || !refuseStochastic(param.type, "an argument of a loss"))
        return false;
      auto type = ArrayType::get(builder.getContext(), *shape, argumentElement(param.type, *kind, shape->size()));
      Value data = unit.addArgument(Role::Data, param.name.name, type, param.loc);
      argument = Array{{castTo(data, elementOf(*kind, shape->size()), param.loc)}};
    } else {
      argument = lossHyper(plan, unit, param, loss.run, shapes);
    }
    if (argument.isPoison())
      return false;
    actuals.push_back({param.name, argument, param.loc});
  }
  return true;
}

/// The value of the loss and its gradients in the parameters.
std::vector<Array> Elaborator::trainGradients(const TrainPlan &plan, UnitBuilder &unit, llvm::ArrayRef<Array> params, Scope &shapes, TrainLoss &loss,
                                              Value &value) {
  std::vector<Actual> actuals;
  if (!takeLossArguments(plan, unit, params, shapes, loss, actuals))
    return {};
  llvm::SmallVector<Value> wrt;
  for (const Array &param : params)
    wrt.push_back(param.lanes.front());
  Location at = plan.train->objectives.front().loc;
  bool keeps = keepsState(*plan.loss);
  RuleRun reading = loss.run;
  reading.nextStates = nullptr; // what is inside of the gradient stays there
  StateKeeper inside{&reading, ""}, outside{&loss.run, ""};
  std::optional<Differentiated> found;
  {
    llvm::SaveAndRestore keepsInside(keeper, keeps ? &inside : nullptr);
    found = differentiate(wrt, at, [&](llvm::ArrayRef<Value> points) {
      std::vector<Actual> replaced = actuals;
      for (Actual &actual : replaced)
        for (auto [param, point] : llvm::zip_equal(plan.params, points))
          if (actual.name->name == param->name.name)
            actual.entity = Array{{point}};
      return asArray(callClosure(*plan.loss, std::move(replaced), at), at);
    });
  }
  if (!found)
    return {};
  if (keeps) {
    llvm::SaveAndRestore keepsOutside(keeper, &outside);
    if (callClosure(*plan.loss, std::move(actuals), at).isPoison())
      return {};
  }
  value = found->value;
  std::vector<Array> gradients;
  for (Value gradient : found->gradients)
    gradients.push_back({{gradient}});
  return gradients;
}
