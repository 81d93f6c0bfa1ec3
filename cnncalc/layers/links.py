"""Which channels read which, for layers that tell channels apart: groups, tables, parts, shuffles.

Channels are counted from 0. Imported when a channel is asked for by itself: no other number needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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


def in_groups(groups: int, inputs: int, outputs: int) -> list[Link]:
    """Channels in g equal groups: those of one read all of the same group."""
    n, m = inputs // groups, outputs // groups
    return [Link(range(g * m, g * m + m), range(g * n, g * n + n), each=False) for g in range(groups)]
