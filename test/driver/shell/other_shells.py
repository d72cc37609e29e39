#!/usr/bin/env python3
"""The completions of Zsh and Fish: the shells that are here read them without a complaint, and Fish offers what the table has.

    other_shells.py GRADUS
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

gradus = os.path.abspath(sys.argv[1])
table = json.loads(subprocess.run([gradus, "--commands"], capture_output=True, text=True, check=True).stdout)
faults = []


def script_of(shell):
    return subprocess.run([gradus, "completion", shell], capture_output=True, text=True, check=True).stdout


def run(*command, text=""):
    done = subprocess.run(command, capture_output=True, text=True, check=False, input=text, timeout=60)
    if done.returncode or done.stderr:
        faults.append(f"{command[0]}: exit {done.returncode}: {done.stderr[:500]}")
    return done.stdout


def check_names():
    """Without the shells: every command, option and word stands in the scripts, at the command that it belongs to."""
    zsh, fish = script_of("zsh"), script_of("fish")
    for command in table["commands"]:
        name = command["name"]
        branch = re.search(rf"^ +{name}\)\n(.*?);;", zsh, re.M | re.S)
        lines = [line for line in fish.split("\n") if f"__fish_seen_subcommand_from {name}'" in line]
        if not branch or not lines or f"'{name}:" not in zsh or f" -a {name} " not in fish:
            faults.append(f"'{name}' is missing")
            continue
        for option in command["options"]:
            short = option["name"].lstrip("-")
            line = [line for line in lines if f" -{'l' if option['name'].startswith('--') else 's'} {short} " in line]
            if not re.search(rf"['*{{]{re.escape(option['name'])}[=,\[]", branch[1]) or len(line) != 1:
                faults.append(f"'{name} {option['name']}' is missing")
            elif option["argument"]["accepts"] in ("word", "words"):
                for word in option["argument"]["words"]:
                    if word not in line[0] or word.replace(":", "\\:") not in branch[1]:
                        faults.append(f"'{name} {option['name']} {word}' is missing")
    return zsh, fish


def ask_fish(fish, line):
    out = run("fish", "--no-config", "-c", f"{fish}\ncomplete -C {json.dumps(line)}")
    return sorted(row.split("\t")[0] for row in out.split("\n") if row)


def check_fish(fish):
    run("fish", "--no-execute", "/dev/stdin", text=fish)
    names = {c["name"] for c in table["commands"]}
    if set(ask_fish(fish, "gradus ")) != names:
        faults.append(f"fish: 'gradus ' offers {ask_fish(fish, 'gradus ')}")
    for line, expected in (("gradus emit --stage=l", ["--stage=llvm", "--stage=llvm-ir", "--stage=lower"]),
                           ("gradus emit --stage l", ["llvm", "llvm-ir", "lower"]),
                           ("gradus build --target x86-64-v3,vul", ["x86-64-v3,vulkan"]),
                           ("gradus build --ze", ["--zero-grads"]),
                           ("gradus check s", ["spec.grad"]),
                           ("gradus run --data ", ["data.csv", "folder/"]),
                           ("gradus run --data=da", ["--data=data.csv"]),
                           ("gradus help b", ["bench", "build"])):
        if (got := ask_fish(fish, line)) != expected:
            faults.append(f"fish: '{line}' offers {got}, expected {expected}")


zsh, fish = check_names()
done = ["names"]
with tempfile.TemporaryDirectory() as place:
    os.chdir(place)
    os.mkdir("folder")
    for path in ("data.csv", "spec.grad"):
        open(path, "w", encoding="utf-8").close()
    if shutil.which("zsh"):
        with open("_gradus", "w", encoding="utf-8") as file:
            file.write(zsh)
        run("zsh", "-f", "-n", "_gradus")
        done.append("zsh reads it")
    if shutil.which("fish"):
        check_fish(fish)
        done.append("fish completes")
missing = [shell for shell in ("zsh", "fish") if not shutil.which(shell)]
print("\n".join(faults) if faults else f"completions: {', '.join(done)}" + (f"; not tried, for it is not here: {', '.join(missing)}" if missing else ""))
sys.exit(1 if faults else 0)
