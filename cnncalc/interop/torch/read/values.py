"""The values of tensors in a pass, by identity: which are known, and what becomes of them when they are written over.

Two tensors may share their elements: a view of the other, or its slice. What is written into one changes both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnncalc.interop.layouts import Seen
from cnncalc.interop.torch.read.flow import address, overlap


class Values:
    """What is known of tensors; a storage is the memory that several may share, known by its address.

    seen     of a tensor: its value
    kept     tensors, so that no identity is used again
    at       of a storage: the tensors in it of which a value is, or was, known
    dirty    of a tensor that was written over: its value until then, and what was written
    origins  of a tensor without a value: the function that it comes from, or was lost by
    writers  of a storage: the function that wrote into it last
    writes   how often something was written into a storage
    fills    of a storage: the samples that were written into it, one by one
    filling  of a tensor that was made empty: the parts that were put into it
    empty    tensors without elements
    later    of a tensor: its value, made where something needs it
    places   of a tensor of places of largest elements: the pooling that gives them
    """

    def __init__(self) -> None:
        self.seen: dict[int, Seen] = {}
        self.kept: list[Any] = []
        self.at: dict[int, list[Any]] = {}
        self.dirty: dict[int, tuple[Seen, list[Any]]] = {}
        self.origins: dict[int, str] = {}
        self.writers: dict[int, str] = {}
        self.writes: dict[int, int] = {}
        self.fills: dict[int, dict[int, Any]] = {}
        self.filling: dict[int, dict[tuple[int, int, int], Seen]] = {}
        self.empty: set[int] = set()
        self.later: dict[int, Callable[[], Seen | None]] = {}
        self.places: dict[int, int] = {}

    def keep(self, tensor: Any, seen: Seen) -> None:
        """Note the value of a tensor."""
        self.kept.append(tensor)
        self.seen[id(tensor)] = seen
        self.dirty.pop(id(tensor), None)
        here = self.at.setdefault(address(tensor), [])
        if not any(tensor is other for other in here):
            here.append(tensor)

    def lose(self, tensor: Any, word: str) -> None:
        """A tensor has not the value any more that was known, or never had one."""
        self.kept.append(tensor)
        self.seen.pop(id(tensor), None)
        self.origins[id(tensor)] = word

    def note_written(self, written: Sequence[Any], word: str) -> None:
        """A function has written over tensors: once into each of their storages."""
        for home in set(map(address, written)):
            self.writers[home] = word
            self.writes[home] = self.writes.get(home, 0) + 1

    def forget(self, written: Sequence[Any], results: Sequence[Any], word: str) -> None:
        """Tensors that share elements with what was written over have not the value any more that was known."""
        for over in written:
            for tensor in self.at.get(address(over), ()):
                known = id(tensor) in self.seen or id(tensor) in self.dirty
                if known and not any(tensor is r for r in results) and overlap(tensor, over):
                    # What was written over it is kept: where all of it was, the value is what was written.
                    before = self.dirty.get(id(tensor)) or (self.seen[id(tensor)], [])
                    self.dirty[id(tensor)] = (before[0], [*before[1], over])
                    self.lose(tensor, word)

    def find_origin(self, tensor: Any) -> str:
        """The function that a tensor without a value comes from."""
        return self.origins.get(id(tensor)) or self.writers.get(address(tensor), "compiled code")
