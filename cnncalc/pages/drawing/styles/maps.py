"""The maps of a network from left to right, to scale, with the window that connects one to the next between them.

Values are drawn as figures.py has them. What is read from elsewhere than the figure to the left comes by a line above
the figures; where it stands in another line of the drawing, both ends say so by name.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.analysis.fields.table import window_of
from cnncalc.formats.numbers import sizes
from cnncalc.language import _
from cnncalc.layers.base import Shape
from cnncalc.pages.drawing import Wish
from cnncalc.pages.drawing.colours import ACCENT, LINE, MUTED
from cnncalc.pages.drawing.figures import Figure, figure_of, scales_of, spatial
from cnncalc.pages.drawing.letters import LEADING, fit, width_of
from cnncalc.pages.drawing.parts import Part, parts_of
from cnncalc.pages.drawing.scene import MIDDLE, Box, Group, Item, Point, Scene, Text, arrow_head, line, move, scene_of
from cnncalc.pages.drawing.windows import Seen, windows_of
from cnncalc.pages.drawing.words import describe
from cnncalc.report import Report, title

MOST = 40  # figures
WIDTH = 1120.0  # of a line of figures
GAP = 26.0  # between two of them
NAMES = 118.0  # the longest label in one line
SIZE, SMALL = 12.0, 10.5  # of letters
LANE = 9.0  # from line to line above the figures
SAID = 3  # names that are listed
BETWEEN = 34.0  # lines of figures


class Place(NamedTuple):
    """A figure with its texts and the room that it takes."""

    part: Part
    figure: Figure
    labels: tuple[str, ...]
    below: tuple[str, ...]

    @property
    def width(self) -> float:
        texts = [width_of(text, SIZE) for text in self.labels] + [width_of(text, SMALL) for text in self.below]
        return max([self.figure.width, *texts])


def scene(report: Report, wish: Wish) -> Scene:
    """The figures in lines, each line with its arcs above it."""
    parts = parts_of(report, wish.depth, MOST)
    assert report.graph is not None
    # One scale for all figures: what is twice as wide has twice the pixels, wherever it stands.
    scales = scales_of([part.output for part in parts], logarithmic=wish.log)
    places = [
        Place(part, figure_of(part.output, part.role, scales), labels_of(part), tuple(say_below(report, part)))
        for part in parts
    ]
    lines = break_into_lines(places)
    line_of = {i: number for number, row in enumerate(lines) for i in row}
    items: list[Item] = []
    top = 0.0
    for row in lines:
        drawn, height = line_of_figures(report, places, row, line_of, top)
        items += drawn
        top += height + BETWEEN
    head = title(report)
    note = _("to scale: sides of maps, stacks of channels, and vectors, each on a scale of its own")
    if wish.log:
        note = _("by logarithms: sides of maps, stacks of channels, and vectors, each on a scale of its own")
    items.append(Text(0, top - BETWEEN + 18, note, SMALL, fill=MUTED))
    said = _("{count} values from left to right", count=len(parts))
    return scene_of([Text(0, -14, head, 16, bold=True), *items], title=head, description=said)


def labels_of(part: Part) -> tuple[str, ...]:
    """`C1: 6@28x28`, in two lines where it is long."""
    shape = "?" if not part.output else sizes(part.output)
    if spatial(part.output) or len(part.output) > 1:
        shape = f"{part.output[0]}@{sizes(part.output[1:])}"
    whole = _("{name}: {text}", name=part.name, text=shape)
    if width_of(whole, SIZE) <= NAMES:
        return (whole,)
    return fit(part.name, NAMES, SIZE), fit(shape, NAMES, SIZE)


def say_below(report: Report, part: Part) -> list[str]:
    """What is done to come here: the kind with its window, and what is in the same row."""
    if part.row is None or report.graph is None:
        return []
    first, *others = part.kind.split(" + ")
    # The kinds of so many would fill lines: their number is told.
    if part.name in report.groups or len(part.members) > 4:
        return [fit(first, NAMES, SMALL), _("{n} operations", n=len(part.members))]
    # A row is called after its layer; where a block is folded none is, and its last one stands for it.
    main = next((i for i in part.members if report.layers[i].name == part.name), part.members[-1])
    kernel, stride = window_of(report.graph, main)
    flags = [f"k{kernel.replace(' ', '')}"] if kernel else []
    # A stride of 1 is the usual one, and goes without saying.
    flags += [f"s{stride.replace(' ', '')}"] if stride not in ("", "1", "1/1") else []
    together = " ".join([first, *flags])
    words = [together] if width_of(together, SMALL) <= NAMES else [first, " ".join(flags)]
    return [fit(text, NAMES, SMALL) for text in (*words, *others) if text]


def break_into_lines(places: Sequence[Place]) -> list[list[int]]:
    """The figures in lines that are not too long, and about as long as each other."""
    # The mean length of as many lines as WIDTH asks for: the least with which they could do.
    limit = sum(place.width + GAP for place in places) / len(fill_lines(places, WIDTH))
    # Filled to the brim the last line would be short: as many lines, each as short as that allows.
    while len(fill_lines(places, limit)) > len(fill_lines(places, WIDTH)):
        limit += GAP
    return fill_lines(places, min(limit, WIDTH))


def fill_lines(places: Sequence[Place], limit: float) -> list[list[int]]:
    """The figures in lines of this length, one filled after the other."""
    lines: list[list[int]] = [[]]
    used = 0.0
    for i, place in enumerate(places):
        # What is wider than a line has one for itself.
        if lines[-1] and used + place.width > limit:
            lines.append([])
            used = 0.0
        lines[-1].append(i)
        used += place.width + GAP
    return lines


class Arc(NamedTuple):
    """A line above the figures, from x to x, in a lane counted from below."""

    start: float
    end: float
    lane: int


def line_of_figures(
    report: Report, places: Sequence[Place], row: Sequence[int], line_of: dict[int, int], top: float
) -> tuple[list[Item], float]:
    """One line of figures below `top`, and how high it is."""
    lefts, x = [], 0.0
    for i in row:
        lefts.append(x)
        x += places[i].width + GAP
    centres = {i: left + places[i].width / 2 for i, left in zip(row, lefts, strict=True)}
    arcs = arcs_of(places, row, centres)
    # From above: lanes of arcs, labels, figures around one middle line, what is done. Each begins where the tallest
    # ends.
    lanes = max([arc.lane + 1 for arc in arcs], default=0)
    label_lines = max(len(places[i].labels) for i in row)
    labels_top = top + lanes * LANE + (8 if lanes else 0)
    labels_end = labels_top + label_lines * SIZE * LEADING
    tallest = max(places[i].figure.height for i in row)
    middle = labels_end + 8 + tallest / 2
    bottom = middle + tallest / 2
    items: list[Item] = [part for arc in arcs for part in arc_items(arc, labels_top)]
    corners = {i: (centres[i] - places[i].figure.width / 2, middle - places[i].figure.height / 2) for i in row}
    # A picture is as high as its longest column of texts, which not every figure has.
    lowest = bottom
    for i in row:
        texts = texts_of(places, i, line_of, centres[i], labels_end, bottom)
        lowest = max([lowest, *(text.y + 4 for text in texts)])
        figure = [move(item, *corners[i]) for item in places[i].figure.items]
        part = places[i].part
        items.append(Group((*figure, *texts), title=describe(part.row) if part.row is not None else ""))
    for i in row[1:]:
        if i - 1 in places[i].part.reads:
            items += link(report, places, i, corners)
    items += draw_continuations(places, row, middle, x - GAP)
    return items, lowest - top


def texts_of(
    places: Sequence[Place], i: int, line_of: dict[int, int], centre: float, above: float, bottom: float
) -> list[Text]:
    """Labels above a figure, what is done below it, and the names at the other ends of what goes to other lines."""
    place = places[i]
    # Labels grow upwards from the figures, so that their last line stands at one height.
    found = []
    for number, words in enumerate(reversed(place.labels)):
        found.append(Text(centre, above - 4 - number * SIZE * LEADING, words, SIZE, MIDDLE))
    said = [(words, MUTED) for words in place.below]
    said += [(words, ACCENT) for words in say_elsewhere(places, i, line_of)]
    for number, (words, role) in enumerate(said):
        found.append(Text(centre, bottom + 16 + number * SMALL * LEADING, words, SMALL, MIDDLE, role))
    return found


def say_elsewhere(places: Sequence[Place], i: int, line_of: dict[int, int]) -> list[str]:
    """`← conv2` for what comes from another line, `→ add3` for what goes to one; but not to the next figure."""
    comes = [j for j in places[i].part.reads if line_of[j] != line_of[i] and j != i - 1]
    goes = [j for j, place in enumerate(places) if i in place.part.reads and line_of[j] != line_of[i] and j != i + 1]
    texts = []
    for sign, others in (("←", comes), ("→", goes)):
        texts += [fit(f"{sign} {places[j].part.name}", NAMES, SMALL) for j in others[:SAID]]
        if len(others) > SAID:
            texts.append(_("{sign} and {count} more", sign=sign, count=len(others) - SAID))
    return texts


def arcs_of(places: Sequence[Place], row: Sequence[int], centres: dict[int, float]) -> list[Arc]:
    """What is read from further left in the same line: short ones below long ones."""
    pairs = [(j, i) for i in row for j in places[i].part.reads if j in centres and j != i - 1]
    out: dict[int, int] = {}
    into: dict[int, int] = {}
    spans = []
    for j, i in sorted(pairs, key=lambda pair: (pair[1] - pair[0], pair)):
        # Several arcs of one figure begin beside each other, or their ends would be one.
        out[j], into[i] = out.get(j, 0) + 1, into.get(i, 0) + 1
        room = places[j].width / 2, places[i].width / 2
        spans.append((centres[j] + min(6.0 * out[j] - 2, room[0]), centres[i] - min(6.0 * into[i] - 2, room[1])))
    lanes: list[list[tuple[float, float]]] = []
    arcs = []
    for start, end in spans:
        # The lowest lane that is free from end to end, with 4 pixels between neighbours.
        lane = 0
        while lane < len(lanes) and any(start <= b + 4 and a - 4 <= end for a, b in lanes[lane]):
            lane += 1
        if lane == len(lanes):
            lanes.append([])
        lanes[lane].append((start, end))
        arcs.append(Arc(start, end, lane))
    return arcs


def arc_items(arc: Arc, bottom: float) -> list[Item]:
    """Up, along its lane and down to an arrow's head."""
    y = bottom - 8 - arc.lane * LANE
    points = [(arc.start, bottom), (arc.start, y), (arc.end, y), (arc.end, bottom)]
    return [line(points, stroke=LINE), arrow_head(points[2], points[3], size=5)]


