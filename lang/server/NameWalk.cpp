//===- NameWalk.cpp - Which declaration a name belongs to: units and statements ---===//

#include "lang/server/NameWalker.h"

using namespace gradus;
using namespace gradus::server;

void Walker::visit(const ast::Unit &one) {
  Inside here(*this, one.loc);
  if (auto *function = dyn_cast<ast::Function>(&one)) {
    visitHeader(function->params, function->name.name);
    bindIndices(function->indices);
    visit(function->resultType);
    visit(function->proxOf);
    visit(function->solves);
    visit(function->body);
    if (!function->derivative)
      return;
    Inside clause(*this, function->derivative->loc);
    for (const ast::Ident &name : function->derivative->cotangents)
      declare(name, NameKind::Argument, function->derivative->loc);
    visit(function->derivative->values);
  } else if (auto *rule = dyn_cast<ast::Rule>(&one)) {
    visitHeader(rule->params, rule->name.name);
    for (const ast::Oracle &oracle : rule->oracles)
      declareMember(oracle.name, NameKind::Oracle, one.loc);
    visitStatements(rule->block);
  } else if (auto *train = dyn_cast<ast::Train>(&one)) {
    visitTrain(*train);
  } else if (auto *test = dyn_cast<ast::Test>(&one)) {
    visitStatements(test->block);
  } else if (auto *constant = dyn_cast<ast::Const>(&one)) {
    visit(constant->decl.type);
    visit(constant->decl.value);
  }
}

