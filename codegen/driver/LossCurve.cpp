//===- LossCurve.cpp - The loss over the steps as SVG --------------------------===//
//
// Colours stand as attributes, which every viewer knows; a style sheet changes them where the page is dark.
//
//===----------------------------------------------------------------------===//

#include "codegen/driver/LossCurve.h"

#include "codegen/driver/Chart.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace llvm;

namespace gradus::driver {

namespace {

constexpr double width = 720, height = 420, left = 84, right = 24, top = 44, bottom = 52;

/// The vertical axis: which values it spans, where each stands and which are written beside it.
struct Scale {
  double low = 0, high = 1; ///< logarithms to base 10 where isLog
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
    isLog = least > 0 && most > 30 * least;
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
  /// In logarithms: 1, 2 and 5 times powers of ten, or powers alone where the range is long.
  std::vector<double> ticks() const {
    if (!isLog)
      return multiplesIn(low, high, roundStep(high - low, 6));
    std::vector<double> ticks;
    double step = std::max(1.0, std::ceil((high - low) / 8));
    bool isShort = high - low < 3;
    for (double power : multiplesIn(std::floor(low), std::ceil(high), step))
      for (double digit : {1, 2, 5})
        if (double tick = std::log10(digit) + power; (digit == 1 || isShort) && tick >= low && tick <= high)
          ticks.push_back(std::pow(10, tick));
    return ticks;
  }
};

/// The mean of up to `window` losses that end at each step: batches make the losses jump, and hide how they fall.
std::vector<double> trailingMeans(ArrayRef<double> losses, size_t window) {
  std::vector<double> means;
  for (size_t end = 1; end <= losses.size(); ++end) {
    ArrayRef<double> last = losses.take_front(end).take_back(window); // summed anew: a running sum loses small losses behind large ones
    means.push_back(std::accumulate(last.begin(), last.end(), 0.0) / static_cast<double>(last.size()));
  }
  return means;
}

/// The page, the title, and both axes with their lines.
void drawFrame(raw_ostream &os, StringRef title, const Scale &scale, ArrayRef<double> steps, function_ref<double(double)> placeStep) {
  os << formatv("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" font-family=\"sans-serif\" "
                "font-size=\"13\">\n",
                width, height);
  os << "<style>@media(prefers-color-scheme:dark){.paper{fill:#0d1117}.ink{fill:#e6edf3}.grid{stroke:#30363d}.axis{stroke:#8b949e}"
        ".line{stroke:#58a6ff}.dot{fill:#58a6ff}}</style>\n";
  os << formatv("<rect class=\"paper\" width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n<g class=\"ink\" fill=\"#24292f\">\n", width, height);
  os << formatv("<text x=\"{0}\" y=\"28\" font-size=\"16\">{1}</text>\n", left, escapeXml(title));
  double floor = height - bottom, middle = (top + floor) / 2;
  for (double tick : scale.ticks())
    os << formatv("<text x=\"{0}\" y=\"{1:f1}\" text-anchor=\"end\">", left - 8, scale.place(tick) + 4.5) << format("%.6g", tick) << "</text>\n";
  for (double step : steps)
    os << formatv("<text x=\"{0:f1}\" y=\"{1}\" text-anchor=\"middle\">{2:f0}</text>\n", placeStep(step), floor + 20, step);
  os << formatv("<text x=\"{0}\" y=\"{1}\" text-anchor=\"middle\">step</text>\n", (left + width - right) / 2, height - 10);
  os << formatv("<text x=\"20\" y=\"{0}\" text-anchor=\"middle\" transform=\"rotate(-90 20 {0})\">loss{1}</text>\n</g>\n", middle,
                scale.isLog ? " (log scale)" : "");
  for (double tick : scale.ticks())
    os << formatv("<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:f1}\" y2=\"{2:f1}\" stroke=\"#d0d7de\"/>\n", left, width - right,
                  scale.place(tick));
  for (double step : steps)
    os << formatv("<line class=\"axis\" x1=\"{0:f1}\" x2=\"{0:f1}\" y1=\"{1}\" y2=\"{2}\" stroke=\"#6e7781\"/>\n", placeStep(step), floor, floor + 5);
  os << formatv("<line class=\"axis\" x1=\"{0}\" x2=\"{1}\" y1=\"{2}\" y2=\"{2}\" stroke=\"#6e7781\"/>\n", left, width - right, floor);
}

} // namespace

std::string drawLossCurve(StringRef title, ArrayRef<double> losses, uint64_t first) {
  Scale scale(losses);
  double begin = static_cast<double>(first), span = std::max<double>(1, static_cast<double>(losses.size()) - 1);
  auto placeStep = [&](double step) { return left + (step - begin) / span * (width - left - right); };
  // Steps are whole numbers, and so are their ticks; the first step always has one.
  std::vector<double> steps = multiplesIn(begin, begin + span, std::max(1.0, roundStep(span, 8)));
  if (steps.empty() || placeStep(steps.front()) - left > 40)
    steps.insert(steps.begin(), begin);
  std::string text;
  raw_string_ostream os(text);
  const size_t window = all_of(losses, [](double loss) { return std::isfinite(loss); }) ? std::min<size_t>(losses.size() / 50, 100) : 1;
  std::string heading = title.str() + (window > 1 ? ": each step (pale) and the mean of the last " + std::to_string(window) + " (strong)" : "");
  drawFrame(os, heading, scale, steps, placeStep);
  if (losses.size() == 1 && std::isfinite(losses[0])) // a path of one point draws nothing
    os << formatv("<circle class=\"dot\" cx=\"{0:f1}\" cy=\"{1:f1}\" r=\"3\" fill=\"#0969da\"/>\n", placeStep(begin), scale.place(losses[0]));
  auto draw = [&](ArrayRef<double> values, double opacity) {
    os << formatv("<path class=\"line\" fill=\"none\" stroke=\"#0969da\" stroke-opacity=\"{0}\" stroke-width=\"1.5\" stroke-linejoin=\"round\" d=\"",
                  opacity);
    bool isDrawing = false;
    for (auto [i, value] : enumerate(values)) {
      bool isThere = std::isfinite(value);
      if (isThere)
        os << formatv("{0}{1:f1} {2:f1}", isDrawing ? "L" : "M", placeStep(begin + static_cast<double>(i)), scale.place(value));
      isDrawing = isThere;
    }
    os << "\"/>\n";
  };
  draw(losses, window > 1 ? 0.3 : 1);
  if (window > 1)
    draw(trailingMeans(losses, window), 1);
  os << "</svg>\n";
  return text;
}

} // namespace gradus::driver
