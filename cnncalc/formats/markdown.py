"""A Markdown table, as GitHub draws it."""

from __future__ import annotations

from cnncalc.pages.view import COLUMNS, View, cells, headings, notes, shown_rows, title, total_cells
from cnncalc.report import Report


def render(report: Report, view: View) -> str:
    """A heading, the table with a bold total, and the notes as a list."""
    from tabulate import tabulate

    columns = view.columns_for(report)
    rows = [[escaped(text) for text in cells(report, row, columns)] for row in shown_rows(report, view)]
    rows.append([f"**{escaped(text)}**" if text else "" for text in total_cells(report, columns)])
    table = tabulate(
        rows,
        headers=headings(columns, report),
        tablefmt="pipe",
        colalign=["left" if COLUMNS[name].left else "right" for name in columns],
        disable_numparse=True,
    )
    said = [f"- {subject}: {escaped(text)}" for subject, text in notes(report)]
    return "\n".join([f"### {escaped(title(report))}", "", table, "", *said, ""])


def escaped(text: str) -> str:
    """Text whose `|`, `_`, `*` and `<` mean nothing to Markdown."""
    for mark in ("\\", "|", "_", "*", "<", "`", "["):
        text = text.replace(mark, "\\" + mark)
    return text
