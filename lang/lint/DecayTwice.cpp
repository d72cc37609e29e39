//===- DecayTwice.cpp - A decay of the parameters, counted twice -------------===//
//
// lambda |w|^2 in the loss and 'decay * w' in the rule both pull w to 0; so do a wrapper that adds decay * w to the gradient and an adamw inside. A decay
// is, in a loss, dot(w, w), sum(w^2) or norm(w)^2 among the terms of its value, for a w that it is minimized over; in a rule, the product of its param with a formula of
// an argument that is called a decay. One that the spec sets to 0 is none.
//
//     loss ridge(w: [d], ..) = mean(..) + 0.01 * dot(w, w)
//     train t = minimize ridge over w with adamw()                 warned of
//     train t = minimize ridge over w with adamw(decay = 0)        mended
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
using llvm::dyn_cast_or_null;
using llvm::StringRef;

namespace {

struct Decay {
  Location at;
  /// "the loss 'ridge'", "the rule 'adamw'".
  std::string owner;
};
using Decays = std::vector<Decay>;

/// Units by name: those of the main file go before imported ones.
struct Units {
  llvm::StringMap<const ast::Unit *> all;
  explicit Units(const CheckedSpec &spec) {
    auto read = [&](const ast::Sheet &sheet) {
      for (const ast::UnitPtr &unit : sheet.units)
        if (const ast::Ident *name = server::nameOf(*unit))
          all.try_emplace(name->name, unit.get());
    };
    read(spec.sheet);
    for (auto [import, sheet] : spec.imports)
      read(*sheet);
  }
  template <typename T>
  const T *find(StringRef name) const {
    auto it = all.find(name);
    return it == all.end() ? nullptr : dyn_cast<T>(it->second);
  }
};

} // namespace

static bool isZero(const ast::Expr *expr) {
  auto *number = dyn_cast_or_null<ast::Number>(expr);
  return number && number->value == 0;
}

static bool isName(const ast::Expr *expr, StringRef name) {
  auto *word = dyn_cast_or_null<ast::Name>(expr);
  return word && !word->primed && word->name == name;
}

static StringRef calleeOf(const ast::Expr *expr) {
  if (auto *call = dyn_cast_or_null<ast::Call>(expr)) {
    expr = call->callee.get();
    if (auto *slot = dyn_cast<ast::Index>(expr))
      expr = slot->base.get();
  }
  auto *name = dyn_cast_or_null<ast::Name>(expr);
  return name ? StringRef(name->name) : "";
}

/// What a call gives an argument: by name, by position, or its default; null if nothing does.
static const ast::Expr *boundTo(llvm::ArrayRef<ast::Param> params, size_t position, const ast::Expr *call) {
  if (auto *made = dyn_cast_or_null<ast::Call>(call))
    for (auto [index, argument] : llvm::enumerate(made->arguments))
      if (argument.name ? argument.name->name == params[position].name.name : index == position)
        return argument.value.get();
  return params[position].defaultValue.get();
}

static bool isDecayName(StringRef name) {
  static constexpr llvm::StringLiteral others[] = {"l2", "lam", "lambda", "ridge", "wd"};
  return name.contains("decay") || llvm::is_contained(others, name);
}

//===----------------------------------------------------------------------===//
// Rules
//===----------------------------------------------------------------------===//

/// Whether a formula reads a decay that the call does not set to 0.
static bool readsDecay(const ast::Expr &expr, const ast::Rule &rule, const ast::Expr *call) {
  bool isRead = false;
  for (size_t i = 0; i < rule.params.size(); ++i) {
    const std::string &name = rule.params[i].name.name;
    if (!isDecayName(name) || isZero(boundTo(rule.params, i, call)))
      continue;
    if (isName(&expr, name))
      return true;
    auto *binary = dyn_cast<ast::Binary>(&expr);
    bool isFormula = binary && (binary->op == ast::BinaryOp::Mul || binary->op == ast::BinaryOp::Add || binary->op == ast::BinaryOp::Sub);
    isRead |= isFormula && (readsDecay(*binary->lhs, rule, call) || readsDecay(*binary->rhs, rule, call));
  }
  return isRead;
}

/// `1 - decay`: in anything but the next value of a param the weight of a mean, as in avg' = decay * avg + (1 - decay) * w.
static bool isComplement(const ast::Expr &expr) {
  auto *difference = dyn_cast<ast::Binary>(&expr);
  auto *one = difference && difference->op == ast::BinaryOp::Sub ? dyn_cast<ast::Number>(difference->lhs.get()) : nullptr;
  return one && one->value == 1 && llvm::isa<ast::Name>(*difference->rhs);
}

