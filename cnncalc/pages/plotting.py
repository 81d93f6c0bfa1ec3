"""The scatter plot of a sweep: two numbers of every member that goes by, and those that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.families.sweeping import Part
from cnncalc.pages.drawing.scatter import Point

CELLS = (320, 200)  # of the plot, of each of which one member is kept
MOST = 20_000  # members between two looks at which cell they fall into


class Plot:
    """Points of two columns, thinned out to those that can be told apart.

    names  the two columns; of sizes per axis the smallest counts
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.x_name, self.y_name = names
        self.points: dict[tuple[Any, Any], str] = {}
        self.kept: set[tuple[Any, Any]] = set()

    def add(self, part: Part, *, kept: bool = False) -> None:
        """The members of a part; `kept` where they are what is asked for of others that went by before."""
        xs, ys = (numbers_of(part, name) for name in (self.x_name, self.y_name))
        for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
            if x is None or y is None:
                continue
            if kept:
                self.kept.add((x, y))
            if (x, y) not in self.points:
                self.points[x, y] = describe(part, i, (self.x_name, self.y_name))
        if len(self.points) > MOST:
            self._thin_out()

    def _thin_out(self) -> None:
        xs, ys = [x for x, _ in self.points], [y for _, y in self.points]
        # Where all have the same number there is no extent: one row of cells, and no division by 0.
        (left, width), (low, height) = (min(xs), max(xs) - min(xs) or 1), (min(ys), max(ys) - min(ys) or 1)
        cells: dict[tuple[int, int], tuple[Any, Any]] = {}
        for x, y in self.points:
            cell = int((x - left) * CELLS[0] / width), int((y - low) * CELLS[1] / height)
            cells.setdefault(cell, (x, y))
        # What is asked for stays, however close to another it lies.
        left_over = {*cells.values(), *self.kept}
        self.points = {point: title for point, title in self.points.items() if point in left_over}

    def choose_points(self) -> list[Point]:
        """The points, those that were kept standing out where there are others."""
        if self.points:
            self._thin_out()
        # Where all stand out none does.
        marked = self.kept if self.kept and len(self.kept) < len(self.points) else set()
        return [Point(float(x), float(y), title, (x, y) in marked) for (x, y), title in self.points.items()]


def numbers_of(part: Part, name: str) -> list[Any]:
    """A number per member; None where it is not known."""
    found: list[Any] = []
    for item in part.column(name).items():
        known = [n for n in item if n is not None] if isinstance(item, tuple) else [item]
        # A point needs one number: of a size the axis that is the narrowest.
        found.append(min(known) if known and known[0] is not None and not isinstance(known[0], str) else None)
    return found


def describe(part: Part, row: int, names: Sequence[str]) -> str:
    """`width=32: macs 1,234, params 56`."""
    params = ", ".join(f"{name}={text_of(part.params[name].item(row))}" for name in part.params)
    numbers = ", ".join(f"{name} {text_of(part.column(name).item(row))}" for name in names if name not in part.params)
    return f"{params}: {numbers}" if numbers else params


def text_of(value: Any) -> str:
    if isinstance(value, tuple):
        return "x".join("?" if n is None else str(n) for n in value)
    return f"{value:,}" if isinstance(value, int) else str(value)
