//===- Maps.h - Programs and their derivatives as text --------------------------===//
//
// A map takes real arrays to real arrays. From one are made its transposed derivative, its derivative, and both of each other; what comes out is one
// function with nested `gradus.grad`, in which the body of the program stands once.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "Programs.h"

#include <functional>

namespace gradus::matrix {

using Names = std::vector<std::string>;

/// Text in the making.
struct Writer {
  std::string text;
  unsigned count = 0;

  std::string fresh() { return "%m" + std::to_string(count++); }
  Names fresh(size_t many);
  void line(const std::string &more) { text += more + "\n"; }
};

struct Map {
  Names from, to; ///< the dimensions of what it takes and gives
  std::function<Names(Writer &, const Names &)> write;
  bool hasContractions = false;
};

/// x -> F(x)
Map mapOf(const Program &program);
/// (x, v) -> F'(x)^T v
Map transposedDerivative(const Map &f);
/// (x, u) -> F'(x) u, as what the transposed derivative, linear in v, gives in its turn.
Map derivativeByTransposition(const Map &f);

/// A way to the derivative of a map, (x, u) -> F'(x) u.
struct ForwardMode {
  const char *name;
  Map (*make)(const Map &);
  bool hasRules; ///< of its own, which can be wrong on their own
};
const std::vector<ForwardMode> &getForwardModes();

/// (x, v, u) -> d/dx (F'(x)^T v) u: forward over reverse.
Map secondDerivative(const Map &f, const ForwardMode &mode);
/// The function f, for each tensor of a collection if it is open.
std::string print(const Map &map, bool isOpen = false);

} // namespace gradus::matrix
