#!/usr/bin/env python3
"""Every op is documented with an example, and every example parses and verifies.

    doc_examples.py GRADUS_OPT SOURCE_DIR

The examples are taken from the documentation that mlir-tblgen writes. They are fragments: a value that an example uses and does not
define becomes an argument, of one of the types that the fragment names. An example passes if some choice of types does.
"""
import itertools
import re
import subprocess
import sys

opt, source = sys.argv[1:3]
doc = "".join(subprocess.run(["/usr/lib/llvm-22/bin/mlir-tblgen", "-gen-dialect-doc", "-dialect=gradus", "-I", source, "-I", "/usr/lib/llvm-22/include",
                              f"{source}/dialect/{name}.td"], capture_output=True, text=True, check=True).stdout for name in ("Gradus", "Jvp"))
COMMON = ["!gradus.array<[], i64>", "!gradus.array<[], f64>"]
# Ends of regions, shown in the examples of the ops that have them.
WITHOUT_EXAMPLE = {"gradus.return", "gradus.yield"}


def wrap(fragment, names, types, is_open):
    arguments = ", ".join(f'{name}: {type} {{gradus.name = "a", gradus.role = #gradus.role<data>}}' for name, type in zip(names, types))
    kind = "rule_step" if is_open else "test"
    attributes = " attributes {open}" if is_open else ""
    return f"gradus.func {kind} @example({arguments}){attributes} {{\n{fragment}\ngradus.return\n}}\n"


def candidates(fragment):
    """The fragment alone, or in a function with every choice of types for what it does not define."""
    if "gradus.func" in fragment:
        return [fragment]
    text = re.sub(r"//[^\n]*", "", fragment)
    defined = set(re.findall(r"(%\w+): !gradus", text))  # arguments of blocks
    for left in re.findall(r"^\s*((?:%\w+(?::\d+)?(?:\s*,\s*)?)+)\s*=", text, re.M):
        defined |= set(re.findall(r"%\w+", left))
    names = sorted(set(re.findall(r"%\w+", text)) - defined)
    types = sorted(set(re.findall(r"!gradus\.array<\[[^\]]*\], \w+>", text)) | set(COMMON))
    return [wrap(text, names, choice, is_open) for choice in itertools.product(types, repeat=len(names)) for is_open in (False, True)]


def passes(programs):
    """Whether one of the programs is printed back; what is wrong with the last otherwise."""
    run = subprocess.run([opt, "--split-input-file", "-"], input="\n// -----\n".join(programs), capture_output=True, text=True)
    return run.returncode == 0 or "gradus.func" in run.stdout, run.stderr


problems, count = [], 0
for section in re.split(r"^### ", doc, flags=re.M)[1:]:
    name = re.match(r"`?(gradus\.\w+)", section)
    if not name:
        continue
    examples = re.findall(r"```mlir\n(.*?)```", section, re.S)
    if not examples and name.group(1) not in WITHOUT_EXAMPLE:
        problems.append(f"{name.group(1)}: no example")
    for example in examples:
        count += 1
        good, message = passes(candidates(example))
        if not good:
            problems.append(f"{name.group(1)}: the example does not verify\n{example}{message.splitlines()[0] if message else ''}")
print("\n".join(problems) if problems else f"{count} examples of the dialect's documentation verify")
sys.exit(1 if problems or not count else 0)
