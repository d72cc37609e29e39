//===- Messages.cpp - diagnostics with stable codes -----------------------===//
//
// The picture below a message is laid out in terminal cells: a tab is four blanks, wide characters count two, and
// what has no glyph is shown as U+FFFD. Long lines are shown as a window around the caret.
//
//===----------------------------------------------------------------------===//

#include "lang/Messages.h"
#include "lang/Utf8.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Unicode.h"

#include <algorithm>
#include <numeric>
#include <tuple>

using namespace gradus;

std::string gradus::codeName(Code code) {
  std::string digits = std::to_string(static_cast<unsigned>(code));
  return "G" + std::string(4 - std::min<size_t>(4, digits.size()), '0') + digits;
}

std::span<const Code> gradus::getCodes() {
  static constexpr Code codes[] = {
#define GRADUS_MESSAGE(NUMBER, NAME, TITLE) Code::NAME,
#include "lang/Messages.def"
  };
  return codes;
}

std::string_view gradus::codeTitle(Code code) {
  switch (code) {
#define GRADUS_MESSAGE(NUMBER, NAME, TITLE)                                                                            \
  case Code::NAME:                                                                                                     \
    return TITLE;
#include "lang/Messages.def"
  }
  return "";
}

//===----------------------------------------------------------------------===//
// Collecting
//===----------------------------------------------------------------------===//

Diagnostic &Diagnostics::error(Code code, Location loc, std::string text) {
  return add(code, Severity::Error, loc, std::move(text));
}

Diagnostic &Diagnostics::warning(Code code, Location loc, std::string text) {
  return add(code, Severity::Warning, loc, std::move(text));
}

Diagnostic &Diagnostics::add(Code code, Severity severity, Location loc, std::string text) {
  numReports += severity == Severity::Error;
  // What will not be shown is counted, not kept.
  if (isFull() && all.size() > 4 * maxShown) {
    numErrors += severity == Severity::Error;
    return unshown = Diagnostic{code, severity, loc, std::move(text), {}, {}};
  }
  auto isSame = [&](const Diagnostic &d) { return d.code == code && d.loc == loc && d.text == text; };
  if (auto it = std::find_if(all.begin(), all.end(), isSame); it != all.end()) {
    it->notes.clear();
    it->help.clear();
    return *it;
  }
  numErrors += severity == Severity::Error;
  return all.emplace_back(Diagnostic{code, severity, loc, std::move(text), {}, {}});
}

std::string Diagnostics::rollBack(const Mark &mark) {
  std::string first;
  for (size_t i = mark.numMessages; i < all.size() && first.empty(); ++i)
    if (all[i].severity == Severity::Error)
      first = all[i].text;
  all.resize(mark.numMessages, unshown);
  numErrors = mark.numErrors;
  numReports = mark.numReports;
  return first;
}

//===----------------------------------------------------------------------===//
// Rendering
//===----------------------------------------------------------------------===//

namespace {
/// The part of a source line that is shown, cut into cells: the glyph of each code point and how wide it is.
struct Cells {
  std::vector<std::string> glyphs;
  std::vector<unsigned> widths;
  size_t first = 0;
  bool isCutBehind = false;

  /// The width of the code points from `begin` to `end`; each beyond the line counts one.
  unsigned width(size_t begin, size_t end) const {
    unsigned sum = 0;
    for (size_t i = begin; i < end; ++i)
      sum += i < first ? 0 : i - first < widths.size() ? widths[i - first] : 1;
    return sum;
  }
};
} // namespace

static constexpr size_t windowSize = 120;

static void addCell(Cells &cells, std::string glyph, bool isValid) {
  int width = isValid ? llvm::sys::unicode::columnWidthUTF8(glyph) : -1;
  if (glyph == "\t") {
    glyph = "    ";
    width = 4;
  } else if (width < 0) {
    glyph = "\xEF\xBF\xBD";
    width = 1;
  }
  cells.glyphs.push_back(std::move(glyph));
  cells.widths.push_back(static_cast<unsigned>(width));
}

/// Cuts out the window that has the code point `caret` in its middle, or the whole of a short line.
static Cells layOut(std::string_view line, size_t caret) {
  Cells cells;
  cells.first = line.size() > windowSize && caret > windowSize / 2 ? caret - windowSize / 2 : 0;
  size_t index = 0;
  for (size_t pos = 0; pos < line.size(); ++index) {
    if (index >= cells.first + windowSize) {
      cells.isCutBehind = true;
      break;
    }
    auto [bytes, isValid] = utf8Length(line, pos);
    if (index >= cells.first)
      addCell(cells, std::string(line.substr(pos, bytes)), isValid);
    pos += bytes;
  }
  return cells;
}

