#!/usr/bin/env python3
"""Counts the tests that were skipped and compares them with the committed list.

    test/check_skips.py RESULTS.xml [LIST]     RESULTS.xml is what ctest --output-junit wrote; LIST is expected_skips.txt

Prints every skipped test. Exit code 1 if one is not on the list, or a line of the list was not skipped. Tests that lit calls unsupported
count as "lit: N unsupported". A line is a name, perhaps with wildcards; "without FLAG: NAME" holds on processors without the flag only.
"""
import fnmatch
import os
import re
import sys
import xml.etree.ElementTree as xml


def read_skips(path):
    skips = []
    for case in xml.parse(path).getroot().iter("testcase"):
        name = case.get("name")
        if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            skips.append(name)
        said = case.findtext("system-out") or ""
        unsupported = re.search(r"Unsupported\s*:\s*(\d+)", said)
        if unsupported:
            skips.append(f"{name}: {unsupported.group(1)} unsupported")
    return skips


def has_flag(flag):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return any(line.startswith("flags") and flag in line.split() for line in file)


def read_list(path):
    with open(path, encoding="utf-8") as file:
        lines = [line.split("#")[0].strip() for line in file]
    patterns = []
    for line in filter(None, lines):
        condition = re.match(r"without (\w+): (.+)", line)
        if not condition:
            patterns.append(line)
        elif not has_flag(condition.group(1)):
            patterns.append(condition.group(2))
    return patterns


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    skips = read_skips(sys.argv[1])
    expected = read_list(sys.argv[2] if len(sys.argv) > 2 else os.path.join(here, "expected_skips.txt"))
    print(f"{len(skips)} tests skipped; {len(expected)} lines expect some")
    wrong = 0
    for name in skips:
        is_listed = any(fnmatch.fnmatchcase(name, pattern) for pattern in expected)
        print(f"  skipped: {name}" + ("" if is_listed else "  <- not on the list"))
        wrong += not is_listed
    for pattern in expected:
        if not fnmatch.filter(skips, pattern):
            print(f"  on the list, but not skipped: {pattern}")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
