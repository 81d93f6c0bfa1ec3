"""A table for the terminal: the columns that fit, in colour by rich.

Laid out here and handed to rich as finished segments: its own table, with a cell for every number, takes
twenty times as long for a network of a hundred layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import StringIO

from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style

from cnncalc.errors import columns_of
from cnncalc.formats import lines
from cnncalc.formats.plain import aligned
from cnncalc.language import _
from cnncalc.pages.view import COLUMNS, DISPENSABLE, View, cells, headings, notes, shown_rows, title, total_cells
from cnncalc.report import Report

STYLES = {
    "name": Style(bold=True),
    "kind": Style(color="cyan"),
    "params": Style(color="green"),
    "connections": Style(color="magenta"),
    "macs": Style(color="yellow"),
}
PLAIN, BOLD, DIM, ALARM = Style(), Style(bold=True), Style(dim=True), Style(color="red", bold=True)
SPACE = "   "  # between columns
NARROWEST_NAME = 12
SUBJECT = 11  # columns for what a note is about


def render(report: Report, view: View, *, width: int | None = None, colour: bool = False) -> str:
    """The report as wide as the terminal. Columns that do not fit are named below the table, numbers never cut."""
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=colour, highlight=False, emoji=False, markup=False)
    segments = [Segment(text, style) for text, style in drawn(report, view, console.width)]
    console.print(Segments(segments), end="", soft_wrap=True)
    return out.getvalue()


def drawn(report: Report, view: View, width: int) -> Iterator[tuple[str, Style]]:
    """Pieces of text with their styles."""
    columns = view.columns_for(report)
    head = headings(columns, report)
    body = [cells(report, row, columns) for row in shown_rows(report, view)]
    foot = total_cells(report, columns)
    widths = {name: max(map(columns_of, column)) for name, *column in zip(columns, head, foot, *body, strict=True)}
    shown = fitting(columns, widths, width) if view.columns is None else columns
    places = [columns.index(name) for name in shown]
    rule = "─" * (sum(widths[name] for name in shown) + len(SPACE) * (len(shown) - 1)) + "\n"

    def line(texts: Sequence[str], style: Style | None) -> Iterator[tuple[str, Style]]:
        for i, name in zip(places, shown, strict=True):
            text = aligned(shortened(texts[i], widths[name]), widths[name], COLUMNS[name].left)
            yield text, style or STYLES.get(name, PLAIN)
            yield ("\n" if name == shown[-1] else SPACE), PLAIN

    yield from wrapped(title(report), width, BOLD)
    yield "\n", PLAIN
    yield from line(head, BOLD)
    yield rule, PLAIN
    for texts in body:
        yield from line(texts, None)
    yield rule, PLAIN
    yield from line(foot, BOLD)
    yield "\n", PLAIN
    said = notes(report)
    hidden = [name for name in columns if name not in shown]
    if hidden:
        names = ", ".join(hidden)
        said.append((_("not shown"), _("{names}: the terminal is too narrow (--columns chooses)", names=names)))
    alarming = (_("not so"), _("not known"))
    for subject, text in said:
        yield aligned(subject, SUBJECT, True) + " ", DIM
        yield from wrapped(text, width, ALARM if subject in alarming else PLAIN, SUBJECT + 1)


def fitting(columns: Sequence[str], widths: dict[str, int], width: int) -> list[str]:
    """The columns that fit. Names give way first, down to `NARROWEST_NAME`; changes the width of `name`."""
    shown = list(columns)

    def excess() -> int:
        return sum(widths[name] for name in shown) + len(SPACE) * (len(shown) - 1) - width

    can_shrink = max(0, widths["name"] - NARROWEST_NAME)
    for name in DISPENSABLE:
        # Long names are worth a column of their own until only the main numbers are left.
        if excess() <= (can_shrink if len(shown) <= 4 else 0):
            break
        if name in shown:
            shown.remove(name)
    widths["name"] -= min(max(0, excess()), can_shrink)
    return shown


def shortened(text: str, width: int) -> str:
    """`text` in `width` terminal columns: of a path the beginning and the end."""
    if columns_of(text) <= width:
        return text
    end = text[-(width * 2 // 3) :]
    while columns_of(end) > width * 2 // 3:
        end = end[1:]
    start = text[: width - 1 - columns_of(end)]
    while columns_of(start) + 1 + columns_of(end) > width:
        start = start[:-1]
    return f"{start}…{end}"


def wrapped(text: str, width: int, style: Style, indent: int = 0) -> Iterator[tuple[str, Style]]:
    """A text in lines that fit, those after the first indented."""
    for line in lines.wrapped(text, width, indent):
        yield line, style
        yield "\n", PLAIN
