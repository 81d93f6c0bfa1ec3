"""cnncalc.lock: the numbers of specs as they were accepted, one line each, sorted, for small differences in git.

A line is PATH, NAME and VALUE, separated by tabs; NAME is a total, `params`, or `LAYER.quantity`. Paths are
relative to the lock file's folder, with / on every system.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cnncalc.errors import Position, Problem, Source, SpecError
from cnncalc.language import _
from cnncalc.quantities import LOCKED, LOCKED_TOTAL, listed_in
from cnncalc.report import Report

HEADER = "# Written by `cnncalc lock`; `cnncalc lock --check` holds the specs to these numbers.\n"
TOTALS, LAYERS = listed_in(LOCKED_TOTAL), listed_in(LOCKED)

Numbers = Mapping[tuple[str, str], str]  # (path, name) to value


class Drift(NamedTuple):
    """A number that is not as it was locked; None where there is none."""

    path: str
    name: str
    locked: str | None
    now: str | None


def numbers_of(path: str, report: Report) -> Iterator[tuple[tuple[str, str], str]]:
    """Every number of a report that is locked."""
    for name in TOTALS:
        yield (path, name), write_value(getattr(report.totals, name))
    for row in report.layers:
        for name in LAYERS:
            yield (path, f"{row.name}.{name}"), write_value(getattr(row, name))


def write_value(value: object) -> str:
    """`1516`, `16x10x10`, or `?` for what is not known."""
    if isinstance(value, tuple):
        return "x".join(write_value(item) for item in value)
    return "?" if value is None else str(value)


def text_of(numbers: Numbers) -> str:
    """The file: sorted by path and name, so that a change is a change of few lines."""
    return HEADER + "".join(f"{path}\t{name}\t{value}\n" for (path, name), value in sorted(numbers.items()))


def read(text: str, file: str) -> dict[tuple[str, str], str]:
    """The numbers of a lock file. Raises SpecError at the line that is none."""
    found: dict[tuple[str, str], str] = {}
    for line, content in enumerate(text.splitlines(), start=1):
        if not content or content.startswith("#"):
            continue
        parts = content.split("\t")
        if len(parts) != 3:
            hint = _("write the file anew with `cnncalc lock`; lines like <<<<<<< are left over from a merge")
            problem = _("not a line of a lock file: path, name and value between tabs")
            raise SpecError([Problem(problem, Position(line, 1, max(1, len(content))), hint)], Source(file, text))
        found[parts[0], parts[1]] = parts[2]
    return found


def drift(locked: Numbers, now: Numbers) -> list[Drift]:
    """What is not as it was locked: changed, new, or gone."""
    keys = sorted({*locked, *now})
    return [Drift(*key, locked.get(key), now.get(key)) for key in keys if locked.get(key) != now.get(key)]
