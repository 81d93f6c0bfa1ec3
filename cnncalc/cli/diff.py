"""cnncalc diff OLD NEW"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import click

from cnncalc.analysis import analyze_graph
from cnncalc.cli.expectations import summarise
from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import (
    SPEC,
    Reading,
    convention_option,
    count_again,
    each_asked,
    inputs_option,
    lang_option,
    reading_options,
)
from cnncalc.cli.output import Output, complain, errors_end_the_run, output_options
from cnncalc.difference import TOTALS, Broken, Difference, Limit, compare, find_broken, find_most_changed
from cnncalc.errors import CnncalcError, suggest
from cnncalc.formats import write_page
from cnncalc.formats.findings import Case, Finding, Suite, place_finding, unusable_spec
from cnncalc.formats.numbers import number as written
from cnncalc.formats.page import Page
from cnncalc.language import _
from cnncalc.pages.difference import difference_page, differences_page, in_short
from cnncalc.report import Report
from cnncalc.sources import load_graph, reader_of, split_shapes
from cnncalc.spec import graph_from_text
from cnncalc.spec.values import number


@click.command("diff", cls=OwnHelp)
@click.argument("words", type=SPEC, nargs=-1, metavar="OLD NEW")
@click.option("--git", "revision", metavar="REVISION", help=_("All specs of the repository that changed since then."))
@inputs_option
@reading_options
@output_options("junit", "github", "sarif")
@convention_option
@click.option("--exit-code", is_flag=True, help=_("Status 1 if anything differs."))
@click.option(
    "--max-increase", multiple=True, metavar="LIMITS", help=_("Status 1 if a total grows by more: macs=5%,params=0.")
)
@click.option(
    "--max-decrease", multiple=True, metavar="LIMITS", help=_("Status 1 if a total shrinks by more: receptive_field=0.")
)
@lang_option
def command(
    words: tuple[str, ...],
    revision: str | None,
    inputs: tuple[str, ...],
    reading: Reading,
    out: Output,
    convention: str | None,
    exit_code: bool,
    max_increase: tuple[str, ...],
    max_decrease: tuple[str, ...],
) -> None:
    """What changed from one network to another, layer by layer and in total.

    OLD and NEW are specs, or revisions of one: `cnncalc diff HEAD~1:specs/net.yaml specs/net.yaml`. With --git, files
    and folders to look at: `cnncalc diff --git main models/`.
    """
    if revision is None and len(words) != 2:
        raise click.UsageError(_("Give two specs, OLD and NEW, or --git REVISION."))
    with errors_end_the_run():
        limits = [
            *read_limits(",".join(max_increase), "--max-increase"),
            *read_limits(",".join(max_decrease), "--max-decrease"),
        ]
        compared = Compared([], {})
        read = partial(report_of, convention=convention, reading=reading)
        if revision is None:
            old, new = map(read, each_asked(words, inputs))
            compared.found.append(Pair("", words[1], is_change=True, difference=compare(old, new)))
        else:
            compared = compare_since(revision, words, inputs, read)
    for error in compared.unusable.values():
        complain(error)
    over = [
        (pair, entry) for pair in compared.found if pair.is_change for entry in find_broken(pair.difference, limits)
    ]
    page = page_of(compared, over, listed=revision is not None)
    # Annotations have no room for tables: the job's summary gets the whole page.
    if out.format == "github":
        summarise(write_page(page, "markdown"))
    out.write(page)
    for pair, entry in over:
        name = f"{pair.title}: " if pair.title else ""
        complain(name + say_limit(entry))
    # What cannot be used weighs more than a limit: nobody knows whether it would hold.
    if compared.unusable:
        sys.exit(2)
    if over or (exit_code and not all(pair.difference.same for pair in compared.found)):
        sys.exit(1)


class Pair(NamedTuple):
    """Two networks that were compared; `is_change` where there is one on both sides."""

    title: str
    path: str
    is_change: bool
    difference: Difference


class Compared(NamedTuple):
    """What was compared, and the specs that could not be."""

    found: list[Pair]
    unusable: dict[str, CnncalcError]


def page_of(compared: Compared, over: Sequence[tuple[Pair, Broken]], *, listed: bool) -> Page:
    """One pair of networks, or a list of them; with what reviewers and CI servers see of it."""
    pairs = compared.found
    if listed:
        page = differences_page([(pair.title, pair.difference) for pair in pairs])
    else:
        page = difference_page(pairs[0].difference)
    return page._replace(
        findings=make_findings(compared, over),
        suites=make_suites(compared, over),
        rules={
            "diff": _("what changed"),
            "limit": _("a total changes by more than its limit"),
            "unusable": _("the spec cannot be used"),
        },
    )


def make_findings(compared: Compared, over: Sequence[tuple[Pair, Broken]]) -> list[Finding]:
    """A notice per spec with its totals; an error per broken limit, at the layer that adds most."""
    found = [place_finding(pair.path, None, "diff", in_short(pair.difference), "notice") for pair in compared.found]
    for pair, entry in over:
        limit = entry.limit
        layer = find_most_changed(pair.difference, limit.quantity, shrinks=limit.shrinks)
        graph = pair.difference.new.graph
        # A reviewer sees the finding at the layer that moves the total most, where that is still there.
        position = None
        if layer is not None and layer.new is not None and graph is not None:
            position = next((node.position for node in graph.nodes if node.name == layer.new.name), None)
        found.append(place_finding(pair.path, position, "limit", say_limit(entry)))
    for path, error in compared.unusable.items():
        found += unusable_spec(path, error)
    return found


def make_suites(compared: Compared, over: Sequence[tuple[Pair, Broken]]) -> list[Suite]:
    """A suite per spec; each limit that it breaks is a case that fails."""
    found = []
    for pair in compared.found:
        broken_here = [entry for other, entry in over if other is pair]
        cases = [
            Case(entry.limit.quantity, (say_limit(entry), f"{pair.path}: {say_limit(entry)}")) for entry in broken_here
        ]
        # A suite without a case would look as if nothing had been compared.
        found.append(Suite(pair.path, pair.path, cases or [Case("diff")]))
    return found + [Suite(path, path, [], error) for path, error in compared.unusable.items()]


def say_limit(entry: Broken) -> str:
    """What a limit allows, and what happened."""
    quantity, limit, by = entry.limit.quantity, entry.limit.text.replace("%", " %"), written(entry.by or 0)
    if entry.by is None:
        return _("{quantity} is not known on both sides: it cannot be held to {limit}", quantity=quantity, limit=limit)
    if entry.share is not None:
        by += f" ({-entry.share if entry.limit.shrinks else entry.share:+.1%})".replace("%", " %")
    if entry.limit.shrinks:
        return _("{quantity} shrinks by {by}, limit {limit}", quantity=quantity, by=by, limit=limit)
    return _("{quantity} grows by {by}, limit {limit}", quantity=quantity, by=by, limit=limit)


def report_of(spec: str, convention: str | None, reading: Reading) -> Report:
    from cnncalc import revisions

    # Only specs have revisions: REVISION:PATH is text out of git.
    name, shapes = split_shapes(spec)
    if reader_of(name):
        graph = load_graph(spec, **reading)
    else:
        graph = graph_from_text(revisions.read(name), inputs=shapes, max_operations=reading["max_operations"])
    return count_again(analyze_graph(graph), convention)


def compare_since(
    revision: str, paths: Sequence[str], inputs: tuple[str, ...], read: Callable[[str], Report]
) -> Compared:
    """The specs of this repository that are not as they were; one that came or went against an empty network."""
    from cnncalc import revisions

    compared = Compared([], {})
    for before, after in revisions.find_changed(revision, paths):
        path = after or before or ""
        # Git follows renames: one that moved is compared with where it was.
        title = f"{before} -> {after}" if before and after and before != after else path
        try:
            sides = [None if before is None else f"{revision}:{before}", after]
            old, new = (None if side is None else read(each_asked([side], inputs)[0]) for side in sides)
        except CnncalcError as error:
            compared.unusable[path] = error
            continue
        difference = compare(old or make_empty(new), new or make_empty(old))
        # One that is new or gone is no change by so much: limits do not hold for it.
        compared.found.append(Pair(title, path, old is not None and new is not None, difference))
    return compared


def make_empty(like: Report | None) -> Report:
    """A network without layers, to compare a spec with that is new or gone."""
    from cnncalc.quantities import RATIOS
    from cnncalc.report import Totals

    assert like is not None
    # Sums of nothing are 0; what is no sum is not known.
    totals = Totals(())
    totals.output, totals.receptive_field, totals.peak_activation_bytes = (), None, 0
    for ratio in RATIOS:
        setattr(totals, ratio.name, 0)
    return Report(
        name="", source="", inputs=like.inputs, layers=(), totals=totals, groups={}, settings=like.settings,
        convention=like.convention,
    )  # fmt: skip


def read_limits(text: str, option: str) -> list[Limit]:
    """`macs=5%,params=0,flops=10M`. Raises CnncalcError."""
    limits = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _equals, most = (piece.strip() for piece in part.partition("="))
        if name not in TOTALS:
            hint = suggest(name, TOTALS) or _("known: {names}", names=", ".join(TOTALS))
            raise CnncalcError(
                _("{option}: there is no total '{name}': {hint}", option=option, name=name[:40], hint=hint)
            )
        percent = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", most)
        try:
            value = float(percent[1]) / 100 if percent else float(number(most))
        except CnncalcError:
            raise CnncalcError(
                _("{option}: '{part}' is no limit: write macs=5% or params=0", option=option, part=part[:40])
            ) from None
        limits.append(Limit(name, value, percent is not None, most, option == "--max-decrease"))
    return limits
