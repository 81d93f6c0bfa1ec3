"""Sparse connections: for each filter or unit, what it reads, counted from 0. Source: LeCun et al. 1998, table I."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.errors import OptionError, ShapeError
from cnncalc.layers.options import natural, quoted


def map_table(raw: Any) -> tuple[tuple[int, ...], ...]:
    """For each filter or unit the list of inputs that it reads."""
    if not isinstance(raw, list) or not raw or not all(isinstance(row, list) and row for row in raw):
        raise OptionError(f"{quoted(raw)} is not a table", "write [[0, 1, 2], [1, 2, 3], ...], a list for each")
    rows = tuple(tuple(natural(item) for item in row) for row in raw)
    for index, row in enumerate(rows):
        if len(set(row)) != len(row):
            raise OptionError(f"row {index} of the table lists an input twice: {list(row)}")
    return rows


def check_table(table: Sequence[Sequence[int]], rows: int, inputs: int, of: str, what: str) -> None:
    """A table has a row for each filter or unit, and names inputs that exist. Raises ShapeError."""
    if len(table) != rows:
        raise ShapeError(
            f"the table has {len(table)} rows for {rows} {of}", f"one row for each {of.removesuffix('s')}", "table"
        )
    highest = max(max(row) for row in table)
    if highest >= inputs:
        thing = what.removesuffix("s")
        raise ShapeError(
            f"the table reads {thing} {highest}; the input has {inputs} {what}",
            f"{what} are counted from 0 to {inputs - 1}",
            "table",
        )
