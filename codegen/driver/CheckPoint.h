//===- CheckPoint.h - A point that a user gives to `gradus check` --------------===//
//
// `--at 'w=[1, 2]'` or `--at w=FILE.csv`, once for each argument. What is not given is drawn at random.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/driver/CommandLine.h"
#include "codegen/reference/Array.h"
#include "dialect/Gradus.h"

namespace gradus::driver {

/// Numbers for an argument, in brackets or as the rows of a file.
struct GivenArray {
  std::string name, text; ///< as the command line has them
  reference::Array<double> values;
};
using GivenPoint = std::vector<GivenArray>;

/// Reads every `--at`; nothing after a message on stderr.
std::optional<GivenPoint> readPoint(const Invocation &invocation);

/// The arguments of `func` at the point, the others at random; nothing where the point has none of them, or after an error at the function (G0564): a
/// shape that does not fit, or numbers outside of the set that `sets` gives the nearest points of.
std::optional<std::vector<reference::Array<double>>> placePoint(FuncOp func, FuncOp sets, const GivenPoint &point, uint64_t seed, bool &isWrong);

} // namespace gradus::driver
