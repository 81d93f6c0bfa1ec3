"""Where it goes: a horizontal bar per row and quantity, from 0, as long as its part of the largest."""

from __future__ import annotations

from cnncalc.formats.numbers import percent, sizes
from cnncalc.language import _
from cnncalc.pages.drawing import Wish
from cnncalc.pages.drawing.colours import FRAME, INK, MUTED
from cnncalc.pages.drawing.letters import fit, width_of
from cnncalc.pages.drawing.parts import Part, parts_of
from cnncalc.pages.drawing.scene import END, Box, Group, Item, Scene, Text, line, scene_of
from cnncalc.pages.drawing.words import describe, find_quantity, write_short
from cnncalc.quantities import DRAWN, QUANTITIES, listed_in
from cnncalc.report import Report, title

MOST = 70  # rows that can be read
PITCH, THICK = 21.0, 13.0  # from row to row; of a bar
LONGEST = 170.0  # bar
SIZE = 12.0  # of letters
NAMES = 210.0  # for names, at most
GAP = 10.0


def rows_of(report: Report, wish: Wish) -> list[Part]:
    """The rows to draw, in the order asked for."""
    # An input costs nothing, and is no row.
    parts = [part for part in parts_of(report, wish.depth, MOST) if part.row is not None]
    if wish.sort:
        by = find_quantity(wish.sort).name
        parts.sort(key=lambda part: -(measure(part, by) or 0))
    return parts[: wish.top]


def measure(part: Part, quantity: str) -> int | None:
    """A row's number; of several axes the product."""
    from math import prod

    value = getattr(part.row, quantity)
    if isinstance(value, tuple):
        return None if not value or None in value else prod(value)
    return value  # type: ignore[no-any-return]


def quantities_of(wish: Wish) -> list[str]:
    return [find_quantity(name).name for name in wish.quantities or listed_in(DRAWN)]


def scene(report: Report, wish: Wish) -> Scene:
    """A line of the drawing per row; a column of bars per quantity, with its total above."""
    parts, quantities = rows_of(report, wish), quantities_of(wish)
    names = [fit(part.name, NAMES, SIZE) for part in parts]
    left = max([width_of(name, SIZE) for name in names], default=0) + GAP
    shapes = [sizes(part.output) for part in parts]
    # Names end at `left`, shapes at `middle`: columns of text are as wide as their longest.
    middle = left + max([width_of(text, SIZE - 1) for text in shapes], default=0) + 2 * GAP
    head = title(report)
    items: list[Item] = [Text(0, -46, fit(head, 760, 16, bold=True), 16, bold=True, title=head)]
    # A group for each row, across all quantities: a pointer on any of its bars tells of the row.
    lines: list[list[Item]] = []
    for i, name in enumerate(names):
        y = i * PITCH + SIZE
        lines.append([
            Text(left - GAP, y, name, SIZE, END),
            Text(middle - GAP, y, shapes[i], SIZE - 1, END, MUTED),
        ])  # fmt: skip
    x = middle
    for quantity in quantities:
        x = draw_column(report, parts, quantity, x, items, lines) + 3 * GAP
    items += [
        Group(tuple(found), title=describe(part.row)) for found, part in zip(lines, parts, strict=True) if part.row
    ]
    said = _("a bar for each row: {names}", names=", ".join(_(QUANTITIES[name].heading) for name in quantities))
    return scene_of(items, title=head, description=said)


def draw_column(
    report: Report, parts: list[Part], quantity: str, x: float, items: list[Item], lines: list[list[Item]]
) -> float:
    """The bars of one quantity from x on, put behind the items of their lines; where the column ends."""
    values = [measure(part, quantity) for part in parts]
    largest = max([value for value in values if value is not None], default=0)
    width = 0.0
    for i, (part, value) in enumerate(zip(parts, values, strict=True)):
        long = LONGEST * value / largest if value and largest else 0
        # Nothing is drawn for 0, and at least 0.6 pixels for anything else: a small number is not none.
        if long:
            bar = Box(x, i * PITCH + 1.5, max(long, 0.6), THICK, fill=part.role, radius=1.5 if long > 4 else 0)
            lines[i].append(bar)
        text, share = number_texts(report, part, quantity, value)
        end = x + long + 5
        for words, role in ((text, INK if value else MUTED), (share, MUTED)):
            if words:
                lines[i].append(Text(end, i * PITCH + SIZE, words, SIZE - 1, fill=role))
                end += width_of(words, SIZE - 1) + 7
        width = max(width, end - x)
    total = total_text(report, quantity)
    heading = _(QUANTITIES[quantity].heading)
    items += [
        Text(x, -20, heading, SIZE, bold=True),
        Text(x + width_of(heading, SIZE, bold=True) + 8, -20, total, SIZE - 1, fill=MUTED),
        line([(x, -6), (x, len(parts) * PITCH)], stroke=FRAME),
    ]
    return x + max(width, width_of(heading, SIZE, bold=True) + 8 + width_of(total, SIZE - 1))


def number_texts(report: Report, part: Part, quantity: str, value: int | None) -> tuple[str, str]:
    """`117,600`, and `35.8 %` where a share says something."""
    text = write_short(quantity, getattr(part.row, quantity))
    # Of sizes and fields no part of a total can be said.
    if not QUANTITIES[quantity].share and not QUANTITIES[quantity].bytes:
        return text, ""
    # Of what is 0 no share is told.
    share = report.share(part.row, quantity) if part.row is not None and value else None
    return text, "" if share is None else f"{percent(100 * share)} %"


def total_text(report: Report, quantity: str) -> str:
    """The network's number of a quantity, with a mark where rows are left out of it."""
    # Not every quantity of a layer is one of the network.
    if quantity not in report.totals.__slots__:
        return ""
    value = report.totals.known(quantity)
    return write_short(quantity, value) + " + ?" * (value is not None and report.totals.is_partial(quantity))
