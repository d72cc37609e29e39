//===- Names.h - What the names of a text belong to ---------------*- C++ -*-===//
//
// Lexical: which declaration a name belongs to is told by the syntax tree alone, so that it is known where a spec has errors, too. Names of
// other files stay open; whoever has those files closes them.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_SERVER_NAMES_H
#define GRADUS_LANG_SERVER_NAMES_H

#include "lang/Ast.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"

namespace gradus::server {

enum class NameKind { Unit, Constant, Argument, Dimension, Param, Grad, State, Input, Oracle, Entry, Draw, Function, Variable, Index };
/// "argument", "state", ...; of a unit its own word.
llvm::StringRef wordOf(NameKind kind);

struct Declaration {
  /// With its prime.
  std::string name;
  Location loc;
  NameKind kind;
  /// The unit that it is, or in which it stands.
  const ast::Unit *unit;
  /// Where it can be read.
  Location extent;
  /// The declaration of the name without prime, or itself.
  size_t root = 0;
  /// It has a name outside of its unit: an argument, a role, a report, an entry, or the unit itself.
  bool isMember = false;
};

/// A name, and the declaration that it belongs to.
struct NameUse {
  Location loc;
  size_t declaration;
};

/// A name that this text does not declare, or not for certain: of a unit of another file, or of a member of one of several units.
struct OpenName {
  Location loc;
  /// The likeliest first.
  std::vector<std::string> units;
  /// Empty for the unit itself.
  std::string member;
};

struct Names {
  explicit Names(const ast::Sheet &sheet);

  std::vector<Declaration> declarations;
  std::vector<NameUse> uses;
  std::vector<OpenName> open;
  /// Of a unit: the units that the defaults of its header call.
  llvm::StringMap<std::vector<std::string>> defaults;
  /// Every formula, those inside of others too.
  std::vector<Location> formulas;

  /// The declaration of the name at a place, or null; `at` becomes the extent of the name.
  const Declaration *find(uint32_t line, uint32_t col, Location &at) const;
  /// The same for a name of another file.
  const OpenName *findOpen(uint32_t line, uint32_t col) const;
  /// The unit of that name, or a member of it; null if there is none.
  const Declaration *findUnit(llvm::StringRef name) const;
  const Declaration *findMember(llvm::StringRef unit, llvm::StringRef member) const;
  std::vector<const Declaration *> membersOf(llvm::StringRef unit) const;
  /// What can be read at a place, innermost last.
  std::vector<const Declaration *> visibleAt(uint32_t line, uint32_t col) const;
};

/// The name of a unit; null for tests and imports.
const ast::Ident *nameOf(const ast::Unit &unit);
bool contains(const Location &loc, uint32_t line, uint32_t col);

} // namespace gradus::server

#endif // GRADUS_LANG_SERVER_NAMES_H
