"""count_svg.py PICTURE TEXT: the picture of `gradus explain` has the phases, kernels and bytes of its text."""
import re
import sys
import xml.etree.ElementTree as tree

root = tree.parse(sys.argv[1]).getroot()
text = open(sys.argv[2], encoding="utf-8").read()
width, height = float(root.get("width")), float(root.get("height"))
rects = root.findall(".//{*}rect")
lines = [element.text for element in root.findall(".//{*}text")]
counts = {name: sum(rect.get("class") == name for rect in rects) for name in ("frame", "box", "read", "write")}
assert counts["frame"] == sum(int(n) for n in re.findall(r"^\S+: (\d+) phase", text, re.M)), counts
assert counts["box"] == len(re.findall(r"^  phase \d+, kernel", text, re.M)), counts
for kind, verb in (("read", "reads "), ("write", "writes")):
    numbers = [n for n in re.findall(rf"^    {verb} .*: ([0-9.]+) bytes", text, re.M) if float(n) > 0]
    assert counts[kind] == len(numbers), (kind, counts, numbers)
    assert all(f"{n} B" in lines for n in numbers), (kind, numbers)
for rect in rects:
    x, y = float(rect.get("x", 0)), float(rect.get("y", 0))
    assert x >= 0 and y >= 0 and x + float(rect.get("width")) <= width and y + float(rect.get("height")) <= height, rect.attrib
