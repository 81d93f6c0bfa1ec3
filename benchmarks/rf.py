"""`cnncalc rf NETWORK` against `cnncalc NETWORK`, start to finish through a pipe: the best of several, as ratios."""

from __future__ import annotations

import shutil
import subprocess
import time

NETWORKS = ("lenet5", "vgg16", "resnet50", "mobilenet-v2", "inception-v3", "densenet121", "unet", "hrnet")
TIMES = 7


def seconds(*words: str) -> float:
    """The shortest of several runs."""
    program = shutil.which("cnncalc")
    assert program, "install the package first"
    best = float("inf")
    for _ in range(TIMES):
        start = time.perf_counter()
        subprocess.run([program, *words], stdout=subprocess.DEVNULL, check=True)
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    print(f"{'network':<14} {'rf / analyze':>12}")
    for name in NETWORKS:
        print(f"{name:<14} {seconds('rf', name) / seconds(name):>12.2f}")


if __name__ == "__main__":
    main()
