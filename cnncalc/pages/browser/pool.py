"""Texts in every language of the page, each written once: data that was made in several languages, as one.

What people read is a `Text` in the data that a function makes in the language in use. The same function runs once for
each language, and what it makes is the same but for its texts: those become numbers, places in one list of
[English, Chinese]; a text that is the same in every language is a string there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnncalc.language import LANGUAGES, speaking


class Text(str):
    """A text that depends on the language."""

    __slots__ = ()


class Pool:
    """The texts of a page, in the order in which they are met."""

    def __init__(self) -> None:
        self.texts: list[str | list[str]] = []
        self._places: dict[tuple[str, ...], int] = {}

    def place(self, texts: tuple[str, ...]) -> int:
        """The number of a text, given in every language."""
        if texts not in self._places:
            self._places[texts] = len(self.texts)
            self.texts.append(texts[0] if len(set(texts)) == 1 else list(texts))
        return self._places[texts]

    def speak(self, make: Callable[[], Any]) -> Any:
        """What `make` makes, its texts as numbers."""
        found = []
        for language in LANGUAGES:
            # All of it once for each language: a text is put together where it is said, and cannot be taken apart.
            with speaking(language):
                found.append(make())
        return self._merge(found)

    def _merge(self, values: list[Any]) -> Any:
        first = values[0]
        if isinstance(first, Text):
            return self.place(tuple(map(str, values)))
        if isinstance(first, dict):
            return {key: self._merge([value[key] for value in values]) for key in first}
        if isinstance(first, (list, tuple)):
            return [self._merge(list(parts)) for parts in zip(*values, strict=True)]
        return first
