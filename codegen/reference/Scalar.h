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

  /// x, whose derivative is NaN.
  static F withUnknownSlope(F x) { return x; }
  static F abs(F x) { return std::fabs(x); }
  static F cos(F x) { return std::cos(x); }
  static F erf(F x) { return std::erf(x); }
  static F exp(F x) { return std::exp(x); }
  static F expm1(F x) { return std::expm1(x); }
  static F log(F x) { return std::log(x); }
  static F log1p(F x) { return std::log1p(x); }
  static F pow(F a, F b) { return std::pow(a, b); }
  static F sin(F x) { return std::sin(x); }
  static F sqrt(F x) { return std::sqrt(x); }
  static F tan(F x) { return std::tan(x); }
  static F tanh(F x) { return std::tanh(x); }
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

  static C withUnknownSlope(C x) { return x; }
  static C abs(C x) { return x.real() > 0 ? x : x.real() < 0 ? -x : C(std::fabs(x.real())); }
  static C cos(C x) { return std::cos(x); }
  static C exp(C x) { return x.imag() == 0 ? C(std::exp(x.real())) : std::exp(x); }
  static C log(C x) { return std::log(x); }
  static C sin(C x) { return std::sin(x); }
  static C tan(C x) { return std::tan(x); }
  static C tanh(C x) { return std::tanh(x); }
  static C sqrt(C x) { return std::sqrt(x); }

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
  static C erf(C z) {
    F x = z.real(), y = z.imag(), pi = std::numbers::pi_v<F>;
    if (y == 0 || !std::isfinite(x))
      return C(std::erf(x), y);
    F gauss = std::exp(-x * x), cosine = std::cos(2 * x * y), sine = std::sin(2 * x * y);
    F half = std::sin(x * y); // 1 - cos(2 x y) = 2 sin^2(x y)
    C sum = x == 0 ? C(0, y / pi) : gauss / (2 * pi * x) * C(2 * half * half, sine);
    for (int n = 1; n <= 16; ++n) {
      F weight = 2 / pi * gauss * std::exp(-F(n) * n / 4) / (n * n + 4 * x * x);
      F ch = std::cosh(n * y), sh = std::sinh(n * y);
      sum += weight * C(2 * x * (1 - ch * cosine) + n * sh * sine, 2 * x * ch * sine + n * sh * cosine);
    }
    return C(std::erf(x)) + sum;
  }
};

} // namespace gradus::reference
