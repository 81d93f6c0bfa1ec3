"""Reading ResNet-50's ONNX and analyzing it, against `onnx.load` of the same file alone; memory, of a larger file too.

Each runs in a process of its own, in turn, with its packages imported before the clock starts; medians are compared.
Needs `onnx`. Peak memory is that of the whole process.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import onnx

import cnncalc
from cnncalc import reference
from cnncalc.interop.onnx.write.model import to_model

SHORT = "--short" in sys.argv  # one small round, which tells whether the script works
RUNS = 1 if SHORT else 7
CLOCK = "import time; start = time.perf_counter(); {run}; print(time.perf_counter() - start, peak())"
# Since the process began: what its parent had does not count.
PEAK = "peak = lambda: int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) / 1024\n"
OURS = PEAK + "import cnncalc\ncnncalc.analyze('lenet5')\n" + CLOCK.format(run="cnncalc.analyze({path!r})")
THEIRS = PEAK + "import onnx\n" + CLOCK.format(run="onnx.load({path!r})")
READ = PEAK + CLOCK.format(run="open({path!r}, 'rb').read()")


def measured(code: str, path: str) -> tuple[float, float]:
    """(seconds, megabytes) of one run."""
    command = [sys.executable, "-c", code.format(path=path)]
    seconds, memory = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), float(memory)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("lenet5",) if SHORT else ("resnet50", "vgg19"):
            graph = cnncalc.load(name)
            path = str(Path(folder) / f"{name}.onnx")
            onnx.save(to_model(graph, reference.draw(graph)), path)
            size = Path(path).stat().st_size / 1e6
            runs = [[measured(code, path) for code in (OURS, THEIRS, READ)] for _ in range(RUNS)]
            ours, theirs, read = (
                (statistics.median(r[i][0] for r in runs), statistics.median(r[i][1] for r in runs)) for i in range(3)
            )
            print(f"{name}, {size:.0f} MB: read and analyzed in {1000 * ours[0]:.0f} ms with {ours[1]:.0f} MB")
            print(f"  / onnx.load: {ours[0] / theirs[0]:.2f} (goal 1.5); it takes {theirs[1]:.0f} MB")
            print(f"  / reading the bytes: {ours[0] / read[0]:.2f} (goal 2)")


if __name__ == "__main__":
    main()
