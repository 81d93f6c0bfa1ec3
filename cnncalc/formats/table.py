"""For a terminal: as wide as it is, in colour. Columns that do not fit are named, numbers and words never cut.

Laid out here and handed to rich as finished segments: its own table, with a cell for every number, takes
twenty times as long for a network of a hundred layers. Without colour rich is not loaded.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnncalc.errors import columns_of
from cnncalc.formats import lines, plain
from cnncalc.formats.page import Note, Page, Table
from cnncalc.formats.plain import SUBJECT, align, escape
from cnncalc.language import _

COLOURS = {"kind": "cyan", "params": "green", "connections": "magenta", "macs": "yellow"}  # of columns
BOLD, DIM, ALARM, PLAIN = "bold", "dim", "bold red", ""
SPACE = "   "  # between columns
NARROWEST_NAME = 12
NARROWEST_TEXT = 16  # columns that a column of sentences keeps

Piece = tuple[str, str]  # a text and its style


def render(page: Page, width: int | None = None, colour: bool = False) -> str:
    """The page as wide as the terminal."""
    # The terminal is asked on every page, for people resize it.
    width = width or shutil.get_terminal_size().columns
    pieces = page_pieces(page, width)
    return paint(pieces, width) if colour else "".join(text for text, _style in pieces)


def paint(pieces: Iterator[Piece], width: int) -> str:
    """The pieces with the escape sequences of a terminal."""
    from io import StringIO

    from rich.console import Console
    from rich.segment import Segment, Segments
    from rich.style import Style

    out = StringIO()
    # Nothing in a name may be markup: what rich would make of [red] stays text.
    console = Console(file=out, width=width, force_terminal=True, highlight=False, emoji=False, markup=False)
    styled = Segments([Segment(text, Style.parse(style)) for text, style in pieces])
    console.print(styled, end="", soft_wrap=True)
    return out.getvalue()


def page_pieces(page: Page, width: int) -> Iterator[Piece]:
    """Blocks of lines with an empty one between them."""
    first = True
    for block in blocks_of(page, width):
        if not first:
            yield "\n", PLAIN
        first = False
        yield from block


def blocks_of(page: Page, width: int) -> Iterator[list[Piece]]:
    """The title, and of each section heading, table, picture and notes, as far as they are there."""
    if page.told is not None:
        yield [("".join(f"{escape(line)}\n" for line in page.told), PLAIN)]
        return
    if page.title:
        rule = [("=" * columns_of(escape(page.title)) + "\n", DIM)] if page.document else []
        yield [*text_pieces(page.title, width, BOLD), *rule]
    for section in page.sections:
        notes = list(section.notes)
        if section.derived is not None:
            yield [(plain.derivation(section, min(width, plain.WIDEST)) + "\n", PLAIN)]
            continue
        if section.heading:
            yield list(text_pieces(section.heading, width, BOLD))
        if section.table is not None and section.table.rows:
            fitted = fit(section.table.map_texts(escape), width)
            yield list(table_pieces(fitted, width))
            notes += hidden_note(fitted)
        if section.picture:
            yield [("".join(f"{line}\n" for line in section.picture), PLAIN)]
        if notes:
            yield [piece for note in notes for piece in note_pieces(note, width, section.indent)]


class Fitted(NamedTuple):
    """The columns of a table that a terminal takes, their widths, and the names of those that it does not."""

    table: Table
    widths: list[int]
    hidden: list[str]


def fit(table: Table, width: int) -> Fitted:
    """First names are shortened and dispensable columns go; then the cells of the widest texts get several lines."""
    widths = table.widths()
    shown = list(range(len(widths)))
    can_shrink = max(0, widths[0] - NARROWEST_NAME) if table.shortens else 0

    def excess() -> int:
        return sum(widths[i] for i in shown) + len(SPACE) * (len(shown) - 1) - width

    for heading in table.dispensable:
        # Long names are worth a column of their own until only the main numbers are left.
        if excess() <= (can_shrink if len(shown) <= 4 else 0):
            break
        if heading in table.headings:
            shown.remove(table.headings.index(heading))
    widths[0] -= min(max(0, excess()), can_shrink)
    narrow(table, widths, shown, excess())
    labels = table.names or table.headings
    gone = [labels[i] for i in range(len(widths)) if i not in shown]
    return Fitted(table.choose(shown), [widths[i] for i in shown], gone)


def narrow(table: Table, widths: list[int], shown: Sequence[int], excess: int) -> None:
    """Take what is too much from the columns of texts, the widest first; no word is broken."""
    least = {i: max(NARROWEST_TEXT, longest_word(table, i)) for i in shown if table.is_left(i)}
    while excess > 0:
        widest = max((i for i in least if widths[i] > least[i]), key=lambda i: widths[i], default=None)
        if widest is None:
            return
        others = [widths[i] for i in least if i != widest and widths[i] > least[i]]
        # Down to the next widest, less one, so that equal columns shrink in turn.
        step = min(excess, widths[widest] - max([least[widest], *(w - 1 for w in others if w <= widths[widest])]))
        widths[widest] -= max(step, 1)
        excess -= max(step, 1)


def longest_word(table: Table, i: int) -> int:
    """Terminal columns of the longest stretch of a column that is not broken."""
    texts = [line[i] for line in table.lines()]
    return max((columns_of(unit) for text in texts for _glue, unit in lines.units(text)), default=0)


def table_pieces(fitted: Fitted, width: int) -> Iterator[Piece]:
    """Headings, rows, foot, with rules between them."""
    table, widths, _hidden = fitted
    rule = "─" * (sum(widths) + len(SPACE) * (len(widths) - 1)) + "\n"
    yield from row_pieces(fitted, table.headings, BOLD)
    yield rule, PLAIN
    for i, row in enumerate(table.rows):
        yield from row_pieces(fitted, row, table.colours[i] if table.colours else None)
        for text in table.below[i] if table.below else ():
            for line in lines.wrap_text(text, width, 4):
                yield (line if line.startswith("    ") else "    " + line) + "\n", PLAIN
    if table.foot:
        yield rule, PLAIN
        yield from row_pieces(fitted, table.foot, BOLD)


def row_pieces(fitted: Fitted, texts: Sequence[str], style: str | None) -> Iterator[Piece]:
    """A row, on as many lines as its longest cell takes."""
    table, widths, _hidden = fitted
    columns = []
    for i, (text, size) in enumerate(zip(texts, widths, strict=True)):
        short = not i and table.shortens
        columns.append([shorten(text, size)] if short or columns_of(text) <= size else lines.wrap_text(text, size))
    last = len(widths) - 1
    for k in range(max(map(len, columns))):
        line: list[Piece] = []
        for i, (cell, size) in enumerate(zip(columns, widths, strict=True)):
            named = table.names[i] if table.names else ""
            own = BOLD if not i and table.names else COLOURS.get(named, PLAIN)
            text = align(cell[k] if k < len(cell) else "", size, table.is_left(i)) + SPACE * (i < last)
            line.append((text, own if style is None else style))
        # A row in one style, headings or a judged one, is one piece: fewer escape sequences.
        if style is not None:
            line = [("".join(text for text, _style in line), style)]
        end, own = line.pop()
        yield from line
        # Spaces at the end of a line would wrap where the terminal is as wide as the table.
        yield end.rstrip(), own
        yield "\n", PLAIN


def shorten(text: str, width: int) -> str:
    """`text` in `width` terminal columns: of a path the beginning and the end."""
    if columns_of(text) <= width:
        return text
    end = text[-(width * 2 // 3) :]
    while columns_of(end) > width * 2 // 3:
        end = end[1:]
    start = text[: width - 1 - columns_of(end)]
    # By columns, not characters: a Chinese character takes two.
    while columns_of(start) + 1 + columns_of(end) > width:
        start = start[:-1]
    return f"{start}…{end}"


def hidden_note(fitted: Fitted) -> list[Note]:
    """What is said of columns that do not fit, in the way of the other notes."""
    if not fitted.hidden:
        return []
    names = ", ".join(fitted.hidden)
    if fitted.table.names:
        return [(_("not shown"), _("{names}: the terminal is too narrow (--columns chooses)", names=names))]
    return [_("not shown here: {names}", names=names)]


def note_pieces(note: Note, width: int, indent: int) -> Iterator[Piece]:
    """A note in lines that fit, with what is wrong in red."""
    if not isinstance(note, tuple):
        yield from text_pieces(note, width, PLAIN, indent)
        return
    subject, text = note
    yield align(escape(subject), SUBJECT, left=True) + " ", DIM
    yield from text_pieces(text, width, ALARM if subject in (_("not so"), _("not known")) else PLAIN, SUBJECT + 1)


def text_pieces(text: str, width: int, style: str, indent: int = 0) -> Iterator[Piece]:
    """A text in lines that fit, those after the first indented."""
    for line in lines.wrap_text(escape(text), width, indent):
        yield line.replace("\xa0", " "), style
        yield "\n", PLAIN