def draw_continuations(places: Sequence[Place], row: Sequence[int], middle: float, end: float) -> list[Item]:
    """Arrows from the end of a line and to the beginning of the next, where the figures there are connected."""
    ends = []
    first, last = row[0], row[-1]
    # Only neighbours: what is read from further away is said by name, below the figure.
    if first and first - 1 in places[first].part.reads:
        ends.append(-24.0)
    if last + 1 < len(places) and last in places[last + 1].part.reads:
        ends.append(end + 6)
    return [
        item
        for x in ends
        for item in (line([(x, middle), (x + 14, middle)]), arrow_head((x, middle), (x + 18, middle), size=6))
    ]


def link(report: Report, places: Sequence[Place], i: int, corners: dict[int, Point]) -> list[Item]:
    """Between a figure and that to its left: a window with its unit, or all of it."""
    before, after = places[i - 1], places[i]
    axes = find_window(report, before.part, after.part)
    # A window is drawn only where both fronts show the same axes: of a flattened map it would lie on nothing.
    if axes and before.figure.axes and before.figure.axes == after.figure.axes:
        return draw_window(before, after, axes, corners[i - 1], corners[i])
    (x, y), (u, v) = corners[i - 1], corners[i]
    pairs = zip(before.figure.right_edge, after.figure.left_edge, strict=True)
    return [line([(a + x, b + y), (c + u, d + v)], stroke=LINE, thick=0.7, dashed=True) for (a, b), (c, d) in pairs]


