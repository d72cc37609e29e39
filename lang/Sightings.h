//===- Sightings.h - What stands where in a spec ------------------*- C++ -*-===//
//
// What the front end found the names and formulas of the main file to be, for editors. A body that is expanded several times is seen
// as often, and a unit with errors as far as it was understood.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_SIGHTINGS_H
#define GRADUS_LANG_SIGHTINGS_H

#include "lang/Source.h"

#include "mlir/IR/Types.h"
#include "llvm/ADT/StringRef.h"

namespace gradus {

struct Sighting {
  /// Of the name where it gets its value, or of the formula.
  Location at = {};
  /// Of arrays; of a collection that of its first tensor, of complex numbers that of their real parts. Lives as long as the context.
  mlir::Type type = {};
  /// One for each tensor of the collection, or all of them as one vector.
  bool isEach = false, isJoint = false;
  /// The leading axes that stand for indices.
  unsigned numIndices = 0;
  /// In a test, where arrays have sizes of their own.
  bool isTest = false;
  /// "a number", "a function", ...
  llvm::StringRef what = {};
};

/// What an import of the main file brings. One without a place is a solver that was found behind 'by'.
struct ImportSeen {
  Location at = {};
  uint32_t file = 0;
};

struct Sightings {
  /// The file that is looked at.
  uint32_t file = 0;
  /// Whether tests are being read.
  bool isTest = false;
  std::vector<Sighting> all = {};
  std::vector<ImportSeen> imports = {};
};

} // namespace gradus

#endif // GRADUS_LANG_SIGHTINGS_H
