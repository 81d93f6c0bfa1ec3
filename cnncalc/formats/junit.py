"""JUnit's XML, as CI servers read it. Source: the schema junit-10.xsd of Jenkins."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape as escape_markup
from xml.sax.saxutils import quoteattr

from cnncalc.formats.page import Page

FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(page: Page, width: int | None = None, colour: bool = False) -> str:
    """A suite per spec, a case for each number or finding."""
    drawn, tests, failures, errors = [], 0, 0, 0
    for suite in page.suites:
        lines = []
        for case in suite.cases:
            head = f"    <testcase classname={attribute(suite.name)} name={attribute(case.name)}"
            if case.failure is None:
                lines.append(head + "/>")
                continue
            short, full = case.failure
            failure = f"<failure message={attribute(short)}>{escape(full)}</failure>"
            lines.append(f"{head}>\n      {failure}\n    </testcase>")
        bad = sum(case.failure is not None for case in suite.cases)
        # A spec that cannot be used is a case too, or the suite would count as passed.
        if suite.error is not None:
            said = str(suite.error)
            body = f"<error message={attribute(said.split(chr(10))[0])}>{escape(said)}</error>"
            lines.append(f'    <testcase classname={attribute(suite.name)} name="read">\n      {body}\n    </testcase>')
        counts = f'tests="{len(lines)}" failures="{bad}" errors="{int(suite.error is not None)}"'
        head = f"  <testsuite name={attribute(suite.name)} {counts} file={attribute(suite.path)}>"
        drawn.append("\n".join([head, *lines, "  </testsuite>"]))
        tests, failures, errors = tests + len(lines), failures + bad, errors + (suite.error is not None)
    counts = f'tests="{tests}" failures="{failures}" errors="{errors}"'
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="cnncalc" {counts}>'
    return "\n".join([head, *drawn, "</testsuites>", ""])


def escape(content: str) -> str:
    """Text between tags. No line of it begins as a command to a workflow does, whose log it may be printed into."""
    # Also a carriage return, which XML would read as a line feed.
    return re.sub("^::", "&#58;:", escape_markup(clean(content), {"\r": "&#13;"}), flags=re.MULTILINE)


def attribute(content: str) -> str:
    """A value in quotes."""
    return quoteattr(clean(content))


def clean(content: str) -> str:
    """Without the characters that XML forbids, or that a terminal acts on."""
    return FORBIDDEN.sub("?", content)
