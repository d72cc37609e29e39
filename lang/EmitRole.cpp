//===- EmitRole.cpp - Inputs and reports of rules -----------------------------===//
//
// An input comes from the application in every step, one for each tensor or, `shared`, one for the collection. The rules of a composition
// that name the same input share it. A report leaves a step beside the next values, for who wants to see it.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using mlir::Attribute;
using mlir::Value;

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

/// The number that stands for an input that is not given, null where it must be given.
std::optional<Attribute> Elaborator::inputDefault(const ast::Decl &decl, Kind kind, RuleRun &run) {
  if (!decl.value)
    return Attribute();
  Array value = evalScalar(*decl.value, *run.scope, "the default of '" + decl.name.name + "'");
  if (value.isPoison())
    return std::nullopt;
  if (kindOf(value) > kind) {
    error(Code::KindMismatch, decl.value->loc, "'" + decl.name.name + "' holds " + (kind == Kind::Int ? "integers" : "conditions") + ", but its default is a number of another kind");
    return std::nullopt;
  }
  if (Attribute known = defaultOf(toKind(value, kind, decl.value->loc)))
    return known;
  error(Code::InputDefault, decl.value->loc, "the default of the input '" + decl.name.name + "' must be a number that is known when the spec is compiled")
      .suggest("leave the default out, and pass the input in every step");
  return std::nullopt;
}

/// A size that only the input has is its own: neither the loss's of that name nor another tensor's.
void Elaborator::nameSizes(const ast::Decl &decl, bool isShared, RuleRun &run) {
  for (const ast::Dim &dim : decl.type ? llvm::ArrayRef<ast::Dim>(decl.type->dims) : llvm::ArrayRef<ast::Dim>()) {
    auto *name = llvm::dyn_cast_or_null<ast::Name>(dim.size.get());
    if (!name || run.scope->findDim(name->name) || run.scope->findLocal(name->name))
      continue;
    DimBinding sizes{{}, dim.loc};
    for (size_t k = 0; k < (isShared ? 1 : laneCount); ++k) {
      std::string owner = (isShared ? run.sharedPrefix : run.lanes.empty() ? "" : run.lanes[k].prefix) + run.path;
      sizes.lanes.push_back(builder.getStringAttr(owner.empty() ? name->name : name->name + " of " + llvm::StringRef(owner).drop_back().str()));
    }
    run.scope->setDim(name->name, std::move(sizes));
  }
}

/// An input as an argument of the unit for each tensor, or one for all.
Array Elaborator::inputArgument(UnitBuilder &unit, const ast::Decl &decl, bool isShared, RuleRun &run) {
  std::optional<Kind> kind = kindOfType(decl.type, nullptr);
  std::optional<Attribute> initial = kind ? inputDefault(decl, *kind, run) : std::nullopt;
  if (!initial)
    return {};
  nameSizes(decl, isShared, run);
  Array result;
  result.isEach = !isShared;
  for (size_t k = 0; k < (isShared ? 1 : laneCount); ++k) {
    std::optional<Shape> shape = roleShape(decl, isShared, k, run, /*mayDeclare=*/true);
    if (!shape)
      return {};
    for (Attribute dim : *initial ? llvm::ArrayRef<Attribute>(*shape) : llvm::ArrayRef<Attribute>())
      if (llvm::isa<mlir::StringAttr>(dim) && llvm::none_of(run.params, [&](const Array &param) { return llvm::is_contained(ownShape(param, param.lanes.size() == 1 ? 0 : k), dim); })) {
        error(Code::InputDefault, decl.loc, "the input '" + decl.name.name + "' may be left out, so nothing would tell the size " + describe(dim))
            .suggest("leave the default out, or use the sizes of the param");
        return {};
      }
    if (!refuseStochastic(decl.type, "an input"))
      return {};
    mlir::Type element = argumentElement(decl.type, *kind, shape->size());
    const RuleRun::Lane *lane = isShared || run.lanes.empty() ? nullptr : &run.lanes[k];
    std::string name = (lane ? lane->prefix : isShared ? run.sharedPrefix : "") + decl.name.name;
    Value argument = unit.addArgument(Role::Input, name, ArrayType::get(builder.getContext(), *shape, element), decl.loc,
                                      {*initial, {}, lane ? lane->group : 0, isShared});
    result.lanes.push_back(castTo(argument, elementOf(*kind, shape->size()), decl.loc));
  }
  return result;
}

/// The op whose region is filled, the outermost one in its step; null where none is.
static mlir::Operation *outermostBlock(mlir::OpBuilder &builder) {
  mlir::Operation *found = nullptr;
  for (mlir::Operation *around = builder.getInsertionBlock()->getParentOp(); around && !llvm::isa<FuncOp>(around) && !around->hasAttr("run"); around = around->getParentOp())
    found = around;
  return found;
}

/// The value of an input: taken once, before all blocks, whoever names it.
Array Elaborator::takeInput(const ast::Decl &decl, bool isShared, RuleRun &run) {
  auto [it, isNew] = run.given->try_emplace(decl.name.name, GivenInput{&decl, isShared, {}});
  if (isNew) {
    mlir::OpBuilder::InsertionGuard guard(builder);
    if (mlir::Operation *block = outermostBlock(builder))
      builder.setInsertionPoint(block);
    it->second.value = (*run.inputs)(decl, isShared, run);
  }
  const GivenInput &given = it->second;
  auto text = [&](const ast::Decl &one) { return one.value ? textOf(one.value->loc) : std::string(); };
  if (given.isShared != isShared || text(*given.decl) != text(decl)) {
    error(Code::InputMismatch, decl.loc, "the input '" + decl.name.name + "' is declared twice in this composition of rules, and not alike")
        .note(given.decl->loc, "it is declared first here")
        .suggest("give one of them another name");
    return {};
  }
  Array x = given.value;
  bool isPlain = decl.type && decl.type->hasDims && llvm::none_of(decl.type->storage, [](const ast::Storage &word) { return word.isLike; });
  if (!x.isPoison() && isPlain && !bindShape(*decl.type, x, decl.name.name, decl.loc, *run.scope))
    return {};
  return x;
}

