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
SPACE = 3  # between columns
NARROWEST_NAME = 12


def render(report: Report, view: View, *, width: int | None = None, colour: bool = False) -> str:
    """The report as wide as the terminal. Columns that do not fit are named below the table, numbers never cut."""
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=colour, highlight=False, emoji=False, markup=False)
    columns = view.columns_for(report)
    lines = [cells(report, row, columns) for row in shown_rows(report, view)]
    lines += [total_cells(report, columns), [COLUMNS[name].heading for name in columns]]
    table = dict(zip(columns, zip(*lines, strict=True), strict=True))
    widths = {name: max(map(columns_of, column)) for name, column in table.items()}
    shown, hidden = fitting(columns, widths, console.width, view.columns is None)
    console.print(Text(title(report), style="bold"))
    console.print()
    drawn = Table(box=box.SIMPLE, show_footer=True, pad_edge=False, padding=(0, 1), show_edge=False)
    for name in shown:
        left = COLUMNS[name].left
        drawn.add_column(
            Text(table[name][-1]),
            footer=Text(table[name][-2]),
            justify="left" if left else "right",
            style=STYLES.get(name, ""),
            header_style="bold",
            footer_style="bold",
            no_wrap=True,
            width=widths[name],
        )
    # One cell holds a whole column, as many lines as there are rows: a tenth of the time.
    drawn.add_row(*(Text("\n".join(shortened(text, widths[name]) for text in table[name][:-2])) for name in shown))
    console.print(drawn, crop=False, no_wrap=True, overflow="ignore")
    console.print()
    said = notes(report)
    if hidden:
        said.append(("not shown", f"{', '.join(hidden)}: the terminal is too narrow (--columns chooses)"))
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for subject, text in said:
        grid.add_row(Text(subject), Text(text, style="bold red" if subject in ("not so", "not known") else ""))
    console.print(grid)
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


def fitting(columns: list[str], widths: dict[str, int], width: int, choose: bool) -> tuple[list[str], list[str]]:
    """(shown, hidden) columns. Names give way first, down to `NARROWEST_NAME`; changes the width of `name`."""
    shown = list(columns)

    def excess() -> int:
        return sum(widths[name] for name in shown) + SPACE * (len(shown) - 1) - width

    can_shrink = max(0, widths.get("name", 0) - NARROWEST_NAME) if choose else 0
    for name in DISPENSABLE if choose else ():
        # Long names are worth a column of their own until only the main numbers are left.
        if excess() <= (can_shrink if len(shown) <= 4 else 0):
            break
        if name in shown:
            shown.remove(name)
    if choose and excess() > 0 and "name" in shown:
        widths["name"] -= min(excess(), can_shrink)
    return shown, [name for name in columns if name not in shown]


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
