//===- CHelpers.h - Small functions that generated C calls ------------------------===//

#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace gradus {

/// Where `word` stands in C text as a name of its own, from a place on; npos where it does not.
size_t findWord(llvm::StringRef text, llvm::StringRef word, size_t from = 0);

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
