//===- UnusedName.cpp - A name of a body that nothing reads ------------------===//
//
// A value that is computed and never used is mostly a slip: another name was meant below. Of several results that one assignment names, one that is
// read is enough. Reports of a rule that a test asks for by `r.name` count as read.
//
//     ghat = g / (norm(g) + eps)
//     w' = w - lr * g                                  warned of at ghat
//
//===----------------------------------------------------------------------===//

#include "lang/lint/Finding.h"
#include "lang/lint/Tree.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Casting.h"

using namespace gradus;
using namespace gradus::lint;
using llvm::dyn_cast;
using server::NameKind;

/// The places of names that stand on the left together.
static std::vector<std::vector<Location>> groupsOf(const ast::Sheet &sheet) {
  std::vector<std::vector<Location>> groups;
  auto statement = [&](const ast::Stmt &stmt) {
    auto *assign = dyn_cast<ast::AssignStmt>(&stmt);
    if (!assign || assign->targets.size() < 2)
      return;
    groups.emplace_back();
    for (const ast::Target &target : assign->targets)
      groups.back().push_back(target.name.loc);
  };
  for (const ast::UnitPtr &unit : sheet.units)
    walk(*unit, {[](const ast::Expr &) {}, statement});
  return groups;
}

void lint::findUnusedName(Subject &subject, Findings &findings) {
  const server::Names &names = subject.names();
  llvm::DenseSet<size_t> used;
  for (const server::NameUse &use : names.uses)
    if (subject.isRead(use))
      used.insert(use.declaration);
  auto isUsed = [&](size_t index) {
    const server::Declaration &one = names.declarations[index];
    return used.contains(index) || subject.isMember(one.name);
  };
  std::vector<std::vector<Location>> groups = groupsOf(subject.spec.sheet);
  auto hasUsedNeighbour = [&](const Location &loc) {
    for (const std::vector<Location> &group : groups)
      if (llvm::is_contained(group, loc))
        return llvm::any_of(llvm::enumerate(names.declarations), [&](const auto &other) { return llvm::is_contained(group, other.value().loc) && isUsed(other.index()); });
    return false;
  };
  for (auto [index, one] : llvm::enumerate(names.declarations)) {
    bool isLocalConstant = one.kind == NameKind::Constant && one.unit->kind != ast::UnitKind::Const;
    bool isLooked = isLocalConstant || one.kind == NameKind::Grad || one.kind == NameKind::Input || one.kind == NameKind::Oracle || one.kind == NameKind::Draw ||
                    one.kind == NameKind::Function || one.kind == NameKind::Variable;
    if (!isLooked || llvm::StringRef(one.name).ends_with("'") || isUsed(index) || hasUsedNeighbour(one.loc))
      continue;
    bool isInput = one.kind == NameKind::Grad || one.kind == NameKind::Input || one.kind == NameKind::Oracle;
    findings.push_back({one.loc, "nothing reads the " + wordOf(one.kind).str() + " '" + one.name + "'", isInput ? "read it, or leave it out: callers must give it" : "read it, or leave it out"});
  }
}
