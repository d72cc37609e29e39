//===- Tokens.h - words and signs without ANTLR -----------------*- C++ -*-===//
//
// A token as the filter sees it. The kinds have the numbers that ANTLR gives them, so that the filter, its tests and
// the messages need no ANTLR header.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_TOKENS_H
#define GRADUS_LANG_TOKENS_H

#include "lang/Source.h"

#include <string>
#include <string_view>

namespace gradus {

enum class Tok : uint16_t {
  None,
#define GRADUS_WORD(NAME, SPELLING, RESERVED) NAME,
#define GRADUS_SIGN(NAME, SPELLING) NAME,
#define GRADUS_CLASS(NAME, DESCRIPTION) NAME,
#include "lang/Tokens.def"
};

struct Token {
  Tok kind = Tok::None;
  Location loc;
  std::string_view text;
  /// An error near this token is already reported; another one here would only repeat it.
  bool isQuiet = false;
};

/// True for words that can never be names.
bool isReserved(Tok kind);
/// True for every word, reserved or not.
bool isWord(Tok kind);
/// True for words that begin a unit: loss, rule, import, ...
bool startsUnit(Tok kind);
/// True for names, primed ones too, and for the words that can be names.
bool canBeName(Tok kind);
/// True for words that begin a statement where a name follows them.
bool startsStatement(Tok kind);
/// True for words that may follow an operand inside brackets.
bool isClauseWord(Tok kind);
/// True for signs and words between two operands.
bool isInfix(Tok kind);
/// A line cannot end after these.
bool continuesAfter(Tok kind);
/// Ends a complete operand: what follows directly must be an operator, a bracket or an end.
bool endsOperand(Tok kind);
/// How a message names a kind: `'('`, `a name`.
std::string describe(Tok kind);
/// The spelling of a word or sign without quotes; empty for classes.
std::string_view spelling(Tok kind);

} // namespace gradus

#endif // GRADUS_LANG_TOKENS_H
