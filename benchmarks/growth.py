"""Time and memory per operation from 10^2 to 10^5 operations, as ratios to the smallest net.

Two kinds of net: every operation a line of its own (a residual every four), and one block repeated. Parsing,
unrolling and all analyses are inside the measurement; memory is what Python allocated at its peak.
"""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc

import cnncalc

SHORT = "--short" in sys.argv  # one small round, which tells whether the script works
SIZES = (100, 1_000) if SHORT else (100, 1_000, 10_000, 100_000)


def lines(operations: int) -> str:
    """A residual of two convolutions and a batch norm, ReLU behind it: five operations in three lines."""
    step = "- residual: [conv 8 k3 p1 relu, conv 8 k3 p1]\n  then: relu\n"
    return "input: 8x32x32\nlayers:\n" + step * (operations // 5)


def block(operations: int) -> str:
    return (
        "input: 8x32x32\nblocks:\n  b:\n    params: {c: required}\n    layers:\n"
        "      - residual: [conv $c k3 p1 relu, conv $c k3 p1]\n        then: relu\n"
        f"layers: [b c=8 x{operations // 5}]\n"
    )


def seconds_and_bytes(text: str) -> tuple[float, int]:
    best = float("inf")
    for _ in range(5 if len(text) < 200_000 else 2):
        gc.collect()
        start = time.perf_counter()
        cnncalc.analyze(text)
        best = min(best, time.perf_counter() - start)
    # Empties the lists of freed tuples that Python keeps: a net of a hundred operations would find a quarter of its
    # memory there, and nothing of it would be counted.
    gc.collect()
    tracemalloc.start()
    cnncalc.analyze(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return best, peak


def main() -> None:
    cnncalc.analyze(lines(10))
    print(f"{'net':<6} {'operations':>10} {'us per op':>10} {'ratio':>6} {'bytes per op':>13} {'ratio':>6}")
    for name, make in (("lines", lines), ("block", block)):
        first: tuple[float, float] | None = None
        for size in SIZES:
            text = make(size)
            count = len(cnncalc.analyze(text))
            seconds, peak = seconds_and_bytes(text)
            each = (seconds / count, peak / count)
            first = first or each
            ratios = [value / base for value, base in zip(each, first, strict=True)]
            print(
                f"{name:<6} {count:>10,} {each[0] * 1e6:>10.1f} {ratios[0]:>6.2f} {each[1]:>13,.0f} {ratios[1]:>6.2f}"
            )


if __name__ == "__main__":
    main()
