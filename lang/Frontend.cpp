//===- Frontend.cpp - Files, imports and the order of units -----------------===//

#include "lang/Frontend.h"
#include "lang/Elaborator.h"
#include "lang/Parser.h"

#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;

namespace {

/// A parsed file with its scope.
struct File {
  const Source *source;
  std::string identity;
  std::unique_ptr<ast::Sheet> sheet;
  Scope *scope = nullptr;
  std::vector<std::pair<const ast::Import *, const ast::Sheet *>> imports = {};
  bool isLoading = true;
};

/// Loads files, each once, and fills their scopes.
class Loader {
public:
  Loader(SourceManager &sources, Diagnostics &diagnostics, const EmitOptions &options, Arena &arena, Elaborator &elaborator)
      : sources(sources), diagnostics(diagnostics), options(options), arena(arena), elaborator(elaborator) {}

  /// Null if the file cannot be cut into units.
  File *load(const Source &source, std::string identity, std::optional<Location> importedAt = std::nullopt);
  /// The unit `name` of std/solvers/name.grad.
  Entity findSolver(llvm::StringRef name);

private:
  File *import(const ast::Import &unit, const Source &importer);
  File *known(llvm::StringRef identity);
  void declareUnits(File &file);
  std::vector<std::pair<std::string, std::string>> placesOf(const ast::Import &unit, const Source &importer) const;
  void reportCycle(const ast::Import &unit, const File &first);
  bool refusesSecondShelf(const ast::Import &unit, llvm::ArrayRef<std::pair<std::string, std::string>> places, llvm::StringRef found);

  SourceManager &sources;
  Diagnostics &diagnostics;
  const EmitOptions &options;
  Arena &arena;
  Elaborator &elaborator;
  std::deque<File> files;
  /// The files whose imports are being loaded, from the main one on, with the place where each is imported.
  struct Loading {
    const File *file;
    std::optional<Location> importedAt;
  };
  std::vector<Loading> loading;
};

} // namespace

static std::string identityOf(llvm::StringRef path) {
  llvm::SmallString<256> real;
  if (llvm::sys::fs::real_path(path, real))
    return path.str();
  return real.str().str();
}

/// `import "adam"` names a file of a folder or of the library; everything else is a path.
static bool isModuleName(llvm::StringRef text) { return !text.contains('/') && !text.ends_with(".grad"); }

/// Where an import may lie, in the order in which it is looked for: the folder and the path in it.
std::vector<std::pair<std::string, std::string>> Loader::placesOf(const ast::Import &unit, const Source &importer) const {
  std::string path = unit.path + (isModuleName(unit.path) ? ".grad" : "");
  std::vector<std::pair<std::string, std::string>> places{{llvm::sys::path::parent_path(importer.getName()).str(), path}};
  for (const std::string &folder : options.importFolders)
    places.push_back({folder, path});
  llvm::StringRef inLibrary = path;
  if (options.standardLibrary.empty())
    return places;
  if (inLibrary.consume_front("std/"))
    places.push_back({options.standardLibrary, inLibrary.str()});
  if (!isModuleName(unit.path))
    return places;
  std::vector<std::string> shelves;
  std::error_code failed;
  for (llvm::sys::fs::directory_iterator entry(options.standardLibrary, failed), end; !failed && entry != end; entry.increment(failed))
    if (llvm::sys::fs::is_directory(entry->path()))
      shelves.push_back(entry->path());
  llvm::sort(shelves);
  for (const std::string &shelf : shelves)
    places.push_back({shelf, path});
  return places;
}

/// Reports the files that import each other, and where each of them does.
void Loader::reportCycle(const ast::Import &unit, const File &first) {
  auto name = [](const File &file) { return llvm::sys::path::filename(file.source->getName()).str(); };
  auto from = llvm::find_if(loading, [&](const Loading &one) { return one.file == &first; });
  std::string chain;
  for (auto it = from; it != loading.end(); ++it)
    chain += "'" + name(*it->file) + "' imports ";
  Diagnostic &diagnostic = diagnostics.error(Code::ImportCycle, unit.pathLoc, "files import each other: " + chain + "'" + name(first) + "'");
  for (auto it = std::next(from); it != loading.end(); ++it)
    diagnostic.note(*it->importedAt, "'" + name(*it->file) + "' is imported here");
  diagnostic.suggest("move what both need into a third file");
}

