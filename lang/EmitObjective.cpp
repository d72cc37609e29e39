//===- EmitObjective.cpp - What a train unit minimises -------------------------===//
//
// The losses of a train unit with their arguments: parameters, which the rules move, data, which the application gives, and hyper-parameters.
// A rule over an objective gets the one that its parameters are moved for, or the negative of it where it is maximized over them, with the
// tensors of its group as the point; those of other groups stay as they are. A rule with several
// objectives names them, `bo_rep(f = val, g = inner)`; the data of the other losses are data of the step too.
//
//===----------------------------------------------------------------------===//

#include "lang/TrainPlan.h"
#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::SmallVector;
using mlir::Value;

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

/// Data of the batch, one argument of the unit for all losses that name it.
Array Elaborator::lossData(TrainUnit &step, const TrainLoss &loss, const ast::Param &param) {
  std::optional<Shape> shape = evalShape(*param.type, 0, *loss.shapes, /*mayDeclare=*/true);
  std::optional<Kind> kind = kindOfType(param.type, nullptr);
  if (!shape || !kind || !refuseStochastic(param.type, "an argument of a loss"))
    return {};
  mlir::Type element = argumentElement(param.type, *kind, shape->size());
  auto [it, isNew] = step.data.try_emplace(param.name.name);
  if (isNew) {
    Value data = step.unit.addArgument(Role::Data, param.name.name, ArrayType::get(builder.getContext(), *shape, element), param.loc);
    it->second = {{castTo(data, elementOf(*kind, shape->size()), param.loc)}};
  } else if (ownShape(it->second) != llvm::ArrayRef(*shape) || kindOf(it->second) != *kind) {
    error(Code::ObjectiveData, param.loc, "the data '" + param.name.name + "' of '" + loss.closure->name + "' have the shape " + describe(*shape) + ", but another loss of the step takes data of that name of the shape " + describe(ownShape(it->second)))
        .suggest("rename one of them");
    return {};
  }
  return it->second;
}

/// The value of an argument that is no parameter.
Array Elaborator::lossArgument(TrainUnit &step, const TrainLoss &loss, const ast::Param &param, const std::map<std::string, Delayed> &bound) {
  if (param.type && param.type->hasDims)
    return lossData(step, loss, param);
  const Delayed *given = findBound(bound, param.name.name);
  std::string path = lossHyperPath(step.plan, *loss.closure, loss.bound != nullptr, param);
  if (param.isSize)
    return bindSize(param, given, path, *loss.shapes, param.loc) ? loss.shapes->findHere(param.name.name)->entity.array() : Array();
  StateKeeper mine{loss.kept ? &loss.kept->run : nullptr, param.name.name + "."};
  llvm::SaveAndRestore keeps(keeper, loss.kept ? &mine : nullptr);
  return trainHyper(step.unit, param, path, given, *loss.shapes, step.time);
}

/// The text gives values of hyper-parameters and sizes: parameters are what the rules move; other arrays are data of the application, or points of a rule.
bool Elaborator::checkBound(const TrainPlan &plan, const Closure &loss, const std::map<std::string, Delayed> &bound) {
  bool isSound = true;
  for (const ast::Param &param : *loss.params) {
    const std::string &name = param.name.name;
    const Delayed *given = findBound(bound, name);
    bool isMoved = llvm::any_of(plan.params, [&](const ast::Param *known) { return known->name.name == name; });
    if (!given || (!isMoved && !(param.type && param.type->hasDims)))
      continue;
    error(Code::ArgumentNotFree, given->expr->loc, "'" + name + "' of '" + loss.name + "' is " + (isMoved ? "what the unit moves" : "given by the application or the rule") + ", so it takes no value here")
        .note(param.loc, "it is declared here")
        .suggest("write a loss that calls '" + loss.name + "' with a value for '" + name + "'");
    isSound = false;
  }
  return isSound;
}

