"""Train steps of a perceptron by jitted JAX with its parameters donated, on request: serve_jax_perceptron.py ROWS,FEATURES,HIDDEN,CLASSES THREADS."""

import functools
import sys

from serving import serve

rows, features, hidden, classes = map(int, sys.argv[1].split(","))
try:
    import jax
    import jax.numpy as jnp
except (ImportError, OSError) as problem:
    sys.exit(f"no jax: {problem}")

RATE = 0.1
shapes = {"U": (features, hidden), "a": (hidden,), "V": (hidden, classes), "b": (classes,)}
keys = jax.random.split(jax.random.key(0), 5)
parameters = {name: 0.05 * jax.random.normal(key, shape) for key, (name, shape) in zip(keys, shapes.items())}
X = jax.random.normal(keys[4], (rows, features))
label = jnp.arange(rows) * 7 % classes


def loss_of(p, x, y):
    scores = jnp.tanh(x @ p["U"] + p["a"]) @ p["V"] + p["b"]
    return jnp.mean(jax.nn.logsumexp(scores, axis=1) - scores[jnp.arange(rows), y])


@functools.partial(jax.jit, donate_argnums=0)
def step(p, x, y):
    loss, gradient = jax.value_and_grad(loss_of)(p, x, y)
    return jax.tree.map(lambda w, g: w - RATE * g, p, gradient), loss


def run():
    global parameters
    parameters, _loss = jax.block_until_ready(step(parameters, X, label))


for _ in range(3):
    run()
serve(run)
