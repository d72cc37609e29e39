#!/usr/bin/env python3
"""Times of torch on the same GPU, as JSON: the fused AdamW, and rules by its foreach operations. Without torch or a GPU it prints {}."""
import json
import sys
import time

COUNT = 1 << 28
ROUNDS, TIMES = 11, 10


def measure(torch, step):
    step()
    torch.cuda.synchronize()
    seconds = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(TIMES):
            step()
        torch.cuda.synchronize()
        seconds.append((time.perf_counter() - begin) / TIMES)
    return 1e3 * sorted(seconds)[ROUNDS // 2]


def make_lion(torch, w, g, m, lr=1e-4, beta1=0.9, beta2=0.99):
    """Lion by the operations that torch's own foreach optimizers use."""
    def step():
        update = torch._foreach_mul(m, beta1)
        torch._foreach_add_(update, g, alpha=1 - beta1)
        torch._foreach_sign_(update)
        torch._foreach_add_(w, update, alpha=-lr)
        torch._foreach_mul_(m, beta2)
        torch._foreach_add_(m, g, alpha=1 - beta2)
    return step


def main():
    try:
        import torch
    except ImportError as problem:
        print(f"peer absent: {problem}", file=sys.stderr)
        return {}
    if not torch.cuda.is_available():
        print("peer absent: torch has no GPU here", file=sys.stderr)
        return {}
    torch.set_grad_enabled(False)
    w = torch.nn.Parameter(torch.randn(COUNT, device="cuda"))
    w.grad = torch.randn(COUNT, device="cuda")
    result = {"torch": torch.__version__}
    fused = torch.optim.AdamW([w], fused=True)
    result["adamw_fused_ms"] = measure(torch, fused.step)
    del fused
    torch.cuda.empty_cache()
    plain = torch.optim.SGD([w], lr=0.1, foreach=True)
    result["sgd_foreach_ms"] = measure(torch, plain.step)
    m = torch.zeros(COUNT, device="cuda")
    result["lion_foreach_ms"] = measure(torch, make_lion(torch, [w.data], [w.grad], [m]))
    return result


print(json.dumps(main()))