/// A loss of the unit; made once. The rule itself makes `extras` of its arguments, the first that are no parameters.
Elaborator::TrainLoss *Elaborator::bindLoss(TrainUnit &step, const Closure &closure, const std::map<std::string, Delayed> &bound, const ast::Expr *source, size_t extras) {
  for (TrainLoss &known : step.losses)
    if (known.closure == &closure && known.bound == source)
      return &known;
  if (!checkBound(step.plan, closure, bound))
    return nullptr;
  TrainLoss loss;
  loss.closure = &closure;
  loss.bound = source;
  loss.shapes = arena.scope(closure.scope);
  if (std::optional<size_t> goal = step.plan.find(closure, source))
    loss.kept = &step.kept[*goal];
  const std::vector<const ast::Param *> &over = step.plan.params;
  auto positionOf = [&](const ast::Param &param) -> std::optional<size_t> {
    auto it = llvm::find_if(over, [&](const ast::Param *known) { return known->name.name == param.name.name; });
    return it == over.end() ? std::nullopt : std::optional<size_t>(it - over.begin());
  };
  // The sizes of the parameters first: data may be written in terms of them.
  for (const ast::Param &param : *closure.params)
    if (std::optional<size_t> position = positionOf(param); position && param.type && param.type->hasDims)
      if (!bindShape(*param.type, step.params[*position], param.name.name, param.loc, *loss.shapes))
        return nullptr;
  // Then the sizes that the spec or the command line fixes.
  for (const ast::Param &param : *closure.params)
    if (param.isSize && lossArgument(step, loss, param, bound).isPoison())
      return nullptr;
  size_t nextExtra = 0;
  for (const ast::Param &param : *closure.params) {
    ObjectiveArgument argument{param.name, std::nullopt, {}, false, false};
    std::optional<size_t> position = positionOf(param), extra;
    if (position)
      argument.value = step.params[*position];
    else if (nextExtra < extras && param.type && param.type->hasDims)
      extra = nextExtra++;
    else
      argument.value = param.isSize ? loss.shapes->findHere(param.name.name)->entity.array() : lossArgument(step, loss, param, bound);
    if (!extra && argument.value.isPoison())
      return nullptr;
    loss.arguments.push_back(std::move(argument));
    loss.params.push_back(position);
    loss.extras.push_back(extra);
  }
  Objective &whole = arena.objectives.emplace_back();
  whole.name = closure.name;
  whole.target = &closure;
  whole.root = &whole;
  whole.arguments = loss.arguments;
  for (auto [argument, position] : llvm::zip_equal(whole.arguments, loss.params))
    if (position)
      argument.point = {*position, 0};
  if (loss.kept && keepsState(closure))
    whole.kept = &loss.kept->run;
  loss.root = &whole;
  step.losses.push_back(std::move(loss));
  return &step.losses.back();
}

/// A loss that the unit minimizes or maximizes.
Elaborator::TrainLoss *Elaborator::bindGoal(TrainUnit &step, size_t goal) {
  const TrainGoal &planned = step.plan.goals[goal];
  return bindLoss(step, *planned.loss, planned.bound, planned.source, 0);
}

/// `next.X`, `all.X`: data with a number of samples of its own.
Array Elaborator::furtherData(TrainUnit &step, const TrainLoss &loss, size_t argument, DataChoice choice) {
  const ast::Param &param = (*loss.closure->params)[argument];
  std::string prefix = choice == DataChoice::Next ? "next." : "all.", name = prefix + param.name.name;
  if (auto known = step.data.find(name); known != step.data.end())
    return known->second;
  Scope *shapes = arena.scope(loss.shapes);
  if (std::string samples = leadingName(param.type); !samples.empty())
    shapes->setDim(samples, {{builder.getStringAttr(prefix + samples)}, param.loc});
  std::optional<Shape> shape = evalShape(*param.type, 0, *shapes, /*mayDeclare=*/true);
  if (!shape)
    return {};
  const Array &batch = loss.arguments[argument].value.array();
  mlir::Type element = argumentElement(param.type, kindOf(batch), shape->size());
  // The argument stands before everything, also where it is first asked for in a block.
  mlir::OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&step.unit.getFunc().getBody().front());
  Value data = step.unit.addArgument(Role::Data, name, ArrayType::get(builder.getContext(), *shape, element), param.loc);
  return step.data[name] = {{castTo(data, elementOf(kindOf(batch), shape->size()), param.loc)}};
}

//===----------------------------------------------------------------------===//
// What rules ask
//===----------------------------------------------------------------------===//

