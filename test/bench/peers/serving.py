"""What the peers' processes share: a step for each line of standard input, answered with the nanoseconds that it took."""

import sys
import time


def serve(step):
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter_ns()
        step()
        print(time.perf_counter_ns() - start, flush=True)
