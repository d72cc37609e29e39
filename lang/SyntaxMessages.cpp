//===- SyntaxMessages.cpp - syntax errors in words for people -------------===//
//
// A list of cases from the most particular to the general one; the first that recognises the slip reports it.
//
//===----------------------------------------------------------------------===//

#include "lang/SyntaxMessages.h"
#include "lang/ForeignWords.h"

#include <algorithm>
#include <array>

using namespace gradus;

namespace {
class Reporter {
public:
  Reporter(const SyntaxError &error, Diagnostics &diagnostics)
      : error(error), diagnostics(diagnostics), token(error.tokens[error.at]),
        before(error.at ? error.tokens[error.at - 1] : Token{}), start(error.tokens[error.start]) {}

  void run();

private:
  void completeExpected();
  bool expects(Tok kind) const { return error.expected.count(kind) != 0; }
  bool expectsFormula() const { return expects(Tok::NUM) && expects(Tok::LPAREN); }
  bool expectsName() const { return expects(Tok::ID) && !expectsFormula(); }
  bool isAfterOperand() const { return expects(Tok::PLUS) && !expectsFormula(); }
  Token next() const { return error.tokens[std::min(error.at + 1, error.tokens.size() - 1)]; }
  std::string found() const;
  std::string expectedList() const;

  std::string goesOn(size_t index) const;

  bool reportUnitStart();
  bool reportStatementStart();
  bool reportStatementWord();
  bool reportReserved();
  bool reportMissingEquals();
  bool reportMissingElse();
  bool reportMissingFormula();
  bool reportMismatch();
  bool reportMissingParentheses();
  bool reportSecondStatement();
  bool reportEquals();
  bool reportPrimedDeclaration();
  std::string plainHelp() const;
  void reportPlain();

  SyntaxError error;
  Diagnostics &diagnostics;
  Token token;
  Token before;
  Token start;
};
} // namespace

static bool startsOperand(Tok kind) {
  return kind == Tok::ID || kind == Tok::PRIMED || kind == Tok::NUM || kind == Tok::STR || kind == Tok::GRAD ||
         kind == Tok::HESS || kind == Tok::JAC || kind == Tok::TRUE_WORD || kind == Tok::FALSE_WORD ||
         (isWord(kind) && !isReserved(kind));
}

static bool isOperator(Tok kind) {
  return (kind >= Tok::PLUS && kind <= Tok::NEAR) || kind == Tok::AND || kind == Tok::OR || kind == Tok::ARROW;
}

static std::string quoted(const Token &token) { return "'" + std::string(token.text) + "'"; }

std::string Reporter::found() const {
  switch (token.kind) {
  case Tok::None:
    return "the end of the file";
  case Tok::END:
    return "the end of the line";
  default:
    return quoted(token);
  }
}

std::string Reporter::expectedList() const {
  std::vector<std::string> parts;
  bool hasName = expects(Tok::ID);
  if (expectsFormula())
    parts.push_back("a formula");
  else if (hasName)
    parts.push_back(expects(Tok::PRIMED) ? "a name or a primed name" : "a name");
  else if (expects(Tok::STR))
    parts.push_back("a text in quotes");
  if (isAfterOperand())
    parts.push_back("an operator");
  for (Tok kind : error.expected) {
    bool isCovered = isOperator(kind) || kind == Tok::ID || kind == Tok::PRIMED || kind == Tok::NUM ||
                     kind == Tok::STR || kind == Tok::END || kind == Tok::None;
    bool isPartOfFormula = expectsFormula() && (kind == Tok::LPAREN || kind == Tok::LBRACKET);
    bool isTrailer = isAfterOperand() && (kind == Tok::LPAREN || kind == Tok::LBRACKET || kind == Tok::DOT);
    bool isNoise = isWord(kind) && (hasName || expectsFormula());
    if (!isCovered && !isPartOfFormula && !isTrailer && !isNoise)
      parts.push_back(describe(kind));
  }
  if (expects(Tok::END))
    parts.push_back("the end of the line");
  constexpr size_t maxParts = 5;
  parts.resize(std::min(parts.size(), maxParts));
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i)
    text += (i == 0 ? "" : i + 1 == parts.size() ? " or " : ", ") + parts[i];
  return text.empty() ? "something else" : text;
}

/// Why the token at `index`, the first of its line, belongs to the line above; empty if it does not.
std::string Reporter::goesOn(size_t index) const {
  if (index == 0)
    return {};
  const Token &last = error.tokens[index - 1];
  if (last.kind == Tok::END || last.kind == Tok::LBRACE || last.loc.endLine >= error.tokens[index].loc.line)
    return {};
  return "the line above ends with " + quoted(last) + ", so it goes on here";
}

//===----------------------------------------------------------------------===//
// The start of a unit or statement
//===----------------------------------------------------------------------===//