/// Whether the first value of some state of a rule asks an objective, or has the shape of what one takes.
static bool asksFirst(const ast::Rule &rule, const std::string &oracle) {
  bool asks = false;
  for (const ast::StmtPtr &stmt : rule.block.statements)
    if (auto *states = llvm::dyn_cast<ast::StateStmt>(stmt.get()))
      for (const ast::Decl &decl : states->decls) {
        const ast::Storage *like = likeArgument(decl.type);
        asks |= like && like->name.name == oracle;
        if (decl.value)
          forEachExpr(*decl.value, [&](const ast::Expr &expr) {
            auto *name = llvm::dyn_cast<ast::Name>(&expr);
            auto *derivative = llvm::dyn_cast<ast::Derivative>(&expr);
            asks |= (name && name->name == oracle) || (derivative && derivative->function.name == oracle);
          });
      }
  return asks;
}

/// The loss that the parameters of a group are moved for, of which an objective without a name stands; null after an error.
std::optional<size_t> Elaborator::goalOf(const TrainPlan &plan, const TrainGroup &group, const ast::Oracle &oracle, const RuleRun &run) {
  const size_t first = group.members.front();
  auto other = llvm::find_if(group.members, [&](size_t member) { return plan.goalOf[member] != plan.goalOf[first]; });
  if (other == group.members.end())
    return plan.goalOf[first];
  error(Code::ObjectiveMixed, run.call->loc, "'" + run.call->rule->name.name + "' asks one objective, but '" + plan.params[first]->name.name + "' is moved for '" +
                                                 plan.goals[plan.goalOf[first]].loss->name + "' and '" + plan.params[*other]->name.name + "' for '" + plan.goals[plan.goalOf[*other]].loss->name + "'")
      .note(oracle.loc, "the objective is declared here")
      .suggest("give each loss a group: with { " + plan.params[first]->name.name + ": ..; else: .. }");
  return std::nullopt;
}

/// Whether a rule, which makes its objectives small, gets the negative of a loss: the unit maximizes it over what the group moves for it.
std::optional<bool> Elaborator::isNegated(const TrainPlan &plan, const TrainGroup &group, size_t goal, const ast::Oracle &oracle, const RuleRun &run) {
  const std::string *moved[2] = {nullptr, nullptr};
  for (size_t member : group.members)
    if (plan.goalOf[member] == goal)
      moved[plan.isMaximized[member]] = &plan.params[member]->name.name;
  if (!moved[0] || !moved[1])
    return moved[1] != nullptr;
  error(Code::ObjectiveMixed, run.call->loc, "'" + run.call->rule->name.name + "' asks one objective, but '" + plan.goals[goal].loss->name + "' is minimized over '" + *moved[0] + "' and maximized over '" + *moved[1] + "'")
      .note(oracle.loc, "the objective is declared here")
      .suggest("give them groups of their own: with { " + *moved[0] + ": ..; else: .. }");
  return std::nullopt;
}

