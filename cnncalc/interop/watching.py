"""What a model says, and who asked for it: what nobody asks for would get lost without a word.

Settings and inputs note who reads them. What is left when a layer has been read, and is not what it is where nothing is
said, makes the layer one that is not read. What settings are where nothing is said, and which have no effect, is said
by each form: in onnx/read/unread.py, keras/read/unread.py and torch/read/table.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self, SupportsIndex, TypeVar

from cnncalc.language import _

T = TypeVar("T")


class Watched(dict[str, Any]):
    """Settings by name; `asked` are those that somebody asked for."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        super().__init__(given)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def find_left(
        self,
        usual: Mapping[str, Any],
        has_no_effect: Callable[[str], bool],
        is_same: Callable[[Any, Any], bool] = lambda value, other: bool(value == other),
    ) -> tuple[str, Any] | None:
        """The first setting, and its value, that nobody asked for and that may have an effect.

        usual          what a setting is where it is not written down; one that says nothing else has no effect
        has_no_effect  whether a setting changes nothing that is counted, whatever it is
        is_same        whether a value is that other one
        """
        # items() asks for nothing: to look at what is left marks none of it.
        for name, value in self.items():
            if name in self.asked or value is None or has_no_effect(name):
                continue
            if name not in usual or not is_same(value, usual[name]):
                return name, value
        return None


class WatchedInputs(tuple[T, ...]):
    """What enters a layer; `asked` are the numbers of those that somebody asked for."""

    asked: set[int]

    def __new__(cls, given: Sequence[T] = ()) -> Self:
        made = super().__new__(cls, given)
        made.asked = set()
        return made

    def __getitem__(self, i: SupportsIndex | slice) -> Any:
        self.asked.update(range(*i.indices(len(self))) if isinstance(i, slice) else [int(i) % max(1, len(self))])
        return super().__getitem__(i)

    def __iter__(self) -> Iterator[T]:
        self.asked.update(range(len(self)))
        return super().__iter__()

    def find_left(self, has_no_effect: Callable[[int, T], bool] = lambda i, value: False) -> str:
        """That an input is not read, the first that nobody asked for; empty if all are, or have no effect."""
        for i, value in enumerate(tuple.__iter__(self)):  # to look at what is left is not to ask for it
            if i not in self.asked and not has_no_effect(i, value):
                return _("its input {i} is not read", i=1 + i)
        return ""
