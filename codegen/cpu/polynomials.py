#!/usr/bin/env python3
"""Derives the polynomials of the vector math functions and writes VectorMathCoefficients.h.

Every polynomial is the minimax approximation (Remez exchange on a dense Chebyshev grid, 400 digits) of the function
named beside it, with an error weight that is the one of the final result. Coefficients are then rounded to the format
that evaluates them; the printed bound is the weighted error after rounding, as a power of two.

Needs mpmath. Run it from anywhere: python3 codegen/cpu/polynomials.py > codegen/cpu/VectorMathCoefficients.h
"""

import struct
import sys

from mpmath import mp, mpf, log, exp, sin, cos, erf, erfc, sqrt, pi, atanh, lu_solve, matrix, nint, log as mlog

mp.dps = 400


def to_double(x):
    return float(x)


def to_single(x):
    """The double that equals x rounded to single precision."""
    return struct.unpack("f", struct.pack("f", float(x)))[0]


def truncate(x, bits):
    """x rounded to `bits` significant bits."""
    scale = mpf(2) ** (bits - 1 - int(mp.floor(mlog(abs(x), 2))))
    return nint(x * scale) / scale


def horner(coefficients, x):
    value = mpf(0)
    for c in reversed(coefficients):
        value = value * x + c
    return value


def remez(f, weight, low, high, degree, fixed=(), points=1500):
    """Minimax coefficients c of f on [low, high]: max |weight * (p - f)| is least. `fixed` pins the lowest ones."""
    low, high = mpf(low), mpf(high)
    grid = [(low + high) / 2 - (high - low) / 2 * cos(pi * (2 * k + 1) / (2 * points)) for k in range(points)]
    free = degree + 1 - len(fixed)
    values = [f(x) - horner(list(fixed), x) for x in grid]
    weights = [weight(x) for x in grid]
    rows = [int((points - 1) * (1 - float(cos(pi * k / free))) / 2 + 0.5) for k in range(free + 1)]
    for _ in range(40):
        system, right = matrix(free + 1, free + 1), matrix(free + 1, 1)
        for i, r in enumerate(rows):
            for j in range(free):
                system[i, j] = grid[r] ** (j + len(fixed))
            system[i, free] = (-1) ** i / weights[r]
            right[i] = values[r]
        solution = lu_solve(system, right)
        c = [solution[j] for j in range(free)]
        level = abs(solution[free])
        errors = [w * (v - x ** len(fixed) * horner(c, x)) for x, v, w in zip(grid, values, weights)]
        # One extremum from every run of equal signs; the best free + 1 neighbours in a row are the new reference.
        extrema, start = [], 0
        for k in range(1, points + 1):
            if k == points or (errors[k] > 0) != (errors[start] > 0):
                extrema.append(max(range(start, k), key=lambda i: abs(errors[i])))
                start = k
        while len(extrema) > free + 1:
            extrema.pop(0 if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]) else -1)
        if len(extrema) < free + 1:
            break
        largest = max(abs(e) for e in errors)
        rows = extrema
        if largest < level * (1 + mpf(10) ** -6):
            break
    return list(fixed) + c


def emit(name, comment, f, weight, low, high, degree, rounding, fixed=()):
    c = [rounding(x) for x in remez(f, weight, low, high, degree, fixed)]
    low, high = mpf(low), mpf(high)
    probes = [low + (high - low) * (k + mpf(1) / 3) / 997 for k in range(997)]
    bound = max(abs(weight(x) * (horner([mpf(v) for v in c], x) - f(x))) for x in probes)
    print(f"/// {comment}; 2^{float(mlog(bound, 2)):.1f}.")
    print(f"inline constexpr double {name}[] = {{")
    for v in c:
        print(f"    {v.hex()},")
    print("};\n")
    print(name, float(mlog(bound, 2)), file=sys.stderr)


def constant(name, comment, value):
    print(f"/// {comment}.\ninline constexpr double {name} = {float(value).hex()};\n")


