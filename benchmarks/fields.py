"""Views of `cnncalc rf` that follow single units, start to finish, as ratios to `cnncalc SPEC` of the same network.

The commands run in turn, A B A B; the median of the pairwise ratios is printed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from startup import CNNCALC, SHORT, compare

NETWORKS = {
    "densenet121": "batchnorm1[3,3]",
    "resnet50": "stage4[3,3]",
    "inception-v3": "7c[4,4]",
    "unet": "scores[9,9]",
}


def main() -> None:
    if not Path(CNNCALC).exists():
        sys.exit("install cnncalc first: pip install .")
    for name, unit in list(NETWORKS.items())[: 1 if SHORT else None]:
        base = [CNNCALC, name]
        view = [CNNCALC, "rf", name]
        compare(f"{name} --unit --exact / analyze", [*view, "--unit", unit, "--exact"], base, "<= 2", runs=11)
        compare(f"{name} --coverage / analyze", [*view, "--coverage"], base, "<= 2", runs=11)
        compare(f"{name} --effective / analyze", [*view, "--effective"], base, "<= 5", runs=11)


if __name__ == "__main__":
    main()
