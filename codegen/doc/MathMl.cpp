//===- MathMl.cpp - Formulas as MathML -------------------------------------------===//

#include "codegen/doc/MathMl.h"

#include "llvm/ADT/StringSwitch.h"

using llvm::StringRef;

namespace gradus::doc {

std::string escapeXml(StringRef text) {
  std::string escaped;
  for (char c : text) {
    if (c == '&')
      escaped += "&amp;";
    else if (c == '<')
      escaped += "&lt;";
    else if (c == '>')
      escaped += "&gt;";
    else if (c == '"')
      escaped += "&quot;";
    else if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') // XML has no other control characters
      escaped += c;
  }
  return escaped;
}

static std::string element(StringRef name, StringRef content, StringRef attributes = "") {
  std::string tag = name.str();
  return "<" + tag + (attributes.empty() ? "" : " ") + attributes.str() + ">" + content.str() + "</" + tag + ">";
}

static std::string print(const Formula &formula);

/// A name of several letters at one end of a formula, which a thin space does not tell from its neighbour.
static bool endsInWord(const Formula &formula, bool isLeft) {
  if (formula.kind == Formula::Kind::Row || formula.kind == Formula::Kind::Script || formula.kind == Formula::Kind::Limits)
    return !formula.parts.empty() && endsInWord(isLeft && formula.kind == Formula::Kind::Row ? formula.parts.back() : formula.parts.front(), isLeft);
  return formula.kind == Formula::Kind::Word || (formula.kind == Formula::Kind::Operator && !isLeft);
}

static std::string printAll(llvm::ArrayRef<Formula> parts) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    const Formula &part = parts[i];
    bool isApplied = i > 0 && part.kind == Formula::Kind::Fence && part.text == "(" && parts[i - 1].kind == Formula::Kind::Operator;
    bool isBehindOperator = i > 0 && (parts[i - 1].kind == Formula::Kind::Operator || parts[i - 1].kind == Formula::Kind::Limits);
    if (part.kind == Formula::Kind::Blank)
      text += isBehindOperator                                                                                    ? ""
              : i > 0 && i + 1 < parts.size() && (endsInWord(parts[i - 1], true) || endsInWord(parts[i + 1], false)) ? "<mspace width=\"0.3em\"></mspace>"
                                                                                                                  : "<mspace width=\"0.17em\"></mspace>";
    else
      text += (isApplied ? "<mo>\u2061</mo>" : "") + print(part);
  }
  return text;
}

/// One element, whatever the formula is.
static std::string group(const Formula &formula) {
  bool isOne = formula.kind != Formula::Kind::Row && formula.kind != Formula::Kind::Fence && formula.kind != Formula::Kind::Cases && formula.kind != Formula::Kind::Blank &&
               formula.kind != Formula::Kind::Limits;
  return isOne ? print(formula) : element("mrow", formula.kind == Formula::Kind::Row ? printAll(formula.parts) : print(formula));
}

static std::string printScript(const Formula &formula) {
  std::string base = group(formula.parts[0]);
  const Formula &below = formula.parts[1], &above = formula.parts[2];
  // A prime is raised by its own shape.
  bool isPrime = above.kind == Formula::Kind::Row && above.parts.size() == 1 && above.parts[0].kind == Formula::Kind::Sign && above.parts[0].text == "′";
  if (isPrime) {
    base = element("mrow", base + element("mo", "′", "lspace=\"0\" rspace=\"0\""));
    return below.isEmpty() ? base : element("msub", base + group(below));
  }
  if (above.isEmpty())
    return element("msub", base + group(below));
  if (below.isEmpty())
    return element("msup", base + group(above));
  return element("msubsup", base + group(below) + group(above));
}

static std::string printCases(llvm::ArrayRef<Formula> parts) {
  std::string rows;
  for (size_t i = 0; i < parts.size(); i += 2) {
    bool isLast = i + 1 == parts.size();
    std::string condition = isLast ? "<mtext>otherwise</mtext>" : "<mtext>if\u00A0</mtext>" + print(parts[i + 1]);
    rows += element("mtr", element("mtd", print(parts[i])) + element("mtd", condition));
  }
  return element("mrow", element("mo", "{", "form=\"prefix\" stretchy=\"true\"") + element("mtable", rows, "class=\"cases\""));
}

static std::string printOperator(StringRef text) {
  bool isLarge = llvm::StringSwitch<bool>(text).Cases({"∑", "∏", "⋁", "⋀"}, true).Default(false);
  return isLarge ? element("mo", text, "largeop=\"true\" movablelimits=\"true\"") : element("mi", escapeXml(text), text.size() == 1 ? "mathvariant=\"normal\"" : "");
}

/// Under a sum, or beside it where the line is low: browsers decide by `movablelimits`. Words have it always below.
static std::string printLimits(const Formula &formula) {
  std::string space = "<mspace width=\"0.17em\"></mspace>";
  return element("munder", printOperator(formula.parts[0].text) + group(formula.parts[1])) + space;
}

static std::string printFence(const Formula &formula) {
  std::string stretch = "stretchy=\"true\" form=";
  return element("mo", escapeXml(formula.text), stretch + "\"prefix\"") + printAll(formula.parts) + element("mo", escapeXml(formula.close), stretch + "\"postfix\"");
}

static std::string print(const Formula &formula) {
  using Kind = Formula::Kind;
  switch (formula.kind) {
  case Kind::Row:
    return element("mrow", printAll(formula.parts));
  case Kind::Letter:
    return element("mi", escapeXml(formula.text));
  case Kind::Word: // a name of several letters is upright by itself
    return element("mi", escapeXml(formula.text));
  case Kind::Operator:
    return printOperator(formula.text);
  case Kind::Number:
    return element("mn", escapeXml(formula.text));
  case Kind::Text: {
    std::string text;
    for (char c : formula.text) // blanks at the ends would be lost
      text += c == ' ' ? std::string("\u00A0") : std::string(1, c);
    return element("mtext", escapeXml(text));
  }
  case Kind::Infix:
    return element("mo", escapeXml(formula.text), "form=\"infix\"");
  case Kind::Sign: {
    bool isPrefix = llvm::StringSwitch<bool>(formula.text).Cases({"−", "+", "¬", "∇", "∂"}, true).Default(false);
    return element("mo", escapeXml(formula.text), isPrefix ? "form=\"prefix\"" : formula.text == "," ? "separator=\"true\"" : "");
  }
  case Kind::Blank:
    return "<mspace width=\"0.17em\"></mspace>";
  case Kind::Fraction:
    return element("mfrac", group(formula.parts[0]) + group(formula.parts[1]));
  case Kind::Root:
    return formula.text.empty() ? element("msqrt", group(formula.parts[0])) : element("mroot", group(formula.parts[0]) + element("mn", escapeXml(formula.text)));
  case Kind::Script:
    return printScript(formula);
  case Kind::Limits:
    return printLimits(formula);
  case Kind::Accent: {
    StringRef sign = llvm::StringSwitch<StringRef>(formula.text).Case("hat", "^").Case("bar", "¯").Case("tilde", "~").Default("˙");
    return element("mover", group(formula.parts[0]) + element("mo", sign, "stretchy=\"false\""), "accent=\"true\"");
  }
  case Kind::Fence:
    return printFence(formula);
  case Kind::Cases:
    return printCases(formula.parts);
  }
  return "";
}

std::string printMathMl(const Formula &formula, bool isDisplay) {
  if (formula.isEmpty())
    return "";
  return element("math", print(formula), isDisplay ? "displaystyle=\"true\"" : "");
}

} // namespace gradus::doc
