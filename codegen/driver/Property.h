//===- Property.h - Properties: claims about random inputs ----------------------===//

#pragma once

#include "codegen/reference/Evaluator.h"

#include <optional>
#include <string>

namespace gradus::driver {

/// A case in which a property fails, as small as the search made it.
struct CounterExample {
  unsigned cases = 0; ///< how many were tried
  std::string test;   ///< the case as a test block
  reference::TestResult result;
};

bool isProperty(FuncOp func);
/// Tries a property at random inputs, which depend on its title and `seed` alone.
std::optional<CounterExample> tryProperty(FuncOp property, uint64_t seed);

} // namespace gradus::driver
