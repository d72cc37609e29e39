//===- Picture.cpp - The pictures of `gradus plot` as SVG ---------------------------===//

#include "codegen/driver/Picture.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>

using namespace llvm;

namespace gradus::driver {

static constexpr double width = 720, left = 84, right = width - 24, top = 48, footer = 64;

/// What the vertical axis spans: all values, or where a few of them are far off, as beside a pole, what most of them do.
static Span spanOf(ArrayRef<Curve> curves) {
  std::vector<double> values;
  for (const Curve &curve : curves)
    copy_if(curve.y, std::back_inserter(values), [](double y) { return std::isfinite(y); });
  std::sort(values.begin(), values.end());
  auto quantile = [&](double share) { return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))]; };
  Span all{values.front(), values.back()}, most{quantile(0.05), quantile(0.95)};
  if (most.size() > 0 && all.size() > 8 * most.size())
    all = {std::max(all.low, most.low - most.size() / 2), std::min(all.high, most.high + most.size() / 2)};
  double pad = all.size() > 0 ? all.size() / 20 : std::max(1.0, std::fabs(all.low)) / 20;
  return Span{all.low - pad, all.high + pad};
}

/// Whether no line joins a value to the one before: the step between them is far above those on both sides.
static bool jumpsTo(const Curve &curve, const Frame &frame, size_t k) {
  if (k == 0)
    return false;
  auto step = [&](size_t to) { return to >= 1 && to < curve.y.size() ? std::fabs(curve.y[to] - curve.y[to - 1]) : 0; };
  return step(k) > frame.y.size() / 50 && step(k) > 10 * std::max(step(k - 1), step(k + 1));
}

static void drawCurve(raw_ostream &os, const Frame &frame, const Curve &curve, size_t colour) {
  os << formatv("<path{0} fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\"{1} d=\"", strokeOf(colour), curve.isDashed ? " stroke-dasharray=\"6 4\"" : "");
  bool isDrawing = false;
  for (size_t k = 0; k < curve.x.size(); ++k) {
    bool isThere = std::isfinite(curve.y[k]);
    // Far outside the lines need no exact end, and viewers choke on huge numbers.
    double y = std::clamp(curve.y[k], frame.y.low - frame.y.size(), frame.y.high + frame.y.size());
    if (isThere)
      os << formatv("{0}{1:f1} {2:f1}", isDrawing && !jumpsTo(curve, frame, k) ? "L" : "M", frame.placeX(curve.x[k]), frame.placeY(y));
    isDrawing = isThere;
  }
  os << "\"/>\n";
}

std::string drawCurves(StringRef title, StringRef wordOfX, StringRef wordOfY, ArrayRef<Curve> curves) {
  constexpr double bottom = 420;
  Frame frame{left, top, right, bottom, {curves.front().x.front(), curves.front().x.back()}, spanOf(curves)};
  std::string text;
  raw_string_ostream os(text);
  openPicture(os, width, bottom + footer + legendLine * static_cast<double>(curves.size()), title);
  defineClip(os, frame);
  drawAxes(os, frame, wordOfX, wordOfY);
  os << "<g clip-path=\"url(#frame)\">\n";
  for (size_t k = 0; k < curves.size(); ++k)
    drawCurve(os, frame, curves[k], k);
  os << "</g>\n";
  std::vector<LegendEntry> legend;
  for (size_t k = 0; k < curves.size(); ++k)
    legend.push_back({curves[k].label, k, curves[k].isDashed, false});
  drawLegend(os, left, bottom + footer, legend);
  os << "</svg>\n";
  return text;
}

//===----------------------------------------------------------------------===//
// Paths
//===----------------------------------------------------------------------===//

static void drawContours(raw_ostream &os, const Frame &frame, const Grid &grid) {
  constexpr size_t count = 16;
  std::vector<double> levels = chooseLevels(grid, count);
  for (size_t k = 0; k < levels.size(); ++k) {
    // The lowest ones are the strongest, so that the valley is seen.
    double opacity = 0.9 - 0.6 * static_cast<double>(k) / static_cast<double>(count);
    os << formatv("<path class=\"level\" fill=\"none\" stroke=\"#8c959f\" stroke-opacity=\"{0:f2}\" d=\"", opacity);
    for (const std::vector<GridPoint> &line : findContours(grid, levels[k])) {
      double x = 0, y = 0;
      for (size_t i = 0; i < line.size(); ++i) {
        double toX = frame.left + line[i].column / static_cast<double>(grid.columns - 1) * (frame.right - frame.left);
        double toY = frame.bottom - line[i].row / static_cast<double>(grid.rows - 1) * (frame.bottom - frame.top);
        if (i > 0 && i + 1 < line.size() && std::hypot(toX - x, toY - y) < 3) // shorter pieces are not seen
          continue;
        os << formatv("{0}{1:f1} {2:f1}", i == 0 ? "M" : "L", toX, toY);
        x = toX;
        y = toY;
      }
    }
    os << "\"/>\n";
  }
}

