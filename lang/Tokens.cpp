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
