//===- LatexExpression.cpp - Formulas of Gradus as LaTeX -------------------------===//

#include "codegen/emit/LatexExpression.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Casting.h"

using llvm::dyn_cast;
using llvm::SmallVector;
using llvm::StringRef;

namespace gradus {

std::string LatexWriter::wrap(const Text &text, int least) { return text.binding >= least ? text.text : "\\left(" + text.text + "\\right)"; }

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

static constexpr llvm::StringLiteral greek[] = {"alpha", "beta", "chi",   "delta", "epsilon", "eta",   "gamma", "iota",  "kappa",   "lambda", "mu", "nu",
                                                "omega", "phi",  "pi",    "psi",   "rho",     "sigma", "tau",   "theta", "upsilon", "xi",     "zeta"};

/// A letter, a Greek letter by its name, or a word.
static std::string writeLetters(StringRef letters) {
  if (letters.size() == 1)
    return letters.str();
  if (llvm::is_contained(greek, letters))
    return "\\" + letters.str();
  if (letters == "eps")
    return "\\varepsilon";
  if (letters == "inf")
    return "\\infty";
  for (auto [ending, accent] : {std::pair("hat", "\\hat"), std::pair("bar", "\\bar"), std::pair("tilde", "\\tilde"), std::pair("dot", "\\dot")})
    if (StringRef rest = letters; rest.consume_back(ending) && (rest.size() == 1 || llvm::is_contained(greek, rest)))
      return std::string(accent) + "{" + writeLetters(rest) + "}";
  std::string escaped;
  for (char c : letters)
    escaped += c == '_' ? std::string("\\_") : std::string(1, c);
  bool isPlain = llvm::all_of(letters, [](unsigned char c) { return c < 128; });
  return isPlain ? "\\mathrm{" + escaped + "}" : "{" + escaped + "}";
}

/// "ik" for letters, "i, k + 1" for anything longer.
static std::string joinSubscripts(llvm::ArrayRef<std::string> subscripts) {
  bool isShort = llvm::all_of(subscripts, [](const std::string &sub) { return sub.size() == 1; });
  return llvm::join(subscripts, isShort ? " " : ", ");
}

std::string LatexWriter::writeName(StringRef name, llvm::ArrayRef<std::string> subscripts, bool isPrimed) {
  std::string below = subscripts.empty() ? "" : "_{" + joinSubscripts(subscripts) + "}", prime = isPrimed ? "'" : "";
  if (auto known = symbols.find(name); known != symbols.end())
    return known->second + prime + below;
  if (StringRef of = name; of.consume_front("grad_") && symbols.count("value"))
    return "\\frac{\\partial " + symbols.lookup("value") + "}{\\partial " + writeName(of, subscripts) + "}" + prime;
  StringRef letters = name.rtrim("0123456789"), digits = name.drop_front(letters.size());
  if (letters.ends_with("_"))
    letters = letters.drop_back();
  if (letters.empty())
    return writeLetters(name) + prime + below;
  std::string above = (digits.empty() ? "" : "(" + digits.str() + ")") + std::string(isPrimed ? "\\prime" : "");
  return writeLetters(letters) + (above.empty() ? "" : "^{" + above + "}") + below;
}

std::string LatexWriter::writeSubscript(const ast::Subscript &sub) {
  switch (sub.kind) {
  case ast::SubKind::Value: return write(*sub.value).text;
  case ast::SubKind::Slice: return (sub.from ? write(*sub.from).text : "") + ":" + (sub.to ? write(*sub.to).text : "");
  case ast::SubKind::Rest: return "\\ldots";
  case ast::SubKind::Named: return "\\mathrm{" + sub.name->name + "} = " + write(*sub.value).text;
  }
  return "";
}

SmallVector<std::string> LatexWriter::subscriptsOf(llvm::ArrayRef<ast::Subscript> subscripts) {
  SmallVector<std::string> texts;
  for (const ast::Subscript &sub : subscripts)
    texts.push_back(writeSubscript(sub));
  return texts;
}

std::string LatexWriter::writeTarget(const ast::Target &target) { return writeName(target.name.name, subscriptsOf(target.subscripts), target.name.primed); }

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

/// An element of an array of zeros that gives an index its range.
bool LatexWriter::isFrame(const ast::Expr &expr) const {
  auto *index = dyn_cast<ast::Index>(&expr);
  auto *name = index ? dyn_cast<ast::Name>(index->base.get()) : nullptr;
  return name && frames.contains(name->name);
}

LatexWriter::Text LatexWriter::writeCases(const ast::Expr &condition, const ast::Expr &yes, const ast::Expr &no) {
  if (auto *compare = dyn_cast<ast::Compare>(&condition); compare && isFrame(*compare->operands.front()))
    return write(yes);
  return {"\\begin{cases} " + write(yes).text + " & \\text{if } " + write(condition).text + " \\\\ " + write(no).text + " & \\text{otherwise} \\end{cases}", BindCases};
}

LatexWriter::Text LatexWriter::writeBinary(const ast::Binary &binary) {
  if (binary.op == ast::BinaryOp::Add && isFrame(*binary.lhs))
    return write(*binary.rhs);
  Text a = write(*binary.lhs), b = write(*binary.rhs);
  auto infix = [&](const std::string &sign, int binding) {
    bool isSigned = StringRef(b.text).starts_with("-");
    return Text{wrap(a, binding) + sign + (isSigned ? "\\left(" + b.text + "\\right)" : wrap(b, binding + 1)), binding};
  };
  switch (binary.op) {
  case ast::BinaryOp::Or: return infix(" \\vee ", BindOr);
  case ast::BinaryOp::And: return infix(" \\wedge ", BindAnd);
  case ast::BinaryOp::Add: return infix(" + ", BindSum);
  case ast::BinaryOp::Sub: return infix(" - ", BindSum);
  case ast::BinaryOp::Mul: {
    bool isNumber = !b.text.empty() && llvm::isDigit(b.text.front());
    return infix(isNumber ? " \\cdot " : " \\, ", BindProduct);
  }
  case ast::BinaryOp::MatMul: return infix(" \\, ", BindProduct);
  case ast::BinaryOp::Mod: return infix(" \\bmod ", BindProduct);
  case ast::BinaryOp::Div: return {"\\frac{" + a.text + "}{" + b.text + "}", BindPower};
  case ast::BinaryOp::Pow: {
    bool isPlain = a.binding == BindPrimary && a.text.find('^') == std::string::npos && a.text.find("\\frac") == std::string::npos;
    return {(isPlain ? a.text : "\\left(" + a.text + "\\right)") + "^{" + b.text + "}", BindPower};
  }
  }
  return {};
}

static StringRef signOf(ast::CompareOp op) {
  switch (op) {
  case ast::CompareOp::Lt: return " < ";
  case ast::CompareOp::Gt: return " > ";
  case ast::CompareOp::Le: return " \\le ";
  case ast::CompareOp::Ge: return " \\ge ";
  case ast::CompareOp::Eq: return " = ";
  case ast::CompareOp::Ne: return " \\ne ";
  case ast::CompareOp::Near: return " \\approx ";
  }
  return "";
}

static std::string writeNumber(const ast::Number &number) {
  auto [mantissa, exponent] = StringRef(number.text).split('e');
  if (exponent.empty())
    std::tie(mantissa, exponent) = StringRef(number.text).split('E');
  if (exponent.empty())
    return number.text;
  return (mantissa == "1" ? std::string() : mantissa.str() + " \\cdot ") + "10^{" + exponent.ltrim('+').str() + "}";
}

LatexWriter::Text LatexWriter::write(const ast::Expr &expr) {
  if (auto *number = dyn_cast<ast::Number>(&expr)) {
    std::string text = writeNumber(*number);
    return {text, text.find('^') == std::string::npos ? BindPrimary : BindProduct};
  }
  if (auto *truth = dyn_cast<ast::Bool>(&expr))
    return {truth->value ? "\\top" : "\\bot"};
  if (auto *name = dyn_cast<ast::Name>(&expr))
    return {frames.contains(name->name) ? "0" : writeName(name->name, {}, name->primed)};
  if (isFrame(expr))
    return {"0"};
  if (auto *unary = dyn_cast<ast::Unary>(&expr)) {
    Text operand = write(*unary->operand);
    bool isSigned = StringRef(operand.text).starts_with("-");
    return {(unary->op == ast::UnaryOp::Neg ? "-" : unary->op == ast::UnaryOp::Not ? "\\neg " : "") + wrap(operand, isSigned ? BindPrimary + 1 : BindProduct), BindUnary};
  }
  if (auto *binary = dyn_cast<ast::Binary>(&expr))
    return writeBinary(*binary);
  if (auto *compare = dyn_cast<ast::Compare>(&expr)) {
    std::string text = wrap(write(*compare->operands[0]), BindSum);
    for (size_t i = 0; i < compare->ops.size(); ++i)
      text += signOf(compare->ops[i]).str() + wrap(write(*compare->operands[i + 1]), BindSum);
    return {text, BindCompare};
  }
  if (auto *choice = dyn_cast<ast::If>(&expr))
    return writeCases(*choice->condition, *choice->thenValue, *choice->elseValue);
  if (auto *index = dyn_cast<ast::Index>(&expr)) {
    SmallVector<std::string> subscripts = subscriptsOf(index->subscripts);
    if (auto *name = dyn_cast<ast::Name>(index->base.get()))
      return {writeName(name->name, subscripts, name->primed)};
    return {wrap(write(*index->base), BindPrimary + 1) + "_{" + joinSubscripts(subscripts) + "}"};
  }
  if (auto *member = dyn_cast<ast::Member>(&expr); member && member->member.name == "T")
    return {wrap(write(*member->base), BindPrimary) + "^{\\top}", BindPower};
  if (auto *list = dyn_cast<ast::List>(&expr)) {
    SmallVector<std::string> elements;
    for (const ast::ExprPtr &element : list->elements)
      elements.push_back(write(*element).text);
    return {"\\left[" + llvm::join(elements, ", ") + "\\right]"};
  }
  if (auto *range = dyn_cast<ast::Range>(&expr)) {
    auto *end = dyn_cast<ast::Number>(range->to.get());
    std::string last = end && end->isInteger ? std::to_string(end->integer - 1) : write(*range->to).text + " - 1";
    return {write(*range->from).text + ", \\ldots, " + last, BindCases};
  }
  if (auto *call = dyn_cast<ast::Call>(&expr))
    return writeCall(*call);
  return {"\\ldots"};
}

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

LatexWriter::Text LatexWriter::writeCall(const ast::Call &call) {
  const ast::Expr *callee = call.callee.get();
  SmallVector<std::string> slots;
  if (auto *index = dyn_cast<ast::Index>(callee)) {
    slots = subscriptsOf(index->subscripts);
    callee = index->base.get();
  }
  auto *name = dyn_cast<ast::Name>(callee);
  return name ? writeWord(name->name, slots, call) : Text{"\\ldots"};
}

LatexWriter::Text LatexWriter::writeWord(StringRef word, llvm::ArrayRef<std::string> slots, const ast::Call &call) {
  SmallVector<Text> given;
  SmallVector<std::string> texts;
  for (const ast::Argument &argument : call.arguments) {
    given.push_back(write(*argument.value));
    texts.push_back(given.back().text);
  }
  auto x = [&](int least) { return given.empty() ? "" : wrap(given[0], least); };
  std::string all = "\\left(" + llvm::join(texts, ", ") + "\\right)", over = slots.empty() ? "" : "_{" + llvm::join(slots, ", ") + "}";
  if (word == "where" && call.arguments.size() == 3)
    return writeCases(*call.arguments[0].value, *call.arguments[1].value, *call.arguments[2].value);
  if (given.size() == 1 && !slots.empty()) { // over indices
    if (word == "sum" || word == "prod")
      return {(word == "sum" ? "\\sum" : "\\prod") + over + " " + x(BindProduct), BindSum};
    if (word == "max" || word == "min")
      return {"\\" + word.str() + over + " " + x(BindProduct), BindSum};
    if (word == "argmax" || word == "argmin")
      return {"\\operatorname*{" + word.str() + "}" + over + " " + x(BindProduct), BindSum};
    if (word == "logsumexp")
      return {"\\ln \\sum" + over + " e^{" + texts[0] + "}", BindSum};
    if (word == "norm")
      return {"\\sqrt{\\sum" + over + " \\left(" + texts[0] + "\\right)^{2}}"};
    if (word == "any" || word == "all")
      return {(word == "any" ? "\\bigvee" : "\\bigwedge") + over + " " + x(BindCompare), BindAnd};
  }
  if (given.size() == 1 && slots.empty()) {
    if (word == "exp")
      return {"e^{" + texts[0] + "}", BindPower};
    if (word == "exp2")
      return {"2^{" + texts[0] + "}", BindPower};
    if (word == "sqrt" || word == "cbrt")
      return {(word == "sqrt" ? "\\sqrt{" : "\\sqrt[3]{") + texts[0] + "}"};
    if (word == "abs")
      return {"\\left|" + texts[0] + "\\right|"};
    if (word == "floor" || word == "ceil")
      return {"\\left\\l" + word.str() + " " + texts[0] + " \\right\\r" + word.str()};
    if (word == "sigmoid")
      return {"\\sigma" + all};
    if (word == "normal_cdf" || word == "normal_quantile")
      return {(word == "normal_cdf" ? "\\Phi" : "\\Phi^{-1}") + all};
    if (word == "digamma" || word == "trigamma")
      return {(word == "digamma" ? "\\psi" : "\\psi'") + all};
    if (word == "lgamma")
      return {"\\ln \\left|\\Gamma" + all + "\\right|", BindProduct};
    if (word == "log" || word == "log1p")
      return {word == "log" ? "\\ln" + all : "\\ln\\left(1 + " + x(BindSum) + "\\right)"};
    if (word == "expm1")
      return {"e^{" + texts[0] + "} - 1", BindSum};
    if (word == "stop")
      return given[0];
    if (word == "int")
      return {"\\operatorname{trunc}" + all};
    static constexpr StringRef known[] = {"cos", "cosh", "sin", "sinh", "tan", "tanh"};
    if (llvm::is_contained(known, word))
      return {"\\" + word.str() + all};
    if (word == "fft" || word == "ifft" || word == "real" || word == "imag")
      return {(word == "fft" ? "\\mathcal{F}" : word == "ifft" ? "\\mathcal{F}^{-1}" : word == "real" ? "\\operatorname{Re}" : "\\operatorname{Im}") + all};
  }
  if (word == "zeros")
    return {"0"};
  if (word == "reshape" && !texts.empty())
    return {"\\operatorname{reshape}\\left(" + texts[0] + "\\right)"};
  if (word == "div" && texts.size() == 2)
    return {"\\left\\lfloor \\frac{" + texts[0] + "}{" + texts[1] + "} \\right\\rfloor"};
  if ((word == "max" || word == "min") && slots.empty())
    return {"\\" + word.str() + all};
  if (word == "complex" && given.size() == 2)
    return {wrap(given[0], BindSum) + " + \\mathrm{i} \\, " + wrap(given[1], BindUnary), BindSum};
  if (word == "inverse" && given.size() == 1)
    return {x(BindPrimary) + "^{-1}", BindPower};
  std::string spelled;
  for (char c : word)
    spelled += c == '_' ? std::string("\\_") : std::string(1, c);
  return {"\\operatorname{" + spelled + "}" + over + all};
}

} // namespace gradus
