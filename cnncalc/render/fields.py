"""Receptive fields as a page of tables: see render/page.py for the formats."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from cnncalc.analysis.field_table import AxisSeen, LayerSeen
from cnncalc.language import _
from cnncalc.render.grid import Grid
from cnncalc.render.page import Page, Section
from cnncalc.render.view import View, shown_rows, sizes, title
from cnncalc.report import Report, listed


def fields_page(report: Report, seen: Sequence[dict[int, LayerSeen]], *, expand: bool = False) -> Page:
    """A row for each layer and input: size, jump, start, and the centre of unit 0."""
    names = list(report.inputs)
    several = len(names) > 1
    places = {row.name: i for i, row in enumerate(report.layers)}
    last = {row.shown_with: i for i, row in enumerate(report.layers) if row.shown_with is not None}
    heads = [_("layer"), _("kind"), *([_("input")] if several else []), _("output")]
    grid = Grid([*heads, _("RF"), _("jump"), _("RF start"), _("centre")], [], left=2 + several)
    rows: list[list[str]] = []
    for row in shown_rows(report, View(expand=expand)):
        place = places[row.name]
        for source, found in seen[place if expand else max(place, last.get(place, place))].items():
            where = [names[source]] if several else []
            rows.append([row.name, row.kind, *where, sizes(row.output), *cells(found.axes)])
    data = [
        {"name": report.layers[found.node].name, "input": names[source], **numbers(found.axes)}
        for entry in seen
        for source, found in entry.items()
    ]
    notes = [_("counted from 0 in elements of the input; the centre is that of unit 0")]
    gone = (_("kind"), _("output"), _("centre"), _("RF start"), _("jump"))
    section = Section("layers", grid._replace(rows=rows), data, notes=notes, dispensable=gone)
    facts = {"name": report.name, "inputs": {name: list(shape) for name, shape in report.inputs.items()}}
    return Page(title(report), [section], facts)


def cells(axes: Sequence[AxisSeen]) -> list[str]:
    """Size, jump, start and centre as texts."""
    return [merged([text(axis[i]) for axis in axes]) for i in range(4)]


def merged(values: Sequence[str]) -> str:
    """The values of all axes: one where they are equal, else as `5x3`."""
    if not values:
        return "-"
    return values[0] if len(set(values)) == 1 else " x ".join(values)


def text(value: Any) -> str:
    """`?` for what is not known, a half as .5, other fractions as they are."""
    if value is None:
        return "?"
    if isinstance(value, Fraction) and value.denominator == 2:
        return f"{float(value):.1f}" if abs(value) < 2**50 else str(value)
    return str(value)


def numbers(axes: Sequence[AxisSeen]) -> dict[str, Any]:
    """The same for JSON and CSV."""
    columns = list(zip(*axes, strict=True)) or [()] * 4
    names = ("receptive_field", "jump", "rf_start", "centre")
    return {name: listed(tuple(values)) for name, values in zip(names, columns, strict=True)}
