"""Fields layer by layer: what one unit sees of every layer before it, down to the image, on which the pyramid stands.

A line for each layer, all of them on the scale of the image: a unit lies where the pixels have their middle that it
sees. Below is the image with the fields of one unit of each layer, one in the other. The numbers are those of the
passes forward and back (fields/).
"""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.analysis.fields.backward import look_back
from cnncalc.analysis.fields.forward import Pass, summarize
from cnncalc.analysis.fields.table import find_value
from cnncalc.analysis.fields.values import AxisField, Fields, Whole, jump_of
from cnncalc.analysis.folding import fold
from cnncalc.errors import CnncalcError
from cnncalc.formats.numbers import sizes
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.layers.base import Shape
from cnncalc.pages.drawing.colours import ACCENT, FRAME, INK, MUTED, NONE, PAPER, PEAK
from cnncalc.pages.drawing.fields.image import LARGEST_PIXEL, RIBBON, SIDE, Panel, Picture, draw_backdrop
from cnncalc.pages.drawing.letters import fit, width_of
from cnncalc.pages.drawing.parts import Part, link
from cnncalc.pages.drawing.scene import END, Box, Item, Scene, Text, line, polygon, scene_of
from cnncalc.pages.drawing.windows import find_ends
from cnncalc.report import Report

MOST = 36  # lines
PITCH, THICK = 24.0, 11.0
SIZE = 11.5
NAMES = 170.0
TEXTS = SIDE + 14  # where they begin, right of the widest image

Extent = tuple[float, float]  # in pixels of the image, from the first to behind the last


class Level(NamedTuple):
    """A layer of the pyramid along the last axis of the image.

    place    the number of its part; units: how many it has along the axis, None where it has none
    seen     (first, last) of those that the target's unit sees; None: all of the layer is one
    extent   where its units lie over the image, and the seen ones among them
    window   (first, last) row and column that one of its units sees, the one in the middle of those that are seen
    size     of its receptive field, as it is written
    """

    place: int
    part: Part
    units: int | None
    seen: tuple[int, int]
    extent: Extent
    over: Extent
    window: tuple[tuple[int, int], ...]
    size: str


def pyramid_scene(report: Report, target: str, title: str, picture: Picture | None = None) -> Scene:
    """The pyramids of a layer's middle unit, one below the other for each input. Raises CnncalcError."""
    graph = report.graph
    assert graph is not None
    value = find_value(graph, target)
    if value < len(graph.inputs):
        raise CnncalcError(_("{name} is an input: it sees nothing before it", name=target))
    found, back = Pass(graph), look_back(graph, value - len(graph.inputs))
    parts = link(report, fold(report))
    items: list[Item] = []
    top = 0.0
    for source, (name, shape) in enumerate(graph.inputs.items()):
        # A vector has no places, and what is not seen no pyramid.
        if len(shape) < 2 or source not in found.fields[value]:
            continue
        levels = levels_of(graph, parts, found, back, value, source)
        items += [Text(0, top + 8, name, SIZE + 1, bold=True)] if len(graph.inputs) > 1 else []
        drawn, top = draw_pyramid(levels, parts, name, shape, top + 20, picture)
        items += drawn
        top += 30
    if not items:
        raise CnncalcError(_("{name} sees nothing that has places: no field can be drawn", name=target))
    heading = Text(0, -14, title, 15, bold=True)
    return scene_of(
        [heading, *items], title=title, description=_("what one unit of {name} sees of every layer", name=target)
    )


