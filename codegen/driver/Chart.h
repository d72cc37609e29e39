//===- Chart.h - Frames, ticks and colours of pictures --------------------------===//
//
// What all pictures of the command share. Colours stand as attributes, which every viewer knows; a style sheet changes them where the page is dark.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

#include <string>
#include <vector>

namespace gradus::driver {

/// Round numbers in [low, high] that are `step` apart.
std::vector<double> multiplesIn(double low, double high, double step);
/// 1, 2 or 5 times a power of ten, such that `count` steps or fewer span the range.
double roundStep(double range, int count);
std::string escapeXml(llvm::StringRef text);

/// A stretch of numbers.
struct Span {
  double low = 0, high = 1;
  double size() const { return high - low; }
  bool holds(double x) const { return low <= x && x <= high; }
};

/// The part of a picture in which numbers stand, and which numbers these are.
struct Frame {
  double left, top, right, bottom;
  Span x, y;
  double placeX(double at) const { return left + (at - x.low) / x.size() * (right - left); }
  double placeY(double at) const { return bottom - (at - y.low) / y.size() * (bottom - top); }
};

/// As many lines of one picture have colours of their own.
inline constexpr size_t maxColours = 6;
/// ` class="line2" stroke="#1a7f37"`, and the same for areas.
std::string strokeOf(size_t colour);
std::string fillOf(size_t colour);

/// Begins an SVG with its paper and its title.
void openPicture(llvm::raw_ostream &os, double width, double height, llvm::StringRef title);
/// Grid, axes, numbers and words beside them.
void drawAxes(llvm::raw_ostream &os, const Frame &frame, llvm::StringRef wordOfX, llvm::StringRef wordOfY);
/// A clip path of the frame, `#frame`.
void defineClip(llvm::raw_ostream &os, const Frame &frame);

/// A line of the legend: a sample in a colour, and what it is.
struct LegendEntry {
  std::string text;
  size_t colour = 0;
  bool isDashed = false;
  bool isMark = false; ///< a cross instead of a line
};
inline constexpr double legendLine = 21;
void drawLegend(llvm::raw_ostream &os, double left, double top, llvm::ArrayRef<LegendEntry> entries);
/// The cross that marks a place.
void drawMark(llvm::raw_ostream &os, double x, double y);

} // namespace gradus::driver
