//===- PassCount.h - How many passes a loop makes at most ---------------*- C++ -*-===//
//
// What the derivative of a loop keeps has a size, so that a formula of sizes must bound the number of passes.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/Gradus.h"

namespace gradus {

/// The formula of sizes that the number of passes never exceeds, as a dimension; null where none shows.
mlir::Attribute findPasses(LoopOp loop);

} // namespace gradus
