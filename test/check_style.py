#!/usr/bin/env python3
"""The house style that a script can check: sizes, headers, tests that check, folders that say what they hold.

    test/check_style.py [ROOT]     prints what is wrong, one line each; exit code 1 if anything is
"""
import os
import re
import subprocess
import sys

root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
problems = []
LIMITS = {".cpp": 500, ".h": 500, ".c": 500, ".td": 400, ".py": 500, ".g4": 500, ".grad": 500}
FUNCTION_LIMIT = 80
types = {}  # what the compiler's files define outside of anonymous namespaces -> where


def files():
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True)
    return [f for f in listed.stdout.splitlines() if os.path.exists(os.path.join(root, f))]


def check_functions(path, lines):
    """A function starts at a line that ends in '{' in column 0 scope (or one level in a namespace) and ends at '}' there."""
    start = None
    for number, line in enumerate(lines, 1):
        opens = re.match(r"^(?!namespace|struct|class|enum|union|extern|typedef|static const|constexpr|static constexpr|#|/|\s).*\)[^;]*\{\s*$", line)
        if opens and start is None:
            start = number
        elif line.startswith("}") and start is not None:
            if number - start + 1 > FUNCTION_LIMIT:
                problems.append(f"{path}:{start}: function of {number - start + 1} lines, at most {FUNCTION_LIMIT}")
            start = None


def check_file(path):
    ending = os.path.splitext(path)[1]
    if ending not in LIMITS or "/Inputs/" in path:
        return
    with open(os.path.join(root, path), encoding="utf-8") as file:
        lines = file.read().split("\n")
    if len(lines) - 1 > LIMITS[ending]:
        problems.append(f"{path}: {len(lines) - 1} lines, at most {LIMITS[ending]}")
    if ending in (".cpp", ".c"):
        check_functions(path, lines)
    check_types(path, lines)
    for number, line in enumerate(lines, 1):
        if re.search(r"\bTODO\b|\bFIXME\b", line) and not path.endswith("check_style.py"):
            problems.append(f"{path}:{number}: a TODO without an issue")


def check_types(path, lines):
    """Two types of one name in one namespace are one to the linker: containers of the one would be compiled as those of the other."""
    if not re.match(r"(codegen|dialect|lang|passes)/", path) or not path.endswith((".cpp", ".h")):
        return
    spaces = []
    for number, line in enumerate(lines, 1):
        if opens := re.match(r"namespace ?([\w:]*) ?\{$", line):
            spaces.append(opens[1])
        elif line.startswith("} // namespace"):
            del spaces[-1:]
        defines = re.match(r"(?:struct|class|enum class|enum) (?!class\b)(\w+)(?= \{$| : .*\{$| final)", line)
        if defines and "" not in spaces:
            name = "::".join(spaces + [defines[1]])
            if name in types:
                problems.append(f"{path}:{number}: '{name}' is another type at {types[name]}; put one into an anonymous namespace or rename it")
            types.setdefault(name, f"{path}:{number}")


def check_lit(path):
    if not path.startswith("test/") or os.path.splitext(path)[1] not in (".mlir", ".test") or "/Inputs/" in path:
        return
    with open(os.path.join(root, path), encoding="utf-8") as file:
        text = file.read()
    if "RUN:" not in text.split("\n", 1)[0]:
        problems.append(f"{path}: line 1 has no RUN")
    if not re.search(r"FileCheck|--verify-diagnostics|-verify-diagnostics|\bdiff\b|\bnot\b|\bcmp\b|gradus test|%checker", text):
        problems.append(f"{path}: nothing is checked")


def check_folders(paths):
    for folder in sorted({os.path.dirname(p) for p in paths if re.match(r"(lang|dialect|passes|codegen|runtime|examples|test)/", p)}):
        top = folder.split("/")[0]
        if top == "test" or "/std/" in folder + "/":
            continue
        if f"{folder}/README.md" not in paths:
            problems.append(f"{folder}: no README.md")


paths = files()
for p in paths:
    check_file(p)
    check_lit(p)
check_folders(set(paths))
print("\n".join(problems) if problems else f"check_style: {len(paths)} files, nothing wrong")
sys.exit(1 if problems else 0)
