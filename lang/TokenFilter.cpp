//===- TokenFilter.cpp - the newline rule and the brackets ----------------===//
//
// A newline ends a statement, except inside ( ) or [ ], after an operator, `=` `,` `:` `then` `else`, and before an
// infix operator, `then`, `else`, `)`, `]` or `{` (which begins no statement either). Round and square brackets are
// counted without regard to kind, so that `in [0, 1)` balances; the grammar says where they may differ.
//
// A bracket that is missing is reported where its absence shows and put in, so that one slip is one message.
//
//===----------------------------------------------------------------------===//

#include "lang/TokenFilter.h"
#include "lang/Parser.h"
#include "lang/Salvage.h"

using namespace gradus;

/// Left-deep chains (a + b + c ...) cost a tree level for each operator, though no parser recursion.
static constexpr unsigned maxChain = 1024;

namespace {
class Filter {
public:
  Filter(const Source &source, std::vector<Token> words, Diagnostics &diagnostics)
      : source(source), words(std::move(words)), diagnostics(diagnostics) {}

  void run(FilteredTokens &result);

private:
  /// An open bracket, or the file itself, with what the formula at its level has cost so far.
  struct Level {
    Tok kind = Tok::None;
    Location loc;
    /// A bracket behind 'in', which another kind may close, or a brace that is missing in the text.
    bool isInterval = false, isPutIn = false;
    unsigned nest = 0;
    unsigned chain = 0;
  };

  Token wordAt(size_t i) const { return i < words.size() ? words[i] : Token{}; }
  bool inParens() const { return levels.back().kind == Tok::LPAREN || levels.back().kind == Tok::LBRACKET; }
  bool atStatementStart() const;
  bool isDropped(size_t next) const;
  bool isLostLine(size_t next) const;
  bool declaresGradient(size_t i) const;
  bool isUnfinished(size_t next) const;
  bool startsDefinition(size_t i) const;
  bool isInnerUnclosed(size_t i) const;
  void openMissingBlock(size_t next);
  bool isUnitAtMargin(size_t i) const;
  void step(size_t i);
  void newline(size_t i);
  void open(const Token &token);
  void closeParen(const Token &token);
  void closeInner(const Token &token);
  void closeUnopened(const Token &token);
  void closeBrace(const Token &token);
  void closeParensAt(const Token &at);
  void closeBracesAt(const Token &at);
  void endStatement(bool isQuiet);
  void push(Token token);
  void count(const Token &token);
  void resetLevel();
  Location afterLast() const;

  const Source &source;
  std::vector<Token> words;
  Diagnostics &diagnostics;
  FilteredTokens *result = nullptr;
  std::vector<Level> levels = {Level{}};
  unsigned totalNest = 0;
  unsigned totalChain = 0;
  bool isNextQuiet = false;
};
} // namespace

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

bool Filter::atStatementStart() const {
  if (result->tokens.empty())
    return true;
  Tok last = result->tokens.back().kind;
  return last == Tok::END || last == Tok::LBRACE;
}

/// Whether the newline before words[next] is no end.
bool Filter::isDropped(size_t next) const {
  if (atStatementStart() || continuesAfter(result->tokens.back().kind))
    return true;
  Tok kind = wordAt(next).kind;
  if (kind == Tok::ELSE)
    return wordAt(next + 1).kind != Tok::COLON;
  return isInfix(kind) || kind == Tok::LBRACE || kind == Tok::COMMA || kind == Tok::THEN || kind == Tok::RPAREN ||
         kind == Tok::RBRACKET;
}

/// `grad g` or `grad g, h of v`; a derivative has a bracket behind its name.
bool Filter::declaresGradient(size_t i) const {
  Tok end = wordAt(i + 2).kind;
  return wordAt(i).kind == Tok::GRAD && wordAt(i + 1).kind == Tok::ID && (end == Tok::NL || end == Tok::SEMICOLON || end == Tok::COMMA || end == Tok::OF);
}

/// Inside brackets: an operand cannot stand on a new line right after another one, so a bracket is missing.
bool Filter::isLostLine(size_t next) const {
  Tok kind = wordAt(next).kind;
  bool begins = canBeName(kind) || kind == Tok::NUM || kind == Tok::LOOP || kind == Tok::RETURN;
  bool isWay = kind == Tok::DERIVATIVE && wordAt(next + 1).kind != Tok::LPAREN; // of an inner problem
  return (begins || declaresGradient(next)) && !isWay && !isClauseWord(kind) && endsOperand(result->tokens.back().kind);
}

