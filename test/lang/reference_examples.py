#!/usr/bin/env python3
"""Every block of the language reference passes `gradus check`, and `gradus test` if it has tests.

    reference_examples.py GRADUS REFERENCE.md
"""
import os
import re
import subprocess
import sys
import tempfile

gradus, reference = sys.argv[1:3]
with open(reference, encoding="utf-8") as file:
    blocks = re.findall(r"```grad\n(.*?)```", file.read(), re.S)
bad = 0
with tempfile.TemporaryDirectory() as folder:
    for number, block in enumerate(blocks, 1):
        path = os.path.join(folder, f"block{number}.grad")
        with open(path, "w", encoding="utf-8") as file:
            file.write(block)
        for command in ("check", "test") if 'test "' in block else ("check",):
            run = subprocess.run([gradus, command, path], capture_output=True, text=True)
            if run.returncode:
                bad += 1
                print(f"block {number}: gradus {command}:\n{run.stdout}{run.stderr}")
print(f"{len(blocks)} blocks, {bad} failures")
sys.exit(1 if bad or not blocks else 0)