static const std::vector<std::string> &unitWords() {
  static const std::vector<std::string> words = {"const", "fn",   "import",   "loss",   "projection", "property", "prox",
                                                 "rule",  "schedule", "solver", "test",  "train"};
  return words;
}

static const std::vector<std::string> &statementWords() {
  static const std::vector<std::string> words = {"const", "draw", "emit", "every", "expect", "fn",     "grad",  "input",
                                                 "joint", "loop", "on",   "param", "return", "shared", "state", "when"};
  return words;
}

bool Reporter::reportUnitStart() {
  if (error.isInStatement || error.at > 1)
    return false;
  bool isHead = error.at == 0 || !startsUnit(start.kind);
  if (!isHead)
    return false;
  std::string help = foreignWord(start.text);
  if (help.empty() && start.kind == Tok::ID)
    help = didYouMean(start.text, unitWords());
  if (help.empty())
    help = "a unit begins with loss, fn, rule, schedule, train, test, import, const, prox, projection, solver or property; "
           "all else stands inside its { }";
  diagnostics.error(Code::UnknownUnit, start.loc, quoted(start) + " begins no unit").suggest(std::move(help));
  return true;
}

bool Reporter::reportStatementStart() {
  if (!error.isInStatement || error.at != error.start)
    return false;
  if (token.kind == Tok::LPAREN || token.kind == Tok::LBRACKET) {
    diagnostics.error(Code::StatementStartsWithBracket, token.loc, "a statement cannot begin with " + quoted(token))
        .suggest("to go on with the line above, end that line with an operator or put the formula into ( )");
    return true;
  }
  if (isReserved(token.kind) && next().kind == Tok::EQUALS)
    return reportReserved();
  if (isOperator(token.kind)) {
    diagnostics.error(Code::StatementStartsWithOperator, token.loc, "a statement cannot begin with " + quoted(token))
        .suggest("give the value a name, as in x = formula");
    return true;
  }
  std::string help = "a statement is a definition such as x = formula, or begins with a word such as param or return";
  if (token.kind == Tok::IF)
    help = "write when c { ... } else { ... }, or give the value a name: x = if c then a else b";
  diagnostics.error(Code::UnexpectedWord, token.loc, "a statement cannot begin with " + found()).suggest(help);
  return true;
}

/// `parm w`, `rule x(...)` inside a block, `let x = 1`.
bool Reporter::reportStatementWord() {
  if (!error.isInStatement || error.at != error.start + 1 || (!startsOperand(token.kind)))
    return false;
  if (startsUnit(start.kind) && (token.kind == Tok::ID || token.kind == Tok::STR)) {
    diagnostics
        .error(Code::UnitInsideUnit, start.loc, "a " + std::string(start.text) + " cannot stand inside another unit")
        .suggest("close the block above with '}', or use fn for a local function");
    return true;
  }
  if (start.kind != Tok::ID)
    return false;
  std::string help = foreignWord(start.text);
  if (help.empty())
    help = didYouMean(start.text, statementWords());
  if (help.empty())
    return false;
  diagnostics.error(Code::UnexpectedWord, start.loc, quoted(start) + " begins no statement").suggest(std::move(help));
  return true;
}

//===----------------------------------------------------------------------===//
// Names and equals signs
//===----------------------------------------------------------------------===//

bool Reporter::reportReserved() {
  const Token *culprit = nullptr;
  bool isStatementWord = token.kind == Tok::LOOP || token.kind == Tok::RETURN || token.kind == Tok::IN_WORD;
  if (token.kind == Tok::EQUALS && isReserved(before.kind))
    culprit = &before;
  else if (isReserved(token.kind) && (expectsName() || error.at == error.start))
    culprit = &token;
  else if (isStatementWord && expectsFormula())
    culprit = &token;
  if (!culprit)
    return false;
  if (culprit == &token && !goesOn(error.at).empty()) {
    reportPlain();
    return true;
  }
  diagnostics.error(Code::ReservedWord, culprit->loc, quoted(*culprit) + " is a reserved word and cannot be a name")
      .suggest("choose another name, for instance " + std::string(culprit->text) + "_");
  return true;
}

/// `state m' = 0`: only what is already declared has a next value.
bool Reporter::reportPrimedDeclaration() {
  static const std::set<Tok> declaring = {Tok::CONST, Tok::DRAW,  Tok::EMIT,  Tok::GRAD,
                                          Tok::INPUT, Tok::PARAM, Tok::STATE, Tok::WITH};
  bool isListed = before.kind == Tok::COMMA && expectsName() && !expects(Tok::PRIMED);
  if (token.kind != Tok::PRIMED || (declaring.count(before.kind) == 0 && !isListed))
    return false;
  size_t primeSize = token.text.ends_with('\'') ? 1 : std::string_view("\u2032").size();
  std::string name(token.text.substr(0, token.text.size() - primeSize));
  diagnostics.error(Code::PrimedDeclaration, token.loc, "a name is declared without a prime")
      .suggest("write " + name + " here and " + name + "' where its next value is defined");
  return true;
}

