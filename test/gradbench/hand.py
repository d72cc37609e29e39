"""Hand tracking. ADBench's model of a hand is no file of ours: one with the same bones is made of the stream of random numbers. A vertex goes up the bones to the wrist point by
point, so that no matrices are multiplied."""
from decimal import Decimal

from adbench import cut, decimals, flat, rotated
from sheets import EXACT, block, jacobian, rows, sheet, text, uniform

PARENTS = [-1] + [4 * f + s if s else 0 for f in range(5) for s in range(4)] + [0]      # the last bone is the forearm
BONES = len(PARENTS)


def moved(matrix, x):
    """A place by a map of homogeneous coordinates."""
    return [sum(a * b for a, b in zip(row[:3], x)) + row[3] for row in matrix[:3]]


class Hand:
    """Sixteen vertices: three between the bones of each finger, and one between wrist and forearm."""

    def __init__(self, draw):
        self.relative, self.inverse, self.base, self.weights = [], [], [], []
        for _ in PARENTS:
            turn, shift = [Decimal(draw()) - Decimal("0.5") for _ in range(3)], [draw() for _ in range(3)]
            axes = [rotated(turn, [Decimal(int(i == j)) for i in range(3)]) for j in range(3)]
            self.relative.append([[float(axes[j][i]) for j in range(3)] + [shift[i]] for i in range(3)] + [[0.0, 0.0, 0.0, 1.0]])
        relative = decimals(self.relative)
        for bone in range(BONES):
            columns = [self.up(bone, [Decimal(int(i == j)) for i in range(3)], relative) for j in range(3)]
            origin = self.up(bone, [Decimal(0)] * 3, relative)
            axes = [[a - b for a, b in zip(column, origin)] for column in columns]      # a rotation's inverse is its transpose
            self.inverse.append([[float(e) for e in axis] + [float(-sum(a * b for a, b in zip(axis, origin)))] for axis in axes] + [[0.0, 0.0, 0.0, 1.0]])
        for nearest, other in [(4 * f + s, 4 * f + s - 1) for f in range(5) for s in (2, 3, 4)] + [(0, BONES - 1)]:
            share = draw() / 2
            self.weights.append([1 - share if bone == nearest else share if bone == other else 0.0 for bone in range(BONES)])
            origin = self.up(nearest, [Decimal(0)] * 3, relative)
            self.base.append([float(o) + draw() - 0.5 for o in origin] + [1.0])
        self.exact = decimals(self.relative), decimals(self.inverse), decimals(self.base), decimals(self.weights)

    @staticmethod
    def up(bone, x, relative, angles=None):
        while bone >= 0:
            if angles:
                for axis, angle in zip(range(3), angles[bone]):
                    x = rotated([angle if i == axis else Decimal(0) for i in range(3)], x)
            x, bone = moved(relative[bone], x), PARENTS[bone]
        return x

    def vertex(self, theta, number, mirrored):
        relative, inverse, base, weights = self.exact
        angles = [[Decimal(0)] * 3 for _ in PARENTS]      # about x, y and z
        for f, (flexion, abduction, middle, tip) in enumerate(cut(theta[6:], 5)):
            angles[4 * f + 2] = [flexion, Decimal(0), abduction]
            angles[4 * f + 3][0], angles[4 * f + 4][0] = middle, tip
        total = [Decimal(0)] * 3
        for bone, weight in enumerate(weights[number]):
            if weight:
                place = self.up(bone, moved(inverse[bone], base[number]), relative, angles)
                total = [a + weight * b for a, b in zip(total, place)]
        if mirrored:
            total[0] = -total[0]
        return [a + b for a, b in zip(rotated(theta[:3], total), theta[3:6])]

    def constants(self):
        return [f"{name} = {text(value)}" for name, value in (
            ("parents", PARENTS), ("relative", self.relative), ("inverse", self.inverse), ("base", self.base), ("weights", self.weights))]


def ht():
    draw = uniform()
    hand = Hand(draw)
    theta = [draw() - 0.5 for _ in range(3)] + [draw() for _ in range(3)] + [2 * draw() - 1 for _ in range(20)]
    vertex, points = [0, 5, 7, 9, 14, 15], rows(draw, 6, 3)
    triangles, triangle = [[0, 1, 2], [3, 8, 15], [6, 10, 4], [13, 11, 12]], [3, 1, 2, 1]
    us = [[draw() / 2, draw() / 2] for _ in triangle]

    def simple(theta):
        return flat([[Decimal(a) - b for a, b in zip(point, hand.vertex(theta, number, False))] for point, number in zip(points, vertex)])

    def complicated(theta, us):
        places = {number: hand.vertex(theta, number, True) for number in set(flat(triangles[t] for t in triangle))}
        errors = []
        for point, t, (u, v) in zip(points, triangle, us):
            a, b, c = (places[number] for number in triangles[t])
            errors += [Decimal(point[j]) - u * a[j] - v * b[j] - (1 - u - v) * c[j] for j in range(3)]
        return errors

    def in_us():
        """Each error depends on its own two numbers: the columns of point i have the rows of point i."""
        columns = jacobian(lambda v: complicated(decimals(theta), cut(v, len(us))), flat(us))
        return [[columns[2 * (row // 3) + k][row] for k in range(2)] for row in range(3 * len(us))]
    model = "parents, relative, inverse, base, weights"
    in_theta = list(zip(*jacobian(lambda v: complicated(v, decimals(us)), theta)))
    call = f"theta, {model}, false, vertex, points"
    first = sheet("ht", "six vertices of a hand", [
        f"theta = {text(theta)}", f"vertex = {text(vertex)}", f"points = {text(points)}",
        f"expect ht({call}) ~ {text(simple(decimals(theta)))} {EXACT}",
        f"expect ht_jacobian({call}) ~ {text(list(zip(*jacobian(simple, theta))))} {EXACT}"], hand.constants())
    call = f"theta, us, {model}, true, triangles, triangle, points"
    return first + "\n" + block("four places in triangles of a mirrored hand", [
        f"theta = {text(theta)}", f"us = {text(us)}", f"triangles = {text(triangles)}", f"triangle = {text(triangle)}", f"points = {text(points[:4])}",
        f"expect ht_complicated({call}) ~ {text(complicated(decimals(theta), decimals(us)))} {EXACT}",
        f"expect ht_complicated_jacobian({call}) ~ {text([list(u) + list(rest) for u, rest in zip(in_us(), in_theta)])} {EXACT}"])
