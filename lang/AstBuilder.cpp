//===- AstBuilder.cpp - units, headers and statements ---------------------===//

#include "lang/AstBuilderImpl.h"

using namespace gradus;
using namespace gradus::ast;

//===----------------------------------------------------------------------===//
// Places and names
//===----------------------------------------------------------------------===//

Location AstBuilder::locOf(const antlr4::ParserRuleContext &context) const {
  auto &rule = const_cast<antlr4::ParserRuleContext &>(context);
  return spanning(locOf(rule.getStart()), locOf(rule.getStop()));
}

/// One name has one spelling: the signs for sum, root and pi become words, the prime becomes a flag.
Ident AstBuilder::ident(const antlr4::Token *word) const {
  const Token &token = tokens[word->getStartIndex()];
  std::string_view text = token.text;
  Ident result;
  result.loc = token.loc;
  result.primed = token.kind == Tok::PRIMED;
  if (result.primed)
    text.remove_suffix(text.ends_with('\'') ? 1 : std::string_view("\u2032").size());
  struct Alias {
    std::string_view sign;
    std::string_view word;
  };
  static constexpr Alias aliases[] = {{"\u03a3", "sum"}, {"\u2211", "sum"}, {"\u221a", "sqrt"}, {"\u03c0", "pi"}};
  for (const Alias &alias : aliases)
    if (text == alias.sign)
      text = alias.word;
  result.name = text;
  return result;
}

std::vector<Ident> AstBuilder::idents(P::NamesContext *context) const {
  std::vector<Ident> names;
  if (context)
    for (P::NameContext *name : context->name())
      names.push_back(ident(*name));
  return names;
}

/// The text between the quotes.
std::string AstBuilder::textOf(antlr4::tree::TerminalNode *word) const {
  std::string_view text = tokens[word->getSymbol()->getStartIndex()].text;
  return std::string(text.substr(1, text.size() - 2));
}

//===----------------------------------------------------------------------===//
// Headers and types
//===----------------------------------------------------------------------===//

Dim AstBuilder::buildDim(P::DimContext &context) {
  Dim dim;
  dim.loc = locOf(context);
  if (!context.name()) {
    dim.size = build(*context.expr());
    return dim;
  }
  dim.trailing = ident(*context.name());
  auto name = std::make_unique<Name>(dim.trailing->loc);
  name->name = dim.trailing->name;
  dim.size = std::move(name);
  return dim;
}

Storage AstBuilder::buildStorage(P::StorageContext &context) {
  Storage storage;
  storage.loc = locOf(context);
  storage.isLike = context.LIKE() != nullptr;
  if (!storage.isLike) {
    storage.name = ident(context.ID());
    storage.argument = buildOptional(context.expr());
    return storage;
  }
  storage.name = ident(*context.name().back());
  if (context.ARG())
    storage.arg = ident(*context.name(0));
  return storage;
}

std::optional<Type> AstBuilder::buildType(P::TypeContext *context) {
  if (!context)
    return std::nullopt;
  Type type;
  type.loc = locOf(*context);
  if (context->RULE())
    type.kind = TypeKind::Rule;
  else if (context->FN())
    type.kind = TypeKind::Fn;
  else if (context->PROJECTION())
    type.kind = TypeKind::Projection;
  if (P::DimsContext *dims = context->dims()) {
    type.hasDims = true;
    for (P::DimContext *dim : dims->dim())
      type.dims.push_back(buildDim(*dim));
  }
  for (P::StorageContext *storage : context->storage())
    type.storage.push_back(buildStorage(*storage));
  return type;
}

Param AstBuilder::buildParam(P::ParamContext &context) {
  Param param;
  param.loc = locOf(context);
  param.isSize = context.SIZE() != nullptr;
  param.name = ident(*context.name());
  param.type = buildType(context.type());
  param.defaultValue = buildOptional(context.expr());
  if (P::IntervalContext *interval = context.interval()) {
    Interval result;
    result.loc = locOf(*interval);
    result.low = build(*interval->low);
    result.high = build(*interval->high);
    result.lowOpen = interval->open->getType() == P::LPAREN;
    result.highOpen = interval->close->getType() == P::RPAREN;
    param.interval = std::move(result);
  }
  if (P::SetContext *set = context.set())
    param.set = build(*set);
  return param;
}

