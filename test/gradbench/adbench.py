"""Mixtures of normal distributions and bundle adjustment, which GradBench has from ADBench, with what ADBench's own tests expect of them (six digits in, seventeen out).

Srajer, Kukelova and Fitzgibbon, "A benchmark of selected algorithmic differentiation tools on some problems in computer vision and machine learning", 2018.
"""
from decimal import Decimal
from math import factorial

from sheets import EXACT, PI, block, by_differences, jacobian, normal, rows, sheet, text, uniform


def decimals(value):
    return [decimals(element) for element in value] if isinstance(value, (list, tuple)) else Decimal(value)


def flat(matrix):
    return [element for row in matrix for element in row]


def parts(v, *sizes):
    """A list cut into pieces."""
    ends = [sum(sizes[:i + 1]) for i in range(len(sizes))]
    return [v[end - size:end] for end, size in zip(ends, sizes)]


def cut(v, n):
    """A list as the rows of a matrix of n rows."""
    width = len(v) // n
    return [v[i * width:(i + 1) * width] for i in range(n)]


def product(A, B):
    return [[sum(a * b for a, b in zip(row, column)) for column in zip(*B)] for row in A]


# Mixtures of normal distributions.


def gamma_of_half(twice):
    """Gamma(twice / 2) for a whole number above 0."""
    n = twice // 2
    return Decimal(factorial(n - 1)) if twice % 2 == 0 else Decimal(factorial(2 * n)) / (4**n * factorial(n)) * PI.sqrt()


def triangles(q, l):
    """The factors of the inverse covariances, from the logarithms of their diagonals and what stands below, column by column."""
    d = len(q[0])
    factors = []
    for diagonal, below in zip(q, l):
        left = iter(below)
        Q = [[Decimal(0)] * d for _ in range(d)]
        for j in range(d):
            Q[j][j] = diagonal[j].exp()
            for i in range(j + 1, d):
                Q[i][j] = next(left)
        factors.append(Q)
    return factors


def likelihood(alpha, mu, q, l, x):
    """The logarithm of the product over the points of the density of the mixture: no logarithm is taken of a part of it."""
    d, weights = len(mu[0]), [a.exp() for a in alpha]
    factors, total = triangles(q, l), Decimal(1)
    for point in x:
        density = Decimal(0)
        for weight, centre, Q in zip(weights, mu, factors):
            z = product(Q, [[a - b] for a, b in zip(point, centre)])
            root = Decimal(1)
            for j in range(d):
                root *= Q[j][j]
            density += weight * root * (-sum(row[0]**2 for row in z) / 2).exp()
        total *= density / (sum(weights) * (2 * PI)**(Decimal(d) / 2))
    return total.ln()


def prior(q, l, gamma, m):
    """The logarithm of Wishart's densities with v degrees of freedom and the scale matrix I / gamma^2 at the matrices S = Q' Q:
    |S|^((v - d - 1) / 2) exp(-gamma^2 tr S / 2) / (2^(v d / 2) gamma^(-v d) Gamma_d(v / 2))."""
    d, total = len(q[0]), Decimal(0)
    v = d + m + 1
    below = PI**(Decimal(d * (d - 1)) / 4)
    for j in range(d):
        below *= gamma_of_half(v - j)
    below *= Decimal(2)**(Decimal(v * d) / 2) / gamma**(v * d)
    for Q in triangles(q, l):
        determinant = Decimal(1)
        for j in range(d):
            determinant *= Q[j][j]**2
        trace = sum(element**2 for element in flat(Q))
        total += (determinant**(Decimal(v - d - 1) / 2) * (-gamma**2 * trace / 2).exp() / below).ln()
    return total


