"""Views of `cnncalc rf` that follow single units: their options, and the page that each of them makes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from cnncalc.cli.common import write
from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.render.page import Page
from cnncalc.render.view import title
from cnncalc.report import Report, listed

F = TypeVar("F", bound=Callable[..., Any])
VIEWS = ("effective", "all_units", "unit")


def view_options(function: F) -> F:
    """The options of these views."""
    for decorate in reversed(
        [
            click.option("--unit", metavar="LAYER[3,4]", help=_("The pixels that one unit sees, counted from 0.")),
            click.option("--all-units", is_flag=True, help=_("What every unit sees, of all layers or --unit LAYER.")),
            click.option("--exact", is_flag=True, help=_("Index by index, with --unit or --all-units.")),
            click.option("--svg", metavar="FILE", help=_("A drawing of what --unit sees.")),
            click.option(
                "--effective", is_flag=True, help=_("How much pixels count: sigma, mass and profile (Luo 2016).")
            ),
            click.option("--local", is_flag=True, help=_("Without what gates and norms bring from the whole image.")),
        ]
    ):
        function = decorate(function)
    return function


def view_page(report: Report, wanted: Mapping[str, Any], output: str | None) -> Page | None:
    """The page of the view that is asked for; None if none of these is. Raises CnncalcError, UsageError."""
    check_combination(wanted)
    if not any(wanted[name] for name in VIEWS):
        return None
    graph = report.graph
    assert graph is not None
    view = next(name for name in VIEWS if wanted[name])
    if view == "effective":
        return effective(graph, report, wanted, output)
    if view == "all_units":
        return all_units(graph, report, wanted)
    return unit(graph, report, wanted, output)


def check_combination(wanted: Mapping[str, Any]) -> None:
    """Options that need another one. Raises UsageError."""
    if wanted["svg"] and (not wanted["unit"] or wanted["all_units"]):
        raise click.UsageError(_("--svg draws what one unit sees: name it with --unit LAYER[3,4]."))
    if wanted["exact"] and not (wanted["unit"] or wanted["effective"]):
        raise click.UsageError(_("--exact needs --unit LAYER[3,4], or --all-units with --unit LAYER."))
    if wanted["local"] and not any(wanted[name] for name in VIEWS):
        raise click.UsageError(_("--local goes with --unit and --all-units."))


def facts_of(report: Report) -> dict[str, Any]:
    return {"name": report.name, "inputs": {name: listed(shape) for name, shape in report.inputs.items()}}


def unit(graph: Graph, report: Report, wanted: Mapping[str, Any], output: str | None) -> Page:
    """--unit"""
    from cnncalc.fields.units import parsed, unit_field
    from cnncalc.render.picture import BLOCKS, marks_for, svg
    from cnncalc.render.units import unit_page, unit_title

    field = unit_field(graph, *parsed(wanted["unit"]), local=wanted["local"])
    if wanted["svg"]:
        write(svg(field, unit_title(field, title(report))), wanted["svg"])
    marks = BLOCKS if to_file(output) else marks_for(getattr(sys.stdout, "encoding", None))
    return unit_page(field, title(report), facts_of(report), exact=wanted["exact"], width=drawn_width(), marks=marks)


def all_units(graph: Graph, report: Report, wanted: Mapping[str, Any]) -> Page:
    """--all-units"""
    from cnncalc.fields.units import layer_units, parsed
    from cnncalc.render.units import all_units_page

    layers = None
    if wanted["unit"]:
        name, place = parsed(wanted["unit"])
        if place is not None:
            raise CnncalcError(_("--all-units shows every unit of {name}: leave out the place of one", name=name))
        layers = [name]
    found = layer_units(graph, layers, exact=wanted["exact"], local=wanted["local"])
    hidden: set[str] = set() if layers else inside(report)
    return all_units_page(found, title(report), facts_of(report), hidden, exact=wanted["exact"])


def effective(graph: Graph, report: Report, wanted: Mapping[str, Any], output: str | None) -> Page:
    """--effective"""
    from cnncalc.analysis.field_table import value_named
    from cnncalc.fields.effective import profiles_of, spreads
    from cnncalc.fields.units import parsed
    from cnncalc.render.effective import ASCII_BARS, BARS, effective_page
    from cnncalc.render.picture import ASCII, marks_for

    found = spreads(graph)
    if wanted["unit"]:
        target = parsed(wanted["unit"])[0]
    else:  # the last layer whose units have a field of their own
        known = [
            entry.layer for entry in found if any(entry.axes) and max(report[entry.layer].output[1:], default=1) > 1
        ]
        target = known[-1] if known else graph.nodes[-1].name
    value = value_named(graph, target)
    profiles = {
        name: [profiles_of(graph, value, source, axis) for axis in range(len(shape) - 1)]
        for source, (name, shape) in enumerate(graph.inputs.items())
        if len(shape) > 1
    }
    blocks = to_file(output) or marks_for(getattr(sys.stdout, "encoding", None)) != ASCII
    return effective_page(
        found, profiles, target, title(report), facts_of(report), inside(report),
        exact=wanted["exact"], width=drawn_width(), bars=BARS if blocks else ASCII_BARS,
    )  # fmt: skip


def inside(report: Report) -> set[str]:
    """Layers that are shown in the row of another."""
    return {row.name for row in report.layers if row.shown_with is not None}


def to_file(output: str | None) -> bool:
    return output not in (None, "-")


def drawn_width() -> int:
    """Columns of a picture: those of the terminal, or fewer."""
    return min(shutil.get_terminal_size().columns, 100)
