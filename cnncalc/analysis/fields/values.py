"""What units see along one axis of an input: an interval of its elements, for a map full of units.

Fields are hulls of interior units: padding moves them, borders do not cut them. Unit o of a map sees lo[o % T] +
(o // T) * span up to hi[o % T] + (o // T) * span; the period T is 1 until something is upsampled, whose units
differ from phase to phase. Source: Araujo, Norris, Sim 2019, Distill.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from cnncalc.arithmetic import least, most
from cnncalc.report import Jump

LONGEST_PERIOD = 1024  # phases that are told apart; beyond, a field is not known
LARGEST_SPAN = 10**100  # pixels from a unit's field to the next; strides on maps of one unit have no other bound


class Grid(NamedTuple):
    """Fields that repeat every `len(lo)` units, `span` input pixels further on. None: the unit sees nothing.

    without  of these units, those to which a branch adds nothing that sees more along other axes: in its holes; () if
             there are none
    """

    lo: tuple[int | None, ...]
    hi: tuple[int | None, ...]
    span: int
    without: tuple[bool, ...] = ()


class Units(NamedTuple):
    """Fields of the units of one size of the input, from the first to the last. None: the unit sees nothing."""

    lo: tuple[int | None, ...]
    hi: tuple[int | None, ...]


class Loose(NamedTuple):
    """Fields of known size that lie on no grid: the units of a flattened map."""

    size: int
    start: int | None
    smallest: int


class Whole(NamedTuple):
    """Every unit sees the whole axis; `jump` is that of the paths which do not, if there are any.

    seeing   of the units of a period, those that see: behind a transposed convolution with a kernel smaller than its
             stride there are others, which see nothing; None: which do is not followed
    bounded  there are these units and no others, at any size of the input: behind a global pool
    """

    jump: Jump | None
    seeing: tuple[bool, ...] | None = (True,)
    bounded: bool = False


class Fixed(NamedTuple):
    """Every unit sees the same elements, at one size of the input: behind a dense layer over a part of a map.

    hi below lo: none of them. seeing: as of `Whole`, of as many units as there are.
    """

    lo: int
    hi: int
    seeing: tuple[bool, ...] | None = (True,)


AxisField = Grid | Units | Loose | Whole | Fixed | None  # None: not known
Fields = tuple[AxisField, ...]  # for each axis of one input
ByOrigin = Mapping[int, Fields]  # by the number of the input, or of the value that fields are counted in


def unknown(field: AxisField) -> AxisField:
    """What is left of a field behind a layer of which it is not known which units it reads."""
    if not isinstance(field, (Whole, Fixed)):
        return None
    # Unless all of them see, it is lost which do.
    seeing = None if not all_see(field) else (True,)
    return Whole(None, seeing) if isinstance(field, Whole) else field._replace(seeing=seeing)


def leave_out(field: AxisField) -> AxisField:
    """The field of units among which there are others that see nothing, of which it is not told where."""
    if isinstance(field, (Whole, Fixed)):
        return field._replace(seeing=None)
    return field._replace(smallest=0) if isinstance(field, Loose) else None


def all_see(field: Whole | Fixed) -> bool:
    """Whether no unit is left out, as far as that is followed."""
    return field.seeing is not None and all(field.seeing)


def lowest(field: Grid, units: Sequence[int]) -> int | None:
    """The first element that any of these units sees; None if none sees any."""
    period = len(field.lo)
    found = [lo + u // period * field.span for u in units if (lo := field.lo[u % period]) is not None]
    # The least of one number is no step that a derivation would show.
    return None if not found else found[0] if len(found) == 1 else least(*found)


def highest(field: Grid, units: Sequence[int]) -> int | None:
    """The last element that any of these units sees; None if none sees any."""
    period = len(field.hi)
    found = [hi + u // period * field.span for u in units if (hi := field.hi[u % period]) is not None]
    return None if not found else found[0] if len(found) == 1 else most(*found)


def rising(field: Grid) -> bool:
    """Whether no unit sees something before its left neighbour does: then the outermost taps decide."""
    # The next period's first unit is compared too: the order has to hold across the turn.
    for ends in (field.lo, field.hi):
        if None in ends or any(a > b for a, b in pairwise((*ends, ends[0] + field.span))):  # type: ignore[operator]
            return False
    return True


def least_of(one: int | None, other: int | None) -> int | None:
    """The smaller of two ends; None is no end."""
    end: int | None = other if one is None else one if other is None else least(one, other)
    return end


def most_of(one: int | None, other: int | None) -> int | None:
    """The larger of two ends; None is no end."""
    end: int | None = other if one is None else one if other is None else most(one, other)
    return end


def largest(field: Grid | Units) -> int:
    """The size of the largest phase; 0 if no unit sees anything."""
    lo, hi = field.lo[0], field.hi[0]
    # Most maps have one phase, for which no list is made.
    return hi - lo + 1 if len(field.lo) == 1 and lo is not None and hi is not None else max(sizes_of(field))


def sizes_of(field: Grid | Units) -> list[int]:
    """The size of every phase or unit; 0 where a unit sees nothing."""
    ends = zip(field.lo, field.hi, strict=True)
    return [0 if lo is None or hi is None else hi - lo + 1 for lo, hi in ends]


def as_jump(numerator: Jump, denominator: int) -> Jump:
    """A whole number where it is one, else an exact fraction."""
    if isinstance(numerator, int) and numerator % denominator == 0:
        return numerator // denominator
    from fractions import Fraction  # hardly a network needs it

    jump = Fraction(numerator) / denominator
    return jump.numerator if jump.denominator == 1 else jump


def jump_of(field: AxisField) -> Jump | None:
    """Elements from a unit's field to its neighbour's; None where there is no such number."""
    if isinstance(field, Grid):
        return as_jump(field.span, len(field.lo))
    return field.jump if isinstance(field, Whole) else None
