//===- TokenFilter.h - the newline rule and the brackets --------*- C++ -*-===//
//
// Between lexer and parser: repairs and reports words that no spec has, sets comments apart, matches brackets, bounds
// the nesting, and decides where a line ends a statement. What leaves it is cut into units.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_TOKENFILTER_H
#define GRADUS_LANG_TOKENFILTER_H

#include "lang/Messages.h"
#include "lang/Tokens.h"

#include <vector>

namespace gradus {

struct FilteredTokens {
  std::vector<Token> tokens;
  /// Where in `tokens` each unit begins.
  std::vector<size_t> unitStarts;
  /// `///` and `//` comments in the order of the text.
  std::vector<Token> comments;
  /// False if the rest must not be parsed: the nesting would overflow the stack.
  bool canParse = true;
};

/// Filters the tokens of one file; `raw` holds every token but blanks, newlines and comments included.
FilteredTokens filterTokens(const Source &source, std::vector<Token> raw, Diagnostics &diagnostics);

/// The first half alone: removes comments and reports and repairs what no spec has (`**`, `1.`, `w''`, `#`).
std::vector<Token> repairWords(std::vector<Token> raw, std::vector<Token> &comments, Diagnostics &diagnostics);

} // namespace gradus

#endif // GRADUS_LANG_TOKENFILTER_H
