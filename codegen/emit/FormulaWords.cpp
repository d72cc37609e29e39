//===- FormulaWords.cpp - The words of the language as formulas ------------------===//
//
// What a paper writes as a sign is one here; all other words stand upright before their arguments.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/FormulaWriter.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Casting.h"

using llvm::dyn_cast;
using llvm::SmallVector;
using llvm::StringRef;

namespace gradus {

using F = Formula;

Formula FormulaWriter::writeArguments(llvm::ArrayRef<ast::Argument> arguments) {
  std::vector<Formula> parts;
  for (const ast::Argument &argument : arguments) {
    Formula value = write(*argument.value);
    if (argument.name)
      parts.push_back(F::row({writeName(argument.name->name), F::infix("="), std::move(value)}));
    else if (argument.isElse)
      parts.push_back(F::row({F::says("else "), std::move(value)}));
    else
      parts.push_back(std::move(value));
  }
  return F::list(std::move(parts));
}

/// `e` to a power.
static Formula powerOf(const char *base, Formula x) { return F::above(base[0] == 'e' ? F::letter(base) : F::number(base), std::move(x)).bound(F::BindPower); }

/// An operator before what is in parentheses.
static Formula apply(Formula op, Formula x) { return F::row({std::move(op), F::parentheses(std::move(x))}); }

/// Over indices.
bool FormulaWriter::writeReduction(StringRef word, const Formula &over, const Formula &x, Formula &result) {
  StringRef sign = llvm::StringSwitch<StringRef>(word).Case("sum", "∑").Case("prod", "∏").Case("any", "⋁").Case("all", "⋀").Default("");
  bool isTruth = word == "any" || word == "all";
  if (!sign.empty() || word == "max" || word == "min" || word == "argmax" || word == "argmin" || word == "mean") {
    Formula op = F::limits(F::op((sign.empty() ? word : sign).str()), over);
    result = F::row({std::move(op), F::blank(), F::wrap(x, isTruth ? F::BindCompare : F::BindProduct)}, isTruth ? F::BindAnd : F::BindSum);
    return true;
  }
  if (word == "logsumexp") {
    result = F::row({F::op("ln"), F::blank(), F::limits(F::op("∑"), over), F::blank(), powerOf("e", x)}, F::BindSum);
    return true;
  }
  if (word == "norm" || word == "norm1") {
    bool isRange = over.kind == F::Kind::Word || (over.kind == F::Kind::Row && !over.parts.empty() && over.parts[0].kind == F::Kind::Word); // all, axis = 0
    Formula sum = F::row({F::limits(F::op("∑"), over), F::blank(), F::above(F::parentheses(x), F::number("2"))});
    result = word == "norm" && !isRange ? F::root(std::move(sum)) : F::below(F::fence("‖", x, "‖"), word == "norm" ? over : F::list({F::number("1"), over}));
    return true;
  }
  return false;
}

/// Of one argument.
bool FormulaWriter::writeFunction(StringRef word, const Formula &x, Formula &result) {
  auto is = [&](Formula formula) {
    result = std::move(formula);
    return true;
  };
  if (word == "exp" || word == "exp2")
    return is(powerOf(word == "exp" ? "e" : "2", x));
  if (word == "sqrt" || word == "cbrt")
    return is(F::root(x, word == "sqrt" ? "" : "3"));
  if (word == "rsqrt" || word == "reciprocal")
    return is(F::fraction(F::number("1"), word == "rsqrt" ? F::root(x) : x));
  if (word == "square")
    return is(F::above(F::wrap(x, x.isRaised() ? F::BindPrimary + 1 : F::BindPrimary), F::number("2")).bound(F::BindPower));
  if (word == "abs")
    return is(F::fence("|", x, "|"));
  if (word == "norm" || word == "norm1")
    return is(word == "norm" ? F::fence("‖", x, "‖") : F::below(F::fence("‖", x, "‖"), F::number("1")));
  if (word == "floor" || word == "ceil")
    return is(word == "floor" ? F::fence("⌊", x, "⌋") : F::fence("⌈", x, "⌉"));
  if (word == "inverse")
    return is(F::above(F::wrap(x, F::BindPrimary), F::row({F::sign("−"), F::number("1")})).bound(F::BindPower));
  if (word == "log1p")
    return is(apply(F::op("ln"), F::row({F::number("1"), F::infix("+"), F::wrap(x, x.startsWithSign() ? F::BindPrimary + 1 : F::BindSum)})));
  if (word == "expm1")
    return is(F::row({powerOf("e", x), F::infix("−"), F::number("1")}, F::BindSum));
  if (word == "lgamma")
    return is(F::row({F::op("ln"), F::blank(), F::fence("|", apply(F::letter("Γ"), x), "|")}, F::BindProduct));
  if (word == "log2" || word == "log10")
    return is(apply(F::below(F::op("log"), F::number(word.drop_front(3).str())), x));
  if (word == "normal_quantile" || word == "ifft")
    return is(apply(F::above(F::letter(word == "ifft" ? "ℱ" : "Φ"), F::row({F::sign("−"), F::number("1")})), x));
  if (word == "trigamma")
    return is(apply(F::above(F::letter("ψ"), F::sign("′")), x));
  if (word == "stop" && numbersAbove) // a derivative has been taken already
    return is(x);
  if (word == "sum")
    return is(F::row({F::op("∑"), F::blank(), F::wrap(x, F::BindProduct)}, F::BindSum));
  StringRef letter = llvm::StringSwitch<StringRef>(word).Case("sigmoid", "σ").Case("normal_cdf", "Φ").Case("digamma", "ψ").Case("fft", "ℱ").Default("");
  if (!letter.empty())
    return is(apply(F::letter(letter.str()), x));
  StringRef op = llvm::StringSwitch<StringRef>(word)
                     .Case("log", "ln")
                     .Case("int", "trunc")
                     .Case("real", "Re")
                     .Case("imag", "Im")
                     .Cases({"cos", "cosh", "sin", "sinh", "tan", "tanh"}, word)
                     .Default("");
  return !op.empty() && is(apply(F::op(op.str()), x));
}

/// Of any number of arguments.
bool FormulaWriter::writeOfSeveral(StringRef word, llvm::ArrayRef<Formula> x, Formula &result) {
  auto is = [&](Formula formula) {
    result = std::move(formula);
    return true;
  };
  if (word == "zeros" && (numbersAbove || x.empty()))
    return is(F::number("0"));
  if ((word == "zeros" || word == "ones" || word == "eye") && !x.empty()) {
    Formula shape = F::row({x.size() > 1 ? F::wrap(x[0], F::BindUnary) : x[0]});
    for (const Formula &size : x.drop_front())
      shape.parts.insert(shape.parts.end(), {F::infix("×"), F::wrap(size, F::BindUnary)});
    return is(F::below(word == "eye" ? F::letter("I") : F::number(word == "zeros" ? "0" : "1"), std::move(shape)));
  }
  if (word == "reshape" && numbersAbove && !x.empty())
    return is(apply(F::op("reshape"), x[0]));
  if (x.size() != 2)
    return false;
  if (word == "dot")
    return is(F::fence("⟨", F::list({x[0], x[1]}), "⟩"));
  if (word == "outer" || word == "kron")
    return is(F::row({F::wrap(x[0], F::BindProduct), F::infix("⊗"), F::wrap(x[1], F::BindUnary)}, F::BindProduct));
  if (word == "div")
    return is(F::fence("⌊", F::fraction(x[0], x[1]), "⌋"));
  if (word == "complex")
    return is(F::row({F::wrap(x[0], F::BindSum), F::infix("+"), F::op("i"), F::blank(), F::wrap(x[1], x[1].startsWithSign() ? F::BindPrimary + 1 : F::BindUnary)}, F::BindSum));
  return false;
}

Formula FormulaWriter::writeCall(const ast::Call &call) {
  const ast::Expr *callee = call.callee.get();
  llvm::ArrayRef<ast::Subscript> slot;
  if (auto *index = dyn_cast<ast::Index>(callee); index && llvm::isa<ast::Name>(index->base.get())) {
    slot = index->subscripts;
    callee = index->base.get();
  }
  auto *name = dyn_cast<ast::Name>(callee);
  if (!name)
    return apply(F::wrap(write(*callee), F::BindPrimary), writeArguments(call.arguments));
  StringRef word = name->name;
  bool isOwn = functions.contains(word);
  if (word == "where" && !isOwn && call.arguments.size() == 3)
    return writeCases(*call.arguments[0].value, *call.arguments[1].value, *call.arguments[2].value);
  // The unknowns of a problem are no values of the step.
  SmallVector<StringRef> hidden;
  for (const ast::Subscript &sub : slot)
    if (auto *unknown = sub.kind == ast::SubKind::Value ? dyn_cast<ast::Name>(sub.value.get()) : nullptr; unknown && steps.erase(unknown->name))
      hidden.push_back(unknown->name);
  SmallVector<Formula> subscripts = writeSubscripts(slot), given;
  bool isNamed = false;
  for (const ast::Argument &argument : call.arguments) {
    given.push_back(write(*argument.value));
    isNamed |= argument.name || argument.isElse;
  }
  Formula all = writeArguments(call.arguments);
  for (StringRef unknown : hidden)
    steps.insert(unknown);
  Formula over = F::list({subscripts.begin(), subscripts.end()}), result;
  isNamed |= isOwn; // no word of the language, whatever it is called
  if (!isNamed && given.size() == 1 && (slot.empty() ? writeFunction(word, given[0], result) : writeReduction(word, over, given[0], result)))
    return result;
  if (!isNamed && slot.empty() && writeOfSeveral(word, given, result))
    return result;
  if (!slot.empty() && !isOwn && given.size() == 1 && (word == "solve" || word == "fixpoint")) // the unknown stands below
    return F::row({F::limits(F::op(word.str()), std::move(over)), F::blank(), F::parentheses(std::move(all))}, F::BindUnary);
  // A name of the author's is one like any other; a word of several letters stands upright in both cases.
  bool isLocal = extents.contains(word) || steps.contains(word);
  Formula op = isLocal || word.size() == 1 || !greekLetter(word).empty() ? writeName(word, {}, name->primed) : F::op(word.str());
  if (!subscripts.empty())
    op = F::below(std::move(op), std::move(over));
  return apply(std::move(op), std::move(all));
}

} // namespace gradus