/// `import "lbfgs"` where a rule and a solver of that name stand on two shelves; what is beside the importer or in a folder of -I comes first.
bool Loader::refusesSecondShelf(const ast::Import &unit, llvm::ArrayRef<std::pair<std::string, std::string>> places, llvm::StringRef found) {
  auto onShelf = [&](llvm::StringRef folder) { return isModuleName(unit.path) && !options.standardLibrary.empty() && llvm::sys::path::parent_path(folder) == llvm::StringRef(options.standardLibrary).rtrim('/'); };
  if (!onShelf(found))
    return false;
  for (const auto &[folder, rest] : places) {
    llvm::SmallString<256> path(folder);
    llvm::sys::path::append(path, rest);
    if (folder == found || !onShelf(folder) || !llvm::sys::fs::is_regular_file(path))
      continue;
    auto shelf = [&](llvm::StringRef of) { return ("\"std/" + llvm::sys::path::filename(of) + "/" + rest + "\"").str(); };
    diagnostics.error(Code::ImportAmbiguous, unit.pathLoc, "'" + unit.path + "' stands on more than one shelf of the library").suggest("write " + shelf(found) + " or " + shelf(folder));
    return true;
  }
  return false;
}

File *Loader::import(const ast::Import &unit, const Source &importer) {
  auto places = placesOf(unit, importer);
  for (const auto &[folder, rest] : places) {
    llvm::SmallString<256> path(folder);
    llvm::sys::path::append(path, rest);
    if (!llvm::sys::fs::is_regular_file(path))
      continue;
    std::string identity = identityOf(path);
    if (refusesSecondShelf(unit, places, folder))
      return nullptr;
    if (File *file = known(identity)) {
      if (!file->isLoading)
        return file;
      reportCycle(unit, *file);
      return nullptr;
    }
    auto text = options.texts.find(identity);
    const Source *source = text == options.texts.end() ? readSource(path.str().str(), sources, diagnostics) : &sources.add(path.str().str(), text->second);
    return source ? load(*source, identity, unit.pathLoc) : nullptr;
  }
  Diagnostic &diagnostic = diagnostics.error(Code::ImportMissing, unit.pathLoc, "no file '" + unit.path + "' was found");
  std::string searched;
  for (const auto &[folder, rest] : places)
    searched += (searched.empty() ? "" : " and ") + ("'" + (folder.empty() ? "." : folder) + "'");
  diagnostic.suggest("looked in " + searched);
  return nullptr;
}

/// A file that is loaded, or being loaded.
File *Loader::known(llvm::StringRef identity) {
  auto it = llvm::find_if(files, [&](const File &file) { return file.identity == identity; });
  return it == files.end() ? nullptr : &*it;
}

Entity Loader::findSolver(llvm::StringRef name) {
  llvm::SmallString<256> path(options.standardLibrary);
  llvm::sys::path::append(path, "solvers", name + ".grad");
  if (options.standardLibrary.empty() || !llvm::sys::fs::is_regular_file(path))
    return {};
  std::string identity = identityOf(path);
  File *file = known(identity);
  if (!file)
    if (const Source *source = readSource(path.str().str(), sources, diagnostics))
      file = load(*source, identity);
  const Binding *binding = file && file->scope ? file->scope->findHere(name) : nullptr;
  if (binding && options.sightings)
    options.sightings->imports.push_back({{}, file->source->getId()});
  return binding ? binding->entity : Entity();
}

/// The name of a unit with syntax errors stands for poison.
static void declareLeftOut(const ast::Ident &name, File &file) {
  if (!file.scope->findHere(name.name))
    file.scope->set(name.name, Entity(), name.loc);
}

