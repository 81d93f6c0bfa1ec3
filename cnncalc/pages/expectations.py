"""Which expectations of specs hold, as a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError, Position
from cnncalc.formats.findings import Case, Finding, Suite, place_finding, unusable_spec
from cnncalc.formats.numbers import exact_text
from cnncalc.formats.page import Page, Section, Table
from cnncalc.formats.plain import table_text
from cnncalc.language import _
from cnncalc.report import Report, Verdict, as_json


class Checked(NamedTuple):
    """A spec by the name under which it was asked for: what became of its expectations, or of the spec.

    Of its report nothing else is kept: of a thousand specs, each would weigh.
    """

    name: str
    path: str
    verdicts: tuple[Verdict, ...] = ()
    layers: tuple[Position | None, ...] = ()  # for each verdict, where the layer stands that it is about
    error: CnncalcError | None = None

    @property
    def holds(self) -> bool:
        return self.error is None and all(verdict.holds for verdict in self.verdicts)


def check_report(name: str, path: str, report: Report) -> Checked:
    """What is expected of the spec as written; of another variant, nothing is."""
    verdicts = report.expectations if report.as_written else ()
    return Checked(name, path, verdicts, tuple(position_of(report, v.expectation.layer) for v in verdicts))


def position_of(report: Report, layer: str | None) -> Position | None:
    if report.graph is None or layer is None:
        return None
    return next((node.position for node in report.graph.nodes if node.name == layer), None)


def expected_page(found: Sequence[Checked]) -> Page:
    """What does not hold, number by number, and a row for each spec."""
    failed = [[one.name, v.name, v.expectation.text, exact_text(v.actual)]
              for one in found for v in one.verdicts if not v.holds]  # fmt: skip
    rows = []
    for one in found:
        held = sum(v.holds for v in one.verdicts)
        state = _("cannot be used") if one.error else _("holds") if one.holds else _("FAILS")
        # That nothing is expected is said: it would pass for a success.
        if one.holds and not one.verdicts:
            state = _("nothing expected")
        rows.append([one.name, str(held), str(len(one.verdicts) - held), state])
    sections = [Section("", Table([_("spec"), _("hold"), _("fail"), ""], rows))]
    if failed:
        heads = [_("spec"), _("number"), _("expected"), _("actual")]
        # What fails is what people look for: it comes first.
        sections.insert(0, Section("", Table(heads, failed, left=2)))
    # A spec that cannot be used has no verdicts, and counts in neither.
    held, wrong = (sum(v.holds is state for one in found for v in one.verdicts) for state in (True, False))
    return Page(
        "",
        sections,
        lambda: {"holds": all(one.holds for one in found), "specs": [spec_data(one) for one in found]},
        records=lambda: [{"file": one.path, **verdict_data(v)} for one in found for v in one.verdicts],
        findings=make_findings(found),
        suites=make_suites(found),
        rules={"expectation": _("a number is not what the spec expects"), "unusable": _("the spec cannot be used")},
        summary=_("expectations: {held} hold, {wrong} do not", held=held, wrong=wrong),
    )


def lines_of(verdicts: Sequence[Verdict]) -> list[str]:
    """A line per expectation: whether it holds, the number, and what was expected."""
    rows = [
        [
            _("holds") if v.holds else _("FAILS"),
            v.name,
            exact_text(v.actual),
            _("expected {text}", text=v.expectation.text),
        ]
        for v in verdicts
    ]
    # Without the heads and the rule below them, which say nothing here.
    return ["  " + line for line in table_text(Table(["", "", "", ""], rows, left=2)).splitlines()[2:]] if rows else []


def spec_data(one: Checked) -> dict[str, Any]:
    """A spec as JSON has it."""
    return {
        "name": one.name,
        "file": one.path,
        "holds": one.holds,
        "error": str(one.error) if one.error else None,
        "expectations": [verdict_data(v) for v in one.verdicts],
    }


def verdict_data(verdict: Verdict) -> dict[str, Any]:
    """An expectation and what became of it."""
    return {
        "name": verdict.name,
        "line": line_of(verdict),
        "expected": verdict.expectation.text,
        "actual": as_json(verdict.actual),
        "holds": verdict.holds,
    }


def line_of(verdict: Verdict) -> int | None:
    position = verdict.expectation.position
    return position.line if position else None


def make_suites(found: Sequence[Checked]) -> list[Suite]:
    """A suite per spec, a case per expectation."""
    result = []
    for one in found:
        cases = []
        for v in one.verdicts:
            failure = None
            if not v.holds:
                failure = (say_comparison(v), f"{one.path}:{line_of(v)}: {v.name}: {say_comparison(v)}")
            cases.append(Case(v.name, failure))
        result.append(Suite(one.name, one.path, cases, one.error))
    return result


def say_comparison(verdict: Verdict) -> str:
    return _(
        "expected {expected}, it is {actual}", expected=verdict.expectation.text, actual=exact_text(verdict.actual)
    )


def make_findings(found: Sequence[Checked]) -> list[Finding]:
    """What does not hold, at the layer that it is about, and what makes a spec unusable."""
    result = []
    for one in found:
        for v, layer in zip(one.verdicts, one.layers, strict=True):
            if not v.holds:
                # A reviewer looks at the layer that was changed, not at the block of expectations.
                where = layer or v.expectation.position
                message = _("{name}: {text}", name=v.name, text=say_comparison(v))
                # Its own line is where it would be changed, if the new number is the right one.
                if layer and v.expectation.position:
                    line = v.expectation.position.line
                    message = _("{text} (expected in line {line})", text=message, line=line)
                result.append(place_finding(one.path, where, "expectation", message))
        if one.error is not None:
            result += unusable_spec(one.path, one.error)
    return result
