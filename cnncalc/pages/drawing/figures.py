"""What stands for a value in a drawing, to scale: plates or boxes for maps, strips for sequences, bars for vectors.

A figure has its upper left corner at (0, 0). Maps lie one before the other from the upper left, as in figure 2 of
LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition (1998).
"""

from collections.abc import Iterable, Sequence
from math import log, prod
from typing import NamedTuple

from cnncalc.layers.base import Shape
from cnncalc.pages.drawing.colours import LINE
from cnncalc.pages.drawing.scene import Box, Item, Point, Text, move, polygon

SIDE, LONG, DEEP = 150.0, 170.0, 70.0  # the largest side of a map, vector or sequence, and stack of channels
LEAST = 3.0  # side
PLATES = 24  # maps that are drawn one by one
SPREAD = 78.0  # from the first plate to the last, at most
STEP = 5.5  # from plate to plate, at most
STRIP = 7.0  # width of a channel of a sequence
BAR = 9.0
UNIT = 6.0  # of a vector, at most
SLANT = 0.32  # of a bar: to the right, of its height
COPIES = 4  # volumes that are drawn for the channels


class Figure(NamedTuple):
    """What is drawn for a value, how large it is, and its front: where windows lie (left, top, width, height).

    slant  how much further to the right the front ends than it begins
    """

    items: tuple[Item, ...]
    width: float
    height: float
    front: tuple[float, float, float, float]
    axes: int  # along which places can be told: 2 of a map, 1 of a sequence, 0 of a vector
    slant: float = 0

    @property
    def right_edge(self) -> tuple[Point, Point]:
        """The upper and lower corner on the right."""
        x, y, w, h = self.front
        return (x + w, y), (x + w + self.slant, y + h)

    @property
    def left_edge(self) -> tuple[Point, Point]:
        """The upper and lower corner on the left."""
        x, y, _w, h = self.front
        return (x, y), (x + self.slant, y + h)


class Scales(NamedTuple):
    """How long things are: the largest of each sort among the values that are drawn, and whether by logarithms."""

    side: int
    depth: int
    channels: int
    length: int
    vector: int
    log: bool

    def of(self, n: int, largest: int, extent: float, least: float = LEAST) -> float:
        """The extent of n where that of the largest is given."""
        # 1 + n, so that a map of one pixel has a length too.
        if self.log:
            return max(least, extent * log(1 + n) / log(1 + largest))
        return max(least, extent * n / largest)


def spatial(shape: Shape) -> Shape:
    """The sizes of a value without its channels; empty where there is one place."""
    return shape[1:] if prod(shape[1:]) > 1 else ()


def scales_of(shapes: Iterable[Shape], *, logarithmic: bool) -> Scales:
    """The scales that fit all of these."""
    known = [shape for shape in shapes if shape]
    maps = [shape for shape in known if len(spatial(shape)) > 1]
    sequences = [shape for shape in known if len(spatial(shape)) == 1]
    return Scales(
        max([max(shape[-2:]) for shape in maps], default=1),
        max([prod(shape[1:-2]) for shape in maps], default=1),
        max([shape[0] for shape in (*maps, *sequences)], default=1),
        max([shape[1] for shape in sequences], default=1),
        max([shape[0] for shape in known if not spatial(shape)], default=1),
        logarithmic,
    )


def figure_of(shape: Shape, role: str, scales: Scales) -> Figure:
    """The figure of a value of this shape, channels first."""
    places = spatial(shape)
    if not shape:
        return draw_unknown()
    if not places:
        return draw_bar(shape[0], role, scales)
    if len(places) == 1:
        return draw_strips(shape[0], places[0], role, scales)
    if len(places) == 2:
        return draw_maps(shape[0], places, role, scales)
    return draw_volumes(shape[0], prod(places[:-2]), places[-2:], role, scales)


def draw_unknown() -> Figure:
    """What stands for a value whose shape is not known."""
    box = Box(0, 0, 40, 60, stroke=LINE, dashed=True)
    return Figure((box, Text(20, 36, "?", 16, "middle")), 40, 60, (0, 0, 40, 60), 0)


def draw_maps(channels: int, sizes: Sequence[int], role: str, scales: Scales) -> Figure:
    """Plates one before the other where all networks' stacks are few plates, else a box as deep as its channels."""
    high, wide = (scales.of(n, scales.side, SIDE) for n in sizes)
    # By the largest stack of the drawing, not by this one, so that all of its maps look alike.
    if scales.channels > PLATES:
        # A depth that is seen from the side looks shorter than it is.
        deep = scales.of(channels, scales.channels, DEEP, 1.0) * 0.7
        return draw_box(wide, high, deep, role)
    # Fourteen plates at the full step reach as far as SPREAD lets them; where there are more, all lie closer.
    step = min(STEP, SPREAD / PLATES if scales.channels > 14 else STEP)
    ends = step * (channels - 1)
    plates = [Box(i * step, i * step, wide, high, fill=f"{role}-lit", stroke=LINE) for i in range(channels)]
    return Figure(tuple(plates), wide + ends, high + ends, (ends, ends, wide, high), 2)


def draw_box(wide: float, high: float, deep: float, role: str) -> Figure:
    """A box with its front at the lower right."""
    faces = (
        polygon([(0, 0), (wide, 0), (wide + deep, deep), (deep, deep)], fill=f"{role}-lit", stroke=LINE),
        polygon([(0, 0), (deep, deep), (deep, deep + high), (0, high)], fill=f"{role}-dim", stroke=LINE),
        Box(deep, deep, wide, high, fill=role, stroke=LINE),
    )
    return Figure(faces, wide + deep, high + deep, (deep, deep, wide, high), 2)


def draw_volumes(channels: int, depth: int, sizes: Sequence[int], role: str, scales: Scales) -> Figure:
    """Boxes one before the other, of which no more than a few are drawn."""
    high, wide = (scales.of(n, scales.side, SIDE * 0.7) for n in sizes)
    one = draw_box(wide, high, scales.of(depth, scales.depth, SIDE * 0.35, 1.0), role)
    count = min(channels, COPIES)
    # From box to box, wide enough to see that there are several.
    step = 12.0
    items = [move(item, i * step, i * step) for i in range(count) for item in one.items]
    ends = step * (count - 1)
    x, y, w, h = one.front
    return Figure(tuple(items), one.width + ends, one.height + ends, (x + ends, y + ends, w, h), 2)


def draw_strips(channels: int, length: int, role: str, scales: Scales) -> Figure:
    """A strip for each channel, side by side; where they are many, one as wide as they are."""
    high = scales.of(length, scales.length, LONG)
    if scales.channels > PLATES:
        wide = scales.of(channels, scales.channels, DEEP)
        return Figure((Box(0, 0, wide, high, fill=role, stroke=LINE),), wide, high, (0, 0, wide, high), 1)
    boxes = [Box(i * STRIP, 0, STRIP, high, fill=f"{role}-lit", stroke=LINE) for i in range(channels)]
    wide = STRIP * channels
    return Figure(tuple(boxes), wide, high, (0, 0, wide, high), 1)


def draw_bar(units: int, role: str, scales: Scales) -> Figure:
    """A slanted bar."""
    # A short vector has small units all the same: the longest bar is for long ones.
    high = scales.of(units, scales.vector, min(LONG, UNIT * scales.vector))
    # Slanted, so that lines from a map do not run along it.
    slant = SLANT * high
    corners = [(0.0, 0.0), (BAR, 0.0), (BAR + slant, high), (slant, high)]
    return Figure((polygon(corners, fill=role, stroke=LINE),), BAR + slant, high, (0, 0, BAR, high), 0, slant)