bool Elaborator::openInputs(RuleRun &run) {
  bool isSound = true;
  for (const ast::StmtPtr &stmt : run.call->rule->block.statements) {
    auto *inputs = dyn_cast<ast::InputStmt>(stmt.get());
    for (const ast::Decl &decl : inputs ? llvm::ArrayRef<ast::Decl>(inputs->decls) : llvm::ArrayRef<ast::Decl>()) {
      Array x = takeInput(decl, inputs->isShared, run);
      isSound &= !x.isPoison();
      bindName(decl.name, x.isPoison() ? x : named(x, decl.loc), *run.scope);
    }
  }
  return isSound;
}

//===----------------------------------------------------------------------===//
// Reports
//===----------------------------------------------------------------------===//

/// What the application has already: the names that params, gradients, states and inputs declare.
static bool isRoleName(const ast::Rule &rule, llvm::StringRef name) {
  auto has = [&](llvm::ArrayRef<ast::Decl> decls) { return llvm::any_of(decls, [&](const ast::Decl &decl) { return decl.name.name == name; }); };
  return llvm::any_of(rule.block.statements, [&](const ast::StmtPtr &stmt) {
    if (auto *params = dyn_cast<ast::ParamStmt>(stmt.get()))
      return has(params->decls);
    if (auto *states = dyn_cast<ast::StateStmt>(stmt.get()))
      return has(states->decls);
    if (auto *inputs = dyn_cast<ast::InputStmt>(stmt.get()))
      return has(inputs->decls);
    if (auto *grads = dyn_cast<ast::GradStmt>(stmt.get()))
      return llvm::any_of(grads->entries, [&](const ast::GradStmt::Entry &entry) { return entry.name.name == name; });
    return false;
  });
}

void Elaborator::runEmit(const ast::EmitStmt &stmt, const RuleRun &run, Scope &scope) {
  for (const ast::Ident &name : stmt.names) {
    if (isRoleName(*run.call->rule, name.name)) {
      error(Code::ReportNotNew, name.loc, "'" + name.name + "' is in the application's own buffers already").suggest("emit what the step computes on its way");
      continue;
    }
    Array x = asArray(evalName(name.name, name.loc, scope, name.primed), name.loc);
    if (!x.isPoison())
      addReport({run.path + name.name, sliceLane(x), name.loc});
  }
}

/// The reports as results of the unit, in the storage type. A rule that reports something of each sample of an objective that is not bound cannot
/// stand alone, for nothing tells how many there are: false without an error.
bool Elaborator::addReports(UnitBuilder &unit, const RuleRun &run) {
  llvm::SmallPtrSet<Attribute, 8> known;
  for (mlir::BlockArgument argument : unit.getFunc().getBody().front().getArguments())
    known.insert(typeOf(argument).getShape().begin(), typeOf(argument).getShape().end());
  for (const Report &report : *run.reports)
    for (size_t k = 0; k < report.value.lanes.size(); ++k) {
      Value value = report.value.lanes[k];
      for (Attribute dim : typeOf(value).getShape())
        if (llvm::isa<mlir::StringAttr>(dim) && !known.contains(dim)) {
          auto isOfSamples = [&](const ast::Oracle &oracle) { return llvm::cast<mlir::StringAttr>(dim).getValue() == oracle.name.name + ".samples"; };
          if (isUnbound && llvm::any_of(run.call->rule->oracles, isOfSamples))
            return false;
          error(Code::ReportShape, report.loc, "'" + report.path + "' has the shape " + describe(typeOf(value).getShape()) + ", but no tensor of the call tells the size " + describe(dim));
          return false;
        }
      if (kindOf(report.value) == Kind::Float && typeOf(value).getRank() > 0)
        value = castTo(value, real, report.loc);
      bool isShared = !report.value.isEach && !(isOpen && unit.isPerSlot(value));
      const RuleRun::Lane *lane = isShared || run.lanes.empty() ? nullptr : &run.lanes[k];
      unit.addResult(Role::Report, (lane ? lane->prefix : isShared ? run.sharedPrefix : "") + report.path, value, {}, isShared);
    }
  return true;
}

//===----------------------------------------------------------------------===//
// The rule that a wrapper calls
//===----------------------------------------------------------------------===//

RuleRun Elaborator::innerRun(const RuleSite &site) {
  RuleRun inner;
  inner.call = site.call;
  inner.path = site.outer->path + site.name + ".";
  inner.hyperPrefix = site.outer->hyperPrefix;
  inner.sharedPrefix = site.outer->sharedPrefix;
  inner.lanes = site.outer->lanes;
  inner.states = site.outer->states;
  inner.nextStates = site.outer->nextStates;
  inner.offered = site.outer->objectives.empty() ? site.outer->offered : site.outer->objectives;
  inner.source = site.outer->source;
  inner.inputs = site.outer->inputs;
  inner.given = site.outer->given;
  inner.reports = site.outer->reports;
  inner.time = site.outer->time;
  inner.root = site.outer->root;
  inner.tensors = site.outer->tensors;
  return inner;
}
