"""cnncalc rf SPEC: receptive fields."""

from __future__ import annotations

import shutil
from typing import Any

import click

from cnncalc.analysis import analyze_graph
from cnncalc.cli.common import errors_end_the_run, format_for, load_spec, spec_options, write
from cnncalc.cli.totals import terminal_width
from cnncalc.cli.views import view_options, view_page
from cnncalc.language import _
from cnncalc.render.page import FORMATS, Page, render
from cnncalc.report import Report


@click.command("rf", context_settings={"help_option_names": ["-h", "--help"]})
@spec_options
@click.option("--expand", is_flag=True, help=_("A row for every operation: activations, dropout, flatten too."))
@click.option("--format", "format_", type=click.Choice(FORMATS), help=_("[default: table on a terminal, else plain]"))
@view_options
@click.option("-o", "--output", metavar="FILE", help=_("Write to a file; its ending chooses the format."))
def command(
    spec: str | None,
    expression: str | None,
    params: tuple[str, ...],
    inputs: tuple[str, ...],
    max_operations: int,
    expand: bool,
    format_: str | None,
    output: str | None,
    **views: Any,
) -> None:
    """Receptive fields: which part of the input the units of every layer see."""
    with errors_end_the_run():
        report = analyze_graph(load_spec(spec, expression, params, inputs, max_operations))
        on_terminal = output is None and terminal_width() is not None
        if format_ is None:
            format_ = "table" if on_terminal else format_for(output or "", FORMATS)
        page = view_page(report, views, output) or layers_page(report, expand)
        text = render(page, format_, shutil.get_terminal_size().columns if format_ == "table" else None)
    write(text, output)


def layers_page(report: Report, expand: bool) -> Page:
    from cnncalc.analysis.field_table import seen_by_layer
    from cnncalc.render.fields import fields_page

    assert report.graph is not None
    return fields_page(report, seen_by_layer(report.graph), expand=expand)