/// a = .., a, b = .., a[i] = .. But `a, b[0] = ..` may be a value and a boundary.
bool Filter::startsDefinition(size_t i) const {
  for (;; ++i) {
    if (!canBeName(wordAt(i).kind))
      return false;
    Tok sign = wordAt(++i).kind;
    if (sign == Tok::LBRACKET) {
      for (unsigned depth = 1; depth > 0; depth -= sign == Tok::RBRACKET) {
        sign = wordAt(++i).kind;
        if (sign == Tok::NL || sign == Tok::None)
          return false;
        depth += sign == Tok::LBRACKET;
      }
      sign = wordAt(++i).kind;
      return sign == Tok::EQUALS || sign == Tok::PLUS_EQUALS;
    }
    if (sign != Tok::COMMA)
      return sign == Tok::EQUALS || sign == Tok::PLUS_EQUALS;
  }
}

/// In a block: `x = a +` above `y = ..`, `state m` or `return`, which begin a statement, so the formula above has no end.
bool Filter::isUnfinished(size_t next) const {
  Tok last = result->tokens.back().kind;
  if (levels.size() == 1 || inParens() || !continuesAfter(last) || last == Tok::COMMA || last == Tok::COLON)
    return false;
  Tok kind = wordAt(next).kind, after = wordAt(next + 1).kind;
  bool isForeignWord = kind == Tok::ID && after == Tok::ID; // let x = ..
  return kind == Tok::RETURN || kind == Tok::LOOP || isForeignWord || declaresGradient(next) || (startsStatement(kind) && (after == Tok::ID || isWord(after))) ||
         startsDefinition(next);
}

/// `rule r()` or `test ".."` above an indented statement: the brace of the body is missing.
void Filter::openMissingBlock(size_t next) {
  if (levels.size() > 1 || atStatementStart() || wordAt(next).loc.col <= 1)
    return;
  Tok head = result->tokens[result->unitStarts.back()].kind, last = result->tokens.back().kind, kind = wordAt(next).kind;
  bool isFunction = head == Tok::FN || head == Tok::LOSS;
  bool isWhole = head == Tok::RULE ? last == Tok::RPAREN || last == Tok::ID : isFunction ? last == Tok::RPAREN : head == Tok::TEST && last == Tok::STR;
  bool isBody = startsDefinition(next) || kind == Tok::RETURN || kind == Tok::LOOP || (isWord(kind) && wordAt(next + 1).kind == Tok::ID) ||
                kind == Tok::EXPECT;
  unsigned depth = 0;
  for (size_t i = result->unitStarts.back(); i < result->tokens.size(); ++i) {
    Tok sign = result->tokens[i].kind;
    depth += sign == Tok::LPAREN || sign == Tok::LBRACKET;
    depth -= sign == Tok::RPAREN || sign == Tok::RBRACKET;
    isWhole &= depth > 0 || (sign != Tok::EQUALS && sign != Tok::LBRACE);
  }
  if (!isWhole || !isBody)
    return;
  Token brace{Tok::LBRACE, afterLast(), spelling(Tok::LBRACE), true};
  if (isFunction)
    diagnostics.error(Code::MissingEquals, brace.loc, "expected '=' or '{', found the end of the line").suggest("write = formula, or a block { ... }");
  else
    diagnostics.error(Code::UnexpectedWord, brace.loc, "found the end of the line, expected '{'").suggest("the body of a unit is a block { ... }");
  open(brace);
  levels.back().isPutIn = true;
}

/// A unit's head in the first column ends whatever is open above it.
bool Filter::isUnitAtMargin(size_t i) const {
  Token token = wordAt(i), next = wordAt(i + 1);
  bool isStatementToo = token.kind == Tok::CONST; // which may stand in a block that nobody has indented
  return token.loc.col == 1 && startsUnit(token.kind) && !isStatementToo && (next.kind == Tok::ID || next.kind == Tok::STR);
}

void Filter::newline(size_t i) {
  size_t next = i;
  while (wordAt(next).kind == Tok::NL)
    ++next;
  if (inParens()) {
    if (!isLostLine(next) && !isUnitAtMargin(next))
      return;
    closeParensAt(words[next]);
  }
  isNextQuiet |= words[i].isQuiet;
  openMissingBlock(next);
  if (!isDropped(next) || (!atStatementStart() && isUnfinished(next)))
    endStatement(false);
}

void Filter::endStatement(bool isQuiet) {
  if (atStatementStart())
    return;
  Token end{Tok::END, afterLast(), {}, isQuiet || isNextQuiet};
  isNextQuiet = false;
  resetLevel();
  result->tokens.push_back(end);
}

