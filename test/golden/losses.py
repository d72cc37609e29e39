"""The losses of the standard library in JAX, each written from the formula of its paper, with a point to evaluate it at.

One entry for each loss: the file under lang/std, the function, and a builder of its arguments. `wrt` are the arguments in which to differentiate, `data` the others, `hypers`
the numbers that are given by name. `engine` is "cpu" where the Hessian asks for more orders of derivatives than the reference evaluator nests.
"""
import dataclasses
from typing import Callable

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize
from jax.lax import stop_gradient as stop
from jax.scipy.special import logsumexp

rng = np.random.default_rng(20261121)


def normal(*shape, scale=1.0):
    return scale * rng.standard_normal(shape)


def uniform(low, high, *shape):
    return rng.uniform(low, high, shape)


def signs(*shape):
    return rng.choice([-1.0, 1.0], shape)


def labels(count, classes):
    return rng.integers(0, classes, count)


def probabilities(rows, classes):
    p = rng.uniform(0.1, 1, (rows, classes))
    return p / p.sum(axis=1, keepdims=True)


def symmetric(d, shift=0.0):
    a = rng.standard_normal((d, d))
    return (a + a.T) / 2 + shift * np.eye(d)


@dataclasses.dataclass
class Case:
    file: str
    loss: str
    function: Callable
    wrt: dict
    data: dict = dataclasses.field(default_factory=dict)
    hypers: dict = dataclasses.field(default_factory=dict)
    has_hessian: bool = True
    engine: str = "both"


def softplus(x):
    return jnp.logaddexp(x, 0.0)


def at_halves(function, z, m, *rest):
    return function(z[:m], z[m:], *rest)


def cross_entropy(scores, label):
    return jnp.mean(logsumexp(scores, axis=1) - scores[jnp.arange(len(label)), label])


def logistic(w, X, y):
    return jnp.mean(softplus(-y * (X @ w)))


def a3po(logp, logb, A, d, mask, e):
    a = jnp.where(d == 0, 0.0, 1.0 / jnp.maximum(d, 1))
    prox = stop(a * logb + (1 - a) * logp)
    r = jnp.exp(logp - prox)
    clipped = jnp.clip(r, 1 - e, 1 + e)
    return -jnp.sum(mask * stop(jnp.exp(prox - logb)) * jnp.minimum(r * A, clipped * A)) / jnp.sum(mask)


def colide(W, sigma, X, lam, mu, s):
    n, d = X.shape
    residual = jnp.sum((X - X @ W) ** 2)
    _, logdet = jnp.linalg.slogdet(s * jnp.eye(d) - W * W)
    return mu * (residual / (2 * n * sigma) + d * sigma / 2 + lam * jnp.sum(jnp.abs(W))) + d * jnp.log(s) - logdet


def cvar(l, a, level):
    return a + jnp.mean(jnp.maximum(l - a, 0)) / (1 - level)


def eckart_young(U, A, B):
    V = U.T @ B @ U
    return -2 * jnp.trace(U.T @ A @ U) + jnp.trace(V @ V)


def stochastic_cca(U, T, X, Y, X2, Y2):
    def covariance(a, b):
        return (a - a.mean(0)).T @ (b - b.mean(0)) / (len(a) - 1)

    Z, W, Z2, W2 = X @ U, Y @ T, X2 @ U, Y2 @ T
    C = covariance(Z, W) + covariance(W, Z)
    V = covariance(Z, Z) + covariance(W, W)
    V2 = covariance(Z2, Z2) + covariance(W2, W2)
    return -2 * jnp.trace(C) + jnp.trace(V @ V2)


def elr(s, label, beta, lam):
    p = jnp.clip(jax.nn.softmax(s, axis=1), 1e-4, 1 - 1e-4)
    target = stop((1 - beta) * p / p.sum(axis=1, keepdims=True))
    return cross_entropy(s, label) + lam * jnp.mean(jnp.log(1 - jnp.sum(p * target, axis=1)))


def hinge(w, X, y):
    return jnp.mean(jnp.maximum(0, 1 - y * (X @ w)))


def huber(w, X, y, delta):
    r = X @ w - y
    return jnp.mean(jnp.where(jnp.abs(r) <= delta, r**2 / 2, delta * (jnp.abs(r) - delta / 2)))


