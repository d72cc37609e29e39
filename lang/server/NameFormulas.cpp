//===- NameFormulas.cpp - Which declaration a name belongs to: formulas ------------===//

#include "lang/server/NameWalker.h"

#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::server;

const ast::Expr *Walker::ruleOfStep(const ast::Call &call) {
  auto *name = dyn_cast<ast::Name>(call.callee.get());
  bool isStep = name && (name->name == "step" || name->name == "run") && !call.arguments.empty() && !call.arguments.front().name;
  return isStep ? call.arguments.front().value.get() : nullptr;
}

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
    auto *call = dyn_cast<ast::Call>(member->base.get());
    bool isTranspose = member->member.name == "T" && call && !ruleOfStep(*call);
    if (Record record = recordOf(*member->base); record.rule && !isTranspose)
      useMember(unitsOf(record), member->member);
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

/// The units that a formula names, from the left.
static std::vector<std::string> unitsIn(const ast::Expr &expr) {
  std::vector<std::string> units;
  lang::forEachExpr(expr, [&](const ast::Expr &inner) {
    if (auto *name = dyn_cast<ast::Name>(&inner); name && !name->primed && !llvm::is_contained(units, name->name))
      units.push_back(name->name);
  });
  return units;
}

std::vector<std::string> Walker::unitsOf(const Record &record) {
  std::vector<std::string> units = unitsIn(*record.rule);
  if (record.isInner && units.size() > 1)
    units.erase(units.begin());
  return units;
}

Walker::Record Walker::recordOf(const ast::Expr &expr) const {
  if (auto *index = dyn_cast<ast::Index>(&expr)) // the record after a step
    return recordOf(*index->base);
  if (auto *name = dyn_cast<ast::Name>(&expr)) {
    const size_t *known = find(name->name);
    if (known && names.declarations[*known].kind == NameKind::Unit)
      return {&expr};
    auto it = known ? records.find(*known) : records.end();
    return it == records.end() ? Record() : it->second;
  }
  if (auto *call = dyn_cast<ast::Call>(&expr)) {
    const ast::Expr *rule = ruleOfStep(*call);
    return {rule ? rule : &expr};
  }
  auto *member = dyn_cast<ast::Member>(&expr);
  Record outer = member ? recordOf(*member->base) : Record();
  if (!outer.rule)
    return {};
  const ast::Expr *rule = outer.rule;
  if (auto *entry = dyn_cast<ast::Member>(rule)) // `gossip().edge`
    rule = entry->base.get();
  if (auto *call = dyn_cast<ast::Call>(rule))
    for (const ast::Argument &argument : call->arguments)
      if (argument.name && argument.name->name == member->member.name)
        return {argument.value.get()};
  return {outer.rule, /*isInner=*/true};
}

void Walker::visitArguments(const std::vector<ast::Argument> &arguments, const std::vector<std::string> &callee) {
  for (const ast::Argument &argument : arguments) {
    if (argument.name)
      useMember(callee, *argument.name);
    visit(argument.value);
  }
}

static std::vector<std::string> unitsOfCallee(const ast::Name *name) { return name ? std::vector{name->name} : std::vector<std::string>(); }

/// `sum[j](x[j])` binds j inside.
void Walker::visit(const ast::Call &call) {
  auto *word = dyn_cast<ast::Index>(call.callee.get());
  auto *name = dyn_cast<ast::Name>(word ? word->base.get() : call.callee.get());
  if (!word) {
    visit(call.callee);
    const ast::Expr *rule = ruleOfStep(call);
    return visitArguments(call.arguments, rule ? unitsIn(*rule) : unitsOfCallee(name));
  }
  visit(word->base);
  Inside here(*this, call.loc);
  bool isOwn = name && find(name->name); // `f[i](w)` selects rows, it binds nothing
  if (!isOwn)
    bindIndices(word->subscripts);
  visit(word->subscripts);
  visitArguments(call.arguments, unitsOfCallee(name));
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
  visitArguments(derivative.arguments, {derivative.function.name});
}

Names::Names(const ast::Sheet &sheet) {
  Walker walker(*this, sheet);
  // Units may be used above their declaration, and so may their arguments.
  std::vector<OpenName> stillOpen;
  for (OpenName &name : open) {
    // What another file may have is closed by whoever has that file.
    const Declaration *found = name.member.empty() ? findUnit(name.units.front()) : findMember(name.units.front(), name.member);
    if (found)
      uses.push_back({name.loc, static_cast<size_t>(found - declarations.data())});
    else
      stillOpen.push_back(std::move(name));
  }
  open = std::move(stillOpen);
}
