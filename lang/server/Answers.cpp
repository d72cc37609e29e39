//===- Answers.cpp - Messages, hovers, definitions, layout -------------------===//

#include "lang/server/Answers.h"

#include "lang/Format.h"
#include "lang/FormatDocs.h"
#include "lang/Parser.h"
#include "lang/RuleRun.h"
#include "lang/Tokens.h"
#include "lang/Utf8.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace gradus;
using namespace gradus::server;
using llvm::dyn_cast;
using llvm::StringRef;
namespace lsp = llvm::lsp;
namespace json = llvm::json;

//===----------------------------------------------------------------------===//
// Texts
//===----------------------------------------------------------------------===//

lsp::URIForFile server::uriOf(StringRef path) {
  llvm::SmallString<256> absolute(path);
  llvm::sys::fs::make_absolute(absolute);
  llvm::sys::path::remove_dots(absolute, /*remove_dot_dot=*/true);
  llvm::Expected<lsp::URIForFile> uri = lsp::URIForFile::fromFile(absolute);
  if (uri)
    return *uri;
  llvm::consumeError(uri.takeError());
  return {};
}

Surroundings server::surroundingsOf(const Source &source, Place place) {
  Surroundings result;
  std::string_view line = source.getLine(place.line);
  size_t wordBytes = 0;
  uint32_t col = 1;
  result.wordBegin = result.wordEnd = place.col;
  for (size_t pos = 0; pos < line.size(); ++col) {
    bool isBefore = col < place.col;
    if (isBefore && !result.quote && line.substr(pos).starts_with("//"))
      result.isComment = true;
    if (isBefore && line[pos] == '"' && !result.isComment)
      result.quote = result.quote ? std::nullopt : std::optional(col);
    if (!isLetter(line[pos])) {
      if (!isBefore)
        break;
      result.word.clear();
      wordBytes = 0;
    } else {
      if (wordBytes == 0)
        result.wordBegin = col;
      size_t bytes = utf8Length(line, pos).bytes;
      result.word += line.substr(pos, bytes);
      wordBytes += bytes;
      pos += bytes;
      continue;
    }
    pos += utf8Length(line, pos).bytes;
  }
  if (result.word.empty())
    result.wordBegin = place.col;
  result.wordEnd = result.word.empty() ? place.col : col;
  return result;
}

std::string server::headerOf(const ast::Unit &unit) {
  constexpr size_t width = 100;
  if (auto *function = dyn_cast<ast::Function>(&unit))
    return render(headOf(*function), 0, 0, width);
  if (auto *rule = dyn_cast<ast::Rule>(&unit))
    return render(headOf(*rule), 0, 0, width);
  if (auto *train = dyn_cast<ast::Train>(&unit)) {
    Doc head = headOf(*train);
    if (!train->hasBraces && train->groups.size() == 1)
      head += docOf(train->groups.front());
    return StringRef(render(head, 0, 0, width)).rtrim().str();
  }
  auto *constant = dyn_cast<ast::Const>(&unit);
  return constant ? "const " + render(docOf(constant->decl), 6, 0, width) : "";
}

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

/// A place of any file of the run.
static lsp::Location locationOf(const Analysis &analysis, const Location &loc) {
  const Source &source = analysis.getSources().get(loc.file);
  return {uriOf(source.getName()), toRange(source, loc)};
}

/// With a URI of its own: that of an lsp::Location would be borrowed.
static json::Object related(const Analysis &analysis, const Location &loc, const std::string &text) {
  lsp::Location place = locationOf(analysis, loc);
  return json::Object{{"location", json::Object{{"uri", place.uri.uri().str()}, {"range", place.range}}}, {"message", text}};
}

json::Array server::diagnosticsOf(const Analysis &analysis) {
  json::Array messages;
  for (const Diagnostic &one : analysis.getDiagnostics().getAll()) {
    bool isHere = one.loc.file == analysis.getMain().getId();
    std::string text = one.text + (one.help.empty() ? "" : "\n" + one.help);
    json::Array notes;
    Location at = one.loc;
    if (!isHere) {
      notes.push_back(related(analysis, one.loc, one.text));
      at = analysis.importOf(one.loc.file).value_or(analysis.getMain().wholeFile());
      text = "in '" + llvm::sys::path::filename(analysis.getSources().get(one.loc.file).getName()).str() + "': " + text;
    }
    for (const Diagnostic::Note &note : one.notes)
      notes.push_back(related(analysis, note.loc, note.text));
    json::Object message{
        {"range", toRange(analysis.getMain(), at)},
        {"severity", static_cast<int>(one.severity == Severity::Error ? lsp::DiagnosticSeverity::Error : lsp::DiagnosticSeverity::Warning)},
        {"code", codeName(one.code) + (one.lint.empty() ? "" : " " + std::string(one.lint))},
        {"source", "gradus"},
        {"message", text},
    };
    if (!notes.empty())
      message["relatedInformation"] = std::move(notes);
    messages.push_back(std::move(message));
  }
  return messages;
}

//===----------------------------------------------------------------------===//
// What stands there
//===----------------------------------------------------------------------===//

static std::string fenced(const std::string &code) { return "```grad\n" + code + "\n```"; }

/// The doc comment; its formulas and indented lines keep their lines.
static std::string docOfUnit(const ast::Unit &unit) { return llvm::join(unit.doc, "  \n"); }