void Loader::declareUnits(File &file) {
  auto declare = [&](const ast::Ident &name, Entity entity) {
    if (const Binding *known = file.scope->findHere(name.name))
      diagnostics.error(Code::DuplicateName, name.loc, "'" + name.name + "' is declared twice").note(known->loc, "it is declared first here");
    else
      file.scope->set(name.name, std::move(entity), name.loc);
  };
  auto checkParams = [&](llvm::ArrayRef<ast::Param> params) {
    llvm::StringMap<Location> known;
    for (const ast::Param &param : params)
      if (auto [at, isNew] = known.try_emplace(param.name.name, param.name.loc); !isNew)
        diagnostics.error(Code::DuplicateName, param.name.loc, "the argument '" + param.name.name + "' is declared twice")
            .note(at->second, "it is declared first here")
            .suggest("give one of them another name");
  };
  for (const ast::UnitPtr &unit : file.sheet->units) {
    if (auto *function = dyn_cast<ast::Function>(unit.get()))
      checkParams(function->params);
    if (auto *rule = dyn_cast<ast::Rule>(unit.get()))
      checkParams(rule->params);
    if (auto *function = dyn_cast<ast::Function>(unit.get()))
      declare(function->name, elaborator.declare(*function, *file.scope));
    if (auto *rule = dyn_cast<ast::Rule>(unit.get())) {
      arena.homes[rule] = file.scope;
      declare(rule->name, rule);
    }
    if (auto *train = dyn_cast<ast::Train>(unit.get()))
      declare(train->name, train);
    if (auto *constant = dyn_cast<ast::Const>(unit.get()))
      declare(constant->decl.name, elaborator.declare(*constant, *file.scope));
  }
  for (const ast::Ident &name : file.sheet->leftOut)
    declareLeftOut(name, file);
}

File *Loader::load(const Source &source, std::string identity, std::optional<Location> importedAt) {
  File &file = files.emplace_back();
  file.source = &source;
  file.identity = std::move(identity);
  file.sheet = parseSoundUnits(source, diagnostics);
  if (!file.sheet) {
    file.isLoading = false;
    return nullptr;
  }
  file.scope = arena.scope(nullptr);
  file.scope->sightings = options.sightings;
  file.scope->isFile = true;
  file.scope->lacksUnits = file.sheet->lacksNames;
  declareUnits(file);
  loading.push_back({&file, importedAt});
  for (const ast::UnitPtr &unit : file.sheet->units) {
    auto *wanted = dyn_cast<ast::Import>(unit.get());
    if (!wanted)
      continue;
    File *imported = import(*wanted, source);
    if (imported && options.sightings && source.getId() == options.sightings->file)
      options.sightings->imports.push_back({wanted->pathLoc, imported->source->getId()});
    if (!imported || !imported->scope) {
      file.scope->lacksUnits = true;
      continue;
    }
    file.imports.push_back({wanted, imported->sheet.get()});
    file.scope->lacksUnits |= imported->scope->lacksUnits;
    for (const ast::Ident &name : imported->sheet->leftOut)
      declareLeftOut(name, file);
    for (const ast::UnitPtr &theirs : imported->sheet->units) {
      const ast::Ident *name = nullptr;
      if (auto *function = dyn_cast<ast::Function>(theirs.get()))
        name = &function->name;
      if (auto *rule = dyn_cast<ast::Rule>(theirs.get()))
        name = &rule->name;
      if (auto *constant = dyn_cast<ast::Const>(theirs.get()))
        name = &constant->decl.name;
      const Binding *binding = name ? imported->scope->findHere(name->name) : nullptr;
      if (!binding)
        continue;
      const Binding *known = file.scope->findHere(name->name);
      if (known && !(known->loc == binding->loc)) {
        diagnostics.error(Code::DuplicateName, wanted->pathLoc, "this file declares '" + name->name + "', which is declared already")
            .note(known->loc, "it is declared here")
            .note(binding->loc, "and here");
        continue;
      }
      file.scope->set(name->name, binding->entity, binding->loc);
    }
  }
  loading.pop_back();
  file.isLoading = false;
  return &file;
}

