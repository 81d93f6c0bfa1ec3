"""Plain text, aligned: for pipes and files."""

from __future__ import annotations

from cnncalc.errors import columns_of
from cnncalc.pages.view import COLUMNS, View, cells, headings, notes, shown_rows, title, total_cells
from cnncalc.report import Report


def render(report: Report, view: View) -> str:
    """A title, the table with its total, and the notes."""
    columns = view.columns_for(report)
    table = [headings(columns, report)]
    table += [cells(report, row, columns) for row in shown_rows(report, view)]
    table.append(total_cells(report, columns))
    widths = [max(map(columns_of, column)) for column in zip(*table, strict=True)]
    left = [COLUMNS[name].left for name in columns]
    lines = ["  ".join(map(aligned, row, widths, left)).rstrip() for row in table]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    said = [f"{aligned(subject, 11, True)} {text}" for subject, text in notes(report)]
    return "\n".join([title(report), "", lines[0], rule, *lines[1:-1], rule, lines[-1], "", *said, ""])


def aligned(text: str, width: int, left: bool) -> str:
    """`text` with spaces up to `width` terminal columns."""
    space = " " * (width - columns_of(text))
    return text + space if left else space + text
