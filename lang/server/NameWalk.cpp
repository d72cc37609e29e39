//===- NameWalk.cpp - Which declaration a name belongs to --------------------===//

#include "lang/server/Names.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Casting.h"

using namespace gradus;
using namespace gradus::server;
using llvm::cast;
using llvm::dyn_cast;
using llvm::dyn_cast_or_null;
using llvm::StringRef;

namespace {

/// Words that stand in slots without being names.
bool isSlotWord(StringRef word) {
  static constexpr llvm::StringLiteral words[] = {"all", "descending", "each", "keep", "lower", "neighbours", "next", "positive", "reverse", "transposed", "upper", "workers"};
  return llvm::is_contained(words, word);
}

/// Declares and resolves, from the units inwards.
class Walker {
public:
  Walker(Names &names, const ast::Sheet &sheet) : names(names) {
    scopes.push_back({{}, {sheet.file, 1, 1, UINT32_MAX, 1}});
    for (const ast::UnitPtr &one : sheet.units)
      if (const ast::Ident *name = nameOf(*one)) {
        unit = one.get();
        declare(*name, llvm::isa<ast::Const>(*one) ? NameKind::Constant : NameKind::Unit, scopes.front().extent);
      }
    for (const ast::UnitPtr &one : sheet.units) {
      unit = one.get();
      visit(*one);
    }
  }

private:
  struct Scope {
    llvm::StringMap<size_t> names;
    Location extent;
  };

  /// A scope while it lives.
  struct Inside {
    Inside(Walker &walker, const Location &extent) : walker(walker) { walker.scopes.push_back({{}, extent}); }
    ~Inside() { walker.scopes.pop_back(); }
    Inside(const Inside &) = delete;
    Walker &walker;
  };

  static std::string keyOf(const ast::Ident &ident) { return ident.name + (ident.primed ? "'" : ""); }

  void declare(const ast::Ident &ident, NameKind kind, const Location &extent) { declareIn(scopes.back(), ident, kind, extent); }
  void declare(const ast::Ident &ident, NameKind kind) {
    const Location &around = scopes.back().extent;
    declare(ident, kind, {around.file, ident.loc.endLine, ident.loc.endCol, around.endLine, around.endCol});
  }
  void declareIn(Scope &scope, const ast::Ident &ident, NameKind kind, const Location &extent) {
    scope.names[keyOf(ident)] = names.declarations.size();
    names.declarations.push_back({keyOf(ident), ident.loc, kind, unit, extent});
  }

  const size_t *find(StringRef name) const {
    for (const Scope &scope : llvm::reverse(scopes))
      if (auto it = scope.names.find(name); it != scope.names.end())
        return &it->second;
    return nullptr;
  }
  bool isKnown(const ast::Ident &ident) const { return find(keyOf(ident)); }
  void use(const ast::Ident &ident) {
    if (const size_t *known = find(keyOf(ident)))
      names.uses.push_back({ident.loc, *known});
    else if (!ident.primed)
      names.open.push_back({ident.loc, ident.name, ""});
  }
  /// An argument of a unit by its name.
  void useMember(StringRef unitName, const ast::Ident &member) {
    if (!unitName.empty())
      names.open.push_back({member.loc, unitName.str(), member.name});
  }

