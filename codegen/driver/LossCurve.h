//===- LossCurve.h - The loss over the steps as SVG ----------------------------===//

#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace gradus::driver {

/// A picture of `losses`, one value a step from step `first` on; readable on light and dark grounds. Values that are not finite
/// leave a gap. The vertical axis is logarithmic where all values are positive and span more than two decades.
std::string drawLossCurve(llvm::StringRef title, llvm::ArrayRef<double> losses, uint64_t first);

} // namespace gradus::driver
