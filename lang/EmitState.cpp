//===- EmitState.cpp - What a rule keeps from step to step --------------------===//
//
// A state belongs to a tensor, or is one for the collection (`shared state`, and in a rule over a joint param every state of a fixed
// shape). Its initial value may read the params, the inputs and the states above it.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/SampleSizes.h"
#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using mlir::Attribute;
using mlir::Value;

static bool isLike(const ast::Type &type) {
  return llvm::any_of(type.storage, [](const ast::Storage &word) { return word.isLike; });
}

/// The dims declared, then the shape of the tensor named after `like`; nothing declared stands for the first param.
std::optional<Shape> Elaborator::roleShape(const ast::Decl &decl, bool isShared, size_t lane, RuleRun &run, bool mayDeclare) {
  const Array *model = run.params.empty() ? nullptr : &run.params.front();
  if (const ast::Storage *word = likeArgument(decl.type); word && !decl.type->hasDims)
    return shapeOfPoint(*word, run);
  bool hasDims = decl.type && decl.type->hasDims, takesShape = (!hasDims && !isShared) || (decl.type && isLike(*decl.type));
  if (takesShape && isShared) {
    error(Code::SharedShape, decl.loc, "'" + decl.name.name + "' is one for the collection, so it cannot have the shape of a tensor").suggest("give it a shape of its own, or drop 'shared'");
    return std::nullopt;
  }
  Shape shape;
  if (hasDims) {
    std::optional<Shape> declared = evalShape(*decl.type, lane, *run.scope, mayDeclare);
    if (!declared)
      return std::nullopt;
    shape = *declared;
  }
  for (const ast::Storage &word : decl.type ? llvm::ArrayRef<ast::Storage>(decl.type->storage) : llvm::ArrayRef<ast::Storage>())
    if (word.isLike) {
      Array named = asArray(evalName(word.name.name, word.name.loc, *run.scope), word.name.loc);
      if (named.isPoison())
        return std::nullopt;
      llvm::append_range(shape, ownShape(named, named.lanes.size() == 1 ? 0 : lane));
      return shape;
    }
  if (takesShape && model)
    llvm::append_range(shape, ownShape(*model, lane));
  for (Attribute dim : isShared ? llvm::ArrayRef<Attribute>(shape) : llvm::ArrayRef<Attribute>())
    for (const Array &param : run.params)
      for (size_t k = 0; k < param.lanes.size(); ++k)
        if (llvm::isa<mlir::StringAttr>(dim) && llvm::is_contained(ownShape(param, k), dim)) {
          error(Code::SharedShape, decl.loc, "'" + decl.name.name + "' is one for the collection, but " + describe(dim) + " is a size of each tensor")
              .suggest("drop 'shared', or take a fixed size");
          return std::nullopt;
        }
  return shape;
}

bool lang::isOverOneVector(const ast::Rule &rule) {
  for (const ast::StmtPtr &stmt : rule.block.statements)
    if (auto *params = dyn_cast<ast::ParamStmt>(stmt.get()); params && params->isJoint && !params->decls.empty())
      return params->decls.front().type && params->decls.front().type->hasDims;
  return false;
}

bool Elaborator::isSharedState(const ast::StateStmt &stmt, const ast::Decl &decl, const RuleRun &run) const {
  bool isJoint = !run.params.empty() && run.params.front().isJoint;
  return stmt.isShared || likeArgument(decl.type) || (isJoint && !isOverOneVector(*run.call->rule) && decl.type && decl.type->hasDims && !isLike(*decl.type));
}

