"""Drawings of receptive fields that `cnncalc rf --svg FILE` makes, perhaps over the picture that --image names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnncalc.analysis.fields.effective.profile import Profile
from cnncalc.analysis.fields.forward import Pass
from cnncalc.analysis.fields.sets.units import UnitField
from cnncalc.cli.output import write
from cnncalc.language import _
from cnncalc.pages.drawing import render_scene
from cnncalc.pages.drawing.fields.heat import Along, heat_scene
from cnncalc.pages.drawing.fields.image import Picture, read_picture
from cnncalc.pages.drawing.fields.pyramid import pyramid_scene
from cnncalc.pages.drawing.fields.units import unit_scene
from cnncalc.pages.drawing.scene import Scene
from cnncalc.pages.drawing.windows import find_ends
from cnncalc.report import Report, title

Options = Mapping[str, Any]
Profiles = Mapping[str, Sequence[Sequence[Profile | None] | None]]  # by input: for each axis those of its phases


def read_behind(options: Options) -> Picture | None:
    """The picture that --image names."""
    return read_picture(options["image"]) if options["image"] else None


def draw(scene: Scene, path: str) -> None:
    """A scene into a file, in the format of its ending; as SVG where that says none."""
    write(render_scene(scene, path), path)


def draw_unit(field: UnitField, heading: str, options: Options) -> None:
    """--unit: the pixels that one unit sees."""
    draw(unit_scene(field, heading, read_behind(options)), options["svg"])


def draw_pyramid(report: Report, target: str, options: Options) -> None:
    """--to: what the unit in the middle of a layer sees of every layer before it."""
    heading = _("fields back from {layer}: {network}", layer=target, network=title(report))
    draw(pyramid_scene(report, target, heading, read_behind(options)), options["svg"])


def draw_effective(report: Report, target: str, value: int, profiles: Profiles, options: Options) -> None:
    """--effective: how much each pixel counts for the unit in the middle of a layer, on the first input it sees."""
    graph = report.graph
    assert graph is not None
    fields = Pass(graph, last=value, local=True).fields[value]
    # A drawing has one image: the first of those that it sees.
    source = min(fields, default=0)
    name, shape = list(graph.inputs.items())[source]
    axes: list[Along | None] = []
    for n, units, field, phases in zip(
        shape[1:], graph.shape(value)[1:], fields.get(source, ()), profiles.get(name, ()), strict=False
    ):
        # Units differ by phase: that of the unit in the middle is the one to draw.
        profile = phases[units // 2 % len(phases)] if phases else None
        start = find_ends(field, units // 2, n)[0]
        axes.append(None if profile is None or start is None else Along(n, start, profile))
    heading = _("effective field of {layer}: {network}", layer=target, network=title(report))
    draw(heat_scene(name, axes, heading, read_behind(options)), options["svg"])
