//===- TestFunctions.cpp - Where `gradus plot` tries rules ----------------------------===//

#include "codegen/driver/TestFunctions.h"

namespace gradus::driver {

llvm::ArrayRef<TestFunction> getTestFunctions() {
  static const TestFunction functions[] = {
      // Beale (1958): flat, with steep corners.
      {"beale", "(1.5 - x + x * y)^2 + (2.25 - x + x * y^2)^2 + (2.625 - x + x * y^3)^2", {-1, 4.5}, {-2, 2}, {1, 1.5}, {{3, 0.5}}},
      // Himmelblau (1972): four minima of one height.
      {"himmelblau",
       "(x^2 + y - 11)^2 + (x + y^2 - 7)^2",
       {-5.5, 5.5},
       {-5.5, 5.5},
       {-0.5, -4.5},
       {{3, 2}, {-2.805118086952745, 3.131312518250573}, {-3.779310253377747, -3.283185991286170}, {3.584428340330492, -1.848126526964404}}},
      // A valley ten times as steep as it is long.
      {"quadratic", "(x^2 + 10 * y^2) / 2", {-2.5, 2.5}, {-1.5, 1.5}, {-2, 1}, {{0, 0}}},
      // Rosenbrock (1960): a bent valley with a flat floor.
      {"rosenbrock", "(1 - x)^2 + 100 * (y - x^2)^2", {-2, 2}, {-1, 3}, {-1.2, 1}, {{1, 1}}},
  };
  return functions;
}

} // namespace gradus::driver
