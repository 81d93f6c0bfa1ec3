"""Whether an answer, in one of its readings, is the number that is asked for: exactly, or as people abbreviate it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple

from cnncalc.answers.notation import Reading
from cnncalc.language import _

SMALLEST_PRODUCT = 100  # below it, a number of values may as well be a size


class Match(NamedTuple):
    """How an answer fits: by which convention, if it is one; `remark`: what it leaves open, though it is right.

    `notation` where the convention is only another way to write the same.
    """

    convention: str = ""
    remark: str = ""
    notation: bool = False


EXACT = Match()


def match(readings: Sequence[Reading], expected: Any, quantity: str) -> Match | None:
    """The first way in which a reading is the expected number; None where none is."""
    if expected is None:
        return None
    if not isinstance(expected, tuple):
        numbers = (r for r in readings if not isinstance(r.value, tuple))
        return EXACT if any(r.means(expected) for r in numbers) else None
    shapes = [r for r in readings if isinstance(r.value, tuple)]
    found = [match_shape(r, expected) if quantity == "output" else match_axes(r, expected) for r in shapes]
    fitting = [one for one in found if one is not None]
    # A plain hit stands above one by a convention, and that above one with a remark.
    return min(fitting, key=lambda one: (bool(one.convention), bool(one.remark)), default=None)


def match_axes(reading: Reading, expected: tuple[Any, ...]) -> Match | None:
    """A field or a jump: a size for each axis, or one for all."""
    sizes = reading.value
    return EXACT if sizes == expected or (len(sizes) == 1 and set(expected) == set(sizes)) else None


def match_shape(reading: Reading, expected: tuple[Any, ...]) -> Match | None:
    """A shape: with or without its batch and its axes of 1, channels first or last, or of a map the size alone."""
    sizes = reading.value
    for shape in (sizes, *([sizes[1:]] if len(sizes) == len(expected) + 1 else [])):  # the first may be a batch
        # 28x28 answers for 1x28x28, and 84x1x1 for 84.
        if shape == expected or without_ones(shape) == without_ones(expected):
            return EXACT
        if not reading.channels_first and shape == (*expected[1:], expected[0]):
            return Match(_("channels last"), notation=True)
    # People are often asked for "the output size" and leave the channels out.
    along = expected[1:]
    if along and sizes in (along, *([along[:1]] if len(set(along)) == 1 else [])):
        return Match(remark=_("the size of the map; the channels were not given"))
    if len(sizes) == 1 and len(expected) > 1 and sizes[0] == prod(expected) >= SMALLEST_PRODUCT:
        return Match(_("the number of values, not the shape"), notation=True)
    return None


def without_ones(sizes: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(size for size in sizes if size != 1)


def match_binary(readings: Sequence[Reading], expected: Any) -> bool:
    """Whether an answer in KB, MB or GB is right by powers of 1024."""
    for r in readings:
        if r.power and not isinstance(r.value, tuple):
            factor = Fraction(1024**r.power, 1000**r.power)
            if abs(r.value * factor - expected) <= r.slack * factor:
                return True
    return False
