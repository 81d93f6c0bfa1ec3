"""A table for the terminal, drawn by rich: colour, and the columns that fit."""

from __future__ import annotations

from io import StringIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cnncalc.errors import columns_of
from cnncalc.render.view import COLUMNS, DISPENSABLE, View, cells, notes, shown_rows, title, total_cells
from cnncalc.report import Report

STYLES = {"name": "bold", "kind": "cyan", "params": "green", "connections": "magenta", "macs": "yellow"}
NARROWEST_NAME = 16


def render(report: Report, view: View, *, width: int | None = None, colour: bool = False) -> str:
    """The report as wide as the terminal. Columns that do not fit are named below the table."""
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=colour, highlight=False, emoji=False, markup=False)
    rows = shown_rows(report, view)
    columns = view.columns_for(report)
    wanted = list(columns)
    lines = [*(cells(report, row, columns) for row in rows), total_cells(report, columns)]
    table = {
        name: [COLUMNS[name].heading, *column] for name, column in zip(columns, zip(*lines, strict=True), strict=True)
    }
    widths = {name: max(map(columns_of, column)) for name, column in table.items()}
    for name in DISPENSABLE if view.columns is None else ():
        if sum(widths[c] + 2 for c in columns) <= console.width:
            break
        if name in columns:
            columns.remove(name)
    drawn = Table(box=box.SIMPLE_HEAD, show_footer=True, pad_edge=False, padding=(0, 1), show_edge=False)
    for name in columns:
        cut = name == "name" and view.columns is None
        drawn.add_column(
            Text(COLUMNS[name].heading),
            footer=Text(table[name][-1]),
            justify="left" if COLUMNS[name].left else "right",
            style=STYLES.get(name, ""),
            header_style="bold",
            footer_style="bold",
            no_wrap=True,
            overflow="ellipsis" if COLUMNS[name].left else "crop",
            min_width=min(NARROWEST_NAME, widths[name]) if cut else None if COLUMNS[name].left else widths[name],
        )
    for i in range(len(rows)):
        drawn.add_row(*(Text(table[name][i + 1]) for name in columns))
    console.print(Text(title(report), style="bold"))
    console.print()
    console.print(drawn)
    console.print()
    said = notes(report)
    hidden = [name for name in wanted if name not in columns]
    if hidden:
        said.append(("not shown", f"{', '.join(hidden)}: the terminal is too narrow (--columns chooses)"))
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for subject, text in said:
        grid.add_row(Text(subject), Text(text, style="bold red" if subject in ("not so", "not known") else ""))
    console.print(grid)
    return out.getvalue()