/// The points of a path on the paper, without those that cannot be told from the one before.
static std::vector<std::pair<double, double>> place(const Frame &frame, const Trace &trace) {
  std::vector<std::pair<double, double>> points;
  for (size_t k = 0; k < trace.x.size(); ++k) {
    auto near = [](double at, double low, double high) { return std::clamp(at, low - 4 * (high - low), high + 4 * (high - low)); };
    double x = near(frame.placeX(trace.x[k]), frame.left, frame.right), y = near(frame.placeY(trace.y[k]), frame.top, frame.bottom);
    bool isLast = k + 1 == trace.x.size();
    if (points.empty() || isLast || std::hypot(x - points.back().first, y - points.back().second) > 0.7)
      points.push_back({x, y});
  }
  return points;
}

static void drawPath(raw_ostream &os, ArrayRef<std::pair<double, double>> points, const std::string &style, double strokeWidth) {
  os << formatv("<path{0} fill=\"none\" stroke-width=\"{1:f1}\" stroke-linejoin=\"round\" d=\"", style, strokeWidth);
  for (size_t k = 0; k < points.size(); ++k)
    os << formatv("{0}{1:f1} {2:f1}", k == 0 ? "M" : "L", points[k].first, points[k].second);
  os << "\"/>\n";
}

/// Dots at the steps, while they can be told apart, and a larger one at the end.
static void drawSteps(raw_ostream &os, ArrayRef<std::pair<double, double>> points, size_t colour, double radius) {
  double x = -INFINITY, y = -INFINITY;
  for (auto [toX, toY] : points) {
    if (std::hypot(toX - x, toY - y) >= 7)
      os << formatv("<circle{0} cx=\"{1:f1}\" cy=\"{2:f1}\" r=\"{3:f1}\"/>\n", fillOf(colour), toX, toY, radius);
    x = toX;
    y = toY;
  }
  os << formatv("<circle{0} cx=\"{1:f1}\" cy=\"{2:f1}\" r=\"{3:f1}\"/>\n", fillOf(colour), points.back().first, points.back().second, radius + 2.5);
}

/// All paths. Below them a halo, which keeps them apart from the contours; each is thinner than the one before, so that of paths that coincide all are seen.
static void drawPaths(raw_ostream &os, const Frame &frame, ArrayRef<Trace> traces) {
  std::vector<std::vector<std::pair<double, double>>> paths;
  for (const Trace &trace : traces)
    paths.push_back(place(frame, trace));
  auto widthOf = [&](size_t k) { return 1.6 + 0.9 * static_cast<double>(paths.size() - 1 - k); };
  for (size_t k = 0; k < paths.size(); ++k)
    drawPath(os, paths[k], " class=\"halo\" stroke=\"#ffffff\" stroke-opacity=\"0.75\"", widthOf(k) + 2.2);
  for (size_t k = 0; k < paths.size(); ++k) {
    drawPath(os, paths[k], strokeOf(k), widthOf(k));
    drawSteps(os, paths[k], k, widthOf(k) / 2 + 1.1);
  }
}

std::string drawTraces(StringRef title, const Grid &grid, Span x, Span y, ArrayRef<std::pair<double, double>> minima, ArrayRef<Trace> traces) {
  constexpr double bottom = 520;
  Frame frame{left, top, right, bottom, x, y};
  std::string text;
  raw_string_ostream os(text);
  openPicture(os, width, bottom + footer + legendLine * static_cast<double>(traces.size() + 1), title);
  defineClip(os, frame);
  drawAxes(os, frame, "x", "y");
  os << "<g clip-path=\"url(#frame)\">\n";
  drawContours(os, frame, grid);
  drawPaths(os, frame, traces);
  for (auto [atX, atY] : minima)
    drawMark(os, frame.placeX(atX), frame.placeY(atY));
  os << formatv("<circle class=\"mark\" cx=\"{0:f1}\" cy=\"{1:f1}\" r=\"5.5\" fill=\"none\" stroke=\"#24292f\" stroke-width=\"1.8\"/>\n</g>\n",
                frame.placeX(traces.front().x.front()), frame.placeY(traces.front().y.front()));
  std::vector<LegendEntry> legend;
  for (size_t k = 0; k < traces.size(); ++k)
    legend.push_back({traces[k].label, k, false, false});
  legend.push_back({minima.size() == 1 ? "the minimum; a ring where the paths begin" : "the minima; a ring where the paths begin", 0, false, true});
  drawLegend(os, left, bottom + footer, legend);
  os << "</svg>\n";
  return text;
}

} // namespace gradus::driver
