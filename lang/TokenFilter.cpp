//===- TokenFilter.cpp - the newline rule and the brackets ----------------===//
//
// A newline ends a statement, except inside ( ) or [ ], after an operator, `=` `,` `:` `then` `else`, and before an
// infix operator, `then`, `else`, `)`, `]` or `{` (which begins no statement either). Round and square brackets are
// counted without regard to kind, so that `in [0, 1)` balances; the grammar says where they may differ.
//
// A bracket that is missing is reported where its absence shows and put in, so that one slip is one message.
//
//===----------------------------------------------------------------------===//

#include "lang/TokenFilterImpl.h"
#include "lang/Parser.h"
#include "lang/Salvage.h"

#include <algorithm>

using namespace gradus;

/// Left-deep chains (a + b + c ...) cost a tree level for each operator, though no parser recursion.
static constexpr unsigned maxChain = 1024;

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

void TokenFilter::endStatement(bool isQuiet) {
  if (atStatementStart())
    return;
  Token end{Tok::END, afterLast(), {}, isQuiet || isNextQuiet || isLineQuiet};
  isNextQuiet = isLineQuiet = false;
  resetLevel();
  result->tokens.push_back(end);
}

Location TokenFilter::afterLast() const {
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
void TokenFilter::closeParensAt(const Token &at) {
  if (!inParens())
    return;
  reportUnclosed(diagnostics, levels.back().kind, levels.back().loc, at);
  while (inParens()) {
    Tok closing = partnerOf(levels.back().kind);
    closeParen(Token{closing, afterLast(), spelling(closing), true});
  }
  silenceStatement();
}

void TokenFilter::closeBracesAt(const Token &at) {
  closeParensAt(at);
  endStatement(levels.size() > 1);
  if (levels.size() > 1 && !levels.back().isPutIn)
    reportUnclosed(diagnostics, Tok::LBRACE, levels.back().loc, at);
  while (levels.size() > 1) {
    closeBrace(Token{Tok::RBRACE, afterLast(), spelling(Tok::RBRACE), true});
    endStatement(true);
  }
}

void TokenFilter::open(const Token &token) {
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
bool TokenFilter::isInnerUnclosed(size_t i) const {
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

/// `f(a], b)`: whether the line is balanced without a bracket of another kind than the open one.
bool TokenFilter::isExtra(size_t i) const {
  if (!inParens() || levels.back().isInterval || partnerOf(levels.back().kind) == words[i].kind)
    return false;
  size_t depth = 0;
  for (size_t level = levels.size() - 1; levels[level].kind == Tok::LPAREN || levels[level].kind == Tok::LBRACKET; --level)
    ++depth;
  for (Tok kind = wordAt(++i).kind; kind != Tok::NL && kind != Tok::None && kind != Tok::LBRACE && kind != Tok::RBRACE; kind = wordAt(++i).kind) {
    depth += kind == Tok::LPAREN || kind == Tok::LBRACKET;
    depth -= kind == Tok::RPAREN || kind == Tok::RBRACKET;
    if (depth == 0)
      return true;
  }
  return false;
}

/// Reports the innermost bracket and closes all up to the partner of `token`.
void TokenFilter::closeInner(const Token &token) {
  reportUnclosed(diagnostics, levels.back().kind, levels.back().loc, token);
  while (partnerOf(levels.back().kind) != token.kind) {
    Tok closing = partnerOf(levels.back().kind);
    closeParen(Token{closing, afterLast(), spelling(closing), true});
  }
  silenceStatement();
}

/// `z = sum(w}` with more of the block below, or where no block is open: the brace stands for the bracket, and the block goes on.
bool TokenFilter::standsForParen(size_t i) const {
  if (!inParens() || levels.back().loc.line != words[i].loc.line)
    return false;
  auto isBrace = [](const Level &level) { return level.kind == Tok::LBRACE; };
  auto block = std::find_if(levels.rbegin(), levels.rend(), isBrace);
  if (block == levels.rend())
    return true;
  size_t next = i + 1;
  if (block->loc.line == words[i].loc.line || wordAt(next).kind != Tok::NL)
    return false;
  while (wordAt(next).kind == Tok::NL)
    ++next;
  Token below = wordAt(next);
  if (below.kind == Tok::RBRACE) // which closes the only block
    return std::count_if(levels.begin(), levels.end(), isBrace) == 1;
  return below.kind != Tok::None && below.loc.col > 1;
}

/// What the parser would add to a fault of the brackets says it again.
void TokenFilter::silenceStatement() {
  for (size_t i = statementStart(); i < result->tokens.size(); ++i)
    result->tokens[i].isQuiet = true;
  isNextQuiet = true;
}

/// `x = )` lacks a formula; anywhere else the bracket is one too many.
void TokenFilter::closeUnopened(const Token &token) {
  Tok next = wordAt(at + 1).kind;
  bool endsHere = next == Tok::NL || next == Tok::SEMICOLON || next == Tok::None || next == Tok::RBRACE;
  if (!atStatementStart() && continuesAfter(result->tokens.back().kind) && endsHere) {
    const Token last = result->tokens.back();
    diagnostics.error(Code::MissingExpression, token.loc, "expected a formula, found " + nameOf(token))
        .suggest(last.kind == Tok::EQUALS ? "write the value after '='" : describe(last.kind) + " needs a formula on its right");
    return push(Token{Tok::ID, token.loc, poisonName, true});
  }
  diagnostics.error(Code::BracketNotOpened, token.loc, describe(token.kind) + " closes nothing")
      .suggest("remove it, or open its partner before it");
  silenceStatement(); // the one that is too many may stand before it
  isLineQuiet = true;
}

void TokenFilter::closeParen(const Token &token) {
  if (!inParens())
    return closeUnopened(token);
  push(token);
  resetLevel();
  levels.pop_back();
}

void TokenFilter::closeBrace(const Token &token) {
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

void TokenFilter::resetLevel() {
  Level &level = levels.back();
  totalNest -= level.nest;
  totalChain -= level.chain;
  level.nest = level.chain = 0;
}

/// Bounds the depth of the tree: prefixes, powers, conditions and lambdas nest to the right, all others to the left.
void TokenFilter::count(const Token &token) {
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

void TokenFilter::push(Token token) {
  bool isUnitStart = levels.size() == 1 && atStatementStart();
  if (isUnitStart && token.kind != Tok::DERIVATIVE)
    result->unitStarts.push_back(result->tokens.size());
  token.isQuiet |= isNextQuiet || isLineQuiet;
  isNextQuiet = false;
  result->tokens.push_back(token);
}

void TokenFilter::step(size_t i) {
  at = i;
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
    if (isExtra(i))
      return closeUnopened(token);
    if (isInnerUnclosed(i))
      closeInner(token);
    return closeParen(token);
  case Tok::RBRACE:
    return standsForParen(i) ? closeParensAt(token) : closeBrace(token);
  default:
    return push(token);
  }
}

void TokenFilter::run(FilteredTokens &out) {
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
  TokenFilter(source, std::move(words), diagnostics).run(result);
  return result;
}
