//===- Csv.h - Samples from a CSV file -----------------------------------------===//

#pragma once

#include "llvm/Support/LogicalResult.h"

#include <string>
#include <vector>

namespace gradus::driver {

/// Rows of numbers; the last column is the target.
struct Table {
  size_t rows = 0, columns = 0;
  std::vector<double> values; ///< row-major

  double at(size_t row, size_t column) const { return values[row * columns + column]; }
};

/// Reads numbers with commas, semicolons, tabs or blanks between. A first line that is not all numbers is skipped. On failure
/// `error` is "file:line: why".
llvm::FailureOr<Table> readCsv(const std::string &path, std::string &error);

} // namespace gradus::driver