def gmm():
    d, k, n, below = 4, 5, 20, 6
    draw = uniform()
    mu = rows(draw, 200, d)[:k]      # the generator draws for 200 components, whatever it needs
    stream = normal(draw)
    alpha = [next(stream) for _ in range(k)]
    factor = rows(lambda: next(stream), k, d + below)
    q, l = [row[:d] for row in factor], [row[d:] for row in factor]
    x = rows(lambda: next(stream), n, d)
    points = decimals(x)

    def posterior(v, gamma, m):
        alpha, mu, q, l = parts(v, k, k * d, k * d, k * below)
        return likelihood(alpha, cut(mu, k), cut(q, k), cut(l, k), points) + prior(cut(q, k), cut(l, k), gamma, m)

    lines = [f"alpha = {text(alpha)}", f"mu = {text(mu)}", f"q = {text(q)}", f"l = {text(l)}", f"x = {text(x)}"]
    v = decimals(alpha + flat(mu) + flat(q) + flat(l))
    for name, call, gamma, m in (("e", "", Decimal(1), 0), ("f", ", gamma = 0.75, m = 2", Decimal("0.75"), 2)):
        value, gradient = posterior(v, gamma, m), by_differences(lambda v: posterior(v, gamma, m), v)
        g = parts(gradient, k, k * d, k * d, k * below)
        lines += [f"{name} = gmm(alpha, mu, q, l, x{call})", f"expect {name} ~ {text(value)} {EXACT}", f"expect grad[alpha]({name}) ~ {text(g[0])} {EXACT}"]
        lines += [f"expect grad[{of}]({name}) ~ {text(cut(part, k))} {EXACT}" for of, part in zip(("mu", "q", "l"), g[1:])]
    return sheet("gmm", "twenty points of four dimensions, five components", lines) + "\n" + gmm_published()


def gmm_published():
    """ADBench subtracts the prior."""
    gradient = [
        1.08662855508652456e-01, -7.41270039523898472e-01, 6.32607184015246071e-01, 1.11692576532787013e+00, 1.63333013551455269e-01, -2.19989824071193142e-02,
        2.27778292254236098e-01, 1.20963025612832187e+00, -6.06375920733956339e-02, 2.58529994051162237e+00, 1.12632694524213789e-01, 3.85744309849611777e-01,
        7.35180573182305508e-02, 5.41836362715595232e+00, -3.21494409677446469e-01, 1.71892309775004937e+00, 8.60091090790866875e-01, -9.94640930466322848e-01]
    alpha, mu, factor = parts(gradient, 3, 6, 9)
    factor = cut(factor, 3)
    return block("what ADBench expects: the prior is subtracted", [
        "alpha = [-0.649014, 1.181166, -0.758453]",
        "mu = [[0.092339, 0.18626], [0.345561, 0.396767], [0.538817, 0.419195]]",
        "q = [[0.586443, -0.851887], [-1.509405, 0.875874], [0.166813, -1.965419]]",
        "l = [[0.800321], [-0.24279], [-1.270071]]",
        "e = gmm_likelihood(alpha, mu, q, l, [[1.175171, 2.02916]]) - gmm_prior(q, l, gamma = 1.0, m = 0)",
        f"expect e ~ 8.07380408004975791 {EXACT}",
        f"expect grad[alpha](e) ~ {text(alpha)} {EXACT}",
        f"expect grad[mu](e) ~ {text(cut(mu, 3))} {EXACT}",
        f"expect grad[q](e) ~ {text([row[:2] for row in factor])} {EXACT}",
        f"expect grad[l](e) ~ {text([row[2:] for row in factor])} {EXACT}"])


# Bundle adjustment.


def series(s, first):
    """sum over k of (-s)^k / (first + 2 k)!: sin sqrt(s) / sqrt(s) with the first 1, (1 - cos sqrt(s)) / s with the first 2, and cos sqrt(s) with 0."""
    term, total, k = 1 / Decimal(factorial(first)), Decimal(0), first
    while abs(term) > Decimal("1e-60"):
        total += term
        term *= -s / ((k + 1) * (k + 2))
        k += 2
    return total


def cross(a, b):
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def rotated(r, x):
    """x + a r cross x + b (r (r . x) - s x): whatever the angle is, a sum of powers of s = |r|^2."""
    s = sum(e * e for e in r)
    a, b = series(s, 1), series(s, 2)
    along = sum(e * f for e, f in zip(r, x))
    return [p + a * c + b * (along * e - s * p) for p, c, e in zip(x, cross(r, x), r)]


SMALL = ([0.0, 0.0, 0.0], [3e-103, -4e-103, 1e-103], [0.0625, -0.03125, 0.046875])      # no angle, hardly one, and a small one


def rotation():
    """What ba takes of it is of first order; here is the second, too."""
    u, x, lines = [1.0, 2.0, 3.0], [0.5, -1.0, 0.25], []
    of = lambda r: sum(Decimal(a) * b for a, b in zip(u, rotated(r, decimals(x))))
    for k, r in enumerate(SMALL + ([1.0, -2.0, 0.5],)):
        lines += [f"r{k} = {text(r)}",
                  f"expect f(r{k}) ~ {text(of(decimals(r)))} {EXACT}",
                  f"expect grad f(r{k}) ~ {text(by_differences(of, r))} {EXACT}",
                  f"expect dense(hess f(r{k})) ~ {text(jacobian(lambda r: by_differences(of, r), r))} {EXACT}"]
    return sheet("rotation", "value, gradient and Hessian without an angle, with hardly one, and with one", [f"f(r) = dot({text(u)}, rotation(r) @ {text(x)})"] + lines)


