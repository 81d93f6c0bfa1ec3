"""What a layer does to fields: a window slides over them, a stretch takes them apart, at a merge they are united.

Axis by axis. Sources: Araujo, Norris, Sim 2019, Distill (chains, and where paths meet); Dumoulin & Visin,
arXiv:1603.07285 (transposed convolution).
"""

from collections.abc import Mapping, Sequence
from math import gcd, lcm

from cnncalc.analysis.fields.values import (
    LARGEST_SPAN,
    LONGEST_PERIOD,
    AxisField,
    Fields,
    Fixed,
    Grid,
    Loose,
    Units,
    Whole,
    as_jump,
    highest,
    jump_of,
    largest,
    least_of,
    lowest,
    most_of,
    rising,
    sizes_of,
    unknown,
)
from cnncalc.layers.base import FLATTENED, POINTWISE, WHOLE, Reach, Shape, Step
from cnncalc.layers.windows import Listed, Phases, Window

MOST_TAPS = 65_536  # of a map of which it is told apart which units see


def advance(fields: Fields, reach: Reach | None, output: Shape, shape: Shape, *, grows: bool = False) -> Fields:
    """The fields behind a layer with one input of this shape.

    grows  its map of one unit has more of them on a larger map, as behind a norm and not behind a pooling
    """
    if reach == POINTWISE:
        return fields
    if reach == WHOLE:
        return tuple(whole_behind(f, output, axis, grows=grows) for axis, f in enumerate(fields))
    if reach == FLATTENED or reach is None or len(shape) - 1 != len(fields):
        if reach == FLATTENED:
            return tuple(map(flatten, fields))
        return tuple(elsewhere(f, output, axis, followed=reach is None) for axis, f in enumerate(fields))
    new: list[AxisField] = []
    for i, (field, step) in enumerate(zip(fields, reach, strict=True)):
        # Square maps are the rule: an axis that is as the one before it is not worked out again.
        alike = i and field is fields[i - 1] and step == reach[i - 1]
        # On a grid the step alone decides; all other fields depend on how many units there are, before and behind.
        if alike and (
            isinstance(new[-1], Grid) or shape[i : i + 2] == output[i : i + 2] or same_axes(shape, output, i)
        ):
            new.append(new[-1])
        else:
            new.append(along(field, step, shape[i + 1], output[i + 1], grows=grows))
    return behind_holes(new)


def behind_holes(fields: Sequence[AxisField]) -> Fields:
    """The fields of units, all of which may read a branch in its holes along one axis alone.

    What is seen by way of it along the other axes is not seen then, and no longer told from what is seen otherwise.
    """
    holes = [isinstance(field, Grid) and bool(field.without) and all(field.without) for field in fields]
    if not any(holes):
        return tuple(fields)
    # An axis keeps its field where the holes lie on no other.
    known = [not any(holes[:i] + holes[i + 1 :]) for i in range(len(holes))]
    return tuple(
        field._replace(without=()) if sure and isinstance(field, Grid) else field if sure else None
        for field, sure in zip(fields, known, strict=True)
    )


def same_axes(shape: Shape, output: Shape, axis: int) -> bool:
    """Whether an axis has as many units as the one before it, in front of a layer and behind."""
    # Channels come first: axis i of the map is shape[i + 1], the one before it shape[i].
    return shape[axis] == shape[axis + 1] and output[axis] == output[axis + 1]


def whole_behind(field: AxisField, output: Shape, axis: int, *, grows: bool) -> AxisField:
    """The field of a unit that reads all units of a map; what all of them see alike it sees too."""
    if isinstance(field, Fixed):
        return field._replace(seeing=(True,))
    units = output[1 + axis] if len(output) > 1 + axis else 0
    if sees_nothing(field):
        return nothing(units)
    # A norm keeps the places of its units; a pooling or a dense layer leaves one unit or none in a place.
    same_places = len(output) > 1 and (grows or any(n > 1 for n in output[1:]))
    if not same_places:
        return Whole(None, bounded=len(output) > 1)
    return Whole(jump_of(field), (True,) * units, bounded=True) if is_bounded(field, units) else Whole(jump_of(field))


