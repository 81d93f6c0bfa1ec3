"""Plain text, aligned: for pipes and files. Control characters of names are written out."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.errors import columns_of, visible
from cnncalc.formats.page import Derived, Formula, Note, Page, Section, Table

SUBJECT = 11  # columns for what a note is about
WIDEST = 100  # columns of a line of arithmetic


def escape(text: str) -> str:
    r"""Text whose line breaks, escape sequences and direction marks are written out as \n, \x1b, \u202e."""
    # \xa0 is how sentences keep two words on one line; it is written as a space when lines have been broken.
    return text if text.isprintable() else "\xa0".join(map(visible, text.split("\xa0")))


def render(page: Page, width: int | None = None, colour: bool = False) -> str:
    """The title, and of each section heading, table, picture and notes, with empty lines between them."""
    if page.told is not None:
        return "".join(f"{escape(line)}\n" for line in page.told)
    broken_at = width or page.broken_at
    title = escape(page.title)
    blocks = [f"{title}\n{'=' * columns_of(title)}" if page.document and title else title]
    for section in page.sections:
        if section.derived is not None:
            blocks.append(derivation(section, min(width or WIDEST, WIDEST)))
            continue
        blocks.append(escape(section.heading))
        if section.table is not None and section.table.rows:
            blocks.append(table_text(section.table))
        blocks.append("\n".join(section.picture))
        blocks.append("\n".join(line for note in section.notes for line in note_lines(note, broken_at, section.indent)))
    return "\n\n".join(block.rstrip("\n") for block in blocks if block) + "\n"


def table_text(table: Table) -> str:
    """The rows under their headings, and a rule between the two."""
    if not all("".join(line).isprintable() for line in [*table.lines(), *table.below]):
        table = table.map_texts(escape)
    widths = table.widths()
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    columns = [
        align_all(column, width, table.is_left(i))
        for i, (column, width) in enumerate(zip(zip(*table.lines(), strict=True), widths, strict=True))
    ]
    lines = ["  ".join(row).rstrip() for row in zip(*columns, strict=True)]
    if any(table.below):
        # From the last row up, so that places of rows above do not move.
        for i in reversed(range(len(table.rows))):
            lines[i + 2 : i + 2] = [f"    {text}" for text in table.below[i]]
    lines.insert(1, rule)
    if table.foot:
        lines.insert(-1, rule)
    return "\n".join(lines)


def note_lines(note: Note, width: int | None, indent: int) -> list[str]:
    """A sentence, broken where there is a width; with a subject, indented behind it."""
    if width is None:  # what breaks lines is loaded where there are some
        return [" ".join([align(escape(note[0]), SUBJECT, left=True), escape(note[1])]) if isinstance(note, tuple)
                else escape(note).replace("\xa0", " ")]  # fmt: skip
    from cnncalc.formats.lines import wrap_text

    if isinstance(note, tuple):
        subject, text = map(escape, note)
        lines = wrap_text(text, width, SUBJECT + 1)
        return [f"{align(subject, SUBJECT, left=True)} {lines[0]}", *lines[1:]]
    return [line.replace("\xa0", " ") for line in wrap_text(escape(note), width, indent)]


def align_all(texts: Sequence[str], width: int, left: bool) -> list[str]:
    """Each of several texts with spaces up to `width` terminal columns."""
    # A column of ASCII, as nearly all are, is looked at once and not cell by cell.
    if not "".join(texts).isascii():
        return [align(text, width, left) for text in texts]
    fill = str.ljust if left else str.rjust
    return [fill(text, width) for text in texts]


def align(text: str, width: int, left: bool) -> str:
    """`text` with spaces up to `width` terminal columns."""
    if text.isascii():
        return text.ljust(width) if left else text.rjust(width)
    space = " " * (width - columns_of(text))
    return text + space if left else space + text


def derivation(section: Section, width: int) -> str:
    """A number, what is said of it, the letters, and the arithmetic, each on lines of its own below it."""
    from cnncalc.formats.lines import wrap_text

    lines = [escape(section.heading)]
    for note in section.notes:
        first, *others = wrap_text(escape(str(note)), width, 2)
        lines += ["  " + first, *others]
    if section.table is not None:
        lines += [f"    {line}" for line in table_text(section.table).splitlines()]
    found = section.derived or Derived((), ())
    letters = [" = ".join(letter.parts("text")) for letter, _meaning in found.symbols]
    widest = max(map(len, letters), default=0)
    for letter, (_formula, meaning) in zip(letters, found.symbols, strict=True):
        lines.append(f"    {letter:<{widest}}  {escape(meaning)}".rstrip())
    return "\n".join([*lines, *(f"  {line}" for line in arithmetic(found.lines, width - 2))])


def arithmetic(formulas: Sequence[Formula], width: int) -> list[str]:
    """`name = formula`, and every further `= ...` on a line of its own below where it gets long."""
    from textwrap import wrap

    result = []
    for formula in formulas:
        first, *rest = map(escape, formula.parts("text"))
        whole = " = ".join([first, *rest])
        if columns_of(whole) <= width:
            result.append(whole)
            continue
        indent = " " * len(first)
        for i, part in enumerate(rest):
            head = f"{indent if i else first} = "
            # Formulas are broken at spaces alone: a number cut in two would be another number.
            lines = wrap(part, max(20, width - len(head)), break_long_words=False, break_on_hyphens=False)
            result += [head + lines[0], *(f"{indent}   {line}" for line in lines[1:])]
    return result
