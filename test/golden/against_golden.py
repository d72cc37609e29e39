#!/usr/bin/env python3
"""The standard library's losses, their gradients and Hessian-vector products against the figures of golden.json, on both engines.

    against_golden.py GRADUS LANG_DIR LOSS
    against_golden.py LANG_DIR              does each loss of lang/std/{bilevel,losses,regularizers} have an entry?

Each array is held to 1e-10 of its largest element.
"""
import glob
import json
import math
import os
import re
import subprocess
import sys
import tempfile

TOLERANCE = "1e-10"


def write_array(x):
    return "[" + ", ".join(map(write_array, x)) + "]" if isinstance(x, list) else repr(x)


def flatten(x):
    return [y for part in x for y in flatten(part)] if isinstance(x, list) else [x]


def divide(x, by):
    return [divide(y, by) for y in x] if isinstance(x, list) else x / by


def write_claim(found, expected):
    largest = max(map(abs, flatten(expected)), default=0.0)
    unit = 2.0 ** math.frexp(largest)[1] if largest else 1.0  # a power of two: dividing by it changes no digit
    return f"  expect ({found}) / {unit!r} ~ {write_array(divide(expected, unit))} within {TOLERANCE}\n"


def write_spec(entry):
    arrays = {**entry["wrt"], **entry["data"]}
    call = ", ".join([f"{name} = {name}" for name in arrays] + [f"{name} = {value!r}" for name, value in entry["hypers"].items()])
    text = f'import "std/{entry["file"]}.grad"\n\n'

    def begin(title):
        return f'test "{title}" {{\n' + "".join(f"  {name} = {write_array(x)}\n" for name, x in arrays.items())

    text += begin("value and gradients") + f"  e = {entry['loss']}({call})\n" + write_claim("e", entry["value"])
    for name, gradient in entry["gradients"].items():
        text += write_claim(f"grad[{name}](e)", gradient)
    text += "}\n"
    for column, products in entry.get("products", {}).items():
        text += begin(f"Hessian times a direction of {column}") + f"  direction = {write_array(entry['directions'][column])}\n"
        for row, product in products.items():
            text += write_claim(f"hess[{row}, {column}] {entry['loss']}({call}) @ direction", product)
        text += "}\n"
    return text


def read_entries():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden.json"), encoding="utf-8") as file:
        return json.load(file)


def find_missing(lang):
    losses = set()
    for folder in ("bilevel", "losses", "regularizers"):
        for path in glob.glob(os.path.join(lang, "std", folder, "*.grad")):
            with open(path, encoding="utf-8") as file:
                losses.update(re.findall(r"^loss (\w+)", file.read(), flags=re.M))
    return sorted(losses - {entry["loss"] for entry in read_entries()})


def compare(gradus, lang, loss):
    entry = next(entry for entry in read_entries() if entry["loss"] == loss)
    with tempfile.TemporaryDirectory() as folder:
        spec = os.path.join(folder, loss + ".grad")
        with open(spec, "w", encoding="utf-8") as file:
            file.write(write_spec(entry))
        held = subprocess.run([gradus, "test", f"--engine={entry['engine']}", spec], capture_output=True, text=True, env={**os.environ, "GRADUS_LIBRARY": lang})
    sys.stdout.write(held.stdout[-4000:] + held.stderr[-4000:])
    return held.returncode


def main():
    if len(sys.argv) == 4:
        sys.exit(compare(*sys.argv[1:]))
    missing = find_missing(sys.argv[1])
    if missing:
        sys.exit("golden.json has no entry for " + ", ".join(missing) + ": add a case to losses.py and run make_golden.py")


main()