/// The objective of a rule in a train unit: the loss of its parameters, or the one that the rule's call names.
Entity Elaborator::trainObjective(TrainUnit &step, const TrainGroup &group, const ast::Oracle &oracle, const Delayed *bound, RuleRun &run) {
  const TrainPlan &plan = step.plan;
  const bool isInit = step.unit.getFunc().getKind() == FuncKind::TrainInit;
  if (isInit && !asksFirst(*run.call->rule, oracle.name.name))
    return unboundObjective(oracle, run);
  if (!bound && run.call->rule->oracles.size() > 1) {
    error(Code::ObjectiveMissing, run.call->loc, "'" + run.call->rule->name.name + "' has several objectives, and '" + oracle.name.name + "' is not named")
        .note(oracle.loc, "it is declared here")
        .suggest("name the loss of each: " + run.call->rule->name.name + "(.., " + oracle.name.name + " = " + plan.goals.front().loss->name + ")");
    return {};
  }
  std::optional<Target> target;
  std::optional<size_t> goal;
  if (bound) {
    target = readTarget(*bound);
    if (!target)
      return {};
    if (target->closure->objective)
      return target->closure;
    for (auto [number, known] : llvm::enumerate(plan.goals))
      if (target->bound.empty() && known.loss == target->closure)
        goal = number;
  } else {
    goal = goalOf(plan, group, oracle, run);
    if (!goal)
      return {};
  }
  std::optional<bool> negates = goal ? isNegated(plan, group, *goal, oracle, run) : false;
  if (!negates)
    return {};
  Objective &objective = newObjective(oracle, run);
  objective.isNegated = *negates;
  size_t extras = llvm::count(objective.models, std::nullopt);
  TrainLoss *loss = goal ? bindLoss(step, *plan.goals[*goal].loss, plan.goals[*goal].bound, plan.goals[*goal].source, extras) : bindLoss(step, *target->closure, target->bound, bound->expr, extras);
  if (!loss)
    return {};
  // The first values of a rule's states see the first ones of the loss.
  if (goal && isInit && !loss->kept->run.committed && !commitLoss(step, *goal))
    return {};
  objective.target = loss->closure;
  objective.root = loss->root;
  objective.kept = loss->root->kept;
  objective.arguments = loss->arguments;
  // Which param of the rule each point is, and which points the rule makes itself.
  SmallVector<size_t> own, made;
  for (auto [i, model] : llvm::enumerate(objective.models))
    (model ? own : made).push_back(i);
  size_t filled = 0;
  for (auto [i, argument] : llvm::enumerate(objective.arguments)) {
    if (loss->extras[i] && *loss->extras[i] < made.size()) {
      argument.point = {made[*loss->extras[i]], 0};
      ++filled;
    }
    argument.isParam = loss->params[i].has_value();
    for (size_t k = 0; loss->params[i] && k < group.numLanes(); ++k)
      for (size_t j = 0; j < group.arity && j < own.size(); ++j)
        if (group.member(k, j) == *loss->params[i])
          argument.point = {own[j], k};
    filled += argument.point && argument.isParam;
  }
  if (filled != group.numLanes() * std::min(group.arity, own.size()) + made.size()) {
    error(Code::ObjectiveArguments, bound ? bound->expr->loc : run.call->loc, "'" + loss->closure->name + "' does not take all that '" + run.call->rule->name.name + "' asks '" + oracle.name.name + "' for")
        .note(loss->closure->loc, "'" + loss->closure->name + "' is declared here")
        .suggest("its arguments are the parameters by their names, then what the rule makes itself");
    return {};
  }
  findSamples(objective);
  objective.further = [this, &step, loss](size_t argument, DataChoice choice) { return furtherData(step, *loss, argument, choice); };
  return objectiveEntity(objective, oracle, run);
}

//===----------------------------------------------------------------------===//
// What rules with a gradient take
//===----------------------------------------------------------------------===//

/// The gradients that some rule takes; the others stay poison and cost nothing.
bool Elaborator::trainGradients(TrainUnit &step, std::vector<Array> &gradients) {
  SmallVector<size_t> wrt;
  for (const TrainGroup &group : step.plan.groups)
    for (size_t of : paramsOfGrads(*group.call->rule))
      for (size_t k = 0; k < group.numLanes(); ++k)
        if (!llvm::is_contained(wrt, group.member(k, of)))
          wrt.push_back(group.member(k, of));
  if (wrt.empty())
    return true;
  llvm::sort(wrt);
  for (size_t goal : llvm::seq<size_t>(0, step.plan.goals.size())) {
    SmallVector<size_t> mine;
    llvm::copy_if(wrt, std::back_inserter(mine), [&](size_t position) { return step.plan.goalOf[position] == goal; });
    if (mine.empty())
      continue;
    const TrainLoss *loss = bindGoal(step, goal);
    if (!loss)
      return false;
    const Location gradientAt = step.plan.goals[goal].loc;
    std::vector<Array> found = askGradients(*loss->root, step.params, mine, gradientAt);
    if (found.empty())
      return false;
    for (auto [position, gradient] : llvm::zip_equal(mine, found))
      gradients[position] = step.plan.isMaximized[position] ? negate(gradient, gradientAt) : gradient;
  }
  return true;
}

/// A loss at the parameters of the step; of a loss of which the rule makes an argument, where the rule asked it first.
Value Elaborator::trainValue(TrainUnit &step, size_t goal) {
  Location at = step.plan.goals[goal].loc;
  const TrainLoss *loss = bindGoal(step, goal);
  if (!loss)
    return {};
  if (llvm::none_of(loss->extras, [](const auto &extra) { return extra.has_value(); })) {
    Array value = askValue(*loss->root, step.params, at);
    return value.isPoison() ? Value() : value.lanes.front();
  }
  for (const Answer &answer : answers)
    if (answer.root == loss->root && answer.choice == DataChoice::Batch && answer.value)
      return answer.value;
  error(Code::ObjectiveArguments, at, "the step has no value of '" + loss->closure->name + "' to report, for its rule makes an argument of it and asks no value outside of blocks")
      .note(loss->closure->loc, "'" + loss->closure->name + "' is declared here");
  return {};
}
