//===- EmitTrain.cpp - Loss, gradient and rule as one step -------------------===//
//
// A train unit has a closed list of parameters: the rule runs for all of them in lock step, a tensor a lane, and
// `norm[all]` adds up over the lanes. The value and all gradients come from one gradus.grad.
//
//===----------------------------------------------------------------------===//

#include "lang/TrainPlan.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::cast;
using llvm::SmallVector;
using mlir::Value;

/// One member of a group: a name, or as many in parentheses as the rule has params.
bool Elaborator::takeMember(const ast::GroupMember &member, const TrainPlan &plan, TrainGroup &planned, std::vector<Location> &taken) {
  std::vector<std::string> names;
  for (const ast::Param *param : plan.params)
    names.push_back(param->name.name);
  if (planned.call && (member.isTuple ? member.names.size() : 1) != planned.arity) {
    for (const ast::Ident &name : member.names)
      if (size_t position = llvm::find(names, name.name) - names.begin(); position < names.size())
        taken[position] = name.loc;
    const ast::Ident &rule = planned.call->rule->name;
    error(Code::RuleExpected, member.loc, "'" + rule.name + "' is a rule of " + counted(planned.arity, "param") + ", but here " + (member.names.size() == 1 ? "is " : "are ") + counted(member.names.size(), "name"))
        .note(rule.loc, "'" + rule.name + "' is declared here")
        .suggest(planned.arity == 1 ? "name the parameters without parentheses" : "put the parameters into parentheses, in the order of the rule: (A, B): " + rule.name + "(..)");
    return false;
  }
  bool isSound = true;
  for (const ast::Ident &name : member.names) {
    size_t position = llvm::find(names, name.name) - names.begin();
    if (position == names.size()) {
      error(Code::UnknownArgument, name.loc, "'" + name.name + "' is not minimized over").suggest(didYouMean(name.name, names));
      isSound = false;
    } else if (!taken[position].isWholeFile()) {
      error(Code::ArgumentTwice, name.loc, "'" + name.name + "' has two rules").note(taken[position], "its first one is here");
      isSound = false;
    } else {
      taken[position] = name.loc;
      planned.members.push_back(position);
    }
  }
  return isSound;
}

bool Elaborator::planGroups(const ast::Train &train, Scope &file, TrainPlan &plan) {
  std::vector<Location> taken(plan.params.size());
  std::vector<std::string> names;
  for (const ast::Param *param : plan.params)
    names.push_back(param->name.name);
  bool isSound = true;
  const ast::Group *rest = nullptr; // the group 'else'
  for (const ast::Group &group : train.groups) {
    TrainGroup planned;
    planned.call = evalRule(*group.rule, file);
    isSound &= planned.call != nullptr;
    planned.arity = planned.call ? std::max<size_t>(countTensors(*planned.call->rule).first, 1) : 1;
    if (planned.call && countTensors(*planned.call->rule).first == 0) {
      error(Code::RuleWithoutParam, group.rule->loc, "'" + planned.call->rule->name.name + "' has no param, so it moves none")
          .note(planned.call->rule->name.loc, "it is declared here");
      isSound = false;
    }
    for (const ast::GroupMember &member : group.members)
      isSound &= takeMember(member, plan, planned, taken);
    if (group.members.empty() && rest) {
      error(Code::ArgumentTwice, group.loc, "the group 'else' is given twice").note(rest->loc, "it is given here first").suggest("name the parameters of one of them");
      isSound = false;
    }
    if (group.members.empty()) {
      rest = &group;
      for (size_t i = 0; i < names.size(); ++i)
        if (taken[i].isWholeFile()) {
          taken[i] = group.loc;
          planned.members.push_back(i);
        }
    }
    if (planned.call && group.members.empty() && planned.arity != 1 && !planned.members.empty()) {
      error(Code::RuleExpected, group.rule->loc, "'" + planned.call->rule->name.name + "' is a rule of " + counted(planned.arity, "param") + "; here stands a rule of one")
          .note(planned.call->rule->name.loc, "it is declared here")
          .suggest("say which parameters it takes together: with { (A, B): " + planned.call->rule->name.name + "(..) }");
      isSound = false;
    }
    if (train.hasBraces)
      planned.prefix = group.members.empty() ? "else." : group.members.front().names.front().name + ".";
    if (!planned.members.empty())
      plan.groups.push_back(std::move(planned));
  }
  for (auto [i, place] : llvm::enumerate(taken))
    if (place.isWholeFile()) {
      error(Code::ParamWithoutRule, train.loc, "'" + names[i] + "' has no rule").suggest("add a group 'else: ..'");
      isSound = false;
    }
  plan.storages.resize(names.size());
  for (const TrainGroup &group : isSound ? llvm::ArrayRef<TrainGroup>(plan.groups) : llvm::ArrayRef<TrainGroup>())
    for (size_t k = 0; k < group.members.size(); ++k)
      plan.storages[group.members[k]] = paramStorage(*group.call, k % group.arity);
  return isSound;
}

