#!/usr/bin/env python3
"""Every header, library and tool that the build uses comes from a package that `setup` names, or from one that such a package needs.

    test/check_setup.py BUILD_DIR     prints what does not; exit code 1 if anything does not
"""
import os
import re
import subprocess
import sys

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
build = os.path.abspath(sys.argv[1])
# What CMake's own modules look for on the way and nothing of ours runs.
UNUSED = {"LIBXML2_XMLLINT_EXECUTABLE", "PKG_CONFIG_EXECUTABLE"}
# A CUDA toolkit is no package: tests that can do more where one is look for it, wherever that is.
TOOLKIT = {"GRADUS_TEST_CUBLAS", "GRADUS_TEST_CUBLAS_INCLUDE", "GRADUS_TEST_CUDA_INCLUDE", "GRADUS_TEST_CUDA_STUB", "GRADUS_TEST_PTXAS"}


def output(*command, cwd=None, may_fail=False):
    """What the command prints. One that fails says why here, and not by what it leaves out."""
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if ended.returncode != 0 and not may_fail:
        sys.exit(f"check_setup: '{' '.join(command[:3])} ..' ended with {ended.returncode}: {ended.stderr.strip()}")
    return ended.stdout


def used_files():
    """Headers from ninja's dependency log, libraries of the tool, programs from CMake's cache."""
    paths, toolkit = set(), set()
    for line in output("ninja", "-t", "deps", cwd=build).splitlines():
        path = line.strip()
        if path.startswith("/"):
            paths.add(os.path.realpath(path))
    for match in re.finditer(r"=> (/\S+)", output("ldd", os.path.join(build, "bin", "gradus"))):
        paths.add(os.path.realpath(match.group(1)))
    with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as cache:
        for line in cache:
            match = re.match(r"([\w-]+):(?:FILEPATH|PATH|STRING)=(/\S+)$", line)
            if match and match.group(1) in TOOLKIT:
                header = os.path.join(match.group(2), "cuda.h")
                toolkit.add(os.path.dirname(os.path.realpath(header if os.path.isfile(header) else match.group(2))) + "/")
            elif match and match.group(1) not in UNUSED and os.path.isfile(match.group(2)):
                paths.add(os.path.realpath(match.group(2)))
    for tool in ("FileCheck", "not", "lit"):
        paths.add(os.path.realpath(f"/usr/lib/llvm-22/bin/{tool}"))
    own = (os.path.realpath(root) + "/", os.path.realpath(build) + "/")
    return {p for p in paths if not p.startswith(own + tuple(toolkit))}


def packages_of(paths):
    """The package of each file; a file of none maps to its own path."""
    owner = {}
    # /lib is a link to /usr/lib: dpkg knows some files by the one name and some by the other.
    asked = sorted(paths | {p.removeprefix("/usr") for p in paths if p.startswith("/usr/lib")})
    for first in range(0, len(asked), 200):
        for line in output("dpkg", "-S", *asked[first:first + 200], may_fail=True).splitlines():
            names, _, path = line.partition(": ")
            if not line.startswith("diversion"):
                owner[path] = names.split(", ")[0].split(":")[0]
    return {p: owner.get(p) or owner.get(p.removeprefix("/usr")) for p in paths}


def allowed_packages():
    """What `setup` names with all dependencies, and what every Debian has."""
    named = output(os.path.join(root, "setup"), "--list").split()
    closure = output("apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks",
                     "--no-replaces", "--no-enhances", "--installed", *named)
    allowed = {line.strip().split(":")[0] for line in closure.splitlines() if line and not line.startswith((" ", "<", "|"))}
    for line in output("dpkg-query", "-W", "-f=${Package} ${Essential} ${Priority}\n").splitlines():
        name, *rest = line.split()
        if "yes" in rest or "required" in rest:
            allowed.add(name)
    return allowed


owners = packages_of(used_files())
allowed = allowed_packages()
problems = sorted({f"{package or 'no package'}: {path}" for path, package in owners.items() if package not in allowed})
print("\n".join(problems) if problems else
      f"check_setup: {len(owners)} files of {len(set(owners.values()))} packages, all from setup")
sys.exit(1 if problems else 0)
