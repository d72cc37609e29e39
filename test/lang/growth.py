#!/usr/bin/env python3
"""The time to check a spec grows with its length, not with the square of it: ten times the lines, less than 25 times the processor time.

    test/lang/growth.py GRADUS
"""
import os
import resource
import subprocess
import sys
import tempfile


def many_units(lines):
    unit = """fn f{0}(x: [n, d], w: [d]) {{
  y = 1 / (1 + exp(-(x @ w)))
  return y * (1 - y)
}}
loss l{0}(w: [d], x: [n, d], y: [n]) {{
  r = x @ w - y
  return 0.5 * mean(r * r)
}}
rule r{0}(lr = 0.1 in [0, inf)) {{
  param w
  grad g
  state m = 0
  m' = 0.9 * m + g
  w' = w - lr * m'
}}
"""
    return "".join(unit.format(k) for k in range(lines // unit.count("\n")))


def one_unit(lines):
    chain = "".join(f"  a{i} = a{i - 1} * 0.5 + x\n" for i in range(1, lines))
    return f"fn f(x: [n]) {{\n  a0 = x\n{chain}  return a{lines - 1}\n}}\n"


def seconds(text):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "long.grad")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run([sys.argv[1], "check", "--no-gradients", path], check=True, stdout=subprocess.DEVNULL)
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


failed = False
for make in (many_units, one_unit):
    short, long = min(seconds(make(1000)) for _ in range(3)), seconds(make(10000))
    print(f"{make.__name__}: 1,000 lines {short:.2f} s, 10,000 lines {long:.2f} s")
    failed |= long > 25 * max(short, 0.02)
sys.exit(failed)
