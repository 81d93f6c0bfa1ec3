"""Findings of the linter, as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError, Problem, Source, describe
from cnncalc.formats.findings import Case, Suite, place_finding, unusable_spec
from cnncalc.formats.findings import Finding as Noted
from cnncalc.formats.page import Page, Section, Table
from cnncalc.language import _
from cnncalc.spec.findings import RULES, Finding, Rule

NAMED = 3  # layers of a line that stands for several


class Linted(NamedTuple):
    """A network by the name under which it was asked for: what was found in it, or why it cannot be used.

    source  its text; None where it has none
    """

    name: str
    path: str
    source: Source | None
    findings: Sequence[Finding] = ()
    error: CnncalcError | None = None


def lint_page(linted: Sequence[Linted]) -> Page:
    """Each finding with its place; where people read text, with its line."""
    rows = [[say_place(one, f), f.code, say_finding(f)] for one in linted for f in one.findings]
    table = Table([_("place"), _("finding"), ""], rows, left=3)
    titles = {code: _(rule.title) for code, rule in RULES.items()}
    return Page(
        "",
        [Section("", table, notes=[say_count(linted)])],
        lambda: {"specs": [spec_data(one) for one in linted]},
        records=lambda: [{"file": one.path, **as_data(f)} for one in linted for f in one.findings],
        told=[*write_excerpts(linted), say_count(linted)],
        findings=collect_noted(linted),
        suites=make_suites(linted),
        rules={**titles, "unusable": _("the spec cannot be used")},
        summary=say_count(linted),
    )


def write_excerpts(linted: Sequence[Linted]) -> Iterator[str]:
    """Each finding as errors are told, with its line of the spec."""
    for one in linted:
        name, text = (one.name, "") if one.source is None else (one.source.name, one.source.text)
        lines = text.split("\n")
        for finding in one.findings:
            yield from describe(as_problem(finding), name, lines).split("\n")


def say_place(one: Linted, finding: Finding) -> str:
    # With a line it is a file, which an editor opens there.
    return one.name if finding.position is None else f"{one.path}:{finding.position.line}"


def as_problem(finding: Finding) -> Problem:
    return Problem(f"{finding.code}: {finding.text}", finding.position, finding.hint, tuple(say_where(finding)))


def say_where(finding: Finding) -> list[str]:
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
    # Some findings say the number themselves.
    if finding.params and f"{finding.params:,}" not in finding.text:
        told.append(_("{params:,} parameters for nothing", params=finding.params))
    return told


def say_finding(finding: Finding) -> str:
    """A finding in one line."""
    return "; ".join([finding.text, *say_where(finding)])


def say_count(linted: Sequence[Linted]) -> str:
    count = sum(len(one.findings) for one in linted)
    specs = sum(one.error is None for one in linted)
    if specs < len(linted):
        unusable = len(linted) - specs
        return _("findings: {count}; specs: {specs}, unusable: {unusable}", count=count, specs=specs, unusable=unusable)
    if not count:
        return _("no findings; specs: {specs}", specs=specs)
    having = sum(bool(one.findings) for one in linted)
    # One way to learn more is enough: that of the first finding.
    code = next(one.findings[0].code for one in linted if one.findings)
    text = _("findings: {count}, in {having} of {specs} specs", count=count, having=having, specs=specs)
    return _("{text}; why: cnncalc lint --explain {code}", text=text, code=code)


def spec_data(one: Linted) -> dict[str, Any]:
    """A spec as JSON has it."""
    return {
        "name": one.name,
        "file": one.path,
        "error": str(one.error) if one.error else None,
        "findings": [as_data(finding) for finding in one.findings],
    }


def as_data(finding: Finding) -> Mapping[str, Any]:
    line, column, width = finding.position or (None, None, None)
    return {
        "code": finding.code, "line": line, "column": column, "width": width, "text": finding.text,
        "hint": finding.hint, "layers": list(finding.layers), "uses": finding.uses, "params": finding.params,
    }  # fmt: skip


def make_suites(linted: Sequence[Linted]) -> list[Suite]:
    """A suite per spec; its findings are cases that fail, and without any it has one that does not."""
    found = []
    for one in linted:
        cases = [
            Case(
                f"{f.code} {f.layers[0] if f.position is None else f.position.line}",
                (say_finding(f), f"{say_place(one, f)}: {f.code}: {say_finding(f)}"),
            )
            for f in one.findings
        ]
        # A suite without a case counts as one that did not run.
        found.append(Suite(one.name, one.path, cases or [Case("lint")] * (one.error is None), one.error))
    return found


def collect_noted(linted: Sequence[Linted]) -> list[Noted]:
    result = []
    for one in linted:
        for finding in one.findings:
            message = f"{say_finding(finding)} ({finding.hint})"
            result.append(place_finding(one.path, finding.position, finding.code, message, "warning"))
        if one.error is not None:
            result += unusable_spec(one.path, one.error)
    return result


def rule_page(rule: Rule) -> Page:
    """Why a finding matters, a spec that has it, and one that does not."""
    examples = [
        Section("", heading=heading, picture=[f"  {line}" for line in text.rstrip().split("\n")])
        for heading, text in ((_("with the finding:"), rule.bad), (_("without:"), rule.good))
    ]
    passing = Section(
        "",
        heading=_("at the line, or in the line before, to let it pass:"),
        picture=[_("  # cnncalc: ignore[{code}] why", code=rule.code)],
    )
    facts = {"code": rule.code, "title": rule.title, "why": rule.why, "bad": rule.bad, "good": rule.good}
    sections = [Section("", notes=[_(rule.why)], indent=0), *examples, passing]
    return Page(
        _("{name}: {text}", name=rule.code, text=_(rule.title)), sections, facts, records=lambda: [facts], broken_at=100
    )


def rules_page() -> Page:
    """Every finding with its title."""
    rows = [[rule.code, _(rule.title)] for rule in RULES.values()]
    data = [{"code": rule.code, "title": rule.title} for rule in RULES.values()]
    return Page("", [Section("findings", Table([_("finding"), ""], rows, left=2), data)])
