"""cnncalc compare SPEC SPEC ..."""

from __future__ import annotations

from collections.abc import Mapping

import click

from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import SPEC, Reading, each_asked, inputs_option, lang_option, read_overrides, reading_options
from cnncalc.cli.output import Output, errors_end_the_run, fail, output_options
from cnncalc.errors import suggest
from cnncalc.language import _
from cnncalc.pages.totals import comparison_page
from cnncalc.report import Report


@click.command("compare", cls=OwnHelp)
@click.argument("specs", type=SPEC, nargs=-1, required=True)
@click.option("--set", "params", multiple=True, metavar="NAME=VALUE", help=_("For every network with this parameter."))
@inputs_option
@reading_options
@output_options()
@lang_option
def command(
    specs: tuple[str, ...], params: tuple[str, ...], inputs: tuple[str, ...], reading: Reading, out: Output
) -> None:
    """Totals of several networks side by side: `cnncalc compare lenet5 alexnet resnet50`.

    Each SPEC is a file or a bundled network; `SPEC:NAME=VALUE,...` sets parameters of this one alone,
    as in `cnncalc compare mobilenet-v1 mobilenet-v1:width=8`, and `SPEC@SHAPE` the shape of its input.
    """
    with errors_end_the_run():
        out.write(comparison_page(report_all(specs, read_overrides(params, "--set"), inputs, reading)))


def report_all(
    specs: tuple[str, ...], given: Mapping[str, str], inputs: tuple[str, ...], reading: Reading
) -> list[tuple[str, Report]]:
    """Every network's report. A parameter goes to those that have it, and must belong to one at least."""
    from cnncalc.analysis import analyze_graph
    from cnncalc.sources import load_graph, read_source, reader_of, split_shapes, with_shapes
    from cnncalc.spec import parameters_of

    networks = []
    known: dict[str, None] = {}
    for spec in specs:
        [full] = each_asked([spec], inputs)
        word, shapes = split_shapes(full)
        name, own = own_parameters(word)
        names = () if reader_of(name) else parameters_of(read_source(name))
        known.update(dict.fromkeys(names))
        values = {**{key: given[key] for key in given if key in names}, **own}
        networks.append((spec, with_shapes(name, shapes), values))
    # A parameter need not be one of all networks, but of one at least.
    unknown = [name for name in given if name not in known]
    if unknown:
        hint = suggest(unknown[0], known) or (
            _("their parameters: {names}", names=", ".join(known)) if known else _("they have none")
        )
        problem = _("none of these networks has a parameter '{name}'", name=unknown[0][:40])
        fail(problem + "\n" + _("  hint: {hint}", hint=hint))
    return [(spec, analyze_graph(load_graph(name, params=values, **reading))) for spec, name, values in networks]


def own_parameters(spec: str) -> tuple[str, dict[str, str]]:
    """`SPEC:NAME=VALUE,NAME=VALUE` taken apart; commas inside brackets belong to a value."""
    import re

    match = re.fullmatch(r"(.+?):([A-Za-z_]\w*=.*)", spec, re.DOTALL)
    if match is None:
        return spec, {}
    # `depth=[2,2],width=8`: only a comma before another NAME= parts the two.
    return match[1], read_overrides(re.split(r",(?=[A-Za-z_]\w*=)", match[2]), spec)
