//===- Scope.h - Environments -------------------------------------*- C++ -*-===//
//
// A chain of scopes from a block out to its file. A scope holds names, primed names (spelled with the prime) and the
// sizes that dimension names stand for. The arena owns all scopes and compile-time values of a run.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_SCOPE_H
#define GRADUS_LANG_SCOPE_H

#include "lang/Objective.h"
#include "lang/Sightings.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallPtrSet.h"

#include <deque>
#include <optional>

namespace gradus::lang {

struct Binding {
  Entity entity;
  Location loc;
};

/// The size of a dimension name: one, or one for each tensor of the collection.
struct DimBinding {
  llvm::SmallVector<mlir::Attribute, 1> lanes;
  Location loc;
  mlir::Attribute lane(size_t k) const { return lanes.size() == 1 ? lanes.front() : lanes[k]; }
};

/// A draw, and what it takes to make it again.
struct DrawSource {
  const ast::Call *call;
  Scope *scope;
  std::string site;
  /// The indices of the loops around.
  llvm::SmallVector<mlir::Value, 1> indices;
};

/// Notes what a name or formula stands for.
void note(Sightings &sightings, Location at, const Entity &entity);

class Scope {
public:
  explicit Scope(Scope *parent) : sightings(parent ? parent->sightings : nullptr), parent(parent) {}

  /// Where what names and formulas stand for is noted; null where nobody asks.
  Sightings *sightings;

  /// A file's scope: its names may be hidden by local ones.
  bool isFile = false;
  /// Of a file: some unit could not be read, and not even its name is known. An unknown name may be its.
  bool lacksUnits = false;
  bool isIncomplete() const { return lacksUnits || (parent && parent->isIncomplete()); }

  /// The binding of a name here or further out, or null.
  const Binding *find(llvm::StringRef name) const;
  const Binding *findHere(llvm::StringRef name) const;
  /// As `find`, without the names of the file.
  const Binding *findLocal(llvm::StringRef name) const;
  void set(llvm::StringRef name, Entity entity, Location loc);
  const DimBinding *findDim(llvm::StringRef name) const;
  const DimBinding *findDimHere(llvm::StringRef name) const;
  const DrawSource *findDraw(llvm::StringRef name) const;
  void setDraw(llvm::StringRef name, const DrawSource *draw) { draws[name] = draw; }
  void setDim(llvm::StringRef name, DimBinding dim) { dims[name] = std::move(dim); }
  /// Every visible name, for suggestions.
  std::vector<std::string> visibleNames() const;
  const llvm::StringMap<Binding> &here() const { return names; }

private:
  Scope *parent;
  llvm::StringMap<Binding> names;
  llvm::StringMap<DimBinding> dims;
  llvm::StringMap<const DrawSource *> draws;
};

struct RuleRun;

/// A constant of a file. It is evaluated where it is read, since the values of one function are none of another.
struct Constant {
  const ast::Decl *decl;
  /// The scope of its file.
  Scope *home;
};

/// The rule that a parameter `base: rule` stands for, inside the wrapping rule.
struct RuleSite {
  RuleRun *outer;
  std::string name;
  const RuleCall *call;
  /// Its calls, of which a step makes one: several are blocks of one 'when'. And the scope in which it ran.
  std::vector<Location> usedAt;
  Scope *ran = nullptr;
};

/// Owns what lives as long as one run of the front end.
struct Arena {
  std::deque<Scope> scopes;
  std::deque<Closure> closures;
  std::deque<Objective> objectives;
  std::deque<RuleCall> ruleCalls;
  std::deque<Record> records;
  std::deque<Entity::Tuple> tuples;
  std::deque<IndexVar> indices;
  std::deque<RuleSite> sites;
  std::deque<Constant> constants;
  std::deque<LinearOperator> operators;
  std::deque<Complex> complexes;
  std::deque<ast::Name> names;
  std::deque<DrawSource> draws;
  /// The file of each rule.
  llvm::DenseMap<const ast::Rule *, Scope *> homes;
  /// Functions whose own check failed: their calls are silent poison.
  llvm::SmallPtrSet<const void *, 4> broken;

  Scope *scope(Scope *parent) { return &scopes.emplace_back(parent); }
};

} // namespace gradus::lang

#endif // GRADUS_LANG_SCOPE_H
