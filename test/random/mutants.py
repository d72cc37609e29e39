#!/usr/bin/env python3
"""Specs with a few words changed: whatever they are, the command answers with a result or a located message.

    test/random/mutants.py GRADUS LIBRARY [--count N] [--seed S] [--keep FOLDER] SPEC..

A SPEC is a file, a folder of .grad files, or a Markdown page with ```grad blocks. Mutant k has the seed S + k: one to three words are
left out, doubled, exchanged or replaced by others of the same kind; then one command reads it. Wrong are a signal, a failed
assertion, an exit code that means nothing, an error without a code, and no end within LIMIT seconds of processor time.
"""
import argparse
import os
import random
import re
import resource
import subprocess
import sys
import tempfile

LIMIT = 20
MEMORY = 3 << 30
COMMANDS = (
    ["check"], ["check"], ["check", "--no-gradients"], ["build"], ["build"], ["test"], ["test"], ["explain"], ["grad"], ["fmt"],
    ["emit", "--stage=simplify"], ["emit", "--stage=llvm"],
)
WORD = re.compile(r'"[^"\n]*"|//[^\n]*|[^\W\d]\w*\'*|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\s+|\.\.|[<>=!+]=|.', re.S)
FUNCTIONS = """abs acos argmax argmin argsort atan2 cbrt cholesky clip concat conj convolve correlate cumprod cumsum det diag digamma dot
eigh exp expm eye fft flip gelu grad hess hypot ifft imag inverse jac kron lgamma log logdet logsumexp max mean median min norm norm2
one_hot ones outer pinv prod push qr quantile rank real relu repeat reshape roll segment_sum sigmoid sign softmax solve sort split sqrt
stack stop sum svd tanh tile top trace tril triu where zeros""".split()
NUMBERS = ["0", "1", "-1", "2", "3", "0.5", "1e300", "-0.0", "inf", "1000000000", "9223372036854775807", "99999999999999999999", "1e-320", "1e999", "2147483648", "4096"]
SIGNS = ["+", "-", "*", "/", "@", "^", "%", "==", "<", ">=", "and", ",", "=", "+=", ":", ".", ".T", "'", "(", ")", "[", "]", "{", "}", "\n", ";", "->", "~", ".."]
KEYWORDS = """all any as at axis by const derivative draw each else emit every expect fn from grad if import in input int joint keep like limit loop
loss not next of on or over param projection property prox return rule schedule shared size solve solver state step stochastic test then
train over minimize when while with within workers bf16 f16 f32 f64 i32 i64 bool real t T""".split()


def kind_of(word):
    if re.fullmatch(r"[^\W\d]\w*'*", word):
        return "function" if word in FUNCTIONS else "keyword" if word in KEYWORDS else "name"
    return "number" if word[0].isdigit() else "sign"


def replacement(dice, word, words):
    """Mostly a word of the same kind, so that many mutants get through the front end."""
    kind = kind_of(word) if dice.random() < 0.85 else dice.choice(["function", "keyword", "name", "number", "sign"])
    if kind == "name":
        names = [w for w in words if not w.isspace() and kind_of(w) == "name" and w[0] != '"' and not w.startswith("//")]
        return dice.choice(names or FUNCTIONS)
    return dice.choice({"function": FUNCTIONS, "keyword": KEYWORDS, "number": NUMBERS, "sign": SIGNS}[kind])


def mutate(dice, text):
    words = WORD.findall(text)
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        places = [i for i, w in enumerate(words) if not w.isspace() and w[0] != '"' and not w.startswith("//")]
        if len(places) < 4:
            return text
        i, j = dice.choice(places), dice.choice(places)
        way = dice.randrange(8)
        if way == 0:
            words[i] = ""
        elif way == 1:
            words[i] += " " + words[i] if words[i][-1].isalnum() else words[i]
        elif way == 2:
            words[i], words[j] = words[j], words[i]
        elif way == 3:  # an argument is wrapped
            words[i] = dice.choice(FUNCTIONS) + "(" + words[i] + ")"
        elif way == 4:  # a line is left out or doubled
            lines = "".join(words).split("\n")
            k = dice.randrange(len(lines))
            lines[k:k + 1] = [] if dice.random() < 0.5 else [lines[k], lines[k]]
            words = WORD.findall("\n".join(lines))
        else:
            words[i] = replacement(dice, words[i], words)
        words = [w for w in words if w]
    return "".join(words)


def units_of(path):
    """The text of a spec, or of each block of a page; long files in pieces of a few units."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if path.endswith(".md"):
        yield from re.findall(r"```grad\n(.*?)```", text, re.S)
        return
    if text.count("\n") < 120:
        yield text
        return
    yield from re.split(r"\n(?=///|(?:loss|fn|rule|train|test|schedule|solver|prox|projection|property)\b)", text)


def gather(paths):
    for path in paths:
        if os.path.isdir(path):
            yield from gather(sorted(os.path.join(path, name) for name in os.listdir(path)))
        elif path.endswith((".grad", ".md")):
            try:
                yield from ((path, unit) for unit in units_of(path))
            except UnicodeDecodeError:
                pass


def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def fault_of(run, command, text):
    if command[0] == "grad" and "has no loss" in run.stderr:
        return None
    if command[0] == "test" and run.returncode < 0 and re.search(r"\d{7}", text):  # so many steps were asked for
        return None
    if run.returncode not in (0, 1):
        return f"exit {run.returncode}"
    for sign in ("Assertion", "LLVM ERROR", "UNREACHABLE", "PLEASE submit", "terminate called", "internal: ", "<unknown>:0", "loc("):
        if sign in run.stderr:
            return sign
    if run.returncode == 1 and command[0] in ("build", "explain", "grad", "emit") and not re.search(r"error\[G\d{4}\]|^gradus: error: ", run.stderr, re.M):
        return "no code"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gradus")
    parser.add_argument("library")
    parser.add_argument("specs", nargs="+")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="where mutants with a fault are written")
    args = parser.parse_args()
    units = list(gather(args.specs))
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(args.seed, args.seed + args.count):
            dice = random.Random(seed)
            path, unit = dice.choice(units)
            text, command = mutate(dice, unit), list(dice.choice(COMMANDS))
            if command == ["check"] and re.search(r"\bby\b", text):  # the derivatives of inner problems take minutes
                command.append("--no-gradients")
            spec = os.path.join(folder, "mutant.grad")
            with open(spec, "w", encoding="utf-8") as file:
                file.write(text)
            extra = ["-o", os.path.join(folder, "out")] if command[0] == "build" else []
            words = [args.gradus, *command, spec, "-I", os.path.dirname(os.path.abspath(path)), *extra]
            if command[0] == "fmt":
                words = [args.gradus, "fmt", spec]
            run = subprocess.run(words, capture_output=True, text=True, errors="replace", preexec_fn=limit, cwd=folder,
                                 env={**os.environ, "GRADUS_LIBRARY": args.library})
            fault = fault_of(run, command, text)
            if not fault:
                continue
            wrong += 1
            print(f"// seed {seed}: {' '.join(command)}, {fault}, from {path}\n{text}\n{run.stderr[-1500:]}", flush=True)
            if args.keep:
                with open(os.path.join(args.keep, f"{seed}.grad"), "w", encoding="utf-8") as file:
                    file.write(text)
    print(f"{args.count} mutants of {len(units)} specs from seed {args.seed}: {wrong} wrong")
    return wrong != 0


sys.exit(main())
