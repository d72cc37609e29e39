//===- Scope.cpp - Environments -------------------------------------------===//

#include "lang/Scope.h"

#include <algorithm>

using namespace gradus;
using namespace gradus::lang;

llvm::StringRef Entity::what() const {
  static constexpr llvm::StringLiteral words[] = {"a number", "a function", "a rule",  "a record", "several values", "a function",
                                                  "a rule",   "a shape",    "a train", "an index", "a rule",         "a linear operator", "complex", "a number"};
  return words[data.index()];
}

void Scope::set(llvm::StringRef name, Entity entity, Location loc) {
  if (sightings)
    note(*sightings, loc, entity);
  names[name] = {std::move(entity), loc};
}

void lang::note(Sightings &sightings, Location at, const Entity &entity) {
  if (entity.isPoison() || at.isWholeFile() || at.file != sightings.file)
    return;
  Sighting &sighting = sightings.all.emplace_back();
  sighting.at = at;
  sighting.what = entity.what();
  sighting.isTest = sightings.isTest;
  if (const Complex *z = entity.get<Complex>(); z && !z->re.isPoison())
    sighting.type = z->re.lanes.front().getType();
  if (!entity.isArray())
    return;
  const Array &x = entity.array();
  sighting.type = x.lanes.front().getType();
  sighting.isEach = x.isEach;
  sighting.isJoint = x.isJoint;
  sighting.numIndices = static_cast<unsigned>(x.axes.size());
}

const Binding *Scope::findHere(llvm::StringRef name) const {
  auto it = names.find(name);
  return it == names.end() ? nullptr : &it->second;
}

const Binding *Scope::find(llvm::StringRef name) const {
  for (const Scope *scope = this; scope; scope = scope->parent)
    if (const Binding *binding = scope->findHere(name))
      return binding;
  return nullptr;
}

const Binding *Scope::findLocal(llvm::StringRef name) const {
  for (const Scope *scope = this; scope && !scope->isFile; scope = scope->parent)
    if (const Binding *binding = scope->findHere(name))
      return binding;
  return nullptr;
}

const DimBinding *Scope::findDimHere(llvm::StringRef name) const {
  auto it = dims.find(name);
  return it == dims.end() ? nullptr : &it->second;
}

const DrawSource *Scope::findDraw(llvm::StringRef name) const {
  for (const Scope *scope = this; scope; scope = scope->parent)
    if (const DrawSource *draw = scope->draws.lookup(name))
      return draw;
  return nullptr;
}

const DimBinding *Scope::findDim(llvm::StringRef name) const {
  for (const Scope *scope = this; scope; scope = scope->parent)
    if (const DimBinding *dim = scope->findDimHere(name))
      return dim;
  return nullptr;
}

std::vector<std::string> Scope::visibleNames() const {
  std::vector<std::string> found;
  for (const Scope *scope = this; scope; scope = scope->parent) {
    for (const auto &entry : scope->names)
      found.push_back(entry.first().str());
    for (const auto &entry : scope->dims)
      found.push_back(entry.first().str());
  }
  std::sort(found.begin(), found.end());
  return found;
}
