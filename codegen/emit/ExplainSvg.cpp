//===- ExplainSvg.cpp - An explanation as a picture -------------------------------===//
//
// An entry is a heading, a frame for each phase with the boxes of its kernels in the order in which they run, and below why kernels were not joined. The bars
// are the bytes for each element, on one scale for all kernels of the entry. Colours stand as attributes; a style sheet changes them where the page is dark.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/Explain.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace llvm;

namespace gradus {

namespace {

constexpr double boxWidth = 312, boxPad = 12, gap = 14, margin = 24, lineHeight = 17;
constexpr unsigned boxesInRow = 3, lettersInBox = 46, lettersInPage = 150;
constexpr double framePad = 14, frameWidth = boxesInRow * boxWidth + (boxesInRow - 1) * gap + 2 * framePad, pageWidth = frameWidth + 2 * margin;

std::string escape(StringRef text) {
  std::string result;
  for (char c : text)
    result += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return result;
}

/// Breaks a text at spaces into lines of at most so many letters; a longer word stands alone.
std::vector<std::string> wrap(StringRef text, size_t most) {
  std::vector<std::string> lines;
  SmallVector<StringRef> words;
  text.split(words, ' ');
  for (StringRef word : words) {
    if (lines.empty() || lines.back().size() + 1 + word.size() > most)
      lines.push_back(word.str());
    else
      lines.back() += " " + word.str();
  }
  return lines;
}

std::string numberOf(double x) { return x == std::floor(x) ? std::to_string(static_cast<int64_t>(x)) : formatv("{0:F2}", x).str(); }

/// A piece of a box: a line of text, or a bar with its bytes.
struct Piece {
  std::string text;
  StringRef style; ///< "ink", "soft", "head"; "read" and "write" are bars
  double bytes = 0;
};

std::vector<Piece> describe(const ExplainedKernel &kernel) {
  std::vector<Piece> pieces;
  auto add = [&](const std::string &text, StringRef style) {
    for (const std::string &line : wrap(text, lettersInBox))
      pieces.push_back({line, style});
  };
  add("kernel " + std::to_string(kernel.position) + ": " + kernel.kind + " over [" + join(kernel.domain, ", ") + "]", "head");
  if (!kernel.summed.empty())
    add("summed over [" + join(kernel.summed, ", ") + "]", "ink");
  if (kernel.isForGuard)
    add("for the guard", "guard");
  if (!kernel.under.empty())
    add(kernel.under, "soft");
  auto addSide = [&](StringRef verb, const std::vector<std::string> &names, StringRef style, std::optional<double> bytes) {
    add((verb + " " + (names.empty() ? std::string("nothing") : join(names, ", "))).str(), "ink");
    if (bytes && *bytes > 0)
      pieces.push_back({numberOf(*bytes) + " B", style, *bytes});
  };
  addSide("reads", kernel.reads, "read", kernel.traffic ? std::optional(kernel.traffic->read) : std::nullopt);
  addSide("writes", kernel.writes, "write", kernel.traffic ? std::optional(kernel.traffic->written) : std::nullopt);
  add(std::to_string(kernel.operations) + (kernel.operations == 1 ? " operation, " : " operations, ") + std::to_string(kernel.flops) +
          (kernel.summed.empty() ? " flops an element" : " flops a product"),
      "soft");
  return pieces;
}

class Picture {
public:
  std::string draw(const Explanation &explanation);

private:
  void text(double x, double at, const std::string &line, StringRef style);
  void drawBox(double x, double top, double height, const std::vector<Piece> &pieces, double scale);
  void drawPhase(const ExplainedEntry &entry, unsigned phase, double scale);
  void drawEntry(const ExplainedEntry &entry);
  void drawNotes(const ExplainedEntry &entry);

