"""Receptive fields: which input pixels, per axis, a unit depends on. One pass forward over any graph.

Fields are intervals of input indices (hulls) of interior units: padding moves them, borders do not cut
them. Unit o of a map sees lo[o % T] + (o // T) * span up to hi[o % T] + (o // T) * span; the period T is 1
until something is upsampled, whose units differ from phase to phase. At a merge the union.
Sources: Araujo, Norris, Sim 2019, Distill (chains, and where paths meet); Dumoulin & Visin,
arXiv:1603.07285 (transposed convolution).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import gcd, lcm
from typing import NamedTuple

from cnncalc.graph import Graph
from cnncalc.layers.base import FLATTENED, POINTWISE, WHOLE, Facts, Shape
from cnncalc.layers.windows import Phases, Window
from cnncalc.report import Jump

LONGEST_PERIOD = 1024  # phases that are told apart; beyond, a field is not known
LARGEST_SPAN = 10**100  # pixels from a unit's field to the next; strides on maps of one unit have no other bound


class Grid(NamedTuple):
    """Fields that repeat every `len(lo)` units, `span` input pixels further on. None: the unit sees nothing."""

    lo: tuple[int | None, ...]
    hi: tuple[int | None, ...]
    span: int


class Loose(NamedTuple):
    """Fields of known size that lie on no grid: the units of a flattened map."""

    size: int
    start: int | None


class Whole(NamedTuple):
    """Every unit sees the whole axis; `jump` is that of the paths which do not, if there are any."""

    jump: Jump | None


AxisField = Grid | Loose | Whole | None  # None: not known
Fields = tuple[AxisField, ...]  # for each axis of one input


class Seen(NamedTuple):
    """What a layer's unit sees of one input, per axis: sizes and starts in pixels, jump between neighbours."""

    size: tuple[int | None, ...]
    jump: tuple[Jump | None, ...]
    start: tuple[int | None, ...]


def receptive_fields(graph: Graph) -> list[dict[str, Seen]]:
    """For each node, what its units see of every input that reaches it."""
    names = list(graph.inputs)
    sizes = [shape[1:] for shape in graph.inputs.values()]
    shapes: list[Shape] = list(graph.inputs.values())
    origin = Grid((0,), (0,), 1)
    fields: list[dict[int, Fields]] = [{i: (origin,) * len(size)} for i, size in enumerate(sizes)]
    rows: dict[int, dict[str, Seen]] = {}  # by the identity of what `fields` holds, which lives as long
    result = []
    for node, facts in zip(graph.nodes, graph.facts, strict=True):
        value = node.reads[0] if node.reads else 0
        if len(node.reads) != 1:
            seen = merged(facts, [(fields[v], shapes[v]) for v in node.reads], sizes)
        elif facts.reach == POINTWISE:
            seen = fields[value]
        else:
            seen = {i: advance(f, facts, shapes[value]) for i, f in fields[value].items()}
        fields.append(seen)
        shapes.append(facts.output)
        row = rows.get(id(seen))
        if row is None:
            row = rows[id(seen)] = {names[i]: summary(field, sizes[i]) for i, field in seen.items()}
        result.append(row)
    return result


def advance(fields: Fields, facts: Facts, shape: Shape) -> Fields:
    """The fields behind a layer with one input of this shape."""
    reach = facts.reach
    if reach == POINTWISE:
        return fields
    if reach == WHOLE:
        return tuple(whole_behind(f, facts) for f in fields)
    if reach == FLATTENED or reach is None or len(shape) - 1 != len(fields):
        through: Callable[[AxisField], AxisField] = flattened if reach == FLATTENED else unknown
        return tuple(map(through, fields))
    new: list[AxisField] = []
    for i, (field, step) in enumerate(zip(fields, reach, strict=True)):
        if i and field is fields[i - 1] and step == reach[i - 1]:
            new.append(new[-1])
        else:
            new.append(along(field, step))
    return tuple(new)


