//===- EmitEntry.cpp - Named entries of rules ----------------------------------===//
//
// `on gradient(now: f64) { .. }` makes a C function of its own on the states that all entries of the rule share. What stands outside of
// the entries is common to all of them. The numbers that an entry takes are given in every call; an array is an input of that entry alone. The
// step of a train unit is one for each entry of its rules.
//
//===----------------------------------------------------------------------===//

#include "lang/TrainPlan.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;

std::vector<const ast::OnStmt *> Elaborator::entriesOf(const ast::Rule &rule) {
  std::vector<const ast::OnStmt *> entries;
  for (const ast::StmtPtr &stmt : rule.block.statements)
    if (auto *entry = dyn_cast<ast::OnStmt>(stmt.get()))
      entries.push_back(entry);
  if (entries.empty())
    entries.push_back(nullptr);
  return entries;
}

static std::vector<std::string> namesOf(llvm::ArrayRef<const ast::OnStmt *> entries) {
  std::vector<std::string> names;
  for (const ast::OnStmt *entry : entries)
    if (entry)
      names.push_back(entry->name.name);
  return names;
}

static std::string listed(llvm::ArrayRef<std::string> names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "'" : ", '") + name + "'";
  return text;
}

/// Whether the names of entries can stand beside `init`, each once.
bool Elaborator::checkEntries(const ast::Rule &rule) {
  std::map<std::string, Location> known;
  bool isSound = true;
  for (const ast::OnStmt *entry : entriesOf(rule)) {
    if (!entry)
      continue;
    auto [it, isNew] = known.try_emplace(entry->name.name, entry->name.loc);
    if (!isNew)
      error(Code::DuplicateName, entry->name.loc, "the rule has two entries '" + entry->name.name + "'").note(it->second, "the first one is here");
    else if (entry->name.name == "init")
      error(Code::DuplicateName, entry->name.loc, "'init' is the function that makes the first states").suggest("choose another name");
    else
      continue;
    isSound = false;
  }
  return isSound;
}

/// `dadao(..).gradient`: the rule with that entry in the place of `step`.
Entity Elaborator::namedEntry(const ast::Rule &rule, const RuleCall *call, const ast::Ident &name) {
  std::vector<const ast::OnStmt *> entries = entriesOf(rule);
  auto it = llvm::find_if(entries, [&](const ast::OnStmt *entry) { return entry && entry->name.name == name.name; });
  if (it == entries.end()) {
    error(Code::UnknownMember, name.loc, "the rule '" + rule.name.name + "' has no entry '" + name.name + "'")
        .note(rule.name.loc, "'" + rule.name.name + "' is declared here")
        .suggest(didYouMean(name.name, namesOf(entries)));
    return {};
  }
  RuleCall &chosen = arena.ruleCalls.emplace_back(call ? *call : RuleCall{&rule, arena.homes.lookup(&rule), name.loc, {}});
  chosen.entry = *it;
  return &static_cast<const RuleCall &>(chosen);
}

/// A rule with entries steps by one of them.
bool Elaborator::checkChosen(const RuleRun &run) {
  std::vector<const ast::OnStmt *> entries = entriesOf(*run.call->rule);
  if (!entries.front() || run.call->entry)
    return true;
  error(Code::EntryNotChosen, run.call->loc, "'" + run.call->rule->name.name + "' has the entries " + listed(namesOf(entries)) + ", and none of them is chosen")
      .note(run.call->rule->name.loc, "it is declared here")
      .suggest("name one, as a test and another rule must: " + run.call->rule->name.name + "(..)." + entries.front()->name.name);
  return false;
}

/// The entries of a train unit: those of its rules, which have all of them the same ones, or none.
bool Elaborator::readEntries(TrainPlan &plan) {
  for (const TrainGroup &group : plan.groups) {
    std::vector<std::string> names = group.call->entry ? std::vector<std::string>() : namesOf(entriesOf(*group.call->rule));
    if (&group == &plan.groups.front())
      plan.entries = names;
    if (std::set<std::string>(names.begin(), names.end()) == std::set<std::string>(plan.entries.begin(), plan.entries.end()))
      continue;
    const ast::Ident &first = plan.groups.front().call->rule->name, &other = group.call->rule->name;
    auto said = [&](const ast::Ident &rule, llvm::ArrayRef<std::string> entries) { return "'" + rule.name + "' has " + (entries.empty() ? "one step" : "the entries " + listed(entries)); };
    error(Code::EntryNotChosen, group.call->loc, "each entry of a train unit moves all its parameters, but " + said(first, plan.entries) + ", and " + said(other, names))
        .note(other.loc, "'" + other.name + "' is declared here")
        .suggest("give them rules with the same entries, or choose one: " + (names.empty() ? first.name + "(..)." + plan.entries.front() : other.name + "(..)." + names.front()));
    return false;
  }
  return true;
}

void Elaborator::runEntry(const ast::OnStmt &stmt, RuleRun &run) {
  refuseSets(stmt.params);
  for (const ast::Param &param : stmt.params) {
    auto input = llvm::find_if(stmt.inputs, [&](const ast::Decl &decl) { return decl.name.name == param.name.name; });
    bool isArray = input != stmt.inputs.end(), isNumber = !isArray && !param.isSize && (!param.type || param.type->kind == ast::TypeKind::Tensor);
    Array value;
    if (isArray)
      value = takeInput(*input, /*isShared=*/false, run);
    else if (isNumber)
      value = (*currentHypers)(param, run.hyperPrefix + run.path + param.name.name, nullptr, *run.scope, run.time);
    else
      error(Code::EntryArgument, param.loc, "an entry takes numbers and arrays, but '" + param.name.name + "' is none").suggest("declare it as an argument of the rule");
    bindName(param.name, isArray && !value.isPoison() ? named(value, param.loc) : value, *run.scope);
  }
  for (const ast::StmtPtr &inner : stmt.block.statements)
    switch (inner->kind) {
    case ast::StmtKind::Param:
    case ast::StmtKind::Grad:
    case ast::StmtKind::State:
    case ast::StmtKind::Input:
    case ast::StmtKind::On:
      notHere(*inner, "an entry of a rule", "declare it outside, for all entries");
      break;
    default:
      runRuleStatement(*inner, run);
    }
}
