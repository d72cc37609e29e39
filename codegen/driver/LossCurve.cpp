//===- LossCurve.cpp - The loss over the steps as SVG --------------------------===//

#include "codegen/driver/LossCurve.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>

using namespace llvm;

namespace gradus::driver {

namespace {

constexpr double width = 720, height = 420, left = 72, right = 16, top = 44, bottom = 48;

/// The vertical axis: which values it spans and where each stands.
struct Scale {
  double low = 0, high = 1;
  bool isLog = false;

  explicit Scale(ArrayRef<double> losses) {
    double least = INFINITY, most = -INFINITY;
    for (double loss : losses)
      if (std::isfinite(loss)) {
        least = std::min(least, loss);
        most = std::max(most, loss);
      }
    if (!(least <= most))
      return;
    isLog = least > 0 && most > 100 * least;
    low = isLog ? std::log10(least) : least;
    high = isLog ? std::log10(most) : most;
    double pad = high > low ? (high - low) / 20 : std::max(1.0, std::fabs(high)) / 20;
    low -= pad;
    high += pad;
  }
  double place(double loss) const {
    double v = isLog ? std::log10(loss) : loss;
    return top + (high - v) / (high - low) * (height - top - bottom);
  }
};

/// About `count` round numbers in [low, high].
std::vector<double> roundTicks(double low, double high, int count) {
  double raw = (high - low) / count, unit = std::pow(10, std::floor(std::log10(raw)));
  double step = unit * (raw / unit > 5 ? 10 : raw / unit > 2 ? 5 : raw / unit > 1 ? 2 : 1);
  std::vector<double> ticks;
  for (double tick = std::ceil(low / step) * step; tick <= high + step * 1e-9; tick += step)
    ticks.push_back(std::fabs(tick) < step * 1e-9 ? 0 : tick);
  return ticks;
}

std::string escape(StringRef text) {
  std::string result;
  for (char c : text)
    result += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return result;
}

} // namespace

std::string drawLossCurve(StringRef title, ArrayRef<double> losses, uint64_t first) {
  Scale scale(losses);
  double span = std::max<double>(1, static_cast<double>(losses.size()) - 1);
  auto placeStep = [&](double index) { return left + index / span * (width - left - right); };
  std::string text;
  raw_string_ostream os(text);
  os << formatv("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"13\">\n", width, height);
  os << "<style>:root{--ink:#24292f;--paper:#ffffff;--grid:#d0d7de;--line:#0969da}"
        "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--grid:#30363d;--line:#58a6ff}}"
        "text{fill:var(--ink)}</style>\n";
  os << formatv("<rect width=\"{0}\" height=\"{1}\" fill=\"var(--paper)\"/>\n<text x=\"{2}\" y=\"26\" font-size=\"16\">{3}</text>\n", width, height,
                left, escape(title));
  for (double tick : roundTicks(scale.low, scale.high, 6)) {
    double y = top + (scale.high - tick) / (scale.high - scale.low) * (height - top - bottom);
    os << formatv("<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:f1}\" y2=\"{2:f1}\" stroke=\"var(--grid)\"/>", left, width - right, y);
    std::string label;
    raw_string_ostream(label) << format("%.4g", scale.isLog ? std::pow(10, tick) : tick);
    os << formatv("<text x=\"{0}\" y=\"{1:f1}\" text-anchor=\"end\">{2}</text>\n", left - 8, y + 4, label);
  }
  for (double tick : roundTicks(0, span, 8))
    os << formatv("<text x=\"{0:f1}\" y=\"{1}\" text-anchor=\"middle\">{2:f0}</text>\n", placeStep(tick), height - bottom + 20,
                  tick + static_cast<double>(first));
  os << formatv("<text x=\"{0}\" y=\"{1}\" text-anchor=\"middle\">step</text>\n", (left + width - right) / 2, height - 8);
  os << "<path fill=\"none\" stroke=\"var(--line)\" stroke-width=\"1.5\" d=\"";
  bool isDrawing = false;
  for (auto [i, loss] : enumerate(losses)) {
    bool isThere = std::isfinite(loss);
    if (isThere)
      os << formatv("{0}{1:f1} {2:f1}", isDrawing ? "L" : "M", placeStep(static_cast<double>(i)), scale.place(loss));
    isDrawing = isThere;
  }
  os << "\"/>\n</svg>\n";
  return text;
}

} // namespace gradus::driver