/// Constants and functions first, so that a broken one is silent where it is read; tests last.
static void emitUnits(const ast::Sheet &sheet, Scope &scope, Elaborator &elaborator, Elaborator &tester, Diagnostics &diagnostics) {
  for (const ast::UnitPtr &unit : sheet.units)
    if (auto *constant = dyn_cast<ast::Const>(unit.get()))
      elaborator.emitConstant(*constant, scope);
  for (const ast::UnitPtr &unit : sheet.units)
    if (auto *train = dyn_cast<ast::Train>(unit.get()))
      elaborator.noteObjective(*train, scope);
  for (const ast::UnitPtr &unit : sheet.units)
    if (auto *function = dyn_cast<ast::Function>(unit.get()))
      elaborator.emitFunction(*function, scope);
  for (const ast::UnitPtr &unit : sheet.units)
    if (auto *rule = dyn_cast<ast::Rule>(unit.get()))
      elaborator.emitRule(*rule, scope);
  for (const ast::UnitPtr &unit : sheet.units)
    if (auto *train = dyn_cast<ast::Train>(unit.get()))
      elaborator.emitTrain(*train, scope);
  if (scope.sightings)
    scope.sightings->isTest = true;
  llvm::StringMap<Location> titles;
  for (const ast::UnitPtr &unit : sheet.units) {
    auto *test = dyn_cast<ast::Test>(unit.get());
    if (!test)
      continue;
    auto [it, isNew] = titles.try_emplace(test->title, test->titleLoc);
    if (!isNew)
      diagnostics.error(Code::DuplicateName, test->titleLoc, "two tests have this title").note(it->second, "the first one is here");
    else
      tester.emitTest(*test, scope);
  }
}

/// Whether a function adds up arrays over the collection, which it could not do without a buffer of its own for the sum.
static bool reducesArrays(FuncOp func) {
  auto isOfArrays = [](AllReduceOp op) { return op.getX().getType().isScalar() ? mlir::WalkResult::advance() : mlir::WalkResult::interrupt(); };
  return func && func.walk(isOfArrays).wasInterrupted();
}

/// A rule over an objective has code in a train unit alone, and so has one that adds up arrays over the collection. The module keeps the place
/// of the first one that is left out.
static void leaveOutUnbound(mlir::ModuleOp module, const ast::Sheet &sheet, const Elaborator &elaborator) {
  for (const ast::UnitPtr &unit : sheet.units) {
    auto *rule = dyn_cast<ast::Rule>(unit.get());
    bool isOverAll = rule && reducesArrays(module.lookupSymbol<FuncOp>(rule->name.name + ".step"));
    if (!rule || (rule->oracles.empty() && !isOverAll))
      continue;
    if (!module->hasAttr(unboundAttribute)) {
      llvm::StringRef reason = isOverAll ? "G0465: a rule that adds up arrays over the collection" : "G0417: a rule over an objective";
      module->setAttr(unboundAttribute, elaborator.place(rule->name.loc));
      module->setAttr(unboundReasonAttribute, mlir::StringAttr::get(module.getContext(), reason));
    }
    // Its init, its step, and its named entries.
    for (FuncOp func : llvm::make_early_inc_range(module.getOps<FuncOp>()))
      if (func.getSymName().starts_with(rule->name.name + "."))
        func.erase();
  }
}

/// Why a rule has no function of its own; empty where it has one.
static std::string whyLeftOut(mlir::ModuleOp module, const ast::Rule &rule) {
  bool hasStep = llvm::any_of(module.getOps<FuncOp>(), [&](FuncOp func) {
    return func.getKind() == FuncKind::RuleStep && func.getSymName().starts_with(rule.name.name + ".");
  });
  if (hasStep)
    return "";
  if (!rule.oracles.empty())
    return "it is over an objective, and is tried in train units alone";
  bool takesRule = llvm::any_of(rule.params, [](const ast::Param &param) { return param.isFunction(); });
  return takesRule ? "it takes a rule or a function, and is tried in train units alone" : "it has no code of its own";
}

