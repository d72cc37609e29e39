"""What a picture of `gradus plot` says, read back from its XML: for each path the numbers at some places, told by the ticks of its axes."""

import re
import sys
import xml.etree.ElementTree as ET

SVG = '{http://www.w3.org/2000/svg}'
root = ET.parse(sys.argv[1]).getroot()
box = next(rect for rect in root.iter(SVG + 'rect') if rect.get('class') == 'axis')
left, top, width, height = (float(box.get(name)) for name in ('x', 'y', 'width', 'height'))

# The numbers beside the axes: those of y end to the left of the frame, those of x are centred below it.
ticks = {'x': [], 'y': []}
for text in root.iter(SVG + 'text'):
    if not re.fullmatch(r'-?[\d.]+(e[-+]\d+)?', text.text or ''):
        continue
    if text.get('text-anchor') == 'end':
        ticks['y'].append((float(text.get('y')) - 4.5, float(text.text)))
    elif text.get('text-anchor') == 'middle':
        ticks['x'].append((float(text.get('x')), float(text.text)))


def scale_of(axis):
    """From a place on the paper to a number, by the outermost ticks."""
    (p0, v0), (p1, v1) = min(ticks[axis]), max(ticks[axis])
    return lambda place: v0 + (place - p0) / (p1 - p0) * (v1 - v0)


to_x, to_y = scale_of('x'), scale_of('y')
number = 0
for path in root.iter(SVG + 'path'):
    if not (path.get('class') or '').startswith('line'):
        continue
    pieces = [[tuple(map(float, point.split())) for point in piece.split('L')] for piece in path.get('d').split('M')[1:]]
    points = [(to_x(x), to_y(y)) for piece in pieces for x, y in piece]
    places = [x for x in (-4, -2, 0, 2, 100, 400) if points[0][0] - 0.01 <= x <= points[-1][0] + 0.01]
    values = ', '.join(f'{round(min(points, key=lambda point: abs(point[0] - x))[1], 2) + 0:g} at {x}' for x in places)
    print(f'curve {number}: {len(pieces)} piece{"s" if len(pieces) > 1 else ""} from {points[0][0]:.3g} to {points[-1][0]:.3g}, {values}; '
          f'begins {points[0][0]:.2f} {points[0][1]:.2f}, ends {points[-1][0]:.2f} {points[-1][1]:.2f}')
    number += 1