static ArrayType paramType(const Shape &shape, mlir::Type real, mlir::OpBuilder &builder) {
  return ArrayType::get(builder.getContext(), shape, shape.empty() ? mlir::Type(builder.getF64Type()) : real);
}

/// Arguments for the parameters; gives their arithmetic values.
bool Elaborator::addTrainParams(const TrainPlan &plan, UnitBuilder &unit, std::vector<Value> &arguments, std::vector<Array> &values) {
  std::vector<Scope *> shapes; // of each loss, which says the sizes of what is moved for it
  for (const TrainGoal &goal : plan.goals) {
    shapes.push_back(arena.scope(goal.loss->scope));
    for (const ast::Param &param : *goal.loss->params) { // sizes that are fixed, in which shapes may be
      std::string path = lossHyperPath(plan, *goal.loss, goal.source != nullptr, param);
      const Delayed *given = findBound(goal.bound, param.name.name);
      if (param.isSize && (given || param.defaultValue || givenSizes.contains(path)) && !bindSize(param, given, path, *shapes.back(), param.loc))
        return false;
    }
  }
  for (auto [position, param] : llvm::enumerate(plan.params)) {
    if (!refuseStochastic(param->type, "an argument of a loss"))
      return false;
    Shape shape{builder.getStringAttr(param->name.name + ".numel")};
    if (param->type && param->type->hasDims) {
      std::optional<Shape> declared = evalShape(*param->type, 0, *shapes[plan.goalOf[position]], /*mayDeclare=*/true);
      if (!declared)
        return false;
      shape = *declared;
    }
    Storage storage = plan.storages[position].element ? plan.storages[position] : storageOf(param->type);
    arguments.push_back(unit.addArgument(Role::Param, param->name.name, storedType(paramType(shape, real, builder), storage), param->loc));
    values.push_back({{castTo(arguments.back(), elementOf(Kind::Float, shape.size()), param->loc)}});
  }
  return true;
}

/// A tensor's states, inputs and reports are called by it; what is one for all by the group, or else by the rule.
void Elaborator::nameLanes(const TrainPlan &plan, const TrainGroup &group, RuleRun &run) {
  for (size_t k = 0; k < group.numLanes(); ++k) {
    run.lanes.push_back({plan.params[group.member(k)]->name.name + ".", group.member(k)});
    run.tensors.push_back(group.member(k));
  }
  run.sharedPrefix = group.prefix.empty() ? group.call->rule->name.name + "." : group.prefix;
}

