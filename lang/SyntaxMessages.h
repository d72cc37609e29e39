//===- SyntaxMessages.h - syntax errors in words for people -----*- C++ -*-===//
//
// The parser knows a token that cannot stand where it stands and the set of those that could; here that becomes a
// message that says what was probably meant.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_SYNTAXMESSAGES_H
#define GRADUS_LANG_SYNTAXMESSAGES_H

#include "lang/Messages.h"
#include "lang/Tokens.h"

#include <set>
#include <span>

namespace gradus {

struct SyntaxError {
  /// The tokens of one unit; the last one stands for its end.
  std::span<const Token> tokens;
  /// The token that cannot stand here.
  size_t at = 0;
  /// What could stand here.
  std::set<Tok> expected;
  /// Where the statement begins, or the unit if the error is in its head.
  size_t start = 0;
  bool isInStatement = false;
};

void report(const SyntaxError &error, Diagnostics &diagnostics);

} // namespace gradus

#endif // GRADUS_LANG_SYNTAXMESSAGES_H
