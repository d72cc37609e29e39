//===- Reference.cpp - What the language reference says of a word -----------===//

#include "lang/server/Reference.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace gradus;
using namespace gradus::server;
using llvm::SmallVector;
using llvm::StringRef;

/// What stands between backticks, one span a line.
static std::string codeOf(StringRef text) {
  std::string code;
  for (auto [before, rest] = text.split('`'); !rest.empty(); std::tie(before, rest) = rest.split('`')) {
    auto [span, behind] = rest.split('`');
    code += span.str() + "\n";
    rest = behind;
  }
  return code;
}

Reference::Reference(StringRef markdown) {
  SmallVector<StringRef> lines;
  markdown.split(lines, '\n');
  std::string paragraph;
  bool isCode = false;
  for (StringRef line : lines) {
    bool isFence = line.starts_with("```");
    bool endsParagraph = isFence || line.trim().empty() || line.starts_with("|") || line.starts_with("#") || line.starts_with("* ") || line.starts_with("- ");
    if (endsParagraph) {
      addParagraph(paragraph);
      paragraph.clear();
    }
    isCode ^= isFence;
    if (isFence || isCode || line.starts_with("#"))
      continue;
    if (line.starts_with("|"))
      addRow(line);
    else
      paragraph += (paragraph.empty() ? "" : " ") + line.trim().str();
  }
  addParagraph(paragraph);
}

void Reference::addRow(StringRef line) {
  std::string whole = line.str();
  for (size_t at = whole.find("\\|"); at != std::string::npos; at = whole.find("\\|"))
    whole.replace(at, 2, "\x01"); // a bar inside of a cell
  SmallVector<StringRef> cells;
  StringRef(whole).trim().trim('|').split(cells, '|');
  std::string text;
  for (StringRef cell : cells)
    if (!cell.trim().empty())
      text += (text.empty() ? "" : ": ") + cell.trim().str();
  std::replace(text.begin(), text.end(), '\x01', '|');
  pieces.push_back({codeOf(cells.front()), text, true});
}

/// Sentences end at a full stop before a blank, outside of code.
void Reference::addParagraph(StringRef text) {
  size_t begin = 0;
  bool isCode = false;
  for (size_t at = 0; at < text.size(); ++at) {
    isCode ^= text[at] == '`';
    bool isLast = at + 1 == text.size();
    if (!isLast && (isCode || text[at] != '.' || text[at + 1] != ' '))
      continue;
    StringRef sentence = text.slice(begin, at + 1).trim();
    pieces.push_back({codeOf(sentence), sentence.str(), false});
    begin = at + 1;
  }
}

/// How well code shows a word: 2 where it begins with it or calls it, 1 where the word is in it.
static int rankIn(StringRef code, StringRef word) {
  auto isLetter = [](char c) { return llvm::isAlnum(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; };
  int rank = 0;
  for (size_t at = code.find(word); at != StringRef::npos; at = code.find(word, at + 1)) {
    size_t end = at + word.size();
    if ((at > 0 && isLetter(code[at - 1])) || (end < code.size() && isLetter(code[end])))
      continue;
    bool isFirst = at == 0 || code[at - 1] == '\n';
    bool isCalled = end < code.size() && (code[end] == '(' || code[end] == '[');
    rank = std::max(rank, isFirst || isCalled ? 2 : 1);
  }
  return rank;
}

std::string Reference::find(StringRef word) const {
  for (auto [rank, isRow] : {std::pair(2, true), {2, false}, {1, true}, {1, false}}) {
    const size_t most = isRow ? 4 : 2;
    SmallVector<StringRef> found;
    for (const Piece &piece : pieces)
      if (found.size() < most && piece.isRow == isRow && rankIn(piece.code, word) == rank)
        found.push_back(piece.text);
    if (!found.empty())
      return llvm::join(found, "\n\n");
  }
  return "";
}
