//===- Cost.h - What an operation costs -----------------------------------------===//
//
// The one table of weights that fusion decides by and `gradus explain` reports. The unit is one addition of a vector
// lane; a byte of memory traffic costs as much as `flopsPerByte` of them (passes/fuse/README.md).
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/Gradus.h"

namespace gradus {

/// Additions that run in the time of moving one byte.
inline constexpr int64_t flopsPerByte = 4;

/// The additions that one element of the op costs; 0 for what moves or makes no number.
int64_t getFlopWeight(mlir::Operation *op);

/// The bytes of one stored element (an i1 takes a byte).
int64_t getElementBytes(ArrayType type);

} // namespace gradus
