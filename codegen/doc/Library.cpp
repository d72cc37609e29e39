//===- Library.cpp - The specs that are documented together ----------------------===//

#include "codegen/doc/Library.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Casting.h"

using llvm::dyn_cast;
using llvm::isa;
using llvm::StringRef;

namespace gradus::doc {

StringRef kindOf(const ast::Unit &unit) {
  if (auto *function = dyn_cast<ast::Function>(&unit)) {
    static constexpr llvm::StringLiteral words[] = {"loss", "fn", "prox", "projection", "solver", "schedule"};
    return words[static_cast<size_t>(function->function)];
  }
  if (auto *test = dyn_cast<ast::Test>(&unit))
    return test->isProperty ? "property" : "test";
  return isa<ast::Rule>(&unit) ? "rule" : isa<ast::Train>(&unit) ? "train" : isa<ast::Const>(&unit) ? "const" : "import";
}

std::string nameOf(const ast::Unit &unit) {
  const ast::Ident *name = server::nameOf(unit);
  auto *test = dyn_cast<ast::Test>(&unit);
  return name ? name->name : test ? test->title : "";
}

bool isInside(const Location &loc, const ast::Unit &unit) { return loc.line >= unit.loc.line && loc.line <= unit.loc.endLine; }

std::string anchorOf(const ast::Unit &unit) { return isa<ast::Test>(&unit) ? "test-" + std::to_string(unit.loc.line) + (unit.loc.col > 1 ? "-" + std::to_string(unit.loc.col) : "") : "unit-" + nameOf(unit); }

std::vector<const ast::Unit *> Spec::getUnits() const {
  std::vector<const ast::Unit *> units;
  for (const ast::UnitPtr &unit : sheet->units)
    if (!isa<ast::Test, ast::Import>(unit.get()))
      units.push_back(unit.get());
  return units;
}

std::vector<const ast::Test *> Spec::getTests() const {
  std::vector<const ast::Test *> tests;
  for (const ast::UnitPtr &unit : sheet->units)
    if (auto *test = dyn_cast<ast::Test>(unit.get()))
      tests.push_back(test);
  return tests;
}

static const ast::Unit *findUnit(const Spec &spec, StringRef name) {
  for (const ast::Unit *unit : spec.getUnits())
    if (nameOf(*unit) == name)
      return unit;
  return nullptr;
}

/// In the files that the compilation has read, the nearest folder first: that of the spec itself.
UnitPlace Library::findOpen(const Spec &from, StringRef name) const {
  UnitPlace found;
  for (const std::string &file : from.reads) {
    auto spec = byFile.find(file);
    const ast::Unit *unit = spec == byFile.end() || spec->second == &from ? nullptr : findUnit(*spec->second, name);
    if (unit && (!found.unit || (spec->second->folder == from.folder && found.spec->folder != from.folder)))
      found = {spec->second, unit};
  }
  return found;
}

void Library::connect() {
  for (const Spec &spec : specs)
    byFile[spec.file] = &spec;
  for (const Spec &spec : specs) {
    auto &places = named[&spec];
    for (const server::NameUse &use : spec.names->uses)
      if (const server::Declaration &declaration = spec.names->declarations[use.declaration];
          declaration.kind == server::NameKind::Unit || declaration.kind == server::NameKind::Constant)
        places[{use.loc.line, use.loc.col}] = {&spec, declaration.unit};
    for (const server::OpenName &open : spec.names->open)
      if (open.member.empty())
        for (const std::string &unit : llvm::reverse(open.units)) // the likeliest last
          if (UnitPlace place = findOpen(spec, unit); place.unit)
            places[{open.loc.line, open.loc.col}] = place;
    for (const auto &[at, place] : places)
      for (const ast::UnitPtr &unit : spec.sheet->units) {
        if (!isInside({0, at.first, at.second, at.first, at.second}, *unit) || unit.get() == place.unit)
          continue;
        auto isSame = [&](const UnitPlace &other) { return other.unit == place.unit; };
        if (auto &list = uses[unit.get()]; llvm::none_of(list, isSame))
          list.push_back(place);
        if (auto &list = users[place.unit]; llvm::none_of(list, [&](const UnitPlace &other) { return other.unit == unit.get(); }))
          list.push_back({&spec, unit.get()});
      }
  }
}

UnitPlace Library::find(const Spec &from, const Location &loc) const {
  const auto &places = named.at(&from);
  auto at = places.find({loc.line, loc.col});
  return at == places.end() ? UnitPlace() : at->second;
}

std::vector<UnitPlace> Library::look(const Places &places, const ast::Unit &unit) {
  auto at = places.find(&unit);
  return at == places.end() ? std::vector<UnitPlace>() : at->second;
}

std::string Library::linkTo(const Spec &from, const UnitPlace &to) const {
  std::string page = to.spec == &from ? "" : to.spec->folder == from.folder ? to.spec->name + ".html" : (from.folder.empty() ? "" : "../") + to.spec->getPath();
  return page + "#" + anchorOf(*to.unit);
}

} // namespace gradus::doc
