"""Views of `cnncalc rf` that follow single units: their options, and the page that each of them makes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import click

from cnncalc.cli.options import Asked, find_layer
from cnncalc.errors import CnncalcError
from cnncalc.formats.page import Page
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.layers.base import Shape, shape_text
from cnncalc.pages.view import title
from cnncalc.report import Report, as_json

F = TypeVar("F", bound=Callable[..., Any])
ALONE = ("coverage", "effective", "halo", "all_units")  # views of which one can be asked for


class View(NamedTuple):
    """What is to be shown: the network and how it was asked for, the options, and where the page goes."""

    asked: Asked
    graph: Graph
    report: Report
    options: Mapping[str, Any]
    output: str | None

    @property
    def facts(self) -> dict[str, Any]:
        """What JSON says of the network."""
        return {"name": self.report.name, "inputs": {name: as_json(s) for name, s in self.report.inputs.items()}}

    @property
    def inside(self) -> set[str]:
        """Layers that are shown in the row of another."""
        return {row.name for row in self.report.layers if row.shown_with is not None}

    @property
    def layer(self) -> str:
        """The layer that --unit names; else the last map whose units see less than the whole image."""
        if self.options["unit"]:
            return self.unit[0]
        rows = [row for row in self.report.layers if row.shown_with is None]
        # Behind a global pool or a flatten every unit sees all: the last layer that tells something is before.
        maps = [row.name for row in rows if max(row.output[1:], default=1) > 1 and row.jump and None not in row.jump]
        return maps[-1] if maps else rows[-1].name

    @property
    def unit(self) -> tuple[str, tuple[int, ...] | None]:
        """The layer that --unit means and the place of one of its units, None for the one in the middle."""
        from cnncalc.analysis.fields.sets.units import parse_unit

        word, place = parse_unit(self.options["unit"])
        return find_layer(self.graph, word) or word, place

    @property
    def blocks(self) -> bool:
        """Whether block characters can be written where the page goes."""
        from cnncalc.pages.picture import ASCII, marks_for

        # Files are UTF-8, whatever the terminal can show.
        to_file = self.output not in (None, "-")
        return to_file or marks_for(getattr(sys.stdout, "encoding", None)) != ASCII

    @property
    def width(self) -> int:
        """Columns of a picture: those of the terminal, or fewer."""
        return min(shutil.get_terminal_size().columns, 100)


def view_options(function: F) -> F:
    """The options of these views."""
    # Decorators work from the inside: help has the options in the order of these rows.
    for name, metavar, text in reversed(
        [
            ("--unit", "LAYER[3,4]", _("The pixels that one unit sees, counted from 0.")),
            ("--all-units", None, _("What every unit sees, of all layers or --unit LAYER.")),
            ("--exact", None, _("Index by index, with --unit or --all-units; fractions, with --effective.")),
            ("--svg", "FILE", _("A drawing of it: with --to, --unit or --effective; its ending chooses the format.")),
            ("--image", "FILE", _("A picture behind that drawing.")),
            ("--coverage", None, _("What no output depends on, and who sees all of the image.")),
            ("--effective", None, _("How much pixels count: sigma, mass, profile (Luo et al. 2016).")),
            ("--halo", None, _("How far tiles have to overlap to give the outputs of the whole image.")),
            ("--local", None, _("Without what gates and norms bring from the whole image, with --unit.")),
        ]
    ):
        function = click.option(name, metavar=metavar, is_flag=metavar is None, help=text)(function)
    return function


def view_page(
    asked: Asked, report: Report, options: Mapping[str, Any], output: str | None, to: str | None = None
) -> Page | None:
    """The page of the view that is asked for; None if none of these is. Raises CnncalcError, UsageError.

    to  the layer that is asked for in another way, of which a drawing can be made too
    """
    # --unit alone is a view too; beside another it says which layer that is of.
    views = [name for name in ALONE if options[name]]
    check_combination(views, options, to)
    if not views and not options["unit"]:
        return None
    assert report.graph is not None
    make: dict[str, Callable[[View], Page]] = {
        "coverage": show_coverage,
        "effective": show_effective,
        "halo": show_tiles,
        "all_units": show_all_units,
        "unit": show_unit,
    }
    return make[views[0] if views else "unit"](View(asked, report.graph, report, options, output))


def check_combination(views: list[str], options: Mapping[str, Any], to: str | None = None) -> None:
    """Options that exclude each other, or need another one. Raises UsageError."""
    if len(views) > 1:
        names = " ".join(f"--{name.replace('_', '-')}" for name in views)
        raise click.UsageError(_("One view at a time: {names}.", names=names))
    drawable = options["unit"] or to or views == ["effective"]
    if options["svg"] and (views not in ([], ["effective"]) or not drawable):
        raise click.UsageError(
            _("--svg draws what one unit sees: name it with --unit LAYER[3,4], or use --to LAYER or --effective.")
        )
    if options["image"] and not options["svg"]:
        raise click.UsageError(_("--image lies behind a drawing: name that with --svg FILE."))
    if options["exact"] and not options["unit"] and views != ["effective"]:
        raise click.UsageError(_("--exact needs --unit LAYER[3,4], or --all-units with --unit LAYER."))
    if options["local"] and (not options["unit"] or views not in ([], ["all_units"])):
        raise click.UsageError(_("--local goes with --unit."))


def show_unit(view: View) -> Page:
    """--unit"""
    from cnncalc.analysis.fields.sets.units import unit_field
    from cnncalc.pages.picture import ASCII, BLOCKS
    from cnncalc.pages.units import unit_page, unit_title

    options, of = view.options, title(view.report)
    field = unit_field(view.graph, *view.unit, local=options["local"])
    if options["svg"]:
        from cnncalc.cli.field_drawings import draw_unit

        draw_unit(field, unit_title(field, of), options)
    marks = BLOCKS if view.blocks else ASCII
    return unit_page(field, of, view.facts, exact=options["exact"], width=view.width, marks=marks)


def show_all_units(view: View) -> Page:
    """--all-units"""
    from cnncalc.analysis.fields.sets.units import layer_units
    from cnncalc.pages.units import all_units_page

    options, layers, inside = view.options, None, view.inside
    if options["unit"]:
        name, place = view.unit
        if place is not None:
            raise CnncalcError(_("--all-units shows every unit of {name}: leave out the place of one", name=name))
        # Asked for by name, a layer is shown even where it has no row of its own.
        layers, inside = [name], set()
    found = layer_units(view.graph, layers, exact=options["exact"], local=options["local"])
    return all_units_page(found, title(view.report), view.facts, inside, exact=options["exact"])


def show_coverage(view: View) -> Page:
    """--coverage"""
    from cnncalc.analysis.fields.sets.coverage import coverage
    from cnncalc.pages.coverage import coverage_page

    return coverage_page(coverage(view.graph), title(view.report), view.facts, view.inside)


def show_tiles(view: View) -> Page:
    """--halo"""
    from cnncalc.analysis.fields.tiles import halos
    from cnncalc.pages.halo import halo_page

    # From the spec anew: what depends on the size of the input, as a global pool, must be worked out again.
    def resize(inputs: Mapping[str, Shape]) -> Graph:
        shapes = tuple(f"{name}={shape_text(shape)}" for name, shape in inputs.items())
        return view.asked.replace(view.asked.params, shapes).graph()

    return halo_page(halos(view.graph, view.layer, resize), title(view.report), view.facts)


def show_effective(view: View) -> Page:
    """--effective"""
    from cnncalc.analysis.fields.effective.moments import axes_alike, find_spreads
    from cnncalc.analysis.fields.effective.profile import Profile, profiles_of
    from cnncalc.analysis.fields.table import find_value
    from cnncalc.pages.effective import ASCII_BARS, BARS, effective_page

    graph, target = view.graph, view.layer
    value = find_value(graph, target)
    profiles: dict[str, list[list[Profile | None] | None]] = {}
    for source, (name, shape) in enumerate(graph.inputs.items()):
        for axis in range(len(shape) - 1):
            along = profiles.setdefault(name, [])
            # Square maps: what counts along one axis counts along the next.
            again = axis and axes_alike(graph, axis - 1, axis)
            along.append(along[-1] if again else profiles_of(graph, value, source, axis))
    if view.options["svg"]:
        from cnncalc.cli.field_drawings import draw_effective

        draw_effective(view.report, target, value, profiles, view.options)
    return effective_page(
        find_spreads(graph), profiles, target, title(view.report), view.facts, view.inside,
        exact=view.options["exact"], width=view.width, bars=BARS if view.blocks else ASCII_BARS,
    )  # fmt: skip
