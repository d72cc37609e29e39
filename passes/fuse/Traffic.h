//===- Traffic.h - The bytes that a lowered kernel moves -------------------------===//
//
// Figures of `gradus explain` are counted in the code that runs, not in the spec. Lowering calls `recordTraffic` once for each
// kernel with the main loop that it has built; `explain` reads the figures back from the lowered module.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "mlir/IR/Operation.h"

#include <optional>

namespace gradus {

/// Bytes for each element of a kernel's domain.
struct Traffic {
  double read = 0;
  double written = 0;
};

/// The name of a discardable attribute of a load: how many neighbouring elements it serves, that is, how many of them load the same again.
inline constexpr llvm::StringLiteral servesAttribute = "gradus.serves";

/// The name of a discardable attribute of what loads an address: what lies there is in the cache, where another kernel of a row nest has left it.
inline constexpr llvm::StringLiteral cachedAttribute = "gradus.cached";

/// Counts the loads and stores of a loop (scf.for, or any op whose region is the loop's body) that takes `elements` of the domain
/// at a time. What does not change from one pass to the next is not counted, nor is the stack.
Traffic countTraffic(mlir::Operation *loop, int64_t elements);

/// The attribute of a lowered function that `recordTraffic` adds to.
inline constexpr llvm::StringLiteral trafficAttribute = "gradus.traffic";

/// Notes on `holder` (the lowered function, or the module) what kernel number `kernel` (Plan::getPosition) of the function `entry` moves.
void recordTraffic(mlir::Operation *holder, llvm::StringRef entry, unsigned kernel, Traffic traffic);

/// Notes on `to` too what was recorded on `from`.
void addTraffic(mlir::Operation *to, mlir::Operation *from);

/// What was recorded anywhere in `module`; nothing for a kernel that has no main loop, as a contraction.
std::optional<Traffic> findTraffic(mlir::Operation *module, llvm::StringRef entry, unsigned kernel);

} // namespace gradus
