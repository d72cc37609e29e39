//===- Names.cpp - What the names of a text belong to ----------------------===//

#include "lang/server/Names.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Casting.h"

using namespace gradus;
using namespace gradus::server;
using llvm::dyn_cast;
using llvm::StringRef;

StringRef server::wordOf(NameKind kind) {
  static constexpr llvm::StringLiteral words[] = {"unit", "constant", "argument", "dimension", "param", "gradient", "state",
                                                  "input", "objective", "entry", "draw", "function", "value", "index"};
  return words[static_cast<size_t>(kind)];
}

const ast::Ident *server::nameOf(const ast::Unit &unit) {
  if (auto *function = dyn_cast<ast::Function>(&unit))
    return &function->name;
  if (auto *rule = dyn_cast<ast::Rule>(&unit))
    return &rule->name;
  if (auto *train = dyn_cast<ast::Train>(&unit))
    return &train->name;
  auto *constant = dyn_cast<ast::Const>(&unit);
  return constant ? &constant->decl.name : nullptr;
}

/// The end counts: an editor's cursor stands behind the last letter as well.
bool server::contains(const Location &loc, uint32_t line, uint32_t col) {
  auto place = std::pair(line, col);
  return std::pair(loc.line, loc.col) <= place && place <= std::pair(loc.endLine, loc.endCol);
}

const Declaration *Names::find(uint32_t line, uint32_t col, Location &at) const {
  // A use goes first: where a name is declared twice, the second place belongs to the first one.
  for (const NameUse &use : uses)
    if (contains(use.loc, line, col)) {
      at = use.loc;
      return &declarations[use.declaration];
    }
  for (const Declaration &declaration : declarations)
    if (contains(declaration.loc, line, col)) {
      at = declaration.loc;
      return &declaration;
    }
  return nullptr;
}

const OpenName *Names::findOpen(uint32_t line, uint32_t col) const {
  auto it = llvm::find_if(open, [&](const OpenName &name) { return contains(name.loc, line, col); });
  return it == open.end() ? nullptr : &*it;
}

const Declaration *Names::findUnit(StringRef name) const {
  auto it = llvm::find_if(declarations, [&](const Declaration &one) {
    return one.name == name && (one.kind == NameKind::Unit || (one.kind == NameKind::Constant && llvm::isa<ast::Const>(one.unit)));
  });
  return it == declarations.end() ? nullptr : &*it;
}

std::vector<const Declaration *> Names::membersOf(StringRef unit) const {
  const Declaration *owner = findUnit(unit);
  std::vector<const Declaration *> members;
  for (const Declaration &one : declarations)
    if (owner && one.unit == owner->unit && one.isMember && &one != owner)
      members.push_back(&one);
  return members;
}

const Declaration *Names::findMember(StringRef unit, StringRef member) const {
  for (const Declaration *one : membersOf(unit))
    if (one->name == member)
      return one;
  return nullptr;
}

std::vector<const Declaration *> Names::visibleAt(uint32_t line, uint32_t col) const {
  std::vector<const Declaration *> visible;
  for (const Declaration &one : declarations)
    if (contains(one.extent, line, col))
      visible.push_back(&one);
  return visible;
}
