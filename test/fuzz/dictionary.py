#!/usr/bin/env python3
"""The words and signs of the grammar as a dictionary for libFuzzer.

    test/fuzz/dictionary.py lang/Gradus.g4 OUTPUT     every quoted text of the grammar, one a line, sorted
"""
import re
import sys

ESCAPES = {"n": "\n", "r": "\r"}


def tokens_of(grammar):
    """What stands between quotes outside of comments; a quote in a set of characters, as in ['x], opens nothing."""
    for line in grammar.splitlines():
        line = re.sub(r"\['[^\]']*\]", "", line.split("// ")[0])
        for token in re.findall(r"'((?:\\.|[^'\\])+)'", line):
            yield re.sub(r"\\(u[0-9A-Fa-f]{4}|.)", lambda match: ESCAPES.get(match[1]) or chr(int(match[1][1:], 16)), token)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        tokens = sorted(set(tokens_of(file.read())))
    with open(sys.argv[2], "w", encoding="ascii") as file:
        for token in tokens:
            escaped = "".join(chr(b) if 32 < b < 127 and b not in b'"\\' else f"\\x{b:02x}" for b in token.encode())
            file.write(f'"{escaped}"\n')


main()
