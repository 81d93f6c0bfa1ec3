"""What a command shows, before it is written in a format: a page of sections with tables, pictures and texts.

One kind of value for all commands, so that a format is written once and a command gets every format. Its texts are
those of the reader's language, as they are: each format makes them harmless for itself, in its `escape`. The rows
of a table are there twice, as texts for people and as `data` for programs, whose names are those of every language.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from cnncalc.errors import columns_of
from cnncalc.language import _

if TYPE_CHECKING:  # most pages have none
    from cnncalc.formats.findings import Finding, Suite

SCHEMA_VERSION = 1  # of what is written as JSON


class Table(NamedTuple):
    """Headings and rows of texts.

    left         how many columns, from the first, are aligned to the left; or which
    foot         a last row, under a rule
    names        of the columns, where a reader can choose some by name
    dispensable  headings of columns that may go where a terminal is narrow: the first to go comes first
    shortens     whether the first column may be shortened for the others
    colours      of each row on a terminal: red, green, yellow or none
    below        for each row, remarks that belong under it
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int | Collection[int] = 1
    foot: Sequence[str] = ()
    names: Sequence[str] = ()
    dispensable: Sequence[str] = ()
    shortens: bool = False
    colours: Sequence[str] = ()
    below: Sequence[Sequence[str]] = ()

    def is_left(self, i: int) -> bool:
        """Whether a column is aligned to the left."""
        return i < self.left if isinstance(self.left, int) else i in self.left

    def lines(self) -> list[Sequence[str]]:
        """Headings, rows and foot."""
        return [self.headings, *self.rows, *([self.foot] if self.foot else [])]

    def map_texts(self, change: Callable[[str], str]) -> "Table":
        """The table with every text changed, as a format makes it harmless."""
        return self._replace(
            headings=[change(text) for text in self.headings],
            rows=[[change(text) for text in row] for row in self.rows],
            foot=[change(text) for text in self.foot],
            dispensable=[change(text) for text in self.dispensable],
            below=[[change(text) for text in texts] for texts in self.below],
        )

    def choose(self, places: Sequence[int]) -> "Table":
        """The table with these columns alone."""
        return self._replace(
            headings=[self.headings[i] for i in places],
            rows=[[row[i] for i in places] for row in self.rows],
            # A set now, for columns that are aligned to the left need no longer be the first ones.
            left={new for new, i in enumerate(places) if self.is_left(i)},
            foot=[self.foot[i] for i in places] if self.foot else (),
            names=[self.names[i] for i in places] if self.names else (),
        )

    def without(self, headings: Iterable[str]) -> "Table":
        """The table without the columns of these headings."""
        gone = set(headings)
        return self.choose([i for i, heading in enumerate(self.headings) if heading not in gone])

    def with_remarks(self, heading: str) -> "Table":
        """What belongs under a row in a last column of its own, for formats in which nothing stands between rows."""
        # Without remarks there is no empty column for them.
        if not any(self.below):
            return self._replace(below=())
        rows = [[*row, "; ".join(texts)] for row, texts in zip(self.rows, self.below, strict=True)]
        left = {i for i in range(len(self.headings)) if self.is_left(i)} | {len(self.headings)}
        foot = [*self.foot, ""] if self.foot else ()
        return self._replace(headings=[*self.headings, heading], rows=rows, left=left, foot=foot, below=())

    def widths(self) -> list[int]:
        """Terminal columns that each column takes."""
        return [widest(column) for column in zip(*self.lines(), strict=True)]


def widest(texts: Sequence[str]) -> int:
    """Terminal columns that the longest of several texts takes."""
    # `len` is right for ASCII, and much quicker than a look at each character.
    return max(map(len if "".join(texts).isascii() else columns_of, texts))


class Formula:
    """A line `name = formula = value`: `parts` gives what stands between the signs, as text, latex or mathml."""

    __slots__ = ("parts",)

    def __init__(self, parts: Callable[[str], Sequence[str]]) -> None:
        self.parts = parts


class Derived:
    """How a number comes about: letters with their meanings, and lines of arithmetic."""

    __slots__ = ("lines", "symbols")

    def __init__(self, symbols: Sequence[tuple[Formula, str]], lines: Sequence[Formula]) -> None:
        self.symbols = symbols
        self.lines = lines


Note = str | tuple[str, str]  # a sentence, or a subject and what is said of it


def in_one(note: Note) -> str:
    """A note as one text: `subject: what is said of it`."""
    return _("{name}: {text}", name=note[0], text=note[1]) if isinstance(note, tuple) else note


class Section(NamedTuple):
    """A table under a heading, with what is said below it.

    key      its name in JSON, where `data` stands under it; without one it is for people alone
    data     a mapping for each row; its keys are the headings of CSV
    picture  lines that are printed as they are, below the table
    drawing  the picture as the text of an SVG, for formats that show such; empty where there is none
    caption  the one of the notes that explains the picture, and not the drawing
    derived  arithmetic: then the notes stand above everything else
    indent   of the second line of a note that is broken
    folded   what stands for the table until a reader opens it, where that can be
    """

    key: str
    table: Table | None = None
    data: Any = ()
    heading: str = ""
    notes: Sequence[Note] = ()
    picture: Sequence[str] = ()
    derived: Derived | None = None
    drawing: Callable[[], str] | None = None
    caption: str = ""
    indent: int = 2
    folded: str = ""


class Page(NamedTuple):
    """A title and sections.

    facts     what JSON says besides them; a function where that takes time
    records   the rows of CSV, where they are not the data of the first section
    told      lines that stand in place of the sections where people read text, such as problems in their lines
    findings  what reviewers see beside the lines of a file; None where there can be none
    suites    the same for CI servers, with what was found in order
    rules     a sentence for each code of a finding
    summary   one line for GitHub, behind the findings
    document  whether it is to be read from top to bottom, rather than looked at
    broken_at columns at which sentences are broken where there is no terminal
    """

    title: str = ""
    sections: Sequence[Section] = ()
    facts: Mapping[str, Any] | Callable[[], Mapping[str, Any]] = MappingProxyType({})
    records: Callable[[], Sequence[Mapping[str, Any]]] | None = None
    told: Sequence[str] | None = None
    findings: "Sequence[Finding] | None" = None
    suites: "Sequence[Suite]" = ()
    rules: Mapping[str, str] = MappingProxyType({})
    summary: str = ""
    document: bool = False
    broken_at: int | None = None
