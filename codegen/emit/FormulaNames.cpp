//===- FormulaNames.cpp - Names and subscripts as formulas -----------------------===//

#include "codegen/emit/FormulaWriter.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Casting.h"
#include "llvm/Support/ConvertUTF.h"

using llvm::SmallVector;
using llvm::StringRef;

namespace gradus {

static bool isOneLetter(StringRef text) { return text.size() == 1 || (!text.empty() && static_cast<unsigned char>(text[0]) >= 0xC0 && llvm::getNumBytesForUTF8(text[0]) == text.size()); }

/// A letter, a Greek letter by its name, or one of them under an accent; nothing for a word.
static bool writeAsLetter(StringRef letters, Formula &result) {
  if (isOneLetter(letters)) {
    result = Formula::letter(letters.str());
    return true;
  }
  if (StringRef greek = greekLetter(letters); !greek.empty()) {
    result = Formula::letter(greek.str());
    return true;
  }
  for (StringRef ending : {"hat", "bar", "tilde", "dot"})
    if (StringRef rest = letters; rest.consume_back(ending) && (rest.size() == 1 || !greekLetter(rest).empty()) && writeAsLetter(rest, result)) {
      result = Formula::accent(ending.str(), std::move(result));
      return true;
    }
  return false;
}

static Formula writeLetters(StringRef letters) {
  Formula result;
  return writeAsLetter(letters, result) ? result : Formula::word(letters.str());
}

/// "ik" for letters and digits, "i, k + 1" for anything longer.
static Formula joinSubscripts(SmallVector<Formula> subscripts, bool isApart = false) {
  auto isOneSign = [](const Formula &sub) { return (sub.kind == Formula::Kind::Letter || sub.kind == Formula::Kind::Number) && sub.text.size() == 1; };
  bool isShort = !isApart && llvm::all_of(subscripts, isOneSign);
  std::vector<Formula> parts(std::make_move_iterator(subscripts.begin()), std::make_move_iterator(subscripts.end()));
  return isShort && parts.size() != 1 ? Formula::row(std::move(parts)) : Formula::list(std::move(parts));
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// The value, or its partial derivative.
Formula FormulaWriter::writeResult(size_t number, llvm::ArrayRef<Formula> subscripts) {
  Formula value = Formula::letter("ℒ");
  if (number == 0)
    return subscripts.empty() ? value : Formula::below(std::move(value), joinSubscripts({subscripts.begin(), subscripts.end()}));
  return Formula::fraction(Formula::row({Formula::sign("∂"), std::move(value)}), Formula::row({Formula::sign("∂"), writeName(results[number], subscripts)}));
}

Formula FormulaWriter::writeName(StringRef name, llvm::ArrayRef<Formula> subscripts, bool isPrimed) {
  looks[name.str()].insert(writeOneName(name, {}, false).look());
  return writeOneName(name, subscripts, isPrimed);
}

/// Of names that look alike the shortest keeps its look, or the one that stands for a result; false where all differ.
bool FormulaWriter::spellTwins() {
  std::vector<StringRef> names;
  for (const auto &entry : looks)
    names.push_back(entry.first);
  llvm::stable_sort(names, [&](StringRef a, StringRef b) { return std::pair(!meanings.contains(a), a.size()) < std::pair(!meanings.contains(b), b.size()); });
  llvm::StringSet<> known;
  bool hasTwins = false;
  for (StringRef name : names) {
    const std::set<std::string> &all = looks[name.str()];
    bool isTwin = llvm::any_of(all, [&](const std::string &look) { return known.contains(look); });
    if (isTwin && !meanings.contains(name))
      hasTwins |= spelled.insert(name).second;
    else
      for (const std::string &look : all)
        known.insert(look);
  }
  return hasTwins;
}

void FormulaWriter::writeApart(llvm::function_ref<void()> write) {
  size_t before = lines.size();
  llvm::StringSet<> own = functions;
  write();
  if (!spellTwins())
    return;
  lines.erase(lines.begin() + before, lines.end());
  functions = std::move(own);
  write();
}

Formula FormulaWriter::writeOneName(StringRef name, llvm::ArrayRef<Formula> subscripts, bool isPrimed) {
  SmallVector<Formula> below;
  Formula above = Formula::row({});
  if (isPrimed)
    above.parts.push_back(Formula::sign("′"));
  auto place = [&](Formula base) {
    bool isApart = !below.empty(); // what belongs to the name is no index
    below.append(subscripts.begin(), subscripts.end());
    if (below.empty() && above.isEmpty())
      return base;
    return Formula::script(std::move(base), below.empty() ? Formula::row({}) : joinSubscripts(std::move(below), isApart), std::move(above));
  };
  if (auto known = meanings.find(name); known != meanings.end()) {
    Formula result = writeResult(known->second, subscripts);
    result.binding = Formula::BindPrimary;
    return isPrimed ? Formula::above(std::move(result), std::move(above)) : result;
  }
  StringRef letters = name.rtrim("0123456789"), digits = name.drop_front(letters.size());
  bool isSpelled = spelled.contains(name);
  if (numbersAbove && (isSpelled || letters.ends_with("_"))) // v_1 of the author is not v1
    return place(Formula::word(name.str()));
  if (letters.ends_with("_"))
    letters = letters.drop_back();
  if (letters.empty())
    return place(isSpelled ? Formula::word(name.str()) : writeLetters(name));
  if (numbersAbove) {
    if (!digits.empty())
      above.parts.insert(above.parts.begin(), Formula::row({Formula::sign("("), Formula::number(digits.str()), Formula::sign(")")}));
    return place(writeLetters(letters));
  }
  // `v_target` is v with the word below; `max_norm` is a word.
  auto [head, tail] = letters.split('_');
  Formula base;
  bool isStep = tail == "t" && digits.empty() && steps.contains(head);                                      // w_t is what w has at t
  bool isElement = !digits.empty() && extents.lookup(letters) == Extent::Array && !steps.contains(name); // x0 beside x[0]
  if (isSpelled || isStep || isElement)
    base = Formula::word(name.str());
  else if (!tail.empty() && writeAsLetter(head, base))
    below.push_back(writeLetters((tail + digits).str()));
  else if (base = writeLetters(letters); base.kind == Formula::Kind::Word)
    base = Formula::word(name.str());
  else if (!digits.empty())
    below.push_back(Formula::number(digits.str()));
  if (steps.contains(name)) {
    above = Formula::row({});
    Formula time = isFirstStep ? Formula::number("1") : Formula::letter("t");
    below.push_back(isPrimed ? Formula::row({std::move(time), Formula::infix("+"), Formula::number("1")}) : std::move(time));
  }
  return place(std::move(base));
}

Formula FormulaWriter::writeSubscript(const ast::Subscript &sub) {
  switch (sub.kind) {
  case ast::SubKind::Value:
    return write(*sub.value);
  case ast::SubKind::Slice: {
    Formula slice = Formula::row({});
    if (sub.from)
      slice.parts.push_back(write(*sub.from));
    slice.parts.push_back(Formula::sign(":"));
    if (sub.to)
      slice.parts.push_back(write(*sub.to));
    return slice;
  }
  case ast::SubKind::Rest:
    return Formula::sign("…");
  case ast::SubKind::Named:
    return Formula::row({Formula::word(sub.name->name), Formula::infix("="), write(*sub.value)});
  }
  return {};
}

SmallVector<Formula> FormulaWriter::writeSubscripts(llvm::ArrayRef<ast::Subscript> subscripts) {
  SmallVector<Formula> formulas;
  for (const ast::Subscript &sub : subscripts)
    formulas.push_back(writeSubscript(sub));
  return formulas;
}

Formula FormulaWriter::writeTarget(const ast::Target &target) { return writeName(target.name.name, writeSubscripts(target.subscripts), target.name.primed); }

Formula FormulaWriter::writeIndex(const ast::Index &index) {
  SmallVector<Formula> subscripts = writeSubscripts(index.subscripts);
  if (auto *name = llvm::dyn_cast<ast::Name>(index.base.get()))
    return writeName(name->name, subscripts, name->primed);
  bool isNamed = llvm::isa<ast::Index, ast::Member>(index.base.get());
  return Formula::below(Formula::wrap(write(*index.base), Formula::BindPrimary + !isNamed), joinSubscripts(std::move(subscripts)));
}

} // namespace gradus
