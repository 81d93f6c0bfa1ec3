"""CSV: a line per row, plain numbers, empty where a number is not known."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

from cnncalc.pages.view import COLUMNS, View, shown_rows, sizes, value_of
from cnncalc.report import Report


def render(report: Report, view: View) -> str:
    """Every operation and column, unless the view says otherwise. No total: it would be summed again."""
    columns = view.columns or tuple(name for name in COLUMNS if not name.endswith("_share"))
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    rows = shown_rows(report, view._replace(expand=view.expand or view.depth is None))
    for row in rows:
        writer.writerow([_plain(value_of(report, row, name)) for name in columns])
    return out.getvalue()


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ";".join(value) if value and isinstance(value[0], str) else sizes(value)
    return round(value, 4) if isinstance(value, float) else value
