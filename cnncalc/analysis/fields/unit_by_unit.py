"""Fields unit by unit, where they follow no grid: behind parts that are not equal.

At the network's own size. A unit sees what the units that it reads see, as far as they exist: behind padding, the
units at the border see less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cnncalc.analysis.fields.values import Grid, Units, highest, least_of, lowest, most_of
from cnncalc.layers.windows import Listed, Phases, Window

MOST_UNITS = 65_536  # of an axis that are listed; beyond, fields are not known
MOST_READS = 4_000_000  # units that are read by all units of an axis


def list_units(field: Grid | Units, units: int) -> Units | None:
    """The fields of the first `units` of a grid."""
    if isinstance(field, Units):
        return field if len(field.lo) == units else None
    if not 0 < units <= MOST_UNITS:
        return None
    return Units(tuple(lowest(field, [o]) for o in range(units)), tuple(highest(field, [o]) for o in range(units)))


def join_units(a: Grid | Units, b: Grid | Units, units: int) -> Units | None:
    """The hulls of two fields, unit by unit."""
    one, other = list_units(a, units), list_units(b, units)
    if one is None or other is None:
        return None
    return Units(tuple(map(least_of, one.lo, other.lo)), tuple(map(most_of, one.hi, other.hi)))


def move_units(field: Grid | Units, step: Window | Phases | Listed, units: int) -> Units | None:
    """The fields behind a step that gives so many units; None where they are too many to list."""
    if isinstance(step, Listed):
        return merge_parts(field, step)
    return None if isinstance(field, Grid) else step_units(field, step, units)


def merge_parts(field: Grid | Units, parts: Listed) -> Units | None:
    """Each unit sees what all units of its part see."""
    # Reads run upwards or downwards: their highest place is at one of the ends.
    one = list_units(field, 1 + max(max(reads[0], reads[-1]) for reads in parts.reads if reads))
    return None if one is None else gather_units(one, len(parts.reads), parts.reads.__getitem__)


def step_units(field: Units, step: Window | Phases, units: int) -> Units | None:
    """A window or a stretch over units that are listed."""
    if isinstance(step, Window):
        k, s, before, d = step.kernel, step.stride, step.before, step.dilation
        if units > MOST_UNITS or units * min(k, len(field.lo)) > MOST_READS:
            return None

        def taps(o: int) -> range:
            first = o * s - before
            # From the first tap on that is not before 0: -3 at dilation 2 goes on to 1.
            return range(first + max(0, -(first // d)) * d, min(first + (k - 1) * d + 1, len(field.lo)), d)

        return gather_units(field, units, taps)
    up, most = len(step.taps), max(map(len, step.taps))
    if units > MOST_UNITS or units * most > MOST_READS:
        return None
    return gather_units(field, units, lambda o: [o // up + t for t in step.taps[o % up]])


def gather_units(field: Units, units: int, reads: Callable[[int], Iterable[int]]) -> Units:
    """Units that see what several units see; those that do not exist are left out."""
    count = len(field.lo)
    lo: list[int | None] = []
    hi: list[int | None] = []
    for o in range(units):
        found = [i for i in reads(o) if 0 <= i < count]
        lo.append(min((low for i in found if (low := field.lo[i]) is not None), default=None))
        hi.append(max((high for i in found if (high := field.hi[i]) is not None), default=None))
    return Units(tuple(lo), tuple(hi))
