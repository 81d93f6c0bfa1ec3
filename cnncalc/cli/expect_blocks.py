"""Writes the numbers of a spec as they are now into its `expect:` block; everything else stays as it was typed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import click

from cnncalc.analysis import analyze_graph
from cnncalc.cli.options import Reading
from cnncalc.cli.output import write
from cnncalc.errors import CnncalcError, visible
from cnncalc.graph import Expectation
from cnncalc.language import _
from cnncalc.report import Verdict
from cnncalc.sources import load_graph, read_source


def update_expectations(paths: Sequence[str], reading: Reading) -> None:
    """Bring the expectations of specs up to date, and say what changed. Raises CnncalcError."""
    for path in paths:
        report = analyze_graph(load_graph(path, **reading))
        broken = [verdict for verdict in report.expectations if not verdict.holds]
        if not broken:  # a model expects nothing of itself, and is no text
            continue
        # `newline=""`: line ends stay as they are, or git would show every line as changed.
        with open(path, encoding="utf-8", newline="") as file:
            text = file.read()
        for line in say_changes(path, broken):
            click.echo(line)
        changed = replace_numbers(text, [verdict for verdict in broken if is_number(verdict)])
        if changed != text:
            check_it_holds(path, changed)
            write(changed, path)


def is_number(verdict: Verdict) -> bool:
    """Whether one number is expected, and known: a bound says what somebody wants, and stays."""
    return verdict.expectation.relation == "=" and verdict.actual is not None


def say_changes(path: str, broken: Sequence[Verdict]) -> Iterator[str]:
    """A line per expectation that does not hold."""
    for verdict in broken:
        old, new = verdict.expectation.text, write_plain(verdict.actual)
        say = _("{path}: {name}: {old} -> {new}", path=visible(path), name=verdict.name, old=old, new=new)
        if not is_number(verdict):
            say = _("{path}: {name}: {old} stays, although it is {new}", path=visible(path), name=verdict.name,
                    old=old, new=new)  # fmt: skip
        yield say


def write_plain(actual: object) -> str:
    if isinstance(actual, tuple):
        return "x".join(map(write_plain, actual))
    return "?" if actual is None else str(actual)


def replace_numbers(text: str, verdicts: Sequence[Verdict]) -> str:
    """The text of a spec with other numbers behind the keys of its expectations. Raises CnncalcError."""
    lines = text.split("\n")
    # From the end, so that what is written moves nothing that is still to be found
    for verdict in sorted(verdicts, key=lambda v: place_of(v.expectation), reverse=True):
        line, column = place_of(verdict.expectation)
        old = verdict.expectation.text
        before, rest = lines[line - 1][: column - 1], lines[line - 1][column - 1 :]
        # The number as it was typed, perhaps between quotes, and not the beginning of a longer one.
        found = re.match(r"[^:]*:\s*[\"']?(?=" + re.escape(old) + r"(?![\w,.]*\w))", rest)
        if found is None:
            raise CnncalcError(
                _("line {line}: {name}: its number is not found in this line: write it by hand",
                  line=line, name=verdict.name)
            )  # fmt: skip
        # As it was typed: with thousands apart where they were.
        new = f"{verdict.actual:,}" if "," in old and isinstance(verdict.actual, int) else write_plain(verdict.actual)
        lines[line - 1] = before + found[0] + new + rest[found.end() + len(old) :]
    return "\n".join(lines)


def place_of(expectation: Expectation) -> tuple[int, int]:
    assert expectation.position is not None  # every expectation of a spec stands in it
    return expectation.position.line, expectation.position.column


def check_it_holds(path: str, text: str) -> None:
    """Raise CnncalcError where a spec would not hold its numbers: then nothing is written."""
    from cnncalc.spec import graph_from_text

    source = read_source(path)
    # With the line ends that the reader of specs leaves.
    verdicts = analyze_graph(graph_from_text(source._replace(text=text.replace("\r\n", "\n")))).expectations
    if any(not verdict.holds and is_number(verdict) for verdict in verdicts):
        raise CnncalcError(_("{path}: cannot be brought up to date: write it by hand", path=visible(path)))
