"""Steps of an optimizer of Optax, jitted with its arrays donated, on request: serve_optax.py RULE N THREADS."""

import functools
import sys

from serving import serve

rule, count = sys.argv[1], int(sys.argv[2])
try:
    import jax
    import optax
except (ImportError, OSError) as problem:
    sys.exit(f"no jax or optax: {problem}")

OPTIMIZERS = {
    "adadelta": functools.partial(optax.adadelta, 1.0, rho=0.95),
    "adagrad": functools.partial(optax.adagrad, 0.01),
    "adam": functools.partial(optax.adam, 1e-3),
    "adamw": functools.partial(optax.adamw, 1e-3, weight_decay=1e-2),
    "lion": functools.partial(optax.lion, 1e-4, weight_decay=0.01),
    "momentum": functools.partial(optax.sgd, 1e-3, momentum=0.9),
    "nadam": functools.partial(optax.nadam, 2e-3),
    "radam": functools.partial(optax.radam, 1e-3),
    "rmsprop": functools.partial(optax.rmsprop, 0.01),
    "sgd": functools.partial(optax.sgd, 1e-3),
}
if rule not in OPTIMIZERS:
    sys.exit(f"optax {optax.__version__} has no {rule}")
optimizer = OPTIMIZERS[rule]()


@functools.partial(jax.jit, donate_argnums=(0, 1))
def step(w, state, g):
    change, state = optimizer.update(g, state, w)
    return optax.apply_updates(w, change), state


w = 0.02 * jax.random.normal(jax.random.key(0), (count,))
g = jax.random.normal(jax.random.key(1), (count,))
state = optimizer.init(w)


def run():
    global w, state
    w, state = jax.block_until_ready(step(w, state, g))


run()
serve(run)
