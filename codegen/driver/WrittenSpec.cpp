//===- WrittenSpec.cpp - A spec that the tool writes around what it was given --------===//

#include "codegen/driver/WrittenSpec.h"

#include <functional>

using namespace llvm;

namespace gradus::driver {

//===----------------------------------------------------------------------===//
// Origins
//===----------------------------------------------------------------------===//

std::optional<Location> Origins::findPlace(uint32_t file, uint32_t line, uint32_t col) const {
  for (const auto &[part, origin] : quotes) {
    bool isInside = part.file == file && std::pair(part.line, part.col) <= std::pair(line, col) && std::pair(line, col) < std::pair(part.endLine, part.endCol);
    if (!isInside)
      continue;
    bool isCopy = part.line == part.endLine && origin.line == origin.endLine && part.endCol - part.col == origin.endCol - origin.col;
    uint32_t at = origin.col + (col - part.col);
    return isCopy ? Location{origin.file, origin.line, at, origin.line, at + 1} : origin;
  }
  return std::nullopt;
}

Location Origins::find(const Location &loc) const {
  if (loc.isWholeFile())
    return loc;
  std::optional<Location> first = findPlace(loc.file, loc.line, loc.col);
  if (!first)
    return loc;
  std::optional<Location> last = loc.endCol > 1 ? findPlace(loc.file, loc.endLine, loc.endCol - 1) : std::nullopt;
  bool isBehind = last && last->file == first->file && std::pair(first->endLine, first->endCol) < std::pair(last->endLine, last->endCol);
  return isBehind ? spanning(*first, *last) : *first;
}

Diagnostics Origins::translate(const Diagnostics &diagnostics, size_t first) const {
  Diagnostics translated(diagnostics.getSources());
  for (size_t k = first; k < diagnostics.getAll().size(); ++k) {
    const Diagnostic &one = diagnostics.getAll()[k];
    Location at = find(one.loc);
    Diagnostic &moved = one.severity == Severity::Error ? translated.error(one.code, at, one.text) : translated.warning(one.code, at, one.text);
    moved.help = one.help;
    moved.lint = one.lint;
    for (const Diagnostic::Note &note : one.notes)
      moved.note(find(note.loc), note.text);
  }
  return translated;
}

//===----------------------------------------------------------------------===//
// The spec
//===----------------------------------------------------------------------===//

void WrittenSpec::writeFor(StringRef part, function_ref<void()> write) {
  size_t begin = text.size();
  write();
  // By its place in memory: the same words may be given twice.
  bool isGiven = !std::less<>()(part.begin(), given.begin()) && !std::less<>()(given.end(), part.end());
  if (isGiven && !part.empty())
    pieces.push_back({begin, text.size(), part});
}

static Location locate(const Source &source, size_t begin, size_t end) { return spanning(source.locate(begin), source.locate(end - 1)); }

const Source &WrittenSpec::addTo(SourceManager &sources, std::string name, Origins &origins) const {
  const Source &spec = sources.add(std::move(name), text);
  if (pieces.empty())
    return spec;
  const Source &origin = sources.add(option, given.str());
  for (const Piece &piece : pieces) {
    size_t first = piece.part.begin() - given.begin();
    origins.add(locate(spec, piece.begin, piece.end), locate(origin, first, first + piece.part.size()));
  }
  return spec;
}

} // namespace gradus::driver
