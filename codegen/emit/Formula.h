//===- Formula.h - Formulas as they are set --------------------------------------===//
//
// What stands where in a formula, apart from how that is written: LaTeX (Latex.h) and MathML (codegen/doc) are printed from the same tree, so that names,
// brackets and signs are decided once. Signs and Greek letters are Unicode.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace gradus {

struct Formula {
  enum class Kind {
    Row,      ///< the parts, one after the other
    Letter,   ///< one letter, italic: "x", "α"
    Word,     ///< a name of several letters, upright
    Operator, ///< a function or a sum: "sin", "∑", "max"
    Number,
    Text,     ///< words between formulas, with the blanks around them
    Infix,    ///< a sign between two formulas
    Sign,     ///< any other sign: a minus before a number, a comma
    Blank,    ///< of a product without a sign
    Fraction, ///< over, under
    Root,     ///< of the first part; the degree is the text
    Script,   ///< base, what is below, what is above: an empty row where there is nothing
    Limits,   ///< an operator, and what stands under it
    Accent,   ///< on the part; the text is hat, bar, tilde or dot
    Fence,    ///< the part between two signs: text and close
    Cases,    ///< value, condition, value, condition, .., value
  };
  /// How tightly it binds, weakest first.
  enum Binding { BindCases, BindOr, BindAnd, BindCompare, BindSum, BindProduct, BindUnary, BindPower, BindPrimary };

  Kind kind = Kind::Row;
  std::string text;
  std::string close;
  std::vector<Formula> parts;
  Binding binding = BindPrimary;

  bool isEmpty() const { return kind == Kind::Row && parts.empty(); }
  /// A text that formulas share which look alike, and no others.
  std::string look() const;
  /// Whether it begins with a sign, or with a number.
  bool startsWithSign() const;
  bool startsWithNumber() const;
  /// Whether something is raised in it where a further power would stand, or it is a fraction.
  bool isRaised() const;
  Formula bound(Binding to) && {
    binding = to;
    return std::move(*this);
  }

  static Formula leaf(Kind kind, std::string text) { return {kind, std::move(text), {}, {}, BindPrimary}; }
  static Formula letter(std::string text) { return leaf(Kind::Letter, std::move(text)); }
  static Formula word(std::string text) { return leaf(Kind::Word, std::move(text)); }
  static Formula op(std::string text) { return leaf(Kind::Operator, std::move(text)); }
  static Formula number(std::string text) { return leaf(Kind::Number, std::move(text)); }
  static Formula says(std::string text) { return leaf(Kind::Text, std::move(text)); }
  static Formula infix(std::string text) { return leaf(Kind::Infix, std::move(text)); }
  static Formula sign(std::string text) { return leaf(Kind::Sign, std::move(text)); }
  static Formula blank() { return leaf(Kind::Blank, ""); }
  static Formula row(std::vector<Formula> parts, Binding binding = BindPrimary) { return {Kind::Row, "", {}, std::move(parts), binding}; }
  static Formula fraction(Formula over, Formula under) { return {Kind::Fraction, "", {}, {std::move(over), std::move(under)}, BindPower}; }
  static Formula root(Formula of, std::string degree = "") { return {Kind::Root, std::move(degree), {}, {std::move(of)}, BindPrimary}; }
  static Formula script(Formula base, Formula below, Formula above) { return {Kind::Script, "", {}, {std::move(base), std::move(below), std::move(above)}, BindPrimary}; }
  static Formula below(Formula base, Formula below) { return script(std::move(base), std::move(below), row({})); }
  static Formula above(Formula base, Formula above) { return script(std::move(base), row({}), std::move(above)); }
  static Formula limits(Formula op, Formula under) { return {Kind::Limits, "", {}, {std::move(op), std::move(under)}, BindPrimary}; }
  static Formula accent(std::string sign, Formula base) { return {Kind::Accent, std::move(sign), {}, {std::move(base)}, BindPrimary}; }
  static Formula fence(std::string open, Formula inside, std::string close) { return {Kind::Fence, std::move(open), std::move(close), {std::move(inside)}, BindPrimary}; }
  static Formula parentheses(Formula inside) { return fence("(", std::move(inside), ")"); }
  static Formula cases(std::vector<Formula> parts) { return {Kind::Cases, "", {}, std::move(parts), BindCases}; }
  /// With commas between them.
  static Formula list(std::vector<Formula> parts);
  /// In parentheses where it binds less than `least`.
  static Formula wrap(Formula formula, int least);
};

/// A Greek letter by its name, `eps` and `inf` among them; empty for any other word.
llvm::StringRef greekLetter(llvm::StringRef name);

} // namespace gradus
