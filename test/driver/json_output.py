#!/usr/bin/env python3
"""Every command with `--json` prints one document that docs/schema.json describes, for good specs and for bad ones, and nothing else on standard output. What
is in it is what the command says to a person; a document with something taken away, added or of another type is refused.

    json_output.py GRADUS SOURCE_FOLDER
"""
import copy
import json
import os
import re
import subprocess
import sys
import tempfile

import json_schema

gradus, source = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
with open(os.path.join(source, "docs", "schema.json"), encoding="utf-8") as file:
    schema = json.load(file)
faults = []
count = 0

SPECS = {
    "two_errors.grad": "loss f(w: [d]) = sum(x * w)\nloss g(w: [d], v: [e]) = sum(w * v)\n",
    "no_derivative.grad": "loss f(w: [d]) = sum(trigamma(w))\n",
    "bytes.grad": "loss f(w: [d]) = sum(w) + \"\xff\"\n",
    "tests.grad": 'fn f(x) = x^2\ntest "right" { expect f(2.0) == 4 }\ntest "wrong" { expect f([2.0, 3.0]) ~ [4.0, 1.0] within 1e-3 }\n'
                  'test "not a number" { expect log(-1.0) == 0 }\nproperty "never" {\n  input x: [n]\n  expect sum(x^2) < 10\n}\n',
    "none.grad": "fn f(x: [n]) = 2 * x\n",
}


def gradus_run(*words):
    return subprocess.run([gradus, *words], capture_output=True, check=False)


def document_of(*words, exit_code):
    """The document, checked against the schema."""
    global count
    count += 1
    run = gradus_run(*words, "--json")
    line = "gradus " + " ".join(words)
    try:
        document = json.loads(run.stdout.decode("utf-8"), parse_constant=lambda word: faults.append(f"{line}: '{word}' is no JSON"))
    except ValueError as error:
        faults.append(f"{line}: {error}: {run.stdout[:200]} {run.stderr[:200]}")
        return {}
    if run.returncode != exit_code:
        faults.append(f"{line}: exit {run.returncode}, expected {exit_code}")
    if run.stderr:
        faults.append(f"{line}: says on standard error: {run.stderr[:200]}")
    if document.get("command") != words[0]:
        faults.append(f"{line}: is of the command '{document.get('command')}'")
    faults.extend(f"{line}: {fault}" for fault in json_schema.faults(schema["$defs"][words[0]], document, schema)[:3])
    faults.extend(f"{line}: {fault}" for fault in json_schema.faults(schema, document, schema)[:1])
    return document


def expect(line, got, expected):
    if got != expected:
        faults.append(f"{line}: got {got!r}, expected {expected!r}")


def pop(holder, key):
    holder.pop(key)


def check_refused(document):
    """What the schema says is looked at: each change of the document is refused."""
    for path in list(places(document)):
        for change in (pop, lambda o, k: o.update({k + "_": 1}), lambda o, k: o.update({k: {"no": "such thing"}})):
            other = copy.deepcopy(document)
            holder = other
            for step in path[:-1]:
                holder = holder[step]
            change(holder, path[-1])
            if not json_schema.faults(schema["$defs"][document["command"]], other, schema) and not (change is pop and path[-1] in OPTIONAL):
                faults.append(f"{document['command']}: another {'.'.join(map(str, path))} is accepted")


def places(value, path=()):
    """Every member of every object, but of each array those of its first element alone."""
    if isinstance(value, dict):
        for key in value:
            yield path + (key,)
            yield from places(value[key], path + (key,))
    elif isinstance(value, list) and value:
        yield from places(value[0], path + (0,))


OPTIONAL = {"bytes_per_parameter", "bytes_read", "bytes_written", "cached", "cost", "end_column", "end_line", "error", "expected", "floor_per_parameter", "flops_per_parameter",
            "got", "guard", "hessian_product", "help", "index", "left", "nest", "plan_bytes_per_param", "right", "tolerance", "under", "worst", "counterexample"}


def check_against_text(command, *words):
    """The same run for a person says the same."""
    document = document_of(command, *words, exit_code=0)
    text = gradus_run(command, *words).stdout.decode()
    if command == "check":
        lines = [f"{'pass' if c['status'] == 'pass' else c['status']}  {c['what']}: {'not checked: ' if c['status'] == 'skip' else ''}{c['found']}" for c in document["checks"]]
        expect("gradus check", [line for line in text.split("\n") if re.match("pass|FAIL|skip", line)], lines)
    if command == "explain":
        expect("gradus explain", re.findall(r"^([\w.]+): \d+ phase", text, re.M), [entry["name"] for entry in document["entries"]])
    if command == "test":
        expect("gradus test", re.findall(r"^pass  (.*)$", text, re.M), [test["title"] for test in document["tests"]])
    if command == "bench":
        rows = [line.split() for line in text.split("\n")[1:] if len(line.split()) == 9]
        expect("gradus bench", [(r[0], int(r[1]), float(r[3])) for r in rows], [(e["case"], e["n"], round(e["bytes_per_param"], 2)) for e in document["entries"]])
    return document


