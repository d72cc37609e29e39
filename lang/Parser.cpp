//===- Parser.cpp - from text to syntax tree ------------------------------===//
//
// ANTLR's lexer gives the words, TokenFilter the statements and units, ANTLR's parser the parse tree of one unit at a
// time, AstBuilder the syntax tree. The parse tree of a unit is gone before the next unit is parsed, so memory is
// bounded by the largest unit. Exceptions end here.
//
//===----------------------------------------------------------------------===//

#include "lang/Parser.h"
#include "lang/AstBuilder.h"
#include "lang/Salvage.h"
#include "lang/SyntaxMessages.h"
#include "lang/TokenFilter.h"

#include "GradusLexer.h"
#include "GradusParser.h"

#include <algorithm>
#include <set>

using namespace gradus;

#define GRADUS_WORD(NAME, SPELLING, RESERVED)                                                                          \
  static_assert(static_cast<size_t>(Tok::NAME) == GradusParser::NAME, "Tokens.def and Gradus.g4 disagree");
#define GRADUS_SIGN(NAME, SPELLING)                                                                                    \
  static_assert(static_cast<size_t>(Tok::NAME) == GradusParser::NAME, "Tokens.def and Gradus.g4 disagree");
#define GRADUS_CLASS(NAME, DESCRIPTION)                                                                                \
  static_assert(static_cast<size_t>(Tok::NAME) == GradusParser::NAME, "Tokens.def and Gradus.g4 disagree");
#include "lang/Tokens.def"

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

static bool isFaulty(Tok kind) { return kind >= Tok::OPEN_STR && kind <= Tok::UNKNOWN; }

