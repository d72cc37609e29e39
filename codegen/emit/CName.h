//===- CName.h - Names of a spec in C -----------------------------------------===//
//
// The one place that knows how a name of a spec is spelled in the generated headers, and which names C and C++ cannot have. The front
// end refuses units by it; members of structs are respelled.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace gradus {

/// A name as a C identifier: what is neither letter nor digit becomes '_', a byte outside ASCII '_' and its two hex digits.
std::string toCName(llvm::StringRef name);
/// The same as a name that may stand in a header: no keyword, no macro, no name of the implementation or of the runtime.
std::string toIdentifier(llvm::StringRef name);
/// All that the header declares for an entry: "f", "f_workspace", ..
std::vector<std::string> getClaimedNames(llvm::StringRef symbol);
/// What else the identifier means at file scope of C or C++, "a word of C or C++"; empty if it is free.
std::string findMeaningInC(llvm::StringRef identifier);

} // namespace gradus
