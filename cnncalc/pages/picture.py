"""A picture of the pixels that a unit sees: in characters of a terminal, or as SVG. Rows go down, counted from 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.errors import CnncalcError
from cnncalc.fields.sets.units import Patch, Span, UnitField
from cnncalc.language import _

TALLEST = 32  # lines of a picture
MARGIN = 4  # beyond the image a quarter of its size is drawn, or 4 pixels, of a field that goes on there
MOST_BOXES = 100_000  # of an SVG


class Marks(NamedTuple):
    """What stands for a stretch of pixels: all seen, most of it, some of it; none; padding; beyond."""

    all: str
    most: str
    some: str
    none: str
    padding: str
    beyond: str = " "


BLOCKS = Marks("█", "▓", "▒", "·", "░")
ASCII = Marks("#", "+", "-", ".", ":")


class Window(NamedTuple):
    """What is drawn: (first, last) of rows and columns, and what of it the image is; a row of one for one axis."""

    rows: Span
    columns: Span
    image: tuple[int, int]
    field: tuple[Span, Span] | None  # the hull that goes on beyond the borders


def marks_for(encoding: str | None) -> Marks:
    """Block characters where the encoding has them."""
    try:
        "".join(BLOCKS).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return BLOCKS


def flat(patch: Patch) -> list[tuple[int, int]]:
    """The field as (rows, columns) of disjoint products, as bits; of a volume what is seen at any depth."""
    from cnncalc.fields.sets.regions import product, products, union

    area = patch.area
    if patch.axes == 3:
        seen = ()
        for _depths, rest in area:
            seen = union(seen, rest)
        area = seen
    if patch.axes == 1:
        return [(1, area)] if area else []
    return [(places[0], places[1]) for places in products(area or product([0, 0]))]


def window_of(patch: Patch) -> Window:
    """The image, and around it what the field would see there, as far as that is drawn."""
    sizes = patch.sizes[-2:] if patch.axes > 1 else (1, *patch.sizes)
    outer = patch.unclipped[-2:] if patch.unclipped else ()
    spans = [None, *outer] if patch.axes == 1 else list(outer)
    if len(spans) < 2 or any(span is None for span in spans[2 - min(2, patch.axes) :]):
        return Window((0, sizes[0] - 1), (0, sizes[1] - 1), sizes, None)  # type: ignore[arg-type]
    field = tuple(span or (0, 0) for span in spans)
    drawn = [
        (max(min(0, a), -max(MARGIN, n // MARGIN)), min(max(n - 1, b), n - 1 + max(MARGIN, n // MARGIN)))
        for (a, b), n in zip(field, sizes, strict=True)
    ]
    return Window(drawn[0], drawn[1], sizes, field)  # type: ignore[arg-type]


def picture(patch: Patch, width: int, marks: Marks = BLOCKS) -> list[str]:
    """Lines of at most `width` columns: a pixel is two characters wide, or a character stands for many pixels."""
    window = window_of(patch)
    high, wide = (span[1] - span[0] + 1 for span in (window.rows, window.columns))
    width = max(width, 8)
    if 2 * wide <= width and high <= TALLEST:
        down = across = 1
        repeat = 2
    else:
        across = max(-(-wide // width), -(-high // (2 * TALLEST)))
        down, repeat = 2 * across, 1
    rows = bands(window.rows, down, window.image[0])
    columns = bands(window.columns, across, window.image[1])
    counts = [
        ([(r & band).bit_count() for band, _n, _at in rows], [(c & band).bit_count() for band, _n, _at in columns])
        for r, c in flat(patch)
    ]
    lines = []
    for i, (_r, in_rows, row) in enumerate(rows):
        line = ""
        for j, (_c, in_columns, column) in enumerate(columns):
            seen = sum(r[i] * c[j] for r, c in counts)
            line += mark(marks, seen, in_rows * in_columns, in_field(window.field, row, column)) * repeat
        lines.append(line.rstrip())
    return lines


def bands(span: Span, step: int, n: int) -> list[tuple[int, int, Span]]:
    """For each stretch of `step` places: those on the image as bits, their number, and the stretch itself."""
    found = []
    for start in range(span[0] // step * step, span[1] + 1, step):
        first, stop = max(start, 0), min(start + step, n)
        count = max(0, stop - first)
        found.append((((1 << count) - 1) << first if count else 0, count, (start, start + step - 1)))
    return found


def in_field(field: tuple[Span, Span] | None, row: Span, column: Span) -> bool:
    return field is not None and all(a[0] <= b[1] and b[0] <= a[1] for a, b in zip(field, (row, column), strict=True))


def mark(marks: Marks, seen: int, pixels: int, in_hull: bool) -> str:
    if not pixels:
        return marks.padding if in_hull else marks.beyond
    if not seen:
        return marks.none
    return marks.all if seen == pixels else marks.most if 2 * seen >= pixels else marks.some


def legend(marks: Marks, lines: Sequence[str]) -> str:
    """What the characters of a picture mean, of those that are in it."""
    drawn = set("".join(lines))
    meanings = {
        marks.all: _("seen"),
        marks.most: _("half of it or more"),
        marks.some: _("less than half of it"),
        marks.none: _("not seen"),
        marks.padding: _("padding"),
    }
    return ", ".join(f"{sign} {meaning}" for sign, meaning in meanings.items() if sign in drawn)


STYLE = (
    "text{font:12px sans-serif;fill:#222}.image{fill:#eee;stroke:#777}.seen{fill:#2a6fb0}"
    ".field{fill:none;stroke:#d2691e;stroke-dasharray:5 3}.grid{stroke:#fff;stroke-width:.5}"
)
SIDE = 480  # of the larger side of an image, in pixels of the drawing


def svg(field: UnitField, title: str) -> str:
    """The same as an SVG drawing, a panel for each input. Raises CnncalcError for more boxes than one can draw."""
    panels, top, widest = [], 36.0, 0.0
    for patch in field.inputs:
        lines, right, bottom = panel(patch, top)
        panels += lines
        top, widest = bottom + 20, max(widest, right)
    width, height = max(widest + 20, 8 * len(title) + 20, 300), max(top, 60)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}">'
    parts = [head, f"<style>{STYLE}</style>", f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>']
    return "\n".join([*parts, text(10, 22, title), *panels, "</svg>"]) + "\n"


def panel(patch: Patch, top: float) -> tuple[list[str], float, float]:
    """The elements of one input's drawing below `top`, and where they end to the right and below."""
    products = [(runs_of(r), runs_of(c)) for r, c in flat(patch)]
    if sum(len(r) * len(c) for r, c in products) > MOST_BOXES:
        raise CnncalcError(_("the field falls into more than {most} rectangles: too many to draw", most=MOST_BOXES))
    window = window_of(patch)
    high, wide = (span[1] - span[0] + 1 for span in (window.rows, window.columns))
    scale = min(24.0, SIDE / max(high, wide))
    tall = 24 / scale if patch.axes == 1 else 1  # a line of pixels is drawn as a ribbon
    left, up = 46 - window.columns[0] * scale, top + 24 - window.rows[0] * scale * tall

    def box(rows: Span, columns: Span) -> tuple[float, float, float, float]:
        return (
            left + columns[0] * scale,
            up + rows[0] * scale * tall,
            (columns[1] - columns[0] + 1) * scale,
            (rows[1] - rows[0] + 1) * scale * tall,
        )

    n = window.image
    lines = [rectangle("image", box((0, n[0] - 1), (0, n[1] - 1)))]
    path = "".join(
        "M{:g} {:g}h{:g}v{:g}h-{:g}z".format(*(values := box(r, c)), values[2])
        for rows, columns in products
        for r in rows
        for c in columns
    )
    if path:
        lines.append(f'<path class="seen" d="{path}"/>')
    if scale >= 6 and high * wide <= 10_000:
        x, y, w, h = box((0, n[0] - 1), (0, n[1] - 1))
        down = [f"M{x + i * scale:g} {y:g}v{h:g}" for i in range(1, n[1])]
        across = [f"M{x:g} {y + i * scale * tall:g}h{w:g}" for i in range(1, n[0])]
        lines.append(f'<path class="grid" d="{"".join(down + across)}"/>')
    if window.field is not None:
        rows, columns = (
            (max(a, c), min(b, d)) for (a, b), (c, d) in zip(window.field, (window.rows, window.columns), strict=True)
        )
        lines.append(rectangle("field", box(rows, columns)))
    return lines + labels(patch, box), left + (window.columns[1] + 1) * scale, up + (window.rows[1] + 1) * scale * tall


def labels(patch: Patch, box: object) -> list[str]:
    """The first and the last row and column that are seen, at their places."""
    assert callable(box)
    if patch.hull is None:
        return []
    rows = patch.hull[-2] if patch.axes > 1 else (0, 0)
    columns = patch.hull[-1]
    x, y, w, h = box(rows, columns)
    top = box((0, 0), (0, 0))[1]
    found = [text(x, top - 6, str(columns[0])), text(x + w, top - 6, str(columns[1]), "end")]
    if patch.axes > 1:
        found += [text(40, y + 10, str(rows[0]), "end"), text(40, y + h, str(rows[1]), "end")]
    return found


def runs_of(mask: int) -> list[Span]:
    from cnncalc.fields.sets.regions import runs

    return runs(mask)


def rectangle(name: str, box: tuple[float, float, float, float]) -> str:
    x, y, w, h = box
    return f'<rect class="{name}" x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}"/>'


def text(x: float, y: float, words: str, anchor: str = "start") -> str:
    from html import escape

    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'
