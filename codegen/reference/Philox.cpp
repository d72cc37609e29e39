//===- Philox.cpp - The random numbers of the reference evaluator --------------===//

#include "codegen/reference/Philox.h"
#include "codegen/draws/Tables.h"

#include <bit>
#include <cmath>
#include <type_traits>

#pragma STDC FP_CONTRACT OFF

using namespace gradus;
using namespace gradus::reference;

PhiloxBlock reference::philox(PhiloxBlock counter, uint64_t key) {
  auto a = static_cast<uint32_t>(key), b = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round, a += 0x9E3779B9u, b += 0xBB67AE85u) {
    uint64_t first = uint64_t(0xD2511F53u) * counter[0], second = uint64_t(0xCD9E8D57u) * counter[2];
    counter = {static_cast<uint32_t>(second >> 32) ^ counter[1] ^ a, static_cast<uint32_t>(second),
               static_cast<uint32_t>(first >> 32) ^ counter[3] ^ b, static_cast<uint32_t>(first)};
  }
  return counter;
}

static uint64_t join(uint32_t low, uint32_t high) { return low | uint64_t(high) << 32; }

static PhiloxBlock counterOf(uint64_t low, uint64_t high) {
  return {static_cast<uint32_t>(low), static_cast<uint32_t>(low >> 32), static_cast<uint32_t>(high), static_cast<uint32_t>(high >> 32)};
}

uint64_t reference::drawKey(uint64_t seed, uint64_t time, llvm::StringRef site, llvm::ArrayRef<int64_t> keys) {
  uint64_t hash = 14695981039346656037u; // FNV-1a
  for (char letter : site)
    hash = (hash ^ static_cast<unsigned char>(letter)) * 1099511628211u;
  PhiloxBlock block = philox(counterOf(time, hash), seed);
  uint64_t key = join(block[0], block[1]), position = 0;
  for (int64_t number : keys) {
    block = philox(counterOf(static_cast<uint64_t>(number), ++position), key);
    key = join(block[0], block[1]);
  }
  return key;
}

uint32_t reference::bits32(uint64_t key, uint64_t element) { return philox(counterOf(element / 4, 0), key)[element % 4]; }

uint32_t reference::bits16(uint64_t key, uint64_t element) {
  uint32_t word = philox(counterOf(element / 8, 0), key)[element % 8 / 2];
  return element % 2 ? word >> 16 : word & 0xffff;
}

uint64_t reference::bits64(uint64_t key, uint64_t element) {
  PhiloxBlock block = philox(counterOf(element / 2, 0), key);
  return element % 2 ? join(block[2], block[3]) : join(block[0], block[1]);
}

template <typename T, typename Bits>
T reference::uniformOf(Bits bits) {
  if constexpr (std::is_same_v<T, float>)
    return static_cast<float>(2 * (bits >> 9) + 1) * 0x1p-24f;
  else
    return static_cast<double>(2 * (bits >> 12) + 1) * 0x1p-53;
}

template <typename T, typename Bits>
T reference::normalOf(Bits bits) {
  constexpr bool isSingle = std::is_same_v<T, float>;
  constexpr int size = isSingle ? 32 : 64, mantissa = isSingle ? 23 : 52;
  constexpr Bits bias = isSingle ? 127 : 1023, quarter = Bits(1) << (mantissa - 2);
  Bits magnitude = bits & ((Bits(1) << (size - 2)) - 1);
  auto f = static_cast<T>(static_cast<std::make_signed_t<Bits>>(2 * magnitude + 1));
  auto image = std::bit_cast<Bits>(f);
  Bits segment = (image >> (mantissa - 2)) - 4 * bias;
  Bits significand = (image & (4 * quarter - 1)) | (bias << mantissa);
  T t = std::bit_cast<T>(significand) - std::bit_cast<T>(Bits(significand / quarter * quarter + quarter / 2));
  const T *table;
  int degree, count;
  if constexpr (isSingle)
    table = draws::quantile32, degree = draws::quantileDegree32, count = draws::quantileSegments32;
  else
    table = draws::quantile64, degree = draws::quantileDegree64, count = draws::quantileSegments64;
  T z = table[degree * count + segment];
  for (int j = degree - 1; j >= 0; --j) {
    T product = z * t;
    z = product + table[j * count + segment];
  }
  return bits >> (size - 1) ? -z : z;
}

