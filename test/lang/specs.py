#!/usr/bin/env python3
"""Every spec of a sheet compiles, passes its tests on both engines, and becomes an object whose header is plain C99.

    specs.py GRADUS CC RUNTIME WAITING.txt SHEET.grad..

WAITING.txt lists the units that are left out, `rule name` or `test "title"` in a line, what they wait for behind `#`. A line that
names no unit of the sheets is an error.
"""
import os
import re
import subprocess
import sys
import tempfile

gradus, cc, runtime, waiting = sys.argv[1:5]
UNIT = re.compile(r"^(?:fn|import|loss|projection|property|prox|rule|schedule|solver|test|train) (?:\"[^\"]*\"|\w+)")


def cut(text):
    """The units of a sheet with their comments, by name."""
    units, lines = [["", []]], []
    for line in text.splitlines(keepends=True):
        found = UNIT.match(line)
        if found:
            units.append([found.group(0), lines + [line]])
            lines = []
        elif line.startswith("//") or not line.strip():
            lines.append(line)
        else:
            units[-1][1] += lines + [line]
            lines = []
    units[-1][1] += lines
    return units


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


def failures(sheet, text, folder):
    """What is wrong with a sheet, or nothing."""
    path = os.path.join(folder, sheet)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    out, stem = os.path.join(folder, "out"), sheet.removesuffix(".grad")
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


with open(waiting, encoding="utf-8") as file:
    left_out = [line.split("#")[0].strip() for line in file]
left_out = [line for line in left_out if line]
bad, known = 0, set()
with tempfile.TemporaryDirectory() as folder:
    for path in sys.argv[5:]:
        with open(path, encoding="utf-8") as file:
            units = cut(file.read())
        known |= {name for name, _ in units}
        text = "".join("".join(lines) for name, lines in units if name not in left_out)
        for said in failures(os.path.basename(path), text, folder):
            bad += 1
            print(said)
        print(f"{path}: {sum(1 for name, _ in units if name.startswith('test') and name not in left_out)} tests")
for name in left_out:
    if name not in known:
        bad += 1
        print(f"{waiting}: no sheet has '{name}'")
sys.exit(1 if bad else 0)
