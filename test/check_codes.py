#!/usr/bin/env python3
"""Every code that a message can have is in lang/Messages.def with its title, is said somewhere, and is shown in lang/ERRORS.md.

The front end names codes as enumerators, Code::Name, and the table of lints as GRADUS_LINT("name", Name, ..); passes and printers, which do not
depend on lang/, begin their message with the number, "G0850: ". A spec of test/lang/bad has each code, and lang/ERRORS.md shows one of them with a mended twin; what no spec can reach is listed here.

    test/check_codes.py [ROOT]     prints what is wrong, one line each; exit code 1 if anything is
"""
import os
import re
import subprocess
import sys

TABLE = "lang/Messages.def"
PAGE = "lang/ERRORS.md"
BAD = "test/lang/bad"
LINTS = "test/lang/lint"  # warnings: a spec that has it, one that is mended and one that is silenced stand there

# Codes of what the front end never hands on, and why; the passes look all the same, for their own tests and tools feed them.
BEHIND = {
    "0555": "no loss is known that C99 cannot say",
    "0851": "the command looks at '--wrt' first",
    "0852": "a loss of a spec has a value",
    "0854": "the front end asks for the size first (G0311, G0403)",
    "0857": "the front end looks at the names first (G0329)",
    "0899": "none is known",
    "0930": "'gradus.grad' is gone before kernels are made",
}


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def entries(root):
    return re.findall(r'^GRADUS_MESSAGE\((\d{4}), (\w+), "([^"]+)"\)$', read(root, TABLE), re.M)


def titles(root):
    return {number: title for number, _, title in entries(root)}


def sections(root):
    """What the page shows: code -> title, name of the bad spec, mended twin."""
    found = {}
    if not os.path.exists(os.path.join(root, PAGE)):
        return found
    for part in re.split(r"^## (?=G\d{4}: )", read(root, PAGE), flags=re.M)[1:]:
        shown = re.match(r"(G\d{4}): (.*)\n\n```grad (\w+)\n.*?```\n```text\n.*?```\nMended:\n```grad\n(.*?)```\n", part, re.S)
        if shown:
            found[shown[1]] = {"title": shown[2], "name": shown[3], "twin": shown[4]}
    return found


def check_sources(root, problems):
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "lang", "dialect", "passes", "codegen"], cwd=root, capture_output=True, text=True, check=True)
    sources = [p for p in listed.stdout.split() if p.endswith((".cpp", ".h", ".td", "/Lints.def")) and os.path.exists(os.path.join(root, p))]
    table = {number: name for number, name, _ in entries(root)}
    names, said = set(table.values()), set()
    for path in sources:
        text = read(root, path)
        for number in re.findall(r'"G(\d{4}): ', text):
            if number not in table:
                problems.append(f"{path}: G{number} is not in {TABLE}")
            said.add(table.get(number))
        for name in re.findall(r"\bCode::([A-Z]\w+)", text) + re.findall(r'^GRADUS_LINT\("[a-z-]+", (\w+), ', text, re.M):
            if name not in names and name not in ("FUNCTION", "NAME"):
                problems.append(f"{path}: Code::{name} is not in {TABLE}")
            said.add(name)
    problems += [f"{TABLE}: nothing says G{number}, {name}" for number, name in table.items() if name not in said]
    if not table or not sources:
        problems.append("nothing was read")
    return len(sources)


def said_in(root, folder):
    """Code -> the specs that have it."""
    said = {}
    for file in sorted(os.listdir(os.path.join(root, folder))):
        if file.endswith(".expected"):
            for number in set(re.findall(r"\[G(\d{4})[] ]", read(root, f"{folder}/{file}"))):
                said.setdefault(number, []).append(file[:-9])
    return said


def check_index(root, problems):
    known, page = titles(root), sections(root)
    said, warned = said_in(root, BAD), said_in(root, LINTS)
    for number, title in known.items():
        entry = page.get("G" + number)
        if number in warned and number not in said:
            continue
        if number in BEHIND:
            if number in said:
                problems.append(f"test/check_codes.py: G{number} is listed as out of reach, but {said[number][0]} reaches it")
        elif number not in said:
            problems.append(f"{BAD}: no spec has G{number}, {title}")
        elif not entry or not entry["twin"].strip():
            problems.append(f"{PAGE}: no mended twin of G{number}; write a bad spec, run test/lang/error_index.py --update, and mend it there")
        elif entry["title"] != title or entry["name"] not in said[number]:
            problems.append(f"{PAGE}: G{number} is another one in {TABLE} or {BAD}")
    problems += [f"{PAGE}: {code} is not in {TABLE}" for code in page if code[1:] not in known]
    problems += [f"test/check_codes.py: G{number} is not in {TABLE}" for number in BEHIND if number not in known]


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    problems = []
    count = check_sources(root, problems)
    check_index(root, problems)
    print("\n".join(problems) if problems else f"check_codes: {len(titles(root))} codes in {count} files, nothing wrong")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
