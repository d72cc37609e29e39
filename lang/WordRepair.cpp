//===- WordRepair.cpp - words that no spec has ----------------------------===//
//
// The lexer accepts anything; what belongs to another language or to none is reported here with its way out, and
// replaced by what was meant, so that the parser finds the other errors of the file and not echoes of this one.
//
//===----------------------------------------------------------------------===//

#include "lang/TokenFilter.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>

using namespace gradus;

namespace {
class WordRepair {
public:
  WordRepair(std::vector<Token> &comments, Diagnostics &diagnostics) : comments(comments), diagnostics(diagnostics) {}

  std::vector<Token> run(std::vector<Token> raw);

private:
  void repair(const std::vector<Token> &raw, size_t &i);
  void repairText(Token token);
  void repairPrimes(const Token &token);
  void repairForeign(Token token);
  void repairUnknown(const std::vector<Token> &raw, size_t &i);
  void repairNumber(const std::vector<Token> &raw, size_t &i);
  void checkRange(const Token &number);
  void drop() { isNextQuiet = true; }
  void keep(Token token);
  bool touchesLast(const Token &token) const;

  std::vector<Token> &comments;
  Diagnostics &diagnostics;
  std::vector<Token> out;
  bool isNextQuiet = false;
};
} // namespace

static bool touches(const Location &left, const Location &right) {
  return left.endLine == right.line && left.endCol == right.col;
}

bool WordRepair::touchesLast(const Token &token) const { return !out.empty() && touches(out.back().loc, token.loc); }

void WordRepair::keep(Token token) {
  token.isQuiet |= isNextQuiet;
  // A line end passes the mark on: what follows it in the same statement would repeat the error as well.
  isNextQuiet = isNextQuiet && token.kind == Tok::NL;
  out.push_back(token);
}

/// A brace at the end of an open text opens the block of a test; it is the quote before it that is missing.
void WordRepair::repairText(Token token) {
  token.kind = Tok::STR;
  size_t last = token.text.find_last_not_of(" \t");
  bool opensBlock = last > 0 && token.text[last] == '{';
  keep(token);
  if (!opensBlock)
    return;
  Token brace{Tok::LBRACE, token.loc, token.text.substr(last, 1)};
  brace.loc.endCol -= static_cast<uint32_t>(token.text.size() - last - 1);
  brace.loc.col = brace.loc.endCol - 1;
  keep(brace);
}

void WordRepair::repairPrimes(const Token &token) {
  if (!out.empty() && touchesLast(token) && out.back().kind == Tok::PRIMED) {
    Location whole = spanning(out.back().loc, token.loc);
    out.back().isQuiet = true;
    diagnostics.error(Code::DoublePrime, whole, "a name has at most one prime")
        .suggest("the prime is the next step's value; there is none after it, so give the new value a name of its own");
    return;
  }
  Diagnostic &error =
      diagnostics.error(Code::PrimeWithoutName, token.loc, "a prime belongs to the name just before it");
  bool isAfterBracket = !out.empty() && (out.back().kind == Tok::RPAREN || out.back().kind == Tok::RBRACKET);
  error.suggest(isAfterBracket ? "the transpose of a matrix is written .T, as in (x).T"
                               : "write the prime without a blank, as in w'; a text stands in double quotes");
  drop();
}

void WordRepair::repairForeign(Token token) {
  struct Row {
    std::string_view foreign;
    Tok ours;
    const char *wayOut;
  };
  static constexpr Row table[] = {
      {"**", Tok::CARET, "a power is written x^2"},
      {"&&", Tok::AND, "write and"},
      {"||", Tok::OR, "write or"},
      {"!", Tok::NOT, "write not"},
      {"-=", Tok::EQUALS, "write the new value in full, as in w' = w - step"},
      {"*=", Tok::EQUALS, "write the new value in full, as in w' = w * factor"},
      {"/=", Tok::EQUALS, "write the new value in full, as in w' = w / factor"},
      {"=>", Tok::ARROW, "a function is written x -> e, at least is written >="},
      {":=", Tok::EQUALS, "a definition is written name = formula"},
  };
  for (const Row &row : table) {
    if (token.text != row.foreign)
      continue;
    diagnostics.error(Code::ForeignOperator, token.loc, "'" + std::string(token.text) + "' is not an operator here")
        .suggest(row.wayOut);
    token.kind = row.ours;
    token.isQuiet = true;
  }
  keep(token);
}

