"""The pixels that one unit sees, a panel for each input; rows go down, counted from 0."""

from __future__ import annotations

from cnncalc.analysis.fields.sets.flat import Window, flat, window_of
from cnncalc.analysis.fields.sets.regions import runs
from cnncalc.analysis.fields.sets.units import Patch, UnitField
from cnncalc.errors import CnncalcError
from cnncalc.language import _
from cnncalc.pages.drawing.colours import ACCENT, MUTED, PAPER, PEAK
from cnncalc.pages.drawing.fields.image import LARGEST_PIXEL, RIBBON, SIDE, Panel, Picture, Span, draw_backdrop
from cnncalc.pages.drawing.letters import width_of
from cnncalc.pages.drawing.scene import END, Box, Item, Path, Scene, Text, line, scene_of

MOST_BOXES = 100_000
SMALLEST_GRID, MOST_CELLS = 6.0, 10_000  # from which size on pixels have lines between them, and up to how many
SIZE = 12.0


def unit_scene(field: UnitField, title: str, picture: Picture | None = None) -> Scene:
    """What the unit sees of each input. Raises CnncalcError for more boxes than can be drawn."""
    items: list[Item] = [Text(0, 0, title, 15, bold=True)]
    top = 18.0
    dashed = False
    for patch in field.inputs:
        found, top, goes_on = panel_of(patch, top, picture)
        items += found
        dashed |= goes_on
    entries = [(Box(0, 0, 22, 10, fill=ACCENT, opacity=0.75), _("seen"))] if field.inputs else []
    if dashed:
        beyond = _("dashed: from the first to the last pixel that it would see if the image went on at its borders")
        entries.append((Box(0, 0, 22, 10, stroke=PEAK, thick=1.5, dashed=True), beyond))
    if not field.inputs:
        items.append(Text(0, top + 10, _("this unit sees nothing of the input"), SIZE))
    for i, (box, words) in enumerate(entries):
        y = top + 6 + i * 20
        items += [box._replace(x=0, y=y), Text(30, y + 10, words, SIZE, fill=MUTED)]
    return scene_of(items, title=title, description=_("the pixels that the unit sees"))


def panel_of(patch: Patch, top: float, picture: Picture | None) -> tuple[list[Item], float, bool]:
    """The items of one input below `top`, where they end, and whether the field goes on beyond the image."""
    products = [(runs(r), runs(c)) for r, c in flat(patch)]
    if sum(len(r) * len(c) for r, c in products) > MOST_BOXES:
        raise CnncalcError(_("the field falls into more than {most} rectangles: too many to draw", most=MOST_BOXES))
    window = window_of(patch)
    high, wide = (span[1] - span[0] + 1 for span in (window.rows, window.columns))
    scale = min(LARGEST_PIXEL, SIDE / max(high, wide))
    tall = RIBBON / scale if patch.axes == 1 else 1.0
    # The window may begin before the image, in padding: then the image is moved to the right and down.
    left = 36 - window.columns[0] * scale
    panel = Panel(left, top + 24 - window.rows[0] * scale * tall, scale, tall)
    items = draw_backdrop(panel, window.image, picture)
    corners = [panel.box(r, c) for rows, columns in products for r in rows for c in columns]
    if corners:
        # One path for all rectangles: where they meet, separate ones would show a seam.
        items.append(Path(tuple(step for corner in corners for step in outline(*corner)), fill=ACCENT, stroke="none",
                          opacity=0.6 if picture else 0.85))  # fmt: skip
    items += draw_grid(panel, window)
    if window.field is not None:
        rows, columns = (
            (max(a, c), min(b, d)) for (a, b), (c, d) in zip(window.field, (window.rows, window.columns), strict=True)
        )
        items.append(Box(*panel.box(rows, columns), stroke=PEAK, thick=1.5, dashed=True))
    end = panel.up + (window.rows[1] + 1) * scale * tall
    return items + draw_labels(patch, panel), end + 20, window.field is not None


def outline(x: float, y: float, width: float, height: float) -> list[tuple[str | float, ...]]:
    return [("M", x, y), ("L", x + width, y), ("L", x + width, y + height), ("L", x, y + height), ("Z",)]


def draw_grid(panel: Panel, window: Window) -> list[Item]:
    """Lines between pixels, where these are large and not too many."""
    rows, columns = window.image
    if panel.scale < SMALLEST_GRID or rows * columns > MOST_CELLS:
        return []
    x, y, w, h = panel.box((0, rows - 1), (0, columns - 1))
    down = [[(x + i * panel.scale, y), (x + i * panel.scale, y + h)] for i in range(1, columns)]
    across = [
        [(x, y + i * panel.scale * panel.tall), (x + w, y + i * panel.scale * panel.tall)] for i in range(1, rows)
    ]
    steps = tuple(step for points in (*down, *across) for step in line(points).commands)
    return [Path(steps, stroke=PAPER, thick=0.5)] if steps else []


def draw_labels(patch: Patch, panel: Panel) -> list[Item]:
    """The first and the last row and column that are seen, at their places; the last where there is room for it."""
    if patch.hull is None:
        return []
    rows: Span = patch.hull[-2] if patch.axes > 1 else (0, 0)
    columns = patch.hull[-1]
    x, y, w, h = panel.box(rows, columns)
    top = panel.box((0, 0), (0, 0))[1]
    first, last = str(columns[0]), str(columns[1])
    # The last number stands where its column ends, but clear of the first.
    items: list[Item] = [Text(x, top - 6, first, SIZE)]
    if columns[1] > columns[0]:
        start = max(x + w, x + width_of(first, SIZE) + 6 + width_of(last, SIZE))
        items.append(Text(start, top - 6, last, SIZE, END))
    if patch.axes > 1:
        left = panel.left - 6
        items.append(Text(left, y + 10, str(rows[0]), SIZE, END))
        if rows[1] > rows[0]:
            items.append(Text(left, max(y + h, y + 10 + SIZE * 1.25), str(rows[1]), SIZE, END))
    return items
