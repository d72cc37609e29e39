#!/usr/bin/env python3
"""Every code that a message can have is in lang/Messages.def with its title, and every entry there is said somewhere.

The front end names codes as enumerators, Code::Name; passes and printers, which do not depend on lang/, begin their message with the number,
"G0850: ".

    test/check_codes.py [ROOT]     prints what is wrong, one line each; exit code 1 if anything is
"""
import os
import re
import subprocess
import sys

root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TABLE = "lang/Messages.def"


def read(path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "lang", "dialect", "passes", "codegen"], cwd=root, capture_output=True, text=True, check=True)
sources = [p for p in listed.stdout.split() if p.endswith((".cpp", ".h", ".td")) and os.path.exists(os.path.join(root, p))]
table = dict(re.findall(r'^GRADUS_MESSAGE\((\d{4}), (\w+), "[^"]+"\)$', read(TABLE), re.M))
names = set(table.values())
problems, said = [], set()
for path in sources:
    text = read(path)
    for number in re.findall(r'"G(\d{4}): ', text):
        if number not in table:
            problems.append(f"{path}: G{number} is not in {TABLE}")
        said.add(table.get(number))
    for name in re.findall(r"\bCode::([A-Z]\w+)", text):
        if name not in names and name != "NAME":
            problems.append(f"{path}: Code::{name} is not in {TABLE}")
        said.add(name)
problems += [f"{TABLE}: nothing says G{number}, {name}" for number, name in table.items() if name not in said]
if not table or not sources:
    problems.append("nothing was read")
print("\n".join(problems) if problems else f"check_codes: {len(table)} codes in {len(sources)} files, nothing wrong")
sys.exit(1 if problems else 0)
