//===- EmitGoals.cpp - What a train unit minimizes and maximizes ---------------===//
//
// `minimize f over x, maximize over y` has one loss, of which y takes the negative. `minimize g over x, minimize h over y` has two, a game: each
// parameter is moved for its own loss, and stands in the others by its name. The first loss gives the value of the step, the values of
// the others are reports under their names.
//
//===----------------------------------------------------------------------===//

#include "lang/TrainPlan.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;

/// The loss of an objective, which is a name or a call that binds hyper-parameters.
static const ast::Expr &calleeOf(const ast::Expr &expr) {
  auto *call = dyn_cast<ast::Call>(&expr);
  return call ? *call->callee : expr;
}

void Elaborator::noteObjective(const ast::Train &train, Scope &file) {
  for (const ast::Objective &main : train.objectives) {
    auto *name = main.function ? dyn_cast<ast::Name>(&calleeOf(*main.function)) : nullptr;
    const Binding *binding = name ? file.find(name->name) : nullptr;
    const Closure *loss = binding ? binding->entity.get<Closure>() : nullptr;
    if (!loss || !loss->unit)
      continue;
    // What another loss is minimized over is a parameter of this one as well.
    for (const ast::Objective &objective : train.objectives)
      for (const ast::Ident &over : objective.over)
        if (llvm::any_of(*loss->params, [&](const ast::Param &param) { return param.name.name == over.name; }))
          optimised[loss->unit].push_back(over.name);
  }
}

/// The words around the losses: one stands somewhere, and what has none says over what.
bool Elaborator::checkObjectives(const ast::Train &train) {
  const ast::Objective &first = train.objectives.front();
  if (llvm::none_of(train.objectives, [](const ast::Objective &objective) { return objective.function != nullptr; })) {
    error(Code::LossExpected, first.loc, "expected the loss that is " + std::string(first.isMaximize ? "maximized" : "minimized"))
        .suggest(first.isMaximize ? "maximize f over y" : "minimize f over x");
    return false;
  }
  for (const ast::Objective &other : train.objectives)
    if (!other.function && other.over.empty()) {
      const std::string word = other.isMaximize ? "maximize" : "minimize";
      error(Code::MissingArgument, other.loc, "expected what the loss is " + word + "d over").suggest(word + " over y");
      return false;
    }
  return true;
}

/// A loss with the hyper-parameters that the text binds; null after an error.
std::optional<Elaborator::TrainGoal> Elaborator::readGoal(const ast::Objective &objective, Scope &file) {
  Entity entity = eval(calleeOf(*objective.function), file);
  TrainGoal goal;
  goal.loss = entity.get<Closure>();
  goal.source = objective.function.get();
  goal.loc = objective.loc;
  if (!goal.loss || !goal.loss->unit) {
    if (!entity.isPoison())
      error(Code::LossExpected, objective.function->loc, "expected a loss, but this is " + entity.what().str());
    return std::nullopt;
  }
  std::vector<std::string> names;
  for (const ast::Param &param : *goal.loss->params)
    names.push_back(param.name.name);
  auto *call = dyn_cast<ast::Call>(objective.function.get());
  for (const ast::Argument &argument : call ? llvm::ArrayRef<ast::Argument>(call->arguments) : llvm::ArrayRef<ast::Argument>()) {
    std::string name = argument.name ? argument.name->name : "";
    if (!llvm::is_contained(names, name)) {
      error(Code::UnknownArgument, argument.loc, name.empty() ? "the hyper-parameters of a loss are given by name here"
                                                              : "'" + goal.loss->name + "' has no argument '" + name + "'")
          .note(goal.loss->loc, "'" + goal.loss->name + "' is declared here")
          .suggest(didYouMean(name, names));
      return std::nullopt;
    }
    if (!goal.bound.try_emplace(name, Delayed{argument.value.get(), &file}).second) {
      error(Code::ArgumentTwice, argument.loc, "the argument '" + name + "' is given twice");
      return std::nullopt;
    }
  }
  return goal;
}

bool Elaborator::planTrain(const ast::Train &train, Scope &file, TrainPlan &plan) {
  plan.train = &train;
  return checkObjectives(train) && planGoals(train, file, plan) && planGroups(train, file, plan);
}

/// The losses in the order of the text. An objective without one takes the last one before it, else the first one.
bool Elaborator::planGoals(const ast::Train &train, Scope &file, TrainPlan &plan) {
  std::vector<size_t> numbers;
  for (const ast::Objective &objective : train.objectives) {
    if (!objective.function) {
      numbers.push_back(plan.goals.empty() ? 0 : numbers.back());
      continue;
    }
    std::optional<TrainGoal> goal = readGoal(objective, file);
    if (!goal)
      return false;
    auto same = llvm::find_if(plan.goals, [&](const TrainGoal &known) { return known.loss == goal->loss; });
    numbers.push_back(same - plan.goals.begin());
    if (same == plan.goals.end()) {
      if (plan.goals.empty())
        goal->source = nullptr;
      plan.goals.push_back(std::move(*goal));
    } else if (!goal->bound.empty() || !same->bound.empty()) {
      const std::string &name = goal->loss->name;
      error(Code::LossTwice, objective.loc, "'" + name + "' stands twice in the unit, with values of its own")
          .note(same->loc, "it stands first here")
          .suggest(goal->bound.empty() ? "the same loss again is 'maximize over ..' or 'minimize over ..', without its name"
                                       : "write a loss that calls it with other values: loss other(..) = " + name + "(..)");
      return false;
    }
  }
  bool isSound = true;
  for (auto [objective, number] : llvm::zip_equal(train.objectives, numbers))
    isSound &= planParams(objective, number, plan);
  return isSound && !plan.params.empty();
}

/// What a loss is minimized or maximized over, in the order of the text; where nothing is said, its first argument.
bool Elaborator::planParams(const ast::Objective &objective, size_t goal, TrainPlan &plan) {
  const Closure &loss = *plan.goals[goal].loss;
  const std::vector<ast::Param> &params = *loss.params;
  std::vector<std::string> names;
  for (const ast::Param &param : params)
    names.push_back(param.name.name);
  std::vector<ast::Ident> over = objective.over;
  if (over.empty() && !params.empty())
    over.push_back({params.front().name.name, objective.loc, false});
  bool isSound = true;
  for (const ast::Ident &name : over) {
    auto it = llvm::find_if(params, [&](const ast::Param &param) { return param.name.name == name.name; });
    if (it == params.end()) {
      error(Code::UnknownArgument, name.loc, "'" + loss.name + "' has no argument '" + name.name + "'")
          .note(loss.loc, "'" + loss.name + "' is declared here")
          .suggest(didYouMean(name.name, names));
      isSound = false;
      continue;
    }
    if (llvm::any_of(plan.params, [&](const ast::Param *known) { return known->name.name == name.name; })) {
      error(Code::ArgumentTwice, name.loc, "'" + name.name + "' is named twice");
      isSound = false;
      continue;
    }
    std::optional<Kind> kind = kindOfType(it->type, it->defaultValue.get());
    if (kind && *kind != Kind::Float && !objective.over.empty()) {
      error(Code::NotDifferentiable, name.loc, "'" + name.name + "' holds no real numbers, so nothing can be " + (objective.isMaximize ? "maximized" : "minimized") + " over it")
          .note(it->loc, "it is declared here");
      kind = std::nullopt;
    }
    isSound &= kind.has_value();
    plan.params.push_back(&*it);
    plan.goalOf.push_back(goal);
    plan.isMaximized.push_back(objective.isMaximize);
  }
  return isSound;
}
