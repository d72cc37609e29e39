"""The picture of Adam on Rosenbrock's function against a hand-written Adam, and its contours against the function itself. usage: check_paths.py FILE.svg"""

import math
import re
import sys
import xml.etree.ElementTree as ET

SVG = '{http://www.w3.org/2000/svg}'
root = ET.parse(sys.argv[1]).getroot()


def f(x, y):
    return (1 - x)**2 + 100 * (y - x**2)**2


def adam(steps, lr=0.1, beta1=0.9, beta2=0.999, eps=1e-8):
    w, m, v = [-1.2, 1.0], [0.0, 0.0], [0.0, 0.0]
    for t in range(1, steps + 1):
        x, y = w
        gradient = [-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)]
        for i in 0, 1:
            m[i] = beta1 * m[i] + (1 - beta1) * gradient[i]
            v[i] = beta2 * v[i] + (1 - beta2) * gradient[i]**2
            w[i] -= lr * (m[i] / (1 - beta1**t)) / (math.sqrt(v[i] / (1 - beta2**t)) + eps)
        yield tuple(w)


# What the legend says, and every point of the path on the paper.
path = [(-1.2, 1.0), *adam(500)]
texts = [text.text for text in root.iter(SVG + 'text')]
said = next(float(found.group(1)) for text in texts if text and (found := re.search(r'f = (\S+) after 500 steps', text)))
assert abs(said / f(*path[-1]) - 1) < 1e-4, (said, f(*path[-1]))
box = next(rect for rect in root.iter(SVG + 'rect') if rect.get('class') == 'axis')
left, top, width, height = (float(box.get(name)) for name in ('x', 'y', 'width', 'height'))
placed = [(left + (x + 2) / 4 * width, top + (3 - y) / 4 * height) for x, y in path]
line = next(one for one in root.iter(SVG + 'path') if (one.get('class') or '').startswith('line'))
drawn = [tuple(map(float, point.split())) for point in re.split('[ML]', line.get('d'))[1:]]
assert len(drawn) > 50, len(drawn)
for x, y in drawn:
    assert min(math.hypot(x - px, y - py) for px, py in placed) < 0.2, (x, y)
for px, py in placed:
    assert min(math.hypot(x - px, y - py) for x, y in drawn) < 1, (px, py)

# Along a contour the function is one number, as far as a tenth of a pixel tells.
levels = [one for one in root.iter(SVG + 'path') if one.get('class') == 'level']
heights = []
for one in levels:
    values, slack = [], 0
    for point in re.split('[ML]', one.get('d'))[1:]:
        px, py = map(float, point.split())
        x, y = (px - left) / width * 4 - 2, 3 - (py - top) / height * 4
        values.append(f(x, y))
        slope = math.hypot(-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2))
        slack = max(slack, slope * 0.004)
    heights.append(sorted(values)[len(values) // 2])
    assert max(values) - min(values) < 2 * slack + 0.05, (min(values), max(values), slack)
assert heights == sorted(heights) and len(heights) == 16, heights
print(f'a path of {len(drawn)} points and {len(levels)} contours are as they should be')
