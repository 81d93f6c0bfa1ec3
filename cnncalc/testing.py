"""Budgets in the tests of a project that keeps specs: `assert_budget`, and what is said when one is broken."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from cnncalc.api import analyze
from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph
from cnncalc.language import _
from cnncalc.loading import Inputs
from cnncalc.report import Report, Verdict
from cnncalc.spec.read.expectations import expectations_of


def assert_budget(
    spec: str | os.PathLike[str] | Graph | Report,
    budget: Mapping[str, Any] | None = None,
    *,
    set: Mapping[str, Any] | None = None,
    input: Inputs | None = None,
    **totals: Any,
) -> Report:
    """Hold a network to bounds: assert_budget("net.yaml", macs="<= 500M", params=61706).

    spec        a report, a graph, or as for `cnncalc.analyze`
    budget      bounds of layers, and of names that are no Python name: {"C3.params": "<= 1.6k"}
    set, input  as for `cnncalc.analyze`
    **totals    bounds of the network's totals; everything that an `expect:` block can say

    Returns the report. Raises AssertionError with a line for each bound and the derivation of each number that
    breaks one; CnncalcError for a bound that cannot be read, and where there is none, SpecError for a spec.
    """
    report = spec if isinstance(spec, Report) else analyze(spec, set=set, input=input)
    names = [*(row.name for row in report), *report.groups]
    verdicts = [report.verdict(bound) for bound in expectations_of({**(budget or {}), **totals}, names)]
    if not verdicts:
        raise CnncalcError(_("{name}: no bound is given, so that nothing would be held", name=report.name))
    if not all(verdict.holds for verdict in verdicts):
        raise AssertionError(account(report, verdicts))
    return report


def account(report: Report, verdicts: Sequence[Verdict]) -> str:
    """A line per expectation, and how the numbers that do not hold come about."""
    from cnncalc.pages.expectations import lines_of

    held = sum(verdict.holds for verdict in verdicts)
    head = _("{name}: {held} of {count} expectations hold", name=report.name, held=held, count=len(verdicts))
    failed = [verdict for verdict in verdicts if not verdict.holds]
    return "\n".join([head, *lines_of(verdicts), *(["", derive(report, failed)] if failed else [])]).rstrip()


def derive(report: Report, failed: Sequence[Verdict]) -> str:
    """The derivations of numbers, where there is one."""
    # Loaded when a test fails: those that pass do not wait for it.
    from cnncalc.analysis.derivations import QUANTITIES, explain
    from cnncalc.analysis.derivations.board import board
    from cnncalc.formats import write_page

    found = []
    for verdict in failed:
        layer, quantity = verdict.expectation.layer, verdict.expectation.quantity
        if layer is None and quantity in ("output", "receptive_field"):
            continue  # those of the last layer, which has a name of its own
        if quantity in QUANTITIES and verdict.actual is not None:
            found += explain(report, layer or "total", quantity)
    return write_page(board(found), "plain")
