//===- TokenFilterImpl.h - the walk of the token filter ---------*- C++ -*-===//
//
// TokenFilter.cpp matches brackets and bounds the depth; TokenFilterLines.cpp decides what a newline means.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_TOKENFILTERIMPL_H
#define GRADUS_LANG_TOKENFILTERIMPL_H

#include "lang/TokenFilter.h"

namespace gradus {

/// One walk over the words of a file.
class TokenFilter {
public:
  TokenFilter(const Source &source, std::vector<Token> words, Diagnostics &diagnostics)
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
  size_t behindBracket(size_t i) const;
  bool startsDefinition(size_t i) const;
  bool startsBody(size_t i) const;
  bool isExtra(size_t i) const;
  bool standsForParen(size_t i) const;
  size_t statementStart() const;
  bool isInnerUnclosed(size_t i) const;
  bool lacksBlock(size_t first) const;
  void openMissingBlock(size_t next);
  bool isUnitAtMargin(size_t i) const;
  void step(size_t i);
  void newline(size_t i);
  void open(const Token &token);
  void closeParen(const Token &token);
  void closeInner(const Token &token);
  void closeUnopened(const Token &token);
  void silenceStatement();
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
  /// The word at hand.
  size_t at = 0;
  bool isNextQuiet = false;
  /// The same up to the end of the statement.
  bool isLineQuiet = false;
};

} // namespace gradus

#endif // GRADUS_LANG_TOKENFILTERIMPL_H
