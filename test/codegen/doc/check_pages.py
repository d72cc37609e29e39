#!/usr/bin/env python3
"""Pages of `gradus doc` against the specs that they are of, by what shares no code with it.

    check_pages.py PAGES SPECS...      prints what is wrong, one line each; exit code 1 if anything is

Each page is HTML by Python's parser and well-formed XML; ids are unique, links resolve, nothing comes from elsewhere. Of each spec: every statement of the
text has a row with MathML, in which its numbers and the author's names stand, and the source is there word by word.
"""
import html.parser
import os
import re
import sys
import xml.etree.ElementTree as ET

GREEK = dict(alpha="α", beta="β", chi="χ", delta="δ", eps="ε", epsilon="ϵ", eta="η", gamma="γ", inf="∞", iota="ι", kappa="κ", mu="μ", nu="ν", omega="ω", phi="φ", pi="π",
             psi="ψ", rho="ρ", sigma="σ", tau="τ", theta="θ", upsilon="υ", xi="ξ", zeta="ζ", **{"lambda": "λ"})
ACCENTS = {"hat": "^", "bar": "¯", "tilde": "~", "dot": "˙"}
# Words that a formula has as a sign, or as a word of its own: what is left of them is not looked for.
SIGNS = set("""over abs all and any arange by bool const cbrt ceil complex cos cosh derivative digamma div dot draw else emit every exp exp2 expect expm1 eye false fft floor fn for from
    grad hess if ifft imag in input int inverse jac joint keep kron lgamma like limit log log10 log1p log2 logsumexp loop max mean min norm norm1 normal_cdf normal_quantile not of on ones or outer param
    prod real reciprocal report return rsqrt shared sigmoid sign sin sinh size solves sqrt square state sum t tan tanh then times true trigamma when where while with within zeros T at
    arg f16 f32 f64 bf16 i32 i64 u8 rule projection unrolled""".split())
VOID = {"meta", "link", "br"}
problems = []


def say(path, what):
    problems.append(f"{path}: {what}")


class Reader(html.parser.HTMLParser):
    """Checks that tags close as they open, as HTML reads them."""

    def __init__(self, path):
        super().__init__()
        self.path, self.open = path, []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        if len(set(name for name, _ in attrs)) != len(attrs):
            say(self.path, f"<{tag}> has an attribute twice")

    def handle_startendtag(self, tag, attrs):
        if tag not in VOID:
            say(self.path, f"<{tag}/> is no void element of HTML")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            say(self.path, f"</{tag}> closes nothing")


def local(element):
    return element.tag.split("}")[-1]


def read_page(folder, name):
    path = os.path.join(folder, name)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    reader = Reader(name)
    reader.feed(text)
    reader.close()
    if reader.open:
        say(name, f"<{reader.open[-1]}> is not closed")
    if not text.startswith("<!DOCTYPE html>"):
        say(name, "no doctype")
    try:
        tree = ET.fromstring(text)
    except ET.ParseError as error:
        say(name, f"is no XML: {error}")
        return None
    for element in tree.iter():
        if local(element) in ("script", "iframe", "img", "object", "embed", "style"):
            say(name, f"has <{local(element)}>")
        for attribute, value in element.attrib.items():
            if attribute in ("href", "src") and re.match(r"[a-z]+:|//", value):
                say(name, f"refers to {value}")
            if attribute.startswith("on"):
                say(name, f"has the script {attribute}")
    return tree


def check_links(pages):
    ids = {name: [e.get("id") for e in tree.iter() if e.get("id")] for name, tree in pages.items()}
    for name, tree in pages.items():
        if len(set(ids[name])) != len(ids[name]):
            say(name, "an id stands twice")
        for element in tree.iter():
            href = element.get("href")
            if href is None:
                continue
            page, _, anchor = href.partition("#")
            target = os.path.normpath(os.path.join(os.path.dirname(name), page)) if page else name
            if target == "style.css":
                continue
            if target not in pages:
                say(name, f"the page of {href} is not there")
            elif anchor and anchor not in ids[target]:
                say(name, f"the place of {href} is not there")
    reached, todo = set(), ["index.html"]
    while todo:
        name = todo.pop()
        if name in reached:
            continue
        reached.add(name)
        for element in pages[name].iter():
            page = (element.get("href") or "").partition("#")[0]
            target = os.path.normpath(os.path.join(os.path.dirname(name), page))
            if page and target in pages:
                todo.append(target)
    for name in sorted(set(pages) - reached):
        say(name, "no link leads here")


def check_maths(name, tree):
    """Children of the elements that have a fixed number, and leaves that say something."""
    arity = dict(mfrac=2, msub=2, msup=2, msubsup=3, munder=2, mover=2, mroot=2, msqrt=1)
    known = set(arity) | set("math mrow mi mn mo mtext mspace mtable mtr mtd".split())
    for math in (e for e in tree.iter() if local(e) == "math"):
        if not "".join(math.itertext()).strip():
            say(name, "a formula is empty")
        for element in math.iter():
            kind = local(element)
            if kind not in known:
                say(name, f"<{kind}> is not of MathML Core")
            if kind in arity and len(element) != arity[kind]:
                say(name, f"<{kind}> has {len(element)} parts")
            if kind in ("mi", "mn", "mo", "mtext") and (len(element) or not element.text):
                say(name, f"<{kind}> says nothing")


