//===- EmitEntry.cpp - Named entries of rules ----------------------------------===//
//
// `on gradient(now: f64) { .. }` makes a C function of its own on the states that all entries of the rule share. What stands outside of
// the entries is common to all of them. The arguments of an entry are numbers, given in every call.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

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
  std::string names;
  for (const std::string &name : namesOf(entries))
    names += (names.empty() ? "" : ", ") + ("'" + name + "'");
  error(Code::EntryNotChosen, run.call->loc, "'" + run.call->rule->name.name + "' has the entries " + names + ", and none of them is chosen")
      .note(run.call->rule->name.loc, "it is declared here")
      .suggest("a test names one: step(" + run.call->rule->name.name + "(..)." + entries.front()->name.name + ", ..); train and other rules take a rule without entries");
  return false;
}

void Elaborator::runEntry(const ast::OnStmt &stmt, RuleRun &run) {
  for (const ast::Param &param : stmt.params) {
    bool isNumber = !param.isSize && (!param.type || (param.type->kind == ast::TypeKind::Tensor && param.type->dims.empty()));
    if (!isNumber)
      error(Code::EntryArgument, param.loc, "an entry takes numbers, but '" + param.name.name + "' is none").suggest("declare it as an 'input' of the rule");
    bindName(param.name, isNumber ? Entity((*currentHypers)(param, run.hyperPrefix + run.path + param.name.name, nullptr, *run.scope, run.time)) : Entity(), *run.scope);
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
