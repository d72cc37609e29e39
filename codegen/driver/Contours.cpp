//===- Contours.cpp - Lines of equal height ---------------------------------------===//
//
// Marching squares. A line crosses an edge of the grid at most once, so that the number of the edge is the name of the point there, and pieces that share
// an edge are one line.
//
//===----------------------------------------------------------------------===//

#include "codegen/driver/Contours.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

#include <algorithm>
#include <cmath>

using namespace llvm;

namespace gradus::driver {

namespace {

/// The lines of one level.
class Tracer {
public:
  Tracer(const Grid &grid, double level) : grid(grid), level(level) {
    for (size_t row = 0; row + 1 < grid.rows; ++row)
      for (size_t column = 0; column + 1 < grid.columns; ++column)
        cross(column, row);
  }

  std::vector<std::vector<GridPoint>> trace() {
    std::vector<std::vector<GridPoint>> lines;
    for (bool isOpen : {true, false}) // what begins at the border first; what is left is closed
      for (size_t edge : edges)
        if (neighbours[edge].size() == (isOpen ? 1 : 2))
          lines.push_back(follow(edge));
    return lines;
  }

private:
  bool isAbove(size_t column, size_t row) const { return grid.at(column, row) >= level; }
  /// The edge to the right of a corner, or below it.
  size_t across(size_t column, size_t row) const { return 2 * (row * grid.columns + column); }
  size_t down(size_t column, size_t row) const { return across(column, row) + 1; }

  void join(size_t a, size_t b) {
    for (size_t edge : {a, b})
      if (neighbours[edge].empty())
        edges.push_back(edge);
    neighbours[a].push_back(b);
    neighbours[b].push_back(a);
  }

  /// The pieces in a cell: between each two of its edges whose ends differ.
  void cross(size_t column, size_t row) {
    for (size_t k : {0, 1})
      for (size_t l : {0, 1})
        if (!std::isfinite(grid.at(column + k, row + l)))
          return;
    bool a = isAbove(column, row), b = isAbove(column + 1, row), c = isAbove(column + 1, row + 1), d = isAbove(column, row + 1);
    size_t top = across(column, row), bottom = across(column, row + 1), left = down(column, row), right = down(column + 1, row);
    SmallVector<size_t, 4> crossed;
    for (auto [edge, isCrossed] : {std::pair(top, a != b), {right, b != c}, {bottom, c != d}, {left, d != a}})
      if (isCrossed)
        crossed.push_back(edge);
    if (crossed.size() == 2)
      join(crossed[0], crossed[1]);
    if (crossed.size() != 4)
      return;
    // A saddle: the middle tells which corners belong together.
    double middle = (grid.at(column, row) + grid.at(column + 1, row) + grid.at(column + 1, row + 1) + grid.at(column, row + 1)) / 4;
    bool isCut = (middle >= level) == a; // the corners b and d are cut off
    join(top, isCut ? right : left);
    join(bottom, isCut ? left : right);
  }

  GridPoint place(size_t edge) const {
    size_t corner = edge / 2, column = corner % grid.columns, row = corner / grid.columns;
    bool isDown = edge % 2;
    double from = grid.at(column, row), to = isDown ? grid.at(column, row + 1) : grid.at(column + 1, row);
    double share = (level - from) / (to - from);
    return {static_cast<double>(column) + (isDown ? 0 : share), static_cast<double>(row) + (isDown ? share : 0)};
  }

  /// From an edge on, as long as there is a next one; what is walked is taken away.
  std::vector<GridPoint> follow(size_t edge) {
    std::vector<GridPoint> line{place(edge)};
    while (!neighbours[edge].empty()) {
      size_t next = neighbours[edge].pop_back_val();
      auto &back = neighbours[next];
      back.erase(std::find(back.begin(), back.end(), edge));
      line.push_back(place(next));
      edge = next;
    }
    return line;
  }

  const Grid &grid;
  double level;
  DenseMap<size_t, SmallVector<size_t, 2>> neighbours;
  /// In the order in which they are found.
  std::vector<size_t> edges;
};

} // namespace

std::vector<std::vector<GridPoint>> findContours(const Grid &grid, double level) { return Tracer(grid, level).trace(); }

std::vector<double> chooseLevels(const Grid &grid, size_t count) {
  std::vector<double> sorted;
  std::copy_if(grid.heights.begin(), grid.heights.end(), std::back_inserter(sorted), [](double height) { return std::isfinite(height); });
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> levels;
  for (size_t k = 1; k <= count && !sorted.empty(); ++k) {
    double share = std::pow(static_cast<double>(k) / static_cast<double>(count + 1), 1.6);
    double level = sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))];
    if (levels.empty() || level > levels.back())
      levels.push_back(level);
  }
  return levels;
}

} // namespace gradus::driver
