"""cnncalc explain SPEC [LAYER] [QUANTITY]"""

from __future__ import annotations

import click

from cnncalc.cli.common import Asked, errors_end_the_run, spec_options, write
from cnncalc.cli.totals import terminal_width
from cnncalc.language import _

FORMATS = ("text", "markdown", "latex", "html")


@click.command("explain", context_settings={"help_option_names": ["-h", "--help"]})
@spec_options
@click.argument("layer", required=False)
@click.argument("quantity", required=False)
@click.option("--from", "since", metavar="NAME", help=_("A receptive field in units of this earlier layer or input."))
@click.option("--symbolic", is_flag=True, help=_("The closed form, with the letters of --free left as letters."))
@click.option("--free", metavar="LETTERS", help=_("Letters for --symbolic, separated by commas.  [default: n,c,f]"))
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("-o", "--output", metavar="FILE", help=_("Write to a file."))
def command(
    asked: Asked,
    layer: str | None,
    quantity: str | None,
    since: str | None,
    symbolic: bool,
    free: str | None,
    format_: str,
    output: str | None,
) -> None:
    """How every number comes about: formula, substitution, result, and the rule behind it.

    The whole network, or one LAYER, or one QUANTITY of it: `cnncalc explain lenet5 C3 connections`.
    `total` in place of a layer stands for the sums: `cnncalc explain lenet5 total connections`.
    """
    asked, (layer, quantity) = asked.with_words(layer, quantity)
    with errors_end_the_run():
        graph = asked.graph()
        from cnncalc.analysis import analyze_graph
        from cnncalc.derivations import explain, walk
        from cnncalc.derivations.board import WIDEST, render

        report = analyze_graph(graph)
        letters = tuple(part.strip() for part in (free or "n,c,f").split(",")) if symbolic or free else ()
        if layer is None and letters:
            raise click.UsageError(_("--symbolic needs a LAYER."))
        found = walk(report) if layer is None else explain(report, layer, quantity, since=since, free=letters)
        width = terminal_width() if output is None else None
        text = render(found, format_, report.name or asked.spec or "", width or WIDEST)
    write(text, output)
