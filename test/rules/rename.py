#!/usr/bin/env python3
"""No operation, pass or emitter knows a spec or a rule by name.

    test/rules/rename.py GRADUS LANG_DIR

Renames every identifier of every spec of the standard library and compiles both: the assembly is the same but for the names.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

gradus, lang = sys.argv[1:3]
PREFIX = "zq"

with open(os.path.join(lang, "Gradus.g4"), encoding="utf-8") as grammar:
    keywords = set(re.findall(r"'([a-z]+)'", grammar.read()))
builtins = set()
for name in os.listdir(lang):
    if name.endswith((".cpp", ".def")):
        with open(os.path.join(lang, name), encoding="utf-8") as file:
            builtins |= set(re.findall(r'"([A-Za-z_]\w*)"', file.read())) if "Builtin" in name else set()
types = {"int", "bool", "real", "u8", "blocks", "stochastic", "f16", "bf16", "f32", "f64", "i32", "i64"}
draws = {"bernoulli", "categorical", "exponential", "gumbel", "index", "normal", "permutation", "rademacher", "uniform"}
clauses = {"limit", "start", "tol"}  # what a solver is given by name
slots = {"lower", "positive", "transposed", "upper"}  # of solve
reserved = keywords | builtins | types | draws | clauses | slots | {"t", "T", "inf", "pi", "all", "axis", "keep", "steps", "over", "rows", "next", "each",
                                                                   "neighbours", "workers"}


def draws_numbers(text):
    return re.search(r"^\s*draw\s|\bstochastic\b", text, re.M)


def rename(text):
    """Strings and comments stay; every identifier that is neither keyword nor built in gets the prefix. Random numbers depend on the
    names of a fn, loss or rule and of its draws, and those of rounding on that of what is kept, by contract: these names stay."""
    sites = set()
    if draws_numbers(text):
        sites = set(re.findall(r"\b(?:draw|fn|loss|param|rule)\s+(\w+)", text))

    def one(match):
        word = match.group("word")
        return match.group(0) if word is None or word in reserved | sites else PREFIX + word
    return re.sub(r'"[^"\n]*"|//[^\n]*|\d\w*(?:\.\d\w*)?(?:[eE][+-]?\d+)?|(?P<word>[^\W\d]\w*)', one, text)


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def assembly(path, library):
    run = subprocess.run([gradus, "emit", path, "--stage=asm"], capture_output=True, text=True, env={**os.environ, "GRADUS_LIBRARY": library})
    if run.returncode:
        sys.exit(f"{path}: {run.stderr}")
    return re.sub(r"\.size\s+\w+__guard\d+, \d+", "", run.stdout)  # what a guard says names what it is about


def main():
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(os.path.join(lang, "std"), os.path.join(folder, "std"))
        specs = [os.path.join(d, f) for d, _, files in os.walk(os.path.join(folder, "std")) for f in files if f.endswith(".grad")]
        for path in specs:
            text = text_of(path)
            with open(path, "w", encoding="utf-8") as file:
                file.write(rename(text))
        for path in sorted(specs):
            relative = os.path.relpath(path, folder)
            before = assembly(os.path.join(lang, relative), lang)
            after = assembly(path, folder)
            if PREFIX not in after and not draws_numbers(text_of(path)) and "__kernel" in after:
                sys.exit(f"{relative}: nothing was renamed")
            # Only exported names hold identifiers of the spec.
            if after.replace(PREFIX, "") != before:
                sys.exit(f"{relative}: the code depends on a name")
            count += 1
    print(f"{count} specs: the same code under other names")


main()