def soft_cross_entropy(z, q):
    return -jnp.mean(jnp.sum(stop(q) * jax.nn.log_softmax(z, axis=1), axis=1))


def label_smoothing(z, label, theta):
    c = z.shape[1]
    target = (1 - theta) * jax.nn.one_hot(label, c, dtype=z.dtype) + theta / c
    return -jnp.mean(jnp.sum(target * jax.nn.log_softmax(z, axis=1), axis=1))


def convex_network(y, H, W, b, w, beta):
    z = softplus(beta * (H[0] @ y + b[0])) / beta
    for i in range(1, len(H)):
        z = softplus(beta * (W[i - 1] @ z + H[i] @ y + b[i])) / beta
    return w @ z


def proximal_matching(H, W, b, w, x, gam, sigma, beta):
    assert sigma == 0, "the noise is the engine's own"
    prox = jax.vmap(jax.grad(convex_network), (0, None, None, None, None, None))(x, H, W, b, w, beta)
    return jnp.mean(1 - jnp.exp(-jnp.sum((prox - x) ** 2, axis=1) / (x.shape[1] * gam**2)))


def leave_one_out(logp, old, R, e):
    K = R.shape[1]
    A = stop(R - (R.sum(axis=1, keepdims=True) - R) / (K - 1))[:, :, None]
    r = jnp.exp(logp - stop(old))
    return -jnp.mean(jnp.sum(jnp.minimum(r * A, jnp.clip(r, 1 - e, 1 + e) * A), axis=2))


def perceptron(U, a, V, b, X, label):
    return cross_entropy(jnp.tanh(X @ U + a) @ V + b, label)


def ppo(logp, logp_old, A, v, v_target, entropy, e, c1, c2):
    r = jnp.exp(logp - stop(logp_old))
    gain = jnp.minimum(r * A, jnp.clip(r, 1 - e, 1 + e) * A)
    return -(jnp.mean(gain) - c1 * jnp.mean((v - v_target) ** 2) + c2 * jnp.mean(entropy))


def ppo_kl(logp, logp_old, A, kl, beta):
    return beta * jnp.mean(kl) - jnp.mean(jnp.exp(logp - stop(logp_old)) * A)


def psft(logp, logp_old, mask, e_low, e_high):
    r = jnp.exp(logp - stop(logp_old))
    return -jnp.sum(mask * jnp.minimum(r, jnp.clip(r, 1 - e_low, 1 + e_high))) / jnp.sum(mask)


def schrodinger_bridge(raw, r, log_S, x0, x1, eps):
    S = jnp.exp(log_S)
    quadratic = jnp.einsum("nd,kd,nd->nk", x0, S, x0) + 2 * x0 @ r.T
    difference = x1[:, None, :] - r
    density = -0.5 * jnp.sum(difference**2 / (eps * S) + jnp.log(2 * jnp.pi * eps * S), axis=2)
    return jnp.mean(logsumexp((raw + quadratic / 2) / eps, axis=1)) - jnp.mean(logsumexp(raw / eps + density, axis=1))


def self_distillation(z, label, before, alpha):
    target = (1 - alpha) * jax.nn.one_hot(label, z.shape[1], dtype=z.dtype) + alpha * stop(before)
    return -jnp.mean(jnp.sum(target * jax.nn.log_softmax(z, axis=1), axis=1))


def sobolev(u, f, s, alpha):
    m, n = u.shape
    k, l = jnp.fft.fftfreq(m, 1 / m), jnp.fft.fftfreq(n, 1 / n)
    weight = (alpha + 4 * jnp.pi**2 * (k[:, None] ** 2 + l**2)) ** s
    return jnp.sum(weight * jnp.abs(jnp.fft.fft2(u - f)) ** 2) / (m * n) ** 2


def softmax_regression(W, b, X, label):
    return cross_entropy(X @ W + b, label)