def is_bounded(field: AxisField, units: int) -> bool:
    """Whether a map has so many units at any size of the input, or what is said of it is said of this size alone."""
    return isinstance(field, Units) or (isinstance(field, Whole) and field.bounded and len(field.seeing or ()) == units)


def elsewhere(field: AxisField, output: Shape, axis: int, *, followed: bool) -> AxisField:
    """The field of units that lie on other axes now, or in another order: what all see alike they go on seeing.

    followed  they are the same units; else some may be none of those before, of which it is not told which
    """
    left = unknown(field)
    if not isinstance(left, (Whole, Fixed)) or not followed or left.seeing is None:
        return left._replace(seeing=None) if isinstance(left, (Whole, Fixed)) else left
    if isinstance(left, Whole) and len(output) > 1 + axis:  # of another input the shape would be another one
        return Whole(None, (True,) * output[1 + axis], bounded=True)
    return left


def nothing(units: int) -> Units | Loose:
    """The fields of so many units that see nothing; 0: of units that lie in no order."""
    return Units((None,) * units, (None,) * units) if 0 < units <= MOST_TAPS else Loose(0, None, 0)


def sees_nothing(field: AxisField) -> bool:
    """Whether all units are known to see nothing: no tap of theirs lands on a unit that sees something."""
    if isinstance(field, (Grid, Units)):
        return all(end is None for end in field.hi)
    return (isinstance(field, Loose) and field.size == 0) or (isinstance(field, Fixed) and field.hi < field.lo)


def flatten(field: AxisField) -> AxisField:
    """The field of the units of a map that are laid out in a row."""
    if isinstance(field, (Grid, Units)):
        return Loose(largest(field), field.lo[0], min(sizes_of(field)))
    return unknown(field) if isinstance(field, (Whole, Fixed)) else field


def along(field: AxisField, step: Step, before: int, units: int, *, grows: bool = False) -> AxisField:
    """The field behind one step along one axis, from so many units to so many; `grows` as in `advance`."""
    if step == WHOLE:
        if sees_nothing(field):
            return nothing(units)
        if isinstance(field, Fixed):
            return field._replace(seeing=(True,))
        bounded = (units == 1 and not grows) or is_bounded(field, units)
        return Whole(None, (True,) * units if bounded else (True,), bounded)
    if step is None or isinstance(step, str):
        return unknown(field)
    if isinstance(field, (Whole, Fixed)):
        return beyond_whole(field, step, before, units)
    if isinstance(field, Grid) and not isinstance(step, Listed):
        return slide(field, step) if isinstance(step, Window) else stretch(field, step)
    if isinstance(field, (Grid, Units)):
        from cnncalc.analysis.fields.unit_by_unit import move_units  # hardly a network needs it

        return move_units(field, step, units)
    # Kernel 1, stride 1, no padding: the one step for which it does not matter who the neighbours are.
    if isinstance(field, Loose) and isinstance(step, Window) and step[:4] == (1, 1, 0, 0):
        return field
    return None


def beyond_whole(field: Whole | Fixed, step: Window | Phases | Listed, before: int, units: int) -> AxisField:
    """Behind units that all see the same; a map of which no tap lands on a unit that sees something sees nothing.

    A map that goes on with the image is taken to go on; one that has so many units at any size ends where it does.
    """
    if step[:4] == (1, 1, 0, 0):
        return field  # the window of one unit, which is moved by one
    if field.seeing is None:
        return None
    seeing: tuple[bool, ...] | None
    if isinstance(field, Fixed) or field.bounded or isinstance(step, Listed):
        seeing = seeing_behind(field.seeing, step, before, units)
    else:
        seeing = still_seeing(field.seeing, step)
    if seeing is not None and not any(seeing):
        return nothing(units)
    if isinstance(field, Fixed):
        return field._replace(seeing=seeing)
    if isinstance(step, Listed):
        return Whole(None, seeing, bounded=True)
    down, up = (step.stride, 1) if isinstance(step, Window) else (1, len(step.taps))
    return Whole(None if field.jump is None else as_jump(field.jump * down, up), seeing, field.bounded)