/// Cuts the text into words, up to the limits: far more faults than can be shown, or more words than a spec has.
static std::vector<Token> lex(const Source &source, Diagnostics &diagnostics) {
  std::string_view text = source.getText();
  antlr4::ANTLRInputStream input(text.data(), text.size());
  GradusLexer lexer(&input);
  std::vector<Token> tokens;
  size_t offset = 0, faults = 0;
  size_t codePoint = 0;
  for (auto word = lexer.nextToken(); word->getType() != antlr4::Token::EOF; word = lexer.nextToken()) {
    // ANTLR counts code points, the text is bytes: walk along.
    auto advance = [&](size_t to) {
      for (; codePoint < to; ++codePoint)
        do
          ++offset;
        while (offset < text.size() && (text[offset] & 0xC0) == 0x80);
    };
    advance(word->getStartIndex());
    size_t begin = offset;
    advance(word->getStopIndex() + 1);
    std::string_view spelled = text.substr(begin, offset - begin);
    auto line = static_cast<uint32_t>(word->getLine()), col = static_cast<uint32_t>(word->getCharPositionInLine() + 1);
    auto length = static_cast<uint32_t>(word->getStopIndex() + 1 - word->getStartIndex());
    Location loc{source.getId(), line, col, line, col + length};
    if (size_t breaks = static_cast<size_t>(std::count(spelled.begin(), spelled.end(), '\n')); breaks > 0)
      loc.endLine += static_cast<uint32_t>(breaks), loc.endCol = 1;
    Tok kind = static_cast<Tok>(word->getType());
    bool continuesFault = !tokens.empty() && isFaulty(tokens.back().kind) && kind == tokens.back().kind;
    faults += isFaulty(kind) && !continuesFault;
    tokens.push_back({kind, loc, spelled});
    if (faults > Diagnostics::maxShown)
      break;
    if (tokens.size() <= maxTokens)
      continue;
    diagnostics.error(Code::TooManyTokens, loc, "a file has at most " + std::to_string(maxTokens) + " words and signs")
        .suggest("split it into files and import them");
    break;
  }
  return tokens;
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

namespace {
/// Reports in our words, and goes on behind the statement or the parameter list in which an error stands.
class Recovery : public antlr4::DefaultErrorStrategy {
public:
  Recovery(std::span<const Token> tokens, Diagnostics &diagnostics) : tokens(tokens), diagnostics(diagnostics) {}

  /// Whether there was an error at all, even one that was not worth a message of its own.
  bool hasFailed() const { return failed; }

  void reportError(antlr4::Parser *parser, const antlr4::RecognitionException &error) override {
    failed = true;
    if (inErrorRecoveryMode(parser))
      return;
    beginErrorCondition(parser);
    antlr4::Token *offending = error.getOffendingToken();
    ::report({tokens, offending->getStartIndex(), expectedBy(parser, error), startOf(parser), isInStatement(parser)},
             diagnostics);
    stopIfFull();
  }

  void recover(antlr4::Parser *parser, std::exception_ptr error) override {
    switch (parser->getContext()->getRuleIndex()) {
    case GradusParser::RuleLine:
    case GradusParser::RuleGroupLine:
      skipLine(parser);
      break;
    case GradusParser::RuleParams:
      skipParams(parser);
      break;
    default:
      std::rethrow_exception(error);
    }
    endErrorCondition(parser);
  }

  antlr4::Token *recoverInline(antlr4::Parser *parser) override { throw antlr4::InputMismatchException(parser); }

  /// Between the statements of a block: a line that begins with what begins no statement is reported and left out.
  void sync(antlr4::Parser *parser) override {
    if (parser->getContext()->getRuleIndex() != GradusParser::RuleBlock)
      return;
    const antlr4::atn::ATN &atn = parser->getATN();
    for (size_t kind = parser->getInputStream()->LA(1); kind != antlr4::Token::EOF && kind != GradusParser::RBRACE;
         kind = parser->getInputStream()->LA(1)) {
      if (atn.nextTokens(atn.states[parser->getState()]).contains(kind))
        return;
      failed = true;
      size_t at = parser->getCurrentToken()->getStartIndex();
      ::report({tokens, at, {}, at, true}, diagnostics);
      stopIfFull();
      skipLine(parser);
    }
  }

private:
  /// No more errors will be shown, so none need be found.
  void stopIfFull() const {
    if (diagnostics.isFull())
      throw antlr4::ParseCancellationException();
  }

  static std::set<Tok> toSet(const antlr4::misc::IntervalSet &kinds) {
    std::set<Tok> result;
    for (ssize_t kind : kinds.toList())
      if (kind > 0)
        result.insert(static_cast<Tok>(kind));
    return result;
  }

  /// If the parser had to look ahead, the tokens that could follow are known to the configurations it had reached.
  static std::set<Tok> expectedBy(antlr4::Parser *parser, const antlr4::RecognitionException &error) {
    auto *noAlternative = dynamic_cast<const antlr4::NoViableAltException *>(&error);
    if (!noAlternative || !noAlternative->getDeadEndConfigs() ||
        noAlternative->getStartToken() == noAlternative->getOffendingToken())
      return toSet(parser->getExpectedTokens());
    std::set<Tok> result;
    for (const auto &config : noAlternative->getDeadEndConfigs()->configs)
      result.merge(toSet(parser->getATN().nextTokens(config->state)));
    return result;
  }

  /// Where the innermost statement or group, or else the unit begins.
  static size_t startOf(antlr4::Parser *parser) {
    antlr4::ParserRuleContext *context = parser->getContext();
    while (context->parent && context->getRuleIndex() != GradusParser::RuleLine)
      context = static_cast<antlr4::ParserRuleContext *>(context->parent);
    return context->getStart()->getStartIndex();
  }

  static bool isInStatement(antlr4::Parser *parser) {
    for (antlr4::tree::ParseTree *context = parser->getContext(); context; context = context->parent)
      if (static_cast<antlr4::ParserRuleContext *>(context)->getRuleIndex() == GradusParser::RuleLine)
        return true;
    return false;
  }

  /// Skips the rest of a statement with its END; stops before the brace that closes the block around it.
  static void skipLine(antlr4::Parser *parser) {
    for (size_t depth = 0;; parser->consume()) {
      size_t kind = parser->getInputStream()->LA(1);
      if (kind == antlr4::Token::EOF || (kind == GradusParser::RBRACE && depth == 0))
        return;
      if (kind == GradusParser::END && depth == 0)
        break;
      depth += kind == GradusParser::LBRACE;
      depth -= kind == GradusParser::RBRACE;
    }
    parser->consume();
  }

  /// Skips to behind the parenthesis that closes the parameters; the filter has made sure that there is one.
  static void skipParams(antlr4::Parser *parser) {
    size_t depth = 0;
    auto *input = parser->getInputStream();
    input->seek(parser->getContext()->getStart()->getTokenIndex());
    if (input->LA(1) != GradusParser::LPAREN)
      std::rethrow_exception(std::current_exception());
    do {
      size_t kind = input->LA(1);
      depth += kind == GradusParser::LPAREN || kind == GradusParser::LBRACKET;
      depth -= kind == GradusParser::RPAREN || kind == GradusParser::RBRACKET;
      parser->consume();
    } while (depth > 0 && input->LA(1) != antlr4::Token::EOF);
  }

  std::span<const Token> tokens;
  Diagnostics &diagnostics;
  bool failed = false;
};
} // namespace

//===----------------------------------------------------------------------===//
// Units
//===----------------------------------------------------------------------===//

/// Hands our tokens to ANTLR; each carries its place in `tokens` as its start index.
static std::unique_ptr<antlr4::ListTokenSource> feed(std::span<const Token> tokens) {
  std::vector<std::unique_ptr<antlr4::Token>> list;
  list.reserve(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    size_t kind = tokens[i].kind == Tok::None ? antlr4::Token::EOF : static_cast<size_t>(tokens[i].kind);
    auto word = std::make_unique<antlr4::CommonToken>(kind);
    word->setStartIndex(i);
    word->setStopIndex(i);
    list.push_back(std::move(word));
  }
  return std::make_unique<antlr4::ListTokenSource>(std::move(list));
}

/// Parses one unit, whose tokens end with one of kind None. Null after an error.
static ast::UnitPtr parseUnit(std::span<const Token> tokens, Diagnostics &diagnostics) {
  std::unique_ptr<antlr4::ListTokenSource> words = feed(tokens);
  antlr4::CommonTokenStream stream(words.get());
  GradusParser parser(&stream);
  parser.removeErrorListeners();
  auto recovery = std::make_shared<Recovery>(tokens, diagnostics);
  parser.setErrorHandler(recovery);
  try {
    GradusParser::EntryContext *entry = parser.entry();
    if (!recovery->hasFailed())
      return buildUnit(*entry->unit(), tokens);
  } catch (const antlr4::RecognitionException &) {
    // Reported where it was thrown; the rest of the unit is left out.
  } catch (const antlr4::ParseCancellationException &) {
    // As many errors are known as are shown.
  }
  return nullptr;
}

/// Gives each `///` block to the unit on the line below it; all others are comments for the formatter.
static void attachComments(ast::Sheet &sheet, const std::vector<Token> &comments) {
  size_t unit = 0;
  auto isDoc = [](const Token &t) { return t.kind == Tok::DOC && (t.text.size() < 4 || t.text[3] != '/'); };
  for (size_t i = 0; i < comments.size();) {
    while (unit < sheet.units.size() && sheet.units[unit]->loc.line <= comments[i].loc.line)
      ++unit;
    size_t end = i;
    while (isDoc(comments[i]) && end + 1 < comments.size() && isDoc(comments[end + 1]) &&
           comments[end + 1].loc.line == comments[end].loc.line + 1)
      ++end;
    bool documents =
        isDoc(comments[i]) && unit < sheet.units.size() && sheet.units[unit]->loc.line == comments[end].loc.line + 1;
    for (; i <= end; ++i) {
      std::string text(comments[i].text);
      text.erase(text.find_last_not_of(" \t") + 1);
      if (documents)
        sheet.units[unit]->doc.push_back(text.substr(text.size() > 3 && text[3] == ' ' ? 4 : 3));
      else
        sheet.comments.push_back({comments[i].loc, std::move(text), false});
    }
  }
}

static void markOwnLines(ast::Sheet &sheet, const Source &source) {
  for (ast::Comment &comment : sheet.comments) {
    std::string_view before = source.getLine(comment.loc.line);
    size_t firstWord = before.find_first_not_of(" \t");
    comment.ownLine = before.substr(firstWord).substr(0, 2) == "//";
  }
}

/// Where something was reported between two places of a file. Repaired words count: what the author meant is a guess.
static std::vector<Location> faultsOf(const Diagnostics &diagnostics, const Location &from, const Location &to) {
  auto place = [](const Location &loc) { return std::pair(loc.line, loc.col); };
  std::vector<Location> faults;
  for (const Diagnostic &diagnostic : diagnostics.getAll()) {
    // A bracket is missed at what follows, but belongs to where it is opened.
    const Location &at = diagnostic.code == Code::BracketNotClosed && !diagnostic.notes.empty() ? diagnostic.notes.front().loc : diagnostic.loc;
    if (at.file == from.file && place(from) <= place(at) && place(at) < place(to))
      faults.push_back(at);
  }
  return faults;
}

/// A unit as far as its statements are sound, up to `next`; null if there is an error outside of them.
static ast::UnitPtr parseSoundStatements(std::span<const Token> tokens, const Location &next, Diagnostics &diagnostics) {
  ast::UnitPtr unit = parseUnit(tokens, diagnostics);
  std::vector<Location> faults = faultsOf(diagnostics, tokens.front().loc, next);
  if (faults.empty())
    return unit;
  std::optional<std::vector<Token>> sound = salvage(tokens, faults);
  if (!sound)
    return nullptr;
  Diagnostics again(diagnostics.getSources());
  unit = parseUnit(*sound, again);
  return again.hasErrors() ? nullptr : std::move(unit);
}

/// Notes what later phases must not call unknown. Where the first word begins no unit, a name may be any of the words up to a sign.
static void leaveOut(ast::Sheet &sheet, std::span<const Token> unit) {
  if (unit.front().kind == Tok::TEST)
    return;
  bool isUnit = startsUnit(unit.front().kind);
  auto isName = [](const Token &token) { return token.kind == Tok::ID || (isWord(token.kind) && !isReserved(token.kind)); };
  size_t first = isUnit ? 1 : 0, end = first;
  while (unit.front().kind != Tok::IMPORT && isName(unit[end]) && (!isUnit || end == first))
    ++end;
  for (const Token &name : unit.subspan(first, end - first))
    sheet.leftOut.push_back({std::string(name.text), name.loc});
  sheet.lacksNames |= end == first || (!isUnit && unit[end].kind == Tok::STR); // which may have been an import
}

std::unique_ptr<ast::Sheet> gradus::parse(const Source &source, Diagnostics &diagnostics) {
  size_t errorsBefore = diagnostics.getErrorCount();
  std::unique_ptr<ast::Sheet> sheet = parseSoundUnits(source, diagnostics);
  return diagnostics.getErrorCount() == errorsBefore ? std::move(sheet) : nullptr;
}

std::unique_ptr<ast::Sheet> gradus::parseSoundUnits(const Source &source, Diagnostics &diagnostics) {
  size_t errorsBefore = diagnostics.getErrorCount();
  if (!checkText(source, diagnostics))
    return nullptr;
  std::vector<Token> raw = lex(source, diagnostics);
  if (diagnostics.getErrorCount() != errorsBefore)
    return nullptr;
  FilteredTokens filtered = filterTokens(source, std::move(raw), diagnostics);
  if (!filtered.canParse || diagnostics.isFull())
    return nullptr;

  auto sheet = std::make_unique<ast::Sheet>();
  sheet->file = source.getId();
  bool wasStray = false;
  for (size_t i = 0; i < filtered.unitStarts.size() && !diagnostics.isFull(); ++i) {
    bool isLast = i + 1 == filtered.unitStarts.size();
    size_t begin = filtered.unitStarts[i], end = isLast ? filtered.tokens.size() : filtered.unitStarts[i + 1];
    std::vector<Token> unit(filtered.tokens.begin() + begin, filtered.tokens.begin() + end);
    // Indented lines below a block that is closed too early are one fault.
    bool isStray = !startsUnit(unit.front().kind) && unit.front().loc.col > 1;
    for (Token &token : unit)
      token.isQuiet |= isStray && wasStray;
    wasStray = isStray;
    unit.push_back({Tok::None, unit.back().loc, {}, unit.back().isQuiet});
    Location next = isLast ? Location{source.getId(), UINT32_MAX, 0, 0, 0} : filtered.tokens[end].loc;
    if (ast::UnitPtr built = parseSoundStatements(unit, next, diagnostics))
      sheet->units.push_back(std::move(built));
    else
      leaveOut(*sheet, unit);
  }
  if (filtered.unitStarts.empty() && diagnostics.getErrorCount() == errorsBefore)
    diagnostics.error(Code::FileEmpty, source.wholeFile(), "the file holds no unit")
        .suggest("write a loss, a rule or another unit, for instance: loss f(w: [d]) = sum(w^2)");
  if (diagnostics.getErrorCount() != errorsBefore)
    sheet->leftOut.push_back({std::string(poisonName), source.wholeFile()});
  attachComments(*sheet, filtered.comments);
  markOwnLines(*sheet, source);
  return sheet;
}