bool Reporter::reportMissingEquals() {
  if (token.kind == Tok::END && before.kind == Tok::EXPECT && error.at == error.start + 1) {
    diagnostics.error(Code::MissingExpression, token.loc, "expected a formula, found the end of the line").suggest("a claim is written expect a == b");
    return true;
  }
  bool couldFollow = startsOperand(token.kind) || token.kind == Tok::END || token.kind == Tok::EQUAL_EQUAL ||
                     token.kind == Tok::LPAREN || token.kind == Tok::MINUS || token.kind == Tok::IF ||
                     token.kind == Tok::COLON;
  if (!expects(Tok::EQUALS) || expects(Tok::END) || !couldFollow || expects(Tok::RPAREN))
    return false;
  std::string text = "expected " + std::string(expects(Tok::LBRACE) ? "'=' or '{'" : "'='") + ", found " + found();
  std::string help = "a definition is written name = formula";
  if (expects(Tok::LBRACE))
    help = "write = formula, or a block { ... }";
  if (token.kind == Tok::END && error.isInStatement)
    help = "a definition is written name = formula; a value is given back by return";
  if (token.kind == Tok::EQUAL_EQUAL)
    help = "a definition has one '=', a comparison two";
  diagnostics.error(Code::MissingEquals, token.loc, std::move(text)).suggest(std::move(help));
  return true;
}

bool Reporter::reportEquals() {
  if (token.kind != Tok::EQUALS || !isAfterOperand())
    return false;
  Diagnostic &d = diagnostics.error(Code::UnexpectedWord, token.loc, "found '=', expected " + expectedList());
  std::string help = goesOn(error.at - 1);
  d.suggest(help.empty() ? "a comparison is written ==; one statement defines one name" : help);
  return true;
}

//===----------------------------------------------------------------------===//
// Inside formulas
//===----------------------------------------------------------------------===//

bool Reporter::reportMissingElse() {
  if (!expects(Tok::ELSE) || expects(Tok::END) || expectsFormula())
    return false;
  diagnostics.error(Code::MissingElse, token.loc, "expected 'else', found " + found())
      .suggest("a choice needs both values: if c then a else b");
  return true;
}

bool Reporter::reportMissingFormula() {
  if (!expectsFormula())
    return false;
  if (token.kind == Tok::IF) {
    diagnostics.error(Code::UnexpectedWord, token.loc, "a choice inside a formula needs parentheses")
        .suggest("write (if c then a else b)");
    return true;
  }
  Diagnostic &d = diagnostics.error(Code::MissingExpression, token.loc, "expected a formula, found " + found());
  if (isOperator(before.kind))
    d.suggest(quoted(before) + " needs a formula on its right");
  else if (before.kind == Tok::EQUALS)
    d.suggest("write the value after '='");
  else if (before.kind == Tok::COMMA)
    d.suggest("remove the comma before it, or write what is missing");
  return true;
}

bool Reporter::reportMismatch() {
  bool isParen = token.kind == Tok::RPAREN, isBracket = token.kind == Tok::RBRACKET;
  if (!(isParen && expects(Tok::RBRACKET)) && !(isBracket && expects(Tok::RPAREN)))
    return false;
  size_t depth = 0, open = error.at;
  while (open > 0) {
    Tok kind = error.tokens[--open].kind;
    if (kind == Tok::RPAREN || kind == Tok::RBRACKET)
      ++depth;
    else if ((kind == Tok::LPAREN || kind == Tok::LBRACKET) && depth-- == 0)
      break;
  }
  const Token &opening = error.tokens[open];
  diagnostics.error(Code::BracketMismatch, token.loc, quoted(opening) + " is closed by " + found())
      .note(opening.loc, quoted(opening) + " is opened here")
      .suggest("only an interval after 'in' mixes them, as in [0, 1)");
  return true;
}

bool Reporter::reportSecondStatement() {
  if (!startsOperand(token.kind) || expectsFormula())
    return false;
  bool touches = before.loc.endLine == token.loc.line && before.loc.endCol == token.loc.col;
  if (touches && before.kind == Tok::NUM) {
    diagnostics
        .error(Code::UnexpectedWord, token.loc, "expected an operator between " + quoted(before) + " and " + found())
        .suggest("write " + std::string(before.text) + " * " + std::string(token.text));
    return true;
  }
  if (!expects(Tok::END) || !isAfterOperand())
    return false;
  diagnostics
      .error(Code::MissingStatementEnd, token.loc, "expected an operator or the end of the line, found " + found())
      .suggest(goesOn(error.at - 1).empty() ? "two statements on one line are parted by ';'" : goesOn(error.at - 1));
  return true;
}