def whole_behind(field: AxisField, facts: Facts) -> Whole:
    # A norm keeps the places of its units; a pooling or a dense layer leaves one unit or none in a place.
    same_places = len(facts.output) > 1 and any(n > 1 for n in facts.output[1:])
    return Whole(jump_of(field) if same_places else None)


def flattened(field: AxisField) -> AxisField:
    if isinstance(field, Grid):
        return Loose(largest(field), field.lo[0])
    return Whole(None) if isinstance(field, Whole) else field


def unknown(field: AxisField) -> AxisField:
    return Whole(None) if isinstance(field, Whole) else None


def along(field: AxisField, step: Window | Phases | str | None) -> AxisField:
    """The field behind one step along one axis."""
    if step == WHOLE:
        return Whole(None)
    if step is None or isinstance(step, str):
        return unknown(field)
    if isinstance(field, Grid):
        return slide(field, step) if isinstance(step, Window) else stretch(field, step)
    if isinstance(field, Whole):
        if field.jump is None:
            return field
        down, up = (step.stride, 1) if isinstance(step, Window) else (1, len(step.taps))
        return Whole(as_jump(field.jump * down, up))
    if isinstance(field, Loose) and isinstance(step, Window) and step[:4] == (1, 1, 0, 0):
        return field
    return None