def find_window(report: Report, before: Part, after: Part) -> tuple[Seen, ...]:
    """What a unit of a part sees of the one before it; nothing where that is all of it, or not known."""
    graph = report.graph
    assert graph is not None
    first = len(graph.inputs)
    # An input has no operations: its value is its number among the inputs.
    values = {first + node for node in before.members} or {list(graph.inputs).index(before.name)}
    for value, axes in windows_of(graph, after).items():
        if value in values and graph.shape(value)[1:] == before.output[1:]:  # of several outputs, the one that is drawn
            return axes
    return ()


def draw_window(before: Place, after: Place, axes: tuple[Seen, ...], here: Point, there: Point) -> list[Item]:
    """The window on the front of a figure, the unit that sees it on that of the next, and two lines."""
    left, high = span_of(before, axes, here)
    x, y = place_unit(after, axes, there)
    # From both corners on the right: the two lines and the window look like a cone that ends in the unit.
    box = Box(left[0], high[0], left[1], high[1], stroke=ACCENT)
    corner = left[0] + left[1]
    lines = [line([(corner, level), (x, y)], stroke=ACCENT, thick=0.8) for level in (high[0], high[0] + high[1])]
    return [box, *lines, Box(x - 1.5, y - 1.5, 3, 3, fill=ACCENT)]


def span_of(place: Place, axes: tuple[Seen, ...], corner: Point) -> tuple[Point, Point]:
    """(left, width) and (top, height) of a window."""
    x, y, w, h = place.figure.front
    found = [(x + corner[0], w), (y + corner[1], h)]
    # From the last axis backwards: columns lie across, rows go down.
    for number, (axis, n) in enumerate(zip(axes[::-1], place.part.output[:0:-1], strict=True)):
        where = number if place.figure.axes == 2 else 1  # of a sequence, the only axis goes down
        if number < place.figure.axes:
            start, extent = found[where]
            # At least three pixels, so that a window of 1x1 on a large map is seen.
            found[where] = (start + extent * axis.start / n, max(extent * axis.size / n, 3.0))
    return found[0], found[1]


def place_unit(place: Place, axes: tuple[Seen, ...], corner: Point) -> Point:
    """Where a unit lies on the front of its figure."""
    x, y, w, h = place.figure.front
    shape: Shape = place.part.output
    flat = place.figure.axes == 2  # of a sequence, the only axis goes down
    row = -2 if flat else -1
    # In the middle of the unit, not at its corner.
    down = y + corner[1] + h * (axes[row].unit + 0.5) / shape[row]
    across = x + corner[0] + (w * (axes[-1].unit + 0.5) / shape[-1] if flat else 2)
    return across, down
