"""cnncalc analyze SPEC, which is cnncalc SPEC."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from cnncalc.analysis import analyze_graph
from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import Asked, convention_option, count_again, exact_padding_option, size_options, spec_options
from cnncalc.cli.output import Output, errors_end_the_run, output_options
from cnncalc.errors import SpecError
from cnncalc.language import _
from cnncalc.pages.network import network_page, rows_page
from cnncalc.pages.view import COLUMNS, View, read_columns
from cnncalc.report import Settings

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class ColumnsType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """Names of columns with commas between them; the last one is completed."""

    name = "columns"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        before, comma, last = incomplete.rpartition(",")
        return [CompletionItem(before + comma + name) for name in COLUMNS if name.startswith(last)]


COLUMNS_TYPE = ColumnsType()


class OneNetwork(OwnHelp):
    """The command for a first word that is no command: of more words it says what they may have been meant for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True
        rest = super().parse_args(ctx, args)
        if ctx.args and not ctx.resilient_parsing:
            raise click.UsageError(say_more_words(ctx.params.get("spec") or "-e", ctx.args[0]), ctx)
        return rest


def say_more_words(spec: str, more: str) -> str:
    """What is wrong with words behind the one network: `params lenet5`, `lenet5 C3`, `lenet5 alexnet`."""
    if not names_a_network(spec):
        return _("'{word}' is neither a command nor a spec: `cnncalc --help` lists the commands", word=spec)
    if names_a_network(more):
        return _("one network at a time: `cnncalc compare {first} {second}` has several", first=spec, second=more)
    return _("'{word}' is one word too many: `cnncalc explain {spec} {word}` is about a layer", word=more, spec=spec)


def names_a_network(word: str) -> bool:
    """Whether a word is a bundled network, a file that is there, or one that could be."""
    from cnncalc.shipped import find

    return (
        word.startswith("-") or any(mark in word for mark in "./\\") or os.path.lexists(word) or find(word) is not None
    )


@click.command("analyze", cls=OneNetwork)
@spec_options
@output_options()
@click.option(
    "--columns",
    type=COLUMNS_TYPE,
    metavar="NAMES",
    help=_("Columns and their order, of: {names}.", names=", ".join(COLUMNS)),
)
@click.option("--sort", type=COLUMNS_TYPE, metavar="NAME", help=_("Order the rows by a column, the largest first."))
@click.option(
    "--top", type=click.IntRange(min=1), metavar="N", help=_("The first N rows only; by MACs without --sort.")
)
@click.option("--expand", is_flag=True, help=_("A row for every operation: activations, dropout, flatten too."))
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help=_("Fold blocks below N levels of names."))
@size_options
@convention_option
@exact_padding_option
def command(
    asked: Asked,
    out: Output,
    columns: str | None,
    sort: str | None,
    top: int | None,
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
        # The first N of anything are the largest by something.
        sort = sort or (None if top is None else "macs")
        by = None if sort is None else read_columns(sort)[0]
        view = View(None if columns is None else read_columns(columns), expand, depth, by, top)
        settings = Settings(dtype, batch, exact_padding)
        try:
            graph = asked.graph()
        except SpecError as error:
            # Whoever reads the rows sees where sizes went wrong; a program gets all or nothing.
            if error.partial is not None and out.path is None and out.format in ("table", "plain"):
                out.write(rows_page(count_again(analyze_graph(error.partial, settings), convention), view))
            raise
        report = count_again(analyze_graph(graph, settings), convention)
        out.write(network_page(report, view))
    # With another input or parameter the numbers are expected to be others.
    if report.as_written and not all(verdict.holds for verdict in report.expectations):
        sys.exit(1)
