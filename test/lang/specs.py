#!/usr/bin/env python3
"""Every spec of a sheet compiles, passes its tests on both engines, and becomes an object whose header is plain C99.

    specs.py GRADUS CC RUNTIME SHEET.grad..
"""
import os
import subprocess
import sys
import tempfile

gradus, cc, runtime = sys.argv[1:4]


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


def failures(path, out):
    """What is wrong with a sheet, or nothing."""
    stem = os.path.basename(path).removesuffix(".grad")
    header = os.path.join(out, stem + ".h")
    for command in (
        (gradus, "test", path),
        (gradus, "explain", path),
        (gradus, "build", path, "-o", out),
        (cc, "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I", runtime, "-fsyntax-only", "-x", "c", header),
    ):
        code, said = run(*command)
        if code:
            yield f"{' '.join(command)}:\n{said}"


bad = 0
with tempfile.TemporaryDirectory() as folder:
    for path in sys.argv[4:]:
        for said in failures(path, folder):
            bad += 1
            print(said)
sys.exit(1 if bad else 0)