def spell(word):
    """What of an author's name must stand in the formula."""
    letters = word.rstrip("0123456789")
    head, _, tail = letters.rstrip("_").partition("_")
    for part in (head, letters.rstrip("_")):
        for ending, accent in ACCENTS.items():
            stem = part[: -len(ending)]
            if part.endswith(ending) and (len(stem) == 1 or stem in GREEK) and part == letters.rstrip("_"):
                return [GREEK.get(stem, stem), accent]
    if len(head) == 1 or head in GREEK:
        return [GREEK.get(head, head)] + ([GREEK.get(tail, tail)] if tail else [])
    return [word]


def statements(lines):
    """(number, text) of all code behind the heads of units: their bodies and what stands beside them. Braces, comments and texts are left out."""
    depth = 0  # of the brackets of a head that is not over
    for number, line in enumerate(lines, 1):
        code = re.sub(r'"[^"]*"', '""', line.split("//")[0]).rstrip()
        code = re.sub(r"\bin [\[(][^,]*,[^\])]*[\])]", "", code)  # brackets of intervals need not fit
        head = re.match(r"(?:loss|fn|prox|projection|solver|schedule|rule|train|test|property|const)\b\s*(?:\w+|\"\")", code)
        if depth == 0 and head:
            code = code[head.end():]
        if depth > 0 or (head and code.startswith("(")):
            for at, sign in enumerate(code):
                depth += (sign == "(") - (sign == ")")
                if depth == 0:
                    break
            code = code[at + 1:] if depth == 0 else ""
            code = re.sub(r"^\s*(over [^{]*)?\{?$", "", code)  # objectives are arguments
        if code.strip(" {}=") and not code.startswith("import "):
            yield number, code


def check_spec(folder, name, tree, path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    rows = {}
    for row in (e for e in tree.iter() if e.get("data-line")):
        if not any(local(e) == "math" for e in row.iter()):
            say(name, f"the row of line {row.get('data-line')} has no formula")
        text = "".join("".join(m.itertext()) for m in row.iter() if local(m) == "math")
        rows[int(row.get("data-line"))] = rows.get(int(row.get("data-line")), "") + text + " "
    source = {}
    for line in (e for e in tree.iter() if e.get("class") == "line"):
        parts = list(line)
        source[int(parts[0].text)] = "".join(line.itertext())[len(parts[0].text):]
    for number, text in source.items():
        if text != lines[number - 1]:
            say(name, f"line {number} of the source is not that of the spec")
    starts = sorted(rows)
    for number, code in statements(lines):
        if number not in source:
            say(name, f"line {number} of the source is missing: {code}")
        # A statement may go over several lines: what stands in one is looked for in the row that begins last before it.
        begin = max((start for start in starts if start <= number), default=None)
        if begin is None:
            say(name, f"no formula up to line {number}: {code}")
            continue
        said = rows[begin]
        for word in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", re.sub(r"\.\.\s*[^,\s]+", "", code)):
            if word not in said and not (word == "1" and "10" in said):
                say(name, f"line {number}: the formula has no {word}: {code.strip()} | {said}")
        for word in re.findall(r"(?<![\w.\"])[^\W\d]\w*", code):
            if word not in SIGNS and not all(part in said for part in spell(word)):
                say(name, f"line {number}: the formula has no {word}: {code.strip()} | {said}")


def main(folder, specs):
    names = sorted(os.path.relpath(os.path.join(at, f), folder) for at, _, files in os.walk(folder) for f in files if f.endswith(".html"))
    pages = {name: tree for name in names if (tree := read_page(folder, name)) is not None}
    if "index.html" not in pages:
        say("index.html", "is not there")
    else:
        check_links(pages)
    for name, tree in pages.items():
        check_maths(name, tree)
    count = 0
    for path in specs:
        stem = os.path.splitext(os.path.basename(path))[0] + ".html"
        inner = os.path.join(os.path.basename(os.path.dirname(path)), stem)
        name = inner if inner in pages else stem
        if name not in pages:
            say(name, f"is not there, the page of {path}")
            continue
        count += 1
        check_spec(folder, name, pages[name], path)
    with open(os.path.join(folder, "style.css"), encoding="utf-8") as file:
        style = file.read()
    if "prefers-color-scheme: dark" not in style or re.search(r"url\(|@import", style):
        say("style.css", "has no dark colours, or takes something from elsewhere")
    print("\n".join(problems) if problems else f"check_pages: {len(pages)} pages of {count} specs, nothing wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    given = []
    for argument in sys.argv[2:]:
        if os.path.isdir(argument):
            given += sorted(os.path.join(at, f) for at, _, files in os.walk(argument) for f in files if f.endswith(".grad"))
        else:
            given.append(argument)
    sys.exit(main(sys.argv[1], given))
