#!/usr/bin/env python3
"""Gradients of the GradBench problems by means that share nothing with the compiler, as test blocks.

    golden.py FOLDER            writes FOLDER/NAME.grad for each problem
    golden.py FOLDER --check    fails if what stands there is not what this script makes

The data are the numbers of the public generators, a Mersenne Twister seeded with 31337, in smaller sizes. Values and gradients come from closed forms in rational numbers
where there are any, else from differences in 50 digits: no derivative rule is used anywhere.
"""
import os
import sys
from decimal import Decimal
from fractions import Fraction
from itertools import permutations

from adbench import ba, gmm, rotation
from hand import ht
from sheets import EXACT, by_differences, rows, sheet, text, uniform


def lse():
    draw = uniform()
    x = [draw() for _ in range(40)]
    powers = [Decimal(element).exp() for element in x]
    total = sum(powers)
    return sheet("lse", "forty numbers", [
        f"x = {text(x)}",
        "e = lse(x)",
        f"expect e ~ {text(total.ln())} {EXACT}",
        f"expect grad[x](e) ~ {text([p / total for p in powers])} {EXACT}"])


def llsq():
    draw = uniform()
    n, m = 16, 12
    x = [draw() for _ in range(m)]
    t = [Fraction(2 * i, n - 1) - 1 for i in range(n)]
    off = [sum(Fraction(x[j]) * ti**j for j in range(m)) - (1 if ti > 0 else -1 if ti < 0 else 0) for ti in t]
    gradient = [sum(r * ti**j for r, ti in zip(off, t)) for j in range(m)]
    return sheet("llsq", "sixteen places, twelve coefficients", [
        f"x = {text(x)}",
        "e = llsq(x, n = 16)",
        f"expect e ~ {text(sum(r * r for r in off) / 2)} {EXACT}",
        f"expect grad[x](e) ~ {text(gradient)} {EXACT}"])


def determinant(A):
    """Over all permutations, in rational numbers."""
    total = Fraction(0)
    for order in permutations(range(len(A))):
        term = Fraction(1)
        for i, j in enumerate(order):
            term *= A[i][j]
        swaps = sum(order[i] > order[j] for i in range(len(A)) for j in range(i + 1, len(A)))
        total += -term if swaps % 2 else term
    return total


def det():
    A = rows(uniform(), 5, 5)
    F = [[Fraction(element) for element in row] for row in A]
    minor = lambda i, j: determinant([row[:j] + row[j + 1:] for k, row in enumerate(F) if k != i])
    return sheet("det", "five by five: the gradient is the matrix of cofactors", [
        f"A = {text(A)}",
        "e = det_by_minors(A)",
        f"expect e ~ {text(determinant(F))} {EXACT}",
        f"expect grad[A](e) ~ {text([[(-1)**(i + j) * minor(i, j) for j in range(5)] for i in range(5)])} {EXACT}"])


def kmeans():
    P = rows(uniform(), 30, 3)
    C = P[-4:]
    F = lambda M: [[Fraction(element) for element in row] for row in M]
    points, centroids = F(P), F(C)
    distance = lambda c, p: sum((a - b)**2 for a, b in zip(c, p))
    nearest = [min(range(4), key=lambda j: distance(centroids[j], p)) for p in points]
    gradient = [[sum(2 * (centroids[j][a] - p[a]) for p, k in zip(points, nearest) if k == j) for a in range(3)] for j in range(4)]
    return sheet("kmeans", "thirty points, four centroids: to the mean of those that are nearest", [
        f"P = {text(P)}",
        f"C = {text(C)}",
        "e = kmeans(C, P)",
        f"expect e ~ {text(sum(distance(centroids[k], p) for p, k in zip(points, nearest)))} {EXACT}",
        f"expect grad[C](e) ~ {text(gradient)} {EXACT}",
        f"expect kmeans_direction(C, P) ~ {text([[g / (2 * nearest.count(j)) for g in row] for j, row in enumerate(gradient)])} {EXACT}"])


def ode():
    draw = uniform()
    x = [draw() for _ in range(6)]

    def last(x, steps=10):
        """The system is triangular: each step of the method adds the terms of the exponential series up to the fourth, h^k / k! times the k-th derivative."""
        h = Decimal(2) / steps
        y = [Decimal(0)] * len(x)
        for _ in range(steps):
            term, new, factor = list(y), list(y), Decimal(1)
            for k in range(1, 5):
                shifted = [1 if k == 1 else 0] + term[:-1]
                term = [a * b for a, b in zip(x, shifted)]
                factor = factor * h / k
                new = [a + factor * b for a, b in zip(new, term)]
            y = new
        return y
    return sheet("ode", "six unknowns, ten steps", [
        f"x = {text(x)}",
        "y = ode(x, s = 10)",
        f"expect y ~ {text(last([Decimal(element) for element in x]))} {EXACT}",
        f"expect grad[x](y[5]) ~ {text(by_differences(lambda v: last(v)[-1], x))} {EXACT}"])


def saddle():
    return sheet("saddle", "the saddle is the origin; the outer objective has the gradient 2 x", [
        "start = [1.0, 1.0]",
        "x, y = saddle(start)",
        f"expect x ~ [0.0, 0.0] {EXACT}",
        f"expect y ~ [0.0, 0.0] {EXACT}",
        "z = [0.75, -0.5]",
        f"expect grad[z](highest(z, start)) ~ [1.5, -1.0] {EXACT}"])


def particle():
    def cost(w):
        """The force by hand: a charge at c pushes by (x - c) / |x - c|^3."""
        step = Decimal(0.1)
        x, v = [Decimal(0), Decimal(8)], [Decimal("0.75"), Decimal(0)]
        while x[1] > 0:
            force = [Decimal(0), Decimal(0)]
            for charge in ((Decimal(10), 10 - w), (Decimal(10), Decimal(0))):
                d = [a - b for a, b in zip(x, charge)]
                cube = (d[0] * d[0] + d[1] * d[1]).sqrt()**3
                force = [f + a / cube for f, a in zip(force, d)]
            last, x = x, [a + step * b for a, b in zip(x, v)]
            v = [a + step * f for a, f in zip(v, force)]
        s = last[1] / (last[1] - x[1])
        return (last[0] + s * (x[0] - last[0]))**2
    lines = []
    for k, w in enumerate((0.0, 0.2, 0.375)):
        lines += [f"w{k} = {w}",
                  f"e{k} = particle(w{k})",
                  f"expect e{k} ~ {text(cost(Decimal(w)))} {EXACT}",
                  f"expect grad[w{k}](e{k}) ~ {text(by_differences(lambda v: cost(v[0]), [w])[0])} {EXACT}"]
    return sheet("particle", "the cost and its derivative for three places of the charge", lines)


def main():
    folder = sys.argv[1]
    bad = 0
    for problem in (ba, det, gmm, ht, kmeans, llsq, lse, ode, particle, rotation, saddle):
        path = os.path.join(folder, problem.__name__ + ".grad")
        made = problem()
        if "--check" not in sys.argv:
            with open(path, "w", encoding="utf-8") as file:
                file.write(made)
        else:
            with open(path, encoding="utf-8") as file:
                if file.read() != made:
                    bad += 1
                    print(f"{path} is not what golden.py makes")
    sys.exit(1 if bad else 0)


main()