def levels_of(
    graph: Graph, parts: list[Part], found: Pass, back: list[Fields | None], value: int, source: int
) -> list[Level]:
    """The layers that the target sees, from the image upwards, the target last; as many as can be drawn."""
    first, axes = len(graph.inputs), len(graph.shape(source)) - 1
    unit = tuple(n // 2 for n in graph.shape(value)[1:])
    levels = []
    for place, part in enumerate(parts):
        values = [first + node for node in part.members if first + node <= value and is_seen(back, first + node)]
        if not values or source not in found.fields[max(values)]:
            continue
        # The last operation of a row speaks for it, of those that lie on the way to the target.
        mine = max(values)
        levels.append(
            make_level(graph, place, part, found.fields[mine][source], back[mine] or (), mine, unit, axes, source)
        )
        if mine == value:
            break
    # Where there are too many, those that change nothing go first: activations, norms, sums.
    grown = [
        this for before, this in zip([None, *levels], levels, strict=False)
        if before is None or this.size != before.size or this.units != before.units or this is levels[-1]
    ]  # fmt: skip
    if len(grown) > MOST:
        # At equal distances among what is left, the first and the last included.
        grown = [grown[round(i * (len(grown) - 1) / (MOST - 1))] for i in range(MOST)]
    return grown if len(levels) > MOST else levels


def is_seen(back: list[Fields | None], value: int) -> bool:
    return value < len(back) and back[value] is not None


def make_level(
    graph: Graph, place: int, part: Part, fields: Fields, back: Fields, value: int, unit: Shape, axes: int, source: int
) -> Level:
    """One layer: which of its units are seen, and where these lie."""
    image, shape = graph.shape(source)[1:], graph.shape(value)
    size = sizes(summarize(fields, image).size)
    n = image[-1]
    everything = tuple((0, k - 1) for k in image)
    # No units to place, or on other axes than those of the image: seen as one.
    if len(shape) - 1 != axes or len(back) != axes:
        return Level(place, part, None, (0, 0), (0, n), (0, n), everything, size)
    spans = [
        clip(find_ends(field, at, k), k) for field, at, k in zip(back, unit or (0,) * axes, shape[1:], strict=True)
    ]
    middle = [(low + high) // 2 for low, high in spans]
    window = tuple(clip(find_ends(field, at, k), k) for field, at, k in zip(fields, middle, image, strict=True))
    low, high = spans[-1]
    extent = spread_over(fields[-1], 0, shape[-1] - 1, n)
    return Level(place, part, shape[-1], (low, high), extent, spread_over(fields[-1], low, high, n), window, size)


def clip(span: tuple[int | None, int | None], n: int) -> tuple[int, int]:
    """From the first to the last of n places that is seen; all of them where that is not known."""
    low, high = span
    if low is None or high is None:
        return 0, n - 1
    low = min(max(low, 0), n - 1)
    return low, max(min(high, n - 1), low)


def spread_over(field: AxisField, low: int, high: int, n: int) -> Extent:
    """Where units `low` to `high` lie over n pixels: each around the middle of what it sees."""
    jump = jump_of(field)
    if jump is None or isinstance(field, Whole):
        return 0, n
    middles = []
    for unit in (low, high):
        start, end = find_ends(field, unit, n)
        if start is None or end is None:
            return 0, n
        middles.append((start + end + 1) / 2)
    half = float(jump) / 2
    # A field at the border may have its middle outside: what is drawn stays on the image, and is not empty.
    return max(middles[0] - half, 0), min(max(middles[1] + half, middles[0] - half + 1), n)


def draw_pyramid(
    levels: list[Level], parts: list[Part], name: str, shape: Shape, top: float, picture: Picture | None
) -> tuple[list[Item], float]:
    """The lines of the layers, the target at the top, and the image below; where it ends."""
    rows, columns = shape[-2:] if len(shape) > 2 else (1, shape[-1])
    scale = min(LARGEST_PIXEL, SIDE / max(rows, columns))
    left = max(width_of(fit(one.part.name, NAMES, SIZE), SIZE) for one in levels) + 12
    ground = top + len(levels) * PITCH + 14
    panel = Panel(left, ground, scale, RIBBON / scale if len(shape) == 2 else 1.0)
    items = draw_backdrop(panel, (rows, columns), picture)
    framed = [(one, 0.9, ACCENT) for one in levels[:-1]] + [(levels[-1], 2.0, PEAK)]
    if picture is not None:  # an edge that is seen on every picture
        items += [draw_window(panel, one, thick=thick + 2, role=PAPER) for one, thick, _role in framed]
    items += [draw_window(panel, one, thick=thick, role=role) for one, thick, role in framed]
    # A line of the drawing need not read the one below it: a side is drawn only where one depends on the other.
    ways = find_reachable(parts)
    for i, one in enumerate(levels):
        y = ground - 14 - (i + 1) * PITCH
        items += level_items(panel, one, y, levels[-1])
        below = levels[i - 1] if i else None
        if below is None:
            start, end = levels[-1].window[-1]
            items.append(draw_side(panel, one.over, y + THICK, (start, end + 1), ground))
        elif below.place in ways[one.place]:
            items.append(draw_side(panel, one.over, y + THICK, below.over, y + PITCH))
    words = [(PEAK, _("the field of {name}", name=levels[-1].part.name)),
             (ACCENT, _("the field of one unit of each layer in between"))]  # fmt: skip
    y = ground + rows * scale * panel.tall + 10
    for i, (role, text) in enumerate(words[: 1 + (len(levels) > 1)]):
        items.append(Box(left, y + i * 18, 18, 9, stroke=role, thick=1.5))
        items.append(Text(left + 26, y + i * 18 + 9, text, SIZE, fill=MUTED))
    items.append(Text(left - 12, ground + 12, fit(name, NAMES, SIZE), SIZE, END))
    return items, y + 2 * 18


def draw_window(panel: Panel, one: Level, *, thick: float, role: str) -> Box:
    rows = one.window[-2] if len(one.window) > 1 else (0, 0)
    told = _("{name}: {text}", name=one.part.name, text=one.size)
    return Box(*panel.box(rows, one.window[-1]), stroke=role, thick=thick, title=told)


def level_items(panel: Panel, one: Level, y: float, target: Level) -> list[Item]:
    """A layer: its units along the axis, those that are seen, and how many they are."""
    left, right = (panel.left + x * panel.scale for x in one.extent)
    items: list[Item] = [
        Text(panel.left - 12, y + THICK - 1.5, fit(one.part.name, NAMES, SIZE), SIZE, END, title=one.part.name),
        Box(left, y, right - left, THICK, fill=PAPER, stroke=FRAME),
    ]
    a, b = (panel.left + x * panel.scale for x in one.over)
    items.append(Box(a, y, b - a, THICK, fill=one.part.role, stroke=PEAK if one is target else ACCENT))
    count = one.seen[1] - one.seen[0] + 1
    width = (right - left) / one.units if one.units else 0
    # Closer than four pixels lines would fill the box.
    if width > 4:
        for k in range(1, one.units or 0):
            items.append(line([(left + k * width, y), (left + k * width, y + THICK)], stroke=FRAME, thick=0.5))
    text = _("RF {size}", size=one.size)
    if one.units is not None:
        text = _("{count} of {units} units; RF {size}", count=count, units=one.units, size=one.size)
    items.append(Text(panel.left + TEXTS, y + THICK - 1.5, text, SIZE, fill=INK if one is target else MUTED))
    return items


def draw_side(panel: Panel, upper: Extent, y: float, lower: Extent, below: float) -> Item:
    """What lies between the seen units of two lines."""
    (a, b), (c, d) = (tuple(panel.left + x * panel.scale for x in extent) for extent in (upper, lower))
    return polygon([(a, y), (b, y), (d, below), (c, below)], fill=ACCENT, stroke=NONE, opacity=0.16)


def find_reachable(parts: list[Part]) -> list[set[int]]:
    """For each part those that it depends on."""
    found: list[set[int]] = []
    for part in parts:
        found.append(set(part.reads).union(*(found[i] for i in part.reads)))
    return found
