//===- TestFunctions.h - Where `gradus plot` tries rules -----------------------------===//

#pragma once

#include "codegen/driver/Chart.h"

#include <utility>

namespace gradus::driver {

/// A function of x and y with what a picture of it needs.
struct TestFunction {
  llvm::StringLiteral name;
  llvm::StringLiteral formula; ///< in the language
  Span x, y;
  std::pair<double, double> start;
  std::vector<std::pair<double, double>> minima;
};

/// Sorted by name.
llvm::ArrayRef<TestFunction> getTestFunctions();

} // namespace gradus::driver