/// The products of a param with a decay, each where it stands.
static std::vector<std::pair<std::string, Location>> ownDecays(const ast::Rule &rule, const ast::Expr *call) {
  std::vector<std::string> params;
  std::vector<std::pair<std::string, Location>> found;
  bool ofParam = false; // the statement at hand gives the next value of a param
  auto formula = [&](const ast::Expr &expr) {
    auto *product = dyn_cast<ast::Binary>(&expr);
    if (!product || product->op != ast::BinaryOp::Mul)
      return;
    auto isDecay = [&](const ast::Expr &factor) { return readsDecay(factor, rule, call) && (ofParam || !isComplement(factor)); };
    for (const std::string &param : params)
      if ((isName(product->lhs.get(), param) && isDecay(*product->rhs)) || (isName(product->rhs.get(), param) && isDecay(*product->lhs)))
        found.push_back({param, product->loc});
  };
  auto statement = [&](const ast::Stmt &stmt) {
    auto *assign = dyn_cast<ast::AssignStmt>(&stmt);
    ofParam = assign && llvm::any_of(assign->targets, [&](const ast::Target &target) { return target.name.primed && llvm::is_contained(params, target.name.name); });
    if (auto *declared = dyn_cast<ast::ParamStmt>(&stmt))
      for (const ast::Decl &decl : declared->decls)
        params.push_back(decl.name.name);
  };
  walk(rule, {formula, statement});
  return found;
}

static void addRule(const ast::Expr *call, const Units &units, Decays &decays, unsigned depth = 0);

static void addComposition(const ast::Rule &rule, const ast::Expr *call, const Units &units, Decays &decays, unsigned depth) {
  if (auto own = ownDecays(rule, call); !own.empty())
    decays.push_back({own.front().second, "the rule '" + rule.name.name + "'"});
  for (size_t i = 0; i < rule.params.size(); ++i)
    if (rule.params[i].type && rule.params[i].type->kind == ast::TypeKind::Rule)
      addRule(boundTo(rule.params, i, call), units, decays, depth + 1);
}

/// The decays of `adamw(decay = 0.1)` and of the rules that it wraps.
static void addRule(const ast::Expr *call, const Units &units, Decays &decays, unsigned depth) {
  constexpr unsigned deepest = 16;
  auto *rule = call && depth < deepest ? units.find<ast::Rule>(calleeOf(call)) : nullptr;
  if (rule)
    addComposition(*rule, call, units, decays, depth);
}

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

/// dot(w, w), sum(w^2), sum(w * w), sum(square(w)), norm(w)^2.
static bool isSquareOf(const ast::Expr &expr, StringRef name) {
  if (auto *power = dyn_cast<ast::Binary>(&expr); power && power->op == ast::BinaryOp::Pow) {
    auto *two = dyn_cast<ast::Number>(power->rhs.get());
    auto *norm = dyn_cast<ast::Call>(power->lhs.get());
    return two && two->value == 2 && norm && calleeOf(norm) == "norm" && norm->arguments.size() == 1 && isName(norm->arguments[0].value.get(), name);
  }
  auto *call = dyn_cast<ast::Call>(&expr);
  if (!call || call->arguments.empty())
    return false;
  const ast::Expr *first = call->arguments[0].value.get();
  if (calleeOf(call) == "dot")
    return call->arguments.size() == 2 && isName(first, name) && isName(call->arguments[1].value.get(), name);
  if (calleeOf(call) != "sum")
    return false;
  if (calleeOf(first) == "square")
    return isName(dyn_cast<ast::Call>(first) ? dyn_cast<ast::Call>(first)->arguments[0].value.get() : nullptr, name);
  auto *product = dyn_cast<ast::Binary>(first);
  auto *two = product ? dyn_cast<ast::Number>(product->rhs.get()) : nullptr;
  bool isPower = product && product->op == ast::BinaryOp::Pow && two && two->value == 2;
  bool isProduct = product && product->op == ast::BinaryOp::Mul && isName(product->rhs.get(), name);
  return (isPower || isProduct) && isName(product->lhs.get(), name);
}

namespace {

/// Goes through the terms of a loss's value.
class LossTerms {
public:
  LossTerms(const ast::Function &loss, const ast::Expr *call, StringRef param) : loss(loss), call(call), param(param) {
    if (loss.body.value)
      term(*loss.body.value, 0);
    else
      readBlock(*loss.body.block);
  }