def seeing_behind(
    seeing: tuple[bool, ...], step: Window | Phases | Listed, before: int, units: int
) -> tuple[bool, ...] | None:
    """Which of so many units read one of `before` units that sees something; None where that is too much to ask."""
    period = len(seeing)
    if units * taps_of(step) > MOST_TAPS:
        return (lands(step, before, units),) if all(seeing) else None
    return tuple([any(0 <= i < before and seeing[i % period] for i in taps_at(step, o)) for o in range(units)])


def taps_of(step: Window | Phases | Listed) -> int:
    """The most units that one unit behind a step reads."""
    if isinstance(step, Window):
        return step.kernel
    return max(map(len, step.taps if isinstance(step, Phases) else step.reads))


def taps_at(step: Window | Phases | Listed, unit: int) -> Sequence[int]:
    """The places that a unit behind a step reads, beyond the ends too."""
    if isinstance(step, Window):
        first = unit * step.stride - step.before
        # Kernel 3, dilation 2, stride 2, 1 padded: unit 1 begins at 2 - 1 and reads 1, 3, 5.
        return range(first, first + (step.kernel - 1) * step.dilation + 1, step.dilation)
    if isinstance(step, Listed):
        return step.reads[unit]
    up = len(step.taps)
    # Stretched by 2, units 6 and 7 both stand on place 3; taps are counted from there.
    return [unit // up + t for t in step.taps[unit % up]]


def still_seeing(seeing: tuple[bool, ...], step: Window | Phases) -> tuple[bool, ...]:
    """Which units of a period see anything behind a step, where not all did before it, or not all read something."""
    period = len(seeing)
    if isinstance(step, Window):
        if period == 1:
            return seeing
        # Every s-th phase: of period 4 at stride 2 two are left, at stride 3 all four come, in another order.
        units = range(period // gcd(period, step.stride))
        taps = range(min(step.kernel, period))  # further ones read the same phases again
        first = [o * step.stride - step.before for o in units]
        return tuple([any(seeing[(f + t * step.dilation) % period] for t in taps) for f in first])
    up = len(step.taps)
    if (period == 1 and all(map(len, step.taps))) or up * period > LONGEST_PERIOD:
        return (True,)
    return tuple([any(seeing[(o // up + t) % period] for t in step.taps[o % up]) for o in range(up * period)])


def lands(step: Window | Phases | Listed, before: int, units: int) -> bool:
    """Whether any of the units behind a step reads one of the `before` units in front of it, not padding alone."""
    if isinstance(step, Window):
        return step.taps_on_input(before) > 0
    if isinstance(step, Listed):
        return any(map(len, step.reads))
    up = len(step.taps)
    return any(0 <= o // up + t < before for o in range(units) for t in step.taps[o % up])


def slide(field: Grid, window: Window) -> Grid | None:
    """Behind a window: unit o reads the units o*s - before + t*d for t < k."""
    lo, hi, span, without = field
    if span > LARGEST_SPAN:
        return None
    k, s, before, d = window.kernel, window.stride, window.before, window.dilation
    period = len(lo)
    if period == 1:
        if lo[0] is None or hi[0] is None:
            return Grid(lo, hi, span * s)
        return Grid((lo[0] - before * span,), (hi[0] + ((k - 1) * d - before) * span,), span * s)
    units = range(period // gcd(period, s))
    # So many new units lie s old ones apart each: that many old ones, in spans of a period.
    new_span = len(units) * s // period * span
    if rising(field):
        lows = [divmod(o * s - before, period) for o in units]
        highs = [divmod(o * s - before + (k - 1) * d, period) for o in units]
        return Grid(
            tuple([lo[phase] + turns * span for turns, phase in lows]),  # type: ignore[operator]
            tuple([hi[phase] + turns * span for turns, phase in highs]),  # type: ignore[operator]
            new_span,
            in_holes(without, [range(o * s - before, o * s - before + (k - 1) * d + 1, d) for o in units]),
        )
    # Fields move on by `span` every `period` units, so that the first taps hold the lowest pixel and the
    # last the highest.
    first = [t * d - before for t in range(min(k, period))]
    last = [t * d - before for t in range(max(0, k - period), k)]
    new_lo = [lowest(field, [o * s + t for t in first]) for o in units]
    new_hi = [highest(field, [o * s + t for t in last]) for o in units]
    taps = range(min(k, period))  # further ones read the same phases again
    return Grid(
        tuple(new_lo),
        tuple(new_hi),
        new_span,
        in_holes(without, [[o * s - before + t * d for t in taps] for o in units]),
    )


def in_holes(without: tuple[bool, ...], reads: Sequence[Sequence[int]]) -> tuple[bool, ...]:
    """Of units, those that read a branch in its holes alone, where these are the units in front of them."""
    if not without:
        return ()
    found = tuple([bool(units) and all(without[u % len(without)] for u in units) for units in reads])
    return found if any(found) else ()


def stretch(field: Grid, phases: Phases) -> Grid | None:
    """Behind a stretch: unit o reads the units o // U + t for the taps t of its phase."""
    up = len(phases.taps)
    if up * len(field.lo) > LONGEST_PERIOD:
        return None
    units = range(up * len(field.lo))
    reads = [[o // up + t for t in phases.taps[o % up]] for o in units]
    lo, hi = tuple(lowest(field, r) for r in reads), tuple(highest(field, r) for r in reads)
    return Grid(lo, hi, field.span, in_holes(field.without, reads))


def merge(
    reach: Reach | None,
    output: Shape,
    branches: Sequence[tuple[Mapping[int, Fields], Shape]],
    sizes: Mapping[int, Shape],
    *,
    grows: bool = False,
) -> dict[int, Fields]:
    """The fields behind a layer with several inputs, which `grows` or not: for each origin the union over branches."""
    result: dict[int, Fields] = {}
    for fields, shape in branches:
        for i, field in fields.items():
            placed = field
            if shape[1:] != output[1:]:
                places = enumerate(zip(field, sizes[i], strict=True))
                placed = tuple([behind_stretch(f, shape, output, axis, n) for axis, (f, n) in places])
            if reach != POINTWISE:
                placed = advance(placed, reach, output, shape, grows=grows)
            # One value may come by several paths: it is the same object, and its own hull.
            if i in result and result[i] is not placed:
                placed = unite(result[i], placed, output)
            result[i] = placed
    return result


def unite(fields: Fields, others: Fields, output: Shape) -> Fields:
    """The hulls of the fields of two units of a map, axis by axis; what sees nothing along one axis sees nothing."""
    if any(map(sees_nothing, fields)) or any(map(sees_nothing, others)):
        return others if any(map(sees_nothing, fields)) else fields
    rank = len(fields)
    units = output[1:] if len(output) - 1 == rank else (0,) * rank
    new: list[AxisField] = []
    for i, (a, b) in enumerate(zip(fields, others, strict=True)):
        if i and a is fields[i - 1] and b is others[i - 1] and units[i] == units[i - 1]:
            new.append(new[-1])
        else:
            new.append(union(a, b, units[i]))
    return with_holes(with_holes(new, fields, others), others, fields)


def with_holes(united: Sequence[AxisField], branch: Fields, others: Fields) -> Fields:
    """Where two branches meet, the fields with the holes of one that sees more than the others along further axes."""
    new = list(united)
    for axis, (field, own) in enumerate(zip(united, branch, strict=True)):
        if not isinstance(own, Grid) or None not in own.lo or not isinstance(field, Grid):
            continue
        if any(there != other for i, (there, other) in enumerate(zip(united, others, strict=True)) if i != axis):
            holes = [own.lo[o % len(own.lo)] is None and field.lo[o] is not None for o in range(len(field.lo))]
            before = field.without or (False,) * len(holes)
            new[axis] = field._replace(without=tuple(map(max, holes, before)))
    return tuple(new)


def behind_stretch(field: AxisField, shape: Shape, output: Shape, axis: int, n: int) -> AxisField:
    """A gate's one unit on an axis is read by all units: whole if it sees everything, else on no grid."""
    axes = min(len(shape), len(output)) - 1
    if axis >= axes or shape[axis + 1] == output[axis + 1] or not isinstance(field, (Grid, Whole)):
        return field
    if isinstance(field, Whole):  # of as many units as there are now
        return Whole(field.jump)
    lo, hi = field.lo[0], field.hi[0]
    return Whole(None) if lo is not None and hi is not None and lo <= 0 and hi >= n - 1 else None


def union(one: AxisField, other: AxisField, units: int) -> AxisField:
    """The hull of two fields that meet in a unit, one of so many; 0 where they are not to be listed."""
    if one is other or (one == other and not isinstance(one, Loose)):  # units in no order: alike is not yet the same
        return one
    if isinstance(one, Whole) or isinstance(other, Whole):
        # A single unit stands beside a map that has more of them on a larger image, others beside as many alone.
        ending = [
            isinstance(field, (Units, Fixed)) or (isinstance(field, Whole) and field.bounded) for field in (one, other)
        ]
        bounded = all(ending) if units == 1 else any(ending)
        jump = jump_of(one)
        return Whole(jump_of(other) if jump is None else jump, seeing_together(one, other), bounded)
    if isinstance(one, Fixed) and isinstance(other, Fixed):
        return Fixed(min(one.lo, other.lo), max(one.hi, other.hi), seeing_together(one, other))
    if not isinstance(one, (Grid, Units)) or not isinstance(other, (Grid, Units)):
        return None
    if isinstance(one, Grid) and isinstance(other, Grid):
        # Are the jumps equal, span over period? Without fractions.
        if one.span * len(other.lo) == other.span * len(one.lo):
            return unite_grids(one, other)
        if units != 1:
            return None  # the branches drift apart from unit to unit: there is no one field
    from cnncalc.analysis.fields.unit_by_unit import join_units  # hardly a network needs it

    return join_units(one, other, units)


def seeing_together(one: AxisField, other: AxisField) -> tuple[bool, ...] | None:
    """Of a period of units, those that see by way of either of two fields; None where that is not followed."""
    both = [field.seeing for field in (one, other) if isinstance(field, (Whole, Fixed)) and field.seeing is not None]
    if any(map(all, both)):
        return max((seeing for seeing in both if all(seeing)), key=len)
    period = lcm(*map(len, both))
    if len(both) < 2 or period > LONGEST_PERIOD:
        return None
    return tuple([any(seeing[o % len(seeing)] for seeing in both) for o in range(period)])


def unite_grids(one: Grid, other: Grid) -> Grid | None:
    """The hull of two grids of one jump, phase by phase."""
    period = lcm(len(one.lo), len(other.lo))
    if period > LONGEST_PERIOD:
        return None
    # Jumps are equal: then the common period has the same span from either side.
    lo = [least_of(lowest(one, [o]), lowest(other, [o])) for o in range(period)]
    hi = [most_of(highest(one, [o]), highest(other, [o])) for o in range(period)]
    without = [any(f.without and f.without[o % len(f.without)] for f in (one, other)) for o in range(period)]
    return Grid(tuple(lo), tuple(hi), one.span * (period // len(one.lo)), tuple(without) if any(without) else ())