def reprojection(v, feat):
    """The two errors, from a camera, a point and a weight in one list."""
    cam, x, w = v[:11], v[11:14], v[14]
    y = rotated(cam[:3], [a - b for a, b in zip(x, cam[3:6])])
    p = [y[0] / y[2], y[1] / y[2]]
    square = p[0] * p[0] + p[1] * p[1]
    distortion = 1 + cam[9] * square + cam[10] * square * square
    return [w * (cam[6] * distortion * p[i] + cam[7 + i] - feat[i]) for i in range(2)]


def ba():
    n, m, p = 4, 6, 8
    draw = uniform()
    cams = []
    for i in range(n):
        turn, rest = [draw() - 0.5 for _ in range(3)], [draw() for _ in range(8)]
        cams.append((SMALL[i] if i < len(SMALL) else turn) + rest)
    X = [[a, b, 4 + c] for a, b, c in rows(draw, m, 3)]
    w, feats = [draw() for _ in range(p)], rows(draw, p, 2)
    seen = [[i % n, i % m] for i in range(p)]
    points = [decimals(cams[c] + X[x] + [w[i]]) for i, (c, x) in enumerate(seen)]
    blocks = [list(zip(*jacobian(lambda v: reprojection(v, decimals(feats[i])), v))) for i, v in enumerate(points)]
    first = sheet("ba", "four cameras, of which one is not turned and one hardly", [
        f"cams = {text(cams)}", f"X = {text(X)}", f"w = {text(w)}", f"seen = {text(seen)}", f"feats = {text(feats)}",
        "error, weight_error = ba(cams, X, w, seen, feats)",
        f"expect error ~ {text([reprojection(v, decimals(feats[i])) for i, v in enumerate(points)])} {EXACT}",
        f"expect weight_error ~ {text([1 - Decimal(e)**2 for e in w])} {EXACT}",
        "blocks, of_weights = ba_jacobian(cams, X, w, seen, feats)",
        f"expect blocks ~ {text(blocks)} {EXACT}",
        f"expect of_weights ~ {text([-2 * Decimal(e) for e in w])} {EXACT}"])
    return first + "\n" + ba_published()


def ba_published():
    """The instance says one camera, point, weight and feature, and how often each counts; observation i sees camera i mod 2 and point i mod 10."""
    derivatives = [
        2.28877202208246757e+02, 6.34574811495545418e+02, -7.82222866259340549e+02, 2.42892615607159668e+00, -1.17828079628011313e+01, 2.54169312487743460e+00,
        -1.03657084958518086e+00, 4.17022e-01, 0.0, -3.50739521096005205e+02, -9.12107773668008576e+02, -2.42892615607159668e+00, 1.17828079628011313e+01,
        -2.54169312487743460e+00, -6.45167039712987389e-01, -1.20542435994996879e+02, -3.85673240766460424e+02, 9.75476291403326456e+01, -1.78372108529576567e+00,
        4.15466799433126077e+00, 2.04025718029898906e+00, 3.49176397433145880e-01, 0.0, 4.17022e-01, 1.18149147704414503e+02, 3.07250108960343255e+02,
        1.78372108529576567e+00, -4.15466799433126077e+00, -2.04025718029898906e+00, 6.23335921553064054e-01]
    return block("what ADBench expects", [
        "cams = outer(ones(2), [1.797201, 0.590697, -0.635786, 90.85955, 29.361415, 28.777534, 211.628116, -0.284531, -14.762924, 0.058931, 0.069976])",
        "X = outer(ones(10), [4.173048, 5.586898, 1.403869])",
        "w = 0.417022 * ones(10)",
        "i = arange(10)",
        "seen = stack[axis = 1](i % 2, i)",
        "feats = outer(ones(10), [-525.672849, 161.811929])",
        "error, weight_error = ba(cams, X, w, seen, feats)",
        f"expect error ~ outer(ones(10), {text([-2.69048849235189402e-01, 2.59944792677901881e-01])}) {EXACT}",
        f"expect weight_error ~ {text(8.26092651515999976e-01)} {EXACT}",
        "blocks, of_weights = ba_jacobian(cams, X, w, seen, feats)",
        f"expect reshape(blocks, [10, 30]) ~ outer(ones(10), {text(derivatives)}) {EXACT}",
        f"expect of_weights ~ -0.834044 {EXACT}"])