  std::optional<Location> found;

private:
  void readBlock(const ast::Block &block) {
    for (const ast::StmtPtr &stmt : block.statements) {
      if (auto *assign = dyn_cast<ast::AssignStmt>(stmt.get()); assign && assign->targets.size() == 1 && assign->targets[0].subscripts.empty() && !assign->isAdd)
        locals[assign->targets[0].name.name] = assign->value.get();
      if (auto *result = dyn_cast<ast::ReturnStmt>(stmt.get()); result && !result->values.empty())
        term(*result->values[0], 0);
    }
  }
  /// A factor that the call sets to 0, or its default.
  bool isSwitchedOff(const ast::Expr &factor) const {
    for (size_t i = 0; i < loss.params.size(); ++i)
      if (isName(&factor, loss.params[i].name.name) && isZero(boundTo(loss.params, i, call)))
        return true;
    return isZero(&factor);
  }
  void term(const ast::Expr &expr, unsigned depth) {
    constexpr unsigned deepest = 200;
    if (depth > deepest)
      return;
    if (isSquareOf(expr, param))
      found = expr.loc;
    if (auto *name = dyn_cast<ast::Name>(&expr); name && locals.count(name->name))
      return term(*locals.find(name->name)->second, depth + 1);
    auto *binary = dyn_cast<ast::Binary>(&expr);
    if (!binary)
      return;
    switch (binary->op) {
    case ast::BinaryOp::Add:
      term(*binary->lhs, depth + 1);
      return term(*binary->rhs, depth + 1);
    case ast::BinaryOp::Sub: // what is subtracted is no decay
    case ast::BinaryOp::Div:
      return term(*binary->lhs, depth + 1);
    case ast::BinaryOp::Mul:
      if (!isSwitchedOff(*binary->lhs))
        term(*binary->rhs, depth + 1);
      if (!isSwitchedOff(*binary->rhs))
        term(*binary->lhs, depth + 1);
      return;
    default:
      return;
    }
  }

  const ast::Function &loss;
  const ast::Expr *call;
  StringRef param;
  llvm::StringMap<const ast::Expr *> locals;
};

} // namespace

static Finding warn(const Location &at, const Decays &decays) {
  Finding finding{at, "the parameters decay twice: by " + decays[0].owner + " and by " + decays[1].owner, "keep one of them, and set the other to 0", {}};
  for (const Decay &one : decays)
    finding.notes.push_back({one.at, one.owner + " has a decay here"});
  return finding;
}

static void lookAtTrain(const ast::Train &train, const Units &units, Findings &findings) {
  for (const ast::Group &group : train.groups) {
    Decays decays;
    for (const ast::Objective &objective : train.objectives) {
      auto *loss = objective.isMaximize ? nullptr : units.find<ast::Function>(calleeOf(objective.function.get()));
      for (const ast::Ident &param : loss ? objective.over : std::vector<ast::Ident>()) {
        bool isMember = group.members.empty() && !group.isElse;
        for (const ast::GroupMember &member : group.members)
          isMember |= llvm::any_of(member.names, [&](const ast::Ident &one) { return one.name == param.name; });
        bool isNamed = llvm::any_of(train.groups, [&](const ast::Group &other) {
          return llvm::any_of(other.members, [&](const ast::GroupMember &member) { return llvm::any_of(member.names, [&](const ast::Ident &one) { return one.name == param.name; }); });
        });
        LossTerms terms(*loss, objective.function.get(), param.name);
        if (terms.found && decays.empty() && (isMember || (group.isElse && !isNamed)))
          decays.push_back({*terms.found, "the loss '" + loss->name.name + "'"});
      }
    }
    bool hasLossDecay = !decays.empty();
    addRule(group.rule.get(), units, decays);
    // A rule alone is told of where it is declared, or composed: here.
    if (decays.size() > 1 && group.rule && (hasLossDecay || decays[0].owner != decays[1].owner))
      findings.push_back(warn(group.rule->loc, decays));
  }
}

void lint::findDecayTwice(Subject &subject, Findings &findings) {
  Units units(subject.spec);
  for (const ast::UnitPtr &unit : subject.spec.sheet.units) {
    if (auto *train = dyn_cast<ast::Train>(unit.get()))
      lookAtTrain(*train, units, findings);
    auto *rule = dyn_cast<ast::Rule>(unit.get());
    if (!rule)
      continue;
    auto own = ownDecays(*rule, nullptr);
    for (size_t i = 1; i < own.size(); ++i)
      for (size_t k = 0; k < i; ++k)
        if (own[i].first == own[k].first && !areExclusive(*unit, own[i].second, own[k].second)) {
          findings.push_back({own[i].second, "'" + own[i].first + "' decays twice in the rule '" + rule->name.name + "'", "keep one of them", {{own[k].second, "the first decay is here"}}});
          break;
        }
    Decays decays;
    addComposition(*rule, nullptr, units, decays, 0);
    if (decays.size() > 1)
      findings.push_back(warn(rule->name.loc, decays));
  }
}
