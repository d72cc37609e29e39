//===- Scalar.h - The scalar functions of the reference evaluator -------------===//
//
// `Math<S>` holds every scalar function of the dialect for one scalar type. Here: double and long double, by the host's
// library, and std::complex, whose imaginary part a caller may use as a complex step. Dual.h adds the dual numbers.
//
// An order is needed by max, select and the like: complex and dual numbers compare by their *lead*, the real number
// that they perturb. `drop` forgets the perturbation.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/reference/Special.h"

#include <cmath>
#include <complex>
#include <concepts>
#include <limits>
#include <numbers>

namespace gradus::reference {

template <typename S>
struct Math;

/// What follows from the basic functions alone, with the kinks as the dialect documents them.
template <typename S>
struct Kinks {
  /// NaN if either is; a tie goes to the first, so that its derivative does too.
  static S max(const S &a, const S &b) { return pick(a, b, Math<S>::lead(a) >= Math<S>::lead(b)); }
  static S min(const S &a, const S &b) { return pick(a, b, Math<S>::lead(a) <= Math<S>::lead(b)); }
  /// -1, 0 or 1 (NaN for NaN), a constant.
  static S sign(const S &x) {
    auto lead = Math<S>::lead(x);
    return std::isnan(lead) ? S(lead) : S(lead > 0 ? 1 : lead < 0 ? -1 : 0);
  }
  static S floor(const S &x) { return S(std::floor(Math<S>::lead(x))); }
  static S ceil(const S &x) { return S(std::ceil(Math<S>::lead(x))); }
  static S round(const S &x) { return S(std::nearbyint(Math<S>::lead(x))); }
  static S trunc(const S &x) { return S(std::trunc(Math<S>::lead(x))); }

private:
  static S pick(const S &a, const S &b, bool isFirst) {
    if (std::isnan(Math<S>::lead(a)))
      return a;
    return isFirst && !std::isnan(Math<S>::lead(b)) ? a : b;
  }
};

/// x^n by repeated squaring; x^0 is 1 for every x, a negative n gives 1 / x^-n.
template <typename S>
S intPow(S x, int64_t n) {
  uint64_t exponent = n < 0 ? 0 - static_cast<uint64_t>(n) : static_cast<uint64_t>(n);
  S result(1);
  for (; exponent; exponent >>= 1) {
    if (exponent & 1)
      result = result * x;
    if (exponent > 1)
      x = x * x;
  }
  return n < 0 ? S(1) / result : result;
}

template <std::floating_point F>
struct Math<F> : Kinks<F> {
  using Lead = F;
  static constexpr int order = 0; ///< how many derivatives the number carries
  static F lead(F x) { return x; }
  static F drop(F x) { return x; }
  static bool isZero(F x) { return x == 0; }
  /// Whether it carries a derivative.
  static bool moves(F) { return false; }