void WordRepair::repairUnknown(const std::vector<Token> &raw, size_t &i) {
  size_t last = i;
  while (last + 1 < raw.size() && raw[last + 1].kind == Tok::UNKNOWN && touches(raw[last].loc, raw[last + 1].loc))
    ++last;
  Location whole = spanning(raw[i].loc, raw[last].loc);
  std::string text =
      last == i ? "this character has no meaning in Gradus" : "these characters have no meaning in Gradus";
  diagnostics.error(Code::UnknownCharacter, whole, std::move(text))
      .suggest(raw[i].text == "?" ? "a choice is written if c then a else b" : "");
  i = last;
  drop();
}

/// `1.`, `.5` and `1.5.2`: the lexer gives a number, a point and perhaps a number.
void WordRepair::repairNumber(const std::vector<Token> &raw, size_t &i) {
  bool hasLeft = raw[i].kind == Tok::NUM;
  size_t point = hasLeft ? i + 1 : i;
  size_t last = point;
  if (last + 1 < raw.size() && raw[last + 1].kind == Tok::NUM && touches(raw[last].loc, raw[last + 1].loc))
    ++last;
  Location whole = spanning(raw[i].loc, raw[last].loc);
  std::string before = hasLeft ? std::string(raw[i].text) : "0",
              after = last > point ? std::string(raw[last].text) : "0";
  Diagnostic &error = diagnostics.error(Code::NumberWithoutDigits, whole, "a decimal point needs digits on both sides");
  if (before.find_first_of(".eE") == std::string::npos && after.find('.') == std::string::npos)
    error.suggest("write " + before + "." + after);
  Token number = raw[i];
  number.kind = Tok::NUM;
  number.loc = whole;
  number.text = "1";
  number.isQuiet = true;
  keep(number);
  drop();
  i = last;
}

void WordRepair::checkRange(const Token &number) {
  std::string text(number.text);
  errno = 0;
  bool isInteger = text.find_first_of(".eE") == std::string::npos;
  bool isTooLarge = false;
  if (isInteger) {
    std::strtoll(text.c_str(), nullptr, 10);
    isTooLarge = errno == ERANGE;
  } else {
    isTooLarge = std::isinf(std::strtod(text.c_str(), nullptr));
  }
  if (isTooLarge)
    diagnostics
        .error(Code::NumberOutOfRange, number.loc,
               isInteger ? "an integer is at most 9223372036854775807" : "a number is at most 1.797e308")
        .suggest(isInteger ? "write it as a real number, as in 1e20" : "write inf if infinity is meant");
}

void WordRepair::repair(const std::vector<Token> &raw, size_t &i) {
  Token token = raw[i];
  bool hasNext = i + 1 < raw.size();
  switch (token.kind) {
  case Tok::DOC:
  case Tok::COMMENT:
    comments.push_back(token);
    return;
  case Tok::OPEN_STR:
    diagnostics.error(Code::StringNotClosed, token.loc, "this text has no closing quote")
        .suggest("a text ends on its own line with \"");
    return repairText(token);
  case Tok::HASH:
  case Tok::BLOCK_COMMENT:
    diagnostics.error(Code::ForeignOperator, token.loc, "this is not a comment in Gradus")
        .suggest("a comment begins with // and ends with its line");
    return;
  case Tok::PRIMES:
    return repairPrimes(token);
  case Tok::FOREIGN:
    return repairForeign(token);
  case Tok::UNKNOWN:
    return repairUnknown(raw, i);
  case Tok::DOT:
    if (hasNext && raw[i + 1].kind == Tok::NUM && touches(token.loc, raw[i + 1].loc))
      return repairNumber(raw, i);
    break;
  case Tok::NUM:
    if (hasNext && raw[i + 1].kind == Tok::DOT && touches(token.loc, raw[i + 1].loc))
      return repairNumber(raw, i);
    checkRange(token);
    break;
  default:
    break;
  }
  keep(token);
}

std::vector<Token> WordRepair::run(std::vector<Token> raw) {
  for (size_t i = 0; i < raw.size() && !diagnostics.isFull(); ++i)
    repair(raw, i);
  return std::move(out);
}

std::vector<Token> gradus::repairWords(std::vector<Token> raw, std::vector<Token> &comments, Diagnostics &diagnostics) {
  return WordRepair(comments, diagnostics).run(std::move(raw));
}