/// Appends the source line and the carets below it.
static void drawPicture(std::string &out, const Source &source, const Location &loc) {
  size_t begin = loc.col ? loc.col - 1 : 0;
  Cells cells = layOut(source.getLine(loc.line), begin);
  size_t last = cells.first + cells.glyphs.size();
  bool endsHere = loc.endLine == loc.line;
  size_t end = std::max(begin + 1, std::min(endsHere ? std::max<size_t>(loc.endCol, 1) - 1 : last, last));

  std::string number = std::to_string(loc.line);
  std::string lead = cells.first ? "..." : "";
  out += "  " + number + " | " + lead;
  for (const std::string &glyph : cells.glyphs)
    out += glyph;
  if (cells.isCutBehind)
    out += "...";
  out.erase(out.find_last_not_of(' ') + 1);
  out += "\n  " + std::string(number.size(), ' ') + " | " + std::string(lead.size() + cells.width(0, begin), ' ');
  out += std::string(std::max(1u, cells.width(begin, end)), '^') + "\n";
}

static std::string placeOf(const SourceManager &sources, const Location &loc) {
  if (loc.file >= sources.size())
    return "gradus: ";
  std::string place = sources.get(loc.file).getName() + ":";
  if (!loc.isWholeFile())
    place += std::to_string(loc.line) + ":" + std::to_string(loc.col) + ":";
  return place + " ";
}

std::string Diagnostics::render(const Diagnostic &diagnostic) const {
  std::string out;
  auto picture = [&](const Location &loc) {
    if (loc.file < sources.size() && !loc.isWholeFile())
      drawPicture(out, sources.get(loc.file), loc);
  };
  out += placeOf(sources, diagnostic.loc);
  out += diagnostic.severity == Severity::Error ? "error[" : "warning[";
  out += codeName(diagnostic.code) + (diagnostic.lint.empty() ? "" : " " + std::string(diagnostic.lint)) + "]: " + diagnostic.text + "\n";
  picture(diagnostic.loc);
  for (const Diagnostic::Note &note : diagnostic.notes) {
    out += placeOf(sources, note.loc) + "note: " + note.text + "\n";
    picture(note.loc);
  }
  if (!diagnostic.help.empty())
    out += "  help: " + diagnostic.help + "\n";
  return out;
}

std::string Diagnostics::render() const {
  std::vector<size_t> order(all.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const Location &x = all[a].loc, &y = all[b].loc;
    return std::tuple(x.file, x.line, x.col, a) < std::tuple(y.file, y.line, y.col, b);
  });
  std::string out;
  size_t shown = 0;
  for (size_t i : order) {
    if (all[i].severity == Severity::Error && shown++ == maxShown) {
      out += "too many errors: the first " + std::to_string(maxShown) + " are shown\n";
      break;
    }
    out += render(all[i]);
  }
  return out;
}

//===----------------------------------------------------------------------===//
// Suggestions
//===----------------------------------------------------------------------===//

std::string gradus::counted(size_t count, std::string_view noun, std::string_view plural) {
  std::string many = plural.empty() ? std::string(noun) + "s" : std::string(plural);
  return std::to_string(count) + " " + (count == 1 ? std::string(noun) : many);
}

std::string gradus::nearestWord(std::string_view word, std::span<const std::string> candidates) {
  // One error for every three letters; a shorter word is meant only if it differs in case alone.
  unsigned limit = word.size() < 3 ? 0 : static_cast<unsigned>((word.size() + 1) / 3);
  std::string best;
  unsigned bestDistance = limit + 1;
  for (const std::string &candidate : candidates) {
    llvm::StringRef text(candidate);
    if (candidate == word)
      continue;
    unsigned distance = text.equals_insensitive(word) ? 0 : text.edit_distance(word, true, limit + 1);
    bool isNearer = distance < bestDistance && (limit > 0 || text.equals_insensitive(word));
    if (!isNearer)
      continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

std::string gradus::didYouMean(std::string_view word, std::span<const std::string> candidates) {
  std::string nearest = nearestWord(word, candidates);
  return nearest.empty() ? nearest : "did you mean '" + nearest + "'?";
}
