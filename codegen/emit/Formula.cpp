//===- Formula.cpp - Formulas as they are set ------------------------------------===//

#include "codegen/emit/Formula.h"

namespace gradus {

/// The part that is read first.
static const Formula &firstOf(const Formula &formula) {
  bool isOpen = formula.kind == Formula::Kind::Row || formula.kind == Formula::Kind::Script;
  return isOpen && !formula.parts.empty() ? firstOf(formula.parts.front()) : formula;
}

bool Formula::startsWithSign() const {
  const Formula &first = firstOf(*this);
  return first.kind == Kind::Sign && (first.text == "−" || first.text == "+");
}

bool Formula::startsWithNumber() const { return firstOf(*this).kind == Kind::Number; }

bool Formula::isRaised() const {
  if (kind == Kind::Fraction)
    return true;
  if (kind == Kind::Script && !parts[2].isEmpty())
    return true;
  return (kind == Kind::Row || kind == Kind::Script) && !parts.empty() && (kind == Kind::Row ? parts.back() : parts.front()).isRaised();
}

std::string Formula::look() const {
  std::string all = "(" + std::to_string(static_cast<int>(kind)) + " " + text + "\n" + close;
  for (const Formula &part : parts)
    all += part.look();
  return all + ")";
}

Formula Formula::list(std::vector<Formula> parts) {
  if (parts.size() == 1)
    return std::move(parts.front());
  Formula result = row({}, BindCases);
  for (Formula &part : parts) {
    if (!result.parts.empty())
      result.parts.push_back(sign(","));
    result.parts.push_back(std::move(part));
  }
  return result;
}

Formula Formula::wrap(Formula formula, int least) { return formula.binding >= least ? formula : parentheses(std::move(formula)); }

llvm::StringRef greekLetter(llvm::StringRef name) {
  static constexpr std::pair<llvm::StringLiteral, llvm::StringLiteral> letters[] = {
      {"alpha", "α"}, {"beta", "β"},   {"chi", "χ"},   {"delta", "δ"}, {"eps", "ε"},   {"epsilon", "ϵ"}, {"eta", "η"},   {"gamma", "γ"},   {"inf", "∞"},
      {"iota", "ι"},  {"kappa", "κ"},  {"lambda", "λ"}, {"mu", "μ"},   {"nu", "ν"},    {"omega", "ω"},   {"phi", "φ"},   {"pi", "π"},      {"psi", "ψ"},
      {"rho", "ρ"},   {"sigma", "σ"},  {"tau", "τ"},   {"theta", "θ"}, {"upsilon", "υ"}, {"xi", "ξ"},    {"zeta", "ζ"},
  };
  for (auto [word, letter] : letters)
    if (word == name)
      return letter;
  return "";
}

} // namespace gradus
