//===- FormulaStatements.cpp - Statements as lines of formulas -------------------===//
//
// A line each, those of blocks further to the right. No statement is left out, but for arrays of zeros that only tell ranges (`frames`).
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/FormulaWriter.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Casting.h"

using llvm::dyn_cast;
using llvm::isa;
using llvm::StringRef;

namespace gradus {

using F = Formula;

void FormulaWriter::define(Formula left, Formula right, const char *sign) {
  lines.push_back({place, depth, std::move(left), F::row({F::infix(sign), std::move(right)})});
}

void FormulaWriter::writeIndented(const ast::Block &block) {
  ++depth;
  writeBlock(block);
  --depth;
}

void FormulaWriter::writeAssign(const ast::AssignStmt &assign) {
  const ast::Target &first = assign.targets.front();
  if (assign.targets.size() == 1 && first.subscripts.empty() && frames.contains(first.name.name))
    return;
  std::vector<Formula> targets;
  for (const ast::Target &target : assign.targets)
    targets.push_back(writeTarget(target));
  Formula right = write(*assign.value);
  for (const ast::Boundary &boundary : assign.boundaries) {
    right = F::row({std::move(right), F::sign(","), F::says("  "), writeTarget(boundary.place), F::infix("="), write(*boundary.value)});
  }
  for (const ast::Target &target : assign.targets)
    if (!steps.contains(target.name.name))
      extents[target.name.name] = target.subscripts.empty() ? extentOf(*assign.value) : Extent::Array;
  define(F::list(std::move(targets)), std::move(right), assign.isAdd ? "+=" : "=");
}

void FormulaWriter::writeLoop(const ast::LoopStmt &loop) {
  Formula starts = F::row({F::says("from ")});
  for (const ast::LoopInit &init : loop.inits) {
    if (starts.parts.size() != 1)
      starts.parts.insert(starts.parts.end(), {F::sign(","), F::says(" ")});
    starts.parts.insert(starts.parts.end(), {writeName(init.name.name), F::infix("="), write(*init.value)});
    if (init.type)
      starts.parts.push_back(writeDomain(*init.type));
  }
  // What the loop carries has the names of the loop until its end, even where the step has values of them.
  auto outerSteps = steps;
  for (const ast::LoopInit &init : loop.inits) {
    steps.erase(init.name.name);
    extents[init.name.name] = extentOf(*init.value);
  }
  auto *once = dyn_cast<ast::Number>(loop.bound.get());
  bool isBlock = numbersAbove && once && once->isInteger && once->integer == 1 && !loop.condition; // a condition stands in it
  if (!isBlock) {
    if (!loop.inits.empty())
      line(std::move(starts));
    Formula head = F::row({});
    if (loop.variable) {
      steps.erase(loop.variable->name);
      extents[loop.variable->name] = Extent::Number;
      head.parts = {F::says("for "), writeName(loop.variable->name), F::infix("="), write(*loop.bound)};
    } else {
      if (loop.condition)
        head.parts.push_back(F::says("at most "));
      head.parts.insert(head.parts.end(), {write(*loop.bound), F::says(" times")});
    }
    if (!loop.slot.empty()) {
      llvm::SmallVector<Formula> slot = writeSubscripts(loop.slot);
      head.parts.insert(head.parts.end(), {F::says(" with "), F::list({slot.begin(), slot.end()})});
    }
    if (loop.condition)
      head.parts.insert(head.parts.end(), {F::says(" while "), write(*loop.condition)});
    head.parts.push_back(F::sign(":"));
    line(std::move(head));
    ++depth;
  }
  writeBlock(loop.block);
  depth -= !isBlock;
  // Behind the loop its names are the last values.
  for (const auto &entry : outerSteps)
    if (llvm::none_of(loop.inits, [&](const ast::LoopInit &init) { return init.name.name == entry.first(); }))
      steps.insert(entry.first());
}

void FormulaWriter::writeWhen(const ast::WhenStmt &when) {
  line(F::row({F::says("if "), write(*when.condition), F::sign(":")}));
  writeIndented(when.block);
  if (!when.otherwise)
    return;
  place = when.otherwise->loc;
  line(F::row({F::says("else"), F::sign(":")}));
  writeIndented(*when.otherwise);
}

void FormulaWriter::writeReturn(const ast::ReturnStmt &stmt) {
  if (numbersAbove) { // of a derivative: a result that has no name of its own
    for (auto [number, value] : llvm::enumerate(stmt.values)) {
      auto *name = dyn_cast<ast::Name>(value.get());
      auto meaning = name ? meanings.find(name->name) : meanings.end();
      bool isResult = depth == 0 && (number == 0 || (number < results.size() && !results[number].empty()));
      if (!isResult)
        line(F::row({F::says("gives "), write(*value)}));
      else if (meaning == meanings.end() || meaning->second != number)
        define(writeResult(number, {}), write(*value));
    }
    return;
  }
  std::vector<Formula> values;
  for (const ast::ExprPtr &value : stmt.values)
    values.push_back(write(*value));
  line(F::row({F::says("return "), F::list(std::move(values))}));
}

Formula FormulaWriter::writeHead(const ast::Ident &name, llvm::ArrayRef<ast::Param> params, llvm::ArrayRef<ast::Subscript> indices) {
  std::vector<Formula> arguments;
  for (const ast::Param &param : params)
    arguments.push_back(writeName(param.name.name));
  llvm::SmallVector<Formula> below = writeSubscripts(indices);
  Formula call = F::row({writeName(name.name), F::parentheses(F::list(std::move(arguments)))});
  return below.empty() ? call : F::below(std::move(call), F::list({below.begin(), below.end()}));
}

void FormulaWriter::writeFunction(const ast::FunctionStmt &stmt) {
  functions.insert(stmt.name.name);
  auto outerSteps = steps;
  auto outerExtents = extents;
  for (const ast::Param &param : stmt.params) {
    steps.erase(param.name.name);
    learnParam(param, Extent::Elements);
  }
  Formula head = writeHead(stmt.name, stmt.params, stmt.indices);
  Formula domains = writeDomains(stmt.params);
  if (stmt.body.value) {
    Formula value = write(*stmt.body.value);
    define(std::move(head), domains.isEmpty() ? std::move(value) : F::row({std::move(value), F::says("  for "), std::move(domains)}));
  } else {
    if (!domains.isEmpty())
      head = F::row({std::move(head), F::says(" for "), std::move(domains)});
    head.parts.push_back(F::says(" is"));
    head.parts.push_back(F::sign(":"));
    line(std::move(head));
    writeIndented(*stmt.body.block);
  }
  steps = std::move(outerSteps);
  extents = std::move(outerExtents);
}

/// What has no assignment: claims, reports, draws, equations.
void FormulaWriter::writeRoles(const ast::Stmt &stmt) {
  if (auto *draw = dyn_cast<ast::DrawStmt>(&stmt)) {
    Formula right = write(*draw->value);
    if (draw->at)
      right = F::row({std::move(right), F::says("  at "), write(*draw->at)});
    extents[draw->name.name] = Extent::Array;
    define(writeName(draw->name.name, {}, draw->name.primed), std::move(right), "∼");
  } else if (auto *emit = dyn_cast<ast::EmitStmt>(&stmt)) {
    std::vector<Formula> names;
    for (const ast::Ident &name : emit->names)
      names.push_back(writeName(name.name, {}, name.primed));
    line(F::row({F::says("report "), F::list(std::move(names))}));
  } else if (auto *expect = dyn_cast<ast::ExpectStmt>(&stmt)) {
    Formula row = F::row({F::says("expect "), write(*expect->condition)});
    if (expect->within)
      row.parts.insert(row.parts.end(), {F::says("  within "), write(*expect->within)});
    line(std::move(row));
  } else if (auto *solves = dyn_cast<ast::SolvesStmt>(&stmt)) {
    std::vector<Formula> equations;
    for (const ast::ExprPtr &equation : solves->equations)
      equations.push_back(write(*equation));
    line(F::row({F::says("solves "), F::list(std::move(equations))}));
  } else if (auto *grad = dyn_cast<ast::GradStmt>(&stmt)) {
    Formula row = F::row({F::says("gradient ")});
    for (const ast::GradStmt::Entry &entry : grad->entries) {
      steps.insert(entry.name.name);
      extents[entry.name.name] = Extent::Array;
      if (row.parts.size() > 1)
        row.parts.insert(row.parts.end(), {F::sign(","), F::says(" ")});
      row.parts.push_back(writeName(entry.name.name));
      if (entry.of)
        row.parts.insert(row.parts.end(), {F::says(" in "), writeName(entry.of->name)});
    }
    line(std::move(row));
  }
}

void FormulaWriter::writeStmt(const ast::Stmt &stmt) {
  place = stmt.loc;
  if (auto *assign = dyn_cast<ast::AssignStmt>(&stmt))
    return writeAssign(*assign);
  if (auto *loop = dyn_cast<ast::LoopStmt>(&stmt))
    return writeLoop(*loop);
  if (auto *when = dyn_cast<ast::WhenStmt>(&stmt))
    return writeWhen(*when);
  if (auto *end = dyn_cast<ast::ReturnStmt>(&stmt))
    return writeReturn(*end);
  if (auto *function = dyn_cast<ast::FunctionStmt>(&stmt))
    return writeFunction(*function);
  if (auto *constant = dyn_cast<ast::ConstStmt>(&stmt))
    return writeDecls("constant ", constant->decl, false);
  if (auto *param = dyn_cast<ast::ParamStmt>(&stmt))
    return writeDecls(param->isJoint ? "joint parameter " : "parameter ", param->decls, true);
  if (auto *state = dyn_cast<ast::StateStmt>(&stmt))
    return writeDecls(state->isShared ? "shared state " : "state ", state->decls, true);
  if (auto *input = dyn_cast<ast::InputStmt>(&stmt))
    return writeDecls(input->isShared ? "shared input " : "input ", input->decls, true);
  if (auto *every = dyn_cast<ast::EveryStmt>(&stmt)) {
    line(F::row({F::says("every "), write(*every->period), F::says(" steps"), F::sign(":")}));
    return writeIndented(every->block);
  }
  if (auto *on = dyn_cast<ast::OnStmt>(&stmt)) {
    for (const ast::Param &param : on->params)
      learnParam(param, Extent::Elements);
    Formula head = F::row({F::says("on "), writeHead(on->name, on->params, {})});
    if (Formula domains = writeDomains(on->params); !domains.isEmpty())
      head.parts.insert(head.parts.end(), {F::says(" for "), std::move(domains)});
    head.parts.push_back(F::sign(":"));
    line(std::move(head));
    return writeIndented(on->block);
  }
  writeRoles(stmt);
}

void FormulaWriter::writeBlock(const ast::Block &block) {
  for (const ast::StmtPtr &stmt : block.statements)
    writeStmt(*stmt);
}

} // namespace gradus
