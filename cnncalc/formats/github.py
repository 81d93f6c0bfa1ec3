"""Findings in files, as reviewers see them beside the lines: annotations for GitHub, and SARIF.

Sources: GitHub, "Workflow commands for GitHub Actions"; OASIS, SARIF 2.1.0.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError, Position, Problem, SpecError
from cnncalc.language import _

LEVELS = ("error", "warning", "notice")
SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


class Finding(NamedTuple):
    """Something to say at a place of a file: lines and columns count from 1; None where there is no place."""

    path: str
    line: int | None
    column: int | None
    code: str
    message: str
    level: str = "error"


def found_at(path: str, position: Position | None, code: str, message: str, level: str = "error") -> Finding:
    line, column = (None, None) if position is None else position[:2]
    return Finding(path, line, column, code, message, level)


def unusable_spec(path: str, error: CnncalcError) -> list[Finding]:
    """A finding for each problem of a spec that cannot be used."""
    if not isinstance(error, SpecError):
        return [found_at(path, None, "unusable", str(error))]
    name = error.source.name
    return [
        found_at(name if os.path.lexists(name) else path, problem.position, "unusable", with_hint(problem))
        for problem in error.problems
    ]


def with_hint(problem: Problem) -> str:
    return f"{problem.problem} (" + _("hint: {hint}", hint=problem.hint) + ")" if problem.hint else problem.problem


def workflow_commands(findings: Sequence[Finding]) -> str:
    """A workflow command per finding: `::error file=...,line=...::message`."""
    return "".join(f"{command(finding)}\n" for finding in findings)


def command(finding: Finding) -> str:
    """One workflow command, with what has a meaning there written as the runner wants it."""
    place = {
        "file": in_workspace(finding.path),
        "line": str(finding.line or 1),
        "col": str(finding.column or ""),
        "title": f"cnncalc: {finding.code}",
    }
    named = ",".join(f"{key}={escaped(value, ':,')}" for key, value in place.items() if value)
    return f"::{finding.level} {named}::{escaped(finding.message)}"


def escaped(text: str, also: str = "") -> str:
    return re.sub(f"[%\r\n{also}]", lambda m: f"%{ord(m[0]):02X}", text)


def in_workspace(path: str) -> str:
    """The path as a runner knows it: from the top of the checked-out repository, wherever the command runs."""
    top = os.environ.get("GITHUB_WORKSPACE")
    if top:
        inside = os.path.relpath(os.path.realpath(path), os.path.realpath(top))
        if inside != ".." and not inside.startswith(".." + os.sep):
            path = inside
    return path.replace(os.sep, "/")


def sarif_log(findings: Sequence[Finding], rules: Mapping[str, str]) -> str:
    """A SARIF log with one run; `rules` has a sentence for each code."""
    used = sorted({finding.code for finding in findings})
    log = {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "cnncalc",
                        "rules": [{"id": code, "shortDescription": {"text": rules.get(code, code)}} for code in used],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [result(finding) for finding in findings],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def result(finding: Finding) -> dict[str, Any]:
    from urllib.parse import quote

    location: dict[str, Any] = {"artifactLocation": {"uri": quote(in_workspace(finding.path))}}
    if finding.line is not None:
        location["region"] = {"startLine": finding.line}
        if finding.column is not None:
            location["region"]["startColumn"] = finding.column
    return {
        "ruleId": finding.code,
        "level": {"notice": "note"}.get(finding.level, finding.level),
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": location}],
    }
