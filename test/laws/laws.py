#!/usr/bin/env python3
"""The law of a method holds on both engines, and fails for each wrong copy of the method.

    laws.py GRADUS LANG_DIR ENTRY     ENTRY: rules/adam, as in LANG_DIR/std/rules/adam.grad

The law is beside this file, rules/adam.grad; wrong_copies.txt says what a wrong copy replaces. A law that no wrong copy can break says
nothing, so that two of them are asked for; a replacement must hit the code of the entry, not its comments and tests, in one place.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

gradus, lang, entry = sys.argv[1:4]
here = os.path.dirname(os.path.abspath(__file__))
law = os.path.join(here, entry + ".grad")


def run_law(library, *options):
    return subprocess.run([gradus, "test", law, *options], capture_output=True, text=True, env={**os.environ, "GRADUS_LIBRARY": library})


def read_wrong_copies():
    with open(os.path.join(here, "wrong_copies.txt"), encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("; ") for line in file if line.strip() and not line.startswith("#")]
    for row in rows:
        if len(row) != 3:
            sys.exit(f"wrong_copies.txt: expected 'entry; text; replacement', found {row}")
    if rows != sorted(rows):
        sys.exit("wrong_copies.txt: the lines are not sorted: " + next("; ".join(b) for a, b in zip(rows, rows[1:]) if a > b))
    return [(text, replacement) for name, text, replacement in rows if name == entry]


def find_in_code(source, text):
    """The places of a text outside of comments and test blocks."""
    code = re.sub(r'//[^\n]*|^test "[^"]*" \{.*?(?:^\}|\}$)', lambda match: " " * len(match.group()), source, flags=re.S | re.M)
    return [match.start() for match in re.finditer(re.escape(text), code)]


def main():
    held = run_law(lang)
    if held.returncode:
        sys.exit(f"the law of {entry} does not hold:\n{held.stdout}{held.stderr}")
    copies = read_wrong_copies()
    if len(copies) < 2:
        sys.exit(f"wrong_copies.txt: expected two wrong copies of {entry} at least, found {len(copies)}")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(os.path.join(lang, "std"), os.path.join(folder, "std"))
        path = os.path.join(folder, "std", entry + ".grad")
        with open(path, encoding="utf-8") as file:
            source = file.read()
        for text, replacement in copies:
            places = find_in_code(source, text)
            if len(places) != 1:
                sys.exit(f"'{text}' stands in {len(places)} places of the code of {entry}")
            with open(path, "w", encoding="utf-8") as file:
                file.write(source[:places[0]] + replacement + source[places[0] + len(text):])
            for engine in ("reference", "cpu"):
                wrong = run_law(folder, f"--engine={engine}")
                if wrong.returncode == 0:
                    sys.exit(f"{entry} with '{replacement}' for '{text}' obeys the law")
                if wrong.stderr or "FAIL  " not in wrong.stdout:
                    sys.exit(f"{entry} with '{replacement}' for '{text}' does not compile:\n{wrong.stdout}{wrong.stderr}")
    print(f"{entry}: {len(copies)} wrong copies break the law")


main()
