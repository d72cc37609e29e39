//===- Library.h - The specs that are documented together ------------------------===//
//
// What the pages are written from: trees, names, what `gradus build` makes of each spec, and which unit uses which. Nothing in it depends on the date, the
// folder or the machine.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/emit/Writers.h"
#include "lang/Ast.h"
#include "lang/server/Names.h"

#include <map>
#include <memory>
#include <set>

namespace gradus::doc {

/// What `gradus build` makes of a unit.
struct BuiltEntry {
  std::string name;         ///< "adamw.step"
  std::string declarations; ///< of its structs and functions in C
  /// Bytes for each parameter that a step moves, and how few they could be.
  std::optional<double> bytes, floor;
};

struct Spec {
  std::string name;   ///< "adamw"
  std::string folder; ///< "rules", or empty
  std::string file;   ///< the real path
  const Source *source = nullptr;
  std::unique_ptr<ast::Sheet> sheet;
  std::unique_ptr<server::Names> names;
  std::vector<BuiltEntry> entries;
  /// The real paths of all files that its compilation has read.
  std::set<std::string> reads;

  std::string getPath() const { return (folder.empty() ? "" : folder + "/") + name + ".html"; }
  /// The units with names, without constants that only their file reads being left out.
  std::vector<const ast::Unit *> getUnits() const;
  std::vector<const ast::Test *> getTests() const;
};

/// A unit of one of the specs.
struct UnitPlace {
  const Spec *spec = nullptr;
  const ast::Unit *unit = nullptr;
};

/// "rule", "loss", ..
llvm::StringRef kindOf(const ast::Unit &unit);
std::string nameOf(const ast::Unit &unit);
/// Whether a place lies in a unit.
bool isInside(const Location &loc, const ast::Unit &unit);
/// The place of a unit on its page.
std::string anchorOf(const ast::Unit &unit);

class Library {
public:
  std::string title;
  /// What folders hold, a sentence each.
  std::map<std::string, std::string> topics;
  std::vector<Spec> specs; ///< by folder and name

  /// Finds out what uses what; to be called when all specs are there.
  void connect();
  /// The unit that a name of a spec is, or nothing: of this file, or of one that it reads.
  UnitPlace find(const Spec &from, const Location &loc) const;
  /// Other units that a unit names, and those that name it.
  std::vector<UnitPlace> getUses(const ast::Unit &unit) const { return look(uses, unit); }
  std::vector<UnitPlace> getUsers(const ast::Unit &unit) const { return look(users, unit); }
  /// From a page to a unit.
  std::string linkTo(const Spec &from, const UnitPlace &to) const;

private:
  using Places = std::map<const ast::Unit *, std::vector<UnitPlace>>;
  using At = std::pair<uint32_t, uint32_t>;
  static std::vector<UnitPlace> look(const Places &places, const ast::Unit &unit);
  UnitPlace findOpen(const Spec &from, llvm::StringRef name) const;

  std::map<std::string, const Spec *> byFile;
  std::map<const Spec *, std::map<At, UnitPlace>> named;
  Places uses, users;
};

} // namespace gradus::doc
