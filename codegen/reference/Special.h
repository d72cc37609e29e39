//===- Special.h - Special functions of the reference evaluator ----------------===//
//
// For S = long double and for complex numbers, which are told apart by `leadOf`. The formulas are not those of the vector
// math: everything is shifted up to the series of Stirling, and inverse functions are solved by Newton's method until it
// stands. Real numbers are computed in long double, so that a double is right to its last bit but where a note says so.
//
//===----------------------------------------------------------------------===//

#pragma once

#include <cmath>
#include <complex>
#include <limits>
#include <numbers>

namespace gradus::reference::special {

inline long double leadOf(long double x) { return x; }
template <typename F>
F leadOf(const std::complex<F> &x) { return x.real(); }

template <typename S>
using Real = decltype(leadOf(S()));
template <typename S>
constexpr Real<S> pi = std::numbers::pi_v<Real<S>>;

//===----------------------------------------------------------------------===//
// Gamma functions (Abramowitz and Stegun 6.1.40, 6.3.18, 6.4.12)
//===----------------------------------------------------------------------===//

/// B_2, B_4, ..
constexpr long double bernoulli[] = {1.0L / 6,        -1.0L / 30,     1.0L / 42,          -1.0L / 30,     5.0L / 66,
                                     -691.0L / 2730,  7.0L / 6,       -3617.0L / 510,     43867.0L / 798, -174611.0L / 330,
                                     854513.0L / 138, -236364091.0L / 2730};
constexpr int shifted = 24; ///< from where the series is right to the last bit

template <typename S>
bool isPole(const S &x) {
  return leadOf(x) <= 0 && leadOf(x) == std::floor(leadOf(x));
}

/// ln x or ln(-x), whichever is real for a real x.
template <typename S>
S logOfMagnitude(const S &x) { return std::log(leadOf(x) < 0 ? -x : x); }

/// x less the integer nearest to it.
template <typename S>
S fraction(const S &x) { return x - S(std::nearbyint(leadOf(x))); }

/// ln |gamma(x)|
template <typename S>
S lgamma(S x) {
  using R = Real<S>;
  if (isPole(x) || std::isinf(leadOf(x)))
    return S(std::numeric_limits<R>::infinity());
  if (leadOf(x) < 0)
    return -logOfMagnitude(S(std::sin(pi<S> * fraction(x)) / pi<S>)) - lgamma(S(R(1) - x));
  S shift(0);
  for (; leadOf(x) < shifted; x = x + R(1))
    shift = shift + std::log(x);
  S y = (x - R(0.5)) * std::log(x) - x + std::log(2 * pi<S>) / 2 - shift, power = R(1) / x, square = power * power;
  for (int k = 0; k < 12; ++k, power = power * square)
    y = y + R(bernoulli[k] / ((2 * k + 1) * (2 * k + 2))) * power;
  return y;
}
template <>
inline long double lgamma(long double x) { return std::lgamma(x); }

template <typename S>
S digamma(S x) {
  using R = Real<S>;
  if (isPole(x))
    return S(std::numeric_limits<R>::quiet_NaN());
  if (leadOf(x) < 0) {
    S angle = pi<S> * fraction(x);
    return digamma(S(R(1) - x)) - pi<S> * std::cos(angle) / std::sin(angle);
  }
  if (std::isinf(leadOf(x)))
    return x;
  S shift(0);
  for (; leadOf(x) < shifted; x = x + R(1))
    shift = shift + R(1) / x;
  S r = R(1) / x, square = r * r, power = square, y = std::log(x) - r / R(2) - shift;
  for (int k = 0; k < 12; ++k, power = power * square)
    y = y - R(bernoulli[k] / (2 * k + 2)) * power;
  return y;
}

template <typename S>
S trigamma(S x) {
  using R = Real<S>;
  if (isPole(x))
    return S(std::numeric_limits<R>::infinity());
  if (leadOf(x) < 0) {
    S root = pi<S> / std::sin(pi<S> * fraction(x));
    return root * root - trigamma(S(R(1) - x));
  }
  if (std::isinf(leadOf(x)))
    return S(0);
  S shift(0);
  for (; leadOf(x) < shifted; x = x + R(1))
    shift = shift + R(1) / (x * x);
  S r = R(1) / x, square = r * r, power = square * r, y = shift + r + square / R(2);
  for (int k = 0; k < 12; ++k, power = power * square)
    y = y + R(bernoulli[k]) * power;
  return y;
}

//===----------------------------------------------------------------------===//
// The normal distribution, real
//===----------------------------------------------------------------------===//

inline long double normalCdf(long double x) {
  // erfc(x / sqrt 2) takes the rounding of its argument up by x^2, so what it loses is put back.
  constexpr long double root = 1.41421356237309504880168872420969807857L, rootLow = 3.7900651177865141593e-20L;
  if (std::fabs(x) > 200)
    return x > 0 ? 1 : 0;
  long double z = -x / root, lost = (std::fma(-z, root, -x) - z * rootLow) / root;
  return std::erfc(z) * std::exp(z > 1 ? -2 * z * lost : 0) / 2;
}

/// The logarithm of a tail is concave: Newton's method comes down on it from a start beyond. In the middle the distance to 1/2
/// is solved for, which does not cancel.
inline long double normalQuantile(long double p) {
  using Limits = std::numeric_limits<long double>;
  if (std::isnan(p) || p < 0 || p > 1)
    return Limits::quiet_NaN();
  if (p == 0 || p == 1)
    return p == 0 ? -Limits::infinity() : Limits::infinity();
  long double q = p - 0.5L, tail = p < 0.5L ? p : 1 - p;
  bool isMiddle = std::fabs(q) < 0.4L;
  long double a = isMiddle ? 0 : std::sqrt(-2 * std::log(tail));
  const long double rootTwoPi = std::sqrt(2 * pi<long double>);
  for (int step = 0; step < 60; ++step) {
    long double density = std::exp(-a * a / 2) / rootTwoPi, value = normalCdf(-a), change;
    if (isMiddle)
      change = (std::fabs(q) - std::erf(a / std::sqrt(2.0L)) / 2) / density;
    else
      change = std::log(value / tail) * value / density;
    a += change;
    if (std::fabs(change) <= 4 * Limits::epsilon() * a)
      break;
  }
  return std::copysign(a, q);
}

//===----------------------------------------------------------------------===//
// Lambert's W
//===----------------------------------------------------------------------===//

/// The expansion at the branch point in p = sqrt(2 (1 + e x)) (Corless et al., Adv. Comput. Math. 5, 1996, 4.22 - 4.24).
inline long double lambertNearBranch(long double p) {
  constexpr int terms = 40;
  long double mu[terms] = {-1, 1}, alpha[terms] = {2, -1}, value = -1 + p, power = p;
  for (int k = 2; k < terms; ++k) {
    alpha[k] = 0;
    for (int j = 2; j < k; ++j)
      alpha[k] += mu[j] * mu[k + 1 - j];
    mu[k] = (k - 1.0L) / (k + 1) * (mu[k - 2] / 2 + alpha[k - 2] / 4) - alpha[k] / 2 - mu[k - 1] / (k + 1);
    value += mu[k] * (power *= p);
  }
  return value;
}

inline long double lambertW(long double x) {
  constexpr long double e = std::numbers::e_v<long double>, eLow = -6.7880636641277841172e-20L;
  if (std::isnan(x) || x == 0 || (std::isinf(x) && x > 0))
    return x;
  long double above = std::fma(x, e, 1.0L) + x * eLow;
  if (above < 0)
    return std::numeric_limits<long double>::quiet_NaN();
  long double p = std::sqrt(2 * above);
  if (p < 0.4L)
    return lambertNearBranch(p);
  // Newton's method on w e^w = x where that is tame, and on w + ln w = ln x for large x.
  long double w = x < 2 ? x / (1 + x) : std::log(x) - std::log(std::log(x) + 1);
  w = x < 0 ? -1 + p - p * p / 3 : w;
  for (int step = 0; step < 60; ++step) {
    long double change = x < 2 ? (w - x * std::exp(-w)) / (1 + w) : (w + std::log(w) - std::log(x)) * w / (1 + w);
    w -= change;
    if (std::fabs(change) <= 2 * std::numeric_limits<long double>::epsilon() * std::fabs(w))
      break;
  }
  return w;
}

} // namespace gradus::reference::special
