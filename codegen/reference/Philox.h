//===- Philox.h - The random numbers of the reference evaluator ----------------===//
//
// An implementation of its own of what codegen/draws/README.md says; it shares the tables with the compiler and no code. The
// numbers are computed in float where the draw is of f32, so that both engines give the same bits.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <array>
#include <cstdint>

namespace gradus::reference {

using PhiloxBlock = std::array<uint32_t, 4>;

/// Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, 2011).
PhiloxBlock philox(PhiloxBlock counter, uint64_t key);
/// The key of a draw, from the call's seed and time, the site, and the tensor and loop indices around.
uint64_t drawKey(uint64_t seed, uint64_t time, llvm::StringRef site, llvm::ArrayRef<int64_t> keys);

/// The bits of element `element`.
uint32_t bits16(uint64_t key, uint64_t element);
uint32_t bits32(uint64_t key, uint64_t element);
uint64_t bits64(uint64_t key, uint64_t element);

/// Numbers from bits; T is float with 32 bits and double with 64.
template <typename T, typename Bits>
T uniformOf(Bits bits);
template <typename T, typename Bits>
T normalOf(Bits bits);
/// ln of a positive normal number.
template <typename T>
T logOf(T x);
/// e^y for y <= 0.
double expOf(double y);
/// Element `element` of a draw of gamma numbers of this shape.
double gammaOf(uint64_t key, uint64_t element, double shape);

/// floor(bits * n / 2^64).
int64_t indexOf(uint64_t bits, int64_t n);
/// Where element `element` of 0 .. n - 1 goes.
int64_t permuted(uint64_t key, int64_t element, int64_t n);

} // namespace gradus::reference
