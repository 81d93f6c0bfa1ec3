"""What is drawn, before it is written in a format: boxes, lines, texts and images at their places.

Lengths are pixels at the scale 1; x goes to the right and y down. Fills and strokes are roles (colours.py): which
colour a role has decides the writer. A style makes a scene and knows no format, a writer knows no style.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import atan2, cos, pi, sin
from typing import NamedTuple

from cnncalc.pages.drawing.colours import INK, LINE, NONE
from cnncalc.pages.drawing.letters import ASCENT, DESCENT, width_of

Point = tuple[float, float]
Bounds = tuple[float, float, float, float]  # left, top, right, bottom

START, MIDDLE, END = "start", "middle", "end"


class Box(NamedTuple):
    """A rectangle with its upper left corner at (x, y). `title` is told where a pointer rests on it."""

    x: float
    y: float
    width: float
    height: float
    fill: str = NONE
    stroke: str = NONE
    radius: float = 0
    thick: float = 1
    dashed: bool = False
    title: str = ""
    opacity: float = 1  # of the fill


class Path(NamedTuple):
    """Pieces of lines and curves: ("M", x, y), ("L", x, y), ("C", x1, y1, x2, y2, x, y) and ("Z",)."""

    commands: tuple[tuple[str | float, ...], ...]
    fill: str = NONE
    stroke: str = LINE
    thick: float = 1
    dashed: bool = False
    title: str = ""
    opacity: float = 1


class Text(NamedTuple):
    """A line of text whose baseline begins, has its middle, or ends at (x, y); turned: it reads upwards."""

    x: float
    y: float
    words: str
    size: float = 12
    anchor: str = START
    fill: str = INK
    bold: bool = False
    turned: bool = False
    title: str = ""


class Image(NamedTuple):
    """A picture of pixels: its file's contents, and what kind of file that is ("image/png")."""

    x: float
    y: float
    width: float
    height: float
    data: bytes
    media_type: str


class Group(NamedTuple):
    """Items that belong together. `title` is told for all of them."""

    items: tuple["Item", ...]
    title: str = ""


Item = Box | Path | Text | Image | Group


class Scene(NamedTuple):
    """A drawing: its items and the window (left, top, width, height) in which all of them lie.

    title        what is drawn, in a few words; description: what there is to see, for whoever cannot
    """

    items: tuple[Item, ...]
    left: float
    top: float
    width: float
    height: float
    title: str = ""
    description: str = ""


def line(points: Iterable[Point], **how: object) -> Path:
    """A line from point to point; `how` as for Path."""
    return Path(tuple(("L" if i else "M", x, y) for i, (x, y) in enumerate(points)), **how)  # type: ignore[arg-type]


def polygon(points: Iterable[Point], **how: object) -> Path:
    """A closed figure with these corners; `how` as for Path."""
    return Path((*line(points).commands, ("Z",)), **how)  # type: ignore[arg-type]


def arrow_head(start: Point, end: Point, *, size: float = 7, role: str = LINE) -> Path:
    """The head of an arrow that comes from `start` and ends at `end`."""
    (x, y), angle = end, atan2(end[1] - start[1], end[0] - start[0])
    wings = [(x - size * cos(angle + turn), y - size * sin(angle + turn)) for turn in (pi / 7, -pi / 7)]
    return polygon([end, *wings], fill=role, stroke=NONE)


def scene_of(items: Sequence[Item], *, title: str = "", description: str = "", margin: float = 16) -> Scene:
    """The scene that these items make, with so much room around them."""
    left, top, right, bottom = bounds_of(items)
    return Scene(
        tuple(items), left - margin, top - margin, right - left + 2 * margin, bottom - top + 2 * margin,
        title, description,
    )  # fmt: skip


def bounds_of(items: Iterable[Item]) -> Bounds:
    """The least rectangle around all of them; empty around nothing."""
    found = [bounds for item in items if (bounds := item_bounds(item)) is not None]
    if not found:
        return 0, 0, 0, 0
    lefts, tops, rights, bottoms = zip(*found, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def item_bounds(item: Item) -> Bounds | None:
    """The rectangle around an item, that of a text as wide as it may become; None around nothing."""
    if isinstance(item, Group):
        return bounds_of(item.items) if item.items else None
    if isinstance(item, (Box, Image)):
        # An edge is drawn half inside the rectangle and half outside.
        half = item.thick / 2 if isinstance(item, Box) and item.stroke != NONE else 0
        return item.x - half, item.y - half, item.x + item.width + half, item.y + item.height + half
    if isinstance(item, Text):
        return text_bounds(item)
    points = list(points_of(item))
    if not points:
        return None
    half = item.thick / 2 if item.stroke != NONE else 0
    xs, ys = zip(*points, strict=True)
    return min(xs) - half, min(ys) - half, max(xs) + half, max(ys) + half


def text_bounds(text: Text) -> Bounds:
    """The rectangle around a line of text."""
    width = width_of(text.words, text.size, bold=text.bold)
    before = {START: 0.0, MIDDLE: width / 2, END: width}[text.anchor]
    up, down = ASCENT * text.size, DESCENT * text.size
    # Read upwards: what would be to the right lies above.
    if text.turned:
        return text.x - up, text.y + before - width, text.x + down, text.y + before
    return text.x - before, text.y - up, text.x - before + width, text.y + down


def points_of(path: Path) -> Iterator[Point]:
    """Where a path goes, with the points that draw its curves."""
    # A curve stays among the points that draw it: what bounds them bounds it.
    for _command, *numbers in path.commands:
        yield from zip(numbers[::2], numbers[1::2], strict=True)


def move(item: Item, right: float, down: float) -> Item:
    """The item elsewhere."""
    if isinstance(item, Group):
        return item._replace(items=tuple(move(part, right, down) for part in item.items))
    if isinstance(item, Path):
        # No command has more than three points.
        steps = (right, down) * 3
        commands = tuple(
            (name, *(a + b for a, b in zip(numbers, steps, strict=False)))  # type: ignore[operator]
            for name, *numbers in item.commands
        )
        return item._replace(commands=commands)
    return item._replace(x=item.x + right, y=item.y + down)


def leaves_of(items: Iterable[Item]) -> Iterator[Box | Path | Text | Image]:
    """The items without their groups, in the order in which they are drawn."""
    for item in items:
        if isinstance(item, Group):
            yield from leaves_of(item.items)
        else:
            yield item