std::vector<Param> AstBuilder::buildParams(P::ParamsContext &context) {
  std::vector<Param> params;
  for (P::ParamContext *param : context.param())
    params.push_back(buildParam(*param));
  return params;
}

Body AstBuilder::buildBody(P::DefContext &context) {
  Body body;
  if (context.rhs())
    body.value = build(*context.rhs());
  else
    body.block = std::make_unique<Block>(buildBlock(*context.block()));
  return body;
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

Block AstBuilder::buildBlock(P::BlockContext &context) {
  Block block;
  block.loc = locOf(context);
  for (P::LineContext *line : context.line())
    block.statements.push_back(buildStmt(*line->stmt()));
  return block;
}

Decl AstBuilder::buildDecl(P::DeclContext &context) {
  Decl decl;
  decl.loc = locOf(context);
  decl.name = ident(*context.name());
  decl.type = buildType(context.type());
  if (context.rhs())
    decl.value = build(*context.rhs());
  return decl;
}

Target AstBuilder::buildTarget(P::TargetContext &context) {
  Target target;
  target.loc = locOf(context);
  target.name = ident(context.getStart());
  target.subscripts = buildSubs(context.subs());
  return target;
}

StmtPtr AstBuilder::build(P::ConstStmtContext &context) {
  auto stmt = std::make_unique<ConstStmt>(locOf(context));
  stmt->decl = buildDecl(*context.decl());
  return stmt;
}

StmtPtr AstBuilder::build(P::ParamStmtContext &context) {
  auto stmt = std::make_unique<ParamStmt>(locOf(context));
  stmt->isJoint = context.JOINT() != nullptr;
  for (P::DeclContext *decl : context.decl())
    stmt->decls.push_back(buildDecl(*decl));
  return stmt;
}

StmtPtr AstBuilder::build(P::GradStmtContext &context) {
  auto stmt = std::make_unique<GradStmt>(locOf(context));
  for (P::GradEntryContext *entry : context.gradEntry()) {
    GradStmt::Entry result{ident(*entry->name(0)), std::nullopt};
    if (entry->OF())
      result.of = ident(*entry->name(1));
    stmt->entries.push_back(std::move(result));
  }
  return stmt;
}

StmtPtr AstBuilder::build(P::StoreStmtContext &context) {
  auto fill = [&](auto stmt) -> StmtPtr {
    stmt->isShared = context.SHARED() != nullptr;
    for (P::DeclContext *decl : context.decl())
      stmt->decls.push_back(buildDecl(*decl));
    return stmt;
  };
  if (context.STATE())
    return fill(std::make_unique<StateStmt>(locOf(context)));
  return fill(std::make_unique<InputStmt>(locOf(context)));
}

StmtPtr AstBuilder::build(P::DrawStmtContext &context) {
  auto stmt = std::make_unique<DrawStmt>(locOf(context));
  stmt->name = ident(*context.name());
  stmt->value = build(*context.value);
  stmt->at = buildOptional(context.time);
  return stmt;
}

StmtPtr AstBuilder::build(P::FnStmtContext &context) {
  auto stmt = std::make_unique<FunctionStmt>(locOf(context));
  stmt->hasKeyword = true;
  stmt->name = ident(*context.name());
  stmt->params = buildParams(*context.params());
  stmt->body = buildBody(*context.def());
  return stmt;
}

StmtPtr AstBuilder::build(P::LocalStmtContext &context) {
  auto stmt = std::make_unique<FunctionStmt>(locOf(context));
  stmt->name = ident(*context.name());
  for (Ident &name : idents(context.names())) {
    Param param;
    param.loc = name.loc;
    param.name = std::move(name);
    stmt->params.push_back(std::move(param));
  }
  stmt->indices = buildSubs(context.subs());
  stmt->body.value = build(*context.expr());
  return stmt;
}

StmtPtr AstBuilder::build(P::AssignStmtContext &context) {
  auto stmt = std::make_unique<AssignStmt>(locOf(context));
  for (P::TargetContext *target : context.target())
    stmt->targets.push_back(buildTarget(*target));
  stmt->isAdd = context.PLUS_EQUALS() != nullptr;
  stmt->value = build(*context.rhs());
  for (P::BoundaryContext *boundary : context.boundary())
    stmt->boundaries.push_back({buildTarget(*boundary->target()), build(*boundary->expr())});
  return stmt;
}

StmtPtr AstBuilder::build(P::EveryStmtContext &context) {
  auto stmt = std::make_unique<EveryStmt>(locOf(context));
  stmt->period = build(*context.expr());
  stmt->block = buildBlock(*context.block());
  return stmt;
}

StmtPtr AstBuilder::build(P::WhenStmtContext &context) {
  auto stmt = std::make_unique<WhenStmt>(locOf(context));
  stmt->condition = build(*context.expr());
  stmt->block = buildBlock(*context.then_);
  if (context.else_)
    stmt->otherwise = buildBlock(*context.else_);
  return stmt;
}

/// Whether a param of an entry is no number: it has axes, or the shape of a tensor.
static bool isArray(const Param &param) {
  if (param.isSize || !param.type || param.type->kind != TypeKind::Tensor)
    return false;
  return !param.type->dims.empty() || std::any_of(param.type->storage.begin(), param.type->storage.end(), [](const Storage &word) { return word.isLike; });
}

StmtPtr AstBuilder::build(P::OnStmtContext &context) {
  auto stmt = std::make_unique<OnStmt>(locOf(context));
  stmt->name = ident(*context.name());
  stmt->params = buildParams(*context.params());
  for (P::ParamContext *param : context.params()->param())
    if (Param again = buildParam(*param); isArray(again))
      stmt->inputs.push_back({again.loc, std::move(again.name), std::move(again.type), std::move(again.defaultValue)});
  stmt->block = buildBlock(*context.block());
  return stmt;
}

StmtPtr AstBuilder::build(P::LoopStmtContext &context) {
  auto stmt = std::make_unique<LoopStmt>(locOf(context));
  stmt->slot = buildSubs(context.subs());
  if (context.name())
    stmt->variable = ident(*context.name());
  stmt->bound = build(*context.bound);
  for (P::LoopInitContext *init : context.loopInit()) {
    LoopInit result;
    result.loc = locOf(*init);
    result.name = ident(*init->name());
    result.type = buildType(init->type());
    result.value = build(*init->expr());
    stmt->inits.push_back(std::move(result));
  }
  stmt->condition = buildOptional(context.condition);
  stmt->block = buildBlock(*context.block());
  return stmt;
}

StmtPtr AstBuilder::build(P::EmitStmtContext &context) {
  auto stmt = std::make_unique<EmitStmt>(locOf(context));
  stmt->names = idents(context.names());
  return stmt;
}

StmtPtr AstBuilder::build(P::ReturnStmtContext &context) {
  auto stmt = std::make_unique<ReturnStmt>(locOf(context));
  stmt->values = buildAll(context.expr());
  stmt->values.insert(stmt->values.begin(), build(*context.rhs()));
  return stmt;
}

StmtPtr AstBuilder::build(P::ExpectStmtContext &context) {
  auto stmt = std::make_unique<ExpectStmt>(locOf(context));
  stmt->condition = build(*context.claim);
  stmt->within = buildOptional(context.tolerance);
  return stmt;
}

StmtPtr AstBuilder::build(P::SolvesStmtContext &context) {
  auto stmt = std::make_unique<SolvesStmt>(locOf(context));
  stmt->equations = buildAll(context.equations()->expr());
  return stmt;
}

StmtPtr AstBuilder::buildStmt(P::StmtContext &context) {
  return dispatch<StmtPtr, P::ConstStmtContext, P::ParamStmtContext, P::GradStmtContext, P::StoreStmtContext,
                  P::DrawStmtContext, P::FnStmtContext, P::LocalStmtContext, P::AssignStmtContext, P::EveryStmtContext,
                  P::WhenStmtContext, P::OnStmtContext, P::LoopStmtContext, P::EmitStmtContext, P::ReturnStmtContext,
                  P::ExpectStmtContext, P::SolvesStmtContext>(context);
}

//===----------------------------------------------------------------------===//
// Units
//===----------------------------------------------------------------------===//

static FunctionKind functionKind(size_t kind) {
  switch (kind) {
  case GradusParser::LOSS:
    return FunctionKind::Loss;
  case GradusParser::PROX:
    return FunctionKind::Prox;
  case GradusParser::PROJECTION:
    return FunctionKind::Projection;
  case GradusParser::SOLVER:
    return FunctionKind::Solver;
  case GradusParser::SCHEDULE:
    return FunctionKind::Schedule;
  default:
    return FunctionKind::Fn;
  }
}

CustomDerivative AstBuilder::buildDerivative(P::DerivativeContext &context) {
  CustomDerivative derivative;
  derivative.loc = locOf(context);
  derivative.cotangents = idents(context.names());
  derivative.values = buildAll(context.expr());
  return derivative;
}

UnitPtr AstBuilder::build(P::FunctionUnitContext &context) {
  auto unit = std::make_unique<Function>(locOf(context));
  unit->function = functionKind(context.kind->getType());
  unit->name = ident(*context.name());
  unit->params = buildParams(*context.params());
  unit->indices = buildSubs(context.subs());
  unit->resultType = buildType(context.type());
  unit->proxOf = buildOptional(context.expr());
  if (context.equations())
    unit->solves = buildAll(context.equations()->expr());
  unit->body = buildBody(*context.def());
  if (context.derivative())
    unit->derivative = buildDerivative(*context.derivative());
  return unit;
}

UnitPtr AstBuilder::build(P::RuleUnitContext &context) {
  auto unit = std::make_unique<Rule>(locOf(context));
  unit->name = ident(*context.name());
  unit->params = buildParams(*context.params());
  for (P::OracleContext *oracle : context.oracle())
    unit->oracles.push_back({locOf(*oracle), ident(*oracle->name()), idents(oracle->names())});
  unit->block = buildBlock(*context.block());
  return unit;
}

Objective AstBuilder::buildObjective(P::ObjectiveContext &context) {
  Objective objective;
  objective.loc = locOf(context);
  objective.isMaximize = context.MAXIMIZE() != nullptr;
  objective.function = buildOptional(context.expr());
  objective.over = idents(context.names());
  return objective;
}

Group AstBuilder::buildGroup(P::GroupContext &context) {
  Group group;
  group.loc = locOf(context);
  group.isElse = context.ELSE() != nullptr;
  for (P::MemberContext *member : context.member()) {
    GroupMember result{locOf(*member), member->names() != nullptr, idents(member->names())};
    if (member->name())
      result.names.push_back(ident(*member->name()));
    group.members.push_back(std::move(result));
  }
  group.rule = build(*context.expr());
  return group;
}

UnitPtr AstBuilder::build(P::TrainUnitContext &context) {
  auto unit = std::make_unique<Train>(locOf(context));
  unit->name = ident(*context.name());
  for (P::ObjectiveContext *objective : context.objective())
    unit->objectives.push_back(buildObjective(*objective));
  P::GroupsContext &groups = *context.groups();
  unit->hasBraces = groups.LBRACE() != nullptr;
  for (P::GroupLineContext *line : groups.groupLine())
    unit->groups.push_back(buildGroup(*line->group()));
  if (!unit->hasBraces) {
    Group group;
    group.loc = locOf(groups);
    group.rule = build(*groups.expr());
    unit->groups.push_back(std::move(group));
  }
  return unit;
}

UnitPtr AstBuilder::build(P::TestUnitContext &context) {
  auto unit = std::make_unique<Test>(locOf(context));
  unit->isProperty = context.PROPERTY() != nullptr;
  unit->title = textOf(context.STR());
  unit->titleLoc = locOf(context.STR()->getSymbol());
  unit->block = buildBlock(*context.block());
  return unit;
}

UnitPtr AstBuilder::build(P::ImportUnitContext &context) {
  auto unit = std::make_unique<Import>(locOf(context));
  unit->path = textOf(context.STR());
  unit->pathLoc = locOf(context.STR()->getSymbol());
  return unit;
}

UnitPtr AstBuilder::build(P::ConstUnitContext &context) {
  auto unit = std::make_unique<Const>(locOf(context));
  unit->decl = buildDecl(*context.decl());
  return unit;
}

UnitPtr AstBuilder::buildUnit(P::UnitContext &context) {
  return dispatch<UnitPtr, P::FunctionUnitContext, P::RuleUnitContext, P::TrainUnitContext, P::TestUnitContext,
                  P::ImportUnitContext, P::ConstUnitContext>(context);
}

UnitPtr gradus::buildUnit(GradusParser::UnitContext &context, std::span<const Token> tokens) {
  return AstBuilder(tokens).buildUnit(context);
}
