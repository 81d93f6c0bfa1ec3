"""cnncalc conventions [SPEC]"""

from __future__ import annotations

import click

from cnncalc.analysis import analyze_graph
from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import CONVENTION, Asked, batch_option, spec_options
from cnncalc.cli.output import Output, errors_end_the_run, output_options, write
from cnncalc.language import _
from cnncalc.report import Settings


@click.command("conventions", cls=OwnHelp)
@spec_options
@batch_option
@click.option(
    "--convention", "only", type=CONVENTION, multiple=True, metavar="NAME",
    help=_("Only this one, or a file; may be given again."),
)  # fmt: skip
@click.option(
    "--reconcile", type=CONVENTION, nargs=2, metavar="ONE OTHER",
    help=_("The difference of two tools as an exact sum of causes."),
)  # fmt: skip
@click.option(
    "--show",
    type=CONVENTION,
    metavar="NAME",
    help=_("The file of a convention, to read it or to start one of your own."),
)
@output_options(checked=False)  # --show writes a file of another kind
def command(
    asked: Asked,
    batch: int,
    only: tuple[str, ...],
    reconcile: tuple[str, str] | None,
    show: str | None,
    out: Output,
) -> None:
    """How other tools count: what each of them would print for a network, and why they differ.

    Without SPEC the conventions that there are, with their versions, units and sources. `cnncalc conventions resnet50`
    prints one table of all tools, `cnncalc conventions resnet50 --reconcile thop fvcore` where a difference comes from.
    """
    from cnncalc.conventions import SHIPPED, convention, overview
    from cnncalc.conventions import reconcile as reconciled_between
    from cnncalc.conventions.reading import text_of
    from cnncalc.pages.conventions import listed_page, overview_page, reconciled_page

    if reconcile and only:
        raise click.UsageError(_("Give --convention or --reconcile, not both."))
    with errors_end_the_run():
        if show is not None:
            write(text_of(show), out.path)
            return
        # Read before the network, so that a mistake in a file is told at once.
        wanted = [convention(name) for name in only or SHIPPED]
        if not asked.name:
            if reconcile:
                raise click.UsageError(_("--reconcile needs a SPEC."))
            page = listed_page(wanted)
        else:
            graph = asked.graph()
            report = analyze_graph(graph, Settings(batch=batch))
            if reconcile:
                one, other = map(convention, reconcile)
                page = reconciled_page(reconciled_between(report, one, other))
            else:
                macs = None if report.totals.is_partial("macs") else report.totals.macs
                page = overview_page(overview(report, wanted), macs)
        out.write(page)
