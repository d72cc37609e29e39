//===- CDrawHelpers.cpp - The numbers of draws in generated C --------------------===//
//
// What codegen/draws/README.md says, in f64, bit by bit: a product and the sum that it goes to are statements of their own, so that no
// compiler makes one rounding of two.
//
//===----------------------------------------------------------------------===//

#include "codegen/draws/Tables.h"
#include "codegen/emit/CHelpers.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

namespace gradus {

static std::string writeTable(llvm::StringRef name, llvm::ArrayRef<double> numbers) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "\nstatic const double " << name << "[" << numbers.size() << "] = {";
  for (size_t i = 0; i < numbers.size(); ++i)
    os << (i % 6 ? ", " : i ? ",\n  " : "\n  ") << llvm::format("%a", numbers[i]);
  os << "};\n";
  return text;
}

static std::string writeQuantile() { return writeTable("quantile_table", draws::quantile64); }
static std::string writeLogarithm() { return writeTable("log_table", draws::log64); }

static_assert(draws::quantileSegments64 == 253 && draws::quantileDegree64 == 9 && std::size(draws::quantile64) == 2530 && std::size(draws::log64) == 48);

static constexpr CHelper helperTable[] = {
    {"bits_of", R"(static uint64_t bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, 8);
  return bits;
}
)"},
    {"double_of", R"(static double double_of(uint64_t bits) {
  double x;
  memcpy(&x, &bits, 8);
  return x;
}
)"},
    {"philox", R"(/* Philox 4x32-10 (Salmon et al., 2011): the lower or upper half of the 128 bits that a key makes of a counter. */
static uint64_t philox(uint64_t key, uint64_t low, uint64_t high, int half) {
  uint32_t a = (uint32_t)key, b = (uint32_t)(key >> 32);
  uint32_t c0 = (uint32_t)low, c1 = (uint32_t)(low >> 32), c2 = (uint32_t)high, c3 = (uint32_t)(high >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t first = (uint64_t)0xD2511F53u * c0, second = (uint64_t)0xCD9E8D57u * c2;
    c0 = (uint32_t)(second >> 32) ^ c1 ^ a;
    c1 = (uint32_t)second;
    c2 = (uint32_t)(first >> 32) ^ c3 ^ b;
    c3 = (uint32_t)first;
    a += 0x9E3779B9u;
    b += 0xBB67AE85u;
  }
  return half == 0 ? (uint64_t)c1 << 32 | c0 : (uint64_t)c3 << 32 | c2;
}
)"},
    {"draw_key", R"(/* The key of a draw: from the seed, the step and its name, hashed by FNV-1a. */
static uint64_t draw_key(uint64_t seed, int64_t step, const char *name) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (; *name != 0; ++name)
    hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
  return philox(seed, (uint64_t)step, hash, 0);
}
)"},
    {"pass_key", R"(/* The key in a pass of the `level`-th loop around. */
static uint64_t pass_key(uint64_t key, int64_t pass, uint64_t level) {
  return philox(key, (uint64_t)pass, level, 0);
}
)"},
    {"draw_bits", R"(static uint64_t draw_bits(uint64_t key, int64_t i) {
  return philox(key, (uint64_t)i / 2, 0, (int)(i % 2));
}
)"},
    {"uniform_of", R"(static double uniform_of(uint64_t bits) {
  return (double)(2 * (bits >> 12) + 1) * 0x1p-53;
}
)"},
    {"normal_of", R"(/* The normal quantile of a tail of bits / 2^64: a polynomial for each quarter of an octave. */
static const double quantile_table[2530];
static double normal_of(uint64_t bits) {
  uint64_t quarter = (uint64_t)1 << 50, image = bits_of((double)(2 * (bits & 0x3fffffffffffffffu) + 1));
  uint64_t segment = image / quarter - 4 * 1023, significand = image % (4 * quarter) + 1023 * (4 * quarter);
  double t = double_of(significand) - double_of(significand / quarter * quarter + quarter / 2);
  double z = quantile_table[9 * 253 + segment];
  for (int j = 8; j >= 0; --j) {
    double product = z * t;
    z = product + quantile_table[j * 253 + (int)segment];
  }
  return bits >> 63 ? -z : z;
}
)",
     writeQuantile},
    {"draw_log", R"(/* ln x = k ln 2 + ln c + ln(1 + r) for x = 2^k z and c near z: the same bits wherever it is computed. */
static const double log_table[48];
static double draw_log(double x) {
  const double ln2_high = 0x1.62e42fefa3800p-1, ln2_low = 0x1.ef35793c76730p-45;
  int64_t above = (int64_t)(bits_of(x) - bits_of(0.6875)), low_bits = above & 0xfffffffffffff, k = (above - low_bits) / ((int64_t)1 << 52);
  int row = (int)(low_bits >> 48);
  double z = double_of(bits_of(x) - (uint64_t)k * ((uint64_t)1 << 52)), r = (z - log_table[row]) * log_table[16 + row], series = -1.0 / 14;
  for (int n = 13; n >= 2; --n) {
    double product = series * r;
    series = product + (n % 2 == 1 ? 1.0 : -1.0) / n;
  }
  double square = r * r, bend = square * series, small = r + bend;
  double low = (double)k * ln2_low, high = (double)k * ln2_high, rest = low + small, front = high + log_table[32 + row];
  return front + rest;
}
)",
     writeLogarithm},
    {"draw_exp", R"(/* e^y for y <= 0. */
static double draw_exp(double y) {
  const double ln2_high = 0x1.62e42fefa3800p-1, ln2_low = 0x1.ef35793c76730p-45;
  if (!(y > -708))
    return 0;
  double turns = y * 0x1.71547652b82fep0;
  int64_t m = (int64_t)(0.5 - turns);
  double high = (double)m * ln2_high, low = (double)m * ln2_low, front = y + high, r = front + low;
  double factorial = 6227020800.0, series = 1 / factorial;
  for (int n = 12; n >= 0; --n) {
    factorial /= n + 1;
    double product = series * r;
    series = product + 1 / factorial;
  }
  return series * double_of((uint64_t)(1023 - m) << 52);
}
)"},
    {"share_of", R"(/* floor(bits n / 2^64), for n > 0. */
static int64_t share_of(uint64_t bits, int64_t n) {
  uint64_t low = (uint32_t)bits, high = bits >> 32, n_low = (uint32_t)n, n_high = (uint64_t)n >> 32;
  uint64_t middle = high * n_low + (low * n_low >> 32), other = low * n_high + (uint32_t)middle;
  return n <= 0 ? 0 : (int64_t)(high * n_high + (middle >> 32) + (other >> 32));
}
)"},
    {"draw_uniform", R"(static double draw_uniform(uint64_t key, int64_t i) { /* inside of (0, 1) */
  return uniform_of(draw_bits(key, i));
}
)"},
    {"draw_normal", R"(static double draw_normal(uint64_t key, int64_t i) {
  return normal_of(draw_bits(key, i));
}
)"},
    {"draw_exponential", R"(static double draw_exponential(uint64_t key, int64_t i) {
  return -draw_log(draw_uniform(key, i));
}
)"},
    {"draw_gumbel", R"(static double draw_gumbel(uint64_t key, int64_t i) {
  return -draw_log(-draw_log(draw_uniform(key, i)));
}
)"},
    {"draw_rademacher", R"(static double draw_rademacher(uint64_t key, int64_t i) {
  return draw_bits(key, i) >> 63 ? -1 : 1;
}
)"},
    {"draw_bernoulli", R"(static double draw_bernoulli(uint64_t key, int64_t i, double p) { /* 1 with probability p, else 0 */
  return p >= 1 || (p > 0 && draw_bits(key, i) >> 32 < (uint64_t)(p * 0x1p32)) ? 1 : 0;
}
)"},
    {"draw_gamma", R"(/* The gamma distribution (Marsaglia and Tsang, 2000). */
static double draw_gamma(uint64_t key, int64_t i, double shape) {
  double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3, c = 1 / sqrt(9 * d), y = d;
  if (!(shape > 0))
    return 0;
  for (uint64_t attempt = 0; attempt < 8; ++attempt) {
    uint64_t own = philox(key, attempt, (uint64_t)3 << 32, 0);
    double x = normal_of(philox(own, (uint64_t)i, 0, 0)), u = uniform_of(philox(own, (uint64_t)i, 0, 1));
    double step = c * x, t = 1 + step, v = t * t * t;
    if (!(v > 0))
      continue;
    double bend = 1 - v + draw_log(v), square = x * x, part = 0.5 * square, rest = d * bend;
    if (draw_log(u) < part + rest) {
      y = d * v;
      break;
    }
  }
  if (shape >= 1)
    return y;
  double u = uniform_of(philox(philox(key, 8, (uint64_t)3 << 32, 0), (uint64_t)i, 0, 0));
  return y * draw_exp(draw_log(u) * (1 / shape));
}
)"},
    {"draw_index", R"(static int64_t draw_index(uint64_t key, int64_t i, int64_t n) { /* one of 0 .. n - 1 */
  return share_of(draw_bits(key, i), n);
}
)"},
    {"draw_categorical", R"(/* One of 0 .. n - 1 by weights, of which those that are not positive count as 0. */
static int64_t draw_categorical(uint64_t key, int64_t i, const double *weights, int64_t n) {
  double total = 0, partial = 0, u = draw_uniform(key, i);
  int64_t place = 0;
  for (int64_t k = 0; k < n; ++k)
    total += weights[k] > 0 ? weights[k] : 0;
  for (int64_t k = 0; k < n - 1; ++k) {
    partial += weights[k] > 0 ? weights[k] : 0;
    place += partial <= u * total;
  }
  return place;
}
)"},
    {"draw_permutation", R"(/* Where a random permutation of 0 .. n - 1 takes i, by swap-or-not (Hoang, Morris and Rogaway, 2012). */
static int64_t draw_permutation(uint64_t key, int64_t i, int64_t n) {
  for (uint64_t round = 0; round < 64; ++round) {
    int64_t mirror = share_of(philox(key, round, (uint64_t)1 << 32, 0), n) - i;
    mirror += mirror < 0 ? n : 0;
    if (philox(key, (uint64_t)(i > mirror ? i : mirror), round | (uint64_t)2 << 32, 0) & 1)
      i = mirror;
  }
  return i;
}
)"},
};

llvm::ArrayRef<CHelper> getCDrawHelpers() { return helperTable; }

} // namespace gradus
