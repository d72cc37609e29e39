//===- DimExpr.cpp - Sizes computed from sizes --------------------------------===//

#include "dialect/DimExpr.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace gradus;

/// More terms than any formula that a person writes.
static constexpr size_t maxTerms = 64;
/// Keeps the stack bounded.
static constexpr unsigned maxDepth = 64;

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

DimExpr DimExpr::invalid() {
  DimExpr result;
  result.valid = false;
  return result;
}

DimExpr DimExpr::number(int64_t value) {
  DimExpr result;
  result.addTerm({}, value);
  return result;
}

DimExpr DimExpr::symbol(llvm::StringRef name) {
  DimExpr result;
  result.addTerm({name.str()}, 1);
  return result;
}

void DimExpr::addTerm(const Factors &factors, int64_t times) {
  int64_t &sum = terms[factors];
  valid &= !__builtin_add_overflow(sum, times, &sum);
  if (sum == 0)
    terms.erase(factors);
  valid &= terms.size() <= maxTerms;
}

/// Divides everything by what all numbers have in common.
void DimExpr::reduce() {
  int64_t common = divisor;
  for (const auto &[factors, times] : terms)
    common = std::gcd(common, times);
  if (common <= 1)
    return;
  divisor /= common;
  for (auto &[factors, times] : terms)
    times /= common;
}

DimExpr DimExpr::operator+(const DimExpr &other) const {
  if (!valid || !other.valid)
    return invalid();
  DimExpr result;
  int64_t mine = other.divisor / std::gcd(divisor, other.divisor), theirs = divisor / std::gcd(divisor, other.divisor);
  result.valid = !__builtin_mul_overflow(divisor, mine, &result.divisor);
  for (const auto &[list, factor] : {std::pair(&terms, mine), std::pair(&other.terms, theirs)})
    for (const auto &[factors, times] : *list) {
      int64_t product = 0;
      result.valid &= !__builtin_mul_overflow(times, factor, &product);
      result.addTerm(factors, product);
    }
  result.reduce();
  return result;
}

DimExpr DimExpr::operator-(const DimExpr &other) const { return *this + other * number(-1); }

DimExpr DimExpr::operator*(const DimExpr &other) const {
  if (!valid || !other.valid)
    return invalid();
  DimExpr result;
  result.valid = !__builtin_mul_overflow(divisor, other.divisor, &result.divisor);
  for (const auto &[left, a] : terms)
    for (const auto &[right, b] : other.terms) {
      Factors factors = left;
      factors.insert(factors.end(), right.begin(), right.end());
      llvm::sort(factors);
      int64_t product = 0;
      result.valid &= !__builtin_mul_overflow(a, b, &product) && factors.size() <= maxTerms;
      if (!result.valid)
        return invalid();
      result.addTerm(factors, product);
    }
  result.reduce();
  return result;
}

DimExpr DimExpr::operator/(const DimExpr &by) const {
  std::optional<int64_t> known = by.getNumber();
  if (!valid || !known || *known <= 0)
    return invalid();
  DimExpr result = *this;
  result.valid = !__builtin_mul_overflow(divisor, *known, &result.divisor);
  result.reduce();
  return result;
}

static int64_t floorOf(int64_t a, int64_t b) { return a / b - (a % b != 0 && a < 0); }

DimExpr DimExpr::floorDiv(const DimExpr &a, const DimExpr &b) {
  std::optional<int64_t> by = b.getNumber(), known = a.getNumber();
  if (!a.valid || !b.valid || (by && *by <= 0))
    return invalid();
  if (by && known)
    return number(floorOf(*known, *by));
  DimExpr exact = by ? a / b : invalid();
  if (exact.valid && exact.divisor == a.divisor) // every term is a multiple
    return exact;
  return symbol("div(" + a.print() + ", " + b.print() + ")");
}

DimExpr DimExpr::extremum(const DimExpr &a, const DimExpr &b, bool isMax) {
  if (!a.valid || !b.valid)
    return invalid();
  if ((a - b).isNeverNegative())
    return isMax ? a : b;
  if ((b - a).isNeverNegative())
    return isMax ? b : a;
  std::string first = a.print(), second = b.print();
  if (second < first)
    std::swap(first, second);
  return symbol((isMax ? "max(" : "min(") + first + ", " + second + ")");
}

std::optional<int64_t> DimExpr::getNumber() const {
  if (!valid || divisor != 1 || terms.size() > 1 || (terms.size() == 1 && !terms.begin()->first.empty()))
    return std::nullopt;
  return terms.empty() ? 0 : terms.begin()->second;
}

