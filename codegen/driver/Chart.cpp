//===- Chart.cpp - Frames, ticks and colours of pictures -------------------------===//

#include "codegen/driver/Chart.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace llvm;

namespace gradus::driver {

std::vector<double> multiplesIn(double low, double high, double step) {
  std::vector<double> ticks;
  for (double tick = std::ceil(low / step - 1e-9) * step; tick <= high + step * 1e-9 && ticks.size() < 100; tick += step)
    ticks.push_back(std::fabs(tick) < step * 1e-9 ? 0 : tick);
  return ticks;
}

double roundStep(double range, int count) {
  double raw = range / count, unit = std::pow(10, std::floor(std::log10(raw)));
  return unit * (raw / unit > 5 ? 10 : raw / unit > 2 ? 5 : raw / unit > 1 ? 2 : 1);
}

std::string escapeXml(StringRef text) {
  std::string result;
  for (char c : text)
    result += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : std::string(1, c);
  return result;
}

/// Told apart also by those who see no red or no green.
static constexpr StringLiteral lightColours[maxColours] = {"#0969da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989", "#7d6600"};
static constexpr StringLiteral darkColours[maxColours] = {"#58a6ff", "#f0883e", "#3fb950", "#bc8cff", "#f778ba", "#d4b62b"};

std::string strokeOf(size_t colour) { return formatv(" class=\"line{0}\" stroke=\"{1}\"", colour, lightColours[colour]); }
std::string fillOf(size_t colour) { return formatv(" class=\"fill{0}\" fill=\"{1}\"", colour, lightColours[colour]); }

void openPicture(raw_ostream &os, double width, double height, StringRef title) {
  os << formatv("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" font-family=\"sans-serif\" "
                "font-size=\"13\">\n",
                width, height);
  os << "<style>@media(prefers-color-scheme:dark){.paper{fill:#0d1117}.ink{fill:#e6edf3}.grid{stroke:#30363d}.axis{stroke:#8b949e}"
        ".level{stroke:#6e7681}.mark{stroke:#e6edf3}.halo{stroke:#0d1117}";
  for (size_t colour = 0; colour < maxColours; ++colour)
    os << ".line" << colour << "{stroke:" << darkColours[colour] << "}.fill" << colour << "{fill:" << darkColours[colour] << '}';
  os << "}</style>\n";
  os << formatv("<rect class=\"paper\" width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n", width, height);
  os << formatv("<text class=\"ink\" fill=\"#24292f\" x=\"24\" y=\"28\" font-size=\"16\">{0}</text>\n", escapeXml(title));
}

void drawAxes(raw_ostream &os, const Frame &frame, StringRef wordOfX, StringRef wordOfY) {
  std::vector<double> xs = multiplesIn(frame.x.low, frame.x.high, roundStep(frame.x.size(), 8));
  std::vector<double> ys = multiplesIn(frame.y.low, frame.y.high, roundStep(frame.y.size(), 7));
  auto line = [&](StringRef name, StringRef colour, double x1, double y1, double x2, double y2) {
    os << formatv("<line class=\"{0}\" x1=\"{1:f1}\" y1=\"{2:f1}\" x2=\"{3:f1}\" y2=\"{4:f1}\" stroke=\"{5}\"/>\n", name, x1, y1, x2, y2, colour);
  };
  for (double y : ys) // the line at 0 is an axis
    line(y == 0 ? "axis" : "grid", y == 0 ? "#6e7781" : "#d0d7de", frame.left, frame.placeY(y), frame.right, frame.placeY(y));
  for (double x : xs)
    line(x == 0 ? "axis" : "grid", x == 0 ? "#6e7781" : "#d0d7de", frame.placeX(x), frame.top, frame.placeX(x), frame.bottom);
  os << formatv("<rect class=\"axis\" x=\"{0:f1}\" y=\"{1:f1}\" width=\"{2:f1}\" height=\"{3:f1}\" fill=\"none\" stroke=\"#6e7781\"/>\n", frame.left, frame.top,
                frame.right - frame.left, frame.bottom - frame.top);
  os << "<g class=\"ink\" fill=\"#24292f\">\n";
  for (double y : ys)
    os << formatv("<text x=\"{0:f1}\" y=\"{1:f1}\" text-anchor=\"end\">", frame.left - 8, frame.placeY(y) + 4.5) << format("%.6g", y) << "</text>\n";
  for (double x : xs)
    os << formatv("<text x=\"{0:f1}\" y=\"{1:f1}\" text-anchor=\"middle\">", frame.placeX(x), frame.bottom + 20) << format("%.6g", x) << "</text>\n";
  double middle = (frame.top + frame.bottom) / 2;
  os << formatv("<text x=\"{0:f1}\" y=\"{1:f1}\" text-anchor=\"middle\">{2}</text>\n", (frame.left + frame.right) / 2, frame.bottom + 41, escapeXml(wordOfX));
  os << formatv("<text x=\"20\" y=\"{0:f1}\" text-anchor=\"middle\" transform=\"rotate(-90 20 {0:f1})\">{1}</text>\n</g>\n", middle, escapeXml(wordOfY));
}

void defineClip(raw_ostream &os, const Frame &frame) {
  os << formatv("<clipPath id=\"frame\"><rect x=\"{0:f1}\" y=\"{1:f1}\" width=\"{2:f1}\" height=\"{3:f1}\"/></clipPath>\n", frame.left, frame.top,
                frame.right - frame.left, frame.bottom - frame.top);
}

void drawMark(raw_ostream &os, double x, double y) {
  os << formatv("<path class=\"mark\" fill=\"none\" stroke=\"#24292f\" stroke-width=\"1.8\" d=\"M{0:f1} {1:f1}l10 10m0 -10l-10 10\"/>\n", x - 5, y - 5);
}

void drawLegend(raw_ostream &os, double left, double top, ArrayRef<LegendEntry> entries) {
  double y = top;
  for (const LegendEntry &entry : entries) {
    if (entry.isMark)
      drawMark(os, left + 14, y);
    else
      os << formatv("<line{0} x1=\"{1:f1}\" y1=\"{2:f1}\" x2=\"{3:f1}\" y2=\"{2:f1}\" stroke-width=\"2.5\"{4}/>\n", strokeOf(entry.colour), left, y, left + 28,
                    entry.isDashed ? " stroke-dasharray=\"6 4\"" : "");
    os << formatv("<text class=\"ink\" fill=\"#24292f\" x=\"{0:f1}\" y=\"{1:f1}\">{2}</text>\n", left + 38, y + 4.5, escapeXml(entry.text));
    y += legendLine;
  }
}

} // namespace gradus::driver
