#!/usr/bin/env python3
"""One slip is one message: a sign too many, one too few or a name without a letter, planted in specs of the library.

A slip may leave a spec right, or be two (`1e-3` cut in the middle), so the bar is on all of them: of those that are refused nine in ten have exactly
one message, and none has more than five.

    test/lang/slips.py GRADUS ROOT [COUNT]
"""
import concurrent.futures
import os
import random
import re
import subprocess
import sys
import tempfile

gradus, root = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
count = int(sys.argv[3]) if len(sys.argv) > 3 else 140
SHELVES = os.path.join(root, "lang/std")
TOKENS = re.compile(r"//[^\n]*|\"[^\"\n]*\"|\d[\w.]*(?:[eE]-\d+)?|\w+'?|[^\s\w]")


def planted(text, choose):
    """The text with one slip."""
    tokens = [t for t in TOKENS.finditer(text) if not t[0].startswith(("//", '"'))]
    kind = choose.choice(["sign too many", "sign too few", "letter too few"])
    if kind == "sign too many":
        at = choose.choice(tokens).end()
        return text[:at] + choose.choice(")(][=") + text[at:]
    if kind == "sign too few":
        sign = choose.choice([t for t in tokens if t[0] in "()[]{},=+*/"])
        return text[:sign.start()] + text[sign.end():]
    name = choose.choice([t for t in tokens if re.match(r"[a-z]\w{3,}$", t[0])])
    return text[:name.start() + 1] + text[name.start() + 2:]


def messages(job):
    path, number = job
    with open(path, encoding="utf-8") as file:
        text = planted(file.read(), random.Random(number))
    with tempfile.TemporaryDirectory() as folder:
        spec = os.path.join(folder, os.path.basename(path))
        with open(spec, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([gradus, "emit", spec, "-I", os.path.dirname(path)], capture_output=True, text=True, timeout=60)
    return path, number, done.returncode, len(re.findall(r"error\[G\d{4}\]", done.stderr)), done.stderr


paths = sorted(os.path.join(folder, f) for folder, _, files in os.walk(SHELVES) for f in files if f.endswith(".grad"))
choose = random.Random(count)
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    results = list(pool.map(messages, [(choose.choice(paths), number) for number in range(count)]))
problems = [f"{path}, slip {number}: exit code {status}\n{said}" for path, number, status, _, said in results if status not in (0, 1) or "G0899" in said]
refused = [r for r in results if r[3] > 0]
problems += [f"{path}, slip {number}: {many} messages\n{said}" for path, number, _, many, said in refused if many > 5]
single = sum(many == 1 for _, _, _, many, _ in refused)
if len(refused) < count // 2 or single < 0.9 * len(refused):
    problems.append(f"of {count} slips {len(refused)} are refused, {single} by one message")
print("\n".join(problems) if problems else f"slips: {single} of {len(refused)} have one message")
sys.exit(1 if problems else 0)
