"""cnncalc rf SPEC: receptive fields, in several views."""

from __future__ import annotations

from typing import Any

import click

from cnncalc.analysis import analyze_graph
from cnncalc.cli.completion import LayerType
from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import Asked, find_layer, spec_options
from cnncalc.cli.output import Output, errors_end_the_run, output_options
from cnncalc.cli.views import view_options, view_page
from cnncalc.errors import CnncalcError
from cnncalc.formats.page import Page, Section
from cnncalc.language import _
from cnncalc.report import Report


@click.command("rf", cls=OwnHelp)
@spec_options
@click.argument("word", required=False, metavar="[LAYER]", type=LayerType())
@click.option(
    "--to",
    "target",
    metavar="LAYER",
    type=LayerType(),
    help=_("What one unit of this layer sees of every layer before it."),
)
@click.option(
    "--from",
    "since",
    metavar="LAYER",
    type=LayerType(),
    help=_("In units of this layer's output instead of the input's."),
)
@click.option("--channels", is_flag=True, help=_("Channel by channel where they differ (with --to: of that layer)."))
@click.option("--alignment", is_flag=True, help=_("Every place where paths meet, not only where centres differ."))
@click.option("--expand", is_flag=True, help=_("A row for every operation: activations, dropout, flatten too."))
@output_options()
@view_options
def command(
    asked: Asked,
    word: str | None,
    target: str | None,
    since: str | None,
    channels: bool,
    alignment: bool,
    expand: bool,
    out: Output,
    **followed: Any,
) -> None:
    """Receptive fields: which part of the input the units of every layer see.

    `cnncalc rf alexnet --to pool5` puts the textbook's column beside it: how many units of every earlier layer
    one unit of pool5 sees. `cnncalc rf alexnet pool5` is the same.
    """
    asked, (word,) = asked.with_words(word)
    if word is not None and target is not None:
        raise click.UsageError(_("Give LAYER or --to LAYER, not both."))
    with errors_end_the_run():
        graph = asked.graph()
        report = analyze_graph(graph)
        target, since = find_layer(graph, word or target), find_layer(graph, since)
        page = view_page(asked, report, followed, out.path, target)
        if page is not None and (target or since or channels or alignment or expand):
            raise click.UsageError(_("Views of units go without --to, --from, --channels, --alignment and --expand."))
        if followed["svg"] and target is not None:
            from cnncalc.cli.field_drawings import draw_pyramid

            draw_pyramid(report, target, followed)
        if page is None and channels:
            page = page_of(report, [channels_of(report, target)])
        elif page is None:
            page = page_of(report, layers_of(report, target, since, alignment, expand))
        out.write(page)


def page_of(report: Report, sections: list[Section]) -> Page:
    """Sections under the network's name."""
    from cnncalc.pages.view import title

    facts = {"name": report.name, "inputs": {name: list(shape) for name, shape in report.inputs.items()}}
    return Page(title(report), sections, facts)


def layers_of(report: Report, target: str | None, since: str | None, alignment: bool, expand: bool) -> list[Section]:
    """Layer by layer, those whose units differ, and where paths meet."""
    from cnncalc.analysis.fields.alignment import merges
    from cnncalc.analysis.fields.forward import Pass
    from cnncalc.analysis.fields.table import axes_of, find_seen, find_value, has_gates, window_of
    from cnncalc.pages.fields import Told, alignment_section, layers_section, phases_section

    graph = report.graph
    assert graph is not None
    first = len(graph.inputs)
    # What fields are counted in: pixels of the inputs, or units of one layer in their place.
    origins = dict(enumerate(range(first))) if since is None else {find_value(graph, since): 0}
    found = Pass(graph, origins=origins)
    # Behind a gate every unit sees the whole map: what it sees beside that is told too.
    local = Pass(graph, origins=origins, local=True) if has_gates(graph) else None
    names = [since] if since is not None else list(graph.inputs)
    told = Told(find_seen(found, local), names, list(origins))
    if target is not None:
        from cnncalc.analysis.fields.backward import look_back

        value = find_value(graph, target)
        if value < first:
            raise CnncalcError(_("{name} is an input: it sees nothing before it", name=target))
        if not found.fields[value]:
            raise CnncalcError(_("{name} sees nothing of {origin}", name=target, origin=since))
        back = look_back(graph, value - first)
        told = told._replace(
            target=target,
            windows=[window_of(graph, i) for i in range(len(graph.nodes))],
            back=[None if fields is None else axes_of(fields, graph.shape(v)[1:]) for v, fields in enumerate(back)]
            + [None] * (len(graph.nodes) + first - len(back)),
        )
    sections = [layers_section(report, told, expand=expand)]
    phases = phases_section(report, told, expand=expand)
    if phases is not None:
        sections.append(phases)
    if since is None and target is None:
        sections.append(alignment_section(report, merges(found), show_all=alignment))
    return sections


def channels_of(report: Report, target: str | None) -> Section:
    """The channels of every layer whose channels differ, or of one layer."""
    from cnncalc.analysis.fields.forward import Pass
    from cnncalc.analysis.fields.table import find_value, groups_of
    from cnncalc.pages.fields import channels_section

    graph = report.graph
    assert graph is not None
    found = Pass(graph)
    if target is not None:
        node = find_value(graph, target) - len(graph.inputs)
        if node < 0:
            raise CnncalcError(_("{name} is an input: it sees nothing before it", name=target))
        return channels_section(report, {node: groups_of(found, node)})
    groups = {node: groups_of(found, node) for node in range(len(graph.nodes))}
    return channels_section(report, {n: g for n, g in groups.items() if any(len(runs) > 1 for runs in g.values())})
