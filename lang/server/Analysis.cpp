//===- Analysis.cpp - One text, understood as far as it goes ----------------===//

#include "lang/server/Analysis.h"

#include "dialect/Gradus.h"
#include "lang/Parser.h"
#include "lang/lint/Lint.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

using namespace gradus;
using namespace gradus::server;

Analysis::Analysis(const std::string &path, std::string text, const EmitOptions &options, const LaterCheck &check)
    : context(mlir::MLIRContext::Threading::DISABLED), diagnostics(sources), main(&sources.add(path, std::move(text))) {
  // What the verifier says is said once more by the front end, as a fault of the compiler; standard output belongs to the protocol.
  context.getDiagEngine().registerHandler([](mlir::Diagnostic &) { return mlir::success(); });
  EmitOptions mine = options;
  mine.sightings = &sightings;
  mine.checks = true; // with what only checks and lints look at
  mine.inspect = [this](const CheckedSpec &spec) { runLints(spec, *main, diagnostics); };
  mlir::OwningOpRef<mlir::ModuleOp> module = emitModule(context, sources, *main, diagnostics, mine);
  if (!module)
    return;
  for (FuncOp func : llvm::make_early_inc_range(module->getOps<FuncOp>()))
    if (func->hasAttr("gradus.proximal"))
      func.erase();
  if (check)
    check(*module, sources, diagnostics);
}

const Analysis::File &Analysis::getFile(uint32_t id) {
  auto [it, isNew] = files.try_emplace(id);
  File &file = it->second;
  if (!isNew)
    return file;
  Diagnostics known(sources); // they are among those of the run
  file.sheet = parseSoundUnits(sources.get(id), known);
  if (!file.sheet) {
    file.sheet = std::make_unique<ast::Sheet>();
    file.sheet->file = id;
  }
  file.names = std::make_unique<Names>(*file.sheet);
  return file;
}

std::vector<uint32_t> Analysis::visibleFiles() const {
  std::vector<uint32_t> ids{main->getId()};
  for (const ImportSeen &import : sightings.imports)
    if (!llvm::is_contained(ids, import.file))
      ids.push_back(import.file);
  return ids;
}

std::optional<Analysis::Found> Analysis::find(Place place) {
  const Names &names = *getFile(main->getId()).names;
  Location at;
  if (const Declaration *declaration = names.find(place.line, place.col, at))
    return Found{declaration, main->getId(), at};
  const OpenName *open = names.findOpen(place.line, place.col);
  return open ? close(*open) : std::nullopt;
}

std::optional<Analysis::Found> Analysis::close(const OpenName &name) {
  std::vector<uint32_t> visible = visibleFiles();
  std::vector<std::string> units = name.units;
  constexpr size_t most = 64; // of defaults in defaults
  for (size_t at = 0; at < units.size() && at < most; ++at)
    for (uint32_t id : visible) {
      const Names &theirs = *getFile(id).names;
      if (const Declaration *found = name.member.empty() ? theirs.findUnit(units[at]) : theirs.findMember(units[at], name.member))
        return Found{found, id, name.loc};
      if (auto inside = theirs.defaults.find(units[at]); inside != theirs.defaults.end())
        llvm::append_range(units, inside->second);
    }
  return std::nullopt;
}

std::string server::realPathOf(llvm::StringRef path) {
  llvm::SmallString<256> real;
  return llvm::sys::fs::real_path(path, real) ? path.str() : real.str().str();
}

Analysis::Target Analysis::targetOf(const Found &found) {
  const Declaration &root = getFile(found.file).names->declarations[found.declaration->root];
  return {realPathOf(sources.get(found.file).getName()), root.loc, root.name, root.kind, root.isMember || found.declaration->isMember};
}

std::optional<Analysis::Target> Analysis::findTarget(Place place) {
  std::optional<Found> found = find(place);
  return found ? std::optional(targetOf(*found)) : std::nullopt;
}

std::vector<Location> Analysis::placesOf(const Target &target) {
  const Names &names = getNames();
  std::vector<Location> places;
  auto add = [&](const Declaration &declaration, uint32_t file, const Location &at) {
    // Cheap first: the path of the file is asked of the system.
    if (llvm::StringRef(declaration.name).rtrim('\'') == target.name && targetOf({&declaration, file, at}) == target)
      places.push_back(at);
  };
  for (const Declaration &one : names.declarations)
    add(one, main->getId(), one.loc);
  for (const NameUse &use : names.uses)
    add(names.declarations[use.declaration], main->getId(), use.loc);
  for (const OpenName &open : names.open)
    if ((open.member.empty() ? open.units.front() : open.member) == target.name)
      if (std::optional<Found> found = close(open))
        add(*found->declaration, found->file, found->at);
  llvm::sort(places, [](const Location &a, const Location &b) { return std::pair(a.line, a.col) < std::pair(b.line, b.col); });
  places.erase(llvm::unique(places), places.end());
  return places;
}

