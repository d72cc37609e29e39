//===- Latex.cpp - Formulas as LaTeX ---------------------------------------------===//
//
// Lines of an align* environment, aligned at the equals sign, blocks further to the right.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/Latex.h"

#include "codegen/emit/FormulaWriter.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Casting.h"

using llvm::dyn_cast;
using llvm::StringRef;

namespace gradus {

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

static std::string escape(StringRef text) {
  std::string escaped;
  for (char c : text)
    escaped += StringRef("_#$%&{}").contains(c) ? std::string("\\") + c : std::string(1, c);
  return escaped;
}

static std::string letterAsLatex(StringRef letter) {
  static constexpr std::pair<llvm::StringLiteral, llvm::StringLiteral> letters[] = {
      {"α", "\\alpha"}, {"β", "\\beta"},   {"γ", "\\gamma"},  {"δ", "\\delta"},   {"ε", "\\varepsilon"}, {"ϵ", "\\epsilon"}, {"ζ", "\\zeta"},       {"η", "\\eta"},
      {"θ", "\\theta"}, {"ι", "\\iota"},   {"κ", "\\kappa"},  {"λ", "\\lambda"},  {"μ", "\\mu"},         {"ν", "\\nu"},      {"ξ", "\\xi"},         {"π", "\\pi"},
      {"ρ", "\\rho"},   {"σ", "\\sigma"},  {"τ", "\\tau"},    {"υ", "\\upsilon"}, {"φ", "\\phi"},        {"χ", "\\chi"},     {"ψ", "\\psi"},        {"ω", "\\omega"},
      {"Γ", "\\Gamma"}, {"Φ", "\\Phi"},    {"∞", "\\infty"},  {"ℒ", "\\mathcal{L}"}, {"ℱ", "\\mathcal{F}"}, {"ℝ", "\\mathbb{R}"}, {"ℤ", "\\mathbb{Z}"}, {"𝔹", "\\mathbb{B}"},
  };
  for (auto [sign, macro] : letters)
    if (sign == letter)
      return macro.str();
  return letter.size() == 1 ? letter.str() : "{" + letter.str() + "}";
}

static std::string signAsLatex(StringRef sign) {
  static constexpr std::pair<llvm::StringLiteral, llvm::StringLiteral> signs[] = {
      {"∨", "\\vee"},  {"∧", "\\wedge"},    {"−", "-"},      {"⋅", "\\cdot"}, {"⊙", "\\odot"},   {"mod", "\\bmod"}, {"≤", "\\le"},       {"≥", "\\ge"},       {"≠", "\\ne"},
      {"≈", "\\approx"}, {"¬", "\\neg "},   {"⊤", "\\top"},  {"⊥", "\\bot"},  {"…", "\\ldots"},  {"′", "\\prime"},  {"∂", "\\partial "}, {"∇", "\\nabla "},   {"↦", "\\mapsto"},
      {"∼", "\\sim"},  {"∈", "\\in"},       {"×", "\\times"}, {"⊗", "\\otimes"}, {"+=", "\\mathrel{+}="},
  };
  for (auto [text, macro] : signs)
    if (text == sign)
      return macro.str();
  return sign.str();
}

static std::string fenceAsLatex(StringRef fence) {
  return llvm::StringSwitch<std::string>(fence)
      .Case("⌊", "\\lfloor ")
      .Case("⌋", " \\rfloor")
      .Case("⌈", "\\lceil ")
      .Case("⌉", " \\rceil")
      .Case("⟨", "\\langle ")
      .Case("⟩", " \\rangle")
      .Case("‖", "\\|")
      .Default(fence.str());
}

static std::string operatorAsLatex(StringRef op) {
  if (StringRef sign = llvm::StringSwitch<StringRef>(op).Case("∑", "\\sum").Case("∏", "\\prod").Case("⋁", "\\bigvee").Case("⋀", "\\bigwedge").Case("i", "\\mathrm{i}").Default(""); !sign.empty())
    return sign.str();
  static constexpr StringRef known[] = {"cos", "cosh", "ln", "log", "max", "min", "sin", "sinh", "tan", "tanh"};
  return llvm::is_contained(known, op) ? "\\" + op.str() : "\\operatorname{" + escape(op) + "}";
}

static std::string print(const Formula &formula);

static std::string printAll(llvm::ArrayRef<Formula> parts) {
  std::string text;
  for (const Formula &part : parts)
    text += print(part);
  return text;
}

static std::string printScript(const Formula &formula) {
  const Formula &below = formula.parts[1], &above = formula.parts[2];
  std::string base = print(formula.parts[0]);
  return base + (above.isEmpty() ? "" : "^{" + print(above) + "}") + (below.isEmpty() ? "" : "_{" + print(below) + "}");
}

static std::string printCases(llvm::ArrayRef<Formula> parts) {
  std::string text = "\\begin{cases} ";
  for (size_t i = 0; i + 1 < parts.size(); i += 2)
    text += print(parts[i]) + " & \\text{if } " + print(parts[i + 1]) + " \\\\ ";
  return text + print(parts.back()) + " & \\text{otherwise} \\end{cases}";
}

/// An operator with what stands under it; those that are no sign of LaTeX ask for the place below.
static std::string printLimits(const Formula &formula) {
  StringRef word = formula.parts[0].text;
  std::string op = operatorAsLatex(word);
  if (StringRef(op).starts_with("\\operatorname"))
    op = "\\operatorname*{" + escape(word) + "}";
  return op + "_{" + print(formula.parts[1]) + "}";
}

static std::string print(const Formula &formula) {
  using Kind = Formula::Kind;
  switch (formula.kind) {
  case Kind::Row: {
    std::string text;
    for (auto [index, part] : llvm::enumerate(formula.parts)) {
      auto isSign = [](const Formula &each) { return each.kind == Kind::Letter || each.kind == Kind::Number; };
      if (index > 0 && isSign(part) && isSign(formula.parts[index - 1]))
        text += " "; // indices; and a name behind a backslash ends there
      bool isTight = index > 0 && (formula.parts[index - 1].kind == Kind::Limits || formula.parts[index - 1].kind == Kind::Operator);
      text += part.kind == Kind::Blank ? (isTight ? " " : " \\, ") : print(part);
    }
    return text;
  }
  case Kind::Letter:
    return letterAsLatex(formula.text);
  case Kind::Word: {
    bool isPlain = llvm::all_of(formula.text, [](unsigned char c) { return c < 128; });
    return (isPlain ? "\\mathrm{" : "{") + escape(formula.text) + "}";
  }
  case Kind::Operator:
    return operatorAsLatex(formula.text);
  case Kind::Number:
    return formula.text;
  case Kind::Text:
    return "\\text{" + escape(formula.text) + "}";
  case Kind::Infix:
    return " " + signAsLatex(formula.text) + " ";
  case Kind::Sign:
    return formula.text == "," ? ", " : signAsLatex(formula.text);
  case Kind::Blank:
    return " \\, ";
  case Kind::Fraction:
    return "\\frac{" + print(formula.parts[0]) + "}{" + print(formula.parts[1]) + "}";
  case Kind::Root:
    return "\\sqrt" + (formula.text.empty() ? "" : "[" + formula.text + "]") + "{" + print(formula.parts[0]) + "}";
  case Kind::Script:
    return printScript(formula);
  case Kind::Limits:
    return printLimits(formula);
  case Kind::Accent:
    return "\\" + formula.text + "{" + print(formula.parts[0]) + "}";
  case Kind::Fence:
    return "\\left" + fenceAsLatex(formula.text) + printAll(formula.parts) + "\\right" + StringRef(fenceAsLatex(formula.close)).ltrim().str();
  case Kind::Cases:
    return printCases(formula.parts);
  }
  return "";
}

//===----------------------------------------------------------------------===//
// A derivative
//===----------------------------------------------------------------------===//

static bool isZeros(const ast::Expr &expr) {
  auto *call = dyn_cast<ast::Call>(&expr);
  auto *word = call ? dyn_cast<ast::Name>(call->callee.get()) : nullptr;
  return word && word->name == "zeros";
}

/// Arrays of zeros that nothing writes to, and that are no result.
static void findFrames(const ast::Block &block, llvm::StringSet<> &frames, llvm::StringMap<unsigned> &assigned) {
  for (const ast::StmtPtr &stmt : block.statements) {
    if (auto *assign = dyn_cast<ast::AssignStmt>(stmt.get())) {
      const ast::Target &target = assign->targets.front();
      if (assign->targets.size() == 1 && target.subscripts.empty() && !target.name.primed && isZeros(*assign->value))
        frames.insert(target.name.name);
      else
        for (const ast::Target &each : assign->targets)
          ++assigned[each.name.name];
    } else if (auto *loop = dyn_cast<ast::LoopStmt>(stmt.get())) {
      findFrames(loop->block, frames, assigned);
    } else if (auto *when = dyn_cast<ast::WhenStmt>(stmt.get())) {
      findFrames(when->block, frames, assigned);
      if (when->otherwise)
        findFrames(*when->otherwise, frames, assigned);
    } else if (auto *function = dyn_cast<ast::FunctionStmt>(stmt.get()); function && function->body.block) {
      findFrames(*function->body.block, frames, assigned);
    }
  }
}

/// In a block the left side is indented.
static std::string printLine(const FormulaLine &line) {
  std::string shift = line.depth == 0 ? "" : "\\hspace{" + std::to_string(line.depth) + "em} ";
  std::string left = print(line.left), right = StringRef(print(line.right)).ltrim().str();
  if (line.left.isEmpty())
    return "&" + shift + right;
  return line.depth == 0 ? left + " &" + right : "&" + shift + left + " " + right;
}

/// The names that the function gives its results in the body, each the first that it stands for.
static llvm::StringMap<size_t> findMeanings(const ast::Function &func, llvm::ArrayRef<std::string> results) {
  llvm::StringMap<size_t> meanings;
  auto *end = dyn_cast<ast::ReturnStmt>(func.body.block->statements.back().get());
  for (auto [number, value] : llvm::enumerate(end ? llvm::ArrayRef<ast::ExprPtr>(end->values) : llvm::ArrayRef<ast::ExprPtr>())) {
    auto *name = dyn_cast<ast::Name>(value.get());
    bool isArgument = name && llvm::any_of(func.params, [&](const ast::Param &param) { return param.name.name == name->name; });
    bool isResult = number == 0 || (number < results.size() && !results[number].empty());
    if (name && !isArgument && isResult)
      meanings.try_emplace(name->name, number);
  }
  return meanings;
}

std::string printAsLatex(const ast::Function &func, std::vector<std::string> results) {
  FormulaWriter writer;
  writer.numbersAbove = true;
  writer.results = std::move(results);
  if (func.body.block && !func.body.block->statements.empty()) {
    writer.meanings = findMeanings(func, writer.results);
    llvm::StringMap<unsigned> assigned;
    findFrames(*func.body.block, writer.frames, assigned);
    for (const auto &entry : assigned)
      writer.frames.erase(entry.first());
    for (const auto &entry : writer.meanings)
      writer.frames.erase(entry.first());
    writer.writeApart([&] { writer.writeBlock(*func.body.block); });
  }
  std::vector<FormulaLine> lines = writer.takeLines();
  std::string text = "\\begin{align*}\n";
  for (size_t i = 0; i < lines.size(); ++i)
    text += "  " + printLine(lines[i]) + (i + 1 < lines.size() ? " \\\\\n" : "\n");
  return text + "\\end{align*}\n";
}

} // namespace gradus
