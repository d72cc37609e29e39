//===- Dual.h - Dual numbers: a value and its derivatives in a few directions --===//
//
// Forward mode, the other way round than the compiler's derivatives, so that the two can check each other. A dual number
// is again a scalar of the evaluator: Dual<Dual<double>> carries second derivatives. It has several tangents, so that one
// evaluation serves several elements of the gradient.
//
// A number knows which directions it moves in. One that does not depend on a direction, or that a choice has cut off from it, gets no NaN there from an infinite
// slope (sqrt at 0); a tangent that is 0 by chance is a number like any other: 0 * inf is NaN, as it is in reverse mode.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/reference/Scalar.h"

#include <array>
#include <cstdint>

namespace gradus::reference {

/// Tangents in each level: nested numbers grow by the product.
template <typename T>
constexpr int tangentCount = Math<T>::order == 0 ? 8 : Math<T>::order == 1 ? 4 : 1;

template <typename T>
struct Dual {
  static constexpr int width = tangentCount<T>;
  T value;
  std::array<T, width> tangent;
  /// A bit for each direction that it depends on; the tangents in the others are 0. As wide as a number, so that no bytes lie between (EvaluatorCustom.cpp).
  uint64_t moving = 0;

  Dual() : Dual(T(0)) {}
  /// A constant.
  explicit Dual(T value) : value(value) { tangent.fill(T(0)); }
  template <typename U>
    requires(std::is_arithmetic_v<U> && !std::same_as<U, T>)
  explicit Dual(U value) : Dual(T(static_cast<typename Math<T>::Lead>(value))) {}

  bool moves(int k) const { return moving >> k & 1; }
  void setTangent(int k, const T &t) {
    tangent[k] = t;
    moving |= uint64_t(1) << k;
  }
};

template <typename T>
struct IsDual : std::false_type {};
template <typename T>
struct IsDual<Dual<T>> : std::true_type {};

/// Adds slope * x to the tangents of y.
template <typename T>
void moveAlong(Dual<T> &y, const T &slope, const Dual<T> &x) {
  for (int k = 0; k < Dual<T>::width; ++k)
    if (x.moves(k))
      y.tangent[k] = y.moves(k) ? y.tangent[k] + slope * x.tangent[k] : slope * x.tangent[k];
  y.moving |= x.moving;
}

/// f(x) from its value and slope.
template <typename T>
Dual<T> chain(const Dual<T> &x, const T &value, const T &slope) {
  Dual<T> y(value);
  moveAlong(y, slope, x);
  return y;
}

/// f(a, b) from its value and slopes.
template <typename T>
Dual<T> chain(const Dual<T> &a, const Dual<T> &b, const T &value, const T &slopeA, const T &slopeB) {
  Dual<T> y(value);
  moveAlong(y, slopeA, a);
  moveAlong(y, slopeB, b);
  return y;
}

template <typename T>
Dual<T> operator-(const Dual<T> &x) {
  return chain(x, -x.value, T(-1));
}
template <typename T>
Dual<T> operator+(const Dual<T> &a, const Dual<T> &b) {
  Dual<T> y(a.value + b.value);
  for (int k = 0; k < Dual<T>::width; ++k)
    y.tangent[k] = a.tangent[k] + b.tangent[k];
  y.moving = a.moving | b.moving;
  return y;
}
template <typename T>
Dual<T> operator-(const Dual<T> &a, const Dual<T> &b) {
  Dual<T> y(a.value - b.value);
  for (int k = 0; k < Dual<T>::width; ++k)
    y.tangent[k] = a.tangent[k] - b.tangent[k];
  y.moving = a.moving | b.moving;
  return y;
}
template <typename T>
Dual<T> operator*(const Dual<T> &a, const Dual<T> &b) {
  return chain(a, b, a.value * b.value, b.value, a.value);
}
template <typename T>
Dual<T> operator/(const Dual<T> &a, const Dual<T> &b) {
  T quotient = a.value / b.value, slope = T(1) / b.value;
  return chain(a, b, quotient, slope, -(quotient * slope));
}

template <typename T>
struct Math<Dual<T>> : Kinks<Dual<T>> {
  using M = Math<T>;
  using Lead = typename M::Lead;
  using D = Dual<T>;
  static constexpr int order = M::order + 1;
  static Lead lead(const D &x) { return M::lead(x.value); }
  static D drop(const D &x) { return D(M::drop(x.value)); }
  static bool moves(const D &x) { return x.moving || M::moves(x.value); }
  static bool isZero(const D &x) {
    if (!M::isZero(x.value))
      return false;
    for (const T &t : x.tangent)
      if (!M::isZero(t))
        return false;
    return true;
  }

