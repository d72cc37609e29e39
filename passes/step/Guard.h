//===- Guard.h - What a step looks at before it writes ---------------------------===//

#pragma once

#include "llvm/ADT/StringRef.h"

namespace gradus {

/// Of a result that the guard has added to a function: a condition of rank 0 without which the call is refused. The attribute is a string that
/// says for people what is not finite then.
inline constexpr llvm::StringLiteral guardAttribute = "gradus.guard";

} // namespace gradus
