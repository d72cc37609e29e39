"""Steps of an optimizer of torch on request: serve_torch.py RULE N THREADS eager|foreach|fused|compiled."""

import sys

from serving import serve

rule, count, threads, form = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
try:
    import torch
except (ImportError, OSError) as problem:
    sys.exit(f"no torch: {problem}")

torch.set_num_threads(threads)
OPTIMIZERS = {
    "adadelta": ("Adadelta", {"lr": 1.0, "rho": 0.95}),
    "adagrad": ("Adagrad", {"lr": 0.01}),
    "adam": ("Adam", {"lr": 1e-3}),
    "adamw": ("AdamW", {"lr": 1e-3}),
    "momentum": ("SGD", {"lr": 1e-3, "momentum": 0.9}),
    "nadam": ("NAdam", {"lr": 2e-3}),
    "radam": ("RAdam", {"lr": 1e-3}),
    "rmsprop": ("RMSprop", {"lr": 0.01}),
    "sgd": ("SGD", {"lr": 1e-3}),
}
if rule not in OPTIMIZERS:
    sys.exit(f"torch {torch.__version__} has no {rule}")
name, settings = OPTIMIZERS[rule]
kind = {"eager": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}, "compiled": {"foreach": False}}[form]
parameter = torch.nn.Parameter(0.02 * torch.randn(count))
parameter.grad = torch.randn(count)
try:
    optimizer = getattr(torch.optim, name)([parameter], **settings, **kind)
    step = torch.compile(optimizer.step) if form == "compiled" else optimizer.step
    step()
except (AssertionError, RuntimeError, TypeError, ValueError) as problem:
    sys.exit(f"torch {torch.__version__}: no {form} {name}: {str(problem).splitlines()[0] if str(problem) else type(problem).__name__}")
serve(step)
