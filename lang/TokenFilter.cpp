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
    unsigned nest = 0;
    unsigned chain = 0;
  };

  Token wordAt(size_t i) const { return i < words.size() ? words[i] : Token{}; }
  bool inParens() const { return levels.back().kind == Tok::LPAREN || levels.back().kind == Tok::LBRACKET; }
  bool atStatementStart() const;
  bool isDropped(size_t next) const;
  bool isLostLine(size_t next) const;
  bool isUnitAtMargin(size_t i) const;
  void step(size_t i);
  void newline(size_t i);
  void open(const Token &token);
  void closeParen(const Token &token);
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
// Kinds
//===----------------------------------------------------------------------===//

static bool isInfix(Tok kind) {
  switch (kind) {
  case Tok::PLUS:
  case Tok::MINUS:
  case Tok::STAR:
  case Tok::SLASH:
  case Tok::AT:
  case Tok::PERCENT:
  case Tok::CARET:
  case Tok::LESS:
  case Tok::GREATER:
  case Tok::LESS_EQUAL:
  case Tok::GREATER_EQUAL:
  case Tok::EQUAL_EQUAL:
  case Tok::NOT_EQUAL:
  case Tok::NEAR:
  case Tok::ARROW:
  case Tok::AND:
  case Tok::OR:
    return true;
  default:
    return false;
  }
}

/// A line cannot end after these.
static bool continuesAfter(Tok kind) {
  switch (kind) {
  case Tok::EQUALS:
  case Tok::PLUS_EQUALS:
  case Tok::COMMA:
  case Tok::COLON:
  case Tok::THEN:
  case Tok::ELSE:
  case Tok::NOT:
  case Tok::IN_WORD:
    return true;
  default:
    return isInfix(kind);
  }
}

/// Ends a complete operand: what follows directly must be an operator, a bracket or an end.
static bool endsOperand(Tok kind) {
  return kind == Tok::ID || kind == Tok::PRIMED || kind == Tok::NUM || kind == Tok::STR || kind == Tok::RPAREN ||
         kind == Tok::RBRACKET || kind == Tok::TRUE_WORD || kind == Tok::FALSE_WORD;
}

/// Words that may follow an operand inside brackets.
static bool isClauseWord(Tok kind) {
  switch (kind) {
  case Tok::THEN:
  case Tok::ELSE:
  case Tok::AND:
  case Tok::OR:
  case Tok::NOT:
  case Tok::IN_WORD:
  case Tok::BY:
  case Tok::FROM:
  case Tok::WITHIN:
  case Tok::LIMIT:
  case Tok::OF:
  case Tok::LIKE:
    return true;
  default:
    return false;
  }
}

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

/// Inside brackets: an operand cannot stand on a new line right after another one, so a bracket is missing.
bool Filter::isLostLine(size_t next) const {
  Tok kind = wordAt(next).kind;
  bool startsStatement = kind == Tok::ID || kind == Tok::PRIMED || kind == Tok::NUM || kind == Tok::LOOP ||
                         kind == Tok::RETURN || (isWord(kind) && !isReserved(kind));
  bool isWay = kind == Tok::DERIVATIVE && wordAt(next + 1).kind != Tok::LPAREN; // of an inner problem
  return startsStatement && !isWay && !isClauseWord(kind) && endsOperand(result->tokens.back().kind);
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
  if (!isDropped(next))
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
  if (levels.size() > 1)
    reportUnclosed(diagnostics, Tok::LBRACE, levels.back().loc, at);
  while (levels.size() > 1) {
    closeBrace(Token{Tok::RBRACE, afterLast(), spelling(Tok::RBRACE), true});
    endStatement(true);
  }
}

void Filter::open(const Token &token) {
  if (token.kind == Tok::LBRACE)
    closeParensAt(token);
  push(token);
  levels.push_back(Level{token.kind, token.loc});
  if (levels.size() - 1 + totalNest <= maxNesting || !result->canParse)
    return;
  diagnostics
      .error(Code::NestingTooDeep, token.loc,
             "brackets and blocks are nested deeper than " + std::to_string(maxNesting) + " levels")
      .suggest("give parts of the formula a name of their own");
  result->canParse = false;
}

void Filter::closeParen(const Token &token) {
  if (!inParens()) {
    diagnostics.error(Code::BracketNotOpened, token.loc, describe(token.kind) + " closes nothing")
        .suggest("remove it, or open its partner before it");
    isNextQuiet = true;
    return;
  }
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
