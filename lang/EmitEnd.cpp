//===- EmitEnd.cpp - Calls that would expand without end ------------------------===//
//
// A function is expanded where it is called, and a rule where its step is made. So neither may come back to itself, and what they expand to is
// bounded in depth, which keeps the stack of the compiler bounded, and in all.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;

/// Reports, at the outermost call of the unit, that calls expand to too much. The calls behind it give poison in silence.
Entity Elaborator::tooLarge(const std::string &name, Location at) {
  static constexpr size_t reported = std::numeric_limits<size_t>::max() / 2;
  if (numEvaluated >= reported)
    return {};
  bool isDeep = numEvaluated <= maxExpansion;
  std::string chain;
  for (auto [i, frame] : llvm::enumerate(frames))
    if (i < 3)
      chain += frame.what + " calls ";
    else if (i == 3)
      chain += ".. ";
  auto outermost = llvm::find_if(frames, [](const Frame &frame) { return !frame.at.isWholeFile(); });
  std::string limit = isDeep ? "stand more than " + std::to_string(maxCallDepth) + " deep" : "expand to more than " + std::to_string(maxExpansion) + " operations";
  error(Code::ExpansionTooLarge, outermost == frames.end() ? at : outermost->at, "the calls here " + limit + ": " + chain + "'" + name + "'")
      .suggest(isDeep ? "what is called is expanded where it is called: write some of these as one"
                      : "a call is replaced by the body of its fn: where a value is used twice, give it a name and call once");
  numEvaluated = reported;
  return {};
}

/// What `expand` says, which expands a step of the rule; false where that would have no end. A rule that takes a function or a rule may get another one inside.
bool Elaborator::expandRule(const ast::Rule &rule, Location at, llvm::function_ref<bool()> expand) {
  bool takesFunction = !rule.oracles.empty() || llvm::any_of(rule.params, [](const ast::Param &param) { return param.isFunction(); });
  bool isTooDeep = expanding.size() >= maxCallDepth;
  if (llvm::is_contained(expanding, static_cast<const void *>(&rule)) && (!takesFunction || isTooDeep)) {
    error(Code::RecursiveFunction, at, "'" + rule.name.name + "' makes a step of itself")
        .note(rule.name.loc, "it is declared here")
        .suggest("a rule is expanded where its step is made, so it cannot recur");
    return false;
  }
  if (numEvaluated > maxExpansion || isTooDeep) {
    tooLarge(rule.name.name, at);
    return false;
  }
  expanding.push_back(&rule);
  bool isSound = expand();
  expanding.pop_back();
  return isSound;
}

/// The rule that an argument of `outer` stands for: what the call binds, or the default, which may not want itself again inside. Null without either.
const RuleCall *Elaborator::wrappedRule(const RuleCall &outer, const ast::Param &param, Scope &own) {
  const Delayed *bound = findBound(outer.bound, param.name.name);
  const ast::Expr *source = bound ? bound->expr : param.defaultValue.get();
  const RuleCall *inner = source ? evalRule(*source, bound ? *bound->scope : own) : nullptr;
  if (!inner)
    return nullptr;
  RuleCall &linked = arena.ruleCalls.emplace_back(*inner);
  linked.defaults = outer.defaults;
  if (bound)
    return &linked;
  if (llvm::is_contained(outer.defaults, &param)) {
    error(Code::RecursiveFunction, source->loc, "the rule that '" + param.name.name + "' is by default wraps '" + outer.rule->name.name + "' again, which has this default")
        .suggest("give '" + param.name.name + "' a rule here that wraps nothing, or no default");
    return nullptr;
  }
  if (numEvaluated > maxExpansion || outer.defaults.size() >= maxCallDepth) {
    tooLarge(inner->rule->name.name, source->loc);
    return nullptr;
  }
  linked.defaults.push_back(&param);
  return &linked;
}