Location Filter::afterLast() const {
  if (result->tokens.empty())
    return source.wholeFile();
  const Location &last = result->tokens.back().loc;
  return {last.file, last.endLine, last.endCol, last.endLine, last.endCol + 1};
}

//===----------------------------------------------------------------------===//
// Brackets
//===----------------------------------------------------------------------===//

static Tok partnerOf(Tok open) {
  if (open == Tok::LPAREN)
    return Tok::RPAREN;
  return open == Tok::LBRACKET ? Tok::RBRACKET : Tok::RBRACE;
}

static std::string nameOf(const Token &token) {
  return token.kind == Tok::None ? "the end of the file" : "'" + std::string(token.text) + "'";
}

static void reportUnclosed(Diagnostics &diagnostics, Tok open, const Location &opened, const Token &at) {
  diagnostics.error(Code::BracketNotClosed, at.loc, "expected " + describe(partnerOf(open)) + " before " + nameOf(at))
      .note(opened, describe(open) + " is opened here")
      .suggest("close it, or remove it where it is opened");
}

/// Reports the innermost open bracket and closes all up to the enclosing brace.
void Filter::closeParensAt(const Token &at) {
  if (!inParens())
    return;
  reportUnclosed(diagnostics, levels.back().kind, levels.back().loc, at);
  while (inParens()) {
    Tok closing = partnerOf(levels.back().kind);
    closeParen(Token{closing, afterLast(), spelling(closing), true});
  }
  isNextQuiet = true;
}

void Filter::closeBracesAt(const Token &at) {
  closeParensAt(at);
  endStatement(levels.size() > 1);
  if (levels.size() > 1 && !levels.back().isPutIn)
    reportUnclosed(diagnostics, Tok::LBRACE, levels.back().loc, at);
  while (levels.size() > 1) {
    closeBrace(Token{Tok::RBRACE, afterLast(), spelling(Tok::RBRACE), true});
    endStatement(true);
  }
}

void Filter::open(const Token &token) {
  if (token.kind == Tok::LBRACE)
    closeParensAt(token);
  bool isInterval = !result->tokens.empty() && result->tokens.back().kind == Tok::IN_WORD;
  push(token);
  levels.push_back(Level{token.kind, token.loc});
  levels.back().isInterval = isInterval;
  if (levels.size() - 1 + totalNest <= maxNesting || !result->canParse)
    return;
  diagnostics
      .error(Code::NestingTooDeep, token.loc,
             "brackets and blocks are nested deeper than " + std::to_string(maxNesting) + " levels")
      .suggest("give parts of the formula a name of their own");
  result->canParse = false;
}

/// `f(a[1)`: whether it is the inner bracket that lacks its partner. In `f(a[1))` it is closed, though by another kind.
bool Filter::isInnerUnclosed(size_t i) const {
  if (!inParens() || levels.back().isInterval || partnerOf(levels.back().kind) == words[i].kind)
    return false;
  size_t depth = 0;
  bool hasPartner = false;
  for (size_t level = levels.size() - 1; levels[level].kind == Tok::LPAREN || levels[level].kind == Tok::LBRACKET; --level, ++depth)
    hasPartner |= partnerOf(levels[level].kind) == words[i].kind;
  for (--depth; hasPartner && depth > 0; ++i) {
    Tok kind = wordAt(i + 1).kind;
    if (kind == Tok::None || kind == Tok::LBRACE || kind == Tok::RBRACE || isUnitAtMargin(i + 1))
      return true;
    depth += kind == Tok::LPAREN || kind == Tok::LBRACKET;
    depth -= kind == Tok::RPAREN || kind == Tok::RBRACKET;
  }
  return false;
}

/// Reports the innermost bracket and closes all up to the partner of `token`.
void Filter::closeInner(const Token &token) {
  reportUnclosed(diagnostics, levels.back().kind, levels.back().loc, token);
  while (partnerOf(levels.back().kind) != token.kind) {
    Tok closing = partnerOf(levels.back().kind);
    closeParen(Token{closing, afterLast(), spelling(closing), true});
  }
}