  /// x, whose derivative is NaN.
  static F withUnknownSlope(F x) { return x; }
  static F abs(F x) { return std::fabs(x); }
  static F acos(F x) { return std::acos(x); }
  static F acosh(F x) { return std::acosh(x); }
  static F asin(F x) { return std::asin(x); }
  static F asinh(F x) { return std::asinh(x); }
  static F atan(F x) { return std::atan(x); }
  static F atan2(F y, F x) { return std::atan2(y, x); }
  static F atanh(F x) { return std::atanh(x); }
  static F cbrt(F x) { return static_cast<F>(std::cbrt(static_cast<long double>(x))); } // that of double is off by some last places
  static F cos(F x) { return std::cos(x); }
  static F cosh(F x) { return std::cosh(x); }
  static F digamma(F x) { return static_cast<F>(special::digamma<long double>(x)); }
  static F erf(F x) { return std::erf(x); }
  static F erfc(F x) { return std::erfc(x); }
  static F exp(F x) { return std::exp(x); }
  static F exp2(F x) { return std::exp2(x); }
  static F expm1(F x) { return std::expm1(x); }
  static F hypot(F a, F b) { return std::hypot(a, b); }
  static F lambertW(F x) { return static_cast<F>(special::lambertW(x)); }
  static F lgamma(F x) { return static_cast<F>(special::lgamma<long double>(x)); }
  static F log(F x) { return std::log(x); }
  static F log10(F x) { return std::log10(x); }
  static F log1p(F x) { return std::log1p(x); }
  static F log2(F x) { return std::log2(x); }
  static F normalCdf(F x) { return static_cast<F>(special::normalCdf(x)); }
  static F normalQuantile(F p) { return static_cast<F>(special::normalQuantile(p)); }
  static F pow(F a, F b) { return std::pow(a, b); }
  static F sin(F x) { return std::sin(x); }
  static F sinh(F x) { return std::sinh(x); }
  static F sqrt(F x) { return std::sqrt(x); }
  static F tan(F x) { return std::tan(x); }
  static F tanh(F x) { return std::tanh(x); }
  static F trigamma(F x) { return static_cast<F>(special::trigamma<long double>(x)); }
  static F sigmoid(F x) {
    F e = std::exp(-std::fabs(x));
    return x >= 0 ? 1 / (1 + e) : e / (1 + e);
  }
  static F softplus(F x) { return std::isnan(x) ? x : std::fmax(x, F(0)) + std::log1p(std::exp(-std::fabs(x))); }
};

/// Analytic continuations, exact to rounding also where the imaginary part is a tiny step. `abs` is the one that agrees
/// with the real function: z or -z, by the sign of the real part.
template <std::floating_point F>
struct Math<std::complex<F>> : Kinks<std::complex<F>> {
  using Lead = F;
  using C = std::complex<F>;
  static constexpr int order = 0;
  static F lead(C x) { return x.real(); }
  static C drop(C x) { return C(x.real()); }
  static bool isZero(C x) { return x.real() == 0 && x.imag() == 0; }
  static bool moves(C x) { return x.imag() != 0; }

  static C withUnknownSlope(C x) { return x; }
  static C abs(C x) { return x.real() > 0 ? x : x.real() < 0 ? -x : C(std::fabs(x.real())); }
  static C cos(C x) { return std::cos(x); }
  static C cosh(C x) { return std::cosh(x); }
  static C exp(C x) { return x.imag() == 0 ? C(std::exp(x.real())) : std::exp(x); }
  static C log(C x) { return std::log(x); }
  static C sin(C x) { return std::sin(x); }
  static C sinh(C x) { return std::sinh(x); }
  static C tan(C x) { return std::tan(x); }
  static C tanh(C x) { return std::tanh(x); }
  static C sqrt(C x) { return std::sqrt(x); }
  static C digamma(C x) { return special::digamma(x); }
  static C lgamma(C x) { return special::lgamma(x); }
  static C trigamma(C x) { return special::trigamma(x); }

  // Functions with a domain are NaN outside of it, as the real ones.
  static C within(bool isInside, C y) { return isInside ? y : C(std::numeric_limits<F>::quiet_NaN()); }
  static C acos(C x) { return within(std::fabs(x.real()) <= 1, std::acos(x)); }
  static C acosh(C x) { return within(x.real() >= 1, std::acosh(x)); }
  static C asin(C x) { return within(std::fabs(x.real()) <= 1, std::asin(x)); }
  static C asinh(C x) { return std::asinh(x); }
  static C atan(C x) { return std::atan(x); }
  static C atanh(C x) { return within(std::fabs(x.real()) <= 1, std::atanh(x)); }
  /// From the angle of the real parts on.
  static C atan2(C y, C x) {
    F a = y.real(), b = x.real(), angle = std::atan2(a, b), radius = std::hypot(a, b);
    if (radius == 0 || !std::isfinite(radius))
      return C(angle);
    a /= radius;
    b /= radius;
    return C(angle) + std::atan((y * b - x * a) / (x * b + y * a));
  }
  static C cbrt(C x) {
    F root = std::cbrt(x.real());
    return x.real() == 0 || !std::isfinite(root) ? C(root) : root * std::exp(std::log(C(1, x.imag() / x.real())) / F(3));
  }
  static C exp2(C x) { return C(std::exp2(x.real())) * std::exp(C(0, x.imag() * std::numbers::ln2_v<F>)); }
  static C hypot(C a, C b) {
    F scale = std::fmax(std::fabs(a.real()), std::fabs(b.real()));
    if (scale == 0 || !std::isfinite(scale))
      return C(std::hypot(a.real(), b.real()));
    a /= scale;
    b /= scale;
    return scale * std::sqrt(a * a + b * b);
  }
  static C log10(C x) { return within(!(x.real() < 0), std::log(x) / std::numbers::ln10_v<F>); }
  static C log2(C x) { return within(!(x.real() < 0), std::log(x) / std::numbers::ln2_v<F>); }
  static C normalCdf(C x) { return F(0.5) * erfc(-std::numbers::sqrt2_v<F> / F(2) * x); }
  /// Newton's method from the real solution.
  static C normalQuantile(C p) {
    C x(static_cast<F>(special::normalQuantile(p.real())));
    for (int step = 0; step < 3 && std::isfinite(x.real()); ++step)
      x -= (normalCdf(x) - p) * std::exp(x * x / F(2)) * std::sqrt(2 * std::numbers::pi_v<F>);
    return x;
  }
  static C lambertW(C x) {
    C w(static_cast<F>(special::lambertW(x.real())));
    for (int step = 0; step < 3 && x.imag() != 0 && std::isfinite(w.real()); ++step)
      w -= (w - x * std::exp(-w)) / (w + F(1));
    return w;
  }

