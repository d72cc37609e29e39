//===- CSpecialHelpers.cpp - Special functions and storage in generated C --------===//

#include "codegen/emit/CHelpers.h"

namespace gradus {

static constexpr CHelper specialTable[] = {
    {"digamma", R"(/* The derivative of ln gamma(x): reflected where x < 0, moved up to where the asymptotic series holds. */
static double digamma(double x) {
  static const double bernoulli[] = {1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6};
  const double pi = 3.14159265358979323846;
  if (x <= 0 && x == floor(x))
    return NAN;
  if (x < 0)
    return digamma(1 - x) - pi / tan(pi * (x - floor(x)));
  if (isinf(x))
    return x;
  double shift = 0;
  for (; x < 12; x += 1)
    shift += 1 / x;
  double y = log(x) - 0.5 / x - shift, power = 1 / (x * x);
  for (int k = 0; k < 7; ++k, power /= x * x)
    y -= bernoulli[k] / (2 * k + 2) * power;
  return y;
}
)"},
    {"trigamma", R"(/* The derivative of digamma(x). */
static double trigamma(double x) {
  static const double bernoulli[] = {1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6};
  const double pi = 3.14159265358979323846;
  if (x <= 0 && x == floor(x))
    return INFINITY;
  if (x < 0) {
    double root = pi / sin(pi * (x - floor(x)));
    return root * root - trigamma(1 - x);
  }
  if (isinf(x))
    return 0;
  double shift = 0;
  for (; x < 12; x += 1)
    shift += 1 / (x * x);
  double y = shift + 1 / x + 0.5 / (x * x), power = 1 / (x * x * x);
  for (int k = 0; k < 7; ++k, power /= x * x)
    y += bernoulli[k] * power;
  return y;
}
)"},
    {"lambert_w", R"(/* w >= -1 with w e^w = x; NaN below -1 / e. */
static double lambert_w(double x) {
  const double e = 2.71828182845904523536, rest_of_e = 1.44564689172925013472e-16;
  if (x != x || x == 0 || (isinf(x) && x > 0))
    return x;
  double above = fma(x, e, 1) + x * rest_of_e;
  if (above < 0)
    return NAN;
  double p = sqrt(2 * above), w, change;
  if (p < 0.4) { /* the expansion about -1 / e (Corless et al., 1996, 4.22 - 4.24) */
    double mu[32] = {-1, 1}, alpha[32] = {2, -1}, power = p;
    w = p - 1;
    for (int k = 2; k < 32; ++k) {
      for (int j = 2; j < k; ++j)
        alpha[k] += mu[j] * mu[k + 1 - j];
      mu[k] = (k - 1.0) / (k + 1) * (mu[k - 2] / 2 + alpha[k - 2] / 4) - alpha[k] / 2 - mu[k - 1] / (k + 1);
      power *= p;
      w += mu[k] * power;
    }
    return w;
  }
  w = x < 0 ? p - 1 - p * p / 3 : x < 2 ? x / (1 + x) : log(x) - log(log(x) + 1);
  for (int step = 0; step < 60; ++step) { /* Newton's method, for large x on w + ln w = ln x */
    change = x < 2 ? (w - x * exp(-w)) / (1 + w) : (w + log(w) - log(x)) * w / (1 + w);
    w -= change;
    if (fabs(change) <= 0x1p-52 * fabs(w))
      break;
  }
  return w;
}
)"},
    {"normal_quantile", R"(/* x with normal_cdf(x) = p, by Newton's method: on the distance to 1/2 in the middle, on the logarithm of the tail outside. */
static double normal_quantile(double p) {
  if (!(p >= 0 && p <= 1))
    return NAN;
  if (p == 0 || p == 1)
    return p == 0 ? -INFINITY : INFINITY;
  const double root_2 = 1.41421356237309504880, root_2_pi = 2.50662827463100050242;
  double q = p - 0.5, tail = p < 0.5 ? p : 1 - p;
  int middle = fabs(q) < 0.4;
  double a = middle ? 0 : sqrt(-2 * log(tail));
  for (int step = 0; step < 60; ++step) {
    double density = exp(-a * a / 2) / root_2_pi, mass = 0.5 * erfc(a / root_2);
    double change = middle ? (fabs(q) - 0.5 * erf(a / root_2)) / density : log(mass / tail) * mass / density;
    a += change;
    if (fabs(change) <= 0x1p-51 * a)
      break;
  }
  return q < 0 ? -a : a;
}
)"},
};

static constexpr CHelper storageTable[] = {
    {"from_f16", R"(/* The number of 16 bits: a sign, 5 bits of exponent, 10 of the significand. */
static double from_f16(uint16_t bits) {
  int exponent = bits >> 10 & 31, significand = bits & 1023;
  double size = exponent == 0 ? ldexp(significand, -24) : exponent < 31 ? ldexp(1024 + significand, exponent - 25) : significand ? NAN : INFINITY;
  return bits >> 15 ? -size : size;
}
)"},
    {"from_bf16", R"(/* The number of 16 bits: a sign, 8 bits of exponent, 7 of the significand. */
static double from_bf16(uint16_t bits) {
  int exponent = bits >> 7 & 255, significand = bits & 127;
  double size = exponent == 0 ? ldexp(significand, -133) : exponent < 255 ? ldexp(128 + significand, exponent - 134) : significand ? NAN : INFINITY;
  return bits >> 15 ? -size : size;
}
)"},
    {"round_to_digits", R"(/* x rounded to nearest, ties to even, with `digits` bits of significand, exponents from `least`, and nothing beyond `largest`. */
static double round_to_digits(double x, int digits, int least, double largest) {
  int exponent;
  if (x == 0 || !(fabs(x) < INFINITY))
    return x;
  frexp(x, &exponent);
  int unit = (exponent < least ? least : exponent) - digits;
  double rounded = ldexp(rint(ldexp(x, -unit)), unit);
  return rounded > largest ? INFINITY : rounded < -largest ? -INFINITY : rounded;
}
)"},
    {"round_to_f16", R"(static double round_to_f16(double x) {
  return round_to_digits(x, 11, -13, 65504.0);
}
)"},
    {"round_to_bf16", R"(static double round_to_bf16(double x) {
  return round_to_digits(x, 8, -125, 0x1.fep127);
}
)"},
};

llvm::ArrayRef<CHelper> getCSpecialHelpers() { return specialTable; }
llvm::ArrayRef<CHelper> getCStorageHelpers() { return storageTable; }

} // namespace gradus
