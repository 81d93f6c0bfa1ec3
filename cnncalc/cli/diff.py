"""cnncalc diff OLD NEW"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator

import click

from cnncalc.analysis import analyze_graph
from cnncalc.cli.common import SPEC, errors_end_the_run, lang_option, write
from cnncalc.difference import TOTALS, Difference, Limit, broken, compare
from cnncalc.errors import CnncalcError, suggest
from cnncalc.language import _
from cnncalc.render.difference import FORMATS, render
from cnncalc.report import Report
from cnncalc.sources import load_graph, reader_of
from cnncalc.spec import graph_from_text
from cnncalc.spec.values import number


@click.command("diff", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("old", type=SPEC, required=False)
@click.argument("new", type=SPEC, required=False)
@click.option("--git", "revision", metavar="REVISION", help=_("All specs of the repository that changed since then."))
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("-o", "--output", metavar="FILE", help=_("Write to a file."))
@click.option("--exit-code", is_flag=True, help=_("Status 1 if anything differs."))
@click.option("--max-increase", metavar="LIMITS", help=_("Status 1 if a total grows by more: macs=5%,params=0."))
@lang_option
def command(
    old: str | None,
    new: str | None,
    revision: str | None,
    format_: str,
    output: str | None,
    exit_code: bool,
    max_increase: str | None,
) -> None:
    """What changed from one network to another, layer by layer and in total.

    OLD and NEW are specs, or revisions of one: `cnncalc diff HEAD~1:specs/net.yaml specs/net.yaml`.
    """
    if revision is None and (old is None or new is None):
        raise click.UsageError(_("Give two specs, OLD and NEW, or --git REVISION."))
    if revision is not None and old is not None:
        raise click.UsageError(_("Give two specs or --git REVISION, not both."))
    with errors_end_the_run():
        limits = read_limits(max_increase or "")
        found = [("", compare(report_of(old or ""), report_of(new or "")))] if revision is None else [*since(revision)]
    on_terminal = output is None and sys.stdout is not None and sys.stdout.isatty()
    texts = [
        render(difference, format_, title=title, colour=on_terminal and "NO_COLOR" not in os.environ)
        for title, difference in found
    ]
    over = [(title, *entry) for title, difference in found for entry in broken(difference, limits)]
    if format_ == "json" and revision is not None:
        text = "[\n" + ",\n".join(part.rstrip() for part in texts) + "\n]\n"
    else:
        text = "\n".join(texts) or _("no spec differs") + "\n"
    write(text, output)
    for title, limit, change in over:
        name = f"{title}: " if title else ""
        message = _(
            "{quantity} grows by {by}, more than {limit}",
            quantity=limit.quantity,
            by=f"{change.by:,}",
            limit=limit.text,
        )
        click.echo(name + message, err=True)
    if over or (exit_code and not all(difference.same for _title, difference in found)):
        sys.exit(1)


def report_of(spec: str) -> Report:
    from cnncalc import revisions

    return analyze_graph(load_graph(spec) if reader_of(spec) else graph_from_text(revisions.read(spec)))


def since(revision: str) -> Iterator[tuple[str, Difference]]:
    """The specs of this repository that are not as they were; one that came or went against an empty network."""
    from cnncalc import revisions

    for before, after in revisions.changed_specs(revision):
        title = after or before or ""
        old = None if before is None else report_of(f"{revision}:{before}")
        new = None if after is None else report_of(after)
        if before and after and before != after:
            title = f"{before} -> {after}"
        yield title, compare(old or nothing(new), new or nothing(old))


def nothing(like: Report | None) -> Report:
    """A network without layers, to compare a spec with that is new or gone."""
    from cnncalc.report import Totals

    assert like is not None
    totals = Totals()
    for name in Totals.__slots__:
        setattr(totals, name, 0)
    totals.left_out, totals.receptive_field = {}, None
    return Report(name="", source="", inputs=like.inputs, layers=(), totals=totals, groups={}, settings=like.settings)


def read_limits(text: str) -> list[Limit]:
    """`macs=5%,params=0,flops=10M`. Raises CnncalcError."""
    limits = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _equals, most = (piece.strip() for piece in part.partition("="))
        if name not in TOTALS or name == "receptive_field":
            hint = suggest(name, TOTALS) or _("known: {names}", names=", ".join(TOTALS))
            raise CnncalcError(_("--max-increase: there is no total '{name}': {hint}", name=name[:40], hint=hint))
        percent = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", most)
        try:
            value = float(percent[1]) / 100 if percent else float(number(most))
        except CnncalcError:
            raise CnncalcError(
                _("--max-increase: '{part}' is no limit: write macs=5% or params=0", part=part[:40])
            ) from None
        limits.append(Limit(name, value, percent is not None, most))
    return limits
