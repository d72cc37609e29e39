//===- TokenFilterLines.cpp - what a newline means ------------------------===//
//
// Where a line ends a statement, and where it ends one that its author has not finished: a bracket, a formula or the
// brace of a block is missing there, and what follows is a statement of its own.
//
//===----------------------------------------------------------------------===//

#include "lang/TokenFilterImpl.h"

#include <algorithm>

using namespace gradus;

bool TokenFilter::atStatementStart() const {
  if (result->tokens.empty())
    return true;
  Tok last = result->tokens.back().kind;
  return last == Tok::END || last == Tok::LBRACE;
}

/// Whether the newline before words[next] is no end.
bool TokenFilter::isDropped(size_t next) const {
  if (atStatementStart() || continuesAfter(result->tokens.back().kind))
    return true;
  Tok kind = wordAt(next).kind;
  if (kind == Tok::ELSE)
    return wordAt(next + 1).kind != Tok::COLON;
  return isInfix(kind) || kind == Tok::LBRACE || kind == Tok::COMMA || kind == Tok::THEN || kind == Tok::RPAREN ||
         kind == Tok::RBRACKET;
}

/// `grad g` or `grad g, h of v`; a derivative has a bracket behind its name.
bool TokenFilter::declaresGradient(size_t i) const {
  Tok end = wordAt(i + 2).kind;
  return wordAt(i).kind == Tok::GRAD && wordAt(i + 1).kind == Tok::ID && (end == Tok::NL || end == Tok::SEMICOLON || end == Tok::COMMA || end == Tok::OF);
}

/// Inside brackets: an operand cannot stand on a new line right after another one, so a bracket is missing.
bool TokenFilter::isLostLine(size_t next) const {
  Tok kind = wordAt(next).kind;
  bool begins = canBeName(kind) || kind == Tok::NUM || kind == Tok::LOOP || kind == Tok::RETURN;
  bool isWay = kind == Tok::DERIVATIVE && wordAt(next + 1).kind != Tok::LPAREN; // of an inner problem
  return (begins || declaresGradient(next)) && !isWay && !isClauseWord(kind) && endsOperand(result->tokens.back().kind);
}

/// Behind the bracket that words[i] opens, on its line; 0 if it is not closed there.
size_t TokenFilter::behindBracket(size_t i) const {
  for (unsigned depth = 0;; ++i) {
    Tok kind = wordAt(i).kind;
    if (kind == Tok::NL || kind == Tok::None)
      return 0;
    depth += kind == Tok::LPAREN || kind == Tok::LBRACKET;
    depth -= kind == Tok::RPAREN || kind == Tok::RBRACKET;
    if (depth == 0)
      return i + 1;
  }
}

/// a = .., a, b = .., a[i] = .., f(x) = .. But `a, b[0] = ..` may be a value and a boundary.
bool TokenFilter::startsDefinition(size_t i) const {
  auto defines = [&](size_t sign) { return wordAt(sign).kind == Tok::EQUALS || wordAt(sign).kind == Tok::PLUS_EQUALS; };
  for (;; ++i) {
    if (!canBeName(wordAt(i).kind))
      return false;
    if (wordAt(++i).kind == Tok::COMMA)
      continue;
    while (i != 0 && (wordAt(i).kind == Tok::LBRACKET || wordAt(i).kind == Tok::LPAREN))
      i = behindBracket(i);
    return i != 0 && defines(i);
  }
}

/// In a block: `x = a +` above `y = ..`, `state m` or `return`, which begin a statement, so the formula above has no end.
bool TokenFilter::isUnfinished(size_t next) const {
  Tok last = result->tokens.back().kind;
  if (levels.size() == 1 || inParens() || !continuesAfter(last) || last == Tok::COMMA || last == Tok::COLON)
    return false;
  Tok kind = wordAt(next).kind, after = wordAt(next + 1).kind;
  bool isForeignWord = kind == Tok::ID && after == Tok::ID; // let x = ..
  return kind == Tok::RETURN || kind == Tok::LOOP || isForeignWord || declaresGradient(next) || (startsStatement(kind) && (after == Tok::ID || isWord(after))) ||
         startsDefinition(next);
}

