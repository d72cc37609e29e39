#!/usr/bin/env python3
"""Writes golden.json: value, gradients and Hessian-vector products of the standard library's losses by JAX in f64.

    python3 -m venv env && env/bin/pip install jax==0.10.2 scipy && env/bin/python make_golden.py

For each loss: the arguments, its value, its gradient in each argument of `wrt`, and for each pair (a, b) of these the derivative along a direction
u of b of the gradient in a. Numbers have all their digits.
"""
import json
import os

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

import losses  # noqa: E402 (after the choice of f64)


def read_numbers(array):
    return np.asarray(array).tolist()


def differentiate(case, rng):
    # What is `lambda` in a spec is a keyword of Python.
    rest = {**case.data, **{"lam" if name == "lambda" else name: value for name, value in case.hypers.items() if name != "N"}}

    def loss(wrt):
        return case.function(**wrt, **rest)

    value, gradients = jax.value_and_grad(loss)(case.wrt)
    entry = dict(file=case.file, loss=case.loss, wrt=case.wrt, data=case.data, hypers=case.hypers, engine=case.engine, value=value, gradients=gradients)
    if case.has_hessian:
        entry["directions"] = {name: np.asarray(rng.standard_normal(np.shape(x))) for name, x in case.wrt.items()}
        entry["products"] = {}
        for name in case.wrt:
            tangent = {other: entry["directions"][name] if other == name else np.zeros(np.shape(x)) for other, x in case.wrt.items()}
            entry["products"][name] = jax.jvp(jax.grad(loss), (case.wrt,), (tangent,))[1]
    return jax.tree.map(read_numbers, entry, is_leaf=lambda x: not isinstance(x, dict)) | dict(file=case.file, loss=case.loss, engine=case.engine)


def main():
    rng = np.random.default_rng(7)
    entries = [differentiate(case, rng) for case in losses.cases()]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden.json")
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n")
    os.replace(path + ".new", path)
    print(f"{len(entries)} losses by JAX {jax.__version__}")


main()
