"""The bars of the style `costs` in characters, for a terminal: as wide as it is."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.errors import columns_of, visible
from cnncalc.language import _
from cnncalc.pages.drawing import Wish
from cnncalc.pages.drawing.parts import Part
from cnncalc.pages.drawing.styles.costs import measure, number_texts, quantities_of, rows_of, total_text
from cnncalc.quantities import QUANTITIES
from cnncalc.report import Report, title

EIGHTHS = " ▏▎▍▌▋▊▉█"
ASCII = " #"
NARROWEST = 8  # bar
NAMES = 30  # columns for a name, at most


def draw_bars(report: Report, wish: Wish, width: int, marks: str = EIGHTHS) -> list[str]:
    """Lines of at most `width` columns: for each quantity a heading with its total, and a bar for each row."""
    parts = rows_of(report, wish)
    # A title comes from a file: what a terminal would take for a command is written out.
    lines = [visible(title(report))]
    for quantity in quantities_of(wish):
        heading, total = _(QUANTITIES[quantity].heading), total_text(report, quantity)
        lines += ["", f"{heading}  {total}".rstrip(), *draw_quantity(report, parts, quantity, width, marks)]
    return lines


def draw_quantity(report: Report, parts: Sequence[Part], quantity: str, width: int, marks: str) -> list[str]:
    """A line for each row: its name, its bar, and its number behind the longest one."""
    values = [measure(part, quantity) for part in parts]
    largest = max([value for value in values if value is not None], default=0)
    texts = [number_texts(report, part, quantity, value) for part, value in zip(parts, values, strict=True)]
    numbers, shares = (max(map(columns_of, column)) for column in zip(*texts, strict=True)) if texts else (0, 0)
    # On a narrow terminal names give way before bars do, which are what is looked at.
    names = min(max([columns_of(visible(part.name)) for part in parts], default=0), NAMES, max(width // 3, 6))
    room = max(width - names - numbers - shares - 3, NARROWEST)
    lines = []
    for part, value, (text, share) in zip(parts, values, texts, strict=True):
        name = shorten(visible(part.name), names)
        bar = bar_of(value or 0, largest, room, marks)
        cells = [name + " " * (names - columns_of(name)), bar.ljust(room), text.rjust(numbers), share.rjust(shares)]
        lines.append(" ".join(cells).rstrip())
    return lines


def bar_of(value: int, largest: int, room: int, marks: str) -> str:
    # The first of the marks is the empty one.
    """A bar that is as long as its part of the largest, and to be seen where it is not 0."""
    steps = len(marks) - 1
    if not value:
        return ""
    # In whole numbers: counts may be larger than a float holds exactly.
    parts = max(1, value * room * steps // largest)
    whole, rest = divmod(parts, steps)
    return marks[-1] * whole + (marks[rest] if rest else "")


def shorten(text: str, columns: int) -> str:
    """A name in so many columns of a terminal, with … in it where it is longer."""
    if columns_of(text) <= columns:
        return text
    # Two thirds from the beginning and one from the end: names of layers differ at both.
    end = columns // 3
    head, tail = "", ""
    for letter in text:
        if columns_of(head + letter) > columns - end - 1:
            break
        head += letter
    for letter in reversed(text):
        if columns_of(letter + tail) > end:
            break
        tail = letter + tail
    return f"{head}…{tail}"
