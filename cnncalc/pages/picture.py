"""A picture of the pixels that a unit sees in characters of a terminal. Rows go down, counted from 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.analysis.fields.sets.flat import flat, window_of
from cnncalc.analysis.fields.sets.units import Patch, Span
from cnncalc.language import _

TALLEST = 32  # lines of a picture


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


def marks_for(encoding: str | None) -> Marks:
    """Block characters where the encoding has them."""
    try:
        "".join(BLOCKS).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return BLOCKS


def draw_picture(patch: Patch, width: int, marks: Marks = BLOCKS) -> list[str]:
    """Lines of at most `width` columns: a pixel is two characters wide, or a character stands for many pixels."""
    window = window_of(patch)
    high, wide = (span[1] - span[0] + 1 for span in (window.rows, window.columns))
    width = max(width, 8)
    # Characters are about twice as high as wide: two of them make a square pixel.
    if 2 * wide <= width and high <= TALLEST:
        down = across = 1
        repeat = 2
    else:
        # One scale for both directions, or the picture would be distorted: the coarser of what width and height ask
        # for.
        across = max(-(-wide // width), -(-high // (2 * TALLEST)))
        down, repeat = 2 * across, 1
    rows = cut_bands(window.rows, down, window.image[0])
    columns = cut_bands(window.columns, across, window.image[1])
    # The set is a sum of products of rows and columns, as bits: what a cell holds of each is a product of two counts.
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


def cut_bands(span: Span, step: int, n: int) -> list[tuple[int, int, Span]]:
    """For each stretch of `step` places: those on the image as bits, their number, and the stretch itself."""
    found = []
    # Stretches begin at multiples of the step, so that two pictures of one image can be compared.
    for start in range(span[0] // step * step, span[1] + 1, step):
        first, stop = max(start, 0), min(start + step, n)
        count = max(0, stop - first)
        found.append((((1 << count) - 1) << first if count else 0, count, (start, start + step - 1)))
    return found


def in_field(field: tuple[Span, Span] | None, row: Span, column: Span) -> bool:
    return field is not None and all(a[0] <= b[1] and b[0] <= a[1] for a, b in zip(field, (row, column), strict=True))


def mark(marks: Marks, seen: int, pixels: int, in_hull: bool) -> str:
    if not pixels:
        # Off the image a field reads padding; where it does not reach nothing is drawn.
        return marks.padding if in_hull else marks.beyond
    if not seen:
        return marks.none
    return marks.all if seen == pixels else marks.most if 2 * seen >= pixels else marks.some


def write_legend(marks: Marks, lines: Sequence[str]) -> str:
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