def sparse_ot(C, a, b, gamma, k):
    def dual(u, v, C):
        largest = jax.lax.top_k((u[:, None] + v - C).T, k)[0]
        return u @ a + v @ b - jnp.sum(jnp.maximum(largest, 0) ** 2) / (2 * gamma)

    def dual_of(z):
        return at_halves(dual, z, len(a), stop(C))

    z = scipy.optimize.minimize(lambda z: -float(dual_of(z)), np.zeros(len(a) + len(b)), jac=lambda z: -np.asarray(jax.grad(dual_of)(z)), method="BFGS").x
    for _ in range(100):  # Newton's method over the quadratic pieces; one direction, u + c and v - c, is free
        slope = np.asarray(jax.grad(dual_of)(z))
        if np.abs(slope).max() < 1e-14:
            break
        step = -np.linalg.lstsq(np.asarray(jax.hessian(dual_of)(z)) - 1e-12 * np.eye(len(z)), slope, rcond=1e-9)[0]
        while dual_of(z + step) < dual_of(z) and np.abs(step).max() > 1e-15:
            step = step / 2
        z = z + step
    assert np.abs(slope).max() < 1e-13, slope
    return at_halves(dual, z, len(a), C)


def spectral_decoupling(s, y, lam, center):
    return jnp.mean(softplus(-y * s)) + lam / 2 * jnp.mean((s - center * y) ** 2)


def squared_error(w, X, y):
    return jnp.mean((X @ w - y) ** 2)


def stablemax(z, label):
    weight = jnp.where(z >= 0, 1 + z, 1 / (1 - jnp.minimum(z, 0)))
    p = weight / weight.sum(axis=1, keepdims=True)
    return -jnp.mean(jnp.log(p[jnp.arange(len(label)), label]))


def calibration_sorted(Z, p):
    n = len(Z)
    return jnp.mean(jnp.abs(jnp.sort(Z) - jnp.arange(1, n + 1) / (n + 1)) ** p)


def calibration_levels(Z, p, tau, M):
    a = (jnp.arange(1, M + 1) - 0.5) / M
    return jnp.mean(jnp.abs(a - jnp.mean(jax.nn.sigmoid(tau * (a[:, None] - Z)), axis=1)) ** p)


def calibration_spacings(Z, m):
    n = len(Z)
    v = jnp.sort(Z)
    return -jnp.mean(jnp.log((v[m:] - v[:-m] + 1e-5) * (n + 1) / m))


def moment(W, p):
    return jnp.sum(W**p, axis=1)


def binary_weights(W, lam):
    return lam * jnp.sum(W.shape[1] * moment(W, 4) - moment(W, 2) ** 2)


def one_sided_weights(W, lam):
    return lam * jnp.sum(moment(W, 2) * moment(W, 4) - moment(W, 3) ** 2)


def ternary_weights(W, lam):
    return lam * jnp.sum(moment(W, 2) * moment(W, 6) - moment(W, 4) ** 2)


def eigenvector(x, C, lam):
    y = C @ x
    return lam * ((x @ x) * (y @ y) - (x @ y) ** 2)


def orthogonal_columns(X, lam):
    gram = X.T @ X
    return lam * (X.shape[1] * jnp.sum(gram**2) - jnp.sum(X**2) ** 2)


def orthonormal_defect(T):
    if T.shape[1] < T.shape[2]:
        return jnp.sum((jnp.einsum("gak,gbk->gab", T, T) - jnp.eye(T.shape[1])) ** 2)
    return jnp.sum((jnp.einsum("gka,gkb->gab", T, T) - jnp.eye(T.shape[2])) ** 2)


def group_orthogonal_inner(W, lam, groups):
    return lam * orthonormal_defect(W.reshape(groups, -1, W.shape[1]))


def group_orthogonal_across(W, lam, groups):
    return lam * orthonormal_defect(W.reshape(groups, -1, W.shape[1]).transpose(1, 0, 2))


def hessian_gradient_alignment(w, X, y, alpha, beta):
    def mean_loss(w):
        return jnp.mean(jax.vmap(logistic, (None, 0, 0))(w, X, y))

    def products(loss):
        g = jax.grad(loss)(w)
        return g, jax.hessian(loss)(w) @ g

    g, c = products(mean_loss)
    domains = [products(lambda w, e=e: logistic(w, X[e], y[e])) for e in range(len(X))]
    return jnp.mean(jnp.stack([alpha * jnp.sum((P - c) ** 2) + beta * jnp.sum((G - g) ** 2) for G, P in domains]))


def hypersparse(w, lam, kept):
    a = jnp.abs(w)
    s = jnp.arctanh(1 / jnp.sqrt(3.0)) / stop(jnp.sort(a)[-kept])
    total = jnp.sum(jnp.tanh(s * a))
    return lam * (jnp.sum(a) * total / stop(total) - jnp.sum(a))