std::optional<ImportSeen> Analysis::findImport(Place place) const {
  for (const ImportSeen &import : sightings.imports)
    if (!import.at.isWholeFile() && contains(import.at, place.line, place.col))
      return import;
  return std::nullopt;
}

bool Analysis::reads(llvm::StringRef path) const {
  for (uint32_t id = 0; id < sources.size(); ++id)
    if (id != main->getId() && realPathOf(sources.get(id).getName()) == path)
      return true;
  return llvm::any_of(diagnostics.getAll(), [](const Diagnostic &one) { return one.code == Code::ImportMissing; });
}

std::optional<Location> Analysis::importOf(uint32_t file) const {
  for (const ImportSeen &import : sightings.imports)
    if (import.file == file && !import.at.isWholeFile())
      return import.at;
  return std::nullopt;
}

std::vector<Analysis::Found> Analysis::getUnits() {
  std::vector<Found> units;
  for (uint32_t id : visibleFiles())
    for (const Declaration &one : getFile(id).names->declarations)
      if (one.kind == NameKind::Unit || (one.kind == NameKind::Constant && llvm::isa<ast::Const>(one.unit)))
        units.push_back({&one, id, one.loc});
  return units;
}

std::vector<const Declaration *> Analysis::visibleAt(Place place) { return getFile(main->getId()).names->visibleAt(place.line, place.col); }

std::vector<const Declaration *> Analysis::membersOf(llvm::StringRef unit) {
  for (uint32_t id : visibleFiles())
    if (std::vector<const Declaration *> members = getFile(id).names->membersOf(unit); !members.empty())
      return members;
  return {};
}

bool Analysis::isInUnit(Place place) {
  return llvm::any_of(getFile(main->getId()).sheet->units, [&](const ast::UnitPtr &unit) { return contains(unit->loc, place.line, place.col); });
}

/// The type as a spec writes it, without the axes of indices.
static std::string describe(const Sighting &sighting) {
  auto type = llvm::dyn_cast_or_null<ArrayType>(sighting.type);
  if (!type)
    return sighting.what.str();
  std::string text = "[";
  for (mlir::Attribute dim : type.getShape().drop_front(std::min<size_t>(sighting.numIndices, type.getShape().size()))) {
    auto symbol = llvm::dyn_cast<mlir::StringAttr>(dim);
    text += (text.size() > 1 ? ", " : "") + (symbol ? symbol.getValue().str() : std::to_string(llvm::cast<mlir::IntegerAttr>(dim).getInt()));
  }
  mlir::Type element = type.getElementType();
  std::string word;
  llvm::raw_string_ostream os(word);
  if (element.isInteger(1))
    os << "bool";
  else if (element.isInteger(64))
    os << "int";
  else
    os << element;
  return text + "] " + word + (sighting.what == "complex" ? " complex" : "");
}

/// A body that is expanded several times is seen with several types; those of tests count where there are no others.
static std::string describe(llvm::ArrayRef<const Sighting *> seen) {
  bool isOnlyTested = llvm::all_of(seen, [](const Sighting *one) { return one->isTest; });
  std::vector<std::string> texts;
  bool isJoint = true, isEach = true;
  for (const Sighting *one : seen) {
    if (one->isTest && !isOnlyTested)
      continue;
    isJoint &= one->isJoint;
    isEach &= one->isEach;
    if (std::string text = describe(*one); !llvm::is_contained(texts, text))
      texts.push_back(text);
  }
  if (texts.empty())
    return "";
  constexpr size_t most = 3;
  std::string all = llvm::join(llvm::ArrayRef(texts).take_front(most), " or ") + (texts.size() > most ? " or .." : "");
  return all + (isJoint ? ", all tensors as one vector" : isEach ? ", one for each tensor" : "");
}

std::string Analysis::typeAt(const Location &loc) const {
  std::vector<const Sighting *> seen;
  for (const Sighting &one : sightings.all)
    if (one.at == loc)
      seen.push_back(&one);
  return describe(seen);
}

std::optional<std::pair<Location, std::string>> Analysis::formulaAt(Place place) {
  std::optional<std::pair<Location, std::string>> smallest;
  auto isInside = [](const Location &inner, const Location &outer) { return contains(outer, inner.line, inner.col) && contains(outer, inner.endLine, inner.endCol); };
  for (const Location &formula : getFile(main->getId()).names->formulas) {
    if (!contains(formula, place.line, place.col) || (smallest && !isInside(formula, smallest->first)))
      continue;
    if (std::string type = typeAt(formula); llvm::StringRef(type).starts_with("["))
      smallest = {formula, type};
  }
  return smallest;
}
