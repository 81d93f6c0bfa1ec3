"""Many specs in one `cnncalc check`: time per spec and peak memory of 10, 100 and 500, as ratios to those of 10.

Ten bundled networks, each copied as often as needed, in a folder of their own; start-up is measured with a folder
of one small spec and taken off.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from cnncalc import shipped

NETWORKS = ("alexnet", "densenet121", "googlenet", "inception-v3", "lenet5", "mobilenet-v2", "resnet50", "unet",
            "vgg16", "squeezenet1_0")  # fmt: skip
SHORT = "--short" in sys.argv  # one small round, which tells whether the script works
COUNTS = (10, 20) if SHORT else (10, 100, 500)
ROUNDS = 1 if SHORT else 5


def seconds_and_kilobytes(folder: Path) -> tuple[float, int]:
    """The best of several runs, and the most memory that was resident."""
    best, most = float("inf"), 0
    for _round in range(ROUNDS):
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", "cnncalc", "check", str(folder)], stdout=subprocess.DEVNULL)
        _pid, status, usage = os.wait4(process.pid, 0)
        assert status == 0
        best, most = min(best, time.perf_counter() - start), max(most, usage.ru_maxrss)
    return best, most


def main() -> None:
    with TemporaryDirectory() as name:
        top = Path(name)
        (top / "none").mkdir()
        (top / "none" / "net.yaml").write_text("input: 1\nlayers: [dense 1]\n")
        start_up = seconds_and_kilobytes(top / "none")[0]
        first: tuple[float, float] | None = None
        print(f"{'specs':>5} {'ms per spec':>12} {'ratio':>6} {'peak MB':>8} {'ratio':>6}")
        for count in COUNTS:
            folder = top / str(count)
            folder.mkdir()
            for i in range(count):
                found = shipped.find(NETWORKS[i % len(NETWORKS)])
                assert found is not None
                shutil.copy(found.path, folder / f"{i}.yaml")
            seconds, memory = seconds_and_kilobytes(folder)
            each = ((seconds - start_up) / count, memory)
            first = first or each
            ratios = [value / base for value, base in zip(each, first, strict=True)]
            print(f"{count:>5} {each[0] * 1e3:>12.2f} {ratios[0]:>6.2f} {memory / 1e3:>8.1f} {ratios[1]:>6.2f}")


if __name__ == "__main__":
    main()