  /// e^x cos y - 1 = expm1(x) cos y - 2 sin^2(y / 2)
  static C expm1(C z) {
    F half = std::sin(z.imag() / 2);
    return C(std::expm1(z.real()) * std::cos(z.imag()) - 2 * half * half, std::exp(z.real()) * std::sin(z.imag()));
  }
  /// |1 + z|^2 = 1 + x (2 + x) + y^2
  static C log1p(C z) {
    F x = z.real(), y = z.imag();
    return C(std::log1p(x * (2 + x) + y * y) / 2, std::atan2(y, 1 + x));
  }
  static C sigmoid(C z) {
    C e = exp(z.real() >= 0 ? -z : z);
    return z.real() >= 0 ? C(1) / (C(1) + e) : e / (C(1) + e);
  }
  static C softplus(C z) { return z.real() >= 0 ? z + log1p(exp(-z)) : log1p(exp(z)); }

  /// A real integer exponent goes by squaring, which is exact also on the negative axis and at 0; else the principal
  /// value, and NaN where the real function is NaN.
  static C pow(C a, C b) {
    if (b.imag() == 0 && b.real() == std::floor(b.real()) && std::fabs(b.real()) <= 1024)
      return intPow(a, static_cast<int64_t>(b.real()));
    if (a.real() < 0 && b.real() != std::floor(b.real()))
      return C(std::numeric_limits<F>::quiet_NaN());
    return isZero(a) ? C(std::pow(a.real(), b.real())) : std::pow(a, b);
  }

  /// Abramowitz and Stegun 7.1.29, whose terms fall as e^(-n^2 / 4).
  static C erf(C z) { return C(std::erf(z.real())) + erfBeside(z); }
  static C erfc(C z) { return C(std::erfc(z.real())) - erfBeside(z); }

private:
  /// erf(z) - erf(Re z)
  static C erfBeside(C z) {
    F x = z.real(), y = z.imag(), pi = std::numbers::pi_v<F>;
    if (y == 0 || !std::isfinite(x))
      return C(0, y);
    F gauss = std::exp(-x * x), cosine = std::cos(2 * x * y), sine = std::sin(2 * x * y);
    F half = std::sin(x * y); // 1 - cos(2 x y) = 2 sin^2(x y)
    C sum = x == 0 ? C(0, y / pi) : gauss / (2 * pi * x) * C(2 * half * half, sine);
    for (int n = 1; n <= 16; ++n) {
      F weight = 2 / pi * gauss * std::exp(-F(n) * n / 4) / (n * n + 4 * x * x);
      F ch = std::cosh(n * y), sh = std::sinh(n * y);
      sum += weight * C(2 * x * (1 - ch * cosine) + n * sh * sine, 2 * x * ch * sine + n * sh * cosine);
    }
    return sum;
  }
};

} // namespace gradus::reference
