//===- Latex.cpp - Gradus source as LaTeX ----------------------------------------===//
//
// Statements: a line each, aligned at the equals sign, blocks further to the right.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/Latex.h"

#include "codegen/emit/LatexExpression.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Casting.h"

using llvm::dyn_cast;
using llvm::StringRef;

namespace gradus {

namespace {
class LatexBody {
public:
  std::string run(const ast::Function &func);

private:
  void findFrames(const ast::Block &block, llvm::StringMap<unsigned> &assigned);
  void line(const std::string &text) { lines.push_back(text); }
  std::string shift() const { return std::string(depth == 0 ? "" : "\\hspace{" + std::to_string(depth) + "em} "); }
  void writeBlock(const ast::Block &block);
  void writeAssign(const ast::AssignStmt &assign);
  void writeLoop(const ast::LoopStmt &loop);
  void writeWhen(const ast::WhenStmt &when);
  void writeReturn(const ast::ReturnStmt &stmt);

  LatexWriter formulas;
  std::vector<std::string> lines;
  unsigned depth = 0;
};
} // namespace

static bool isZeros(const ast::Expr &expr) {
  auto *call = dyn_cast<ast::Call>(&expr);
  auto *word = call ? dyn_cast<ast::Name>(call->callee.get()) : nullptr;
  return word && word->name == "zeros";
}

/// Arrays of zeros that nothing writes to.
void LatexBody::findFrames(const ast::Block &block, llvm::StringMap<unsigned> &assigned) {
  for (const ast::StmtPtr &stmt : block.statements) {
    if (auto *assign = dyn_cast<ast::AssignStmt>(stmt.get())) {
      const ast::Target &target = assign->targets.front();
      if (assign->targets.size() == 1 && target.subscripts.empty() && !target.name.primed && isZeros(*assign->value) && !StringRef(target.name.name).starts_with("grad_"))
        formulas.frames.insert(target.name.name);
      else
        for (const ast::Target &each : assign->targets)
          ++assigned[each.name.name];
    } else if (auto *loop = dyn_cast<ast::LoopStmt>(stmt.get())) {
      findFrames(loop->block, assigned);
    } else if (auto *when = dyn_cast<ast::WhenStmt>(stmt.get())) {
      findFrames(when->block, assigned);
      if (when->otherwise)
        findFrames(*when->otherwise, assigned);
    } else if (auto *function = dyn_cast<ast::FunctionStmt>(stmt.get()); function && function->body.block) {
      findFrames(*function->body.block, assigned);
    }
  }
}

void LatexBody::writeAssign(const ast::AssignStmt &assign) {
  const ast::Target &first = assign.targets.front();
  if (assign.targets.size() == 1 && first.subscripts.empty() && formulas.frames.contains(first.name.name))
    return;
  std::string left = formulas.writeTarget(first);
  for (const ast::Target &target : llvm::ArrayRef(assign.targets).drop_front())
    left += ", " + formulas.writeTarget(target);
  std::string right = formulas.write(*assign.value).text;
  for (const ast::Boundary &boundary : assign.boundaries)
    right += ", \\quad " + formulas.writeTarget(boundary.place) + " = " + formulas.write(*boundary.value).text;
  std::string sign = assign.isAdd ? "\\mathrel{+}= " : "= ";
  line(depth == 0 ? left + " &" + sign + right : "&" + shift() + left + " " + sign + right); // in a block the left side is indented
}

void LatexBody::writeLoop(const ast::LoopStmt &loop) {
  std::string starts;
  for (const ast::LoopInit &init : loop.inits)
    starts += (starts.empty() ? "" : ", \\; ") + formulas.writeName(init.name.name) + " = " + formulas.write(*init.value).text;
  auto *once = dyn_cast<ast::Number>(loop.bound.get());
  bool isBlock = once && once->isInteger && once->integer == 1 && !loop.condition; // a condition stands in it
  if (isBlock) {
    writeBlock(loop.block);
    return;
  }
  if (!starts.empty())
    line("&" + shift() + "\\text{from } " + starts);
  std::string head = loop.variable ? "\\text{for } " + formulas.writeName(loop.variable->name) + " = " + formulas.write(*loop.bound).text
                                   : formulas.write(*loop.bound).text + " \\text{ times}";
  if (loop.condition)
    head += " \\text{ while } " + formulas.write(*loop.condition).text;
  line("&" + shift() + head + ":");
  ++depth;
  writeBlock(loop.block);
  --depth;
}

void LatexBody::writeWhen(const ast::WhenStmt &when) {
  line("&" + shift() + "\\text{if } " + formulas.write(*when.condition).text + ":");
  ++depth;
  writeBlock(when.block);
  --depth;
  if (!when.otherwise)
    return;
  line("&" + shift() + "\\text{else}:");
  ++depth;
  writeBlock(*when.otherwise);
  --depth;
}

/// A result that is no name of its own.
void LatexBody::writeReturn(const ast::ReturnStmt &stmt) {
  for (auto [index, value] : llvm::enumerate(stmt.values)) {
    auto *name = dyn_cast<ast::Name>(value.get());
    if (depth == 0 && index == 0 && (!name || name->name != "value"))
      line(formulas.symbols.lookup("value") + " &= " + formulas.write(*value).text);
    else if (depth != 0 || (!name && index != 0))
      line("&" + shift() + "\\text{gives } " + formulas.write(*value).text);
  }
}

void LatexBody::writeBlock(const ast::Block &block) {
  for (const ast::StmtPtr &stmt : block.statements) {
    if (auto *assign = dyn_cast<ast::AssignStmt>(stmt.get()))
      writeAssign(*assign);
    else if (auto *loop = dyn_cast<ast::LoopStmt>(stmt.get()))
      writeLoop(*loop);
    else if (auto *when = dyn_cast<ast::WhenStmt>(stmt.get()))
      writeWhen(*when);
    else if (auto *end = dyn_cast<ast::ReturnStmt>(stmt.get()))
      writeReturn(*end);
    else if (auto *function = dyn_cast<ast::FunctionStmt>(stmt.get()); function && function->body.block) {
      std::string parameters;
      for (const ast::Param &param : function->params)
        parameters += (parameters.empty() ? "" : ", ") + formulas.writeName(param.name.name);
      line("&" + shift() + formulas.writeName(function->name.name) + "\\left(" + parameters + "\\right) \\text{ is}:");
      ++depth;
      writeBlock(*function->body.block);
      --depth;
    }
  }
}

std::string LatexBody::run(const ast::Function &func) {
  formulas.symbols["value"] = "\\mathcal{L}";
  llvm::StringMap<unsigned> assigned;
  if (func.body.block)
    findFrames(*func.body.block, assigned);
  for (const auto &entry : assigned)
    formulas.frames.erase(entry.first());
  if (func.body.block)
    writeBlock(*func.body.block);
  std::string text = "\\begin{align*}\n";
  for (size_t i = 0; i < lines.size(); ++i)
    text += "  " + lines[i] + (i + 1 < lines.size() ? " \\\\\n" : "\n");
  return text + "\\end{align*}\n";
}

std::string printAsLatex(const ast::Function &func) { return LatexBody().run(func); }

} // namespace gradus