  std::string body;
  double y = margin;
};

} // namespace

void Picture::text(double x, double at, const std::string &line, StringRef style) {
  StringRef attributes = StringSwitch<StringRef>(style)
                             .Case("title", "class=\"ink\" fill=\"#24292f\" font-size=\"17\" font-weight=\"bold\"")
                             .Case("head", "class=\"ink\" fill=\"#24292f\" font-weight=\"bold\"")
                             .Case("guard", "class=\"guard\" fill=\"#9a6700\" font-weight=\"bold\"")
                             .Case("soft", "class=\"soft\" fill=\"#57606a\"")
                             .Default("class=\"ink\" fill=\"#24292f\"");
  body += formatv("<text x=\"{0:f1}\" y=\"{1:f1}\" {2}>{3}</text>\n", x, at, attributes, escape(line));
}

void Picture::drawBox(double x, double top, double height, const std::vector<Piece> &pieces, double scale) {
  body += formatv("<rect class=\"box\" x=\"{0:f1}\" y=\"{1:f1}\" width=\"{2}\" height=\"{3:f1}\" rx=\"6\" fill=\"#ffffff\" stroke=\"#8c959f\"/>\n", x, top, boxWidth, height);
  double at = top + boxPad;
  for (const Piece &piece : pieces) {
    at += lineHeight;
    if (piece.bytes == 0) {
      text(x + boxPad, at - 4, piece.text, piece.style);
      continue;
    }
    const double length = std::max(2.0, piece.bytes * scale);
    body += formatv("<rect class=\"{0}\" x=\"{1:f1}\" y=\"{2:f1}\" width=\"{3:f1}\" height=\"10\" fill=\"{4}\"/>\n", piece.style, x + boxPad, at - 13, length,
                    piece.style == "read" ? "#0969da" : "#bc4c00");
    text(x + boxPad + length + 6, at - 4, piece.text, "soft");
  }
}

void Picture::drawPhase(const ExplainedEntry &entry, unsigned phase, double scale) {
  std::vector<std::vector<Piece>> boxes;
  for (const ExplainedKernel &kernel : entry.kernels)
    if (kernel.phase == phase)
      boxes.push_back(describe(kernel));
  std::vector<double> heights; // of the rows
  for (size_t i = 0; i < boxes.size(); ++i) {
    if (i % boxesInRow == 0)
      heights.push_back(0);
    heights.back() = std::max(heights.back(), static_cast<double>(boxes[i].size()) * lineHeight + 2 * boxPad);
  }
  double inside = 0;
  for (double height : heights)
    inside += height + gap;
  const double frame = inside + 34;
  body += formatv("<rect class=\"frame\" x=\"{0}\" y=\"{1:f1}\" width=\"{2}\" height=\"{3:f1}\" rx=\"8\" fill=\"#f6f8fa\" stroke=\"#d0d7de\"/>\n", margin, y, frameWidth, frame);
  text(margin + framePad, y + 22, "phase " + std::to_string(phase), "head");
  double top = y + 34;
  for (size_t i = 0; i < boxes.size(); ++i) {
    drawBox(margin + framePad + static_cast<double>(i % boxesInRow) * (boxWidth + gap), top, heights[i / boxesInRow], boxes[i], scale);
    if (i % boxesInRow == boxesInRow - 1)
      top += heights[i / boxesInRow] + gap;
  }
  y += frame;
  if (phase + 1 == entry.phases)
    return;
  const double middle = pageWidth / 2;
  body += formatv("<path class=\"axis\" d=\"M{0} {1:f1}V{2:f1}M{3} {4:f1}L{0} {2:f1}L{5} {4:f1}\" fill=\"none\" stroke=\"#57606a\" stroke-width=\"1.5\"/>\n", middle, y + 4,
                  y + 26, middle - 5, y + 19, middle + 5);
  text(middle + 14, y + 20, "every tensor of the collection has come so far", "soft");
  y += 30;
}

/// What fusion did not join, computes again, or has to copy, each reason once.
void Picture::drawNotes(const ExplainedEntry &entry) {
  std::vector<std::string> lines;
  for (const ExplainedNote &note : entry.notes) {
    bool isWorthSaying = note.kind == "not-fused" || note.kind == "phase" || note.kind == "recomputed" || note.kind == "carried" ||
                         (note.kind == "stored" && StringRef(note.text).contains("copied"));
    std::string line = (note.line ? "line " + std::to_string(note.line) + ": " : "") + note.text;
    if (isWorthSaying && !is_contained(lines, line))
      lines.push_back(line);
  }
  if (lines.empty())
    return;
  y += 8;
  for (const std::string &line : lines)
    for (const std::string &part : wrap(line, lettersInPage)) {
      y += lineHeight;
      text(margin, y, part, "soft");
    }
}

void Picture::drawEntry(const ExplainedEntry &entry) {
  double most = 1;
  for (const ExplainedKernel &kernel : entry.kernels)
    if (kernel.traffic)
      most = std::max({most, kernel.traffic->read, kernel.traffic->written});
  const double scale = (boxWidth - 2 * boxPad - 60) / most;
  y += 18;
  text(margin, y, entry.name, "title");
  std::string sum = std::to_string(entry.phases) + (entry.phases == 1 ? " phase, " : " phases, ") + std::to_string(entry.kernels.size()) +
                    (entry.kernels.size() == 1 ? " kernel" : " kernels");
  if (auto bytes = entry.getBytesPerParameter())
    sum += "; " + numberOf(*bytes) + " bytes for each parameter";
  if (double bytes = entry.getGuardBytesPerParameter(); bytes > 0)
    sum += ", " + numberOf(bytes) + " of them for the guard";
  if (entry.floor)
    sum += "; floor " + numberOf(*entry.floor);
  y += 20;
  text(margin, y, sum, "ink");
  y += 12;
  for (unsigned phase = 0; phase < entry.phases; ++phase)
    drawPhase(entry, phase, scale);
  drawNotes(entry);
  y += 26;
}

std::string Picture::draw(const Explanation &explanation) {
  for (const ExplainedEntry &entry : explanation)
    drawEntry(entry);
  std::string page = formatv("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1:f0}\" width=\"{0}\" height=\"{1:f0}\" font-family=\"sans-serif\" font-size=\"12.5\">\n",
                             pageWidth, y + margin);
  page += "<style>@media(prefers-color-scheme:dark){.paper{fill:#0d1117}.ink{fill:#e6edf3}.soft{fill:#9198a1}.guard{fill:#d29922}.frame{fill:#151b23;stroke:#30363d}"
          ".box{fill:#0d1117;stroke:#6e7681}.axis{stroke:#9198a1}.read{fill:#58a6ff}.write{fill:#f0883e}}</style>\n";
  page += formatv("<rect class=\"paper\" width=\"{0}\" height=\"{1:f0}\" fill=\"#ffffff\"/>\n", pageWidth, y + margin);
  return page + body + "</svg>\n";
}

std::string drawExplanation(const Explanation &explanation) { return Picture().draw(explanation); }

} // namespace gradus