def split(name, comment, value, head_bits, parts, rounding=to_double):
    """value as a sum of parts: all but the last have head_bits bits."""
    rest, pieces = value, []
    for k in range(parts):
        piece = truncate(rest, head_bits) if k < parts - 1 else mpf(rounding(rest))
        pieces.append(piece)
        rest -= piece
    print(f"/// {comment}.\ninline constexpr double {name}[] = {{" + ", ".join(float(p).hex() for p in pieces) + "};\n")


def taylor_safe(f, series, small=mpf(10) ** -12):
    """f away from 0, its series close to 0 where f cancels."""
    return lambda x: series(x) if abs(x) < small else f(x)


def main():
    print("//===- VectorMathCoefficients.h - Written by polynomials.py, do not edit ------------===//")
    print("//\n// The number behind each polynomial is its weighted error after rounding of the coefficients.\n//")
    print("//===----------------------------------------------------------------------------===//\n")
    print("#ifndef GRADUS_CODEGEN_CPU_VECTORMATHCOEFFICIENTS_H\n#define GRADUS_CODEGEN_CPU_VECTORMATHCOEFFICIENTS_H\n")
    print("namespace gradus::coefficients {\n")
    ln2 = log(mpf(2))
    split("kLn2F32", "ln 2; n times the first is exact for |n| < 2^9", ln2, 15, 2, to_single)
    split("kLn2F64", "ln 2; n times the first is exact for |n| < 2^12", ln2, 41, 2)
    split("kLn2Triple", "ln 2 to 147 bits; n times each of the first two is exact for |n| < 2^12", ln2, 41, 3)
    split("kHalfPi", "pi / 2 to 159 bits", pi / 2, 53, 3)
    constant("kTwoOverPi", "2 / pi", 2 / pi)
    scale = mpf(2) ** 600
    constant("kPieceScale", "The angle is multiplied by it before the pieces of kTwoOverPiDouble are", 1 / scale)
    pieces("kTwoOverPiSingle", "2 / pi in pieces of 24 bits: times a single-precision number exact in double", 24, 9, 1)
    pieces("kTwoOverPiDouble", "2 / pi in pieces of 53 bits, divided by kPieceScale", 53, 22, scale)
    pair("kThird", "1 / 3", mpf(1) / 3)
    pair("kFifth", "1 / 5", mpf(1) / 5)

    half = ln2 / 2 * mpf("1.0001")
    q = taylor_safe(lambda r: (exp(r) - 1 - r) / r ** 2, lambda r: mpf(1) / 2 + r / 6 + r * r / 24)
    emit("kExpF32", "(e^r - 1 - r) / r^2 for |r| <= ln 2 / 2", q, abs_or_tiny, -half, half, 5, to_single)
    emit("kExpF64", "(e^r - 1 - r) / r^2 for |r| <= ln 2 / 2", q, abs_or_tiny, -half, half, 10, to_double)
    last = lambda r: max(r * r, mpf(10) ** -8) * exp(-r)
    emit("kExpPlainF32", "(e^r - 1 - r) / r^2 for |r| <= ln 2 / 2, weighted by r^2 / e^r", q, last, -half, half, 4, to_single)
    emit("kExpPlainF64", "(e^r - 1 - r) / r^2 for |r| <= ln 2 / 2, weighted by r^2 / e^r", q, last, -half, half, 9, to_double)
    emit("kExpShort", "(e^r - 1 - r) / r^2 for |r| <= ln 2 / 2, for results in single precision", q, abs_or_tiny, -half,
         half, 5, to_double)

    edge = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)) ** 2 * mpf("1.0001")
    atan_rest = taylor_safe(lambda z: (atanh(sqrt(z)) / sqrt(z) - 1) * 2 / z,
                            lambda z: mpf(2) / 3 + 2 * z / 5 + 2 * z * z / 7, mpf(10) ** -15)
    emit("kLogF32", "(2 atanh(s) / s - 2) / z for z = s^2, |s| <= 3 - sqrt 8", atan_rest, lambda z: z, 0, edge, 2,
         to_single)
    emit("kLogF64", "(2 atanh(s) / s - 2) / z for z = s^2, |s| <= 3 - sqrt 8", atan_rest, lambda z: z, 0, edge, 6,
         to_double)
    emit("kLogShort", "(2 atanh(s) / s - 2) / z for z = s^2, for results in single precision", atan_rest,
         lambda z: z, 0,
         edge, 4, to_double)
    tail = taylor_safe(lambda z: (atanh(sqrt(z)) / sqrt(z) - 1 - z / 3 - z * z / 5) / z ** 3,
                       lambda z: mpf(1) / 7 + z / 9 + z * z / 11, mpf(10) ** -8)
    emit("kLogTail", "(atanh(s) / s - 1 - z / 3 - z^2 / 5) / z^3 for z = s^2", tail, lambda z: z ** 3, 0, edge, 7,
         to_double)

    quarter = (pi / 4 * mpf("1.05")) ** 2
    sine = taylor_safe(lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, lambda z: -mpf(1) / 6 + z / 120 - z * z / 5040)
    cosine = taylor_safe(lambda z: (cos(sqrt(z)) - 1 + z / 2) / z ** 2, lambda z: mpf(1) / 24 - z / 720 + z * z / 40320,
                         mpf(10) ** -9)
    emit("kSinF64", "(sin r - r) / r^3 in z = r^2, |r| <= 1.05 pi / 4", sine, lambda z: z, 0, quarter, 6, to_double)
    emit("kCosF64", "(cos r - 1 + z / 2) / z^2 in z = r^2", cosine, lambda z: z * z, 0, quarter, 6, to_double)
    emit("kSinShort", "(sin r - r) / r^3 in z = r^2, for results in single precision", sine, lambda z: z, 0,
         quarter, 3, to_double)
    emit("kCosShort", "(cos r - 1 + z / 2) / z^2 in z = r^2, for results in single precision", cosine,
         lambda z: z * z, 0,
         quarter, 3, to_double)

    near = taylor_safe(lambda z: erf(sqrt(z)) / sqrt(z) - 1, lambda z: 2 / sqrt(pi) * (1 - z / 3 + z * z / 10) - 1, mpf(10) ** -18)
    far = lambda t: log(erfc(t + 1))
    tail_weight = lambda t: erfc(t + 1)
    emit("kErfNearF32", "erf(x) / x - 1 in z = x^2, |x| <= 1", near, lambda z: mpf(1), 0, 1, 7, to_single)
    emit("kErfNearF64", "erf(x) / x - 1 in z = x^2, |x| <= 1", near, lambda z: mpf(1), 0, 1, 13, to_double)
    emit("kErfFarF32", "ln(erfc(1 + t)) for 0 <= t <= 3, weighted by erfc", far, tail_weight, 0, 3, 7, to_single)
    emit("kErfFarF64", "ln(erfc(1 + t)) for 0 <= t <= 5, weighted by erfc", far, tail_weight, 0, 5, 19, to_double)
    print("} // namespace gradus::coefficients\n\n#endif // GRADUS_CODEGEN_CPU_VECTORMATHCOEFFICIENTS_H")


def pieces(name, comment, bits, count, scale):
    """2 / pi as a sum of `count` numbers of the same sign with `bits` bits each."""
    rest, lines = 2 / pi, ""
    for _ in range(count):
        piece = truncate_down(rest, bits)
        lines += f"    {float(piece * scale).hex()},\n"
        rest -= piece
    print(f"/// {comment}.\ninline constexpr double {name}[] = {{\n{lines}}};\n")


def pair(name, comment, value):
    high = mpf(float(value))
    both = f"{{{float(high).hex()}, {float(value - high).hex()}}}"
    print(f"/// {comment} as a pair.\ninline constexpr double {name}[] = {both};\n")


def truncate_down(x, bits):
    scale = mpf(2) ** (bits - 1 - int(mp.floor(mlog(abs(x), 2))))
    return mp.floor(x * scale) / scale


def abs_or_tiny(x):
    return max(abs(x), mpf(10) ** -4)


if __name__ == "__main__":
    main()
