"""Annotations for GitHub: a workflow command for each finding.

Source: GitHub, "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

import re

from cnncalc.formats import plain
from cnncalc.formats.findings import Finding, in_workspace
from cnncalc.formats.page import Page


def render(page: Page, width: int | None = None, colour: bool = False) -> str:
    """A workflow command per finding, and a line that counts."""
    lines = [command(finding) for finding in page.findings or ()]
    return "".join(f"{line}\n" for line in [*lines, *([defuse(plain.escape(page.summary))] if page.summary else [])])


def command(finding: Finding) -> str:
    """`::error file=...,line=...::message`, with what has a meaning there written as the runner wants it."""
    # A finding about the whole file is shown at its first line, for annotations need one.
    place = {
        "file": in_workspace(finding.path),
        "line": str(finding.line or 1),
        "col": str(finding.column or ""),
        "title": f"cnncalc: {finding.code}",
    }
    named = ",".join(f"{key}={escape(value, ':,')}" for key, value in place.items() if value)
    return f"::{finding.level} {named}::{escape(finding.message)}"


def escape(text: str, also: str = "") -> str:
    """A text inside a command: what would end it, and what a log would act on, as %0A and the like."""
    coded = "%\r\n" + also  # what the runner decodes; anything else that cannot be shown is written out
    return "".join(f"%{ord(c):02X}" if c in coded else plain.escape(c) for c in text)


def defuse(text: str) -> str:
    r"""Lines for a log in which none is a command: `::` at the beginning of a line becomes `\x3a:`.

    A runner looks at what a line says without the spaces before it, and for the older `##[` anywhere.
    """
    return re.sub(r"(?m)^(\s*):(?=:)", r"\1\\x3a", text).replace("##[", r"#\x23[")
