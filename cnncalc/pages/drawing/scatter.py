"""Points over two numbers: what each of many networks has of both."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import NamedTuple

from cnncalc.pages.drawing.colours import ACCENT, FRAME, INK, MUTED, NONE, PEAK
from cnncalc.pages.drawing.letters import width_of
from cnncalc.pages.drawing.scene import END, MIDDLE, Box, Item, Scene, Text, line, scene_of

WIDTH, HEIGHT = 640.0, 400.0  # inside the axes
SIZE = 12.0  # of letters
GAP = 8.0


class Point(NamedTuple):
    """One of many: its two numbers, what is told of it, and whether it stands out."""

    x: float
    y: float
    title: str
    outstanding: bool = False


def scene(points: Sequence[Point], x_name: str, y_name: str, title: str, *, joined: bool = False) -> Scene:
    """Points over two axes that begin and end at round numbers; those that stand out are larger, and perhaps joined."""
    across, up = Axis.around([p.x for p in points]), Axis.around([p.y for p in points])
    items: list[Item] = [Text(0, -20, title, 16, bold=True), Box(0, 0, WIDTH, HEIGHT, stroke=FRAME)]
    for n in across.ticks():
        x = across.place(n) * WIDTH
        items += [line([(x, 0), (x, HEIGHT)], stroke=FRAME, thick=0.5)]
        items += [Text(x, HEIGHT + SIZE + GAP, in_short(n), SIZE, MIDDLE, MUTED)]
    for n in up.ticks():
        y = HEIGHT - up.place(n) * HEIGHT
        items += [line([(0, y), (WIDTH, y)], stroke=FRAME, thick=0.5)]
        items += [Text(-GAP, y + SIZE / 3, in_short(n), SIZE, END, MUTED)]
    # The name of the axis stands beside the widest number.
    margin = max((width_of(in_short(n), SIZE) for n in up.ticks()), default=0) + 3 * GAP
    items += [
        Text(WIDTH / 2, HEIGHT + 2 * SIZE + 2.5 * GAP, x_name, SIZE, MIDDLE, INK),
        Text(-margin, HEIGHT / 2, y_name, SIZE, MIDDLE, INK, turned=True),
    ]

    def at(point: Point) -> tuple[float, float]:
        return across.place(point.x) * WIDTH, HEIGHT - up.place(point.y) * HEIGHT

    # A front goes from left to right, in whatever order its points came by.
    front = sorted((p for p in points if p.outstanding), key=lambda p: (p.x, p.y))
    if joined and len(front) > 1:
        items.append(line([at(p) for p in front], stroke=PEAK, thick=1.5))
    # Those that stand out are drawn last, over the crowd.
    for point in sorted(points, key=lambda p: p.outstanding):
        x, y = at(point)
        r = 4.0 if point.outstanding else 2.5
        fill = PEAK if point.outstanding else ACCENT
        items.append(Box(x - r, y - r, 2 * r, 2 * r, fill=fill, stroke=NONE, radius=r, title=point.title))
    return scene_of(items, title=title)


class Axis(NamedTuple):
    """An axis from one round number to another, in steps of a round length."""

    first: float
    last: float
    step: float

    @classmethod
    def around(cls, values: Sequence[float]) -> Axis:
        low, high = min(values, default=0), max(values, default=1)
        # One value has no extent: some room around it makes an axis.
        if low == high:
            low, high = low - max(1, abs(low) / 10), high + max(1, abs(high) / 10)
        # About six steps, of a length that people count in: 1, 2 or 5 times a power of ten.
        raw = (high - low) / 6
        size: float = 10.0 ** floor(log10(raw))
        step = next(size * n for n in (1, 2, 5, 10) if size * n >= raw)
        return cls(floor(low / step) * step, ceil(high / step) * step, step)

    def place(self, value: float) -> float:
        """Where a value lies, from 0 to 1."""
        return (value - self.first) / (self.last - self.first)

    def ticks(self) -> list[float]:
        # Counted, since a step added again and again would drift.
        return [self.first + i * self.step for i in range(round((self.last - self.first) / self.step) + 1)]


def in_short(n: float) -> str:
    """`250M`, `1.5k`, `224`."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(n) >= size:
            return f"{n / size:g}{letter}"
    return f"{n:g}"
