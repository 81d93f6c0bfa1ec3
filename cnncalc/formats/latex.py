"""A LaTeX table for the packages booktabs and, for names that are not ASCII, any Unicode engine."""

from __future__ import annotations

from tabulate import tabulate

from cnncalc.language import _
from cnncalc.pages.view import COLUMNS, View, cells, headings, notes, shown_rows, title, total_cells
from cnncalc.report import Report


def render(report: Report, view: View) -> str:
    """A tabular with the total under a rule; the notes as comments."""
    columns = view.columns_for(report)
    rows = [cells(report, row, columns) for row in shown_rows(report, view)]
    rows.append(total_cells(report, columns))
    table = tabulate(
        rows,
        headers=headings(columns, report),
        tablefmt="latex_booktabs",
        colalign=["left" if COLUMNS[name].left else "right" for name in columns],
        disable_numparse=True,
    )
    lines = table.split("\n")
    lines.insert(len(lines) - 3, "\\midrule")
    said = [f"% {subject}: {text}" for subject, text in notes(report)]
    needed = _("needs \\usepackage{booktabs}")
    return "\n".join([f"% {title(report)}", f"% {needed}", *lines, *said, ""])
