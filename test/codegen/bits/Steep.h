//===- Steep.h - Specs that take too long for random numbers -------------------===//

#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>

namespace gradus::bits {

/// Whether a spec, given by its place in the library, has a solver, which takes very long for random numbers.
inline bool isSteep(std::string_view spec) {
  static constexpr std::string_view steep[] = {
      "bilevel/ridge_validation.grad",
      "losses/colide.grad",
      "losses/entropic_ot.grad",
      "losses/learned_proximal.grad",
      "losses/sparse_ot.grad",
      "regularizers/monge_gap.grad",
  };
  return std::find(std::begin(steep), std::end(steep), spec) != std::end(steep);
}

} // namespace gradus::bits
