//===- EmitPoint.cpp - What a rule knows of the arguments of its objectives ---===//
//
// `rule hoag(..) over g(x, y)` makes x itself: `state x: like arg x of g` has the shape that the function behind g declares, and is one for the
// collection. The number of samples of an objective is a size that a state over them says, `state l: [n] = f[each](w)`.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/SampleSizes.h"

using namespace gradus;
using namespace gradus::lang;
using mlir::Attribute;

const ast::Storage *lang::likeArgument(const std::optional<ast::Type> &type) {
  if (type)
    for (const ast::Storage &word : type->storage)
      if (word.isLike && word.arg)
        return &word;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Shapes of arguments
//===----------------------------------------------------------------------===//

/// The shape of what an objective takes at a position. Where it is not bound, that is a vector of a size of its own.
std::optional<Shape> Elaborator::shapeOfPoint(const Closure &closure, size_t position, Location at) {
  const Objective &objective = *closure.objective;
  const std::string &name = (*closure.params)[position].name.name;
  if (const std::optional<Array> &model = objective.models[position]) {
    if (model->lanes.size() == 1)
      return Shape(ownShape(*model));
    error(Code::PointWithoutShape, at, "'" + name + "' of '" + objective.name + "' is a collection of " + counted(model->lanes.size(), "tensor") + ", which has no shape");
    return std::nullopt;
  }
  if (!objective.target) {
    Attribute size = builder.getStringAttr(objective.name + "." + name + ".numel");
    sharedSizes.insert(size);
    return Shape{size};
  }
  const Closure &target = *objective.target;
  Scope *inner = arena.scope(target.scope);
  const ast::Param *declared = nullptr;
  for (const ObjectiveArgument &argument : objective.arguments) {
    const ast::Param &param = *llvm::find_if(*target.params, [&](const ast::Param &one) { return one.name.name == argument.name.name; });
    if (argument.point && argument.point->first == position)
      declared = &param;
    const Array *value = argument.value.isArray() ? &argument.value.array() : nullptr;
    Array tensor;
    if (argument.point && objective.models[argument.point->first]) {
      tensor = {{objective.models[argument.point->first]->lane(argument.point->second)}};
      value = &tensor;
    }
    bool isKnown = value && !value->isPoison() && (param.isSize || (param.type && param.type->hasDims));
    if (isKnown && !bindParam(param, *value, at, *inner))
      return std::nullopt;
  }
  if (declared && declared->type && declared->type->hasDims)
    return evalShape(*declared->type, 0, *inner);
  error(Code::PointWithoutShape, at, "nothing tells the shape of '" + name + "' of '" + objective.name + "': '" + target.name + "' declares none")
      .note(target.loc, "'" + target.name + "' is declared here")
      .suggest("declare it there, as in x: [p]");
  return std::nullopt;
}

/// `like arg x of f`.
std::optional<Shape> Elaborator::shapeOfPoint(const ast::Storage &word, const RuleRun &run) {
  std::vector<std::string> objectives, points;
  for (const auto &[name, entity] : run.objectives) {
    objectives.push_back(name);
    const Closure *closure = entity.get<Closure>();
    if (name != word.name.name)
      continue;
    if (!closure || !closure->objective)
      return std::nullopt;
    for (const auto &[position, param] : llvm::enumerate(*closure->params)) {
      if (param.name.name == word.arg->name)
        return shapeOfPoint(*closure, position, word.loc);
      points.push_back(param.name.name);
    }
    error(Code::UnknownArgument, word.arg->loc, "'" + name + "' has no argument '" + word.arg->name + "'").note(closure->loc, "'" + name + "' is declared here").suggest(didYouMean(word.arg->name, points));
    return std::nullopt;
  }
  error(Code::ObjectiveExpected, word.name.loc, "'" + word.name.name + "' is no objective of the rule").suggest(didYouMean(word.name.name, objectives));
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Samples
//===----------------------------------------------------------------------===//

/// The number of samples of an objective; null where the function behind it has none.
Attribute Elaborator::samplesOf(const Objective &objective) const {
  if (!objective.target) {
    Attribute told = toldSamples.lookup(objective.oracle);
    return told ? told : mlir::StringAttr::get(builder.getContext(), objective.name + ".samples");
  }
  for (const ObjectiveArgument &argument : objective.arguments)
    if (argument.isSampled)
      return ownShape(argument.value.array()).front();
  return {};
}

void lang::tellSizes(const RuleRun &run, const ast::Decl &decl, const Array &first) {
  if (first.isPoison() || !decl.type || !decl.type->hasDims)
    return;
  bool isStack = llvm::any_of(decl.type->storage, [](const ast::Storage &word) { return word.isLike; });
  size_t rank = decl.type->dims.size() + (isStack && !run.params.empty() ? Algebra::ownRank(run.params.front()) : 0);
  if (Algebra::ownShape(first).size() != rank)
    return;
  for (const auto &[axis, dim] : llvm::enumerate(decl.type->dims)) {
    auto *name = llvm::dyn_cast_or_null<ast::Name>(dim.size.get());
    if (!name || run.scope->findDim(name->name) || run.scope->findLocal(name->name))
      continue;
    if (llvm::any_of(run.call->rule->params, [&](const ast::Param &param) { return param.isSize && param.name.name == name->name; }))
      run.scope->setDim(name->name, {{Algebra::ownShape(first)[axis]}, decl.loc});
  }
}

/// A state is declared `[n]`, and its first value has one entry for each sample. Of an objective that is not bound n is the number of samples;
/// else a `size n` without a value is what the data tell. True if something was told.
bool Elaborator::tellSamples(llvm::ArrayRef<Attribute> declared, llvm::ArrayRef<Attribute> given, RuleRun &run) {
  if (declared.size() != given.size())
    return false;
  bool isTold = false;
  for (const auto &[size, samples] : llvm::zip_equal(declared, given))
    for (const auto &[name, entity] : run.objectives) {
      const Closure *closure = entity.get<Closure>();
      const Objective *objective = closure ? closure->objective : nullptr;
      if (size == samples || !objective || samplesOf(*objective) != samples)
        continue;
      auto symbol = llvm::dyn_cast<mlir::StringAttr>(size);
      if (!objective->target && toldSamples.try_emplace(objective->oracle, size).second)
        isTold = true;
      else if (objective->target && symbol && sharedSizes.contains(symbol) && (toldSizes.try_emplace(symbol.str(), samples).second || beginsAgain))
        isTold = beginsAgain = true;
    }
  return isTold;
}
