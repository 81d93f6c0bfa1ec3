"""What is alive at each step, in bytes: a column per operation with the tensors it holds, the oldest at the bottom.

The numbers are those of analysis/memory.py: every operation writes a new tensor, which lives until its last reader has
run. Where there are more operations than columns, a column is the fullest of several neighbouring steps.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnncalc.analysis.memory import Lives, count_held, find_lives
from cnncalc.errors import CnncalcError
from cnncalc.formats.numbers import in_units, number, sizes
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.pages.drawing import Wish
from cnncalc.pages.drawing.colours import FRAME, MUTED, PAPER, PEAK, of_kind
from cnncalc.pages.drawing.legend import draw_legend, kinds_in
from cnncalc.pages.drawing.letters import fit, width_of
from cnncalc.pages.drawing.scene import END, MIDDLE, Box, Item, Scene, Text, line, scene_of
from cnncalc.report import BYTES, Report, title

WIDTH, HIGH = 1040.0, 330.0
WIDEST = 46.0  # column
MOST = 350  # columns
SIZE = 11.0
SMALLEST = 0.35  # height of a tensor that is drawn by itself
NAMES = 150.0


class Column(NamedTuple):
    """A step that is drawn, and the values that are alive then."""

    step: int
    alive: list[int]


def scene(report: Report, wish: Wish) -> Scene:
    """The columns, an axis of bytes, the peak, and names of operations where there is room for them."""
    graph = report.graph
    assert graph is not None
    known, held = find_lives(graph), count_held(graph)
    if known is None or held is None or not graph.nodes:
        raise CnncalcError(_("what is alive is not known: a layer has a shape that is not known"))
    size = BYTES[report.settings.dtype] * report.settings.batch
    # Without what is held before the first operation, which is no column.
    totals = held[1:]
    peak = max(totals)
    place = totals.index(peak)
    columns = columns_of(known, totals, len(graph.inputs))
    wide = min(WIDEST, WIDTH / len(columns))
    names = [*graph.inputs, *(node.name for node in graph.nodes)]
    kinds = ["input"] * len(graph.inputs) + [node.layer.kind for node in graph.nodes]
    # The peak is a column in any case: of neighbours the fullest is drawn.
    at = wide * (0.5 + next(i for i, column in enumerate(columns) if column.step == place))
    items = draw_axis(peak * size, wide * len(columns))
    for x, y, width, height, value in find_runs(columns, known, wide, HIGH / peak):
        items += draw_band(graph, names, kinds, known, size, (x, y, width, height), value, at)
    items += mark_peak(columns, place, wide, names[len(graph.inputs) + place], peak * size)
    labels = step_names(columns, wide, graph, place)
    items += labels
    drawn = sorted({value for column in columns for value in column.alive})
    below = max([width_of(text.words, SIZE) for text in labels if isinstance(text, Text)], default=0)
    items += draw_legend(
        kinds_in((of_kind(kinds[v]), kinds[v]) for v in drawn), 0, below + 28, max(wide * len(columns), 420)
    )
    head = title(report)
    note = _("bytes alive at each operation, tensor by tensor; {dtype}, batch {batch}", dtype=report.settings.dtype,
             batch=report.settings.batch)  # fmt: skip
    items += [Text(0, -HIGH - 62, head, 16, bold=True), Text(0, -HIGH - 44, note, SIZE, fill=MUTED)]
    said = _("the peak of {bytes} is reached at {layer}", bytes=in_units(peak * size), layer=graph.nodes[place].name)
    return scene_of(items, title=head, description=said)


def columns_of(known: Lives, totals: Sequence[int], inputs: int) -> list[Column]:
    """The steps to draw: of neighbours that share a column the fullest one."""
    each = -(-len(totals) // MOST)
    # Of steps that hold as much the earlier one, as the peak is the first of its height.
    steps = [max(range(a, min(a + each, len(totals))), key=lambda i: (totals[i], -i))
             for a in range(0, len(totals), each)]  # fmt: skip
    columns = []
    alive: list[int] = list(range(inputs))
    written = inputs
    for step in steps:  # a value is alive from the step that writes it to its last use
        alive = [v for v in alive if known.last_use[v] >= step]
        alive += [v for v in range(written, inputs + step + 1) if known.last_use[v] >= step]
        written = inputs + step + 1
        columns.append(Column(step, alive))
    return columns


def find_runs(
    columns: Sequence[Column], known: Lives, wide: float, scale: float
) -> Iterator[tuple[float, float, float, float, int | None]]:
    """(left, top, width, height, value) of bands: neighbouring columns that hold a value at one height are one.

    No value: the small ones of a column together.
    """
    open_: dict[tuple[int | None, float, float], int] = {}
    # Behind the last column nothing is held, so that all bands end there.
    for i, column in enumerate([*columns, Column(-1, [])]):
        # A band goes on as long as its value lies at the same height; else it ends, and begins anew where it lies now.
        now = dict.fromkeys(stack(column, known, scale))
        for key in [key for key in open_ if key not in now]:
            value, top, height = key
            first = open_.pop(key)
            yield first * wide, top, (i - first) * wide, height, value
        for key in now:
            open_.setdefault(key, i)


def stack(column: Column, known: Lives, scale: float) -> Iterator[tuple[int | None, float, float]]:
    """(value, top, height) from below to above; what is too small to be seen comes together at the top."""
    level = small = 0.0
    for value in column.alive:
        height = known.elements[value] * scale
        if height < SMALLEST:
            small += height
            continue
        level += height
        yield value, -level, height
    if small:
        yield None, -level - small, small


def draw_band(
    graph: Graph, names: Sequence[str], kinds: Sequence[str], known: Lives, size: int,
    place: tuple[float, float, float, float], value: int | None, peak: float,
) -> list[Item]:  # fmt: skip
    """A tensor over the steps in which it is held, with its name where that fits beside the line of the peak."""
    x, y, width, height = place
    if value is None:
        return [Box(x, y, width, height, fill=MUTED, title=_("small tensors together"))]
    told = f"{names[value]}: {sizes(graph.shape(value))}, {number(known.elements[value] * size)} B"
    box = Box(x, y, width, height, fill=of_kind(kinds[value]), stroke=PAPER, thick=min(0.8, width / 6), title=told)
    need = width_of(names[value], SIZE - 1) + 6
    # The line of the peak would go through the name: it is put into the larger part beside it.
    if x < peak < x + width and max(peak - x, x + width - peak) > need + WIDEST / 2:
        x, width = (x, peak - x) if peak - x > width / 2 else (peak, x + width - peak)
    if height < SIZE + 3 or need > width:
        return [box]
    return [box, Text(x + width / 2, y + height / 2 + 3.5, names[value], SIZE - 1, MIDDLE)]


def draw_axis(most: int, width: float) -> list[Item]:
    """Lines across at round numbers of bytes, with the numbers to the left."""
    # Powers of two, as bytes are counted; at most six lines.
    step = 1
    while most / step > 5:
        step *= 2
    items: list[Item] = []
    for value in range(0, most + 1, step):
        y = -HIGH * value / most
        items.append(line([(-4, y), (width, y)], stroke=FRAME))
        items.append(Text(-8, y + 4, in_units(value), SIZE, END, MUTED))
    return items


def mark_peak(columns: Sequence[Column], place: int, wide: float, name: str, peak: int) -> list[Item]:
    """A line round the fullest column, and what it is."""
    number = next(i for i, column in enumerate(columns) if column.step == place)
    x = number * wide
    words = _("peak {bytes} at {layer}", bytes=in_units(peak), layer=fit(name, 300, SIZE + 1))
    width = width_of(words, SIZE + 1, bold=True)
    # Above the middle of its column, but inside the picture: at both ends it is moved in.
    left = max(0.0, min(x + wide / 2 - width / 2, max(wide * len(columns) - width, 0)))
    return [
        Box(x, -HIGH, wide, HIGH, stroke=PEAK, thick=1.5),
        line([(x + wide / 2, -HIGH), (x + wide / 2, -HIGH - 8)], stroke=PEAK, thick=1.5),
        Text(left, -HIGH - 14, words, SIZE + 1, fill=PEAK, bold=True),
    ]


def step_names(columns: Sequence[Column], wide: float, graph: Graph, place: int) -> list[Item]:
    """The names of operations below their columns, turned: of as many as there is room for, that of the peak always."""
    each = max(1, -int(-SIZE * 1.3 // wide))
    peak = next(i for i, column in enumerate(columns) if column.step == place)
    items: list[Item] = []
    for i, column in enumerate(columns):
        # Counted from the peak, so that its name is among those that are written.
        if (i - peak) % each:
            continue
        name = fit(graph.nodes[column.step].name, NAMES, SIZE)
        role = PEAK if i == peak else MUTED
        items.append(Text((i + 0.5) * wide + SIZE * 0.35, 10, name, SIZE, END, role, bold=i == peak, turned=True))
    return items
