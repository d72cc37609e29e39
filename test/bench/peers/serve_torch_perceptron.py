"""Train steps of a perceptron by torch on request: serve_torch_perceptron.py ROWS,FEATURES,HIDDEN,CLASSES THREADS eager|compiled."""

import sys

from serving import serve

rows, features, hidden, classes = map(int, sys.argv[1].split(","))
try:
    import torch
except (ImportError, OSError) as problem:
    sys.exit(f"no torch: {problem}")

RATE = 0.1
torch.set_num_threads(int(sys.argv[2]))
shapes = {"U": (features, hidden), "a": (hidden,), "V": (hidden, classes), "b": (classes,)}
parameters = {name: torch.nn.Parameter(0.05 * torch.randn(shape)) for name, shape in shapes.items()}
X = torch.randn(rows, features)
label = torch.arange(rows) * 7 % classes
optimizer = torch.optim.SGD(parameters.values(), lr=RATE)


def loss_of(p):
    scores = torch.tanh(X @ p["U"] + p["a"]) @ p["V"] + p["b"]
    return torch.nn.functional.cross_entropy(scores, label)


def eager():
    optimizer.zero_grad(set_to_none=True)
    loss = loss_of(parameters)
    loss.backward()
    optimizer.step()
    return loss


@torch.compile(fullgraph=True)
def compiled_step(p):
    """The whole step as one graph, which is faster than a compiled loss and a compiled optimizer."""
    gradient, loss = torch.func.grad_and_value(loss_of)(p)
    return {name: p[name] - RATE * gradient[name] for name in p}, loss


def compiled():
    global parameters
    with torch.no_grad():
        parameters, loss = compiled_step(parameters)
    return loss


step = {"eager": eager, "compiled": compiled}[sys.argv[3]]
if sys.argv[3] == "compiled":
    parameters = {name: p.detach() for name, p in parameters.items()}
for _ in range(3):
    step()
serve(step)
