//===- NameWalker.h - Which declaration a name belongs to ------------*- C++ -*-===//

#ifndef GRADUS_LANG_SERVER_NAMEWALKER_H
#define GRADUS_LANG_SERVER_NAMEWALKER_H

#include "lang/server/Names.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Casting.h"

#include <map>

namespace gradus::server {

using llvm::cast;
using llvm::dyn_cast;
using llvm::dyn_cast_or_null;
using llvm::StringRef;

/// Words that stand in slots without being names.
inline bool isSlotWord(StringRef word) {
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
        declareMember(*name, llvm::isa<ast::Const>(*one) ? NameKind::Constant : NameKind::Unit, scopes.front().extent);
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
  void declareMember(const ast::Ident &ident, NameKind kind, const Location &extent) {
    declare(ident, kind, extent);
    names.declarations.back().isMember = true;
  }
  void declareIn(Scope &scope, const ast::Ident &ident, NameKind kind, const Location &extent) {
    size_t number = names.declarations.size(), root = number;
    if (auto it = scope.names.find(ident.name); ident.primed && it != scope.names.end())
      root = names.declarations[it->second].root;
    scope.names[keyOf(ident)] = number;
    names.declarations.push_back({keyOf(ident), ident.loc, kind, unit, extent, root});
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
      names.open.push_back({ident.loc, {ident.name}, ""});
  }
  /// A member of one of several units by its name.
  void useMember(std::vector<std::string> units, const ast::Ident &member) {
    if (!units.empty())
      names.open.push_back({member.loc, std::move(units), member.name});
  }
  void useMember(StringRef unitName, const ast::Ident &member) {
    if (!unitName.empty())
      useMember(std::vector{unitName.str()}, member);
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
  void visit(const std::vector<ast::Param> &params, bool isHeader) {
    for (const ast::Param &param : params) {
      declare(param.name, NameKind::Argument, scopes.back().extent);
      names.declarations.back().isMember = isHeader;
      if (param.defaultValue)
        records[names.declarations.size() - 1] = {param.defaultValue.get()};
    }
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
      names.declarations.back().isMember = true;
    }
  }
  void visit(const ast::Body &body) {
    visit(body.value);
    if (body.block)
      visit(*body.block);
  }

  void visitHeader(const std::vector<ast::Param> &params, StringRef unitName) {
    visit(params, /*isHeader=*/true);
    for (const ast::Param &param : params)
      if (param.defaultValue)
        llvm::append_range(names.defaults[unitName], unitsOf({param.defaultValue.get()}));
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
  void visitArguments(const std::vector<ast::Argument> &arguments, const std::vector<std::string> &callee);
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

  /// What has members by name: the rule of `step(rule, ..)`, or a part of it.
  struct Record {
    const ast::Expr *rule = nullptr;
    /// One of the units that the rule calls, and not the rule itself.
    bool isInner = false;
  };
  Record recordOf(const ast::Expr &expr) const;
  /// The rule of a call of `step` or `run`; null for any other call.
  static const ast::Expr *ruleOfStep(const ast::Call &call);
  static std::vector<std::string> unitsOf(const Record &record);

  Names &names;
  /// By declaration.
  std::map<size_t, Record> records;
  std::vector<Scope> scopes;
  const ast::Unit *unit = nullptr;
};

} // namespace gradus::server

#endif // GRADUS_LANG_SERVER_NAMEWALKER_H
