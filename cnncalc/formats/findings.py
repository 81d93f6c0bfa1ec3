"""Findings in files, as reviewers see them beside the lines, and cases, as CI servers count them. Values only."""

import os
from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.errors import CnncalcError, Position, Problem, SpecError
from cnncalc.language import _

LEVELS = ("error", "warning", "notice")


class Finding(NamedTuple):
    """Something to say at a place of a file: lines and columns count from 1; None where there is no place."""

    path: str
    line: int | None
    column: int | None
    code: str
    message: str
    level: str = "error"


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


def place_finding(path: str, position: Position | None, code: str, message: str, level: str = "error") -> Finding:
    """A finding at a position of a file."""
    line, column = (None, None) if position is None else position[:2]
    return Finding(path, line, column, code, message, level)


def unusable_spec(path: str, error: CnncalcError) -> list[Finding]:
    """A finding for each problem of a spec that cannot be used."""
    if not isinstance(error, SpecError):
        return [place_finding(path, None, "unusable", str(error))]
    name = error.source.name
    return [
        # A problem may stand in another file than the one that was named.
        place_finding(name if os.path.lexists(name) else path, problem.position, "unusable", with_hint(problem))
        for problem in error.problems
    ]


def with_hint(problem: Problem) -> str:
    """A problem and what to do about it, in one line."""
    return (
        _("{problem} (hint: {hint})", problem=problem.problem, hint=problem.hint) if problem.hint else problem.problem
    )


def in_workspace(path: str) -> str:
    """The path as a runner knows it: from the top of the checked-out repository, wherever the command runs."""
    top = os.environ.get("GITHUB_WORKSPACE")
    if top:
        inside = os.path.relpath(os.path.realpath(path), os.path.realpath(top))
        if inside != ".." and not inside.startswith(".." + os.sep):
            path = inside
    return path.replace(os.sep, "/")
