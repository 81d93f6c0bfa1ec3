"""cnncalc.lock: the numbers of specs as they were accepted, one line each, sorted, for small differences in git.

A line is PATH, NAME and VALUE, separated by tabs; NAME is a total, `params`, or `LAYER.quantity`. Paths are
relative to the lock file's folder, with / on every system. A path or a name that would not read back as it is, for a
`#` at its start or a tab or a line break in it, stands between quotes, as JSON has strings. A line `# covers models/`
names a folder whose specs are locked, all of them: one that comes there is missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from cnncalc.errors import Position, Problem, Source, SpecError, visible
from cnncalc.language import _
from cnncalc.quantities import LOCKED, LOCKED_TOTAL, listed_in
from cnncalc.report import Report

HEADER = "# Written by `cnncalc lock`; `cnncalc lock --check` holds the specs to these numbers.\n"
COVERS = "# covers "
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


def text_of(numbers: Numbers, covered: Iterable[str] = ()) -> str:
    """The file: sorted by path and name, so that a change is a change of few lines.

    covered  folders of which every spec is locked: `models/` with the folders in it, `models/*` without
    """
    head = HEADER + "".join(f"{COVERS}{quote(folder)}\n" for folder in sorted(covered))
    lines = (f"{quote(path)}\t{quote(name)}\t{value}\n" for (path, name), value in sorted(numbers.items()))
    return head + "".join(lines)


def quote(text: str) -> str:
    """A text that stands between tabs on a line of its own: as it is where that reads back, else as JSON has it."""
    # Strip, since editors take spaces off the ends of lines; a `#` would make a comment of it, a quote be read as one.
    if text.isprintable() and text == text.strip() and not text.startswith(("#", '"')):
        return text
    import json

    return json.dumps(text)


def unquote(text: str) -> str:
    """Raises ValueError for quotes that do not close."""
    if not text.startswith('"'):
        return text
    import json

    value = json.loads(text)
    if not isinstance(value, str):
        raise ValueError(text)
    return value


class Locked(NamedTuple):
    """What a lock file holds: the numbers, and the folders of which every spec is locked."""

    numbers: dict[tuple[str, str], str]
    covered: set[str]


def read(text: str, file: str) -> Locked:
    """A lock file. Raises SpecError at the line that is none."""
    found = Locked({}, set())
    first: dict[tuple[str, str], int] = {}  # the lines
    for line, content in enumerate(text.split("\n"), start=1):
        try:
            # Before the comments, as one of which this line begins.
            if content.startswith(COVERS):
                found.covered.add(unquote(content.removeprefix(COVERS)))
            elif content and not content.startswith("#"):
                # Too many tabs or too few are a ValueError here, as are quotes that do not close.
                path, name, value = content.split("\t")
                key = (unquote(path), unquote(name))
                # A merge may leave a line twice: only another value is a mistake.
                if found.numbers.setdefault(key, value) != value:
                    problem = _("another value for {name} of {path}", name=visible(key[1]), path=visible(key[0]))
                    hint = _(
                        "the first one is in line {line}; write the file anew with `cnncalc lock`", line=first[key]
                    )
                    raise SpecError([Problem(problem, Position(line, 1, len(content)), hint)], Source(file, text))
                first.setdefault(key, line)
        except ValueError:
            hint = _("write the file anew with `cnncalc lock`; lines like <<<<<<< are left over from a merge")
            problem = _("not a line of a lock file: path, name and value between tabs")
            position = Position(line, 1, max(1, len(content)))
            raise SpecError([Problem(problem, position, hint)], Source(file, text)) from None
    return found


def find_drifts(locked: Numbers, now: Numbers) -> list[Drift]:
    """What is not as it was locked: changed, new, or gone."""
    keys = sorted({*locked, *now})
    return [Drift(*key, locked.get(key), now.get(key)) for key in keys if locked.get(key) != now.get(key)]
