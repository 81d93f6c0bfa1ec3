"""Families: members of a sweep against the analysis of each, per member; whole spaces; memory by the number of members.

The loop is measured on a sample of the same members, in the same process, without garbage collection in both.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from itertools import product
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import cnncalc
from cnncalc.errors import Source
from cnncalc.families import Family
from cnncalc.quantities import NETWORK_NAMES
from cnncalc.sources import read_source

# The size space of NATS-Bench (Dong et al. 2021): five cells of one topology, each with its own width.
SIZES = """
params: {c1: 64, c2: 64, c3: 64, c4: 64, c5: 64}
input: 3x32x32
blocks:
  edge:
    params: {c: required, s: 1}
    layers: [relu, conv $c k3 s$s p1 nobias bn]
  cell:
    params: {c: required}
    layers:
      - one: edge $c
      - two: {add: [{from: in, layers: [edge $c]}, [edge $c]]}
      - skip: {from: in, layers: [{conv: $c k1 nobias bn, if: $(in.c != c)}]}
      - three: {add: [identity, {from: one, layers: [edge $c]}, {from: two, layers: [edge $c]}]}
  reduction:
    params: {c: required}
    layers:
      - residual: [edge $c s=2, edge $c]
        shortcut: [avgpool 2, conv $c k1 nobias]
layers:
  - stem: conv $c1 k3 p1 nobias bn
  - cell $c1
  - reduction $c2
  - cell $c3
  - reduction $c4
  - cell $c5
  - last: {batchnorm: , then: relu}
  - gap
  - dense 10
"""
SHORT = "--short" in sys.argv  # one small round, which tells whether the script works
SAMPLE = 5 if SHORT else 60  # members that the loop does, for comparison
WIDTHS = np.arange(8, 65, 28 if SHORT else 8)


OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")[: 2 if SHORT else None]


def seconds(family: Family, columns: dict[str, Any], *, singly: bool = False) -> float:
    ask = family.evaluate_singly if singly else family.evaluate
    start = time.perf_counter()
    ask(columns, NETWORK_NAMES)
    return time.perf_counter() - start


def resnets(members: int) -> dict[str, np.ndarray]:
    """Width 8 to 1,007 and input 32 to 1,031: a million combinations, in any order."""
    which = np.random.default_rng(0).permutation(1_000_000)[:members]
    sizes = 32 + which % 1000
    return {"width": 8 + which // 1000, "input": np.stack([np.full(members, 3), sizes, sizes], axis=1)}


def compare(name: str, family: Family, columns: dict[str, Any], sample: int) -> None:
    members = len(next(iter(columns.values())))
    whole = seconds(family, columns)
    some = np.random.default_rng(1).permutation(members)[:sample]
    sampled = {key: [values[i] for i in some] for key, values in columns.items()}
    loop = seconds(family, sampled, singly=True) / sample
    print(f"{name}: {members:,} members in {whole:.2f} s, {loop * members / whole:,.0f} times the loop over analyze")


def kilobytes(members: int) -> int:
    """The most memory of a sweep over so many members, of which few are written as CSV."""
    net = "3x32x32; conv $f k$k; relu; maxpool 2; conv $(2 * f) k3; gap; dense $n"
    overs = ["--over", f"f=1..{members // 1000}", "--over", "k=1..10", "--over", "n=1..100"]
    process = subprocess.Popen(
        [sys.executable, "-m", "cnncalc", "sweep", "-e", net, *overs, "--where", "params <= 2k", "--format", "csv"],
        stdout=subprocess.DEVNULL,
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return usage.ru_maxrss


def seconds_of_workers(count: int) -> float:
    """A sweep in partitions by so many processes, without the start of the first ones."""
    with TemporaryDirectory() as folder:
        overs = ["--over", "width=8..3007", "--over", "input=3x{32..1031}x{same}"]
        command = [sys.executable, "-m", "cnncalc", "sweep", "resnet50", *overs, "--partition", "8192"]
        start = time.perf_counter()
        subprocess.run([*command, "--dask", f"local:{count}", "--parts", folder], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


def main() -> None:
    if "--dask" in sys.argv:
        one, two = seconds_of_workers(1), seconds_of_workers(2)
        print(f"two workers of Dask: {one / two:.2f} times as fast as one ({one:.1f} s, {two:.1f} s)")
        return
    gc.disable()
    asked = [int(word) for word in sys.argv[1:] if word.isdigit()]
    millions = asked[0] if asked else 10_000 if SHORT else 1_000_000
    # Memory first: what a process takes counts that of the one which starts it.
    base = kilobytes(100_000)
    for members in (200_000,) if SHORT else (1_000_000, 10_000_000)[: 1 if millions < 1_000_000 else 2]:
        print(f"memory of {members:,} members / 100,000: {kilobytes(members) / base:.2f} ({base / 1e3:.0f} MB)")
    compare("ResNet-50, width x input", Family(read_source("resnet50")), resnets(millions), SAMPLE)
    grid = np.stack(np.meshgrid(*[WIDTHS] * 5, indexing="ij"), axis=-1).reshape(-1, 5)
    widths = {f"c{i + 1}": grid[:, i] for i in range(5)}
    compare("NATS-Bench, 8^5 widths", Family(Source("sizes", SIZES)), widths, SAMPLE)
    cells = list(zip(*product(OPERATIONS, repeat=6), strict=True))
    columns = dict(zip("abcdef", cells, strict=True))
    compare("NAS-Bench-201, all cells", Family(read_source("nas-bench-201")), columns, SAMPLE)


if __name__ == "__main__":
    print(cnncalc.__version__)
    main()