static std::string hoverText(Analysis &analysis, const Analysis::Found &found) {
  const Declaration &declaration = *found.declaration;
  const ast::Ident *owner = nameOf(*declaration.unit);
  bool isUnit = owner && owner->loc == declaration.loc;
  std::string type = analysis.typeAt(found.at);
  if (type.empty() && found.file == analysis.getMain().getId())
    type = analysis.typeAt(declaration.loc);
  bool isArray = StringRef(type).starts_with("[");
  if (isUnit) {
    std::string text = fenced(headerOf(*declaration.unit));
    if (isArray) // a constant
      text += "\n\n" + fenced(declaration.name + ": " + type);
    if (!declaration.unit->doc.empty())
      text += "\n\n" + docOfUnit(*declaration.unit);
    return text;
  }
  std::string text = fenced(declaration.name + (isArray ? ": " + type : ""));
  text += "\n\n" + wordOf(declaration.kind).str();
  if (owner)
    text += " of `" + owner->name + "`";
  std::string_view line = analysis.getSources().get(found.file).getLine(declaration.loc.line);
  return text + "\n\n" + fenced(StringRef(line).trim().str());
}

bool server::isKeyword(StringRef word) {
  static constexpr llvm::StringLiteral words[] = {
#define GRADUS_WORD(NAME, SPELLING, RESERVED) SPELLING,
#define GRADUS_SIGN(NAME, SPELLING)
#define GRADUS_CLASS(NAME, DESCRIPTION)
#include "lang/Tokens.def"
  };
  return llvm::is_contained(words, word);
}

/// What is said of a word of the language; empty for any other.
static std::string describeWord(const Reference &reference, const std::string &word) {
  bool isNumber = word == "pi" || word == "inf";
  if (!isKeyword(word) && !isNumber && !lang::findBuiltin(word) && !lang::isDistribution(word))
    return "";
  return reference.find(word);
}

std::optional<lsp::Hover> server::hoverAt(Analysis &analysis, const Reference &reference, Place place) {
  const Source &source = analysis.getMain();
  Surroundings around = surroundingsOf(source, place);
  if (around.isComment)
    return std::nullopt;
  auto answer = [&](const Location &at, std::string text) {
    lsp::Hover hover(toRange(source, at));
    hover.contents.value = std::move(text);
    return hover;
  };
  if (std::optional<ImportSeen> import = analysis.findImport(place))
    return answer(import->at, "`" + analysis.getSources().get(import->file).getName() + "`");
  if (around.quote)
    return std::nullopt;
  std::optional<std::pair<Location, std::string>> formula = analysis.formulaAt(place);
  if (std::optional<Analysis::Found> found = analysis.find(place))
    return answer(found->at, hoverText(analysis, *found));
  Location word{source.getId(), place.line, around.wordBegin, place.line, around.wordEnd};
  std::string text = describeWord(reference, around.word);
  // Of the words, those that begin a formula have its value.
  static constexpr llvm::StringLiteral derivatives[] = {"grad", "hess", "if", "jac"};
  if (formula && (!isKeyword(around.word) || llvm::is_contained(derivatives, around.word)))
    text = fenced(formula->second) + (text.empty() ? "" : "\n\n" + text);
  if (text.empty())
    return std::nullopt;
  return answer(around.word.empty() && formula ? formula->first : word, text);
}

std::optional<lsp::Location> server::definitionAt(Analysis &analysis, Place place) {
  if (std::optional<ImportSeen> import = analysis.findImport(place))
    return lsp::Location(uriOf(analysis.getSources().get(import->file).getName()), {});
  Surroundings around = surroundingsOf(analysis.getMain(), place);
  if (around.isComment || around.quote)
    return std::nullopt;
  if (std::optional<Analysis::Found> found = analysis.find(place))
    return locationOf(analysis, found->declaration->loc);
  return std::nullopt;
}

std::optional<Analysis::Target> server::targetAt(Analysis &analysis, const lsp::Position &position) {
  Place place = toPlace(analysis.getMain(), position);
  Surroundings around = surroundingsOf(analysis.getMain(), place);
  return around.isComment || around.quote ? std::nullopt : analysis.findTarget(place);
}

//===----------------------------------------------------------------------===//
// Layout
//===----------------------------------------------------------------------===//

std::vector<lsp::TextEdit> server::formattingOf(const std::string &path, const std::string &text) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const Source &source = sources.add(path, text);
  std::unique_ptr<ast::Sheet> sheet = parse(source, diagnostics);
  if (!sheet)
    return {};
  std::string wanted = format(*sheet, source);
  if (wanted == text)
    return {};
  // Whole lines that are the same at both ends stay, and so does the cursor in them.
  size_t begin = 0, end = 0, shorter = std::min(wanted.size(), text.size());
  while (begin < shorter && wanted[begin] == text[begin])
    ++begin;
  begin = text.rfind('\n', begin == 0 ? 0 : begin - 1) + 1; // npos + 1 is 0
  begin = std::min(begin, shorter);
  while (end < shorter - begin && wanted[wanted.size() - 1 - end] == text[text.size() - 1 - end])
    ++end;
  while (end > 0 && text[text.size() - end - 1] != '\n')
    --end;
  lsp::TextEdit edit;
  edit.range = {positionOf(text, begin), positionOf(text, text.size() - end)};
  edit.newText = wanted.substr(begin, wanted.size() - end - begin);
  return {edit};
}
