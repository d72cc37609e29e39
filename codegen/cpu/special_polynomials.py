#!/usr/bin/env python3
"""Derives the polynomials of the special functions and writes VectorMathSpecialCoefficients.h; see polynomials.py.

Needs mpmath. Run it from anywhere: python3 codegen/cpu/special_polynomials.py > codegen/cpu/VectorMathSpecialCoefficients.h
"""

from mpmath import atan, cbrt, cos, e, erfc, erfinv, exp, findroot, lambertw, log, loggamma, mp, mpf, pi, psi, sin, sqrt

from polynomials import constant, emit, pair, to_double

mp.dps = 60
TITLE = "//===- VectorMathSpecialCoefficients.h - Written by special_polynomials.py, do not edit -===//"
RULE = "//===----------------------------------------------------------------------------===//"
ONE = mpf(1)


def relative(f):
    return lambda x: 1 / abs(f(x))


def scaled_erfc(q):
    """(1 + 2 x) e^(x^2) erfc(x) at x = 4 (1 + q) / (1 - q)."""
    x = 4 * (1 + q) / (1 - q)
    return (1 + 2 * x) * exp(x * x) * erfc(x)


def tail_quantile(v):
    """x / s for the x > 0 above which a standard normal number is with probability e^(-s^2), s = 1 / v."""
    s = 1 / v
    target = -s * s
    x = sqrt(2) * s - log(s) / s
    for _ in range(12):
        tail = erfc(x / sqrt(mpf(2))) / 2
        x -= (log(tail) - target) / (-exp(-x * x / 2) / sqrt(2 * pi) / tail)
    return x / s


def atan_and_roots():
    edge = (sqrt(mpf(2)) - 1) ** 2 * mpf("1.0001")
    emit("kAtan", "(atan(t) / t - 1) / z for z = t^2, |t| <= tan(pi / 8)", lambda z: (atan(sqrt(z)) / sqrt(z) - 1) / z,
         lambda z: z, 0, edge, 11, to_double)
    root = lambda m: cbrt(m)
    emit("kCbrt", "m^(1/3) for sqrt(1/2) <= m <= sqrt 2", root, relative(root), sqrt(ONE / 2), sqrt(mpf(2)), 5, to_double)
    constant("kCbrtTwo", "2^(1/3)", cbrt(mpf(2)))
    constant("kCbrtHalf", "2^(-1/3)", 1 / cbrt(mpf(2)))


def error_functions():
    low, high = (mpf("0.45") - 4) / mpf("4.45"), mpf("23.5") / mpf("31.5")
    emit("kErfcx", "(1 + 2 x) e^(x^2) erfc(x) in q = (x - 4) / (x + 4), 0.45 <= x <= 27.5", scaled_erfc,
         relative(scaled_erfc), low, high, 23, to_double)
    middle = lambda z: sqrt(mpf(2)) * erfinv(2 * sqrt(z)) / sqrt(z)
    emit("kQuantileMiddle", "the normal quantile of 1/2 + q, divided by q, in q^2 for |q| <= 0.42", middle,
         relative(middle), 0, mpf("0.4201") ** 2, 11, to_double)
    emit("kQuantileTail", "-quantile(e^(-s^2)) / s in 1 / s for 1.58 <= s <= 27.4", tail_quantile, relative(tail_quantile),
         mpf("0.0364"), 1 / sqrt(-log(mpf("0.0801"))), 12, to_double)


def gamma_functions():
    log_gamma = lambda y: loggamma(1 + y) / (y * (y - 1))
    emit("kLogGamma", "ln gamma(1 + y) / (y (y - 1)) for 0 <= y <= 1", log_gamma, relative(log_gamma), 0, 1, 22, to_double)
    root = findroot(lambda x: psi(0, x), mpf("1.4616321449683622")) - 1
    pair("kDigammaRoot", "the y with digamma(1 + y) = 0", root)
    digamma = lambda y: psi(0, 1 + y) / (y - root)
    emit("kDigamma", "digamma(1 + y) / (y - kDigammaRoot) for 0 <= y <= 1", digamma, relative(digamma), 0, 1, 24, to_double)
    eighth = mpf("1.0001") / 64
    half_log = log(2 * pi) / 2
    emit("kStirling", "w (ln gamma(w) - (w - 1/2) ln w + w - ln(2 pi) / 2) in 1 / w^2, w >= 8",
         lambda z: (lambda w: w * (loggamma(w) - (w - ONE / 2) * log(w) + w - half_log))(1 / sqrt(z)), lambda z: z ** (ONE / 2),
         mpf(10) ** -6, eighth, 6, to_double)
    emit("kDigammaTail", "w^2 (ln w - 1 / (2 w) - digamma(w)) in 1 / w^2, w >= 8",
         lambda z: (lambda w: (log(w) - 1 / (2 * w) - psi(0, w)) / z)(1 / sqrt(z)), lambda z: z, mpf(10) ** -6, eighth, 6, to_double)
    emit("kTrigammaTail", "w^2 (w trigamma(w) - 1 - 1 / (2 w)) in 1 / w^2, w >= 8",
         lambda z: (lambda w: (w * psi(1, w) - 1 - 1 / (2 * w)) / z)(1 / sqrt(z)), lambda z: z, mpf(10) ** -6, eighth, 7, to_double)
    sine = lambda z: sin(pi * sqrt(z)) / (pi * sqrt(z))
    emit("kSinPi", "sin(pi f) / (pi f) in f^2 for |f| <= 1/2", sine, relative(sine), 0, mpf("0.2501"), 9, to_double)
    emit("kCosPi", "cos(pi f) in f^2 for |f| <= 1/2", lambda z: cos(pi * sqrt(z)), lambda z: ONE, 0, mpf("0.2501"), 10, to_double)


def lambert_function():
    near = lambda p: (lambertw((p * p / 2 - 1) / e).real + 1) / p
    emit("kLambert", "(W(x) + 1) / p for p = sqrt(2 (1 + e x)) <= 0.74", near, relative(near), mpf(10) ** -12, mpf("0.74"), 17, to_double)
    pair("kEuler", "e", +e)


def main():
    print(f"{TITLE}\n//\n// The number behind each polynomial is its weighted error after rounding of the coefficients.\n//\n{RULE}\n")
    print("#ifndef GRADUS_CODEGEN_CPU_VECTORMATHSPECIALCOEFFICIENTS_H")
    print("#define GRADUS_CODEGEN_CPU_VECTORMATHSPECIALCOEFFICIENTS_H\n\nnamespace gradus::coefficients {\n")
    pair("kPi", "pi", +pi)
    pair("kLog2OfE", "1 / ln 2", 1 / log(mpf(2)))
    pair("kLog10OfE", "1 / ln 10", 1 / log(mpf(10)))
    pair("kLn2", "ln 2", log(mpf(2)))
    pair("kSqrtHalf", "sqrt(1/2)", sqrt(ONE / 2))
    constant("kSqrtTwoPi", "sqrt(2 pi)", sqrt(2 * pi))
    constant("kHalfLogTwoPi", "ln(2 pi) / 2 - 1/2", log(2 * pi) / 2 - ONE / 2)
    atan_and_roots()
    error_functions()
    gamma_functions()
    lambert_function()
    print("} // namespace gradus::coefficients\n\n#endif // GRADUS_CODEGEN_CPU_VECTORMATHSPECIALCOEFFICIENTS_H")


if __name__ == "__main__":
    main()