template <typename T>
T reference::logOf(T x) {
  constexpr bool isSingle = std::is_same_v<T, float>;
  using Bits = std::conditional_t<isSingle, int32_t, int64_t>;
  constexpr int mantissa = isSingle ? 23 : 52, degree = isSingle ? 7 : 14;
  const T *table, *ln2;
  if constexpr (isSingle)
    table = draws::log32, ln2 = draws::ln2_32;
  else
    table = draws::log64, ln2 = draws::ln2_64;
  auto image = std::bit_cast<Bits>(x);
  Bits above = image - std::bit_cast<Bits>(T(0.6875));
  int row = static_cast<int>(above >> (mantissa - 4)) & 15;
  Bits k = above >> mantissa;
  T z = std::bit_cast<T>(Bits(image - k * (Bits(1) << mantissa)));
  T r = (z - table[row]) * table[16 + row];
  T series = static_cast<T>((degree % 2 ? 1.0 : -1.0) / degree);
  for (int n = degree - 1; n >= 2; --n) {
    T product = series * r;
    series = product + static_cast<T>((n % 2 ? 1.0 : -1.0) / n);
  }
  T square = r * r, bend = square * series, small = r + bend;
  T low = static_cast<T>(k) * ln2[1], high = static_cast<T>(k) * ln2[0];
  T rest = low + small, front = high + table[32 + row];
  return front + rest;
}

double reference::expOf(double y) {
  if (!(y > -708))
    return 0;
  double turns = y * 0x1.71547652b82fep0;
  auto m = static_cast<int64_t>(0.5 - turns);
  double k = static_cast<double>(m), high = k * draws::ln2_64[0], low = k * draws::ln2_64[1];
  double front = y + high, r = front + low, factorial = 6227020800.0, series = 1 / factorial;
  for (int n = 12; n >= 0; --n) {
    factorial /= n + 1;
    double product = series * r;
    series = product + 1 / factorial;
  }
  return series * std::bit_cast<double>((1023 - m) << 52);
}

double reference::gammaOf(uint64_t key, uint64_t element, double shape) {
  if (!(shape > 0))
    return 0;
  bool isSmall = shape < 1;
  double a = isSmall ? shape + 1 : shape, d = a - 1.0 / 3, c = 1 / std::sqrt(9 * d), y = d;
  auto bitsOf = [&](uint32_t attempt) {
    PhiloxBlock own = philox({attempt, 0, 0, 3}, key);
    return philox(counterOf(element, 0), join(own[0], own[1]));
  };
  for (uint32_t attempt = 0; attempt < 8; ++attempt) {
    PhiloxBlock bits = bitsOf(attempt);
    double x = normalOf<double>(join(bits[0], bits[1])), u = uniformOf<double>(join(bits[2], bits[3]));
    double step = c * x, t = 1 + step, v = t * t * t;
    if (!(v > 0))
      continue;
    double bend = 1 - v + logOf(v), square = x * x, part = 0.5 * square, rest = d * bend;
    if (!(logOf(u) < part + rest))
      continue;
    y = d * v;
    break;
  }
  if (!isSmall)
    return y;
  PhiloxBlock bits = bitsOf(8);
  return y * expOf(logOf(uniformOf<double>(join(bits[0], bits[1]))) * (1 / shape));
}

int64_t reference::indexOf(uint64_t bits, int64_t n) {
  if (n <= 0)
    return 0;
  return static_cast<int64_t>(static_cast<uint64_t>((static_cast<unsigned __int128>(bits) * static_cast<uint64_t>(n)) >> 64));
}

int64_t reference::permuted(uint64_t key, int64_t element, int64_t n) {
  for (uint32_t round = 0; round < 64; ++round) {
    PhiloxBlock own = philox({round, 0, 0, 1}, key);
    int64_t mirror = indexOf(join(own[0], own[1]), n) - element;
    if (mirror < 0)
      mirror += n;
    auto larger = static_cast<uint64_t>(std::max(mirror, element));
    if (philox({static_cast<uint32_t>(larger), static_cast<uint32_t>(larger >> 32), round, 2}, key)[0] & 1)
      element = mirror;
  }
  return element;
}

template float reference::uniformOf<float>(uint32_t);
template double reference::uniformOf<double>(uint64_t);
template float reference::normalOf<float>(uint32_t);
template double reference::normalOf<double>(uint64_t);
template float reference::logOf(float);
template double reference::logOf(double);
