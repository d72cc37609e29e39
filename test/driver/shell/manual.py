#!/usr/bin/env python3
"""The manual page: it names every command and option, and the formatters that are here have nothing to warn of.

    manual.py GRADUS
"""
import json
import re
import shutil
import subprocess
import sys
import tempfile

gradus = sys.argv[1]
table = json.loads(subprocess.run([gradus, "--commands"], capture_output=True, text=True, check=True).stdout)
page = subprocess.run([gradus, "--man"], capture_output=True, text=True, check=True).stdout
faults, done = [], []


def words(text):
    """What is left of roff or of a rendered page: its words, in order."""
    return re.sub(r"[\s‐-]+", "", re.sub(r"\\f[BRI]|\\&", "", text)).replace("\\", "")


def check_sections(text, of):
    sections = re.split(r"^(?:\.SS |   )gradus (\w+)$", text, flags=re.M)
    found = dict(zip(sections[1::2], sections[2::2]))
    for command in table["commands"]:
        if command["name"] not in found:
            faults.append(f"{of}: no section 'gradus {command['name']}'")
            continue
        section = words(found[command["name"]])
        for option in command["options"]:
            usage = words(f"{option['name']} {option['argument']['text']}".strip())
            if usage not in section:
                faults.append(f"{of}: 'gradus {command['name']}' does not say {option['name']}")


check_sections(page, "roff")
if not page.isascii():
    faults.append("roff: a character beyond ASCII")
with tempfile.NamedTemporaryFile("w", suffix=".1") as file:
    file.write(page)
    file.flush()
    for name, command in (("man", ["man", "--warnings=w", "-E", "UTF-8", "-l", file.name]),
                          ("groff", ["groff", "-ww", "-man", "-Tutf8", "-P-c", file.name])):
        if not shutil.which(name):
            continue
        run = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", "MANWIDTH": "200", "LC_ALL": "C.UTF-8"})
        if run.returncode or run.stderr:
            faults.append(f"{name}: exit {run.returncode}: {run.stderr[:500]}")
        elif name == "man":
            check_sections(run.stdout, name)
        done.append(name)
print("\n".join(faults) if faults else f"gradus.1: rendered by {', '.join(done) or 'nothing that is here'}")
sys.exit(1 if faults else 0)
