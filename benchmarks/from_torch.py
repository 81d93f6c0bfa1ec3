"""A PyTorch module on the device meta to the full analysis, against torchinfo's summary of the same module.

The two run in turn, so that both see the same machine; the median of the pairwise ratios is printed. torchinfo is told
to use the device meta, too. Needs torch and torchinfo.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import cnncalc

SHORT = "--short" in sys.argv  # one small round, which tells whether the script works
NETWORKS = ("resnet50", "mobilenet-v2", "densenet121")


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def main() -> None:
    try:
        import torch
        import torchinfo
    except ImportError:
        sys.exit("torch and torchinfo are not installed here; not compared")
    for name in NETWORKS[: 1 if SHORT else None]:
        names: dict[str, object] = {"__name__": "network"}
        exec(compile(cnncalc.to_torch(name), f"{name}.py", "exec"), names)
        with torch.device("meta"):
            module = [value for value in names.values() if isinstance(value, type)][-1]()

        def ours(module: object = module) -> object:
            return cnncalc.analyze(cnncalc.from_torch(module, (3, 224, 224)))

        def theirs(module: object = module) -> object:
            return torchinfo.summary(module, (1, 3, 224, 224), verbose=0, device="meta")

        ours()
        theirs()
        pairs = [(milliseconds(ours), milliseconds(theirs)) for _ in range(1 if SHORT else 15)]
        ratio = statistics.median(a / b for a, b in pairs)
        mine, other = (statistics.median(times) for times in zip(*pairs, strict=True))
        times = f"{mine:.0f} ms against {other:.0f}"
        print(f"{name:<14} from_torch and analysis / torchinfo {ratio:5.2f}  goal <= 1   {times}")


if __name__ == "__main__":
    main()
