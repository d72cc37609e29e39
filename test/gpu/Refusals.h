//===- Refusals.h - What is said of steps that the guard refuses --------------------===//
//
// Numbers of test/numeric/Inputs/guard.grad are spoiled, one after the other. A device must refuse the steps that the CPU refuses, with the same sentence and the
// same place.
//
//===----------------------------------------------------------------------------===//

#pragma once

#include "Specs.h"

#include <functional>

namespace gradus {

/// Makes a call on a device; the message is set where it is refused.
using RunThere = std::function<gradus_status(bits::AnyCall &, std::string &message)>;

/// How many steps were refused, and of how many the element is known.
struct RefusalCount {
  int refused = 0, located = 0;
  RefusalCount &operator+=(const RefusalCount &other) {
    refused += other.refused;
    located += other.located;
    return *this;
  }
};
/// Compares the steps of `cpu` with those that `runThere` makes.
RefusalCount compareRefusals(const gradus_entry &cpu, const RunThere &runThere);

} // namespace gradus
