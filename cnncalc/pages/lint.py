"""Findings of the linter: lines with the place, a table, JSON, JUnit's XML, SARIF, or annotations for GitHub."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError, Problem, Source, describe
from cnncalc.formats.github import Finding as Noted
from cnncalc.formats.github import found_at, sarif_log, unusable_spec, workflow_commands
from cnncalc.formats.grid import Grid, draw
from cnncalc.formats.junit import Case, Suite, junit_report
from cnncalc.formats.lines import wrapped
from cnncalc.language import _
from cnncalc.lint import RULES, Finding, Rule

FORMATS = ("plain", "markdown", "json", "junit", "github", "sarif")
NAMED = 3  # layers of a line that stands for several


class Linted(NamedTuple):
    """A spec by the name under which it was asked for: what was found in it, or why it cannot be used."""

    name: str
    path: str
    source: Source | None
    findings: Sequence[Finding] = ()
    error: CnncalcError | None = None


def render(linted: Sequence[Linted], format: str) -> str:
    drawn = {"markdown": markdown, "json": as_json, "junit": junit, "github": github, "sarif": sarif}.get(format, plain)
    return drawn(linted)


def plain(linted: Sequence[Linted]) -> str:
    """Each finding as errors are told, and a line that counts."""
    parts = []
    for one in linted:
        if one.source is not None:
            lines = one.source.text.split("\n")
            parts += [describe(problem(finding), one.source.name, lines) for finding in one.findings]
    return "\n".join([*parts, counted(linted), ""])


def problem(finding: Finding) -> Problem:
    return Problem(f"{finding.code}: {finding.text}", finding.position, finding.hint, tuple(where(finding)))


def where(finding: Finding) -> list[str]:
    """Which layers a finding is about, where its line stands for several; and what they cost together."""
    told = []
    if finding.uses > 1:
        names = ", ".join(finding.layers[:NAMED]) + (", ..." if len(finding.layers) > NAMED else "")
        count = len(finding.layers)
        told.append(
            _("in all {uses} layers of this line: {names}", uses=finding.uses, names=names)
            if count == finding.uses
            else _("in {count} of {uses} layers of this line: {names}", count=count, uses=finding.uses, names=names)
        )
    if finding.params and f"{finding.params:,}" not in finding.text:
        told.append(_("{params:,} parameters for nothing", params=finding.params))
    return told


def said(finding: Finding) -> str:
    """A finding in one line."""
    return "; ".join([finding.text, *where(finding)])


def counted(linted: Sequence[Linted]) -> str:
    count = sum(len(one.findings) for one in linted)
    specs = sum(one.error is None for one in linted)
    if not count:
        return _("no findings; specs: {specs}", specs=specs)
    having = sum(bool(one.findings) for one in linted)
    code = next(one.findings[0].code for one in linted if one.findings)
    text = _("findings: {count}, in {having} of {specs} specs", count=count, having=having, specs=specs)
    return f"{text}; " + _("why: cnncalc lint --explain {code}", code=code)


def markdown(linted: Sequence[Linted]) -> str:
    rows = [[f"{one.path}:{f.position.line}", f.code, said(f)] for one in linted for f in one.findings]
    table = draw(Grid([_("place"), _("finding"), ""], rows, left=3), "markdown") + "\n" if rows else ""
    return f"{table}{counted(linted)}\n"


def as_json(linted: Sequence[Linted]) -> str:
    data = [
        {
            "name": one.name,
            "file": one.path,
            "error": str(one.error) if one.error else None,
            "findings": [as_data(finding) for finding in one.findings],
        }
        for one in linted
    ]
    return json.dumps({"specs": data}, indent=2, ensure_ascii=False) + "\n"


def as_data(finding: Finding) -> Mapping[str, Any]:
    line, column, width = finding.position
    return {
        "code": finding.code, "line": line, "column": column, "width": width, "text": finding.text,
        "hint": finding.hint, "layers": list(finding.layers), "uses": finding.uses, "params": finding.params,
    }  # fmt: skip


def junit(linted: Sequence[Linted]) -> str:
    """A suite per spec; its findings are cases that fail, and without any it has one that does not."""
    suites = []
    for one in linted:
        cases = [
            Case(f"{f.code} {f.position.line}", (said(f), f"{one.path}:{f.position.line}: {f.code}: {said(f)}"))
            for f in one.findings
        ]
        suites.append(Suite(one.name, one.path, cases or [Case("lint")] * (one.error is None), one.error))
    return junit_report(suites)


def noted(linted: Sequence[Linted]) -> list[Noted]:
    result = []
    for one in linted:
        for finding in one.findings:
            message = f"{said(finding)} ({finding.hint})"
            result.append(found_at(one.path, finding.position, finding.code, message, "warning"))
        if one.error is not None:
            result += unusable_spec(one.path, one.error)
    return result


def github(linted: Sequence[Linted]) -> str:
    return workflow_commands(noted(linted)) + counted(linted) + "\n"


def sarif(linted: Sequence[Linted]) -> str:
    titles = {code: _(rule.title) for code, rule in RULES.items()}
    return sarif_log(noted(linted), {**titles, "unusable": _("the spec cannot be used")})


def explained(rule: Rule, width: int) -> str:
    """Why a finding matters, a spec that has it, and one that does not."""
    lines = [f"{rule.code}: {_(rule.title)}", "", *wrapped(_(rule.why), width)]
    for heading, text in ((_("with the finding:"), rule.bad), (_("without:"), rule.good)):
        lines += ["", heading, *(f"  {line}" for line in text.rstrip().split("\n"))]
    lines += ["", _("at the line, or in the line before, to let it pass:")]
    lines.append(_("  # cnncalc: ignore[{code}] why", code=rule.code))
    return "\n".join(lines) + "\n"


def listed() -> str:
    return draw(Grid([_("finding"), ""], [[rule.code, _(rule.title)] for rule in RULES.values()], left=2))