  // Types and headers.
  void visit(const ast::Dim &dim) {
    if (dim.trailing)
      return useOrDeclare(*dim.trailing, NameKind::Dimension);
    visitSize(*dim.size);
  }
  /// A size names dimensions; a fresh one is declared.
  void visitSize(const ast::Expr &size) {
    if (auto *name = dyn_cast<ast::Name>(&size))
      return useOrDeclare({name->name, name->loc, name->primed}, NameKind::Dimension);
    if (auto *binary = dyn_cast<ast::Binary>(&size)) {
      visitSize(*binary->lhs);
      return visitSize(*binary->rhs);
    }
    if (auto *call = dyn_cast<ast::Call>(&size)) {
      for (const ast::Argument &argument : call->arguments)
        visitSize(*argument.value);
      return;
    }
    visit(size);
  }
  void useOrDeclare(const ast::Ident &ident, NameKind kind) {
    if (isKnown(ident))
      use(ident);
    else
      declare(ident, kind);
  }
  void visit(const std::optional<ast::Type> &type) {
    if (!type)
      return;
    for (const ast::Dim &dim : type->dims)
      visit(dim);
    for (const ast::Storage &word : type->storage) {
      if (word.isLike)
        use(word.name);
      if (word.isLike && word.arg)
        useMember(word.name.name, *word.arg);
      visit(word.argument);
    }
  }
  /// The names first: a shape may name a size that is declared behind it.
  void visit(const std::vector<ast::Param> &params) {
    for (const ast::Param &param : params)
      declare(param.name, NameKind::Argument, scopes.back().extent);
    for (const ast::Param &param : params) {
      visit(param.type);
      visit(param.defaultValue);
      visit(param.set);
      if (param.interval) {
        visit(param.interval->low);
        visit(param.interval->high);
      }
    }
  }
  void visit(const std::vector<ast::Decl> &decls, NameKind kind) {
    for (const ast::Decl &decl : decls) {
      visit(decl.type);
      visit(decl.value);
      declare(decl.name, kind);
    }
  }
  void visit(const ast::Body &body) {
    visit(body.value);
    if (body.block)
      visit(*body.block);
  }

  void visit(const ast::Unit &one);
  void visitTrain(const ast::Train &train);
  void visit(const ast::Block &block) {
    Inside here(*this, block.loc);
    visitStatements(block);
  }
  void visitStatements(const ast::Block &block) {
    for (const ast::StmtPtr &stmt : block.statements)
      visit(*stmt);
  }
  void visit(const ast::Stmt &stmt);
  void visit(const ast::AssignStmt &stmt);
  void visit(const ast::LoopStmt &stmt);
  void visit(const ast::FunctionStmt &stmt);
  Scope &scopeOfPrime(const ast::Ident &ident);

  void visit(const ast::ExprPtr &expr) {
    if (expr)
      visit(*expr);
  }
  void visit(const std::vector<ast::ExprPtr> &list) {
    for (const ast::ExprPtr &expr : list)
      visit(expr);
  }
  void visit(const ast::Expr &expr);
  void visit(const ast::Call &call);
  void visit(const ast::By &by);
  void visit(const ast::Derivative &derivative);
  void visitArguments(const std::vector<ast::Argument> &arguments, StringRef callee);
  void visit(const std::vector<ast::Subscript> &subscripts) {
    for (const ast::Subscript &sub : subscripts) {
      auto *word = dyn_cast_or_null<ast::Name>(sub.value.get());
      if (!word || !isSlotWord(word->name) || find(word->name))
        visit(sub.value);
      visit(sub.from);
      visit(sub.to);
    }
  }
  /// The names of a slot that nothing declares are its indices.
  void bindIndices(const std::vector<ast::Subscript> &subscripts) {
    for (const ast::Subscript &sub : subscripts)
      if (sub.kind == ast::SubKind::Value)
        bindIndices(*sub.value);
  }
  void bindIndices(const ast::Expr &expr) {
    if (auto *name = dyn_cast<ast::Name>(&expr); name && !name->primed && !find(name->name) && !isSlotWord(name->name))
      declare({name->name, name->loc, false}, NameKind::Index, scopes.back().extent);
    if (auto *guard = dyn_cast<ast::Compare>(&expr))
      for (const ast::ExprPtr &operand : guard->operands)
        if (auto *name = dyn_cast<ast::Name>(operand.get()))
          bindIndices(*name);
  }

