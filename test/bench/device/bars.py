#!/usr/bin/env python3
"""The bars: bars.py GPU.json TORCH.json COPY [--smoke]. Prints a table; exit code 1 where one does not hold. `--smoke` asserts that all of them could be measured."""
import json
import sys

COUNT = 1 << 28
BYTES = {"adamw": 28, "lion": 20, "sgd": 12}  # a parameter: each array read or written once
ROWS = 8192 * 32000 * 4
LEAST_BANDWIDTH = 0.92
MOST_MANY, MOST_ROWS, MOST_FUSED, MOST_FOREACH = 1.10, 1.15, 1.0, 0.35


def table(gpu, torch, copy):
    """Rows (what, measured, bar, whether it is a lower bound)."""
    bandwidth = max(gpu["copy_gb_per_s"], copy)
    rows = []
    for rule, size in BYTES.items():
        rows.append((f"{rule}: share of the copy bandwidth of {bandwidth:.0f} GB/s", size * COUNT * 1e-6 / gpu[rule + "_ms"] / bandwidth, LEAST_BANDWIDTH, True))
    if "adamw_fused_ms" in torch:
        rows.append(("adamw: time over torch fused", gpu["adamw_ms"] / torch["adamw_fused_ms"], MOST_FUSED, False))
    for rule in ("lion", "sgd"):
        if rule + "_foreach_ms" in torch:
            rows.append((f"{rule}: time over torch foreach", gpu[rule + "_ms"] / torch[rule + "_foreach_ms"], MOST_FOREACH, False))
    rows.append(("1,000 tensors: time over one tensor", gpu["many_ms"] / gpu["many_as_one_ms"], MOST_MANY, False))
    least = 2 * ROWS * 1e-6 / bandwidth
    rows.append(("cross-entropy, value and gradient: time over one read and one write", gpu["rows_ms"] / least, MOST_ROWS, False))
    return rows


def main(paths, is_smoke):
    with open(paths[0]) as file:
        gpu = json.load(file)
    with open(paths[1]) as file:
        torch = json.load(file)
    with open(paths[2]) as file:
        copy = float(file.read() or 0)
    is_good = gpu["dispatches"] > 0 and (is_smoke or gpu["graph_has_the_bits_of_calls"] == 1)
    for what, measured, bar, is_least in table(gpu, torch, copy):
        holds = measured >= bar if is_least else measured <= bar
        is_good = is_good and (holds or is_smoke)
        print(f"{'ok  ' if holds else 'MISS'} {what}: {measured:.3f}, {'at least' if is_least else 'at most'} {bar}")
    if not torch:
        print("torch: not compared")
    return 0 if is_good else 1


arguments = [word for word in sys.argv[1:] if word != "--smoke"]
sys.exit(main(arguments, "--smoke" in sys.argv))
