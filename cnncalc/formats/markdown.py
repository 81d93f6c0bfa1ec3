"""Markdown, as GitHub draws it: tables, lists, and formulas between dollar signs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cnncalc.errors import columns_of
from cnncalc.formats import plain
from cnncalc.formats.page import Note, Page, Section, Table, in_one
from cnncalc.language import _


def escape(text: str) -> str:
    """Text in which no mark means anything to Markdown, and on one line."""
    return re.sub(r"[\\|_*<`\[~$]", r"\\\g<0>", plain.escape(text).replace("\xa0", " "))


def render(page: Page, width: int | None = None, colour: bool = False) -> str:
    """Headings, tables with a bold foot, pictures as they are, and notes as lists."""
    top = "##" if page.document else "###"
    blocks = [f"{top} {escape(page.title)}"] if page.title else []
    for section in page.sections:
        if section.heading:
            blocks.append(f"{top}# {escape(section.heading)}")
        if section.derived is not None:
            blocks += derivation(section)
            continue
        if section.table is not None and section.table.rows:
            blocks += fold(table_text(section.table), section.folded)
        if section.picture:
            blocks.append(picture(section.picture))
        blocks.append("\n".join(f"- {note_text(note)}" for note in section.notes))
    return "\n\n".join(block for block in blocks if block) + "\n"


def note_text(note: Note) -> str:
    """`subject: sentence`."""
    return escape(in_one(note))


def picture(lines: Sequence[str]) -> str:
    """Lines as they are, between fences longer than any row of backticks in them."""
    text = "\n".join(plain.escape(line) for line in lines)
    # CommonMark ends a fence only at as many backticks as began it.
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}"


def fold(table: str, summary: str) -> list[str]:
    """A table behind its summary, if it has one, that opens by a click."""
    return [f"<details><summary>{escape(summary)}</summary>", table, "</details>"] if summary else [table]


def table_text(table: Table) -> str:
    """A row per line between bars; colons under the headings say how a column is aligned."""
    table = table.with_remarks(_("remarks")).map_texts(escape)
    if table.foot:
        table = table._replace(foot=[f"**{text}**" if text else "" for text in table.foot])
    # As wide as tabulate made them, which left two columns more above than a number needs.
    widths = [
        max(columns_of(heading) + 2, *map(columns_of, cells), 3) for heading, *cells in zip(*table.lines(), strict=True)
    ]
    left = [table.is_left(i) for i in range(len(widths))]
    marks = [f":{'-' * (w + 1)}" if at_left else f"{'-' * (w + 1)}:" for w, at_left in zip(widths, left, strict=True)]
    lines = ["| " + " | ".join(map(plain.align, row, widths, left)) + " |" for row in table.lines()]
    # The line under the headings makes it a table; it stands second in every dialect.
    lines.insert(1, f"|{'|'.join(marks)}|")
    return "\n".join(lines)


def derivation(section: Section) -> list[str]:
    """What is said of a number, its letters, and its arithmetic as formulas of their own."""
    blocks = [note_text(note) for note in section.notes]
    if section.table is not None:
        blocks.append(table_text(section.table))
    if section.derived is not None:
        letters = [(f"${' = '.join(s.parts('latex'))}$", escape(meaning)) for s, meaning in section.derived.symbols]
        blocks.append("\n".join(f"- {in_one(letter)}" for letter in letters))
        blocks += ["$$" + " = ".join(line.parts("latex")) + "$$" for line in section.derived.lines]
    return blocks