/// What can only be the first statement of a body.
bool TokenFilter::startsBody(size_t i) const {
  Tok kind = wordAt(i).kind, after = wordAt(i + 1).kind;
  return startsDefinition(i) || declaresGradient(i) || kind == Tok::RETURN || kind == Tok::LOOP || kind == Tok::EXPECT || (startsStatement(kind) && (after == Tok::ID || isWord(after)));
}

/// Where in the result the statement at hand begins, or the head of the unit.
size_t TokenFilter::statementStart() const {
  size_t first = result->tokens.size();
  while (first > 0 && result->tokens[first - 1].kind != Tok::END && result->tokens[first - 1].kind != Tok::LBRACE)
    --first;
  return first;
}

/// Whether the statement or head from `first` on is whole but for the block that it needs.
bool TokenFilter::lacksBlock(size_t first) const {
  const std::vector<Token> &tokens = result->tokens;
  Tok head = tokens[first].kind, last = tokens.back().kind;
  if (first + 1 < tokens.size() && tokens[first + 1].kind == Tok::EQUALS) // the word is a name
    return false;
  switch (head) {
  case Tok::RULE:
  case Tok::TEST:
  case Tok::PROPERTY:
  case Tok::EVERY:
  case Tok::LOOP:
  case Tok::ON:
  case Tok::WHEN:
    return endsOperand(last) && std::none_of(tokens.begin() + first, tokens.end(), [](const Token &token) { return token.kind == Tok::LBRACE; });
  case Tok::FN:
  case Tok::LOSS:
  case Tok::PROJECTION:
  case Tok::PROX:
  case Tok::SCHEDULE:
  case Tok::SOLVER: {
    unsigned depth = 0;
    for (size_t i = first; i < tokens.size(); ++i) {
      depth += tokens[i].kind == Tok::LPAREN || tokens[i].kind == Tok::LBRACKET;
      depth -= tokens[i].kind == Tok::RPAREN || tokens[i].kind == Tok::RBRACKET;
      if (depth == 0 && (tokens[i].kind == Tok::EQUALS || tokens[i].kind == Tok::LBRACE))
        return false;
    }
    return endsOperand(last);
  }
  default:
    return false;
  }
}

/// `rule r()`, `test ".."` or `when c` above a statement that is indented: the brace of the body is missing.
void TokenFilter::openMissingBlock(size_t next) {
  if (atStatementStart() || inParens() || !startsBody(next))
    return;
  size_t first = statementStart();
  const Token head = result->tokens[first];
  if (wordAt(next).loc.col <= head.loc.col || !lacksBlock(first))
    return;
  Token brace{Tok::LBRACE, afterLast(), spelling(Tok::LBRACE), true};
  bool isFunction = levels.size() == 1 && head.kind != Tok::RULE && head.kind != Tok::TEST && head.kind != Tok::PROPERTY;
  bool isKnown = result->tokens.back().isQuiet; // the line is cut off, and its bracket is missing as well
  if (isFunction && !isKnown)
    diagnostics.error(Code::MissingEquals, brace.loc, "expected '=' or '{', found the end of the line").suggest("write = formula, or a block { ... }");
  else if (!isKnown)
    diagnostics.error(Code::UnexpectedWord, brace.loc, "found the end of the line, expected '{'").suggest("what belongs to '" + std::string(head.text) + "' stands in a block { ... }");
  open(brace);
  levels.back().isPutIn = true;
}

/// A unit's head in the first column ends whatever is open above it.
bool TokenFilter::isUnitAtMargin(size_t i) const {
  Token token = wordAt(i), next = wordAt(i + 1);
  bool isStatementToo = token.kind == Tok::CONST; // which may stand in a block that nobody has indented
  return token.loc.col == 1 && startsUnit(token.kind) && !isStatementToo && (next.kind == Tok::ID || next.kind == Tok::STR);
}

void TokenFilter::newline(size_t i) {
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
