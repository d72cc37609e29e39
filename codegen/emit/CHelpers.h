//===- CHelpers.h - Small functions that generated C calls ------------------------===//

#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace gradus {

/// A function that stands before the one that calls it. `table` makes the constants that it reads, which stand at the end of the source.
struct CHelper {
  llvm::StringLiteral name, text;
  std::string (*table)() = nullptr;
};

/// All of them; those that are called stand before those that call.
llvm::ArrayRef<CHelper> getCHelpers();

/// By topic: 16-bit numbers, matrices, special functions, draws.
llvm::ArrayRef<CHelper> getCStorageHelpers();
llvm::ArrayRef<CHelper> getCMatrixHelpers();
llvm::ArrayRef<CHelper> getCSpecialHelpers();
llvm::ArrayRef<CHelper> getCDrawHelpers();

} // namespace gradus
