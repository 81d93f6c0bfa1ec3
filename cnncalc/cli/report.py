"""cnncalc report SPEC [OTHER]"""

from __future__ import annotations

import sys

import click

from cnncalc.analysis import analyze_graph
from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import Asked, Reading, each_asked, size_options, spec_options
from cnncalc.cli.output import errors_end_the_run, say_written, write
from cnncalc.errors import CnncalcError
from cnncalc.language import _, in_use
from cnncalc.report import Settings, name_of
from cnncalc.sources import load_graph

MOST_EXPLAINED = (
    50_000  # operations of a page, unless more are allowed: it is written in a minute and opened in seconds
)


@click.command("report", cls=OwnHelp)
@spec_options
@click.argument("other", required=False)
@click.option("-o", "--output", metavar="FILE", help=_("The file, such as net.html.  [default: standard output]"))
@size_options
def command(asked: Asked, other: str | None, output: str | None, dtype: str, batch: int) -> None:
    """One page that explains a network: `cnncalc report resnet50 -o resnet50.html`.

    A file that needs no network and no server: the layers, every number with its derivation at a click, what units
    see, where it goes, how others count. With a second spec, OTHER, what changed from the one to the other.
    """
    asked, (other,) = asked.with_words(other)
    with errors_end_the_run():
        if output in (None, "-") and sys.stdout is not None and sys.stdout.isatty():
            raise CnncalcError(_("a page is for a browser: name a file with -o net.html"))
        others = each_asked([other], asked.inputs) if other else []
        # A browser shows so many layers with their derivations; more have to be asked for.
        reading: Reading = {**asked.reading, "max_operations": asked.limit(MOST_EXPLAINED)}
        graphs = [asked.graph(MOST_EXPLAINED), *(load_graph(name, **reading) for name in others)]
        from cnncalc.pages.browser.data import page_data
        from cnncalc.pages.browser.file import html_text

        reports = [analyze_graph(graph, Settings(dtype, batch)) for graph in graphs]
        title = " / ".join(name_of(report) or asked.name for report in reports)
        page = html_text(page_data(reports, in_use()), title)
    write(page, output)
    say_written(output, sum(len(graph.nodes) for graph in graphs), "html")