  Names &names;
  std::vector<Scope> scopes;
  const ast::Unit *unit = nullptr;
};

void Walker::visit(const ast::Unit &one) {
  Inside here(*this, one.loc);
  if (auto *function = dyn_cast<ast::Function>(&one)) {
    visit(function->params);
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
    visit(rule->params);
    for (const ast::Oracle &oracle : rule->oracles)
      declare(oracle.name, NameKind::Oracle, one.loc);
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
    Inside here(*this, on->loc);
    visit(on->params);
    visitStatements(on->block);
  } else if (auto *loop = dyn_cast<ast::LoopStmt>(&stmt)) {
    visit(*loop);
  } else if (auto *report = dyn_cast<ast::EmitStmt>(&stmt)) {
    for (const ast::Ident &name : report->names)
      use(name);
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
  visit(stmt.params);
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

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

void Walker::visit(const ast::Expr &expr) {
  names.formulas.push_back(expr.loc);
  if (auto *name = dyn_cast<ast::Name>(&expr)) {
    use({name->name, name->loc, name->primed});
  } else if (auto *like = dyn_cast<ast::Like>(&expr)) {
    use(like->name);
  } else if (auto *list = dyn_cast<ast::List>(&expr)) {
    visit(list->elements);
    if (list->like)
      use(*list->like);
  } else if (auto *tuple = dyn_cast<ast::Tuple>(&expr)) {
    visit(tuple->elements);
  } else if (auto *unary = dyn_cast<ast::Unary>(&expr)) {
    visit(unary->operand);
  } else if (auto *binary = dyn_cast<ast::Binary>(&expr)) {
    visit(binary->lhs);
    visit(binary->rhs);
  } else if (auto *compare = dyn_cast<ast::Compare>(&expr)) {
    visit(compare->operands);
  } else if (auto *branch = dyn_cast<ast::If>(&expr)) {
    visit(branch->condition);
    visit(branch->thenValue);
    visit(branch->elseValue);
  } else if (auto *lambda = dyn_cast<ast::Lambda>(&expr)) {
    Inside here(*this, lambda->loc);
    declare(lambda->parameter, NameKind::Argument);
    visit(lambda->body);
  } else if (auto *range = dyn_cast<ast::Range>(&expr)) {
    visit(range->from);
    visit(range->to);
  } else if (auto *call = dyn_cast<ast::Call>(&expr)) {
    visit(*call);
  } else if (auto *index = dyn_cast<ast::Index>(&expr)) {
    visit(index->base);
    visit(index->subscripts);
  } else if (auto *member = dyn_cast<ast::Member>(&expr)) {
    visit(member->base);
  } else if (auto *derivative = dyn_cast<ast::Derivative>(&expr)) {
    visit(*derivative);
  } else if (auto *total = dyn_cast<ast::TotalDerivative>(&expr)) {
    for (const ast::Ident &variable : total->variables)
      use(variable);
    visit(total->value);
  } else if (auto *by = dyn_cast<ast::By>(&expr)) {
    visit(*by);
  }
}

void Walker::visitArguments(const std::vector<ast::Argument> &arguments, StringRef callee) {
  for (const ast::Argument &argument : arguments) {
    if (argument.name)
      useMember(callee, *argument.name);
    visit(argument.value);
  }
}

/// `sum[j](x[j])` binds j inside.
void Walker::visit(const ast::Call &call) {
  auto *word = dyn_cast<ast::Index>(call.callee.get());
  auto *name = dyn_cast<ast::Name>(word ? word->base.get() : call.callee.get());
  if (!word) {
    visit(call.callee);
    return visitArguments(call.arguments, name ? StringRef(name->name) : "");
  }
  visit(word->base);
  Inside here(*this, call.loc);
  bool isOwn = name && find(name->name); // `f[i](w)` selects rows, it binds nothing
  if (!isOwn)
    bindIndices(word->subscripts);
  visit(word->subscripts);
  visitArguments(call.arguments, name ? StringRef(name->name) : "");
}

void Walker::visit(const ast::By &by) {
  visit(by.problem);
  visit(by.method);
  visit(by.from);
  visit(by.within);
  visit(by.limit);
  if (!by.way)
    return;
  visit(by.way->method);
  visit(by.way->within);
  visit(by.way->limit);
  visit(by.way->slot);
}

void Walker::visit(const ast::Derivative &derivative) {
  use(derivative.function);
  for (const ast::Ident &slot : derivative.slots)
    useMember(derivative.function.name, slot);
  visit(derivative.selection);
  visitArguments(derivative.arguments, derivative.function.name);
}

} // namespace

Names::Names(const ast::Sheet &sheet) {
  Walker walker(*this, sheet);
  // Units may be used above their declaration, and so may their arguments.
  std::vector<OpenName> stillOpen;
  for (OpenName &name : open) {
    const Declaration *found = name.member.empty() ? findUnit(name.unit) : findMember(name.unit, name.member);
    if (found)
      uses.push_back({name.loc, static_cast<size_t>(found - declarations.data())});
    else
      stillOpen.push_back(std::move(name));
  }
  open = std::move(stillOpen);
}
