#!/usr/bin/env python3
"""Builds the standard library for sm_80 and sm_90: what has a form for devices must become PTX, and cubins where ptxas is here; the counts are printed.

    library_for_nvidia.py GRADUS LIBRARY SCRATCH [SPEC..]     some specs of the library, or all of them
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys

# Nothing of these is an entry by itself, or it has no form for devices: both are located errors with these codes, or the sentence.
NO_ENTRY = ("has nothing to compile", "error[G0417]", "error[G0465]", "error[G0466]")
NO_FORM = "error[G0932]"
TARGET = "--target=x86-64-v3,nvptx:sm_80,sm_90"
# Rules that go through their arrays point by point: 16 bytes at a time, and everything in registers.
ELEMENTWISE = ("adam", "adamw", "lion", "momentum", "rmsprop", "sgd")


def build(gradus, spec, folder):
    """(what became of it, what was said)."""
    run = subprocess.run([gradus, "build", spec, "-o", folder, TARGET], capture_output=True, text=True)
    said = run.stdout + run.stderr
    if run.returncode == 0:
        return "built", said
    if any(text in said for text in NO_ENTRY):
        return "no entry", said
    return ("no form" if NO_FORM in said else "failed"), said


def check_images(folder, name, said):
    """What is wrong with the images of an artifact."""
    with open(os.path.join(folder, name + ".json")) as file:
        manifest = json.load(file)
    images = [(image["kind"], image["architecture"]) for image in manifest["device_code"]["images"]]
    has_assembler = "PTX alone, for no ptxas is here" not in said
    expected = [("ptx", "sm_80"), ("ptx", "sm_90")] + [("cubin", "sm_80"), ("cubin", "sm_90")] * has_assembler
    wrong = [] if images == expected else [f"{name}: images {images}, expected {expected}"]
    if name in ELEMENTWISE:
        with open(os.path.join(folder, name + ".a"), "rb") as file:
            code = file.read()
        if not re.search(rb"ld\.global(\.nc)?\.v4\.[bf]32", code):
            wrong.append(f"{name}: no load of 16 bytes")
        if "spilled" in said:
            wrong.append(f"{name}: {said.strip()}")
    return wrong, has_assembler


def main(gradus, library, scratch, *chosen):
    specs = sorted(os.path.join(at, file) for at, _, files in os.walk(library) for file in files if file.endswith(".grad"))
    specs = [os.path.join(library, name) for name in chosen] or specs
    counts, wrong, assembled, spilling = {}, [], 0, []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        folders = [os.path.join(scratch, os.path.relpath(spec, library)[:-5]) for spec in specs]
        results = list(pool.map(lambda pair: build(gradus, *pair), zip(specs, folders)))
    for spec, folder, (what, said) in zip(specs, folders, results):
        counts[what] = counts.get(what, 0) + 1
        if what == "failed":
            wrong.append(f"{spec}:\n{said}")
        if what == "no form":
            print(re.search(r"[^\n]*G0932[^\n]*", said).group(0))
        if what == "built":
            problems, has_assembler = check_images(folder, os.path.basename(folder), said)
            wrong += problems
            assembled += has_assembler
            spilling += [line for line in said.split("\n") if "spilled" in line]
    print(f"{len(specs)} specs: {counts.get('built', 0)} built for sm_80 and sm_90, {assembled} of them assembled by ptxas, "
          f"{counts.get('no form', 0)} without a form for devices, {counts.get('no entry', 0)} without an entry of their own")
    print("\n".join(spilling))
    print("\n".join(wrong))
    return 1 if wrong or not counts.get("built") else 0


sys.exit(main(*sys.argv[1:]))
