//===- SharedDraw.cpp - Two calls of one function that draws -----------------===//
//
// A draw is a function of the seed, the step and its site, which is the function and the name: two calls in one step see the same numbers. Common random
// numbers may be what is meant, as in a difference; independent ones need two draws.
//
//     fn noise(x: [n]) { draw z = normal(like x); return z }
//     loss f(w: [n]) = sum((w + noise(w)) * (w + noise(w)))      warned of at the second call
//
//===----------------------------------------------------------------------===//

#include "lang/lint/Finding.h"
#include "lang/lint/Tree.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Casting.h"

using namespace gradus;
using namespace gradus::lint;
using llvm::dyn_cast;

/// The draw of each fn that has one in its own body.
static llvm::StringMap<const ast::DrawStmt *> drawersIn(const CheckedSpec &spec) {
  llvm::StringMap<const ast::DrawStmt *> drawers;
  auto read = [&](const ast::Sheet &sheet) {
    for (const ast::UnitPtr &unit : sheet.units) {
      auto *function = dyn_cast<ast::Function>(unit.get());
      if (!function || function->function != ast::FunctionKind::Fn)
        continue;
      walk(*unit, {[](const ast::Expr &) {}, [&](const ast::Stmt &stmt) {
                     if (auto *draw = dyn_cast<ast::DrawStmt>(&stmt))
                       drawers.try_emplace(function->name.name, draw);
                   }});
    }
  };
  read(spec.sheet);
  for (auto [import, sheet] : spec.imports)
    read(*sheet);
  return drawers;
}

void lint::findSharedDraw(Subject &subject, Findings &findings) {
  llvm::StringMap<const ast::DrawStmt *> drawers = drawersIn(subject.spec);
  if (drawers.empty())
    return;
  for (const ast::UnitPtr &unit : subject.spec.sheet.units) {
    if (unit->kind == ast::UnitKind::Test)
      continue;
    llvm::StringMap<Location> first;
    auto formula = [&](const ast::Expr &expr) {
      auto *call = dyn_cast<ast::Call>(&expr);
      auto *name = call ? dyn_cast<ast::Name>(call->callee.get()) : nullptr;
      auto drawer = name ? drawers.find(name->name) : drawers.end();
      if (drawer == drawers.end())
        return;
      auto [known, isNew] = first.try_emplace(name->name, name->loc);
      if (isNew || areExclusive(*unit, known->second, name->loc))
        return;
      findings.push_back({name->loc, "this call of '" + name->name + "' sees the same draw '" + drawer->second->name.name + "' as the one before",
                          "for other numbers draw twice, under two names, and pass them to the function; where they are meant to be common, say '// allow: shared-draw (..)'",
                          {{known->second, "the first call is here"}, {drawer->second->name.loc, "it draws here"}}});
    };
    walk(*unit, {formula, [](const ast::Stmt &) {}});
  }
}
