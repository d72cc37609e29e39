#!/usr/bin/env python3
"""Every reduction in every form of its slot: it gives what its definition says, on both engines, or is refused with the code of the table.

    reductions.py GRADUS

The expected values are computed here, from the definitions, element by element.
"""
import math
import os
import re
import subprocess
import sys
import tempfile

gradus = sys.argv[1]
INF, NONE_INT = math.inf, "(-9223372036854775807 - 1)"

# ---- What each word is of a list of numbers ---------------------------------------------------------------------------------------


def log_sum_exp(values):
    largest = max(values, default=-INF)
    return largest if math.isinf(largest) else largest + math.log(math.fsum(math.exp(v - largest) for v in values))


def median(values):
    values, n = sorted(values), len(values)
    return math.nan if n == 0 else (values[(n - 1) // 2] + values[n // 2]) / 2


def extremum(pick, none):
    return lambda values: pick(values, default=none) if not values or isinstance(values[0], float) else int(pick(values))


WORDS = {
    "all": all,
    "any": any,
    "argmax": lambda values: values.index(max(values)) if values else -1,
    "argmin": lambda values: values.index(min(values)) if values else -1,
    "logsumexp": log_sum_exp,
    "max": extremum(max, -INF),
    "mean": lambda values: math.fsum(values) / len(values) if values else math.nan,
    "median": median,
    "min": extremum(min, INF),
    "norm": lambda values: math.sqrt(math.fsum(v * v for v in values)),
    "norm1": lambda values: sum(abs(v) for v in values),
    "prod": math.prod,
    "sum": sum,
}
OPERANDS = {
    "bool": [[True, False, True, True], [False, False, True, False]],
    "int": [[3, -7, 2, 5], [-4, 6, 6, -1]],
    "real": [[0.5, -1.25, 3.0, 2.0], [-4.5, 6.0, 0.25, 6.0]],
}

# ---- The forms of a slot: the statement, and the lists that are reduced, in the shape of the result ---------------------------------


def rows(x):
    return [list(row) for row in x]


def columns(x):
    return [list(column) for column in zip(*x)]


def blocks(x):
    return [[row[0:2], row[2:4]] for row in x]


def flat(x):
    return [v for row in x for v in row]


def deep(value, levels):
    """Lists of terms below `levels` of shape."""
    return value, levels


FORMS = {
    "r = W(x)": lambda x: deep(flat(x), 0),
    "r = W(x[0, :])": lambda x: deep(x[0], 0),
    "r = W(x[1, 2])": lambda x: deep([x[1][2]], 0),
    "r = W[all](x)": lambda x: deep(flat(x), 0),
    "r = W[axis = 0](x)": lambda x: deep(columns(x), 1),
    "r = W[axis = 1](x)": lambda x: deep(rows(x), 1),
    "r = W[axis = (0, 1)](x)": lambda x: deep(flat(x), 0),
    "r = W[axis = 1, keep](x)": lambda x: deep([[row] for row in x], 2),
    "r = W[keep, axis = 0](x)": lambda x: deep([columns(x)], 2),
    "r = W[keep](x)": lambda x: deep([[flat(x)]], 2),
    "r = W[keep](x[0, :])": lambda x: deep([x[0]], 1),
    "r = W[blocks = 2](x)": lambda x: deep(blocks(x), 2),
    "r = W[axis = 0, blocks = 2](x)": lambda x: deep([columns(x)], 2),
    "r = W[blocks = 2, keep](x)": lambda x: deep([[b for b in row for _ in range(2)] for row in blocks(x)], 2),
    "r = W[axis = 0, blocks = 2, keep](x)": lambda x: deep([columns(x)] * 2, 2),
    "r[i] = W[j](x[i, j])": lambda x: deep(rows(x), 1),
    "r[j] = W[i](x[i, j])": lambda x: deep(columns(x), 1),
    "r = W[i, j](x[i, j])": lambda x: deep(flat(x), 0),
    "r = W[i](x[i, :])": lambda x: deep(columns(x), 1),
    "r[i] = W(x[i, :])": lambda x: deep(rows(x), 1),
    "r[i] = W[axis = 0](x[i, :])": lambda x: deep(rows(x), 1),
    "r[i, :] = W[blocks = 2](x[i, :])": lambda x: deep(blocks(x), 2),
    "r = W[j](x[0, j])": lambda x: deep(x[0], 0),
    "r[i] = W[j <= i](x[i, j])": lambda x: deep([row[: i + 1] for i, row in enumerate(x)], 1),
    "r[i] = W[j < i](x[i, j])": lambda x: deep([row[:i] for i, row in enumerate(x)], 1),
    "r[i] = W[j > 1](x[i, j])": lambda x: deep([[None, None] + row[2:] for row in x], 1),
    "r = W[j != 1](x[:, j])": lambda x: deep([[row[0], None] + row[2:] for row in x], 1),
    "r = W[i, j > i](x[i, j])": lambda x: deep([v for i, row in enumerate(x) for v in row[i + 1 :]], 0),
    "r = W[accumulate = f64](x)": lambda x: deep(flat(x), 0),
    "r = W[axis = 1, accumulate = f64](x)": lambda x: deep(rows(x), 1),
    "r = W[axis = 1, keep, accumulate = f64](x)": lambda x: deep([[row] for row in x], 2),
    "r[i] = W[j, accumulate = f64](x[i, j])": lambda x: deep(rows(x), 1),
    "r = W[j > 0, j != 2](x[0, j])": lambda x: deep([None, x[0][1], None, x[0][3]], 0),
    "r = W[0 < j < 3](x[0, j])": lambda x: deep([None, x[0][1], x[0][2], None], 0),
    "r = W(x[:0, :])": lambda x: deep([], 0),
    "r = W[axis = 1](x[:, :0])": lambda x: deep([[], []], 1),
    "r = W[axis = 1, keep](x[:, :0])": lambda x: deep([[[]], [[]]], 2),
    "r = W[axis = 0](x[:, :0])": lambda x: deep([], 1),
    # Refused whatever the word is.
    "r = W[axis = 2](x)": None,
    "r = W[axis = -1](x)": None,
    "r = W[blocks = 3](x)": None,
    "r = W[i, keep](x[i, 0])": None,
    "r = W[i, axis = 0](x[i, :])": None,
    "r = W[all, keep](x)": None,
    "r = W[axis = 0, axis = 1](x)": None,
    "r = W[blocks = 2, blocks = 2](x)": None,
    "r = W[order = 2](x)": None,
    "r = W(x, x)": None,
}

# ---- What is refused, with the reason -----------------------------------------------------------------------------------------------


def refusal(word, kind, form):
    """The code, or nothing where the form has a value."""
    is_place, is_logical = word in ("argmax", "argmin"), word in ("all", "any")
    if form == "r = W(x, x)":  # one array, but max and min take several, by elements
        return None if word in ("max", "min") else "G0304"
    if "axis = 2" in form or "axis = -1" in form:  # axes count from 0
        return "G0339"
    if word == "median":  # it runs along one axis or index, or over all elements, and no more stands in its slot
        slot = form.partition("W")[2].partition("(x")[0]
        if slot != "[all]" and any(part in slot for part in ("all", "keep", "blocks", "accumulate", "order", "axis = (0, 1)", "axis = 0, axis", "i, axis", "<", ">", "!=", "i, j")):
            return "G0377"
        return "G0338" if form == "r = W(x[1, 2])" else None
    if FORMS[form] is None:
        # Blocks must divide their axis.
        return "G0395" if "blocks = 3" in form else "G0338"
    if "accumulate" in form and word not in ("mean", "norm1", "prod", "sum"):  # nothing is added up, or only inside
        return "G0338"
    if is_logical and kind != "bool":  # conditions only
        return "G0315"
    one_axis = ("r = W(x)", "r = W[all](x)", "r = W[axis = (0, 1)](x)", "r = W[keep](x)", "r = W(x[1, 2])", "r = W(x[:0, :])")
    if is_place and (form in one_axis or "i, j" in form.split("(")[0] and form.startswith("r = W[i, j")):  # places count along one axis
        return "G0339"
    return None


# ---- Specs -------------------------------------------------------------------------------------------------------------------------


def spell(value):
    if isinstance(value, list):
        return "[" + ", ".join(spell(v) for v in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if value in (INF, -INF):
        return "inf" if value > 0 else "-inf"
    return repr(value)


def each(word, value, levels):
    """The results for lists of terms; None stands for a term that a guard leaves out, whose place counts all the same."""
    if levels:
        return [each(word, v, levels - 1) for v in value]
    terms = [v for v in value if v is not None]
    if word in ("argmax", "argmin"):
        return value.index((max if word == "argmax" else min)(terms)) if terms else -1
    return WORDS[word](terms)


def claims(word, kind, number, form):
    """Statements of a test; the result of a form has a name of its own."""
    value, levels = FORMS[form](OPERANDS[kind])
    expected = each(word, value, levels)
    r = f"r{number}"
    yield r + form[1:].replace("W", word, 1)
    whole = expected if isinstance(expected, list) else [expected]
    while whole and isinstance(whole[0], list):
        whole = flat(whole)
    if levels and not whole:
        yield f"expect sum(isnan({r} * 1.0)) == 0"
        return
    if any(isinstance(v, float) and math.isnan(v) for v in whole):
        test = lambda v: [test(u) for u in v] if isinstance(v, list) else isinstance(v, float) and math.isnan(v)
        zero = lambda v: [zero(u) for u in v] if isinstance(v, list) else 0.0 if math.isnan(v) else v
        yield f"expect isnan({r}) == {spell(test(expected))}"
        yield f"expect where(isnan({r}), 0, {r}) ~ {spell(zero(expected))} within 1e-12"
        return
    text = spell(expected)
    if kind != "real" and word in ("max", "min"):  # the bounds of an integer, not infinities
        text = text.replace("-inf", NONE_INT).replace("inf", "9223372036854775807")
    is_exact = all(isinstance(v, (bool, int)) or math.isinf(v) for v in whole)
    yield f"expect {r} == {text}" if is_exact else f"expect {r} ~ {text} within 1e-12"


def operand(kind):
    return f"x = {spell(OPERANDS[kind])}"


def run(command, text, folder):
    path = os.path.join(folder, "case.grad")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    result = subprocess.run([gradus, command, path], capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


bad = right = refused = 0
with tempfile.TemporaryDirectory() as folder:
    for word in WORDS:
        tests, wrong = "", []  # what holds, and what is refused: a function of four lines each
        for kind in OPERANDS:
            body = ""
            for number, form in enumerate(FORMS):
                code = refusal(word, kind, form)
                if code is None and FORMS[form] is not None:
                    body += "".join(f"  {claim}\n" for claim in claims(word, kind, number, form))
                    right += 1
                elif code and kind == ("bool" if word in ("all", "any") else "real") or code == "G0315" and form == "r = W(x)":
                    kinds = "" if kind == "real" else " " + kind
                    wrong.append((code, f"fn f{len(wrong)}(x: [2, 4]{kinds}) {{\n  {form.replace('W', word, 1)}\n  return r\n}}\n"))
            if body:
                tests += f'test "{word}, {kind}" {{\n  {operand(kind)}\n{body}}}\n'
        status, said = run("test", tests, folder)
        if status:
            bad += 1
            print(f"{word}:\n{said}")
        refused += len(wrong)
        for first in range(0, len(wrong), 10):  # a run reports some errors, not all
            part = wrong[first : first + 10]
            status, said = run("check", "".join(text for _, text in part), folder)
            codes = [set() for _ in part]
            for line, code in re.findall(r"case\.grad:(\d+):\d+: error\[(G\d+)\]", said):
                codes[(int(line) - 1) // 4].add(code)
            for (code, text), got in zip(part, codes):
                if got != {code}:
                    bad += 1
                    print(f"expected {code}, got {sorted(got)}:\n{text}")
print(f"{right} forms have their value, {refused} are refused, {bad} failures")
sys.exit(1 if bad else 0)
