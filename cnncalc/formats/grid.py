"""Small tables of text, for commands that compare or list: plain, Markdown or CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import NamedTuple

from cnncalc.errors import columns_of
from cnncalc.formats.markdown import escaped
from cnncalc.formats.plain import aligned

FORMATS = ("plain", "markdown", "csv", "json")  # json is written from data, not from text


class Grid(NamedTuple):
    """A heading and a row of texts for each line; the first `left` columns are aligned to the left."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1

    def without(self, names: Iterable[str]) -> Grid:
        """The grid without the columns of these headings."""
        gone = set(names)
        kept = [i for i, heading in enumerate(self.headings) if heading not in gone]
        rows = [[row[i] for i in kept] for row in self.rows]
        return Grid([self.headings[i] for i in kept], rows, sum(i < self.left for i in kept))

    def widths(self) -> list[int]:
        """Terminal columns that each column takes."""
        return [max(map(columns_of, column)) for column in zip(self.headings, *self.rows, strict=True)]

    def fitted(self, width: int | None, dispensable: Sequence[str]) -> tuple[Grid, list[str]]:
        """The grid without as many of the dispensable columns as it takes to fit, and which these are."""
        gone: list[str] = []
        grid = self
        for heading in (name for name in dispensable if name in self.headings):
            if width is None or sum(grid.widths()) + 2 * (len(grid.headings) - 1) <= width:
                break
            gone.append(heading)
            grid = self.without(gone)
        return grid, gone


def draw(grid: Grid, format: str = "plain") -> str:
    """The grid as text, ending with a line break."""
    if format == "csv":
        out = StringIO()
        csv.writer(out, lineterminator="\n").writerows([grid.headings, *grid.rows])
        return out.getvalue()
    if format == "markdown":
        from tabulate import tabulate

        rows = [[escaped(text) for text in row] for row in grid.rows]
        align = ["left" if i < grid.left else "right" for i in range(len(grid.headings))]
        table = tabulate(rows, headers=grid.headings, tablefmt="pipe", colalign=align, disable_numparse=True)
        return table + "\n"
    widths = grid.widths()
    lines = [
        "  ".join(aligned(text, width, i < grid.left) for i, (text, width) in enumerate(zip(row, widths, strict=True)))
        for row in [grid.headings, *grid.rows]
    ]
    lines.insert(1, "-" * (sum(widths) + 2 * (len(widths) - 1)))
    return "\n".join(line.rstrip() for line in lines) + "\n"
