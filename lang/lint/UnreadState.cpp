//===- UnreadState.cpp - A state that is kept and never read -----------------===//
//
// It costs its memory and a store in every step, and mostly a formula was meant to read it. What the next value of the state reads of the state
// itself does not count, unless a wrapped rule is given it, which may keep it. Whoever asks for it by `base.m` or `r.m`, a test too, reads it: what an
// application takes, an average say, has a test.
//
//     state m = 0
//     m' = beta * m + (1 - beta) * g
//     w' = w - lr * g                                  warned of at m: m' was meant
//
//===----------------------------------------------------------------------===//

#include "lang/lint/Finding.h"
#include "lang/lint/Tree.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Casting.h"

using namespace gradus;
using namespace gradus::lint;
using llvm::dyn_cast;

namespace {

/// Where the next value of a name is made.
struct Update {
  std::string name;
  Location loc;
};

} // namespace

/// The statements that give nothing but the next value of one name, which is without its prime.
static std::vector<Update> updatesIn(const ast::Unit &unit) {
  std::vector<Update> updates;
  auto statement = [&](const ast::Stmt &stmt) {
    auto *assign = dyn_cast<ast::AssignStmt>(&stmt);
    if (assign && assign->targets.size() == 1 && assign->targets.front().name.primed)
      updates.push_back({assign->targets.front().name.name, assign->loc});
  };
  walk(unit, {[](const ast::Expr &) {}, statement});
  return updates;
}

/// The calls of the rules that a rule wraps: what they are given goes on in their states.
static std::vector<Location> wrappedCallsIn(const ast::Unit &unit) {
  std::vector<Location> calls;
  auto *rule = dyn_cast<ast::Rule>(&unit);
  if (!rule)
    return calls;
  auto formula = [&](const ast::Expr &expr) {
    auto *call = dyn_cast<ast::Call>(&expr);
    auto *callee = call ? dyn_cast<ast::Name>(call->callee.get()) : nullptr;
    bool isWrapped = callee && llvm::any_of(rule->params, [&](const ast::Param &param) {
      return param.name.name == callee->name && param.type && param.type->kind == ast::TypeKind::Rule;
    });
    if (isWrapped)
      calls.push_back(call->loc);
  };
  walk(unit, {formula, [](const ast::Stmt &) {}});
  return calls;
}

static bool isInside(const Location &inner, const Location &outer) { return server::contains(outer, inner.line, inner.col); }

void lint::findUnreadState(Subject &subject, Findings &findings) {
  const server::Names &names = subject.names();
  for (const server::Declaration &state : names.declarations) {
    if (state.kind != server::NameKind::State || subject.isMember(state.name))
      continue;
    std::vector<Update> updates = updatesIn(*state.unit);
    std::vector<Location> wrapped = wrappedCallsIn(*state.unit);
    bool isRead = false, isKept = false;
    for (const server::NameUse &use : names.uses) {
      const server::Declaration &used = names.declarations[use.declaration];
      bool isNext = used.name == state.name + "'" && used.unit == state.unit;
      if (&used != &state && !isNext)
        continue;
      bool isOwn = llvm::any_of(updates, [&](const Update &update) { return update.name == state.name && isInside(use.loc, update.loc); });
      bool isGiven = llvm::any_of(wrapped, [&](const Location &call) { return isInside(use.loc, call); });
      isKept |= isOwn;
      isRead |= (!isOwn || isGiven) && subject.isRead(use);
    }
    if (isRead)
      continue;
    isKept |= llvm::any_of(updates, [&](const Update &update) { return update.name == state.name; });
    findings.push_back({state.loc, isKept ? "the state '" + state.name + "' is written and never read: nothing depends on it but its own next value" : "the state '" + state.name + "' is neither written nor read",
                        isKept ? "read '" + state.name + "' or its next value '" + state.name + "'', or leave it out; where the application takes it, a test that asks for it says so, or '// allow: unread-state (..)'" : "leave it out"});
  }
}
