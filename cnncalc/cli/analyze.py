"""cnncalc analyze SPEC, which is cnncalc SPEC."""

from __future__ import annotations

import sys

import click

from cnncalc.analysis import analyze_graph
from cnncalc.cli.common import (
    Asked,
    convention_option,
    counted,
    errors_end_the_run,
    format_for,
    spec_options,
    write,
)
from cnncalc.formats import FORMATS, render
from cnncalc.language import _
from cnncalc.pages.view import COLUMNS, View, read_columns
from cnncalc.report import BYTES, Settings


@click.command("analyze", context_settings={"help_option_names": ["-h", "--help"]})
@spec_options
@click.option("--format", "format_", type=click.Choice(FORMATS), help=_("[default: table on a terminal, else plain]"))
@click.option("-o", "--output", metavar="FILE", help=_("Write to a file; its ending chooses the format."))
@click.option("--columns", metavar="NAMES", help=_("Columns and their order, of: {names}.", names=", ".join(COLUMNS)))
@click.option("--expand", is_flag=True, help=_("A row for every operation: activations, dropout, flatten too."))
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help=_("Fold blocks below N levels of names."))
@click.option(
    "--dtype", type=click.Choice(list(BYTES)), default="float32", show_default=True, help=_("Bytes per value.")
)
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True, help=_("Samples at once."))
@convention_option
@click.option("--exact-padding", is_flag=True, help=_("Count only taps that land on real input, not on padding."))
def command(
    asked: Asked,
    format_: str | None,
    output: str | None,
    columns: str | None,
    expand: bool,
    depth: int | None,
    dtype: str,
    batch: int,
    convention: str | None,
    exact_padding: bool,
) -> None:
    """Shapes, parameters, connections, MACs, receptive fields and memory of a network.

    SPEC is a file, - for standard input, or a bundled network (see `cnncalc networks`).
    """
    with errors_end_the_run():
        view = View(None if columns is None else read_columns(columns), expand, depth)
        graph = asked.graph()
        report = counted(analyze_graph(graph, Settings(dtype, batch, exact_padding)), convention)
        on_terminal = output is None and sys.stdout is not None and sys.stdout.isatty()
        if format_ is None:
            format_ = "table" if on_terminal else format_for(output or "", FORMATS)
        if format_ == "table":
            from cnncalc.formats.table import render as draw

            text = draw(report, view, colour=on_terminal)
        else:
            text = render(report, format_, view)
    write(text, output)
    if report.as_written and not all(verdict.holds for verdict in report.expectations):
        sys.exit(1)
