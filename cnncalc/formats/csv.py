"""CSV: a line per row, plain numbers, empty where a number is not known. No total: it would be summed again."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from io import StringIO
from typing import Any

from cnncalc.formats.json import compact
from cnncalc.formats.page import Page
from cnncalc.formats.plain import escape as on_one_line

FORMULA = re.compile(r"[=+\-@\uff1d\uff0b\uff0d\uff20]")  # what a spreadsheet would work out, full-width too
NUMBER = re.compile(r"[+-]?[\d,]+(\.\d+)?%?")


def escape(text: str) -> str:
    """A text of others for a spreadsheet: no formula, and on one line."""
    text = on_one_line(text)
    # A quote in front makes a cell text, in every spreadsheet.
    return "'" + text if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def render(page: Page, width: int | None = None, colour: bool = False) -> str:
    """The records of a page under the names that they have in every language."""
    data = page.records() if page.records is not None else page.sections[0].data if page.sections else ()
    rows = [data] if isinstance(data, Mapping) else list(data)
    # Rows may differ in what they have: every name that occurs is a column.
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(escape, names))
    writer.writerows([value_text(row.get(name)) for name in names] for row in rows)
    return out.getvalue()


def value_text(value: Any) -> Any:
    """A value in a cell: sizes as 5x5, what is nested as JSON."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple)) and not any(isinstance(v, (str, list, tuple, Mapping)) for v in value):
        return "x".join("?" if v is None else str(v) for v in value)
    if isinstance(value, (Mapping, list, tuple)):
        return escape(compact(value))
    return escape(value) if isinstance(value, str) else value
