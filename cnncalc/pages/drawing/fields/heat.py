"""How much each pixel counts for a unit, as heat over the image: the product of the profiles along both axes.

What is assumed stands in fields/effective: there, rows and columns count by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import sqrt
from typing import NamedTuple

from cnncalc.analysis.fields.effective.profile import Profile
from cnncalc.errors import CnncalcError
from cnncalc.formats.numbers import sizes
from cnncalc.language import _
from cnncalc.pages.drawing.colours import FRAME, MUTED, NONE, PEAK, STEPS, of_heat
from cnncalc.pages.drawing.fields.image import LARGEST_PIXEL, RIBBON, SIDE, Panel, Picture, draw_backdrop
from cnncalc.pages.drawing.letters import width_of
from cnncalc.pages.drawing.scene import Box, Item, Scene, Text, scene_of

CELLS = 112  # along a side, at most: several pixels are one cell where there are more
SIZE = 12.0
FIELD = 8.0  # width of a field of the legend


class Along(NamedTuple):
    """One axis of the image: n pixels, the first that the unit sees, and the profile of what it sees."""

    n: int
    start: int
    profile: Profile


def heat_scene(source: str, axes: Sequence[Along | None], title: str, picture: Picture | None = None) -> Scene:
    """The heat of one unit over the last two axes of an input. Raises CnncalcError where it is not defined."""
    known = [axis for axis in axes[-2:] if axis is not None]
    if len(known) < min(2, len(axes)) or not known:
        raise CnncalcError(
            _("the effective field on {input} is not defined: units see all of it, or differ", input=source)
        )
    across, down = known[-1], known[0] if len(known) > 1 else None
    rows = down.n if down is not None else 1
    # Small images get large pixels, but no larger than they can be told apart as heat.
    scale = min(LARGEST_PIXEL, SIDE / max(rows, across.n))
    panel = Panel(0, 30, scale, 1.0 if down is not None else RIBBON / scale)
    items: list[Item] = [Text(0, 6, title, 15, bold=True), *draw_backdrop(panel, (rows, across.n), picture)]
    # One length for both directions, or cells would be no squares.
    each = -(-max(rows, across.n) // CELLS)
    columns, lines = sum_cells(across, each), sum_cells(down, each) if down is not None else [1.0]
    # The weight of a pixel is the product of its row's and its column's: so is the largest.
    most = max(columns) * max(lines)
    for i, weight in enumerate(lines):
        shares = [weight * column / most for column in columns]
        items += line_of_heat(panel, i, shares, each, (rows, across.n), 0.7 if picture else 1.0)
    items += boxes_of(panel, across, down)
    bottom = panel.up + rows * scale * panel.tall
    items += legend_items(bottom + 16, most, each)
    spread = sizes([f"{sqrt(axis.profile.variance):.1f}" for axis in known])
    note = _(
        "sigma {sigma} pixels; dashed: the middle that holds 95.45 % of the mass along each axis; outside: the field",
        sigma=spread,
    )
    items.append(Text(0, bottom + 58, note, SIZE, fill=MUTED))
    return scene_of(items, title=title, description=_("how much each pixel counts for one unit"))


def sum_cells(axis: Along, each: int) -> list[float]:
    """The share of the mass in every `each` pixels of the axis."""
    total = sum(axis.profile.weights)
    found = [0] * (-(-axis.n // each))
    for i, weight in enumerate(axis.profile.weights):
        place = axis.start + i
        # A field may reach into padding: what lies there is mass, but no pixel.
        if 0 <= place < axis.n:
            found[place // each] += weight
    return [weight / total for weight in found]


def line_of_heat(
    panel: Panel, i: int, weights: Sequence[float], each: int, sizes: tuple[int, int], opacity: float
) -> list[Item]:
    """The cells of one line, neighbours of one heat together; cold ones are left out."""
    items: list[Item] = []
    start = 0
    top, last = i * each, min((i + 1) * each, sizes[0]) - 1
    for step, same in groupby(round(weight * STEPS) for weight in weights):
        count = len(list(same))
        if step:
            place = panel.box((top, last), (start * each, min((start + count) * each, sizes[1]) - 1))
            items.append(Box(*place, fill=of_heat(step / STEPS), opacity=opacity))
        start += count
    return items


def boxes_of(panel: Panel, across: Along, down: Along | None) -> list[Item]:
    """The field, and the middle that holds most of the mass."""

    def span(axis: Along | None, inner: bool) -> tuple[int, int]:
        if axis is None:
            return 0, 0
        # The middle lies in the field as its mass does, which is the same from both ends.
        cut = (len(axis.profile.weights) - axis.profile.central_width()) // 2 if inner else 0
        low, high = axis.start + cut, axis.start + len(axis.profile.weights) - 1 - cut
        # A middle that lies in the padding is drawn at the border.
        return min(max(low, 0), axis.n - 1), max(min(high, axis.n - 1), 0)

    return [
        Box(*panel.box(span(down, inner), span(across, inner)), stroke=PEAK, thick=1.5, dashed=inner)
        for inner in (False, True)
    ]


def legend_items(y: float, most: float, each: int) -> list[Item]:
    """From 0 to the pixel that counts most."""
    # Of a single pixel, however many of them are one cell.
    low, high = "0", f"{100 * most / each**2:.3g} %"
    items: list[Item] = [Text(0, y + 10, _("share of the mass per pixel"), SIZE, fill=MUTED)]
    x = width_of(_("share of the mass per pixel"), SIZE) + 14
    items.append(Text(x, y + 10, low, SIZE, fill=MUTED))
    x += width_of(low, SIZE) + 6
    items += [Box(x + k * FIELD, y, FIELD, 12, fill=of_heat(k / 19), stroke=NONE) for k in range(20)]
    items.append(Box(x, y, 20 * FIELD, 12, stroke=FRAME))
    return [*items, Text(x + 20 * FIELD + 6, y + 10, high, SIZE, fill=MUTED)]
