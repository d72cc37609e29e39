//===- EmitSite.cpp - Wrapped rules that are called inside of blocks -----------===//
//
// Where `when` or `every` does not reach the call, the wrapped rule makes no step: its states stay, and its t, which counts its own calls, too.
// In a loop it makes a step in each pass. Inside the wrapper its states are names like `base.m`, which the block primes as it does those of the
// wrapper, and a loop carries; no name of a spec has a dot.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::lang;
using mlir::Value;

/// The states of a wrapped rule and of those inside it, by their paths.
static std::vector<std::pair<std::string, Array>> statesBehind(const RuleRun &run, const std::string &site) {
  std::vector<std::pair<std::string, Array>> found;
  std::string prefix = run.path + site + ".";
  for (auto it = run.states->lower_bound(prefix); it != run.states->end() && llvm::StringRef(it->first).starts_with(prefix); ++it)
    found.push_back({it->first.substr(run.path.size()), it->second});
  return found;
}

/// Names the present states of what is called inside a block.
void Elaborator::openSites(RuleRun &run) {
  for (const ast::Param &param : run.call->rule->params) {
    const Binding *binding = run.scope->findHere(param.name.name);
    if (!binding || !binding->entity.site() || !callsInBlock(*run.call->rule, param.name.name))
      continue;
    for (auto &[name, state] : statesBehind(run, param.name.name))
      run.scope->set(name, state, param.loc);
  }
}

/// Takes the next states out of the scope.
void Elaborator::closeSites(RuleRun &run) {
  for (const auto &entry : run.scope->here())
    if (entry.first().contains('.') && entry.first().ends_with("'") && entry.second.entity.isArray())
      (*run.nextStates)[run.path + entry.first().drop_back().str()] = entry.second.entity.array();
}

/// The names of `block` that calls of wrapped rules prime.
std::vector<std::string> Elaborator::primedByCalls(const ast::Block &block, Scope &scope) {
  std::set<std::string> names;
  forEachExpr(block, [&](const ast::Expr &expr) {
    auto *call = llvm::dyn_cast<ast::Call>(&expr);
    auto *callee = call ? llvm::dyn_cast<ast::Name>(call->callee.get()) : nullptr;
    const Binding *binding = callee ? scope.find(callee->name) : nullptr;
    const RuleSite *site = binding ? binding->entity.site() : nullptr;
    if (site && primes && primes->around == site->outer)
      for (auto &[name, state] : statesBehind(*primes->around, site->name))
        names.insert(name);
  });
  return {names.begin(), names.end()};
}

/// The wrapped rules that a block here may call.
std::vector<RuleSite *> Elaborator::sitesHere() {
  std::vector<RuleSite *> sites;
  if (primes && primes->around)
    for (const ast::Param &param : primes->around->call->rule->params)
      if (const Binding *binding = primes->around->scope->findHere(param.name.name); binding && binding->entity.site())
        sites.push_back(binding->entity.site());
  return sites;
}

/// A wrapped rule is called in a statement of the block itself, so that the block knows what it primes.
bool Elaborator::mayCallInside(const RuleSite &site, const ast::Call &call) {
  if (primes && primes->around == site.outer)
    return true;
  error(Code::RuleCalledInside, call.loc, "'" + site.name + "' is called inside a block by another function").suggest("call it outside, with what the block gives");
  return false;
}

/// One step of a wrapped rule in a block, for the tensor at hand.
bool Elaborator::stepInside(const RuleSite &site, RuleRun &inner, Scope &scope, Location at) {
  for (const ast::StmtPtr &stmt : site.call->rule->block.statements)
    if (auto *inputs = llvm::dyn_cast<ast::InputStmt>(stmt.get()); inputs && !inputs->isShared && activeLane) {
      error(Code::RuleCalledInside, at, "'" + site.name + "' takes an input of each tensor, so that it cannot be called inside a block for several tensors")
          .note(stmt->loc, "the input is declared here");
      return false;
    }
  std::map<std::string, Array> states, next;
  for (auto &[name, state] : statesBehind(*site.outer, site.name)) {
    const Binding *present = findPresent(name, scope); // in a loop that of the pass
    states[site.outer->path + name] = sliceLane(present ? present->entity.array() : state);
  }
  std::string counter = inner.path + "t";
  inner.states = &states;
  inner.nextStates = &next;
  inner.time = add(states[counter], integer(1, at), at);
  if (activeLane) {
    size_t lane = *activeLane;
    inner.tensors = {lane < inner.tensors.size() ? inner.tensors[lane] : lane};
    if (!inner.lanes.empty())
      inner.lanes = {inner.lanes[lane]};
  }
  Array time = inner.time;
  llvm::SaveAndRestore wholeLane(activeLane, std::optional<size_t>());
  llvm::SaveAndRestore ownCount(laneCount, laneCount);
  if (!stepRule(inner, *currentHypers))
    return false;
  next[counter] = time;
  for (auto &[path, value] : next)
    scope.set(path.substr(site.outer->path.size()) + "'", value, at);
  return true;
}
