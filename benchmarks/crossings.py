"""Lines that cross in the style `graph`, against what Graphviz's dot makes of the same boxes and frames.

    python benchmarks/crossings.py > table.md

A row for each bundled network and depth at which lines could cross at all, which they cannot in a chain or a tree:
nodes, frames, lines, and pairs of lines without a common end that cross, in our drawing and in that of `dot`, which
reads what `cnncalc draw -o net.dot` writes (its clusters are our frames); then the seconds that both take to lay it
out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import pairwise
from typing import Any

import cnncalc
from cnncalc.pages.drawing import Wish
from cnncalc.pages.drawing.graph import Picture, Tree, place
from cnncalc.pages.drawing.writers.dot import render_network
from cnncalc.shipped import FAMILIES

Point = tuple[float, float]
Line = tuple[str, str, list[Point]]
PIECES = 12  # straight ones, of each curve of dot's


def lines_of(picture: Picture) -> list[Line]:
    """Our lines: straight where they go across, as crossing curves cross there too."""
    return [(edge["source"], edge["target"], [(x, y) for x, y in edge["points"]]) for edge in picture["edges"]]


def lines_of_dot(text: str) -> list[Line]:
    """dot's lines of a file of DOT, with their heads."""
    done = subprocess.run(["dot", "-Tjson"], input=text, capture_output=True, text=True, check=True)
    return [(str(edge["tail"]), str(edge["head"]), drawn(edge["pos"])) for edge in json.loads(done.stdout)["edges"]]


def drawn(position: str) -> list[Point]:
    """`e,x,y x,y x,y ...`, the tip of the head and then a B-spline, as straight pieces."""
    head, *rest = position.split(" ")
    tip, *points = [tuple(map(float, text.split(",")[-2:])) for text in (head, *rest)]
    found: list[Any] = [points[0]]
    for i in range(0, len(points) - 3, 3):
        for step in range(1, PIECES + 1):
            t = step / PIECES
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            found.append(tuple(sum(w * p[k] for w, p in zip(weights, points[i : i + 4], strict=True)) for k in (0, 1)))
    return [*found, tip]


def count_crossings(lines: list[Line]) -> int:
    """Pairs of lines without a common end that cross."""
    pieces = sorted(
        (min(a[1], b[1]), max(a[1], b[1]), a, b, number)
        for number, (_source, _target, points) in enumerate(lines)
        for a, b in pairwise(points)
        if a != b
    )
    found: set[tuple[int, int]] = set()
    for i, (_low, high, a, b, one) in enumerate(pieces):
        for low, _high, c, d, other in pieces[i + 1 :]:
            if low > high:
                break
            if one != other and not {*lines[one][:2]} & {*lines[other][:2]} and crosses(a, b, c, d):
                found.add((min(one, other), max(one, other)))
    return len(found)


def crosses(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether two pieces cross; a line through a corner of another crosses one of its pieces."""
    return (side(a, b, c) > 0) != (side(a, b, d) > 0) and (side(c, d, a) > 0) != (side(c, d, b) > 0)


def side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def measured(name: str, deepest: int = 100) -> list[list[str]]:
    """A row for each depth of a network, up to one."""
    report = cnncalc.analyze(name)
    tree = Tree(report)
    rows = []
    for depth in range(1, min(tree.depth, deepest) + 1):
        start = time.perf_counter()
        picture = place(tree, tree.fold(depth))
        ours = time.perf_counter() - start
        if len(picture["edges"]) < len(picture["nodes"]):
            continue  # a chain or a tree
        text = render_network(report, Wish(depth=depth))
        start = time.perf_counter()
        others = lines_of_dot(text)
        theirs = time.perf_counter() - start
        counts = [len(picture[part]) for part in ("nodes", "frames", "edges")]  # type: ignore[literal-required]
        crossings = [count_crossings(lines_of(picture)), count_crossings(others)]
        rows.append([name, str(depth), *map(str, [*counts, *crossings]), f"{ours:.2f}", f"{theirs:.2f}"])
    return rows


def main() -> None:
    names = sys.argv[1:] or [name for family in FAMILIES.values() for name in family]
    if "--short" in names:  # one small round, which tells whether the script works
        names = ["lenet5", "squeezenet1_0"]
    print("| network | depth | nodes | frames | lines | crossings | dot's | s | dot's s |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    straight = []
    for name in names:
        rows = measured(name)
        for row in rows:
            print(f"| {' | '.join(row)} |", flush=True)
        if not rows:
            straight.append(name)
    print(f"\nNothing can cross at any depth in {', '.join(straight)}.")


if __name__ == "__main__":
    main()