def slide(field: Grid, window: Window) -> Grid | None:
    """Unit o reads the units o*s - before + t*d for t < k."""
    lo, hi, span = field
    if span > LARGEST_SPAN:
        return None
    k, s, before, d = window.kernel, window.stride, window.before, window.dilation
    period = len(lo)
    if period == 1:
        if lo[0] is None or hi[0] is None:
            return Grid(lo, hi, span * s)
        return Grid((lo[0] - before * span,), (hi[0] + ((k - 1) * d - before) * span,), span * s)
    units = range(period // gcd(period, s))
    new_span = len(units) * s // period * span
    if rising(field):
        lows = [divmod(o * s - before, period) for o in units]
        highs = [divmod(o * s - before + (k - 1) * d, period) for o in units]
        return Grid(
            tuple([lo[phase] + turns * span for turns, phase in lows]),  # type: ignore[operator]
            tuple([hi[phase] + turns * span for turns, phase in highs]),  # type: ignore[operator]
            new_span,
        )
    # Fields move on by `span` every `period` units, so that the first taps hold the lowest pixel and the
    # last the highest.
    first = [t * d - before for t in range(min(k, period))]
    last = [t * d - before for t in range(max(0, k - period), k)]
    new_lo = [lowest(field, [o * s + t for t in first]) for o in units]
    new_hi = [highest(field, [o * s + t for t in last]) for o in units]
    return Grid(tuple(new_lo), tuple(new_hi), new_span)


def rising(field: Grid) -> bool:
    """Whether no unit sees something before its left neighbour does: then the outermost taps decide."""
    for ends in (field.lo, field.hi):
        if None in ends or any(a > b for a, b in pairwise((*ends, ends[0] + field.span))):  # type: ignore[operator]
            return False
    return True


def stretch(field: Grid, phases: Phases) -> Grid | None:
    """Unit o reads the units o // U + t for the taps t of its phase."""
    up = len(phases.taps)
    if up * len(field.lo) > LONGEST_PERIOD:
        return None
    units = range(up * len(field.lo))
    reads = [[o // up + t for t in phases.taps[o % up]] for o in units]
    return Grid(tuple(lowest(field, r) for r in reads), tuple(highest(field, r) for r in reads), field.span)


def lowest(field: Grid, units: Sequence[int]) -> int | None:
    period = len(field.lo)
    found = [lo + u // period * field.span for u in units if (lo := field.lo[u % period]) is not None]
    return min(found, default=None)


def highest(field: Grid, units: Sequence[int]) -> int | None:
    period = len(field.hi)
    found = [hi + u // period * field.span for u in units if (hi := field.hi[u % period]) is not None]
    return max(found, default=None)


def merged(
    facts: Facts, branches: Sequence[tuple[dict[int, Fields], Shape]], sizes: Sequence[Shape]
) -> dict[int, Fields]:
    """The fields behind a layer with several inputs: for each input of the network the union over branches."""
    result: dict[int, Fields] = {}
    for fields, shape in branches:
        for i, field in fields.items():
            placed = tuple(
                behind_stretch(f, shape, facts.output, axis, n)
                for axis, (f, n) in enumerate(zip(field, sizes[i], strict=True))
            )
            if facts.reach != POINTWISE:
                placed = advance(placed, facts, shape)
            if i in result:
                one_unit = len(facts.output) > 1 and max(facts.output[1:]) == 1
                placed = tuple(union(a, b, one_unit) for a, b in zip(result[i], placed, strict=True))
            result[i] = placed
    return result


def behind_stretch(field: AxisField, shape: Shape, output: Shape, axis: int, n: int) -> AxisField:
    """A gate's one unit on an axis is read by all units: whole if it sees everything, else on no grid."""
    axes = min(len(shape), len(output)) - 1
    if axis >= axes or shape[axis + 1] == output[axis + 1] or not isinstance(field, Grid):
        return field
    lo, hi = field.lo[0], field.hi[0]
    return Whole(None) if lo is not None and hi is not None and lo <= 0 and hi >= n - 1 else None


def union(a: AxisField, b: AxisField, one_unit: bool) -> AxisField:
    """The hull of two fields that meet in a unit."""
    if a == b:
        return a
    if isinstance(a, Whole) or isinstance(b, Whole):
        jump = jump_of(a)
        return Whole(jump_of(b) if jump is None else jump)
    if not isinstance(a, Grid) or not isinstance(b, Grid):
        return None
    if one_unit:  # neighbours do not exist, so jumps need not agree
        a, b = Grid(a.lo[:1], a.hi[:1], a.span), Grid(b.lo[:1], b.hi[:1], a.span)
    if a.span * len(b.lo) != b.span * len(a.lo):
        return None  # the branches drift apart from unit to unit: there is no one field
    period = lcm(len(a.lo), len(b.lo))
    if period > LONGEST_PERIOD:
        return None
    lo = [least_of(lowest(a, [o]), lowest(b, [o])) for o in range(period)]
    hi = [most_of(highest(a, [o]), highest(b, [o])) for o in range(period)]
    return Grid(tuple(lo), tuple(hi), a.span * (period // len(a.lo)))


def least_of(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else min(a, b)


def most_of(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else max(a, b)


def largest(field: Grid) -> int:
    """The size of the largest phase; 0 if no unit sees anything."""
    sizes = [hi - lo + 1 for lo, hi in zip(field.lo, field.hi, strict=True) if lo is not None and hi is not None]
    return max(sizes, default=0)


def as_jump(numerator: Jump, denominator: int) -> Jump:
    """A whole number where it is one, else an exact fraction."""
    if isinstance(numerator, int) and numerator % denominator == 0:
        return numerator // denominator
    from fractions import Fraction

    jump = Fraction(numerator) / denominator
    return jump.numerator if jump.denominator == 1 else jump


def jump_of(field: AxisField) -> Jump | None:
    if isinstance(field, Grid):
        return as_jump(field.span, len(field.lo))
    return field.jump if isinstance(field, Whole) else None


def summary(fields: Fields, size: Shape) -> Seen:
    """Sizes, jumps and starts; a unit that sees the whole axis sees its n pixels from 0 on."""
    sizes: list[int | None] = []
    starts: list[int | None] = []
    for field, n in zip(fields, size, strict=True):
        if isinstance(field, Grid):
            sizes.append(largest(field))
            starts.append(field.lo[0])
        elif isinstance(field, Loose):
            sizes.append(field.size)
            starts.append(field.start)
        else:
            sizes.append(None if field is None else n)
            starts.append(None if field is None else 0)
    return Seen(tuple(sizes), tuple(map(jump_of, fields)), tuple(starts))
