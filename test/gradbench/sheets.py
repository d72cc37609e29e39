"""What the golden sheets are made with: the stream of random numbers, differences in 50 digits, and the text of a sheet."""
import math
import random
from decimal import Decimal, getcontext

getcontext().prec = 50
EXACT = "within 1e-8"
PI = Decimal("3.14159265358979323846264338327950288419716939937510")


def uniform():
    """The stream of numbers in [0, 1) of 53 bits from the seed 31337, by Knuth's initialisation of the generator's state."""
    state = [31337]
    for i in range(1, 624):
        state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + i) & 0xFFFFFFFF)
    generator = random.Random()
    generator.setstate((3, tuple(state) + (624,), None))
    return generator.random


def normal(draw):
    """The stream of normal numbers made of a uniform one by Marsaglia's polar method, which makes two at once and gives the second first. A logarithm in 50 digits is the same
    everywhere."""
    while True:
        a, b = 2 * draw() - 1, 2 * draw() - 1
        square = a * a + b * b
        if 0 < square < 1:
            factor = math.sqrt(-2 * float(Decimal(square).ln()) / square)
            yield factor * b
            yield factor * a


def text(value):
    """A number or nested list as Gradus writes it; 17 digits tell a double."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(text(element) for element in value) + "]"
    return repr(value) if isinstance(value, int) else repr(float(value))


def rows(draw, n, d):
    return [[draw() for _ in range(d)] for _ in range(n)]


def jacobian(function, x):
    """The columns of the Jacobian in Decimal: central differences of step 1e-15, whose error is some 1e-30."""
    h = Decimal("1e-15")
    x = [Decimal(element) for element in x]
    moved = lambda i, by: [element + (by if j == i else 0) for j, element in enumerate(x)]
    return [[(a - b) / (2 * h) for a, b in zip(function(moved(i, h)), function(moved(i, -h)))] for i in range(len(x))]


def by_differences(function, x):
    """The gradient of a function that is a number."""
    return [column[0] for column in jacobian(lambda v: [function(v)], x)]


def block(title, lines):
    body = "\n".join("  " + line for line in lines)
    return f'test "{title}" {{\n{body}\n}}\n'


def sheet(name, title, lines, constants=()):
    head = "".join(f"const {line}\n" for line in constants)
    return f'import "../../../examples/gradbench/{name}.grad"\n{head}\n{block(title, lines)}'