/// `minimize f over w with { w: adamw() }`: the params are arguments of f.
void Walker::visitTrain(const ast::Train &train) {
  std::vector<std::pair<const ast::Ident *, StringRef>> over;
  StringRef function;
  for (const ast::Objective &objective : train.objectives) {
    visit(objective.function);
    const ast::Expr *expr = objective.function.get();
    if (auto *call = dyn_cast_or_null<ast::Call>(expr))
      expr = call->callee.get();
    if (auto *name = dyn_cast_or_null<ast::Name>(expr))
      function = name->name;
    for (const ast::Ident &name : objective.over) {
      useMember(function, name);
      over.push_back({&name, function});
    }
  }
  for (const ast::Group &group : train.groups) {
    for (const ast::GroupMember &member : group.members)
      for (const ast::Ident &name : member.names)
        for (auto [known, owner] : over)
          if (known->name == name.name)
            useMember(owner, name);
    visit(group.rule);
  }
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

void Walker::visit(const ast::Stmt &stmt) {
  if (auto *constant = dyn_cast<ast::ConstStmt>(&stmt)) {
    visit(constant->decl.type);
    visit(constant->decl.value);
    declare(constant->decl.name, NameKind::Constant);
  } else if (auto *param = dyn_cast<ast::ParamStmt>(&stmt)) {
    visit(param->decls, NameKind::Param);
  } else if (auto *grad = dyn_cast<ast::GradStmt>(&stmt)) {
    for (const ast::GradStmt::Entry &entry : grad->entries) {
      declare(entry.name, NameKind::Grad);
      names.declarations.back().isMember = true;
      if (entry.of)
        use(*entry.of);
    }
  } else if (auto *state = dyn_cast<ast::StateStmt>(&stmt)) {
    visit(state->decls, NameKind::State);
  } else if (auto *input = dyn_cast<ast::InputStmt>(&stmt)) {
    visit(input->decls, NameKind::Input);
  } else if (auto *draw = dyn_cast<ast::DrawStmt>(&stmt)) {
    visit(draw->value);
    visit(draw->at);
    declare(draw->name, NameKind::Draw);
  } else if (auto *function = dyn_cast<ast::FunctionStmt>(&stmt)) {
    visit(*function);
  } else if (auto *assign = dyn_cast<ast::AssignStmt>(&stmt)) {
    visit(*assign);
  } else if (auto *every = dyn_cast<ast::EveryStmt>(&stmt)) {
    visit(every->period);
    visit(every->block);
  } else if (auto *when = dyn_cast<ast::WhenStmt>(&stmt)) {
    visit(when->condition);
    visit(when->block);
    if (when->otherwise)
      visit(*when->otherwise);
  } else if (auto *on = dyn_cast<ast::OnStmt>(&stmt)) {
    declare(on->name, NameKind::Entry);
    names.declarations.back().isMember = true;
    Inside here(*this, on->loc);
    visit(on->params, /*isHeader=*/true);
    visitStatements(on->block);
  } else if (auto *loop = dyn_cast<ast::LoopStmt>(&stmt)) {
    visit(*loop);
  } else if (auto *report = dyn_cast<ast::EmitStmt>(&stmt)) {
    for (const ast::Ident &name : report->names) {
      use(name);
      if (const size_t *known = find(keyOf(name)))
        names.declarations[*known].isMember = true;
    }
  } else if (auto *result = dyn_cast<ast::ReturnStmt>(&stmt)) {
    visit(result->values);
  } else if (auto *expect = dyn_cast<ast::ExpectStmt>(&stmt)) {
    visit(expect->condition);
    visit(expect->within);
  } else if (auto *solves = dyn_cast<ast::SolvesStmt>(&stmt)) {
    visit(solves->equations);
  }
}

void Walker::visit(const ast::FunctionStmt &stmt) {
  declare(stmt.name, NameKind::Function);
  Inside here(*this, stmt.loc);
  visit(stmt.params, /*isHeader=*/false);
  bindIndices(stmt.indices);
  visit(stmt.body);
}

/// The next value of a name is known wherever the name is, also behind the block that gives it.
Walker::Scope &Walker::scopeOfPrime(const ast::Ident &ident) {
  for (Scope &scope : llvm::reverse(scopes))
    if (ident.primed && scope.names.contains(ident.name))
      return scope;
  return scopes.back();
}

void Walker::visit(const ast::AssignStmt &stmt) {
  Location rest{stmt.loc.file, stmt.loc.endLine, stmt.loc.endCol, 0, 0};
  for (const ast::Target &target : stmt.targets) {
    if (isKnown(target.name)) {
      use(target.name);
      continue;
    }
    Scope &home = scopeOfPrime(target.name);
    rest.endLine = home.extent.endLine;
    rest.endCol = home.extent.endCol;
    // A recurrence reads itself.
    declareIn(home, target.name, NameKind::Variable, stmt.boundaries.empty() ? rest : spanning(stmt.loc, rest));
  }
  Inside here(*this, stmt.loc);
  for (const ast::Target &target : stmt.targets) {
    bindIndices(target.subscripts);
    visit(target.subscripts);
  }
  visit(stmt.value);
  for (const ast::Boundary &boundary : stmt.boundaries) {
    use(boundary.place.name);
    visit(boundary.place.subscripts);
    visit(boundary.value);
  }
  auto *call = dyn_cast_or_null<ast::Call>(stmt.value.get());
  if (const ast::Expr *rule = call && stmt.targets.size() == 1 ? ruleOfStep(*call) : nullptr)
    records[*find(keyOf(stmt.targets.front().name))] = {rule};
}

void Walker::visit(const ast::LoopStmt &stmt) {
  visit(stmt.slot);
  visit(stmt.bound);
  for (const ast::LoopInit &init : stmt.inits) {
    visit(init.type);
    visit(init.value);
  }
  // After the loop a carried name is its last value.
  for (const ast::LoopInit &init : stmt.inits)
    declare(init.name, NameKind::Variable);
  Inside here(*this, stmt.loc);
  if (stmt.variable)
    declare(*stmt.variable, NameKind::Index);
  visit(stmt.condition);
  // The block has a scope of its own, which has the next values of the carried names.
  Inside passes(*this, stmt.block.loc);
  for (const ast::LoopInit &init : stmt.inits)
    scopes.back().names[init.name.name] = *find(init.name.name);
  visitStatements(stmt.block);
}
