"""cnncalc explain SPEC [LAYER] [QUANTITY]"""

from __future__ import annotations

import click

from cnncalc.cli.completion import LayerType, QuantityType
from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import Asked, find_layer, spec_options
from cnncalc.cli.output import Output, errors_end_the_run, output_options
from cnncalc.language import _
from cnncalc.quantities import quantity_called


@click.command("explain", cls=OwnHelp)
@spec_options
@click.argument("layer", required=False, type=LayerType("total"))
@click.argument("quantity", required=False, type=QuantityType())
@click.option(
    "--from",
    "since",
    metavar="NAME",
    type=LayerType(),
    help=_("A receptive field in units of this earlier layer or input."),
)
@click.option("--symbolic", is_flag=True, help=_("The closed form, with the letters of --free left as letters."))
@click.option("--free", metavar="LETTERS", help=_("Letters for --symbolic, separated by commas.  [default: n,c,f]"))
@click.option(
    "--inverse", metavar="OPTION", type=click.Choice(["padding", "kernel", "stride", "size"]),
    help=_("The size formula solved for padding, kernel, stride, or the size that enters."),
)  # fmt: skip
@output_options()
def command(
    asked: Asked,
    layer: str | None,
    quantity: str | None,
    since: str | None,
    symbolic: bool,
    free: str | None,
    inverse: str | None,
    out: Output,
) -> None:
    """How every number comes about: formula, substitution, result, and the rule behind it.

    The whole network, or one LAYER, or one QUANTITY of it: `cnncalc explain lenet5 C3 connections`.
    `total` in place of a layer stands for the sums: `cnncalc explain lenet5 total connections`.
    `cnncalc explain lenet5 C1 --inverse padding` solves for what gives the size of its output.
    """
    asked, (layer, quantity) = asked.with_words(layer, quantity)
    with errors_end_the_run():
        graph = asked.graph()
        # Behind the graph: a spec that cannot be used needs no derivations.
        from cnncalc.analysis import analyze_graph
        from cnncalc.analysis.derivations import PEAK, QUANTITIES, explain, walk
        from cnncalc.analysis.derivations.board import board
        from cnncalc.report import name_of

        report = analyze_graph(graph)
        # A layer may be called `macs`: then it is meant.
        alone = quantity_called(layer) if layer is not None and quantity is None and layer not in report else ""
        if alone in (*QUANTITIES, PEAK):
            layer, quantity = "total", alone  # a quantity alone is that of the whole network
        if layer is not None and quantity is None and layer not in report and not alone:
            layer, quantity = split_question(layer)
        layer, since = find_layer(graph, layer), find_layer(graph, since)
        letters = tuple(part.strip() for part in (free or "n,c,f").split(",")) if symbolic or free else ()
        if layer is None and letters:
            raise click.UsageError(_("--symbolic needs a LAYER."))
        if inverse is not None:
            if layer is None or quantity is not None or letters or since:
                raise click.UsageError(_("--inverse needs a LAYER, and nothing besides."))
            from cnncalc.analysis.derivations.inverse import invert

            found = invert(report, layer, inverse)
        else:
            found = walk(report) if layer is None else explain(report, layer, quantity, since=since, free=letters)
        out.write(board(found, name_of(report) or asked.spec or ""))


def split_question(word: str) -> tuple[str, str | None]:
    """(layer, quantity) of `C3.connections`, as answers are written; another word is a layer."""
    layer, _dot, quantity = word.rpartition(".")
    named = quantity_called(quantity)
    return (layer, named) if layer and named else (word, None)
