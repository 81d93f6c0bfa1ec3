"""The network as a stack of coloured boxes: as thick as there are channels, as high and deep as the map, skips as arcs.

A vector is a plate as high as it has units. What is longest of each sort has the same length in all drawings.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.formats.numbers import sizes
from cnncalc.language import _
from cnncalc.pages.drawing import Wish
from cnncalc.pages.drawing.colours import ACCENT, LINE, MUTED
from cnncalc.pages.drawing.figures import Scales, scales_of, spatial
from cnncalc.pages.drawing.legend import draw_legend, kinds_in
from cnncalc.pages.drawing.letters import LEADING, fit, width_of
from cnncalc.pages.drawing.parts import Part, parts_of
from cnncalc.pages.drawing.scene import (
    END,
    Box,
    Group,
    Item,
    Path,
    Scene,
    Text,
    arrow_head,
    bounds_of,
    line,
    polygon,
    scene_of,
)
from cnncalc.pages.drawing.words import describe
from cnncalc.report import Report, title

MOST = 70  # boxes
HIGH, LONG = 170.0, 150.0  # a map, a vector
OBLIQUE = 0.32  # of the width of a map, to the right and up
PLATE = 7.0  # thickness of a vector
ALL_THICK = 900.0  # about what all boxes take together
GAP, APART = 10.0, 0.3  # between boxes, and how much of the depth of one is to be seen beside the next
SIZE = 11.0
NAMES = 170.0


class Shapes(NamedTuple):
    """How large a box is: its front, and how far its top and side go to the right and up."""

    thick: float
    high: float
    deep: float


def scene(report: Report, wish: Wish) -> Scene:
    """The boxes from left to right, with their names below and arcs above."""
    parts = parts_of(report, wish.depth, MOST)
    scales = scales_of([part.output for part in parts], logarithmic=wish.log)
    # A few boxes may be thick, many have to be thin.
    thickest = min(90.0, max(14.0, ALL_THICK / len(parts)))
    boxes = [measure(part, scales, thickest) for part in parts]
    lefts, x = [], 0.0
    for box in boxes:
        lefts.append(x)
        # Boxes overlap: of the depth of one, a third is seen beside the next. Their turned names need a line each.
        x += max(box.thick + GAP + APART * box.deep, SIZE * LEADING)
    items: list[Item] = [
        line([(lefts[i - 1] + boxes[i - 1].thick, 0), (lefts[i], 0)], stroke=LINE)
        for i, part in enumerate(parts) if i and i - 1 in part.reads
    ]  # fmt: skip
    bottom = max(box.high for box in boxes) / 2
    for i, (part, box) in enumerate(zip(parts, boxes, strict=True)):
        items.append(box_items(part, box, lefts[i], bottom))
    # Neighbours are joined along the middle: all other lines go over the boxes.
    arcs = [arc for i, part in enumerate(parts) for j in part.reads if j != i - 1 for arc in skip(boxes, lefts, j, i)]
    items += arcs
    labels = max(width_of(label(part), SIZE) for part in parts)
    entries = kinds_in((part.role, part.kind.split(" + ")[0]) for part in parts)
    # The legend needs room, however short the network is.
    width = max(x, 420.0)
    items += draw_legend(entries, 0, bottom + 24 + labels, width)
    top = min(-max(box.high / 2 + box.deep for box in boxes), bounds_of(arcs)[1])
    head = title(report)
    items.append(Text(0, top - 22, fit(head, max(width, 700), 16, bold=True), 16, bold=True, title=head))
    said = _("{count} boxes, as thick as there are channels and as high as the map", count=len(parts))
    return scene_of(items, title=head, description=said)


def measure(part: Part, scales: Scales, thickest: float) -> Shapes:
    """How large the box of a part is."""
    shape, places = part.output, spatial(part.output)
    if not shape:
        return Shapes(PLATE, 40, 0)
    if not places:
        return Shapes(PLATE, scales.of(shape[0], scales.vector, min(LONG, 6 * scales.vector)), 0)
    thick = scales.of(shape[0], scales.channels, thickest, 2.5)
    if len(places) == 1:
        return Shapes(thick, scales.of(places[0], scales.length, HIGH), 0)
    high, wide = (scales.of(n, scales.side, HIGH) for n in places[-2:])
    return Shapes(thick, high, wide * OBLIQUE)


def label(part: Part) -> str:
    """`conv1  64x112x112`."""
    return f"{fit(part.name, NAMES, SIZE)}  {sizes(part.output)}"


def box_items(part: Part, box: Shapes, left: float, bottom: float) -> Group:
    """A box in the middle of the line, and its name, turned, below all of them."""
    thick, high, deep = box
    top = -high / 2
    # Dashed where the size of what is drawn is not known.
    faces: list[Item] = [Box(left, top, thick, high, fill=part.role, stroke=LINE, dashed=not part.output)]
    # Seen from the upper right: light from above, so the top is lighter and the side darker than the front.
    if deep:
        up, right = -deep * 0.7, deep * 0.7
        faces = [
            polygon(
                [(left, top), (left + thick, top), (left + thick + right, top + up), (left + right, top + up)],
                fill=f"{part.role}-lit", stroke=LINE,
            ),
            polygon(
                [(left + thick, top), (left + thick + right, top + up), (left + thick + right, -top + up),
                 (left + thick, -top)],
                fill=f"{part.role}-dim", stroke=LINE,
            ),
            *faces,
        ]  # fmt: skip
    words = Text(left + box.thick / 2 + SIZE * 0.35, bottom + 10, label(part), SIZE, END, MUTED, turned=True)
    return Group((*faces, words), title=describe(part.row) if part.row is not None else "")


def skip(boxes: Sequence[Shapes], lefts: Sequence[float], j: int, i: int) -> list[Item]:
    """An arc from the top of one box to that of another, above what stands between them."""
    (x, y), (u, v) = ((lefts[k] + boxes[k].thick / 2, -boxes[k].high / 2) for k in (j, i))
    # Above all boxes on its way, the higher the further it leads: nested arcs do not touch.
    over = min(-boxes[k].high / 2 - boxes[k].deep * 0.7 for k in range(j, i + 1))
    # Screens have y downwards, so that what is higher has the smaller number.
    peak = over - 12 - min(60.0, (u - x) * 0.06)
    # Round at both ends, as far as a short arc has room for that.
    reach = min(18.0, (u - x) / 3)
    curve = Path((("M", x, y), ("C", x, peak, x, peak, x + reach, peak), ("L", u - reach, peak),
                  ("C", u, peak, u, peak, u, v)), stroke=ACCENT)  # fmt: skip
    return [curve, arrow_head((u, peak), (u, v), size=6, role=ACCENT)]
