//===- Picture.h - The pictures of `gradus plot` as SVG ----------------------------===//

#pragma once

#include "codegen/driver/Chart.h"
#include "codegen/driver/Contours.h"

namespace gradus::driver {

/// Values over numbers in ascending order.
struct Curve {
  std::string label;
  std::vector<double> x, y;
  bool isDashed = false;
};

/// Lines over one axis. Values that are not finite leave a gap, and so does a jump; some are.
std::string drawCurves(llvm::StringRef title, llvm::StringRef wordOfX, llvm::StringRef wordOfY, llvm::ArrayRef<Curve> curves);

/// Where a rule went.
struct Trace {
  std::string label;
  std::vector<double> x, y;
};

/// Paths over the contours of a function of two numbers, whose grid spans the whole picture. The minima are marked.
std::string drawTraces(llvm::StringRef title, const Grid &grid, Span x, Span y, llvm::ArrayRef<std::pair<double, double>> minima, llvm::ArrayRef<Trace> traces);

} // namespace gradus::driver
