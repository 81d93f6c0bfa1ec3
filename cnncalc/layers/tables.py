"""Sparse connections: for each filter or unit, what it reads, counted from 0. Source: LeCun et al. 1998, table I."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.errors import OptionError, ShapeError
from cnncalc.language import _, n_
from cnncalc.layers.options import natural, quote

ONE = {"filters": n_("filter"), "units": n_("unit"), "maps": n_("map"), "inputs": n_("input")}


def map_table(raw: Any) -> tuple[tuple[int, ...], ...]:
    """For each filter or unit the list of inputs that it reads."""
    if not isinstance(raw, list) or not raw or not all(isinstance(row, list) and row for row in raw):
        raise OptionError(
            _("{value} is not a table", value=quote(raw)), _("write [[0, 1, 2], [1, 2, 3], ...], a list for each")
        )
    rows = tuple(tuple(natural(item) for item in row) for row in raw)
    for index, row in enumerate(rows):
        # A map listed twice would be counted with two kernels.
        if len(set(row)) != len(row):
            raise OptionError(_("row {index} of the table lists an input twice: {row}", index=index, row=list(row)))
    return rows


def check_table(table: Sequence[Sequence[int]], rows: int, inputs: int, of: str, what: str) -> None:
    """A table has a row for each filter or unit, and names inputs that exist. Raises ShapeError."""
    if len(table) != rows:
        problem = _("the table has {count} rows for {rows} {of}", count=len(table), rows=rows, of=_(of))
        raise ShapeError(problem, _("one row for each {one}", one=_(ONE[of])), "table")
    highest = max(max(row) for row in table)
    if highest >= inputs:
        raise ShapeError(
            _(
                "the table reads {one} {highest}; the input has {inputs} {what}",
                one=_(ONE[what]),
                highest=highest,
                inputs=inputs,
                what=_(what),
            ),
            _("{what} are counted from 0 to {inputs}", what=_(what), inputs=inputs - 1),
            "table",
        )
