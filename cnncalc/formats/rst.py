"""reStructuredText, as Sphinx and docutils read it: simple tables, bullet lists, and formulas as `math`.

Source: the specification, https://docutils.sourceforge.io/docs/ref/rst/restructuredtext.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cnncalc.errors import columns_of
from cnncalc.formats import plain
from cnncalc.formats.page import Note, Page, Section, Table, in_one
from cnncalc.language import _

# What makes a list, a comment, a field or a rule of a text, where it begins with it: `1. x`, `(a) x`, `- x`, `.. x`.
BEGINNING = re.compile(r"[!-/:-@\[\]^-`{-~•‣⁃]|(?:\d+|[A-Za-z]|[ivxlcdmIVXLCDM]+)[.)](?:\s|$)")


def escape(text: str) -> str:
    """Text in which no mark means anything to reStructuredText, and on one line."""
    marked = re.sub(r"[\\*`|_]|(?<=:):", r"\\\g<0>", plain.escape(text).replace("\xa0", " ").strip())
    return f"\\{marked}" if BEGINNING.match(marked) else marked


def render(page: Page, width: int | None = None, colour: bool = False) -> str:
    """Headings, tables with a bold foot, pictures as they are, and notes as lists."""
    blocks = [heading(page.title, "=")]
    for section in page.sections:
        blocks.append(heading(section.heading, "-"))
        if section.derived is not None:
            blocks += derivation(section)
            continue
        if section.table is not None and section.table.rows:
            blocks.append(table_text(section.table))
        if section.picture:
            blocks.append("\n".join(["::", "", *(f"    {plain.escape(line)}".rstrip() for line in section.picture)]))
        blocks.append("\n".join(f"- {note_text(note)}" for note in section.notes))
    return "\n\n".join(block for block in blocks if block) + "\n"


def heading(text: str, mark: str) -> str:
    """A line under a title, as wide as it is; nothing where there is none."""
    title = escape(text)
    return f"{title}\n{mark * columns_of(title)}" if title else ""


def note_text(note: Note) -> str:
    """`subject: sentence`."""
    return escape(in_one(note))


def table_text(table: Table) -> str:
    """A simple table: rows between rules of `=`, whose gaps say where columns begin."""
    table = table.with_remarks(_("remarks")).map_texts(escape)
    if table.foot:
        table = table._replace(foot=[f"**{text}**" if text else "" for text in table.foot])
    # A row whose first cell is empty would go on with the row before; with an empty comment in it, it is a row.
    rows = [[first or "..", *rest] for first, *rest in table.lines()]
    widths = [max(4, *map(columns_of, column)) for column in zip(*rows, strict=True)]
    left = [table.is_left(i) for i in range(len(widths))]
    rule = "  ".join("=" * w for w in widths)
    lines = ["  ".join(map(plain.align, row, widths, left)).rstrip() for row in rows]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def derivation(section: Section) -> list[str]:
    """What is said of a number, its letters, and its arithmetic as formulas of their own."""
    blocks = [note_text(note) for note in section.notes]
    if section.table is not None:
        blocks.append(table_text(section.table))
    if section.derived is not None:
        letters = [
            (f":math:`{' = '.join(s.parts('latex'))}`", escape(meaning)) for s, meaning in section.derived.symbols
        ]
        blocks.append("\n".join(f"- {in_one(letter)}" for letter in letters))
        blocks += [math([line.parts("latex") for line in section.derived.lines])] if section.derived.lines else []
    return blocks


def math(lines: Sequence[Sequence[str]]) -> str:
    """A directive with a formula per paragraph."""
    formulas = [" = ".join(parts) for parts in lines]
    return "\n\n".join([".. math::", *(f"    {formula}" for formula in formulas)])
