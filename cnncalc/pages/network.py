"""A network's report as a page: the table of its layers with the total, and what is said below it."""

from __future__ import annotations

from typing import Any

from cnncalc.errors import CnncalcError
from cnncalc.formats import write_page
from cnncalc.formats.page import Page, Section, Table
from cnncalc.language import _
from cnncalc.pages.view import (
    COLUMNS,
    DISPENSABLE,
    View,
    choose_rows,
    headings_of,
    make_notes,
    title,
    total_cells,
    values_of,
    write_cells,
)
from cnncalc.report import Report


def network_page(report: Report, view: View | None = None) -> Page:
    """What `cnncalc SPEC` shows. Raises CnncalcError for a column that there is not."""
    view = view or View()
    check_columns(view)
    columns = view.columns_for(report)
    rows = choose_rows(report, view)
    said = make_notes(report)
    if (
        not view.expand
        and view.depth is None
        and any(row.shown_with is not None and row.flops for row in report.layers)
    ):
        said.append((_("rows"), _("activations count in the row of their layer; --expand gives each its own")))
    if view.top is not None:
        # The total below the table is that of all rows: where some are hidden it must be said.
        every = len(choose_rows(report, view._replace(top=None)))
        if len(rows) < every:
            said.append(
                (_("rows"), _("{shown} of {every} are shown; the total is that of all", shown=len(rows), every=every))
            )
    table = Table(
        headings_of(columns, report),
        write_cells(report, rows, columns),
        left={i for i, name in enumerate(columns) if COLUMNS[name].left},
        foot=total_cells(report, columns),
        names=columns,
        # Columns that somebody named all stay, however narrow the terminal.
        dispensable=() if view.columns else headings_of(DISPENSABLE, report),
        shortens=view.columns is None,
    )
    sections = [Section("", table, notes=said)]
    return Page(title(report), sections, report.to_dict, records=lambda: make_records(report, view))


def rows_page(report: Report, view: View) -> Page:
    """The rows alone, of a network of which the rest is not known: what adds up or is a share would mislead."""
    check_columns(view)
    columns = [name for name in view.columns_for(report) if not name.endswith("_share")]
    table = Table(
        headings_of(columns, report),
        write_cells(report, choose_rows(report, view), columns),
        left={i for i, name in enumerate(columns) if COLUMNS[name].left},
        names=columns,
        dispensable=() if view.columns else headings_of(DISPENSABLE, report),
        shortens=view.columns is None,
    )
    return Page(title(report), [Section("", table)], {})


def check_columns(view: View) -> None:
    """Raise CnncalcError for a column that there is not."""
    unknown = set(view.columns or ()) - COLUMNS.keys()
    if unknown:
        raise CnncalcError(
            _("there is no column '{name}': known: {names}", name=min(unknown), names=", ".join(COLUMNS))
        )


def make_records(report: Report, view: View) -> list[dict[str, Any]]:
    """For CSV every operation and column, unless the view says otherwise."""
    columns = view.columns or tuple(n for n, column in COLUMNS.items() if not (n.endswith("_share") or column.asked))
    # A program folds by itself: it gets every operation, unless a depth is asked for.
    rows = choose_rows(report, view._replace(expand=view.expand or view.depth is None))
    found = [map(record, values_of(report, rows, name)) for name in columns]
    return [dict(zip(columns, values, strict=True)) for values in zip(*found, strict=True)]


def record(value: Any) -> Any:
    """A value in a row of CSV: shares with four digits, inputs in one cell, a shape without axes unknown."""
    if isinstance(value, tuple):
        return ";".join(value) if value and isinstance(value[0], str) else value or "?"
    return round(value, 4) if isinstance(value, float) else value


def render(report: Report, format: str, view: View | None = None) -> str:
    """The report in one of `formats.FORMATS`, ending with a line break. `table` is for terminals."""
    return write_page(network_page(report, view), format)
