#!/usr/bin/env python3
"""The reference pages, docs/COMMAND.md: there is one for each command, its synopsis and its table of options are those of `gradus --commands`, and its examples
print what stands below them. So does every example of the table run.

    pages.py GRADUS SOURCE_FOLDER [--update]     --update writes tables, and outputs that differ

In an example `[..]` stands for any text within a line, and a line `...` for any lines. `[exit 1]` below a command is its exit code, where that is not 0.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

gradus, source = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
update = "--update" in sys.argv
docs = os.path.join(source, "docs")
table = json.loads(subprocess.run([gradus, "--commands"], capture_output=True, text=True, check=True).stdout)
faults, counts = [], {"examples": 0, "rows": 0}
BEGIN, END = "<!-- written by test/driver/pages.py from the table of commands -->\n", "<!-- end -->\n"
# What the examples find in their folder.
FILES = ["docs/specs/*", "examples/digits/digits.csv", "examples/digits/digits.grad", "lang/std/losses/logistic.grad",
         "lang/std/rules/adam.grad", "lang/std/rules/adamw.grad", "lang/std/rules/sgd.grad"]
# A client that leaves in good form; the other commands read no standard input.
FAREWELL = "".join(f"Content-Length: {len(text)}\r\n\r\n{text}" for text in (
    '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}', '{"jsonrpc":"2.0","id":2,"method":"shutdown"}', '{"jsonrpc":"2.0","method":"exit"}'))


def make_folder(place):
    for pattern in FILES:
        folder, name = os.path.split(os.path.join(source, pattern))
        for file in sorted(os.listdir(folder)) if name == "*" else [name]:
            shutil.copy(os.path.join(folder, file), place)


def run(command, place):
    environment = dict(os.environ, PATH=os.path.dirname(gradus) + ":" + os.environ["PATH"], LC_ALL="C.UTF-8")
    environment.pop("GRADUS_LIBRARY", None)
    # Both outputs in their order, as in a terminal.
    return subprocess.run(["bash", "-c", command], cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, input=FAREWELL, text=True,
                          timeout=120, check=False)


def synopsis(command):
    options = " [OPTIONS]" if len(command["options"]) > 1 else ""
    return f"    gradus {command['name']}{options}{' ' if command['inputs']['text'] else ''}{command['inputs']['text']}\n"


def options_table(command):
    rows = ["| option | meaning | default | example |", "|---|---|---|---|"]
    for option in command["options"]:
        counts["rows"] += 1
        name = f"{option['name']} {option['argument']['text']}".strip().replace("|", "\\|")
        often = "; may come often" if option["often"] else ""
        default = f"`{option['default']}`" if "default" in option else option.get("default_in_words", "")
        rows.append(f"| `{name}` | {option['help']}{often} | {default} | `{option['example']}` |".replace("  ", " "))
    return "\n".join(rows) + "\n"


def fits(pattern, text):
    """`pattern` with its [..] and ... against the lines of `text`."""
    regex = ""
    for line in pattern.split("\n"):
        regex += "(?:[^\n]*\n)*?" if line == "..." else ".*".join(re.escape(part) for part in line.split("[..]")) + "\n"
    return re.fullmatch(regex, text + "\n") is not None


def check_block(page, block, place):
    """The block with the outputs as they are."""
    result = ""
    for command, output in re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
        counts["examples"] += 1
        done = run(command, place)
        got = done.stdout.rstrip("\n") + ("\n" if done.stdout.strip() else "") + (f"[exit {done.returncode}]\n" if done.returncode else "")
        if not fits(output.rstrip("\n"), got.rstrip("\n")):
            if not update:
                faults.append(f"{page}: $ {command}\n--- prints\n{got}--- but the page has\n{output}---")
            output = got
        result += f"$ {command}\n{output}"
    return result


def check_page(command):
    path = os.path.join(docs, command["name"] + ".md")
    if not os.path.exists(path):
        return faults.append(f"docs/{command['name']}.md: is not there")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    page = f"docs/{command['name']}.md"
    want = ["Synopsis", "Options", "Exit codes", "Examples"]
    if [title for title in re.findall(r"^## (.*)$", text, re.M) if title in want] != want:
        faults.append(f"{page}: expected the sections {', '.join(want)}")
    if not text.startswith(f"# gradus {command['name']}\n"):
        faults.append(f"{page}: expected the title 'gradus {command['name']}'")
    new = re.sub(r"(?<=## Synopsis\n\n)    gradus .*\n", lambda _: synopsis(command), text)
    new = re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: BEGIN + options_table(command) + END, new, flags=re.S)
    if synopsis(command) not in new or BEGIN not in new:
        faults.append(f"{page}: no place for the synopsis or the table of options")
    if new != text and not update:
        faults.append(f"{page}: synopsis or options are not those of the table; test/driver/pages.py .. --update writes them")
    if "```console\n" not in text:
        faults.append(f"{page}: has no example")
    with tempfile.TemporaryDirectory() as place:
        make_folder(place)
        new = re.sub(r"(?<=```console\n)(.*?)(?=```)", lambda m: check_block(page, m[1], place), new, flags=re.S)
    if update and new != text:
        with open(path, "w", encoding="utf-8") as file:
            file.write(new)
    return None


def check_example(example):
    with tempfile.TemporaryDirectory() as place:
        make_folder(place)
        done = run(example, place)
    counts["examples"] += 1
    if done.returncode != 0 and not (example.endswith("--check") and done.returncode == 1):
        faults.append(f"{example}: exit {done.returncode}: {done.stdout[:300]}")


def check_index():
    names = {command["name"] for command in table["commands"]}
    pages = {name.removesuffix(".md") for name in os.listdir(docs) if name.endswith(".md")} - {"README"}
    faults.extend(f"docs/{page}.md: is the page of no command" for page in sorted(pages - names))
    with open(os.path.join(docs, "README.md"), encoding="utf-8") as file:
        index = file.read()
    for command in table["commands"]:
        row = f"| [{command['name']}]({command['name']}.md) | {command['summary']} |\n"
        if row not in index:
            faults.append(f"docs/README.md: expected the row {row}")


def check_values():
    """What a shell offers behind an option, the command takes; a device need not be here."""
    lines = []
    for command in table["commands"]:
        for option in command["options"]:
            if option["argument"]["accepts"] in ("word", "words") and option["name"] != "--device":
                lines += [f"{command['start']} {option['name']}={word}" for word in option["argument"]["words"]]
    return lines


def check_asked():
    """A row that no command asks for would be an option without effect."""
    folder = os.path.join(source, "codegen", "driver")
    text = ""
    for name in os.listdir(folder):
        if name.endswith(".cpp"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                text += file.read()
    for name in sorted({option["name"] for command in table["commands"] for option in command["options"]} - {"--help"}):
        if not re.search(rf'\b(?:get|getAll|getCount|getCountOr|has)\("{re.escape(name)}"', text):
            faults.append(f"codegen/driver/Options.h: nothing asks for '{name}'")


check_index()
check_asked()
examples = [command["example"] for command in table["commands"]]
examples += [option["example"] for command in table["commands"] for option in command["options"] if option["name"] != "--help"]
with ThreadPoolExecutor(2) as pool:
    list(pool.map(check_page, table["commands"]))
    list(pool.map(check_example, [] if update else sorted(set(examples + check_values()))))
print("\n".join(faults) if faults else f"docs: {len(table['commands'])} pages, {counts['rows']} options, {counts['examples']} examples")
sys.exit(1 if faults else 0)
