"""Which channels read which, for layers that tell channels apart: groups, tables, parts, shuffles.

Channels are counted from 0. Imported when a channel is asked for by itself: no other number needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, overload

from cnncalc.layers.reach import Reach


class Link(NamedTuple):
    """Channels of the output that read channels of the input. A channel may have several links, or none.

    each   the i-th of `outputs` reads the i-th of `inputs`; otherwise each of them reads all
    reach  what this link does to the receptive field, where the links of a layer differ
    """

    outputs: range
    inputs: Sequence[int]
    each: bool = True
    reach: Reach | None = None


class Alike(Sequence[Link]):
    """So many links of one form, each made when it is asked for: none has a reach of its own."""

    def __init__(self, size: int, make: Callable[[int], Link]) -> None:
        self.size, self.make = size, make

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, place: int) -> Link: ...

    @overload
    def __getitem__(self, place: slice) -> Alike: ...

    def __getitem__(self, place: int | slice) -> Link | Alike:
        # A range knows what negative places and slices mean, and raises IndexError beyond its end.
        found = range(self.size)[place]
        return self.make(found) if isinstance(found, int) else Alike(len(found), lambda i: self.make(found[i]))


def in_groups(groups: int, inputs: int, outputs: int) -> Sequence[Link]:
    """Channels in g equal groups: those of one read all of the same group."""
    n, m = inputs // groups, outputs // groups
    return Alike(groups, lambda g: Link(range(g * m, g * m + m), range(g * n, g * n + n), each=False))
