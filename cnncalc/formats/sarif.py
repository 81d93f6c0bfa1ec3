"""Findings as code scanning reads them: a log in SARIF. Source: OASIS, SARIF 2.1.0."""

from __future__ import annotations

import json
from typing import Any

from cnncalc.formats.findings import Finding, in_workspace
from cnncalc.formats.page import Page

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(page: Page, width: int | None = None, colour: bool = False) -> str:
    """A log with one run; the rules are the codes that were found."""
    from cnncalc.formats.json import escape

    findings = page.findings or ()
    # Code scanning shows every rule that is named: those without a finding would be noise.
    used = sorted({finding.code for finding in findings})
    rules = [{"id": code, "shortDescription": {"text": page.rules.get(code, code)}} for code in used]
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "cnncalc", "rules": rules}},
                # As Python counts: SARIF's own default is UTF-16 units, in which some characters are two.
                "columnKind": "unicodeCodePoints",
                "results": [result(finding) for finding in findings],
            }
        ],
    }
    return escape(json.dumps(log, indent=2, ensure_ascii=False)) + "\n"


def result(finding: Finding) -> dict[str, Any]:
    """A finding with its place."""
    from urllib.parse import quote

    location: dict[str, Any] = {"artifactLocation": {"uri": quote(in_workspace(finding.path), errors="replace")}}
    if finding.line is not None:
        location["region"] = {"startLine": finding.line}
        if finding.column is not None:
            location["region"]["startColumn"] = finding.column
    return {
        "ruleId": finding.code,
        # SARIF calls it `note`; error and warning have the same name.
        "level": {"notice": "note"}.get(finding.level, finding.level),
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": location}],
    }
