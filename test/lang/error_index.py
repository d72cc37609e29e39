#!/usr/bin/env python3
"""lang/ERRORS.md: for every code a spec that has it, what is said, and a mended twin.

The spec and what is said are those of test/lang/bad; the twin is written in the page. A spec whose first line is `// $ COMMAND` is not
only read: its message is what that command says, in a folder where the spec lies under its name. The twins pass the same command, or the
front end. The codes that no spec can have stand at the end of the page, as test/check_codes.py lists them.

    test/lang/error_index.py GRADUS ROOT [--update]     --update takes over changed specs and messages, to be read as a difference
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

gradus, root = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
updates = "--update" in sys.argv
BAD, PAGE = os.path.join(root, "test/lang/bad"), os.path.join(root, "lang/ERRORS.md")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(root, "test"))
import check_codes  # noqa: E402

HEAD = """# Errors

Every message of the compiler has a code. Here is for each a spec that has it, what is said of it, and the spec mended. `test/lang/error_index.py` compares the page with
the specs of test/lang/bad and runs all that stands here; `// $ ..` is the command that says the message, where reading the spec alone does not.

"""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def run(name, spec):
    """The exit code of the spec's command, or of the front end, and what it says."""
    command = re.match(r"// \$ (.*)\n", spec)
    with tempfile.TemporaryDirectory() as folder:
        write(os.path.join(folder, name + ".grad"), spec)
        path = os.path.dirname(gradus) + os.pathsep + os.environ["PATH"]
        done = subprocess.run(["sh", "-c", command[1] if command else f"gradus emit {name}.grad"], cwd=folder, capture_output=True, text=True, timeout=60,
                              errors="replace", env=dict(os.environ, PATH=path))
    return done.returncode, done.stderr


def section(code, title, name, twin):
    spec, said = read(os.path.join(BAD, name + ".grad")), read(os.path.join(BAD, name + ".expected"))
    return f"## {code}: {title}\n\n```grad {name}\n{spec}```\n```text\n{said}```\nMended:\n```grad\n{twin}```\n\n"


def generated(page):
    """The page with the specs and messages of today; a code that is new gets the smallest spec that has it, and no twin."""
    text = HEAD
    for number, title in sorted(check_codes.titles(root).items()):
        code = "G" + number
        if number in check_codes.BEHIND:
            continue
        known = page.get(code)
        having = [n for n in specs if f"[{code}]" in read(os.path.join(BAD, n + ".expected"))]
        name = known["name"] if known and known["name"] in having else min(having, key=lambda n: os.path.getsize(os.path.join(BAD, n + ".grad")), default=None)
        if name:
            text += section(code, title, name, known["twin"] if known else "")
    text += "## What no spec reaches\n\nPasses and printers say these of programs that the front end does not make, or of a bug of the compiler.\n\n| code | what |\n|---|---|\n"
    return text + "".join(f"| G{number} | {check_codes.titles(root)[number]}: {why} |\n" for number, why in sorted(check_codes.BEHIND.items()))


specs = sorted(f[:-5] for f in os.listdir(BAD) if f.endswith(".grad"))
problems = []
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    commanded = [n for n in specs if read(os.path.join(BAD, n + ".grad")).startswith("// $ ")]
    for name, (status, said) in zip(commanded, pool.map(lambda n: run(n, read(os.path.join(BAD, n + ".grad"))), commanded)):
        expected = os.path.join(BAD, name + ".expected")
        if updates:
            write(expected, said)
        if said != read(expected):
            problems.append(f"{name}: said\n{said}")
        if (status == 0) != ("error[" not in said):
            problems.append(f"{name}: exit code {status}")
    page = check_codes.sections(root)
    if updates:
        write(PAGE, generated(page))
        page = check_codes.sections(root)
    if read(PAGE) != generated(page):
        problems.append("lang/ERRORS.md is not what test/lang/error_index.py --update writes")
    entries = list(page.items())
    for (code, entry), (status, said) in zip(entries, pool.map(lambda e: run(e[1]["name"], e[1]["twin"]), entries)):
        if status != 0 or said:
            problems.append(f"{code}: the mended spec is refused\n{said}")
if not entries or not commanded:
    problems.append("nothing was run")
print("\n".join(problems) if problems else f"error_index: {len(entries)} codes, {len(specs)} specs, {len(commanded)} with a command, nothing wrong")
sys.exit(1 if problems else 0)
