"""JUnit's XML, as CI servers read it. Source: the schema junit-10.xsd of Jenkins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from cnncalc.errors import CnncalcError


class Case(NamedTuple):
    """Something that was looked at; `failure` is what is wrong with it, in short and in full."""

    name: str
    failure: tuple[str, str] | None = None


class Suite(NamedTuple):
    """A spec, by the name under which it was asked for; `error` says why it cannot be used."""

    name: str
    path: str
    cases: Sequence[Case]
    error: CnncalcError | None = None


def junit_report(suites: Sequence[Suite]) -> str:
    drawn, tests, failures, errors = [], 0, 0, 0
    for suite in suites:
        lines = []
        for case in suite.cases:
            head = f"    <testcase classname={attribute(suite.name)} name={attribute(case.name)}"
            if case.failure is None:
                lines.append(head + "/>")
                continue
            short, full = case.failure
            failure = f"<failure message={attribute(short)}>{escape(clean(full))}</failure>"
            lines.append(f"{head}>\n      {failure}\n    </testcase>")
        bad = sum(case.failure is not None for case in suite.cases)
        if suite.error is not None:
            said = str(suite.error)
            body = f"<error message={attribute(said.split(chr(10))[0])}>{escape(clean(said))}</error>"
            lines.append(f'    <testcase classname={attribute(suite.name)} name="read">\n      {body}\n    </testcase>')
        counts = f'tests="{len(lines)}" failures="{bad}" errors="{int(suite.error is not None)}"'
        head = f"  <testsuite name={attribute(suite.name)} {counts} file={attribute(suite.path)}>"
        drawn.append("\n".join([head, *lines, "  </testsuite>"]))
        tests, failures, errors = tests + len(lines), failures + bad, errors + (suite.error is not None)
    counts = f'tests="{tests}" failures="{failures}" errors="{errors}"'
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="cnncalc" {counts}>'
    return "\n".join([head, *drawn, "</testsuites>", ""])


def attribute(content: str) -> str:
    return quoteattr(clean(content))


def clean(content: str) -> str:
    """Without the characters that XML forbids."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", content)
