//===- Array.h - An array of the reference evaluator --------------------------===//
//
// Shape, kind and elements in row-major order. The evaluator knows no float widths: whatever the IR's element type, a
// float is one `S`, an integer an int64_t and a truth value an int64_t of 0 or 1.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <vector>

namespace gradus::reference {

enum class Kind { Real, Integer, Bool };

using Shape = llvm::SmallVector<int64_t, 4>;

/// The product of the sizes; 1 for a scalar.
inline int64_t countElements(llvm::ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

template <typename S>
struct Array {
  Kind kind = Kind::Real;
  Shape shape;
  std::vector<S> reals;      ///< the elements, if `kind` is Real
  std::vector<int64_t> ints; ///< the elements otherwise

  int64_t size() const { return countElements(shape); }

  static Array real(llvm::ArrayRef<int64_t> shape, std::vector<S> elements) {
    return {Kind::Real, Shape(shape), std::move(elements), {}};
  }
  static Array integer(llvm::ArrayRef<int64_t> shape, std::vector<int64_t> elements) {
    return {Kind::Integer, Shape(shape), {}, std::move(elements)};
  }
  static Array boolean(llvm::ArrayRef<int64_t> shape, std::vector<int64_t> elements) {
    return {Kind::Bool, Shape(shape), {}, std::move(elements)};
  }
  static Array scalar(S value) { return real({}, {value}); }
  static Array scalarInt(int64_t value) { return integer({}, {value}); }
  static Array scalarBool(bool value) { return boolean({}, {value}); }
  /// An array of zeros.
  static Array zeros(Kind kind, llvm::ArrayRef<int64_t> shape) {
    Array made{kind, Shape(shape), {}, {}};
    if (kind == Kind::Real)
      made.reals.resize(countElements(shape), S(0));
    else
      made.ints.resize(countElements(shape), 0);
    return made;
  }
};

} // namespace gradus::reference