  static D abs(const D &x) {
    Lead at = lead(x);
    return at < 0 ? -x : at == 0 ? D(M::abs(x.value)) : x; // slope 0 at 0
  }
  static D acos(const D &x) { return chain(x, M::acos(x.value), T(-1) / M::sqrt((T(1) - x.value) * (T(1) + x.value))); }
  static D acosh(const D &x) { return chain(x, M::acosh(x.value), T(1) / (M::sqrt(x.value - T(1)) * M::sqrt(x.value + T(1)))); }
  static D asin(const D &x) { return chain(x, M::asin(x.value), T(1) / M::sqrt((T(1) - x.value) * (T(1) + x.value))); }
  static D asinh(const D &x) { return chain(x, M::asinh(x.value), T(1) / M::hypot(x.value, T(1))); }
  static D atan(const D &x) { return chain(x, M::atan(x.value), T(1) / (T(1) + x.value * x.value)); }
  /// Slopes x / r^2 and -y / r^2; 0 at the origin.
  static D atan2(const D &y, const D &x) {
    T angle = M::atan2(y.value, x.value), r = M::hypot(y.value, x.value);
    if (M::lead(r) == 0)
      return D(angle);
    return chain(y, x, angle, x.value / r / r, -(y.value / r / r));
  }
  static D atanh(const D &x) { return chain(x, M::atanh(x.value), T(1) / ((T(1) - x.value) * (T(1) + x.value))); }
  /// At 0 the slope is +inf.
  static D cbrt(const D &x) {
    T y = M::cbrt(x.value);
    return chain(x, y, T(1) / (T(3) * y * y));
  }
  static D cos(const D &x) { return chain(x, M::cos(x.value), -M::sin(x.value)); }
  static D cosh(const D &x) { return chain(x, M::cosh(x.value), M::sinh(x.value)); }
  static D digamma(const D &x) { return chain(x, M::digamma(x.value), M::trigamma(x.value)); }
  static D erf(const D &x) {
    T factor(std::numbers::inv_sqrtpi_v<Lead> * 2);
    return chain(x, M::erf(x.value), factor * M::exp(-(x.value * x.value)));
  }
  static D erfc(const D &x) {
    T factor(std::numbers::inv_sqrtpi_v<Lead> * -2);
    return chain(x, M::erfc(x.value), factor * M::exp(-(x.value * x.value)));
  }
  static D exp(const D &x) {
    T y = M::exp(x.value);
    return chain(x, y, y);
  }
  static D exp2(const D &x) {
    T y = M::exp2(x.value);
    return chain(x, y, T(std::numbers::ln2_v<Lead>) * y);
  }
  static D expm1(const D &x) { return chain(x, M::expm1(x.value), M::exp(x.value)); }
  static D withUnknownSlope(const D &x) { return chain(x, M::withUnknownSlope(x.value), T(std::numeric_limits<Lead>::quiet_NaN())); }
  /// Slopes a / r and b / r; 0 where both are 0.
  static D hypot(const D &a, const D &b) {
    T r = M::hypot(a.value, b.value);
    return M::lead(r) == 0 ? D(r) : chain(a, b, r, a.value / r, b.value / r);
  }
  /// 1 / (e^w (1 + w)): +inf at the branch point.
  static D lambertW(const D &x) {
    T w = M::lambertW(x.value);
    return chain(x, w, M::exp(-w) / (T(1) + w));
  }
  static D lgamma(const D &x) { return chain(x, M::lgamma(x.value), M::digamma(x.value)); }
  static D log(const D &x) { return chain(x, M::log(x.value), T(1) / x.value); }
  static D log10(const D &x) { return chain(x, M::log10(x.value), T(1) / (T(std::numbers::ln10_v<Lead>) * x.value)); }
  static D log1p(const D &x) { return chain(x, M::log1p(x.value), T(1) / (T(1) + x.value)); }
  static D log2(const D &x) { return chain(x, M::log2(x.value), T(1) / (T(std::numbers::ln2_v<Lead>) * x.value)); }
  static D normalCdf(const D &x) {
    T factor(std::numbers::inv_sqrtpi_v<Lead> / std::numbers::sqrt2_v<Lead>);
    return chain(x, M::normalCdf(x.value), factor * M::exp(T(-0.5) * x.value * x.value));
  }
  static D normalQuantile(const D &p) {
    T x = M::normalQuantile(p.value), factor(std::numbers::sqrt2_v<Lead> / std::numbers::inv_sqrtpi_v<Lead>);
    return chain(p, x, factor * M::exp(T(0.5) * x * x));
  }
  static D sigmoid(const D &x) {
    T y = M::sigmoid(x.value);
    return chain(x, y, y * M::sigmoid(-x.value)); // 1 - y would cancel
  }
  static D sin(const D &x) { return chain(x, M::sin(x.value), M::cos(x.value)); }
  static D sinh(const D &x) { return chain(x, M::sinh(x.value), M::cosh(x.value)); }
  static D softplus(const D &x) { return chain(x, M::softplus(x.value), M::sigmoid(x.value)); }
  /// At 0 the slope is +inf, also at -0: adding 0 clears its sign.
  static D sqrt(const D &x) { return chain(x, M::sqrt(x.value), T(0.5) / M::sqrt(x.value + T(0))); }
  static D tan(const D &x) {
    T y = M::tan(x.value);
    return chain(x, y, T(1) + y * y);
  }
  /// 1 - tanh^2 would cancel: 4 e / (1 + e)^2 with e = exp(-2 |x|).
  static D tanh(const D &x) {
    T e = M::exp(lead(x) < 0 ? x.value + x.value : -(x.value + x.value)), s = T(1) + e;
    return chain(x, M::tanh(x.value), T(4) * e / (s * s));
  }
  /// Its slope is a polygamma function of higher order, which the language does not have.
  static D trigamma(const D &x) { return chain(x, M::trigamma(x.value), T(std::numeric_limits<Lead>::quiet_NaN())); }
  /// Partials b a^(b - 1), but a is left out where b = 0 and a is 0 or NaN; and a^b ln(a), but b is left out where a = 0.
  static D pow(const D &a, const D &b) {
    D y(M::pow(a.value, b.value));
    if (lead(b) != 0 || std::fabs(lead(a)) > 0)
      moveAlong(y, b.value * M::pow(a.value, b.value - T(1)), a);
    if (lead(a) != 0)
      moveAlong(y, y.value * M::log(a.value), b);
    return y;
  }
};

/// The number of derivatives that can be nested on each scalar type of the evaluator.
template <typename S>
struct Nesting {
  using Base = S;
  static constexpr int limit = std::same_as<S, double> ? 3 : std::same_as<S, long double> ? 2 : 1;
};
template <typename T>
struct Nesting<Dual<T>> : Nesting<T> {};

/// The scalar below a dual number; a plain number itself.
template <typename S>
struct Below {
  using Type = S;
};
template <typename T>
struct Below<Dual<T>> {
  using Type = T;
};

} // namespace gradus::reference
