//===- Tokens.cpp - words and signs without ANTLR -------------------------===//

#include "lang/Tokens.h"

using namespace gradus;

bool gradus::isReserved(Tok kind) {
  switch (kind) {
#define GRADUS_WORD(NAME, SPELLING, RESERVED)                                                                          \
  case Tok::NAME:                                                                                                      \
    return RESERVED;
#define GRADUS_SIGN(NAME, SPELLING)
#define GRADUS_CLASS(NAME, DESCRIPTION)
#include "lang/Tokens.def"
  default:
    return false;
  }
}

bool gradus::isWord(Tok kind) { return kind >= Tok::AND && kind <= Tok::WITHIN; }

bool gradus::startsUnit(Tok kind) {
  switch (kind) {
  case Tok::CONST:
  case Tok::FN:
  case Tok::IMPORT:
  case Tok::LOSS:
  case Tok::PROJECTION:
  case Tok::PROPERTY:
  case Tok::PROX:
  case Tok::RULE:
  case Tok::SCHEDULE:
  case Tok::SOLVER:
  case Tok::TEST:
  case Tok::TRAIN:
    return true;
  default:
    return false;
  }
}

bool gradus::isInfix(Tok kind) {
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

bool gradus::continuesAfter(Tok kind) {
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

bool gradus::endsOperand(Tok kind) {
  return kind == Tok::ID || kind == Tok::PRIMED || kind == Tok::NUM || kind == Tok::STR || kind == Tok::RPAREN ||
         kind == Tok::RBRACKET || kind == Tok::TRUE_WORD || kind == Tok::FALSE_WORD;
}

bool gradus::isClauseWord(Tok kind) {
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

bool gradus::startsStatement(Tok kind) {
  switch (kind) {
  case Tok::CONST:
  case Tok::DRAW:
  case Tok::EMIT:
  case Tok::EVERY:
  case Tok::EXPECT:
  case Tok::INPUT:
  case Tok::JOINT:
  case Tok::PARAM:
  case Tok::SHARED:
  case Tok::STATE:
  case Tok::WHEN:
    return true;
  default:
    return false;
  }
}

bool gradus::canBeName(Tok kind) { return kind == Tok::ID || kind == Tok::PRIMED || (isWord(kind) && !isReserved(kind)); }

std::string_view gradus::spelling(Tok kind) {
  switch (kind) {
#define GRADUS_WORD(NAME, SPELLING, RESERVED)                                                                          \
  case Tok::NAME:                                                                                                      \
    return SPELLING;
#define GRADUS_SIGN(NAME, SPELLING)                                                                                    \
  case Tok::NAME:                                                                                                      \
    return SPELLING;
#define GRADUS_CLASS(NAME, DESCRIPTION)
#include "lang/Tokens.def"
  default:
    return {};
  }
}

std::string gradus::describe(Tok kind) {
  switch (kind) {
#define GRADUS_WORD(NAME, SPELLING, RESERVED)
#define GRADUS_SIGN(NAME, SPELLING)
#define GRADUS_CLASS(NAME, DESCRIPTION)                                                                                \
  case Tok::NAME:                                                                                                      \
    return DESCRIPTION;
#include "lang/Tokens.def"
  default:
    return "'" + std::string(spelling(kind)) + "'";
  }
}
