"""cnncalc identify SPEC NUMBER"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import click

from cnncalc.analysis import analyze_graph
from cnncalc.cli.common import CONVENTION, SPEC, Asked, Output, errors_end_the_run, lang_option, output_options
from cnncalc.errors import CnncalcError
from cnncalc.language import _
from cnncalc.report import Report, Settings

FLIPPED = {"0": "1", "1": "0", "true": "false", "false": "true"}  # parameters that turn a part on or off


@click.command("identify", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("spec", type=SPEC)
@click.argument("number", nargs=-1, required=True)
@click.option("--set", "params", multiple=True, metavar="NAME=VALUE", help=_("A value for a parameter of the spec."))
@click.option("--input", "inputs", multiple=True, metavar="SHAPE", help=_("Another input shape, or NAME=SHAPE."))
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True, help=_("Samples at once."))
@click.option(
    "--convention", "more", type=CONVENTION, multiple=True, metavar="FILE",
    help=_("One more convention, from a file; may be given again."),
)  # fmt: skip
@output_options()
@lang_option
def command(
    spec: str,
    number: tuple[str, ...],
    params: tuple[str, ...],
    inputs: tuple[str, ...],
    batch: int,
    more: tuple[str, ...],
    out: Output,
) -> None:
    """Whose number is it: which tool, unit or variant of a network gives a total that someone published.

    `cnncalc identify resnet50 4133742592`, `cnncalc identify resnet50 4.1 GFLOPs`. K, M, G and T are powers of 1000, or
    of 1024 where that fits. The variants of a bundled network are tried too, and parameters that turn a part on or off.
    Status 1 if nothing gives the number.
    """
    from cnncalc.conventions import SHIPPED, convention
    from cnncalc.conventions.identifying import identify
    from cnncalc.pages.conventions import identified_page

    text = " ".join(number)
    with errors_end_the_run():
        known = [convention(name) for name in dict.fromkeys((*SHIPPED, *more))]
        networks = variants(spec, params, inputs, batch)
        matches, near = identify(text, networks, known)
        out.write(identified_page(text, matches, near))
    if not matches:
        sys.exit(1)


def variants(spec: str, params: tuple[str, ...], inputs: tuple[str, ...], batch: int) -> Iterator[tuple[str, Report]]:
    """The network as asked for; of a bundled one its variants; and each switch among its parameters turned."""
    from cnncalc import networks

    settings = Settings(batch=batch)
    name = " ".join([spec, *(f"--set {pair}" for pair in params), *(f"--input {shape}" for shape in inputs)])
    graph = Asked(spec, None, params, inputs).graph()
    yield name, analyze_graph(graph, settings)
    if spec == "-":  # read once
        return
    if not params and not inputs and not os.path.lexists(spec):
        for other in networks.siblings(spec):
            yield other, analyze_graph(Asked(other).graph(), settings)
    given = {pair.partition("=")[0].strip() for pair in params}
    for parameter, value in graph.params.items():
        flipped = FLIPPED.get(str(value))
        if flipped is not None and parameter not in given:
            pair = f"{parameter}={flipped}"
            try:
                turned = Asked(spec, None, (*params, pair), inputs).graph()
            except CnncalcError:  # a number that happens to be 0 or 1, and cannot be the other
                continue
            yield f"{name} --set {pair}", analyze_graph(turned, settings)
