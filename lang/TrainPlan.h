//===- TrainPlan.h - What a train unit has decided ------------------*- C++ -*-===//

#ifndef GRADUS_LANG_TRAINPLAN_H
#define GRADUS_LANG_TRAINPLAN_H

#include "lang/Elaborator.h"

namespace gradus::lang {

/// A loss that the unit minimizes, maximizes, or both, over some of its parameters.
struct Elaborator::TrainGoal {
  const Closure *loss = nullptr;
  std::map<std::string, Delayed> bound;
  /// What says it; null for the first one, whose hyper-parameters have their plain names.
  const ast::Expr *source = nullptr;
  Location loc;
  /// Its states and those of what its hyper-parameters are bound to.
  std::vector<StateSlot> slots;
};

struct Elaborator::TrainGroup {
  const RuleCall *call = nullptr;
  /// Prefix of its hyper-parameters: "" for the only rule, "W." for a group.
  std::string prefix;
  /// Positions in the list of parameters: of a rule of several params those of the first tensor, then of the second, ..
  std::vector<size_t> members;
  size_t arity = 1;
  std::vector<StateSlot> slots;
  size_t numLanes() const { return members.size() / arity; }
  size_t member(size_t lane, size_t param = 0) const { return members[lane * arity + param]; }
  /// The tensors that one param of the rule stands for, as lanes of one array.
  Array lanes(llvm::ArrayRef<Array> values, size_t param) const {
    Array result;
    result.isEach = true;
    for (size_t k = 0; k < numLanes(); ++k)
      result.lanes.push_back(values[member(k, param)].lanes.front());
    return result;
  }
};

struct Elaborator::TrainPlan {
  const ast::Train *train = nullptr;
  /// The first one gives the value of the step; the values of the others are reports.
  std::vector<TrainGoal> goals;
  std::vector<const ast::Param *> params;
  /// For each the number of its loss, and whether that is maximized over it: a rule then gets the gradient of the negative.
  std::vector<size_t> goalOf;
  std::vector<bool> isMaximized;
  std::vector<TrainGroup> groups;
  /// The named entries of its rules; empty where they have none.
  std::vector<std::string> entries;
  /// How the rules keep the parameters.
  std::vector<Storage> storages;

  /// The number of a loss that the unit says, by its name or by what says it.
  std::optional<size_t> find(const Closure &loss, const ast::Expr *source) const {
    auto it = llvm::find_if(goals, [&](const TrainGoal &goal) { return goal.loss == &loss && goal.source == source; });
    return it == goals.end() ? std::nullopt : std::optional<size_t>(it - goals.begin());
  }
};

/// A loss with its arguments in a unit.
struct Elaborator::TrainLoss {
  const Closure *closure = nullptr;
  /// What binds it, null for the first loss of the unit.
  const ast::Expr *bound = nullptr;
  /// Of a loss of the unit, which keeps its states.
  KeptLoss *kept = nullptr;
  Scope *shapes = nullptr;
  std::vector<ObjectiveArgument> arguments;
  /// For each argument the parameter that it is, or the number of the point that the rule makes itself.
  std::vector<std::optional<size_t>> params, extras;
  /// Asked at all parameters at once; its answers serve all rules.
  const Objective *root = nullptr;
};

/// The states of a loss of the step, and of what its hyper-parameters are bound to.
struct Elaborator::KeptLoss {
  RuleRun run;
  std::map<std::string, GivenInput> given;
  std::map<std::string, Array> states, next;
  std::map<std::string, mlir::Value> buffers;
};

void refuseOwnPoint(Algebra &algebra, const Closure &loss, Location at);

/// An init or step function of a unit under construction.
struct Elaborator::TrainUnit {
  const TrainPlan &plan;
  UnitBuilder &unit;
  Array time;
  /// The present values of the parameters.
  std::vector<Array> params;
  std::deque<TrainLoss> losses = {};
  /// Data by the name of the argument.
  std::map<std::string, Array> data = {};
  /// For each loss of the unit.
  std::deque<KeptLoss> kept = {};
};

} // namespace gradus::lang

#endif // GRADUS_LANG_TRAINPLAN_H
