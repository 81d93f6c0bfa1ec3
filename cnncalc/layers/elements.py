"""What a unit reads of its layer's inputs, element by element: products of channels and places along each axis.

`Facts.reach` and `Layer.links` say it for most kinds; what they leave out a kind says in `Layer.elements`: places
that repeat in no regular way, the order of elements, weights. Channels are sets of bits: bit c stands for channel c;
a vector is all channels and has no axes. Used where sets of pixels are followed to the end; no count needs it.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from cnncalc.layers.reach import POINTWISE, WHOLE, Shape
from cnncalc.layers.windows import Listed, Phases, Window

EVERY = "every"  # a unit reads all channels
RAVELLED = "ravelled"  # the same elements in the same order, under another shape


class Permuted(NamedTuple):
    """The same elements, axis i of the output being axis `order[i]` of the input; axis 0 is the channels."""

    order: tuple[int, ...]


Step = Window | Phases | Listed | str  # str: POINTWISE or WHOLE
# EVERY; a number, that of the channel read minus the reader's; or (readers, read) as bits, each reader once at most.
Channels = str | int | tuple[tuple[int, int], ...]


class Read(NamedTuple):
    """What is read of input `source`: for a reader (c, *o) every channel that c reads, at every place that o reads.

    steps    one for each axis of the input; of an input with other axes than the output, all of them WHOLE
    share    what the values count for where several reads meet: 1 in a sum, 1/n in a mean
    weights  for each axis the weights of the taps, phase by phase (of a window: one), where they differ; None where all
             count alike
    signed   some weights are negative, so that a share of the whole is none
    gate     the values only scale what another read brings
    """

    source: int
    channels: Channels
    steps: tuple[Step, ...]
    share: Fraction | int = 1
    weights: tuple[tuple[tuple[Fraction, ...], ...], ...] | None = None
    signed: bool = False
    gate: bool = False


Reads = list[Read] | Permuted | str  # str: RAVELLED


def bits(channels: Iterable[int]) -> int:
    """Channels as bits."""
    if isinstance(channels, range) and channels.step == 1:
        return stretch_of_bits(channels.start, len(channels))
    found = 0
    for c in channels:
        found |= 1 << c
    return found


def stretch_of_bits(start: int, count: int) -> int:
    """The channels `start` up to, not including, `start + count`."""
    return ((1 << count) - 1) << start


def rows_of_bits(rows: Iterable[Iterable[int]]) -> Channels:
    """Reader i reads the channels `rows[i]`."""
    return tuple((1 << i, bits(row)) for i, row in enumerate(rows))


def tent_weights(factor: int) -> tuple[tuple[Fraction, ...], ...]:
    """Linear interpolation between half-pixel centres: the weights of the taps, phase by phase."""
    found = []
    for phase in range(factor):
        # How far the place lies behind its left tap: the remainder of what `interpolation_phases` divides.
        between = Fraction((2 * phase + 1 - factor) % (2 * factor), 2 * factor)
        found.append((1 - between, between) if between else (Fraction(1),))
    return tuple(found)


def stretched_read(source: int, shape: Shape, output: Shape, share: Fraction | int = 1) -> Read:
    """An input of an element-wise merge: an axis of one element is read by all."""
    # 0: channel c reads channel c.
    channels: Channels = 0 if shape[0] == output[0] else EVERY
    steps = tuple(POINTWISE if n == m else WHOLE for n, m in zip(shape[1:], output[1:], strict=True))
    return Read(source, channels, steps, share, gate=WHOLE in steps)
