#!/usr/bin/env python3
"""Derives the tables of the draws and writes Tables.h: data for the compiler and for the reference evaluator alike.

quantile: z(p) with P(N(0, 1) > z) = p for p = f / 2^bits, f in [1, 2^(bits - 1)]. Each octave of f is cut into 4 segments; in
each, a polynomial in t = m - c, where m in [1, 2) is the significand of f and c the middle of the segment. Chebyshev
interpolation with 60 digits, coefficients rounded. The last segment is p = 1/2 alone: all zeros.

log: for each of 16 intervals of the significand z in [0.6875, 1.375): a point c, 1 / c and ln(c); beside 1, c is 1, so that ln
keeps its relative accuracy there.

Needs mpmath. Run it from anywhere: python3 codegen/draws/tables.py > codegen/draws/Tables.h
"""

import struct

from mpmath import mp, mpf, cos, erfc, exp, log, matrix, lu_solve, pi, sqrt

mp.dps = 60
SEGMENTS = 4


def rounded(x, is_single):
    return struct.unpack("f", struct.pack("f", float(x)))[0] if is_single else float(x)


def quantile(p, start):
    """Newton's method for erfc(z / sqrt(2)) / 2 = p."""
    z = mpf(start)
    for _ in range(60):
        step = (erfc(z / sqrt(mpf(2))) / 2 - p) * sqrt(2 * pi) * exp(z * z / 2)
        z += step
        if abs(step) < mpf(10) ** -40:
            break
    return z


def segment(octave, number, bits, degree, start):
    """Coefficients in t, and the largest error at points between the nodes."""
    half = mpf(1) / (2 * SEGMENTS)
    middle = 1 + (2 * number + 1) * half
    scale = mpf(2) ** (octave - bits)
    nodes = [half * cos(pi * (2 * k + 1) / (2 * (degree + 1))) for k in range(degree + 1)]
    values = []
    for t in nodes:
        start = quantile((middle + t) * scale, start)
        values.append(start)
    system, right = matrix(degree + 1, degree + 1), matrix(degree + 1, 1)
    for i, t in enumerate(nodes):
        for j in range(degree + 1):
            system[i, j] = t ** j
        right[i] = values[i]
    solution = lu_solve(system, right)
    return [solution[j] for j in range(degree + 1)], values[-1]


def quantile_table(bits, degree, is_single):
    table, start = [], mpf(6 if is_single else 9)
    worst = mpf(0)
    for octave in range(bits - 1):
        for number in range(SEGMENTS):
            c, start = segment(octave, number, bits, degree, start)
            c = [rounded(x, is_single) for x in c]
            table.append(c)
            half = mpf(1) / (2 * SEGMENTS)
            for t in (-half, -half * mpf("0.77"), half * mpf("0.05"), half * mpf("0.83")):
                exact = quantile((1 + (2 * number + 1) * half + t) * mpf(2) ** (octave - bits), start)
                worst = max(worst, abs(sum(mpf(x) * t ** j for j, x in enumerate(c)) - exact))
    table.append([0.0] * (degree + 1))
    return table, worst


def log_table(is_single):
    rows = []
    for i in range(16):
        # The significand's leading bits, from 0.6875 on; below 1 they stand for steps of 1 / 32.
        low, high = (mpf(22 + i) / 32, mpf(23 + i) / 32) if i < 10 else (mpf(16 + i - 10) / 16, mpf(17 + i - 10) / 16)
        c = mpf(1) if i in (9, 10) else mpf(rounded((low + high) / 2, is_single))
        rows.append([rounded(x, is_single) for x in (c, 1 / c, log(c))])
    return rows


def print_numbers(type_name, name, dims, comment, numbers, is_single):
    print(f"/// {comment}")
    print(f"inline constexpr {type_name} {name}{dims} = {{")
    suffix = "f" if is_single else ""
    texts = [(float(x).hex().replace("0000000p", "p") if is_single else float(x).hex()) + suffix for x in numbers]
    per_line = 9 if is_single else 7
    for k in range(0, len(texts), per_line):
        print("    " + ", ".join(texts[k:k + per_line]) + ",")
    print("};\n")


def main():
    print("//===- Tables.h - The tables of the draws -----------------------------------===//")
    print("//")
    print("// Written by codegen/draws/tables.py, which says what they hold; README.md says how they are used.")
    print("//")
    print("//===----------------------------------------------------------------------===//\n")
    print("#pragma once\n\nnamespace gradus::draws {\n")
    for type_name, bits, degree, is_single in (("float", 32, 5, True), ("double", 64, 9, False)):
        table, worst = quantile_table(bits, degree, is_single)
        count = len(table)
        print(f"/// Segments and degree of the quantile in {type_name}.")
        print(f"inline constexpr int quantileSegments{bits} = {count}, quantileDegree{bits} = {degree};")
        numbers = [table[s][j] for j in range(degree + 1) for s in range(count)]
        power = int(mp.ceil(mp.log(worst, 2)))
        print_numbers(type_name, f"quantile{bits}", f"[{(degree + 1) * count}]",
                      f"Coefficient j of segment s is element j * {count} + s; the polynomials are within 2^{power}.", numbers, is_single)
        rows = log_table(is_single)
        numbers = [rows[i][k] for k in range(3) for i in range(16)]
        print_numbers(type_name, f"log{bits}", "[48]", "16 points c, then 1 / c, then ln(c).", numbers, is_single)
        leading = mp.floor(log(2) * mpf(2) ** (17 if is_single else 42)) / mpf(2) ** (17 if is_single else 42)
        numbers = [rounded(x, is_single) for x in (leading, log(2) - leading)]
        print_numbers(type_name, f"ln2_{bits}", "[2]", "ln(2): its leading bits, and the rest.", numbers, is_single)
    print("} // namespace gradus::draws")


main()