bool Elaborator::emitTrainInit(TrainPlan &plan) {
  const ast::Train &train = *plan.train;
  UnitBuilder unit(*this, module, FuncKind::TrainInit, train.name.name + ".init", train.loc);
  std::vector<Value> arguments;
  std::vector<Array> params;
  bool isSound = addTrainParams(plan, unit, arguments, params);
  HyperSource hypers = [&](const ast::Param &param, const std::string &path, const Delayed *bound, Scope &scope, Array time) {
    return trainHyper(unit, param, path, bound, scope, time);
  };
  struct Result {
    size_t member;
    std::string name;
    Value value;
    bool isShared = false;
  };
  std::vector<Result> results;
  TrainUnit init{plan, unit, integer(1, train.loc), params};
  llvm::SaveAndRestore ownRows(rowsUnit, &unit);
  rowsArguments.clear();
  answers.clear();
  InputSource inputs = [&](const ast::Decl &decl, bool isShared, RuleRun &rule) { return inputArgument(unit, decl, isShared, rule); };
  for (const TrainGoal &goal : plan.goals) {
    KeptLoss &loss = init.kept.emplace_back();
    loss.run.root = goal.loss->name;
    loss.run.sharedPrefix = goal.loss->name + ".";
    loss.run.time = init.time;
    loss.run.given = &loss.given;
    loss.run.inputs = &inputs;
  }
  for (TrainGroup &group : plan.groups) {
    if (!isSound)
      break;
    RuleRun run;
    run.call = group.call;
    run.hyperPrefix = group.prefix;
    for (size_t j = 0; j < group.arity; ++j)
      run.params.push_back(group.lanes(params, j));
    run.time = integer(1, train.loc);
    nameLanes(plan, group, run);
    std::map<std::string, GivenInput> given;
    run.given = &given;
    run.inputs = &inputs;
    ObjectiveSource objectives = [&](const ast::Oracle &oracle, const Delayed *bound, RuleRun &rule) { return trainObjective(init, group, oracle, bound, rule); };
    run.source = &objectives;
    isSound = initStates(run, hypers, group.slots);
    for (StateSlot &slot : group.slots)
      for (size_t k = 0; isSound && k < slot.initial.lanes.size(); ++k)
        results.push_back({group.member(k), (slot.isShared ? run.sharedPrefix : run.lanes[k].prefix) + slot.path,
                           roundTo(slot.initial.lanes[k], slot.types[k].getElementType(), {}, slot.decl->loc), slot.isShared});
  }
  for (auto [number, goal] : llvm::enumerate(plan.goals)) {
    isSound = isSound && emitLossStates(plan, goal, unit, params, inputs);
    for (const StateSlot &slot : goal.slots)
      if (isSound)
        results.push_back({plan.params.size() + number, goal.loss->name + "." + slot.path,
                           roundTo(slot.initial.lanes.front(), slot.types.front().getElementType(), {}, slot.decl->loc), true});
  }
  std::stable_sort(results.begin(), results.end(), [](const Result &a, const Result &b) { return a.member < b.member; });
  for (const Result &result : results)
    unit.addResult(Role::State, result.name, result.value, {}, result.isShared);
  finishUnit(unit.finish(isSound, train.loc), train, train.name.name);
  return isSound;
}

/// The next value of a parameter or a state, ordered by the parameter.
struct TrainNext {
  size_t member;
  std::string name;
  Value value, of;
  bool isShared = false;
};

static void addNext(UnitBuilder &unit, std::vector<TrainNext> &list) {
  std::stable_sort(list.begin(), list.end(), [](const TrainNext &a, const TrainNext &b) { return a.member < b.member; });
  for (const TrainNext &result : list)
    unit.addResult(Role::Next, result.name, result.value, result.of, result.isShared);
}

/// The arguments for a state, one for each tensor of the group.
static Array addState(UnitBuilder &unit, const StateSlot &slot, const RuleRun &run) {
  Array state;
  state.isEach = slot.initial.isEach;
  state.isJoint = slot.initial.isJoint;
  for (auto [k, type] : llvm::enumerate(slot.types))
    state.lanes.push_back(unit.addArgument(Role::State, (slot.isShared ? run.sharedPrefix : run.lanes[k].prefix) + slot.path, type, slot.decl->loc,
                                           {{}, {}, run.lanes[k].group, slot.isShared}));
  return state;
}

/// What the groups of a step make of it.
struct Elaborator::TrainParts {
  const HyperSource &hypers;
  const InputSource &inputs;
  std::vector<Value> arguments;
  std::vector<Array> gradients;
  std::vector<TrainNext> nextParams = {}, nextStates = {};
  std::deque<std::vector<Report>> reports = {};
  std::vector<RuleRun> runs = {};

  /// Whether something of it comes from the loss.
  bool asksLoss(const Elaborator &elaborator, const UnitBuilder &unit) const;
};

