//===- Text.cpp - Places as editors count them -----------------------------===//

#include "lang/server/Text.h"

#include "lang/Utf8.h"

#include "llvm/ADT/StringExtras.h"

#include <algorithm>

using namespace gradus;
using namespace gradus::server;
using llvm::lsp::Position;

bool server::isLetter(char c) { return llvm::isAlnum(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }

/// UTF-16 units of a code point of so many bytes.
static int unitsOf(size_t bytes) { return bytes == 4 ? 2 : 1; }

/// The units before a column of a line.
static int unitsBefore(std::string_view line, uint32_t col) {
  int units = 0;
  size_t pos = 0;
  for (uint32_t at = 1; at < col && pos < line.size(); ++at) {
    size_t bytes = utf8Length(line, pos).bytes;
    units += unitsOf(bytes);
    pos += bytes;
  }
  return units;
}

llvm::lsp::Range server::toRange(const Source &source, const Location &loc) {
  if (loc.isWholeFile())
    return {};
  auto position = [&](uint32_t line, uint32_t col) { return Position(static_cast<int>(line) - 1, unitsBefore(source.getLine(line), col)); };
  return {position(loc.line, loc.col), position(loc.endLine, loc.endCol)};
}

Place server::toPlace(const Source &source, const Position &position) {
  auto line = static_cast<uint32_t>(std::max(position.line, 0)) + 1;
  std::string_view text = source.getLine(line);
  uint32_t col = 1;
  size_t pos = 0;
  for (int units = 0; units < position.character && pos < text.size(); ++col) {
    size_t bytes = utf8Length(text, pos).bytes;
    units += unitsOf(bytes);
    pos += bytes;
  }
  return {line, col};
}

size_t server::offsetOf(std::string_view text, const Position &position) {
  size_t begin = 0;
  for (int line = 0; line < position.line; ++line) {
    begin = text.find('\n', begin);
    if (begin == std::string_view::npos)
      return text.size();
    ++begin;
  }
  for (int units = 0; units < position.character && begin < text.size() && text[begin] != '\n' && text[begin] != '\r';) {
    size_t bytes = utf8Length(text, begin).bytes;
    units += unitsOf(bytes);
    begin += bytes;
  }
  return begin;
}

Position server::positionOf(std::string_view text, size_t offset) {
  std::string_view before = text.substr(0, offset);
  size_t start = before.rfind('\n') + 1; // npos + 1 is 0
  int units = 0;
  for (size_t pos = start; pos < before.size();) {
    size_t bytes = utf8Length(before, pos).bytes;
    units += unitsOf(bytes);
    pos += bytes;
  }
  return {static_cast<int>(std::count(before.begin(), before.end(), '\n')), units};
}
