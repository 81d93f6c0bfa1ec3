"""The whole profile of an effective field along one axis, exactly: how much each pixel counts for a unit.

Worked out by the pass of effective.py, on profiles that are kept as one number each, so that a shift of the number
moves all weights at once. What is assumed, and what a mass is, stands there.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from cnncalc.analysis.fields.effective.moments import Fold, average
from cnncalc.analysis.fields.reads import Book
from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph
from cnncalc.language import _

MASS = Fraction(9545, 10000)  # within two standard deviations of a normal distribution
THRESHOLD = Fraction(455, 10000)  # of the peak: 1 - 95.45 %, Luo et al. 2016, section 3
LARGEST_PROFILE = 2**30  # bits


class Packed(NamedTuple):
    """A profile as one number: weight i, times `denominator`, in the bits from i * width on; weight 0 at `start`."""

    value: int
    start: int
    denominator: int


class OfProfiles:
    """The algebra of whole profiles: a shift of a number moves all of them at once."""

    def __init__(self, width: int) -> None:
        self.width = width

    def move(self, element: Packed, by: int) -> Packed:
        return element._replace(start=element.start + by)

    def mix(self, parts: Sequence[tuple[Fraction, Packed]]) -> Packed:
        denominator = lcm(*(w.denominator * e.denominator for w, e in parts))
        start = min(e.start for _w, e in parts)
        value = 0
        for w, e in parts:
            times = w.numerator * (denominator // (w.denominator * e.denominator))
            # `*` binds before `<<`: weights are scaled first, then moved up by whole slots.
            value += e.value * times << (e.start - start) * self.width
        return Packed(value, start, denominator)

    def sweep(self, element: Packed, times: int, step: int) -> Packed:
        # 13 is 1101: behind the leading 1 the number of copies goes 1, 3, 6, 13.
        value, done, powers = element.value, 1, bin(times)[3:]
        for bit in powers:  # the sum of `done` copies, doubled from bit to bit
            value += value << done * step * self.width
            done *= 2
            if bit == "1":
                value = element.value + (value << step * self.width)
                done += 1
        return Packed(value, element.start, element.denominator * times)

    def weights(self, element: Packed) -> list[int]:
        """The weights one by one, times the denominator."""
        size = self.width // 8
        # A slot more than the bits fill, so that the last one is whole.
        raw = element.value.to_bytes(-(-element.value.bit_length() // 8) + size, "little")
        return [int.from_bytes(raw[i : i + size], "little") for i in range(0, len(raw) - size, size)] or [0]


class Size(NamedTuple):
    """What a packed profile will take: the mass, the common denominator, first and last position."""

    mass: Fraction
    denominator: int
    first: int
    last: int


class OfSizes:
    """The algebra of sizes: how many bits a weight may take, before profiles are packed."""

    def __init__(self) -> None:
        self.bits = 1

    def move(self, element: Size, by: int) -> Size:
        return element._replace(first=element.first + by, last=element.last + by)

    def mix(self, parts: Sequence[tuple[Fraction, Size]]) -> Size:
        return self._note(
            Size(
                sum((w * e.mass for w, e in parts), Fraction(0)),
                lcm(*(w.denominator * e.denominator for w, e in parts)),
                min(e.first for _w, e in parts),
                max(e.last for _w, e in parts),
            )
        )

    def sweep(self, element: Size, times: int, step: int) -> Size:
        mass, denominator, first, last = element
        return self._note(Size(mass, denominator * times, first, last + (times - 1) * step))

    def _note(self, size: Size) -> Size:
        self.bits = max(self.bits, int(size.mass * size.denominator + 1).bit_length())
        return size


class Profile(NamedTuple):
    """The exact profile of one unit along an axis: weight i of pixel `start + i` is weights[i] / denominator.

    The weights add up to the mass; `phase` is the unit's place in its period.
    """

    weights: tuple[int, ...]
    denominator: int
    start: int
    phase: int

    @property
    def variance(self) -> Fraction:
        """In pixels squared, around the mean position."""
        total = sum(self.weights)
        first = sum(i * w for i, w in enumerate(self.weights))
        return Fraction(sum(i * i * w for i, w in enumerate(self.weights)), total) - Fraction(first, total) ** 2

    def central_width(self, share: Fraction = MASS) -> int:
        """The fewest pixels around the middle that hold this share of the mass: as many left out on both sides."""
        total, left = sum(self.weights), len(self.weights)
        cut, gone = 0, 0
        while 2 * cut < left:
            # Where both ends meet in the middle pixel it is taken once.
            gone += self.weights[cut] + (self.weights[left - 1 - cut] if cut != left - 1 - cut else 0)
            if (total - gone) * share.denominator < share.numerator * total:
                break
            cut += 1
        return left - 2 * cut

    def width_above(self, share: Fraction = THRESHOLD) -> int:
        """From the first to the last pixel that counts more than this share of the one that counts most."""
        peak = max(self.weights)
        above = [i for i, w in enumerate(self.weights) if w * share.denominator > share.numerator * peak]
        return above[-1] - above[0] + 1


def profiles_of(graph: Graph, value: int, source: int, axis: int) -> list[Profile | None] | None:
    """The profile of each unit of a period, a mean over the channels of a value; None where it is not defined.

    Raises CnncalcError for one that is too long.
    """
    # Two passes: the first, on sizes alone, says how wide a slot is, so that no sum carries over into the next.
    sizes = OfSizes()
    book = Book(graph, local=True)
    plan = Fold(book, source, axis, sizes, Size(Fraction(1), 1, 0, 0), value).values[value]
    if not plan:
        return None
    last = average(plan, graph.shape(value)[0], sizes)
    if last is None:
        return None
    # Whole bytes, because `weights` cuts slots apart by bytes.
    width = -(-(sizes.bits + 1) // 8) * 8
    length = max((unit.last - unit.first + 1 for unit in last.units if unit is not None), default=0)
    if length * width > LARGEST_PROFILE:
        raise CnncalcError(_("a profile of {length} pixels is too long to work out exactly", length=f"{length:,}"))
    algebra = OfProfiles(width)
    classes = Fold(book, source, axis, algebra, Packed(1, 0, 1), value).values[value]
    cells = average(classes or [], graph.shape(value)[0], algebra)
    assert cells is not None
    return [
        None if unit is None else Profile(tuple(algebra.weights(unit)), unit.denominator, unit.start, phase)
        for phase, unit in enumerate(cells.units)
    ]
