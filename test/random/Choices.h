//===- Choices.h - What decides everything about a random spec ----------------------===//
//
// A seed, or bytes that another program thinks out: each byte is one choice, so that a small change of the bytes is a small change of
// the spec. Where the bytes end, a generator of its own goes on, always the same.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "llvm/ADT/ArrayRef.h"

#include <cassert>
#include <random>

namespace gradus::random_specs {

class Choices {
public:
  Choices(uint64_t seed) : random(seed * 0x9e3779b97f4a7c15 + 1) {}
  /// The bytes stay with the caller.
  explicit Choices(llvm::ArrayRef<uint8_t> bytes) : Choices(0) { this->bytes = bytes; }

  size_t below(size_t n) {
    if (bytes.empty())
      return random() % n;
    assert(n <= 256 && "a choice from more than a byte can tell");
    size_t chosen = bytes.front() % n;
    bytes = bytes.drop_front();
    return chosen;
  }

private:
  llvm::ArrayRef<uint8_t> bytes;
  std::mt19937_64 random;
};

} // namespace gradus::random_specs
