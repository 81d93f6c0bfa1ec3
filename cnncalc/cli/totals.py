"""What `compare` and `networks` say of a network: its totals, as text and as data."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from cnncalc.formats.grid import Grid, draw
from cnncalc.language import _, n_
from cnncalc.pages.view import number, sizes
from cnncalc.quantities import COMPARED, QUANTITIES, listed_in
from cnncalc.report import Report

COUNTS = {name: QUANTITIES[name].heading for name in listed_in(COMPARED)}
# Where they do not all fit on a terminal: heading and rank, the first to go comes first. MACs and parameters stay.
LEAVES = {"layers": 2.5, "input": 6.5, **{q.heading: q.leaves or 7 for q in map(QUANTITIES.__getitem__, COUNTS)}}
DISPENSABLE = tuple(sorted((heading for heading, rank in LEAVES.items() if rank < 7), key=LEAVES.__getitem__))


def totals_as_data(name: str, report: Report) -> dict[str, Any]:
    """One network for JSON: exact numbers, and what its sums leave out."""
    return {
        "name": name,
        "title": report.name,
        "inputs": {key: list(shape) for key, shape in report.inputs.items()},
        "layers": len(report),
        "totals": report.totals.to_dict(),
    }


def totals_grid(reports: Sequence[tuple[str, Report]], *, plain_numbers: bool = False) -> Grid:
    """A row for each network. A sum that leaves rows out has a ? behind it."""
    rows = []
    for name, report in reports:
        row = [name, ", ".join(map(sizes, report.inputs.values())), str(len(report))]
        for quantity in COUNTS:
            value = getattr(report.totals, quantity)
            text = str(value) if plain_numbers else number(value)
            row.append(text + "?" * (quantity in report.totals.left_out))
        rows.append(row)
    return Grid([n_("network"), n_("input"), n_("layers"), *COUNTS.values()], rows, left=2)


def drawn(grid: Grid, format: str) -> str:
    """The grid as text; on a terminal without the columns that do not fit, which are named below it."""
    if format == "csv":  # for programs: headings are those of every language
        return draw(grid, format)
    grid = grid._replace(headings=[_(heading) for heading in grid.headings])
    width = terminal_width() if format == "plain" else None
    if width is None:
        return draw(grid, format)
    fitting, gone = grid.fitted(width, [_(heading) for heading in DISPENSABLE])
    return draw(fitting) + (_("not shown here: {names}", names=", ".join(gone)) + "\n" if gone else "")


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is; None if it is none."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except OSError:
        return 80
