"""`cnncalc rf NETWORK` against `cnncalc NETWORK`, start to finish through a pipe: the best of several, as ratios."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

SHORT = "--short" in sys.argv  # one small round, which tells whether the script works
NETWORKS = ("lenet5", "vgg16", "resnet50", "mobilenet-v2", "inception-v3", "densenet121", "unet", "hrnet")
TIMES = 1 if SHORT else 7


def seconds(*words: str) -> float:
    """The shortest of several runs."""
    program = shutil.which("cnncalc", path=str(Path(sys.executable).parent)) or shutil.which("cnncalc")
    assert program, "install the package first"
    best = float("inf")
    for _ in range(TIMES):
        start = time.perf_counter()
        subprocess.run([program, *words], stdout=subprocess.DEVNULL, check=True)
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    print(f"{'network':<14} {'rf / analyze':>12}")
    for name in NETWORKS[: 1 if SHORT else None]:
        print(f"{name:<14} {seconds('rf', name) / seconds(name):>12.2f}")


if __name__ == "__main__":
    main()