bool Elaborator::TrainParts::asksLoss(const Elaborator &elaborator, const UnitBuilder &unit) const {
  llvm::DenseSet<Value> seen, answered;
  for (const Answer &answer : elaborator.answers) {
    answered.insert(answer.gradients.begin(), answer.gradients.end());
    answered.insert(answer.value);
  }
  std::vector<Value> pending;
  for (const std::vector<TrainNext> *list : {&nextParams, &nextStates})
    for (const TrainNext &next : *list)
      pending.push_back(next.value);
  for (const std::vector<Report> &list : reports)
    for (const Report &report : list)
      pending.insert(pending.end(), report.value.lanes.begin(), report.value.lanes.end());
  while (!pending.empty()) {
    Value value = pending.back();
    pending.pop_back();
    if (answered.contains(value) || unit.isData(value))
      return true;
    if (mlir::Operation *op = seen.insert(value).second ? value.getDefiningOp() : nullptr)
      op->walk([&](mlir::Operation *inner) { pending.insert(pending.end(), inner->operand_begin(), inner->operand_end()); });
  }
  return false;
}

/// The step of a rule for its group.
bool Elaborator::stepGroup(TrainUnit &step, const TrainGroup &group, TrainParts &parts) {
  const TrainPlan &plan = step.plan;
  RuleRun run;
  run.call = group.call;
  run.hyperPrefix = group.prefix;
  run.time = step.time;
  nameLanes(plan, group, run);
  for (size_t j = 0; j < group.arity; ++j)
    run.params.push_back(group.lanes(step.params, j));
  for (size_t of : paramsOfGrads(*group.call->rule))
    run.grads.push_back(group.lanes(parts.gradients, of));
  std::map<std::string, GivenInput> given;
  run.given = &given;
  run.inputs = &parts.inputs;
  run.reports = &parts.reports.emplace_back();
  ObjectiveSource objectives = [&](const ast::Oracle &oracle, const Delayed *bound, RuleRun &rule) { return trainObjective(step, group, oracle, bound, rule); };
  run.source = &objectives;
  std::map<std::string, Array> buffers, states, next;
  for (const StateSlot &slot : group.slots) {
    buffers[slot.path] = addState(step.unit, slot, run);
    states[slot.path] = load(buffers[slot.path], slot.decl->loc);
  }
  run.states = &states;
  run.nextStates = &next;
  if (!stepRule(run, parts.hypers) || run.nextParams.size() != group.arity || llvm::any_of(run.nextParams, [](const Array &x) { return x.isPoison(); }))
    return false;
  for (size_t j = 0; j < group.arity; ++j)
    run.nextParams[j] = store(run.nextParams[j], plan.storages[group.member(0, j)], paramName(*group.call->rule, j), run, plan.train->loc);
  for (size_t k = 0; k < group.numLanes(); ++k)
    for (size_t j = 0; j < group.arity; ++j) {
      size_t member = group.member(k, j);
      Value stored = castTo(run.nextParams[j].lane(k), typeOf(parts.arguments[member]).getElementType(), plan.train->loc);
      parts.nextParams.push_back({member, plan.params[member]->name.name, stored, parts.arguments[member]});
    }
  for (const StateSlot &slot : group.slots) {
    auto it = next.find(slot.path);
    const Array &present = buffers[slot.path];
    Array value = it == next.end() || it->second.isPoison() ? present : store(it->second, slot.storage, slot.path, run, slot.decl->loc);
    for (size_t k = 0; k < present.lanes.size(); ++k)
      parts.nextStates.push_back({group.member(k), (slot.isShared ? run.sharedPrefix : run.lanes[k].prefix) + slot.path, value.lane(k), present.lanes[k], slot.isShared});
  }
  parts.runs.push_back(run);
  return true;
}