def run_good():
    std = os.path.join(source, "lang", "std")
    adamw, logistic = os.path.join(std, "rules", "adamw.grad"), os.path.join(std, "losses", "logistic.grad")
    good = [check_against_text("check", logistic), check_against_text("check", adamw), check_against_text("explain", logistic), check_against_text("explain", adamw),
            check_against_text("test", adamw), check_against_text("bench", adamw, "--dim", "w=1000", "--rounds", "3")]
    check_against_text("check", os.path.join(std, "prox", "ridge.grad"))
    check_against_text("explain", os.path.join(std, "rules", "muon.grad"))
    careless = document_of("check", os.path.join(source, "docs", "specs", "careless.grad"), "--pedantic", "--no-gradients", exit_code=0)
    expect("the lint of a warning", [(d["severity"], d.get("lint")) for d in careless["diagnostics"]], [("warning", "division-by-zero")])
    for document in good:
        expect(document["command"], document["diagnostics"], [])
        check_refused(document)


def run_bad():
    for command in ("check", "explain", "test", "bench"):
        document = document_of(command, "two_errors.grad", exit_code=1)
        text = gradus_run(command, "two_errors.grad").stderr.decode()
        said = re.findall(r"^(\S+):(\d+):(\d+): (error|warning)\[(\w+)\]: (.*)$", text, re.M)
        expect(command, [(d["file"], str(d["line"]), str(d["column"]), d["severity"], d["code"], d["message"]) for d in document["diagnostics"]], said)
        expect(f"{command}: errors", len(said) >= 2, True)
        expect(command, [n["message"] for d in document["diagnostics"] for n in d["notes"]], re.findall(r"note: (.*)$", text, re.M))
        check_refused(document)
        missing = document_of(command, "no such file.grad", exit_code=1)
        expect(command, [(d["code"], d["line"]) for d in missing["diagnostics"]], [("G0001", None)])
        document_of(command, "bytes.grad", exit_code=1)
        wrong = gradus_run(command, "two_errors.grad", "--json", "--no-such-option")
        expect(f"{command} --no-such-option", (wrong.returncode, wrong.stdout), (2, b""))
    expect("no derivative", [d["code"] for d in document_of("explain", "no_derivative.grad", exit_code=1)["diagnostics"]], ["G0850"])
    unlocated = [("explain", "none.grad", "--size", "x"), ("explain", "none.grad", "--in-place", "w"), ("test", "none.grad"), ("test", "tests.grad", "--filter", "no such"),
                 ("bench", "none.grad", "--entry", "no such"), ("explain", "none.grad", "--svg", "no/such/folder.svg")]
    for words in unlocated:
        messages = document_of(*words, exit_code=1)["diagnostics"]
        text = gradus_run(*words).stderr.decode()
        expect(words, [f"gradus: error: {m['message']}" for m in messages if m["code"] is None], text.strip().split("\n"))


def run_failing():
    document = document_of("test", "tests.grad", exit_code=1)
    tests = {t["title"]: t for t in document["tests"]}
    expect("tests", (document["passed"], document["failed"]), (1, 3))
    if set(tests) != {"right", "wrong", "not a number", "never"}:
        faults.append(f"tests: {document}")
        return
    for run in tests["wrong"]["runs"]:
        failure = run["failures"][0]
        expect("wrong", (failure["index"], failure["got"], failure["expected"], failure["line"]), ([1], 9, 1, 3))
    expect("not a number", [run["failures"][0]["left"] for run in tests["not a number"]["runs"]], ["nan", "nan"])
    expect("property", tests["never"]["counterexample"]["test"].startswith('test "never: a case" {'), True)
    check_refused(document)


with tempfile.TemporaryDirectory() as place:
    os.chdir(place)
    for name, text in SPECS.items():
        with open(name, "wb") as file:
            file.write(text.encode("latin-1"))
    run_good()
    run_bad()
    run_failing()
print("\n".join(faults[:30]) if faults else f"--json: {count} documents, all as docs/schema.json has them")
sys.exit(1 if faults else 0)