/// What helps at places where people who know other notations slip.
std::string Reporter::plainHelp() const {
  if (std::string help = goesOn(error.at); !help.empty())
    return help;
  std::vector<std::string> words;
  for (Tok kind : error.expected)
    if (isWord(kind))
      words.push_back(std::string(spelling(kind)));
  if (std::string help = token.kind == Tok::ID ? didYouMean(token.text, words) : ""; !help.empty())
    return help;
  if (before.kind == Tok::GRAD || before.kind == Tok::HESS || before.kind == Tok::JAC)
    return "a derivative names its function, as in grad f(w), or its variable, as in grad[w](formula)";
  if (expects(Tok::THEN))
    return "a choice is written if c then a else b";
  if (expects(Tok::LPAREN) && token.kind == Tok::EQUALS && start.kind == Tok::RULE)
    return "a rule has parameters and a body: rule f(lr = 0.1) { .. }; one that is made of others is bound where it is used: train t = minimize loss over w with f(..)";
  if (expects(Tok::LPAREN) && !error.isInStatement && !isAfterOperand())
    return "the parameters stand in parentheses, as in f(x, y)";
  if (token.kind == Tok::SEMICOLON)
    return "the rows of a matrix are written [[1, 2], [3, 4]]";
  if (expects(Tok::STR) && !expectsFormula())
    return "a text stands in double quotes";
  if (token.kind == Tok::STR && expectsName())
    return "a name stands without quotes";
  if (expects(Tok::WITH) && start.kind == Tok::TRAIN && !expectsName())
    return "a train unit is written train name = minimize loss over W with rule()";
  if (expects(Tok::COLON) && start.kind == Tok::TRAIN)
    return "a group is written W: rule()";
  return {};
}

/// rule r { .. }
bool Reporter::reportMissingParentheses() {
  bool isHeader = token.kind == Tok::LBRACE && expects(Tok::LPAREN) && !expectsFormula() && !error.isInStatement && before.kind == Tok::ID &&
                  (start.kind == Tok::FN || start.kind == Tok::LOSS || start.kind == Tok::PROJECTION || start.kind == Tok::PROX ||
                   start.kind == Tok::RULE || start.kind == Tok::SCHEDULE || start.kind == Tok::SOLVER);
  if (!isHeader)
    return false;
  std::string head = std::string(start.text) + " " + std::string(before.text);
  diagnostics.error(Code::UnexpectedWord, token.loc, "'" + head + "' lacks the parentheses of its parameters").suggest("write " + head + "() {, also without parameters");
  return true;
}

void Reporter::reportPlain() {
  diagnostics.error(Code::UnexpectedWord, token.loc, "found " + found() + ", expected " + expectedList())
      .suggest(plainHelp());
}

/// A parser that has left a formula knows only the sign that must close it; an operator could stand there as well.
void Reporter::completeExpected() {
  static const std::set<Tok> closers = {Tok::END, Tok::RPAREN, Tok::RBRACKET, Tok::LBRACE};
  bool onlyCloses = !error.expected.empty() &&
                    std::includes(closers.begin(), closers.end(), error.expected.begin(), error.expected.end());
  bool isOperand = startsOperand(before.kind) || before.kind == Tok::RPAREN || before.kind == Tok::RBRACKET;
  if (!onlyCloses || !isOperand)
    return;
  if ((expects(Tok::RPAREN) || expects(Tok::RBRACKET)) && token.kind != Tok::COMMA) // where one stands, it does not fit
    error.expected.insert(Tok::COMMA);
  if (error.isInStatement || expects(Tok::END))
    error.expected.insert(Tok::PLUS);
}

void Reporter::run() {
  if (token.isQuiet)
    return;
  completeExpected();
  using Case = bool (Reporter::*)();
  static constexpr std::array cases = {Case(&Reporter::reportUnitStart),      Case(&Reporter::reportStatementStart),
                                       Case(&Reporter::reportStatementWord),  Case(&Reporter::reportReserved),
                                       Case(&Reporter::reportMismatch),       Case(&Reporter::reportPrimedDeclaration),
                                       Case(&Reporter::reportMissingEquals),  Case(&Reporter::reportMissingElse),
                                       Case(&Reporter::reportMissingFormula), Case(&Reporter::reportEquals),
                                       Case(&Reporter::reportMissingParentheses), Case(&Reporter::reportSecondStatement)};
  if (std::none_of(cases.begin(), cases.end(), [&](Case c) { return (this->*c)(); }))
    reportPlain();
}

void gradus::report(const SyntaxError &error, Diagnostics &diagnostics) { Reporter(error, diagnostics).run(); }
