"""What a model says, and who asked for it: what nobody asks for would get lost without a word.

Settings and inputs note who reads them. What is left when a layer has been read, and is not what it is where nothing is
said, makes the layer one that is not read: onnx/read/unread.py, keras/read/unread.py and torch/read/table.py say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, SupportsIndex, TypeVar

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