bool DimExpr::isNeverNegative() const {
  // Symbols are sizes, and so is what is made of them by factors.
  return valid && llvm::all_of(terms, [](const auto &term) { return term.second >= 0; });
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static std::string printTerm(const DimExpr::Factors &factors, int64_t times) {
  std::string text = times == 1 && !factors.empty() ? "" : std::to_string(times);
  for (const std::string &factor : factors)
    text += (text.empty() ? "" : " * ") + factor;
  return text;
}

std::string DimExpr::print() const {
  std::string text;
  auto append = [&](const Factors &factors, int64_t times) {
    bool isMinus = times < 0;
    text += text.empty() ? (isMinus ? "-" : "") : (isMinus ? " - " : " + ");
    text += printTerm(factors, isMinus ? -times : times);
  };
  auto constant = terms.find({});
  for (bool wantsMinus : {false, true}) {
    for (const auto &[factors, times] : terms)
      if (!factors.empty() && (times < 0) == wantsMinus)
        append(factors, times);
    if (constant != terms.end() && (constant->second < 0) == wantsMinus)
      append({}, constant->second);
  }
  if (text.empty())
    text = "0";
  if (divisor == 1)
    return text;
  return (terms.size() > 1 ? "(" + text + ")" : text) + " / " + std::to_string(divisor);
}

Attribute DimExpr::toAttr(MLIRContext *context) const {
  if (std::optional<int64_t> known = getNumber())
    return IntegerAttr::get(IntegerType::get(context, 64), *known);
  return StringAttr::get(context, print());
}

namespace {

/// Reads a formula. Errors leave `failed`.
class Reader {
public:
  explicit Reader(llvm::StringRef text) : text(text) {}
  DimExpr readSum();
  bool isDone() {
    skip();
    return text.empty() && !failed;
  }
  bool failed = false;

private:
  DimExpr readProduct();
  DimExpr readUnary();
  DimExpr readPrimary();
  DimExpr fail() {
    failed = true;
    text = "";
    return DimExpr::number(0);
  }
  void skip() { text = text.ltrim(' '); }
  bool take(llvm::StringRef sign) {
    skip();
    return text.consume_front(sign);
  }

  llvm::StringRef text;
  unsigned depth = 0;
};

} // namespace

DimExpr Reader::readSum() {
  if (++depth > maxDepth)
    return fail();
  DimExpr sum = readProduct();
  while (true) {
    if (take("+"))
      sum = sum + readProduct();
    else if (take("-"))
      sum = sum - readProduct();
    else
      break;
  }
  --depth;
  return sum;
}

DimExpr Reader::readProduct() {
  DimExpr product = readUnary();
  while (true) {
    if (take("*"))
      product = product * readUnary();
    else if (take("/"))
      product = product / readUnary();
    else
      return product;
  }
}

DimExpr Reader::readUnary() {
  bool isMinus = false;
  while (take("-"))
    isMinus = !isMinus;
  DimExpr value = readPrimary();
  return isMinus ? value * DimExpr::number(-1) : value;
}

static bool isNameCharacter(char c) { return llvm::isAlnum(c) || c == '_' || c == '.' || c == '$' || c == '\'' || static_cast<unsigned char>(c) >= 128; }

DimExpr Reader::readPrimary() {
  if (take("(")) {
    DimExpr inner = readSum();
    return take(")") ? inner : fail();
  }
  skip();
  llvm::StringRef word = text.take_while(isNameCharacter);
  text = text.drop_front(word.size());
  int64_t number;
  if (word.empty())
    return fail();
  if (llvm::isDigit(word.front()))
    return word.getAsInteger(10, number) ? fail() : DimExpr::number(number);
  if (!take("("))
    return DimExpr::symbol(word);
  DimExpr a = readSum();
  if (!take(","))
    return fail();
  DimExpr b = readSum();
  if (!take(")"))
    return fail();
  return word == "div"   ? DimExpr::floorDiv(a, b)
         : word == "min" ? DimExpr::min(a, b)
         : word == "max" ? DimExpr::max(a, b)
                         : fail();
}

/// Whether a name could be part of a formula: most symbols are plain names.
static bool isPlainName(llvm::StringRef text) { return !text.empty() && !llvm::isDigit(text.front()) && llvm::all_of(text, isNameCharacter); }

DimExpr DimExpr::parse(llvm::StringRef text) {
  if (isPlainName(text))
    return symbol(text);
  Reader reader(text);
  DimExpr result = reader.readSum();
  return reader.isDone() && result.valid ? result : symbol(text);
}

DimExpr DimExpr::of(Attribute dim) {
  if (auto size = dyn_cast<IntegerAttr>(dim))
    return number(size.getInt());
  return parse(cast<StringAttr>(dim).getValue());
}

std::optional<DimExpr::Call> DimExpr::readCall(llvm::StringRef factor) {
  if (!factor.ends_with(")"))
    return std::nullopt;
  auto [word, rest] = factor.drop_back().split('(');
  unsigned open = 0;
  for (auto [at, c] : llvm::enumerate(rest)) {
    open += c == '(';
    open -= c == ')';
    if (c == ',' && open == 0)
      return Call{word, parse(rest.take_front(at)), parse(rest.drop_front(at + 1).ltrim(' '))};
  }
  return std::nullopt;
}

bool gradus::isFormula(Attribute dim) {
  auto text = dyn_cast<StringAttr>(dim);
  if (!text || isPlainName(text.getValue()))
    return false;
  Reader reader(text.getValue());
  return reader.readSum().isValid() && reader.isDone();
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

std::set<std::string> DimExpr::getSymbols() const {
  std::set<std::string> symbols;
  for (const auto &[factors, times] : terms)
    for (const std::string &factor : factors) {
      std::optional<Call> call = readCall(factor);
      if (!call) {
        symbols.insert(factor);
        continue;
      }
      symbols.merge(call->a.getSymbols());
      symbols.merge(call->b.getSymbols());
    }
  return symbols;
}

static std::optional<int64_t> evaluateFactor(const std::string &factor, const llvm::StringMap<int64_t> &sizes) {
  std::optional<DimExpr::Call> call = DimExpr::readCall(factor);
  if (!call) {
    auto known = sizes.find(factor);
    return known == sizes.end() ? std::nullopt : std::optional(known->second);
  }
  std::optional<int64_t> a = call->a.evaluate(sizes), b = call->b.evaluate(sizes);
  if (!a || !b || (call->word == "div" && *b <= 0))
    return std::nullopt;
  return call->word == "div" ? floorOf(*a, *b) : call->word == "min" ? std::min(*a, *b) : std::max(*a, *b);
}

std::optional<int64_t> DimExpr::evaluate(const llvm::StringMap<int64_t> &sizes) const {
  int64_t sum = 0;
  for (const auto &[factors, times] : terms) {
    int64_t product = times;
    for (const std::string &factor : factors) {
      std::optional<int64_t> size = evaluateFactor(factor, sizes);
      if (!size || __builtin_mul_overflow(product, *size, &product))
        return std::nullopt;
    }
    if (__builtin_add_overflow(sum, product, &sum))
      return std::nullopt;
  }
  return valid && sum % divisor == 0 ? std::optional(sum / divisor) : std::nullopt;
}

std::optional<DimExpr> DimExpr::solve(llvm::StringRef symbol, const DimExpr &value) const {
  int64_t slope = 0;
  DimExpr rest;
  for (const auto &[factors, times] : terms) {
    if (factors.size() == 1 && factors.front() == symbol) {
      slope = times;
      continue;
    }
    DimExpr term;
    term.addTerm(factors, times);
    if (term.getSymbols().contains(symbol.str()))
      return std::nullopt;
    rest = rest + term;
  }
  if (slope == 0 || !valid)
    return std::nullopt;
  DimExpr difference = (value * number(divisor) - rest) * number(slope < 0 ? -1 : 1);
  return difference / number(std::abs(slope));
}

std::optional<std::string> gradus::findOnlyUnknown(const DimExpr &formula, llvm::function_ref<bool(llvm::StringRef)> isKnown) {
  std::optional<std::string> unknown;
  for (const std::string &symbol : formula.getSymbols()) {
    if (isKnown(symbol))
      continue;
    if (unknown)
      return std::nullopt;
    unknown = symbol;
  }
  return unknown;
}

void gradus::solveSizes(llvm::ArrayRef<std::pair<Attribute, int64_t>> dims, llvm::StringMap<int64_t> &sizes) {
  for (bool isNew = true; isNew;) {
    isNew = false;
    for (auto [dim, size] : dims) {
      if (!isFormula(dim))
        continue;
      DimExpr formula = DimExpr::of(dim);
      std::optional<std::string> unknown = findOnlyUnknown(formula, [&](llvm::StringRef symbol) { return sizes.contains(symbol); });
      std::optional<DimExpr> solution = unknown ? formula.solve(*unknown, DimExpr::number(size)) : std::nullopt;
      std::optional<int64_t> found = solution ? solution->evaluate(sizes) : std::nullopt;
      if (!found || *found < 0)
        continue;
      sizes[*unknown] = *found;
      isNew = true;
    }
  }
}

std::optional<int64_t> gradus::sizeOfDim(Attribute dim, const llvm::StringMap<int64_t> &sizes) {
  if (auto fixed = dyn_cast<IntegerAttr>(dim))
    return fixed.getInt();
  if (auto known = sizes.find(cast<StringAttr>(dim).getValue()); known != sizes.end())
    return known->second;
  std::optional<int64_t> size = DimExpr::of(dim).evaluate(sizes);
  return size && *size >= 0 ? size : std::nullopt;
}
