#!/usr/bin/env python3
"""What Bash offers, and the line that comes of it: everything in the table (`gradus --commands`) is completed, and nothing else.

    bash.py GRADUS
"""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

gradus = os.path.abspath(sys.argv[1])
table = json.loads(subprocess.run([gradus, "--commands"], capture_output=True, text=True, check=True).stdout)
script = subprocess.run([gradus, "completion", "bash"], capture_output=True, text=True, check=True).stdout
faults = []
asked = []


def split_as_bash_does(line):
    """The words of COMP_WORDS: blanks part, and runs of '=' and ':' are words of their own."""
    words = re.findall(r"[=:]+|[^\s=:]+", line)
    return words + ([""] if not line or line[-1] in " =:" else [])


def expect(line, offers, within=False):
    """`offers`: what replaces the part behind the last blank, '=' or ':'; `within`: at least these."""
    asked.append((line, sorted(offers), within))


def run_all():
    """One shell for all questions; each answer is a line."""
    program = script + "\n"
    for line, _, _ in asked:
        words = split_as_bash_does(line)
        program += f"COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_WORDS=({' '.join(map(shlex.quote, words))}) COMP_CWORD={len(words) - 1}\n"
        program += "_gradus; (IFS='|'; printf '%s\\n' \"${COMPREPLY[*]}\")\n"
    run = subprocess.run(["bash", "--norc", "-u", "-c", program], capture_output=True, text=True, check=False)
    if run.returncode or run.stderr:
        faults.append(f"bash: exit {run.returncode}: {run.stderr}")
    answers = run.stdout.split("\n")
    for (line, offers, within), answer in zip(asked, answers):
        got = sorted(answer.split("|")) if answer else []
        if not (set(offers) <= set(got) if within else got == offers):
            faults.append(f"'{line}': offers {got}, expected {'at least ' if within else ''}{offers}")


def expect_values(before, argument):
    """What stands behind an option, as the next word or after '='."""
    words, accepts = argument["words"], argument["accepts"]
    if accepts == "word":
        expect(before, words)
        expect(before + words[0][:1], [w for w in words if w.startswith(words[0][:1])])
    elif accepts == "words":
        plain = [w for w in words if ":" not in w]
        expect(before, words)
        expect(before + words[0] + ",", [words[0] + "," + w for w in words[1:]])
        expect(before + plain[-1] + ",nvptx:sm_8", [w.split(":")[1] for w in words if w.startswith("nvptx:sm_8")])
        expect(before + "nvptx:sm_80," + plain[0][:1], ["sm_80," + w for w in plain if w.startswith(plain[0][:1])])
    elif accepts == "file" and words:
        expect(before, ["data.csv", "folder", "plan.svg", "spec.grad", "other.grad"] if not words else
               ["folder"] + [f for f in ("data.csv", "plan.svg", "spec.grad", "other.grad") if f.endswith("." + words[0])])
    elif accepts == "file":
        expect(before, ["data.csv", "folder", "other.grad", "plan.svg", "spec.grad"])
    elif accepts == "folder":
        expect(before, ["folder"])
    elif accepts == "text":
        expect(before, [])


def expect_table():
    commands = [c["name"] for c in table["commands"]]
    expect("gradus ", commands)
    expect("gradus --", [o["name"] for o in table["options"]])
    for command in table["commands"]:
        name = command["name"]
        expect(f"gradus {name}", [c for c in commands if c.startswith(name)])
        expect(f"gradus {name} -", [o["name"] for o in command["options"]])
        for option in command["options"]:
            expect(f"gradus {name} {option['name']}", [o["name"] for o in command["options"] if o["name"].startswith(option["name"])])
            if option["argument"]["accepts"] != "nothing":
                expect_values(f"gradus {name} {option['name']} ", option["argument"])
            if option["name"].startswith("--") and option["argument"]["accepts"] != "nothing":
                expect_values(f"gradus {name} {option['name']}=", option["argument"])
        accepts = command["inputs"]["accepts"]
        behind = {"file": ["folder", "other.grad", "spec.grad"], "nothing": [], "word": command["inputs"]["words"], "command": commands}[accepts]
        expect(f"gradus {name} ", behind)
        if accepts == "file":
            expect(f"gradus {name} s", ["spec.grad"])
            expect(f"gradus {name} folder/", ["folder/inner.grad"])
            expect(f"gradus {name} spec.grad ", behind)


with tempfile.TemporaryDirectory() as place:
    os.chdir(place)
    os.mkdir("folder")
    for path in ("data.csv", "folder/inner.grad", "other.grad", "plan.svg", "spec.grad"):
        open(path, "w", encoding="utf-8").close()
    expect_table()
    # Written out by hand, apart from the table: a table that lost its words would agree with itself.
    expect("gradus bu", ["build"])
    expect("gradus emit spec.grad --stage=l", ["llvm", "llvm-ir", "lower"])
    expect("gradus grad spec.grad --emit=", ["c", "latex", "mlir", "spec"])
    expect("gradus build spec.grad --target native,v", ["native,vulkan"])
    expect("gradus test --engine r", ["reference"])
    expect("gradus nothing ", [])
    run_all()
print("\n".join(faults) if faults else f"bash: {len(asked)} lines, all completed as the table says")
sys.exit(1 if faults or len(asked) < 200 else 0)
