"""Names of other programs as names of the spec language: `layer1.0.conv1` is `layer1/0/conv1`.

A name is a path of parts between strokes; a part is letters, digits, `_`, `-` and `+`, and no word of the language:
a step cannot be called `fc`, which is a kind. Such a part gets a number, as a step without a name has: `fc1`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from cnncalc.layers import kind_named
from cnncalc.layers.options import SPATIAL

LONGEST_PART = 100
MOST_PARTS = 30
RESERVED = ("in", "identity", "residual", "from", "layers", "shortcut", "then", "repeat", "if", "weights")


def legal(name: str) -> str:
    """The nearest path that the language allows; empty where nothing of the name is left."""
    # Longer names exist in exported files, with the whole path of every call in them.
    parts = (re.sub(r"[^\w+-]", "_", part).lstrip("+-")[:LONGEST_PART] for part in re.split(r"[./:\\]+", name[:5000]))
    return "/".join(
        f"{part}1" if is_word(part) else part for part in islice((p for p in parts if p.strip("_")), MOST_PARTS)
    )


def is_word(part: str) -> bool:
    """Whether a part is a word of the language, which no step can be called."""
    return part in RESERVED or kind_named(part) is not None


def axis_word(axis: int, rank: int) -> str:
    """An axis as the language names it: by its letter, where arrays of so many axes have letters."""
    letters = "c" + SPATIAL.get(rank, "")
    return letters[axis] if len(letters) == rank else str(axis)


class Names(set[str]):
    """Names that are taken. It remembers for each beginning which number was found free last: the next is behind it."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        super().__init__(names)
        self.numbers: dict[str, int] = {}

    def free(self, stem: str, least: int) -> str:
        """The stem with the first number that is free, from `least` on."""
        number = self.numbers.get(stem, least)
        while f"{stem}{number}" in self:
            number += 1
        # Thousands of steps of one kind would else each be counted up to from 1.
        self.numbers[stem] = number
        return f"{stem}{number}"

    def give_back(self, names: Iterable[str]) -> None:
        """Names that are free again."""
        self.difference_update(names)
        self.numbers.clear()


def unique(name: str, taken: Names) -> str:
    """The name, or with the first number behind it that is free: `conv`, `conv_2`."""
    return taken.free(f"{name}_", 2) if name in taken else name


def number_name(kind: str, prefix: str, taken: Names) -> str:
    """What a step without a name is called: its kind and the first number that is free, `conv1`."""
    return taken.free(f"{prefix}{kind}", 1)
