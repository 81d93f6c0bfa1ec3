"""Which expectations of specs hold: a table, Markdown, JSON, JUnit's XML, SARIF, or annotations for GitHub."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError, Position
from cnncalc.formats.github import Finding, found_at, sarif_log, unusable_spec, workflow_commands
from cnncalc.formats.grid import Grid, draw
from cnncalc.formats.junit import Case, Suite, junit_report
from cnncalc.language import _
from cnncalc.pages.view import number, sizes
from cnncalc.report import Report, Verdict, listed


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


def checked(name: str, path: str, report: Report) -> Checked:
    """What is expected of the spec as written; of another variant, nothing is."""
    verdicts = report.expectations if report.as_written else ()
    return Checked(name, path, verdicts, tuple(position_of(report, v.expectation.layer) for v in verdicts))


def position_of(report: Report, layer: str | None) -> Position | None:
    if report.graph is None or layer is None:
        return None
    return next((node.position for node in report.graph.nodes if node.name == layer), None)


def shown(value: Any) -> str:
    if isinstance(value, tuple):
        return sizes(value)
    return number(value) if value is None or isinstance(value, int) else str(value)


def render(found: Sequence[Checked], format: str) -> str:
    drawn = {"json": as_json, "junit": junit, "github": github, "sarif": sarif}.get(format)
    return drawn(found) if drawn else text(found, format)


def text(found: Sequence[Checked], format: str) -> str:
    """What does not hold, number by number, and a row for each spec."""
    drawn = "markdown" if format == "markdown" else "plain"
    failed = [[one.name, v.name, v.expectation.text, shown(v.actual)]
              for one in found for v in one.verdicts if not v.holds]  # fmt: skip
    rows = []
    for one in found:
        held = sum(v.holds for v in one.verdicts)
        state = _("cannot be used") if one.error else _("holds") if one.holds else _("FAILS")
        if one.holds and not one.verdicts:
            state = _("nothing expected")
        rows.append([one.name, str(held), str(len(one.verdicts) - held), state])
    parts = [draw(Grid([_("spec"), _("hold"), _("fail"), ""], rows), drawn)]
    if failed:
        parts.insert(0, draw(Grid([_("spec"), _("number"), _("expected"), _("actual")], failed, left=2), drawn))
    return "\n".join(parts)


def lines_of(verdicts: Sequence[Verdict]) -> list[str]:
    """A line per expectation: whether it holds, the number, and what was expected."""
    rows = [
        [_("holds") if v.holds else _("FAILS"), v.name, shown(v.actual), _("expected {text}", text=v.expectation.text)]
        for v in verdicts
    ]
    return ["  " + line for line in draw(Grid(["", "", "", ""], rows, left=2)).splitlines()[2:]] if rows else []


def as_json(found: Sequence[Checked]) -> str:
    data = {
        "holds": all(one.holds for one in found),
        "specs": [
            {
                "name": one.name,
                "file": one.path,
                "holds": one.holds,
                "error": str(one.error) if one.error else None,
                "expectations": [
                    {"name": v.name, "line": line_of(v), "expected": v.expectation.text,
                     "actual": listed(v.actual), "holds": v.holds}
                    for v in one.verdicts
                ],
            }
            for one in found
        ],
    }  # fmt: skip
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def line_of(verdict: Verdict) -> int | None:
    position = verdict.expectation.position
    return position.line if position else None


def junit(found: Sequence[Checked]) -> str:
    """A suite per spec, a case per expectation."""
    suites = []
    for one in found:
        cases = []
        for v in one.verdicts:
            failure = None
            if not v.holds:
                failure = (comparison(v), f"{one.path}:{line_of(v)}: {v.name}: {comparison(v)}")
            cases.append(Case(v.name, failure))
        suites.append(Suite(one.name, one.path, cases, one.error))
    return junit_report(suites)


def comparison(verdict: Verdict) -> str:
    return _("expected {expected}, it is {actual}", expected=verdict.expectation.text, actual=shown(verdict.actual))


def findings(found: Sequence[Checked]) -> list[Finding]:
    """What does not hold, at the layer that it is about, and what makes a spec unusable."""
    result = []
    for one in found:
        for v, layer in zip(one.verdicts, one.layers, strict=True):
            if not v.holds:
                where = layer or v.expectation.position
                message = f"{v.name}: {comparison(v)}"
                if layer and v.expectation.position:
                    message += " " + _("(expected in line {line})", line=v.expectation.position.line)
                result.append(found_at(one.path, where, "expectation", message))
        if one.error is not None:
            result += unusable_spec(one.path, one.error)
    return result


def github(found: Sequence[Checked]) -> str:
    """A workflow command for each expectation that fails, and a line that counts."""
    held = sum(v.holds for one in found for v in one.verdicts)
    wrong = sum(not v.holds for one in found for v in one.verdicts)
    counted = _("expectations: {held} hold, {wrong} do not", held=held, wrong=wrong)
    return workflow_commands(findings(found)) + counted + "\n"


def sarif(found: Sequence[Checked]) -> str:
    rules = {
        "expectation": _("a number is not what the spec expects"),
        "unusable": _("the spec cannot be used"),
    }
    return sarif_log(findings(found), rules)
