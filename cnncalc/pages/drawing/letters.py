"""How wide a text is, roughly: so that a layout can reserve room for what no program of ours measures.

Widths are those of Helvetica, which Arial, Liberation Sans and Nimbus Sans share, in thousandths of the size of the
letters; East Asian wide characters take a whole size, marks above or below another character nothing. Source: Adobe's
font metrics of the fourteen base fonts of PostScript. Imported by the styles and by `scene`.
"""

from __future__ import annotations

from functools import lru_cache
from unicodedata import category, combining, east_asian_width

OTHER = 640  # Greek, Cyrillic, Hebrew, Arabic: on the wide side
ASCII_WIDTHS = (
    *(OTHER,) * 32,  # controls, which are written out before anything is drawn
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584, OTHER,
)  # fmt: skip
WIDE = 1000
BOLD = 1.07
MARGIN = 1.04  # for fonts that are a little wider
ASCENT, DESCENT = 0.95, 0.25  # of the size: what browsers measure as the box of a line
LEADING = 1.3  # from line to line


def width_of(words: str, size: float, *, bold: bool = False) -> float:
    """The width of a line of text whose letters have this size, in the unit of the size."""
    return measure_line(words) * size / 1000 * MARGIN * (BOLD if bold else 1)


@lru_cache(4096)  # a drawing measures the same words again and again: kinds, shapes, headings
def measure_line(words: str) -> int:
    """The width of a line of text in thousandths of the size of its letters."""
    if words.isascii():
        return sum(map(ASCII_WIDTHS.__getitem__, words.encode()))
    return sum(ASCII_WIDTHS[ord(c)] if c.isascii() else measure_other(c) for c in words)


def measure_other(letter: str) -> int:
    """The width of a character that is not ASCII."""
    if combining(letter) or category(letter) in ("Mn", "Me"):
        return 0
    return WIDE if east_asian_width(letter) in "WFA" else OTHER


def fit(words: str, width: float, size: float, *, bold: bool = False) -> str:
    """The text, or as much of its beginning and end as fits, with … between them."""
    if width_of(words, size, bold=bold) <= width:
        return words
    # By halves: a name may have thousands of characters, and each cut is measured anew.
    low, high = 0, len(words)
    while low < high:  # the most characters that are kept
        middle = (low + high + 1) // 2
        if width_of(cut(words, middle), size, bold=bold) <= width:
            low = middle
        else:
            high = middle - 1
    return cut(words, low)


def cut(words: str, kept: int) -> str:
    """So many characters of a text, two thirds from its beginning, around …."""
    if kept >= len(words):
        return words
    end = kept // 3
    return words[: kept - end] + "…" + words[len(words) - end :]