/// `x = )` lacks a formula; anywhere else the bracket is one too many.
void Filter::closeUnopened(const Token &token) {
  if (!atStatementStart() && continuesAfter(result->tokens.back().kind)) {
    const Token last = result->tokens.back();
    diagnostics.error(Code::MissingExpression, token.loc, "expected a formula, found " + nameOf(token))
        .suggest(last.kind == Tok::EQUALS ? "write the value after '='" : describe(last.kind) + " needs a formula on its right");
    return push(Token{Tok::ID, token.loc, poisonName, true});
  }
  diagnostics.error(Code::BracketNotOpened, token.loc, describe(token.kind) + " closes nothing")
      .suggest("remove it, or open its partner before it");
  isNextQuiet = true;
}

void Filter::closeParen(const Token &token) {
  if (!inParens())
    return closeUnopened(token);
  push(token);
  resetLevel();
  levels.pop_back();
}

void Filter::closeBrace(const Token &token) {
  closeParensAt(token);
  if (levels.size() == 1) {
    diagnostics.error(Code::BracketNotOpened, token.loc, "'}' closes nothing")
        .suggest("remove it, or look for the block above that is closed too early");
    isNextQuiet = true;
    return;
  }
  endStatement(token.isQuiet);
  push(token);
  resetLevel();
  levels.pop_back();
}

//===----------------------------------------------------------------------===//
// Depth
//===----------------------------------------------------------------------===//

void Filter::resetLevel() {
  Level &level = levels.back();
  totalNest -= level.nest;
  totalChain -= level.chain;
  level.nest = level.chain = 0;
}

/// Bounds the depth of the tree: prefixes, powers, conditions and lambdas nest to the right, all others to the left.
void Filter::count(const Token &token) {
  Tok last = result->tokens.empty() ? Tok::None : result->tokens.back().kind;
  Level &level = levels.back();
  bool isSign = token.kind == Tok::PLUS || token.kind == Tok::MINUS;
  bool isPrefix = token.kind == Tok::NOT || token.kind == Tok::IF || token.kind == Tok::CARET ||
                  token.kind == Tok::ARROW || (isSign && !endsOperand(last));
  bool isTrailer =
      token.kind == Tok::DOT || ((token.kind == Tok::LPAREN || token.kind == Tok::LBRACKET) && endsOperand(last));
  if (token.kind == Tok::COMMA)
    return resetLevel();
  if (isPrefix) {
    ++level.nest;
    ++totalNest;
  } else if (isTrailer || isInfix(token.kind)) {
    ++level.chain;
    ++totalChain;
  }
  if (!result->canParse || (totalNest + levels.size() - 1 <= maxNesting && totalChain <= maxChain))
    return;
  diagnostics
      .error(Code::NestingTooDeep, token.loc,
             isPrefix ? "this formula is nested deeper than " + std::to_string(maxNesting) + " levels"
                      : "this formula has more than " + std::to_string(maxChain) + " operators")
      .suggest("give parts of the formula a name of their own");
  result->canParse = false;
}

//===----------------------------------------------------------------------===//
// The walk
//===----------------------------------------------------------------------===//

void Filter::push(Token token) {
  bool isUnitStart = levels.size() == 1 && atStatementStart();
  if (isUnitStart && token.kind != Tok::DERIVATIVE)
    result->unitStarts.push_back(result->tokens.size());
  token.isQuiet |= isNextQuiet;
  isNextQuiet = false;
  result->tokens.push_back(token);
}

void Filter::step(size_t i) {
  const Token &token = words[i];
  if (token.kind == Tok::NL)
    return newline(i);
  if (token.kind == Tok::SEMICOLON && !inParens())
    return endStatement(token.isQuiet);
  if (levels.size() > 1 && atStatementStart() && isUnitAtMargin(i))
    closeBracesAt(token);
  count(token);
  switch (token.kind) {
  case Tok::LPAREN:
  case Tok::LBRACKET:
  case Tok::LBRACE:
    return open(token);
  case Tok::RPAREN:
  case Tok::RBRACKET:
    if (isInnerUnclosed(i))
      closeInner(token);
    return closeParen(token);
  case Tok::RBRACE:
    return closeBrace(token);
  default:
    return push(token);
  }
}

void Filter::run(FilteredTokens &out) {
  result = &out;
  for (size_t i = 0; i < words.size() && out.canParse && !diagnostics.isFull(); ++i)
    step(i);
  if (!out.canParse || diagnostics.isFull())
    return;
  Token atEnd{Tok::None, afterLast(), {}};
  closeBracesAt(atEnd);
}

FilteredTokens gradus::filterTokens(const Source &source, std::vector<Token> raw, Diagnostics &diagnostics) {
  FilteredTokens result;
  std::vector<Token> words = repairWords(std::move(raw), result.comments, diagnostics);
  Filter(source, std::move(words), diagnostics).run(result);
  return result;
}