bool Elaborator::emitTrainStep(const TrainPlan &plan, llvm::StringRef entry) {
  const ast::Train &train = *plan.train;
  UnitBuilder unit(*this, module, FuncKind::TrainStep, train.name.name + "." + entry.str(), train.loc);
  unit.dropsUnused = !plan.entries.empty();
  std::vector<Value> arguments;
  std::vector<Array> params;
  Array time{{unit.addArgument(Role::Time, "t", ArrayType::scalar(builder.getI64Type()), train.loc)}};
  auto giveUp = [&] {
    unit.finish(false, train.loc);
    return false;
  };
  if (!addTrainParams(plan, unit, arguments, params))
    return giveUp();
  HyperSource hypers = [&](const ast::Param &param, const std::string &path, const Delayed *bound, Scope &scope, Array at) {
    return trainHyper(unit, param, path, bound, scope, at);
  };
  llvm::SaveAndRestore atStep(now, time);
  llvm::SaveAndRestore ownRows(rowsUnit, &unit);
  InputSource inputs = [&](const ast::Decl &decl, bool isShared, RuleRun &rule) { return inputArgument(unit, decl, isShared, rule); };
  answers.clear();
  rowsArguments.clear();
  TrainUnit step{plan, unit, time, params};
  const auto goals = llvm::seq<size_t>(0, plan.goals.size());
  for (size_t goal : goals)
    openLoss(plan, goal, unit, time, inputs, step.kept.emplace_back());
  std::vector<Array> gradients(plan.params.size());
  if (!llvm::all_of(goals, [&](size_t goal) { return commitLoss(step, goal); }) || !trainGradients(step, gradients))
    return giveUp();
  TrainParts parts{hypers, inputs, arguments, gradients};
  for (const TrainGroup &group : plan.groups)
    if (!stepGroup(step, group, parts))
      return giveUp();
  const bool asks = plan.entries.empty() || parts.asksLoss(*this, unit);
  SmallVector<Value> values;
  for (size_t goal : asks ? goals : llvm::seq<size_t>(0, 0)) {
    values.push_back(trainValue(step, goal));
    if (!values.back())
      return giveUp();
  }
  for (auto [number, goal] : llvm::enumerate(plan.goals))
    for (const StateSlot &slot : goal.slots) { // committed by an entry that evaluates the loss
      KeptLoss &loss = step.kept[number];
      Value present = loss.buffers[slot.path];
      Value next = asks ? store(loss.next[slot.path], slot.storage, slot.path, loss.run, slot.decl->loc).lanes.front() : present;
      parts.nextStates.push_back({plan.params.size() + number, goal.loss->name + "." + slot.path, next, present, true});
    }
  addNext(unit, parts.nextParams);
  addNext(unit, parts.nextStates);
  for (const RuleRun &run : parts.runs)
    if (!addReports(unit, run))
      return giveUp();
  for (size_t goal : llvm::seq<size_t>(1, std::max<size_t>(values.size(), 1)))
    unit.addResult(Role::Report, plan.goals[goal].loss->name, values[goal], {}, /*isShared=*/true);
  if (!values.empty())
    unit.addResult(Role::Value, "value", values.front());
  finishUnit(unit.finish(true, train.loc), train, train.name.name);
  return true;
}

void Elaborator::emitTrain(const ast::Train &train, Scope &file) {
  TrainPlan plan;
  bool isSound = false, isBegun = false;
  { // What stands where a loss or a rule is expected may be any formula: its operations go into a function that is thrown away.
    UnitBuilder scratch(*this, module, FuncKind::Fn, train.name.name, train.loc);
    isSound = planTrain(train, file, plan) && readEntries(plan);
    scratch.finish(/*keep=*/false, train.loc);
  }
  toldSizes.clear();
  while (isSound && !isBegun) { // each time one size more is told
    beginsAgain = false;
    isBegun = emitTrainInit(plan);
    isSound = isBegun || beginsAgain;
    for (TrainGroup &group : plan.groups)
      if (!isBegun)
        group.slots.clear();
  }
  if (isBegun && plan.entries.empty())
    emitTrainStep(plan, "step");
  for (const std::string &name : isBegun ? plan.entries : std::vector<std::string>()) {
    for (TrainGroup &group : plan.groups) {
      RuleCall &chosen = arena.ruleCalls.emplace_back(*group.call);
      auto named = [&](const ast::OnStmt *entry) { return entry->name.name == name; };
      chosen.entry = *llvm::find_if(entriesOf(*chosen.rule), named);
      group.call = &chosen;
    }
    emitTrainStep(plan, name);
  }
  toldSizes.clear();
}
