"""Pages of the commands as data for the page: what they say around their tables, and the tables."""

from __future__ import annotations

from typing import Any

from cnncalc.formats.page import Note, Page, Section, Table
from cnncalc.pages.browser.pool import Text


def page_data(page: Page) -> list[dict[str, Any]]:
    """The sections that people see, in the language in use; what is empty is left out."""
    return [section_data(section) for section in page.sections]


def section_data(section: Section) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "heading": Text(section.heading) if section.heading else None,
        "notes": [note_data(note) for note in section.notes],
        "table": None if section.table is None else table_data(section.table),
    }
    return {name: part for name, part in parts.items() if part}


def note_data(note: Note) -> Any:
    """A sentence, or [subject, what is said of it]."""
    return [Text(part) for part in note] if isinstance(note, tuple) else Text(note)


def table_data(table: Table) -> dict[str, Any]:
    """Headings and cells, and which columns are aligned to the left."""
    return {
        "headings": [Text(text) for text in table.headings],
        "left": [i for i in range(len(table.headings)) if table.is_left(i)],
        "rows": [[Text(text) for text in row] for row in table.rows],
    }
