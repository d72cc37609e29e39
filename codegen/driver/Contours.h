//===- Contours.h - Lines of equal height ----------------------------------------===//

#pragma once

#include "llvm/ADT/ArrayRef.h"

#include <vector>

namespace gradus::driver {

/// Heights at the points of a grid, row by row.
struct Grid {
  size_t columns = 0, rows = 0;
  std::vector<double> heights;
  double at(size_t column, size_t row) const { return heights[row * columns + column]; }
};

/// A point of a grid; whole numbers are its corners.
struct GridPoint {
  double column, row;
};

/// The lines along which the height is `level`, straight within each cell; a closed one ends where it begins.
std::vector<std::vector<GridPoint>> findContours(const Grid &grid, double level);
/// Levels with about as much ground between each two of them, closer together where it is low.
std::vector<double> chooseLevels(const Grid &grid, size_t count);

} // namespace gradus::driver