def mcp(w, lam, gamma):
    a = jnp.abs(w)
    return jnp.sum(jnp.where(a <= gamma * lam, lam * a - a**2 / (2 * gamma), gamma * lam**2 / 2))


def scad(w, lam, a):
    x = jnp.abs(w)
    middle = (2 * a * lam * x - x**2 - lam**2) / (2 * (a - 1))
    return jnp.sum(jnp.where(x <= lam, lam * x, jnp.where(x <= a * lam, middle, lam**2 * (a + 1) / 2)))


def semi_structured(W, lam):
    a, b, c, d = jnp.moveaxis(jnp.abs(W).reshape(W.shape[0], -1, 4), 2, 0)
    return lam * jnp.sum(a * b * c + b * c * d + c * d * a + d * a * b)


def keep_or_drop(W, W0, lam, eps):
    sign = jnp.where(W0 >= 0, 1.0, -1.0)
    return lam * jnp.sum((W / (W0 + eps * sign) * (W - W0)) ** 2)


def ridge_validation(log_lambda, X, y, Xv, yv):
    n, d = X.shape
    w = jnp.linalg.solve(X.T @ X / n + jnp.exp(log_lambda) * jnp.eye(d), X.T @ y / n)
    return jnp.mean((Xv @ w - yv) ** 2)


def transport(C, eps):
    """<P, C> + eps KL(P | a b') at its minimum for equal weights, by Sinkhorn's iteration, whose passes are differentiated."""
    m, n = C.shape

    def step(potentials, _):
        f, g = potentials
        f = -eps * (logsumexp((g - C) / eps, axis=1) - jnp.log(n))
        g = -eps * (logsumexp((f[:, None] - C) / eps, axis=0) - jnp.log(m))
        return (f, g), None

    (f, g), _ = jax.lax.scan(step, (jnp.zeros(m), jnp.zeros(n)), length=400)
    return jnp.mean(f) + jnp.mean(g)


def squared_distances(X, Y):
    return jnp.sum((X[:, None] - Y) ** 2, axis=2)


def sinkhorn_divergence(X, Y, eps):
    return transport(squared_distances(X, Y), eps) - (transport(squared_distances(X, X), eps) + transport(squared_distances(Y, Y), eps)) / 2


def monge_gap(Y, X, eps):
    return jnp.mean(jnp.sum((X - Y) ** 2, axis=1)) - transport(squared_distances(X, Y), eps) + 2 * eps * jnp.log(len(X))


def monge_transport(Y, X, Z, lam, eps):
    return sinkhorn_divergence(Y, Z, eps) + lam * monge_gap(Y, X, eps)


def fisher_regularized(M, c, R, r, theta, X, beta):
    assert beta == 0, "the samples are the engine's own"
    return -jnp.mean(jnp.sum(jax.scipy.stats.norm.logpdf(theta, X @ M.T + c, jnp.exp(X @ R.T + r)), axis=1))


def entropic_softmax(W, b, X, label, modality, lam):
    assert lam == 0, "the noise is the engine's own"
    return softmax_regression(W, b, X, label)


def elle_adaptive(U, a, V, b, X, label, radius):
    assert radius == 0, "the noise is the engine's own"
    return perceptron(U, a, V, b, X, label)


