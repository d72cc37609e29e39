//===- Highlight.cpp - Source of specs in colours --------------------------------===//
//
// Words are known by the table of the language, and names by what the tree says of them: a name that is spelled like a word, which most words may be, is a
// name.
//
//===----------------------------------------------------------------------===//

#include "codegen/doc/Highlight.h"

#include "codegen/doc/MathMl.h"
#include "lang/Tokens.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using llvm::StringRef;

namespace gradus::doc {

namespace {
/// One line, cut into words, numbers, texts and signs.
class LineColours {
public:
  LineColours(const Library &library, const Spec &spec, uint32_t line, const std::map<uint32_t, server::NameKind> &known)
      : library(library), spec(spec), line(line), known(known) {}
  std::string run(StringRef text);

private:
  std::string paint(StringRef token);
  std::string paintName(StringRef token);

  const Library &library;
  const Spec &spec;
  uint32_t line;
  const std::map<uint32_t, server::NameKind> &known;
  uint32_t col = 1;
};
} // namespace

static bool isLetter(char c) { return llvm::isAlpha(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }

static const llvm::StringSet<> &languageWords() {
  static const llvm::StringSet<> words = {
#define GRADUS_WORD(NAME, SPELLING, RESERVED) SPELLING,
#define GRADUS_SIGN(NAME, SPELLING)
#define GRADUS_CLASS(NAME, DESCRIPTION)
#include "lang/Tokens.def"
  };
  return words;
}

static std::string span(StringRef kind, StringRef text) { return "<span class=\"" + kind.str() + "\">" + escapeXml(text) + "</span>"; }

std::string LineColours::paintName(StringRef token) {
  UnitPlace place = library.find(spec, {0, line, col, line, col});
  if (place.unit)
    return "<a href=\"" + library.linkTo(spec, place) + "\">" + escapeXml(token) + "</a>";
  auto at = known.find(col);
  if (at == known.end())
    return languageWords().contains(token) ? span("k", token) : escapeXml(token);
  switch (at->second) {
  case server::NameKind::Unit:
  case server::NameKind::Constant:
    return span("u", token);
  case server::NameKind::Argument:
  case server::NameKind::Oracle:
    return span("a", token);
  case server::NameKind::Param:
  case server::NameKind::Grad:
  case server::NameKind::State:
  case server::NameKind::Input:
    return span("r", token);
  default:
    return escapeXml(token);
  }
}

std::string LineColours::paint(StringRef token) {
  if (token.starts_with("//"))
    return span("c", token);
  if (token.starts_with("\""))
    return span("s", token);
  if (llvm::isDigit(token[0]))
    return span("n", token);
  return isLetter(token[0]) ? paintName(token) : escapeXml(token);
}

/// The length of the first token.
static size_t lengthOf(StringRef text) {
  if (text.starts_with("//"))
    return text.size();
  if (text[0] == '"')
    return std::min(text.size(), text.find('"', 1) == StringRef::npos ? text.size() : text.find('"', 1) + 1);
  size_t length = 0;
  if (llvm::isDigit(text[0])) {
    while (length < text.size() && (llvm::isAlnum(text[length]) || (text[length] == '.' && text.substr(length + 1, 1) != ".") ||
                                    ((text[length] == '-' || text[length] == '+') && llvm::toLower(text[length - 1]) == 'e')))
      ++length;
    return length;
  }
  while (length < text.size() && (isLetter(text[length]) || (length > 0 && llvm::isDigit(text[length]))))
    ++length;
  return length == 0 ? 1 : length + (text.substr(length, 1) == "'");
}

std::string LineColours::run(StringRef text) {
  std::string result;
  while (!text.empty()) {
    StringRef token = text.take_front(lengthOf(text));
    result += paint(token);
    col += llvm::count_if(token, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }); // columns are code points
    text = text.drop_front(token.size());
  }
  return result;
}

std::string highlightLines(const Library &library, const Spec &spec, uint32_t first, uint32_t last, std::set<uint32_t> &seen) {
  std::map<uint32_t, std::map<uint32_t, server::NameKind>> known;
  for (const server::Declaration &declaration : spec.names->declarations)
    known[declaration.loc.line][declaration.loc.col] = declaration.kind;
  for (const server::NameUse &use : spec.names->uses)
    known[use.loc.line][use.loc.col] = spec.names->declarations[use.declaration].kind;
  for (const server::OpenName &open : spec.names->open)
    known[open.loc.line].try_emplace(open.loc.col, server::NameKind::Variable);
  std::string text = "<pre class=\"source\"><code>";
  for (uint32_t line = first; line <= last; ++line) {
    std::string number = std::to_string(line);
    text += "<span class=\"line\"" + (seen.insert(line).second ? " id=\"L" + number + "\"" : "") + "><span class=\"no\">" + number + "</span>" +
            LineColours(library, spec, line, known[line]).run(StringRef(spec.source->getLine(line))) + "</span>\n";
  }
  return text + "</code></pre>\n";
}

} // namespace gradus::doc
