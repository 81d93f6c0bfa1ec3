"""Start to finish of `cnncalc specs/lenet5.yaml` and `specs/resnet50.yaml`, as ratios to starting Python with click
and yaml.

The commands run in turn, A B A B, so that both see the same machine; the median of the pairwise ratios is
printed. With torch, torchvision and torchinfo installed, also against torchinfo's table of ResNet-50.

The goals are for compiled packages, which `pip install` leaves behind. Where nothing is compiled and Python may write
nothing either (`uv pip install` without --compile-bytecode, under PYTHONDONTWRITEBYTECODE), each start compiles every
module, click's and yaml's among them. That is most of both times then, and the script says so.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

SHORT = "--short" in sys.argv  # one small round, which tells whether the script works
LENET, SPEC = (str(Path(__file__).parent.parent / "specs" / f"{name}.yaml") for name in ("lenet5", "resnet50"))
CNNCALC = shutil.which("cnncalc", path=str(Path(sys.executable).parent)) or "cnncalc"
FLOOR = [sys.executable, "-c", "import click, yaml, dataclasses"]
TORCHINFO = [
    sys.executable,
    "-c",
    "import torchvision, torchinfo; net = torchvision.models.resnet50(); "
    "print(torchinfo.summary(net, (1, 3, 224, 224), verbose=0))",
]


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def megabytes(command: list[str]) -> float:
    """Peak memory of the command, run by a process of its own so that nothing else is counted."""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True)
    return int(done.stdout) / (1024 if sys.platform != "darwin" else 1024**2)


def not_compiled() -> list[str]:
    """The packages whose modules each start compiles anew."""
    code = (
        "import importlib.util as u, os; print(*(name for name in ('click', 'yaml', 'cnncalc')"
        " if not os.path.exists(u.cache_from_source(u.find_spec(name).origin))))"
    )
    # Asked of a Python like those that are measured: not from this folder, in which there may be another cnncalc.
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def compare(name: str, command: list[str], base: list[str], goal: str, runs: int = 21) -> None:
    seconds(command)
    seconds(base)
    pairs = [(seconds(command), seconds(base)) for _ in range(2 if SHORT else runs)]
    ratio = statistics.median(a / b for a, b in pairs)
    ours, theirs = (min(times) * 1e3 for times in zip(*pairs, strict=True))
    print(f"{name:<45} {ratio:6.3f}  goal {goal:<8} fastest {ours:.0f} ms against {theirs:.0f} ms")


def main() -> None:
    if not Path(CNNCALC).exists():
        sys.exit("install cnncalc first: pip install .")
    seconds([CNNCALC, SPEC])  # which leaves compiled modules behind, where it may
    if missing := not_compiled():
        print(f"not compiled: {', '.join(missing)}: each start compiles them, and the first goals do not hold")
    compare("lenet5 through a pipe / importing click, yaml", [CNNCALC, LENET], FLOOR, "<= 1.5")
    compare("resnet50 through a pipe / the same", [CNNCALC, SPEC], FLOOR, "<= 1.5")
    compare("table for a terminal / the same", [CNNCALC, SPEC, "--format", "table"], FLOOR, "<= 2")
    if subprocess.run(TORCHINFO, capture_output=True).returncode == 0:
        compare("through a pipe / torchinfo's table", [CNNCALC, SPEC], TORCHINFO, "<= 0.033", runs=5)
        ours, theirs = megabytes([CNNCALC, SPEC]), megabytes(TORCHINFO)
        memory = f"{ours:.0f} MB against {theirs:.0f} MB"
        print(f"{'peak memory / torchinfo':<45} {ours / theirs:6.3f}  goal <= 0.1    {memory}")
    else:
        print("torchinfo: torch, torchvision and torchinfo do not work here; not compared")


if __name__ == "__main__":
    main()