def cases():
    l, p = labels(6, 3), probabilities(6, 3)
    X, y = normal(7, 4), signs(7)
    policy = dict(logp=normal(6, scale=0.3) - 1)
    yield Case("losses/a3po", "a3po", a3po, policy, dict(logb=normal(6, scale=0.3) - 1, A=normal(6), d=np.array([0, 1, 2, 3, 4, 5]), mask=np.array([1.0, 1, 0, 1, 1, 1])), dict(e=0.25))
    yield Case("losses/colide", "colide", colide, dict(W=normal(4, 4, scale=0.2), sigma=np.array(1.3)), dict(X=normal(9, 4)), {"lambda": 0.07, "mu": 0.8, "s": 1.2})
    yield Case("losses/cvar", "cvar", cvar, dict(l=normal(9), a=np.array(0.2)), {}, dict(level=0.6))
    yield Case("losses/eckart_young", "eckart_young", eckart_young, dict(U=normal(5, 2)), dict(A=symmetric(5), B=symmetric(5, 6.0)))
    yield Case("losses/eckart_young", "stochastic_cca", stochastic_cca, dict(U=normal(3, 2), T=normal(4, 2)), dict(X=normal(6, 3), Y=normal(6, 4), X2=normal(5, 3), Y2=normal(5, 4)))
    yield Case("losses/elr", "elr", elr, dict(s=normal(6, 3)), dict(label=l), {"beta": 0.6, "lambda": 2.0, "N": 6})
    yield Case("losses/hinge", "hinge", hinge, dict(w=normal(4)), dict(X=X, y=y))
    yield Case("losses/huber", "huber", huber, dict(w=normal(4)), dict(X=X, y=normal(7)), dict(delta=0.9))
    yield Case("losses/label_smoothing", "soft_cross_entropy", soft_cross_entropy, dict(z=normal(6, 3)), dict(q=p))
    yield Case("losses/label_smoothing", "label_smoothing", label_smoothing, dict(z=normal(6, 3)), dict(label=l), dict(theta=0.15))
    network = dict(H=normal(3, 4, 2), W=uniform(0.1, 1, 2, 4, 4), b=normal(3, 4), w=uniform(0.1, 1, 4))
    yield Case("losses/learned_proximal", "proximal_matching", proximal_matching, network, dict(x=normal(5, 2)), dict(gam=2.0, sigma=0.0, beta=3.0))
    yield Case("losses/leave_one_out", "leave_one_out", leave_one_out, dict(logp=normal(2, 3, 4, scale=0.3)), dict(old=normal(2, 3, 4, scale=0.3), R=normal(2, 3)), dict(e=0.1))
    yield Case("losses/logistic", "logistic", logistic, dict(w=normal(4)), dict(X=X, y=y))
    layers = dict(U=normal(4, 5), a=normal(5), V=normal(5, 3), b=normal(3))
    yield Case("losses/perceptron", "perceptron", perceptron, layers, dict(X=normal(6, 4), label=l))
    actor = dict(logp=normal(6, scale=0.3), logp_old=normal(6, scale=0.3), A=normal(6), v=normal(6), v_target=normal(6), entropy=normal(6))
    yield Case("losses/ppo", "ppo", ppo, {k: actor[k] for k in ("logp", "v")}, {k: actor[k] for k in ("logp_old", "A", "v_target", "entropy")}, dict(e=0.15, c1=0.7, c2=0.02))
    yield Case("losses/ppo", "ppo_kl", ppo_kl, dict(logp=normal(6)), dict(logp_old=normal(6), A=normal(6), kl=uniform(0, 1, 6)), dict(beta=0.4))
    yield Case("losses/psft", "psft", psft, dict(logp=normal(3, 4, scale=0.3)), dict(logp_old=normal(3, 4, scale=0.3), mask=rng.choice([0.0, 1.0], (3, 4))), dict(e_low=0.1, e_high=0.15))
    bridge = dict(raw=normal(3, scale=0.2), r=normal(3, 2), log_S=normal(3, 2, scale=0.3))
    yield Case("losses/schrodinger_bridge", "schrodinger_bridge", schrodinger_bridge, bridge, dict(x0=normal(5, 2), x1=normal(5, 2)), dict(eps=0.6))
    yield Case("losses/self_distillation", "self_distillation", self_distillation, dict(z=normal(6, 3)), dict(label=l, before=p), dict(alpha=0.35))
    yield Case("losses/sobolev", "sobolev", sobolev, dict(u=normal(6, 5)), dict(f=normal(6, 5)), dict(s=-0.7, alpha=1.5))
    yield Case("losses/softmax_regression", "softmax_regression", softmax_regression, dict(W=normal(4, 3), b=normal(3)), dict(X=normal(6, 4), label=l))
    weights = dict(a=np.array([0.2, 0.3, 0.1, 0.4]), b=np.array([0.25, 0.35, 0.4]))
    yield Case("losses/sparse_ot", "sparse_ot", sparse_ot, dict(C=uniform(0, 1, 4, 3)), weights, dict(gamma=0.7, k=3), has_hessian=False)
    yield Case("losses/spectral_decoupling", "spectral_decoupling", spectral_decoupling, dict(s=normal(7)), dict(y=y), {"lambda": 0.3, "center": 0.4})
    yield Case("losses/squared_error", "squared_error", squared_error, dict(w=normal(4)), dict(X=X, y=normal(7)))
    yield Case("losses/stablemax", "stablemax", stablemax, dict(z=normal(6, 3)), dict(label=l))
    yield Case("regularizers/calibration", "calibration_sorted", calibration_sorted, dict(Z=uniform(0, 1, 8)), {}, dict(p=1.7))
    yield Case("regularizers/calibration", "calibration_levels", calibration_levels, dict(Z=uniform(0, 1, 8)), {}, dict(p=1.7, tau=9.0, M=12))
    yield Case("regularizers/calibration", "calibration_spacings", calibration_spacings, dict(Z=uniform(0, 1, 8)), {}, dict(m=2))
    for loss in (binary_weights, one_sided_weights, ternary_weights):
        yield Case("regularizers/cauchy_schwarz", loss.__name__, loss, dict(W=normal(3, 5)), {}, {"lambda": 0.4})
    yield Case("regularizers/cauchy_schwarz", "eigenvector", eigenvector, dict(x=normal(4)), dict(C=symmetric(4)), {"lambda": 0.4})
    yield Case("regularizers/cauchy_schwarz", "orthogonal_columns", orthogonal_columns, dict(X=normal(5, 3)), {}, {"lambda": 0.4})
    for loss in (group_orthogonal_inner, group_orthogonal_across):
        yield Case("regularizers/group_orthogonal", loss.__name__, loss, dict(W=normal(6, 3)), {}, {"lambda": 0.3, "groups": 3})
    domains = dict(X=normal(3, 5, 4), y=signs(3, 5))
    yield Case("regularizers/hessian_alignment", "hessian_gradient_alignment", hessian_gradient_alignment, dict(w=normal(4)), domains, dict(alpha=0.6, beta=0.3), engine="cpu")
    yield Case("regularizers/hypersparse", "hypersparse", hypersparse, dict(w=normal(8)), {}, {"lambda": 0.5, "kept": 3})
    yield Case("regularizers/nonconvex", "mcp", mcp, dict(w=normal(8)), {}, {"lambda": 0.5, "gamma": 1.7})
    yield Case("regularizers/nonconvex", "scad", scad, dict(w=normal(8)), {}, {"lambda": 0.5, "a": 2.6})
    yield Case("regularizers/semi_structured", "semi_structured", semi_structured, dict(W=normal(2, 8)), {}, {"lambda": 0.4})
    yield Case("regularizers/semi_structured", "keep_or_drop", keep_or_drop, dict(W=normal(3, 4)), dict(W0=normal(3, 4)), {"lambda": 0.4, "eps": 0.2})
    split = dict(X=normal(8, 3), y=normal(8), Xv=normal(6, 3), yv=normal(6))
    yield Case("bilevel/ridge_validation", "ridge_validation", ridge_validation, dict(log_lambda=np.array(-0.5)), split)
    yield Case("losses/entropic_ot", "entropic_ot", transport, dict(C=uniform(0, 1, 4, 3)), {}, dict(eps=0.3))
    yield Case("losses/entropic_ot", "sinkhorn_divergence", sinkhorn_divergence, dict(X=normal(4, 2, scale=0.5), Y=normal(3, 2, scale=0.5)), {}, dict(eps=0.8))
    yield Case("regularizers/monge_gap", "monge_gap", monge_gap, dict(Y=normal(4, 2, scale=0.5), X=normal(4, 2, scale=0.5)), {}, dict(eps=0.7))
    maps = dict(X=normal(4, 2, scale=0.5), Z=normal(4, 2, scale=0.5))
    yield Case("regularizers/monge_gap", "monge_transport", monge_transport, dict(Y=normal(4, 2, scale=0.5)), maps, {"lambda": 0.6, "eps": 0.9})
    posterior = dict(M=normal(2, 3), c=normal(2), R=normal(2, 3, scale=0.3), r=normal(2, scale=0.3))
    yield Case("regularizers/fisher", "fisher_regularized", fisher_regularized, posterior, dict(theta=normal(5, 2), X=normal(5, 3)), dict(beta=0.0))
    modal = dict(X=normal(6, 4), label=l, modality=np.array([0, 1, 1, 0]))
    yield Case("regularizers/functional_entropy", "entropic_softmax", entropic_softmax, dict(W=normal(4, 3), b=normal(3)), modal, {"lambda": 0.0})
    yield Case("regularizers/local_linearity", "elle_adaptive", elle_adaptive, layers, dict(X=normal(6, 4), label=l), dict(radius=0.0))
