//===- FormulaUnits.cpp - Units as lines of formulas -----------------------------===//
//
// Heads, declarations and what stands in no block: the function of a prox, the equations of a solver, derivatives of one's own, train units.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/FormulaWriter.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Casting.h"

using llvm::dyn_cast;
using llvm::StringRef;

namespace gradus {

using F = Formula;

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

FormulaWriter::Extent FormulaWriter::extentOf(const std::optional<ast::Type> &type, Extent otherwise) const {
  if (!type || type->kind != ast::TypeKind::Tensor)
    return otherwise;
  if (type->hasDims)
    return type->dims.empty() ? Extent::Number : Extent::Array;
  bool isLike = llvm::any_of(type->storage, [](const ast::Storage &storage) { return storage.isLike; });
  return isLike ? Extent::Array : otherwise;
}

/// What is like a parameter has at least one axis more than it says.
void FormulaWriter::learnRank(const ast::Ident &name, const std::optional<ast::Type> &type) {
  ranks.erase(name.name);
  if (type && type->hasDims)
    ranks[name.name] = type->dims.size() + llvm::any_of(type->storage, [](const ast::Storage &storage) { return storage.isLike; });
}

void FormulaWriter::learnParam(const ast::Param &param, Extent otherwise) {
  bool isNumber = param.isSize || param.defaultValue || (param.interval && !param.type);
  learnRank(param.name, param.type);
  extents[param.name.name] = extentOf(param.type, isNumber ? Extent::Number : otherwise);
}

void FormulaWriter::learn(const ast::Function &unit) {
  bool isOfArrays = unit.function == ast::FunctionKind::Loss || unit.function == ast::FunctionKind::Schedule;
  for (const ast::Param &param : unit.params)
    learnParam(param, isOfArrays ? Extent::Number : Extent::Elements);
  extents["t"] = Extent::Number;
}

void FormulaWriter::learn(const ast::Rule &unit) {
  for (const ast::Param &param : unit.params)
    learnParam(param, Extent::Number);
  for (const ast::Oracle &oracle : unit.oracles)
    extents[oracle.name.name] = Extent::Number;
  extents["t"] = Extent::Number;
}

/// "∈ ℝ^{n × d} f32", "∈ ℤ", ": like w".
Formula FormulaWriter::writeDomain(const ast::Type &type) {
  if (type.kind != ast::TypeKind::Tensor)
    return F::row({F::infix(":"), F::says(type.kind == ast::TypeKind::Rule ? "rule" : type.kind == ast::TypeKind::Fn ? "function" : "projection")});
  const char *numbers = type.hasDims ? "ℝ" : "";
  Formula rest = F::row({});
  for (const ast::Storage &storage : type.storage) {
    StringRef word = storage.name.name;
    if (!storage.isLike && (word == "int" || word == "bool")) {
      numbers = word == "int" ? "ℤ" : "𝔹";
      continue;
    }
    rest.parts.push_back(F::says(storage.isLike && storage.arg ? " like " + storage.arg->name + " of " : storage.isLike ? " like " : " " + word.str()));
    if (storage.isLike)
      rest.parts.push_back(writeName(word));
    if (storage.argument)
      rest.parts.push_back(F::parentheses(write(*storage.argument)));
  }
  Formula shape = F::row({});
  for (const ast::Dim &dim : type.dims) {
    if (!shape.isEmpty())
      shape.parts.push_back(F::infix("×"));
    shape.parts.push_back(F::wrap(write(*dim.size), F::BindUnary));
    if (dim.trailing)
      shape.parts.push_back(F::sign("…"));
  }
  if (*numbers == 0) // of any shape
    return F::row({F::infix(":"), std::move(rest)});
  Formula set = F::letter(numbers);
  if (!shape.isEmpty())
    set = F::above(std::move(set), std::move(shape));
  return F::row({F::infix("∈"), std::move(set), std::move(rest)});
}

/// "x ∈ ℝ^n, k = 3" of the arguments of a local function that say so.
Formula FormulaWriter::writeDomains(llvm::ArrayRef<ast::Param> params) {
  std::vector<Formula> domains;
  for (const ast::Param &param : params) {
    if (!param.type && !param.defaultValue)
      continue;
    Formula domain = F::row({writeName(param.name.name)});
    if (param.defaultValue)
      domain.parts.insert(domain.parts.end(), {F::infix("="), write(*param.defaultValue)});
    if (param.type)
      domain.parts.push_back(writeDomain(*param.type));
    domains.push_back(std::move(domain));
  }
  return domains.empty() ? F::row({}) : F::list(std::move(domains));
}

void FormulaWriter::learnDecl(const ast::Decl &decl) {
  learnRank(decl.name, decl.type);
  extents[decl.name.name] = extentOf(decl.type, Extent::Array);
}

/// Values of the step, with those that they begin with; constants have no time.
void FormulaWriter::writeDecls(const char *word, llvm::ArrayRef<ast::Decl> decls, bool isOfStep) {
  Formula row = F::row({F::says(word)});
  for (const ast::Decl &decl : decls) {
    if (isOfStep)
      steps.insert(decl.name.name);
    if (isOfStep || decl.type)
      learnDecl(decl);
    else if (decl.value)
      extents[decl.name.name] = extentOf(*decl.value);
    if (row.parts.size() > 1)
      row.parts.insert(row.parts.end(), {F::sign(","), F::says(" ")});
    isFirstStep = isOfStep && decl.value;
    row.parts.push_back(writeName(decl.name.name));
    if (decl.value)
      row.parts.insert(row.parts.end(), {F::infix("="), write(*decl.value)});
    if (decl.type)
      row.parts.push_back(writeDomain(*decl.type));
    isFirstStep = false;
  }
  line(std::move(row));
}

//===----------------------------------------------------------------------===//
// Units
//===----------------------------------------------------------------------===//

/// What stands beside the body.
void FormulaWriter::writeParts(const ast::Function &unit) {
  if (unit.proxOf) {
    place = unit.proxOf->loc;
    line(F::row({F::says("proximal operator of "), write(*unit.proxOf)}));
  }
  for (const ast::ExprPtr &equation : unit.solves) {
    place = equation->loc;
    line(F::row({F::says("solves "), write(*equation)}));
  }
}

void FormulaWriter::writeTrain(const ast::Train &unit) {
  for (const ast::Objective &objective : unit.objectives) {
    place = objective.loc;
    std::vector<Formula> over;
    for (const ast::Ident &name : objective.over)
      over.push_back(writeName(name.name));
    Formula row = F::row({F::says(objective.isMaximize ? "maximize " : "minimize ")});
    if (objective.function)
      row.parts.push_back(write(*objective.function));
    if (!over.empty())
      row.parts.insert(row.parts.end(), {F::says(" over "), F::list(std::move(over))});
    line(std::move(row));
  }
  for (const ast::Group &group : unit.groups) {
    place = group.loc;
    std::vector<Formula> members;
    for (const ast::GroupMember &member : group.members) {
      std::vector<Formula> names;
      for (const ast::Ident &name : member.names)
        names.push_back(writeName(name.name));
      Formula all = F::list(std::move(names));
      members.push_back(member.isTuple ? F::parentheses(std::move(all)) : std::move(all));
    }
    Formula row = F::row({});
    if (!members.empty() || group.isElse)
      row.parts = {members.empty() ? F::says("all others") : F::list(std::move(members)), F::says(" ")};
    row.parts.insert(row.parts.end(), {F::says("by "), write(*group.rule)});
    line(std::move(row));
  }
}

void FormulaWriter::writeUnit(const ast::Unit &unit) {
  writeApart([&] { writeLines(unit); });
}

void FormulaWriter::writeLines(const ast::Unit &unit) {
  steps.clear();
  extents.clear();
  ranks.clear();
  place = unit.loc;
  if (auto *function = dyn_cast<ast::Function>(&unit)) {
    learn(*function);
    writeParts(*function);
    Formula head = writeHead(function->name, function->params, function->indices);
    if (function->body.value) {
      place = unit.loc;
      define(std::move(head), write(*function->body.value));
    } else {
      writeBlock(*function->body.block);
    }
    if (const auto &derivative = function->derivative) {
      place = derivative->loc;
      std::vector<Formula> parts;
      for (const ast::ExprPtr &value : derivative->values)
        parts.push_back(write(*value));
      std::vector<Formula> cotangents;
      for (const ast::Ident &name : derivative->cotangents)
        cotangents.push_back(writeName(name.name));
      line(F::row({F::says("derivative of "), F::list(std::move(cotangents)), F::says(" is "), F::list(std::move(parts))}));
    }
  } else if (auto *rule = dyn_cast<ast::Rule>(&unit)) {
    learn(*rule);
    for (const ast::Param &param : rule->params)
      writeName(param.name.name); // tables have those that no line has
    writeBlock(rule->block);
  } else if (auto *train = dyn_cast<ast::Train>(&unit)) {
    writeTrain(*train);
  } else if (auto *test = dyn_cast<ast::Test>(&unit)) {
    writeBlock(test->block);
  } else if (auto *constant = dyn_cast<ast::Const>(&unit)) {
    writeDecls("constant ", constant->decl, false);
  }
}

} // namespace gradus
