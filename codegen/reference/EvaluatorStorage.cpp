//===- EvaluatorStorage.cpp - What storage makes of numbers -------------------------===//
//
// The formulas of dialect/Base.td and dialect/Storage.td on single numbers: blocks of 8-bit codes, stochastic rounding. An array in blocks is
// here the numbers that it stands for.
//
//===----------------------------------------------------------------------===//

#include "codegen/reference/Frame.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

/// v(u) = 8^(f - 7) (7 m - 6) for u = 2^f m; exact.
static float valueOf(float u) {
  int f = std::ilogb(u);
  return std::ldexp(7 * std::ldexp(u, -f) - 6, 3 * (f - 7));
}

/// What becomes of x > 0 in a block of the scale s.
static float keep(float x, float s, bool hasSign) {
  float y = std::fmax(2 * (x * (0.5f / s)), 0x1p-27f);
  int d = static_cast<int>(std::floor(std::ilogb(y) / 3.0));
  float root = (std::ldexp(y, -3 * d) + 6) * (1.0f / 7);
  float u = std::ldexp(root, d + 7);
  float code = std::nearbyint(hasSign ? u - 1 : 2 * u - 1);
  code = std::fmax(code, 1.0f);
  return valueOf(hasSign ? code + 1 : (code + 1) / 2) * s;
}

static void keepBlock(MutableArrayRef<float> numbers) {
  float s = 0, lowest = 0;
  bool isFinite = true;
  for (float x : numbers) {
    isFinite &= std::isfinite(x);
    s = std::fmax(s, std::fabs(x));
    lowest = std::fmin(lowest, x);
  }
  s = std::fmax(s, 0x1p-126f); // the scale; zeros stay zeros
  float least = s * 0x1p-19f;
  bool hasSign = -lowest > least;
  for (float &x : numbers) {
    float magnitude = hasSign ? std::fabs(x) : x;
    bool isSome = magnitude > (hasSign ? least : 0);
    float kept = isFinite && isSome ? keep(magnitude, s, hasSign) : 0;
    x = isFinite ? std::copysign(kept, hasSign && isSome ? x : 1.0f) : std::numeric_limits<float>::quiet_NaN();
  }
}

template <typename S>
void Frame<S>::encode(EncodeOp op, unsigned slot, Array<S> &y) {
  const Array<S> &x = get(op.getX(), slot);
  size_t size = llvm::cast<BlocksType>(op.getType().getElementType()).getSize();
  std::vector<float> numbers;
  for (const S &number : x.reals)
    numbers.push_back(static_cast<float>(Math<S>::lead(number)));
  for (size_t begin = 0; begin < numbers.size(); begin += size)
    keepBlock(MutableArrayRef(numbers).slice(begin, std::min(size, numbers.size() - begin)));
  y = x;
  for (auto [number, kept] : llvm::zip_equal(y.reals, numbers))
    number = S(static_cast<typename Math<S>::Lead>(kept));
}

/// The formula of `gradus.stochastic_cast`, in powers of two and whole numbers: f64 has all of them.
static double roundStochastically(float x, int64_t bits, Type element) {
  if (!std::isfinite(x) || x == 0)
    return x;
  bool isHalf = element.isF16();
  int least = isHalf ? -14 : -126, digits = isHalf ? 10 : 7;
  int exponent = std::max(std::ilogb(x), least) - digits; // of the distance of two neighbours
  double size = std::ldexp(std::fabs(static_cast<double>(x)), -exponent), whole = std::floor(size);
  whole += std::floor((size - whole) * 0x1p16) + static_cast<double>(bits) >= 0x1p16;
  double rounded = std::ldexp(whole, exponent), largest = isHalf ? 65504.0 : 0x1.fep127;
  return std::copysign(rounded > largest ? std::numeric_limits<double>::infinity() : rounded, x);
}

template <typename S>
void Frame<S>::castStochastically(StochasticCastOp op, unsigned slot, Array<S> &y) {
  const Array<S> &x = get(op.getX(), slot), &bits = get(op.getBits(), slot);
  Type element = arrayType(op.getY()).getElementType();
  y = x;
  for (auto [number, drawn] : llvm::zip_equal(y.reals, bits.ints))
    number = S(static_cast<typename Math<S>::Lead>(roundStochastically(static_cast<float>(Math<S>::lead(number)), drawn, element)));
}

#define INSTANTIATE(S)                                                                                                                                          \
  template void Frame<S>::encode(EncodeOp, unsigned, Array<S> &);                                                                                               \
  template void Frame<S>::castStochastically(StochasticCastOp, unsigned, Array<S> &);
GRADUS_FOR_EACH_SCALAR(INSTANTIATE)