/// The value given, in the shape declared.
Array Elaborator::initialState(const ast::Decl &decl, bool isShared, RuleRun &run) {
  if (!decl.value) {
    error(Code::StateWithoutValue, decl.loc, "the state '" + decl.name.name + "' has no initial value").suggest("state " + decl.name.name + " = 0");
    return {};
  }
  std::optional<Kind> kind = kindOfType(decl.type, nullptr, /*isKept=*/true);
  Array value = evalArray(*decl.value, *run.scope);
  if (value.isPoison() || !kind)
    return {};
  if (isTest)
    tellSizes(run, decl, value);
  const Array *model = run.params.empty() ? nullptr : &run.params.front();
  if (!model && !isShared) {
    error(Code::RuleWithoutParam, decl.loc, "the rule has no param that the state could belong to").suggest("declare a 'shared state'");
    return {};
  }
  if (isShared && value.isEach)
    return perTensor(decl.name.name, decl.value->loc);
  if (kindOf(value) > *kind) {
    error(Code::KindMismatch, decl.value->loc, "'" + decl.name.name + "' holds " + (*kind == Kind::Int ? "integers" : "conditions") + ", but its initial value is a number of another kind");
    return {};
  }
  Array result;
  result.isEach = !isShared;
  result.isJoint = !isShared && model->isJoint;
  for (size_t k = 0; k < (isShared ? 1 : model->lanes.size()); ++k) {
    std::optional<Shape> shape = roleShape(decl, isShared, k, run, /*mayDeclare=*/false);
    if (!shape)
      return {};
    Array one{{value.lane(k)}};
    if (tellSamples(*shape, ownShape(one), run)) {
      value = beginsAgain ? Array() : evalArray(*decl.value, *run.scope);
      if (value.isPoison())
        return {};
      one = {{value.lane(k)}};
    }
    std::optional<Shape> common = commonShape({filled(0, *shape, decl.loc), one}, 0, decl.value->loc);
    if (!common)
      return {};
    if (*common != *shape) {
      error(Code::ShapeMismatch, decl.value->loc, "an initial value of the shape " + describe(ownShape(one)) + " does not fit a state of the shape " + describe(*shape));
      return {};
    }
    result.lanes.push_back(fit(one, 0, {}, *shape, *kind, decl.value->loc));
  }
  return result;
}

/// Reports a value of each tensor where one for the collection is needed.
Array Elaborator::perTensor(const std::string &name, Location at) {
  error(Code::SharedPerTensor, at, "'" + name + "' is one for the collection, but this is another value for each tensor").suggest("reduce it over all tensors: sum[all](..), norm[all](..)");
  return {};
}

bool Elaborator::checkShared(const UnitBuilder &unit, const StateSlot &slot, Value value) {
  return !isOpen || !slot.isShared || !unit.isPerSlot(value) || !perTensor(slot.path, slot.decl->loc).isPoison();
}

/// What is called inside of a block counts its own calls: `base.t`, one for each tensor, since the condition may be another for each.
StateSlot Elaborator::callCounter(const RuleRun &run, const RuleSite &site) {
  const ast::Decl *owner = nullptr;
  for (const ast::StmtPtr &stmt : site.call->rule->block.statements)
    if (auto *params = dyn_cast<ast::ParamStmt>(stmt.get()); params && !owner)
      owner = &params->decls.front();
  StateSlot slot{run.path + site.name + ".t", owner, {}, {}, false, {}};
  slot.initial.isEach = true;
  for (size_t k = 0; k < std::max<size_t>(run.params.empty() ? 1 : run.params.front().lanes.size(), 1); ++k) {
    slot.initial.lanes.push_back(integer(0, run.call->loc).lanes.front());
    slot.types.push_back(typeOf(slot.initial.lanes.back()));
  }
  return slot;
}

bool Elaborator::initStates(RuleRun &run, const HyperSource &hypers, std::vector<StateSlot> &slots) {
  if (run.root.empty())
    run.root = run.call->rule->name.name;
  run.slots = &slots;
  bool isOpened = openRule(run, hypers);
  run.slots = nullptr;
  if (!isOpened)
    return false;
  llvm::SaveAndRestore atWork(currentRun, static_cast<const RuleRun *>(&run));
  llvm::SaveAndRestore path(drawPath, run.root + "." + run.path);
  llvm::SaveAndRestore time(now, run.time);
  bool isSound = true;
  for (const ast::StmtPtr &stmt : run.call->rule->block.statements) {
    auto *states = dyn_cast<ast::StateStmt>(stmt.get());
    for (const ast::Decl &decl : states ? llvm::ArrayRef<ast::Decl>(states->decls) : llvm::ArrayRef<ast::Decl>()) {
      bool isShared = isSharedState(*states, decl, run);
      Array initial = initialState(decl, isShared, run);
      isSound &= !initial.isPoison();
      isSound &= bindName(decl.name, initial, *run.scope);
      Storage storage = storageOf(decl.type);
      slots.push_back({run.path + decl.name.name, &decl, initial, {}, isShared, storage});
      for (Value lane : initial.lanes)
        slots.back().types.push_back(storedType(typeOf(lane), storage));
    }
  }
  for (const ast::Param &param : run.call->rule->params) {
    const Binding *binding = run.scope->findHere(param.name.name);
    RuleSite *site = binding ? binding->entity.site() : nullptr;
    if (!site || !site->call)
      continue;
    RuleRun inner = innerRun(*site);
    inner.params = run.params;
    inner.grads = run.grads;
    isSound &= initStates(inner, hypers, slots);
    if (callsInBlock(*run.call->rule, param.name.name))
      slots.push_back(callCounter(run, *site));
  }
  return isSound;
}
