"""A page of small tables with headings and remarks, in every format: what `rf` prints.

A Section has its rows twice: as texts for people, and as data for programs.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any, NamedTuple

from cnncalc.formats.grid import Grid, draw
from cnncalc.formats.lines import wrapped
from cnncalc.formats.markdown import escaped
from cnncalc.language import _

FORMATS = ("table", "plain", "markdown", "csv", "json")
NARROWEST = 12  # columns that a name keeps


class Section(NamedTuple):
    """A table under a heading, with what is said below it.

    key          its name in JSON, where `data` stands under it; without one it is for people alone
    data         a mapping for each row; its keys are the headings of CSV
    dispensable  headings of columns that may go where a terminal is narrow: the first to go comes first
    picture      lines that are printed as they are, below the table
    """

    key: str
    grid: Grid | None = None
    data: Any = ()
    heading: str = ""
    notes: Sequence[str] = ()
    dispensable: Sequence[str] = ()
    picture: Sequence[str] = ()


class Page(NamedTuple):
    """A title and sections; `facts` are what JSON says besides them."""

    title: str
    sections: Sequence[Section]
    facts: Mapping[str, Any] = {}


def render(page: Page, format: str, width: int | None = None) -> str:
    """The page in one of FORMATS, ending with a line break. With a width columns that do not fit are left out."""
    if format == "json":
        return as_json(page)
    if format == "csv":
        return as_csv(page.sections[0])
    parts = [f"### {escaped(page.title)}" if format == "markdown" else page.title]
    for section in page.sections:
        text = "\n".join(drawn(section, format, width))
        if section.heading:
            parts.append(f"#### {escaped(section.heading)}" if format == "markdown" else section.heading)
        parts.append(text)
    return "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"


def drawn(section: Section, format: str, width: int | None) -> list[str]:
    """The table, the picture and the remarks of a section, a text each."""
    parts, notes = [], list(section.notes)
    if section.grid is not None and section.grid.rows:
        grid, gone = section.grid, list[str]()
        if width is not None and format != "markdown":
            grid, gone = grid.fitted(width, section.dispensable)
        parts.append(draw(grid, "markdown" if format == "markdown" else "plain"))
        if gone:
            notes.append(_("not shown here: {names}", names=", ".join(gone)))
    if section.picture:
        fence = ["```"] if format == "markdown" else []
        parts.append("\n".join([*fence, *section.picture, *fence]) + "\n")
    if format == "markdown":
        parts += ["\n".join(f"- {escaped(note)}" for note in notes)] if notes else []
    else:
        parts += ["\n".join(wrapped(note, width, 2)) if width else note for note in notes]
    return parts


def as_json(page: Page) -> str:
    """Every number of every section, a line for each row."""
    content: dict[str, Any] = {"schema_version": 1, **page.facts}
    lines = [f"  {compact(key)}: {compact(value)}" for key, value in content.items()]
    for section in (s for s in page.sections if s.key):
        if isinstance(section.data, Mapping) or not section.data:
            lines.append(f"  {compact(section.key)}: {compact(section.data or [])}")
        else:
            rows = ",\n".join(f"    {compact(row)}" for row in section.data)
            lines.append(f"  {compact(section.key)}: [\n{rows}\n  ]")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def as_csv(section: Section) -> str:
    """The rows of a section under the names that they have in every language, empty where a number is not known."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    rows = [section.data] if isinstance(section.data, Mapping) else list(section.data)
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer.writerow(names)
    for row in rows:
        writer.writerow([flat(row.get(name)) for name in names])
    return out.getvalue()


def flat(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)) and any(isinstance(v, (list, tuple)) for v in value):
        return compact(value)
    if isinstance(value, (list, tuple)):
        return "x".join("?" if v is None else str(flat(v)) for v in value)
    return compact(value) if isinstance(value, Mapping) else value
