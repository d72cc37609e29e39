//===- Philox.h - The generator under all draws ---------------------------------===//

#pragma once

#include "passes/lower/Code.h"

#include <array>

namespace gradus {

/// Four words of a counter or of a block, in 64 bits each: products need them, and to pack and unpack in each round would cost more than the rest.
using Words = std::array<mlir::Value, 4>;

/// Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, 2011). The key is a scalar; so are words of the counter that are the same in all lanes, which saves products.
Words emitPhilox(CodeBuilder &code, Words counter, mlir::Value key);
/// Several at once, each with a key of its own: what was a counter becomes a block. Their rounds take turns, so that they do not wait for one another.
void emitPhilox(CodeBuilder &code, llvm::MutableArrayRef<Words> blocks, llvm::ArrayRef<mlir::Value> keys);

} // namespace gradus
