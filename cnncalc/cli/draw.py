"""cnncalc draw SPEC: a picture of the network."""

from __future__ import annotations

import sys

import click

from cnncalc.analysis import analyze_graph
from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import Asked, size_options, spec_options
from cnncalc.cli.output import errors_end_the_run, say_written, terminal_width, write
from cnncalc.errors import CnncalcError
from cnncalc.language import _
from cnncalc.pages.drawing import DEFAULT, STYLES, Drawing, Wish, check_wish, format_of
from cnncalc.pages.drawing.words import find_quantity
from cnncalc.report import Report, Settings

MOST_DRAWN = 100_000  # operations, unless more are allowed: folded and drawn in seconds


@click.command("draw", cls=OwnHelp)
@spec_options
@click.option("-o", "--output", metavar="FILE", help=_("Write to a file; its ending chooses the format."))
@click.option(
    "--style",
    type=click.Choice(list(STYLES)),
    help=_("What is drawn.  [default: {style}]", style=DEFAULT),
)
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help=_("Fold blocks below N levels of names."))
@click.option("--color", metavar="NAME", default="", help=_("The quantity that heats the nodes of a graph, or none."))
@click.option("--quantity", "quantities", metavar="NAMES", help=_("What costs shows: params,macs and others."))
@click.option("--sort", metavar="NAME", default="", help=_("Order the bars by a quantity, the largest first."))
@click.option("--top", type=click.IntRange(min=1), metavar="N", help=_("The first N bars only."))
@click.option("--standalone", is_flag=True, help=_("TikZ as a document that compiles by itself."))
@click.option("--log", is_flag=True, help=_("Sizes by their logarithms."))
@size_options
def command(
    asked: Asked,
    output: str | None,
    style: str | None,
    depth: int | None,
    color: str,
    quantities: str | None,
    sort: str,
    top: int | None,
    standalone: bool,
    log: bool,
    dtype: str,
    batch: int,
) -> None:
    """A picture of a network, to scale and from its numbers.

    `cnncalc draw lenet5 --style maps -o lenet5.svg`. SPEC is a file, - for standard input, or a bundled network (see
    `cnncalc networks`).
    """
    with errors_end_the_run():
        terminal = terminal_width() if output in (None, "-") else None
        # Before anything is computed: a wrong ending is known now.
        form = "svg" if output in (None, "-") else format_of(output or "")
        if style not in (None, "costs") and terminal is not None:
            raise CnncalcError(_("a terminal shows no drawing of this style: name a file with -o net.svg"))
        if standalone and form != "tikz":
            raise click.UsageError(_("--standalone is for TikZ: name a file with -o net.tex."))
        wish = Wish(
            depth, "" if color == "none" else color, split_names(quantities), sort, top, log,
        )  # fmt: skip
        # Wrong names too are refused before the network is built.
        for name in (wish.color, wish.sort, *wish.quantities):
            if name:
                find_quantity(name)
        report = analyze_graph(asked.graph(MOST_DRAWN), Settings(dtype, batch))
        # A terminal shows bars; through a pipe without a style too, as plain text.
        if output is None and (style is None or terminal is not None):
            check_wish("costs", wish)
            write(draw_in_characters(report, wish, terminal), output)
            return
        options = {"standalone": True} if standalone else {}
        write(Drawing(report, style or DEFAULT, wish).render(form, **options), output)
    say_written(output, len(report.layers), form)


def split_names(text: str | None) -> tuple[str, ...]:
    """The names in a text with commas between them."""
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def draw_in_characters(report: Report, wish: Wish, width: int | None) -> str:
    """The bars of `costs` for a terminal, or for one of 80 columns."""
    from cnncalc.pages.drawing.bars import ASCII, EIGHTHS, draw_bars

    # A stream that others have put in its place may have none.
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        EIGHTHS.encode(encoding)
        marks = EIGHTHS
    except (UnicodeEncodeError, LookupError):
        marks = ASCII
    return "".join(f"{line.rstrip()}\n" for line in draw_bars(report, wish, width or 80, marks))
