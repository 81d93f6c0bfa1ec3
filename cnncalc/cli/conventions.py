"""cnncalc conventions [SPEC]"""

from __future__ import annotations

import click

from cnncalc.analysis import analyze_graph
from cnncalc.cli.common import CONVENTION, Asked, errors_end_the_run, format_for, spec_options, write
from cnncalc.cli.totals import terminal_width
from cnncalc.language import _
from cnncalc.report import Settings

FORMATS = ("plain", "markdown", "csv", "json")


@click.command("conventions", context_settings={"help_option_names": ["-h", "--help"]})
@spec_options
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True, help=_("Samples at once."))
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
@click.option("--format", "format_", type=click.Choice(FORMATS), help=_("[default: plain]"))
@click.option("-o", "--output", metavar="FILE", help=_("Write to a file; its ending chooses the format."))
def command(
    asked: Asked,
    batch: int,
    only: tuple[str, ...],
    reconcile: tuple[str, str] | None,
    show: str | None,
    format_: str | None,
    output: str | None,
) -> None:
    """How other tools count: what each of them would print for a network, and why they differ.

    Without SPEC the conventions that there are, with their versions, units and sources. `cnncalc conventions resnet50`
    prints one table of all tools, `cnncalc conventions resnet50 --reconcile thop fvcore` where a difference comes from.
    """
    from cnncalc.conventions import SHIPPED, convention, overview
    from cnncalc.conventions import reconcile as reconciled_between
    from cnncalc.conventions.reading import text_of
    from cnncalc.pages.conventions import listed, reconciled, table

    if reconcile and only:
        raise click.UsageError(_("Give --convention or --reconcile, not both."))
    width = terminal_width() if output is None else None
    with errors_end_the_run():
        if show is not None:
            write(text_of(show), output)
            return
        format_ = format_ or format_for(output or "", FORMATS)
        wanted = [convention(name) for name in only or SHIPPED]
        if not asked.name:
            if reconcile:
                raise click.UsageError(_("--reconcile needs a SPEC."))
            text = listed(wanted, format_, width)
        else:
            graph = asked.graph()
            report = analyze_graph(graph, Settings(batch=batch))
            if reconcile:
                one, other = map(convention, reconcile)
                text = reconciled(reconciled_between(report, one, other), format_, width)
            else:
                macs = None if "macs" in report.totals.left_out else report.totals.macs
                text = table(overview(report, wanted), macs, format_, width)
    write(text, output)
