#!/usr/bin/env python3
"""A command can ask for an option of the table alone: what asks for another one does not compile.

    unknown_option.py SOURCE_FOLDER COMPILER INCLUDE_FOLDER...
"""
import subprocess
import sys

source, compiler, *folders = sys.argv[1:]
PROGRAM = """#include "codegen/driver/CommandLine.h"
bool ask(const gradus::driver::Invocation &invocation) { return invocation.has("%s"); }
"""


def compile_with(name):
    command = [compiler, "-std=gnu++20", "-fno-exceptions", "-fsyntax-only", "-I", source, *(f"-isystem{folder}" for folder in folders), "-x", "c++", "-"]
    return subprocess.run(command, input=PROGRAM % name, capture_output=True, text=True, check=False)


good, bad = compile_with("--dtype"), compile_with("--dtyep")
faults = []
if good.returncode:
    faults.append(f"'--dtype' does not compile: {good.stderr[:500]}")
if bad.returncode == 0 or "thereIsNoRowForThisOption" not in bad.stderr:
    faults.append(f"'--dtyep' compiles, or for another reason not: {bad.stderr[:500]}")
print("\n".join(faults) if faults else "options: '--dtype' compiles, '--dtyep' does not")
sys.exit(1 if faults else 0)
