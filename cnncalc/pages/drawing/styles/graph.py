"""The dataflow: a box for each row of the table, frames round blocks, lines from what is written to who reads it.

Where boxes and lines are is worked out in graph/; here they get colours. Heat, where a quantity is asked for, goes from
0 to the largest number of any box in the drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from cnncalc.language import _
from cnncalc.pages.drawing import Wish
from cnncalc.pages.drawing.colours import FRAME, INK, LINE, MUTED, NONE, PANEL, PAPER, of_heat, of_kind
from cnncalc.pages.drawing.graph import Tree, place
from cnncalc.pages.drawing.graph.cells import LINE as PITCH
from cnncalc.pages.drawing.graph.cells import TEXT, TITLE
from cnncalc.pages.drawing.graph.picture import Edge, Frame, Legend, Node, Picture
from cnncalc.pages.drawing.letters import fit, width_of
from cnncalc.pages.drawing.scene import MIDDLE, Box, Group, Item, Path, Scene, Text, arrow_head, scene_of
from cnncalc.pages.drawing.words import describe
from cnncalc.report import Report, title

SCALE = 20  # fields of the legend
FIELD = 8.0  # the width of one
ROUND = 8.0  # the radius of corners of lines


def scene(report: Report, wish: Wish) -> Scene:
    """Frames from outside in, then lines, then boxes, with the title and the legend of heat above."""
    tree = Tree(report)
    picture = place(tree, tree.fold(wish.depth), wish.color)
    # What comes later lies above: lines over frames, boxes over the ends of lines.
    items: list[Item] = [item for frame in picture["frames"] for item in frame_items(frame)]
    items += [item for edge in picture["edges"] for item in edge_items(edge)]
    items += [draw_node(tree, node, heated=bool(wish.color)) for node in picture["nodes"]]
    return scene_of([*head_items(tree, picture), *items], title=title(report), description=count_boxes(report, picture))


def head_items(tree: Tree, picture: Picture) -> list[Item]:
    """The title, how much is folded, and the legend of heat."""
    # Lines go upwards from the boxes: how many there are is seen here alone.
    report, legend, y = tree.report, picture["legend"], 0
    items: list[Item] = []
    if legend is not None:
        y -= 20
        items += legend_items(legend, y)
        y -= 24
    if len(picture["nodes"]) < len(tree.leaves):
        boxes = sum(node["role"] != "input" for node in picture["nodes"])
        note = _("{boxes:,} boxes for {operations:,} operations", boxes=boxes, operations=len(report))
        items.append(Text(16, y, note, TEXT, fill=MUTED))
        y -= 20
    head = title(report)
    return [Text(16, y, fit(head, 760, 16, bold=True), 16, bold=True, title=head), *items]


def count_boxes(report: Report, picture: Picture) -> str:
    return _("{boxes} boxes for {operations} operations, joined by the tensors that they read",
             boxes=len(picture["nodes"]), operations=len(report))  # fmt: skip


def frame_items(frame: Frame) -> list[Item]:
    return [
        Box(frame["x"], frame["y"], frame["w"], frame["h"], PANEL, FRAME, 8, title=frame["name"]),
        Text(frame["title_x"], frame["title_y"], frame["title"], TEXT, fill=MUTED, bold=True),
    ]


def edge_items(edge: Edge) -> list[Item]:
    """The line, curved where it goes across, and its head."""
    points = edge["points"]
    commands: list[tuple[str | float, ...]] = [("M", *points[0])]
    for i, ((x, y), (x2, y2)) in enumerate(pairwise(points)):
        middle = (y + y2) / 2
        if x != x2 and y != y2:
            # It leaves and arrives straight down, so that its head points at the box.
            commands.append(("C", x, middle, x2, middle, x2, y2))
        elif i + 2 < len(points) and (turned := turn_corner((x, y), (x2, y2), points[i + 2])):
            commands += turned
        else:
            commands.append(("L", x2, y2))
    (x, y), (x2, y2) = points[-2:]
    # A curve arrives straight down; any other line as its last piece goes.
    start = (x, y) if y == y2 else (x2, y)
    return [Path(tuple(commands), stroke=LINE, thick=1.2), arrow_head(start, (x2, y2), size=8)]


def turn_corner(before: Sequence[int], at: Sequence[int], behind: Sequence[int]) -> list[tuple[str | float, ...]]:
    """The way round a right angle; nothing where there is none."""
    # Only where one piece is vertical and the other horizontal.
    if (before[0] == at[0]) == (behind[0] == at[0]) or (behind[0] != at[0] and behind[1] != at[1]):
        return []
    ends = []
    for other in (before, behind):
        away = abs(other[0] - at[0]) + abs(other[1] - at[1])
        # Never more than half a piece: its other end may be round too.
        part = min(ROUND, away / 2) / away
        ends.append((at[0] + (other[0] - at[0]) * part, at[1] + (other[1] - at[1]) * part))
    return [("L", *ends[0]), ("C", *at, *at, *ends[1])]


def draw_node(tree: Tree, node: Node, *, heated: bool) -> Group:
    """The box with its texts; of what is not known the border is dashed, of an output it is thick."""
    row = tree.row_of(tree.parts[node["id"]])
    fill = fill_of(node, heated=heated)
    # An input has no number by its nature; of a layer a missing one is a gap, and looks like one.
    unknown = heated and row is not None and node["heat"] is None
    middle = node["x"] + node["w"] / 2
    box = Box(node["x"], node["y"], node["w"], node["h"], fill, INK if node["output"] else LINE,
              node["h"] / 2 if row is None else 5, 2 if node["output"] else 1, unknown)  # fmt: skip
    texts = [Text(middle, node["y"] + PITCH + 1, node["title"], TITLE, MIDDLE, bold=True)]
    texts += [
        Text(middle, node["y"] + PITCH * (i + 2), line, TEXT, MIDDLE) for i, line in enumerate(node["lines"])
    ]  # fmt: skip
    return Group((box, *texts), describe(row) if row is not None else node["name"])


def fill_of(node: Node, *, heated: bool) -> str:
    """The role of a box's colour: by heat, or by the family of its kind."""
    if heated:
        return PAPER if node["heat"] is None else of_heat(node["heat"])
    return of_kind("input" if node["role"] == "input" else node["kind"])


def legend_items(legend: Legend, y: int) -> list[Item]:
    """What the colours stand for: the quantity, and the numbers at both ends."""
    items: list[Item] = [Text(16, y, legend["heading"], TEXT, bold=True)]
    x = 16 + width_of(legend["heading"], TEXT, bold=True) + 12
    items.append(Text(x, y, legend["least"], TEXT, fill=MUTED))
    x += width_of(legend["least"], TEXT) + 6
    items += [
        Box(x + i * FIELD, y - 10, FIELD, 12, of_heat(i / (SCALE - 1)), of_heat(i / (SCALE - 1))) for i in range(SCALE)
    ]  # fmt: skip
    items.append(Box(x, y - 10, SCALE * FIELD, 12, NONE, FRAME))
    return [*items, Text(x + SCALE * FIELD + 6, y, legend["most"], TEXT, fill=MUTED)]