/// Why a function has none in the module; empty where it has one, or no derivative.
static std::string whyLeftOut(mlir::ModuleOp module, const ast::Function &function) {
  if (function.function == ast::FunctionKind::Schedule)
    return "";
  bool isProximal = function.function == ast::FunctionKind::Prox || function.function == ast::FunctionKind::Projection;
  if (module.lookupSymbol(function.name.name + (isProximal ? ".value" : "")) || module.lookupSymbol(function.name.name + ".trial"))
    return "";
  return isProximal ? "it cannot be tried on arrays and numbers alone" : "it has an argument without a shape, and is tried where a loss or fn of this file calls it";
}

/// What `gradus check` says of the units that it has no function of.
static void noteLeftOut(mlir::ModuleOp module, const ast::Sheet &sheet) {
  mlir::Builder builder(module.getContext());
  mlir::NamedAttrList leftOut;
  auto add = [&](llvm::StringRef word, const ast::Ident &name, const std::string &why) {
    if (!why.empty())
      leftOut.set((word + " " + name.name).str(), builder.getStringAttr(why));
  };
  for (const ast::UnitPtr &unit : sheet.units)
    if (auto *rule = dyn_cast<ast::Rule>(unit.get()))
      add("rule", rule->name, whyLeftOut(module, *rule));
    else if (auto *function = dyn_cast<ast::Function>(unit.get()))
      add(wordOf(function->function), function->name, whyLeftOut(module, *function));
  module->setAttr("gradus.left_out", leftOut.getDictionary(module.getContext()));
}

mlir::OwningOpRef<mlir::ModuleOp> gradus::emitModule(mlir::MLIRContext &context, SourceManager &sources, const Source &main,
                                                     Diagnostics &diagnostics, const EmitOptions &options) {
  context.getOrLoadDialect<GradusDialect>();
  mlir::Builder builder(&context);
  mlir::Type real = llvm::StringSwitch<mlir::Type>(options.dtype)
                        .Case("f16", builder.getF16Type())
                        .Case("bf16", builder.getBF16Type())
                        .Case("f32", builder.getF32Type())
                        .Case("f64", builder.getF64Type())
                        .Default(nullptr);
  if (!real) {
    diagnostics.error(Code::UnknownType, main.wholeFile(), "unknown dtype '" + options.dtype + "'").suggest("f16, bf16, f32 or f64");
    return {};
  }
  auto start = mlir::FileLineColLoc::get(&context, main.getName(), 0, 0);
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(start);
  Arena arena;
  Elaborator elaborator(context, diagnostics, real, arena, *module), tester(context, diagnostics, builder.getF64Type(), arena, *module);
  elaborator.emitsChecks = options.checks;
  elaborator.givenSizes = options.sizes;
  if (options.sightings)
    options.sightings->file = main.getId();
  Loader loader(sources, diagnostics, options, arena, elaborator);
  elaborator.findSolver = tester.findSolver = [&](llvm::StringRef name) { return loader.findSolver(name); };
  File *file = loader.load(main, identityOf(main.getName()));
  if (!file || !file->sheet)
    return {};
  emitUnits(*file->sheet, *file->scope, elaborator, tester, diagnostics);
  for (const auto &[name, size] : options.sizes)
    if (!elaborator.takenSizes.contains(name))
      diagnostics.error(Code::UnknownArgument, main.wholeFile(), "no unit has a size '" + name + "' that is not bound already").suggest("a size is declared as in rule r(size m = 10)");
  if (diagnostics.hasErrors())
    return {};
  if (mlir::failed(mlir::verify(*module))) {
    diagnostics.error(Code::Internal, main.wholeFile(), "the compiler emitted invalid operations; this is a bug of the compiler");
    return {};
  }
  if (options.inspect)
    options.inspect({*file->sheet, file->imports, *module});
  if (!options.keepsUnbound)
    leaveOutUnbound(*module, *file->sheet, elaborator);
  if (options.checks)
    noteLeftOut(*module, *file->sheet);
  return module;
}

mlir::OwningOpRef<mlir::ModuleOp> gradus::emitFile(mlir::MLIRContext &context, SourceManager &sources, const std::string &path,
                                                   Diagnostics &diagnostics, const EmitOptions &options) {
  const Source *main = readSource(path, sources, diagnostics);
  return main ? emitModule(context, sources, *main, diagnostics, options) : nullptr;
}
