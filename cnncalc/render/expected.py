"""Which expectations of specs hold: a table, Markdown, JSON, JUnit's XML, or annotations for GitHub."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from cnncalc.language import _
from cnncalc.render.grid import Grid, draw
from cnncalc.render.view import number, sizes
from cnncalc.report import Report, Verdict, listed

FORMATS = ("plain", "table", "markdown", "json", "junit", "github")


class Checked(NamedTuple):
    """A spec by the name under which it was asked for: its report, or why there is none."""

    name: str
    path: str
    report: Report | None
    error: str = ""
    line: int | None = None

    @property
    def verdicts(self) -> Sequence[Verdict]:
        """What is expected of the spec as written; of another variant, nothing is."""
        return self.report.expectations if self.report is not None and self.report.as_written else ()

    @property
    def holds(self) -> bool:
        return not self.error and all(verdict.holds for verdict in self.verdicts)


def shown(value: Any) -> str:
    if isinstance(value, tuple):
        return sizes(value)
    return number(value) if value is None or isinstance(value, int) else str(value)


def render(found: Sequence[Checked], format: str) -> str:
    return {"json": as_json, "junit": junit, "github": github}.get(format, lambda f: text(f, format))(found)


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


def as_json(found: Sequence[Checked]) -> str:
    data = {
        "holds": all(one.holds for one in found),
        "specs": [
            {
                "name": one.name,
                "file": one.path,
                "holds": one.holds,
                "error": one.error or None,
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


def clean(content: str) -> str:
    """Without the characters that XML forbids."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", content)


def junit(found: Sequence[Checked]) -> str:
    """A suite per spec, a case per expectation, as CI servers read it."""
    suites, tests, failures, errors = [], 0, 0, 0
    for one in found:
        cases = []
        for v in one.verdicts:
            case = f"    <testcase classname={attribute(one.name)} name={attribute(v.name)} file={attribute(one.path)}"
            if v.holds:
                cases.append(case + "/>")
                continue
            message = _("expected {expected}, it is {actual}", expected=v.expectation.text, actual=shown(v.actual))
            place = escape(clean(f"{one.path}:{line_of(v)}: {v.name}: {message}"))
            cases.append(f"{case}>\n      <failure message={attribute(message)}>{place}</failure>\n    </testcase>")
        bad = sum(not v.holds for v in one.verdicts)
        if one.error:
            first = one.error.split("\n")[0]
            case = f'    <testcase classname={attribute(one.name)} name="read" file={attribute(one.path)}>'
            body = f"<error message={attribute(first)}>{escape(clean(one.error))}</error>"
            cases.append(f"{case}\n      {body}\n    </testcase>")
        counts = f'tests="{len(cases)}" failures="{bad}" errors="{int(bool(one.error))}"'
        suites.append("\n".join([f"  <testsuite name={attribute(one.name)} {counts}>", *cases, "  </testsuite>"]))
        tests, failures, errors = tests + len(cases), failures + bad, errors + bool(one.error)
    counts = f'tests="{tests}" failures="{failures}" errors="{errors}"'
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="cnncalc" {counts}>'
    return "\n".join([head, *suites, "</testsuites>", ""])


def attribute(content: str) -> str:
    return quoteattr(clean(content))


def github(found: Sequence[Checked]) -> str:
    """A workflow command for each expectation that fails, and a line that counts."""
    lines = []
    for one in found:
        for v in one.verdicts:
            if not v.holds:
                values = {"expected": v.expectation.text, "actual": shown(v.actual)}
                message = f"{v.name}: " + _("expected {expected}, it is {actual}", **values)
                lines.append(command(one.path, line_of(v), message))
        if one.error:
            lines.append(command(one.path, one.line, one.error))
    held = sum(v.holds for one in found for v in one.verdicts)
    wrong = sum(not v.holds for one in found for v in one.verdicts)
    lines.append(_("{held} expectations hold, {wrong} do not", held=held, wrong=wrong))
    return "\n".join(lines) + "\n"


def command(path: str, line: int | None, message: str) -> str:
    """`::error file=...,line=...::`, with what has a meaning there written as the runner wants it."""
    place = re.sub("[%\r\n:,]", lambda m: f"%{ord(m[0]):02X}", path)
    said = re.sub("[%\r\n]", lambda m: f"%{ord(m[0]):02X}", message)
    return f"::error file={place},line={line or 1},title=cnncalc::{said}"
