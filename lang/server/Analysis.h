//===- Analysis.h - One text, understood as far as it goes ---------*- C++ -*-===//
//
// One run of the front end on a text that an editor has, and the questions that it answers. Trees and names are made when they are asked for.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_SERVER_ANALYSIS_H
#define GRADUS_LANG_SERVER_ANALYSIS_H

#include "lang/Frontend.h"
#include "lang/server/Names.h"
#include "lang/server/Text.h"

#include "mlir/IR/MLIRContext.h"

#include <functional>
#include <map>
#include <memory>

namespace gradus::server {

/// Adds messages of what comes behind the front end, and may change the module.
using LaterCheck = std::function<void(mlir::ModuleOp module, const SourceManager &sources, Diagnostics &diagnostics)>;

/// The path itself for what is no file.
std::string realPathOf(llvm::StringRef path);

class Analysis {
public:
  /// `check` may be null.
  Analysis(const std::string &path, std::string text, const EmitOptions &options, const LaterCheck &check);

  const Source &getMain() const { return *main; }
  const SourceManager &getSources() const { return sources; }
  const Diagnostics &getDiagnostics() const { return diagnostics; }

  /// A declaration, its file, and the name that was asked for.
  struct Found {
    const Declaration *declaration;
    uint32_t file;
    Location at;
  };
  std::optional<Found> find(Place place);
  /// A declaration apart from the run that found it, without its prime.
  struct Target {
    /// The real path of its file.
    std::string path;
    Location loc;
    std::string name;
    NameKind kind;
    /// Other files may name it.
    bool isMember;
    bool operator==(const Target &other) const { return path == other.path && std::pair(loc.line, loc.col) == std::pair(other.loc.line, other.loc.col); }
  };
  std::optional<Target> findTarget(Place place);
  /// Where the main file names it, primes too, its declaration included; in the order of the text.
  std::vector<Location> placesOf(const Target &target);
  /// The names of the main file.
  const Names &getNames() { return *getFile(main->getId()).names; }
  /// Of the main file.
  const ast::Sheet &getSheet() { return *getFile(main->getId()).sheet; }
  /// The file that the import at a place brings, with the place of its path.
  std::optional<ImportSeen> findImport(Place place) const;
  /// Whether the run read that file, given by its real path, besides the main one, or missed one.
  bool reads(llvm::StringRef path) const;
  /// Where the main file imports that file; nothing if it does so through another one alone.
  std::optional<Location> importOf(uint32_t file) const;
  /// The units of the main file and of what it imports.
  std::vector<Found> getUnits();
  /// What can be read at a place; where the unit there has errors, that of the units around it.
  std::vector<const Declaration *> visibleAt(Place place);
  /// Header arguments and roles of a unit, of this file or an imported one.
  std::vector<const Declaration *> membersOf(llvm::StringRef unit);
  /// Whether the tree has a unit there.
  bool isInUnit(Place place);
  /// "[n, d] f32" for what is seen exactly there; empty where nothing was understood.
  std::string typeAt(const Location &loc) const;
  /// The smallest formula around a place whose value is known.
  std::optional<std::pair<Location, std::string>> formulaAt(Place place);

private:
  struct File {
    std::unique_ptr<ast::Sheet> sheet;
    std::unique_ptr<Names> names;
  };
  const File &getFile(uint32_t id);
  std::optional<Found> close(const OpenName &name);
  Target targetOf(const Found &found);
  /// The main file first, then those that it imports.
  std::vector<uint32_t> visibleFiles() const;

  mlir::MLIRContext context;
  SourceManager sources;
  Diagnostics diagnostics;
  Sightings sightings;
  const Source *main;
  std::map<uint32_t, File> files;
};

} // namespace gradus::server

#endif // GRADUS_LANG_SERVER_ANALYSIS_H
