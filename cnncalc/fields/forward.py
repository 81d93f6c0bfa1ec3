"""Receptive fields: which input pixels, per axis, a unit depends on. One pass forward over any graph.

Fields are intervals of input indices (hulls) of interior units: padding moves them, borders do not cut
them. Unit o of a map sees lo[o % T] + (o // T) * span up to hi[o % T] + (o // T) * span; the period T is 1
until something is upsampled, whose units differ from phase to phase. At a merge the union.
Sources: Araujo, Norris, Sim 2019, Distill (chains, and where paths meet); Dumoulin & Visin,
arXiv:1603.07285 (transposed convolution).
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import gcd, lcm
from typing import Any, NamedTuple

from cnncalc.graph import Graph
from cnncalc.layers.base import FLATTENED, KEPT, LINKED, MIXED, PARTED, POINTWISE, STACKED, WHOLE, Reach, Shape, Step
from cnncalc.layers.windows import Listed, Phases, Window
from cnncalc.report import Jump

LONGEST_PERIOD = 1024  # phases that are told apart; beyond, a field is not known
TELLING = (LINKED, PARTED)  # layers whose channels read some of the channels, not all
LARGEST_SPAN = 10**100  # pixels from a unit's field to the next; strides on maps of one unit have no other bound


class Grid(NamedTuple):
    """Fields that repeat every `len(lo)` units, `span` input pixels further on. None: the unit sees nothing."""

    lo: tuple[int | None, ...]
    hi: tuple[int | None, ...]
    span: int


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
    """Every unit sees the whole axis; `jump` is that of the paths which do not, if there are any."""

    jump: Jump | None


AxisField = Grid | Units | Loose | Whole | None  # None: not known
Fields = tuple[AxisField, ...]  # for each axis of one input


class Seen(NamedTuple):
    """What a layer's unit sees of one input, per axis: sizes and starts in pixels, jump between neighbours.

    tied  axes on which it is that of this size of the input alone
    """

    size: tuple[int | None, ...]
    jump: tuple[Jump | None, ...]
    start: tuple[int | None, ...]
    tied: tuple[int, ...] = ()


class Pass:
    """One pass forward: for each value the fields of its units on every origin that reaches it, by its number.

    origins  the values that fields are counted in, with the number that stands for each: the network's inputs
             unless said otherwise
    last     the value at which to stop
    local    without gates: what a map of one unit per channel does to a larger one, and what the statistics of a
             whole map do to its elements, is left out
    """

    def __init__(
        self, graph: Graph, *, origins: Mapping[int, int] | None = None, last: int | None = None, local: bool = False
    ) -> None:
        self.graph = graph
        self.local = local
        self.origins = {i: i for i in range(len(graph.inputs))} if origins is None else origins
        self.sizes = {number: graph.shape(value)[1:] for value, number in self.origins.items()}
        self.shapes: list[Shape] = list(graph.inputs.values())
        self.fields: list[dict[int, Fields]] = []  # of each value, the hull over its channels
        self.several: list[bool] = []  # whether the channels of a value may see differently
        self.lead: dict[int, int] = {}  # values whose channels lie on several axes, and on how many
        self.arranged: dict[int, Any] = {}  # values that only arrange channels: see fields/folded.py
        self._by_channel: Any = None
        for value in range(len(graph.inputs)):
            self.fields.append(self._origin(value) if value in self.origins else {})
            self.several.append(False)
        for number in range(len(graph.nodes) if last is None else last + 1 - len(graph.inputs)):
            self._run(number)

    @property
    def of_nodes(self) -> list[dict[int, Fields]]:
        """The fields of every node, in their order."""
        return self.fields[len(self.graph.inputs) :]

    @property
    def by_channel(self) -> Any:
        """The same channel by channel: see fields/channels.py."""
        if self._by_channel is None:
            from cnncalc.fields.channels import ByChannel  # hardly a network needs it

            self._by_channel = ByChannel(self)
        return self._by_channel

    def _origin(self, value: int) -> dict[int, Fields]:
        number = self.origins[value]
        return {number: (Grid((0,), (0,), 1),) * len(self.sizes[number])}

    def _run(self, number: int) -> None:
        node, facts = self.graph.nodes[number], self.graph.facts[number]
        fields, several = self.fields, self.several
        self.shapes.append(facts.output)
        if len(fields) in self.origins or not node.reads:
            fields.append(self._origin(len(fields)) if len(fields) in self.origins else {})
            several.append(False)
            return
        value = node.reads[0]
        channels, reach = node.layer.channels, facts.reach
        if reach is None or (self.lead and any(v in self.lead for v in node.reads)):
            from cnncalc.fields.folded import rearranged, run_folded  # hardly a network needs it

            folded = any(v in self.lead for v in node.reads)
            if folded:
                run_folded(self, number)
            if folded or (len(node.reads) == 1 and rearranged(self, number)):
                return
        if self.local and facts.local is not None:
            channels, reach = KEPT, facts.local
        if len(node.reads) > 1:
            reads = self.branches(number)
            differ = channels == STACKED and any(fields[v] != fields[value] for v in reads)
            several.append(channels != MIXED and (differ or any(several[v] for v in reads)))
            if differ and len(facts.output) == 1:
                fields.append(self.by_channel.hull(number))
            else:
                fields.append(merged(reach, facts.output, [(fields[v], self.shapes[v]) for v in reads], self.sizes))
        elif several[value] and reach is not None and (channels in TELLING or reach == FLATTENED):
            several.append(True)
            fields.append(self.by_channel.hull(number))
        else:
            if reach == POINTWISE:
                fields.append(fields[value])
            else:
                size = self.shapes[value]
                fields.append({i: advance(f, reach, facts.output, size) for i, f in fields[value].items()})
            apart = channels == PARTED or reach == FLATTENED  # units of one map are at several places of the vector
            several.append(apart or (several[value] and channels != MIXED))

    def branches(self, number: int) -> Sequence[int]:
        """The values that a node reads; without its gates, where they are not counted."""
        reads = self.graph.nodes[number].reads
        if self.local:
            size = self.graph.facts[number].output[1:]
            return [v for v in reads if self.shapes[v][1:] == size] or reads
        return reads


def advance(fields: Fields, reach: Reach | None, output: Shape, shape: Shape) -> Fields:
    """The fields behind a layer with one input of this shape."""
    if reach == POINTWISE:
        return fields
    if reach == WHOLE:
        return tuple(whole_behind(f, output) for f in fields)
    if reach == FLATTENED or reach is None or len(shape) - 1 != len(fields):
        through: Callable[[AxisField], AxisField] = flattened if reach == FLATTENED else unknown
        return tuple(map(through, fields))
    new: list[AxisField] = []
    for i, (field, step) in enumerate(zip(fields, reach, strict=True)):
        alike = i and field is fields[i - 1] and step == reach[i - 1]
        if alike and (isinstance(new[-1], Grid) or output[i] == output[i + 1]):
            new.append(new[-1])
        else:
            new.append(along(field, step, output[i + 1]))
    return tuple(new)


def whole_behind(field: AxisField, output: Shape) -> Whole:
    # A norm keeps the places of its units; a pooling or a dense layer leaves one unit or none in a place.
    same_places = len(output) > 1 and any(n > 1 for n in output[1:])
    return Whole(jump_of(field) if same_places else None)


def flattened(field: AxisField) -> AxisField:
    if isinstance(field, (Grid, Units)):
        return Loose(largest(field), field.lo[0], min(sizes_of(field)))
    return Whole(None) if isinstance(field, Whole) else field


def unknown(field: AxisField) -> AxisField:
    return Whole(None) if isinstance(field, Whole) else None


def along(field: AxisField, step: Step, units: int) -> AxisField:
    """The field behind one step along one axis, which gives so many units."""
    if step == WHOLE:
        return Whole(None)
    if step is None or isinstance(step, str):
        return unknown(field)
    if isinstance(field, Whole):
        if field.jump is None or isinstance(step, Listed):
            return Whole(None)
        down, up = (step.stride, 1) if isinstance(step, Window) else (1, len(step.taps))
        return Whole(as_jump(field.jump * down, up))
    if isinstance(field, Grid) and not isinstance(step, Listed):
        return slide(field, step) if isinstance(step, Window) else stretch(field, step)
    if isinstance(field, (Grid, Units)):
        from cnncalc.fields.listed import moved  # hardly a network needs it

        return moved(field, step, units)
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
    reach: Reach | None,
    output: Shape,
    branches: Sequence[tuple[dict[int, Fields], Shape]],
    sizes: Mapping[int, Shape],
) -> dict[int, Fields]:
    """The fields behind a layer with several inputs: for each origin the union over branches."""
    result: dict[int, Fields] = {}
    for fields, shape in branches:
        for i, field in fields.items():
            placed = field
            if shape[1:] != output[1:]:
                places = enumerate(zip(field, sizes[i], strict=True))
                placed = tuple([behind_stretch(f, shape, output, axis, n) for axis, (f, n) in places])
            if reach != POINTWISE:
                placed = advance(placed, reach, output, shape)
            if i in result and result[i] is not placed:
                placed = united(result[i], placed, output)
            result[i] = placed
    return result


def united(fields: Fields, others: Fields, output: Shape) -> Fields:
    """The hulls of the fields of two units of a map, axis by axis."""
    rank = len(fields)
    units = output[1:] if len(output) - 1 == rank else (0,) * rank
    if len(output) > 1 and max(output[1:]) == 1:
        units = (1,) * rank
    new: list[AxisField] = []
    for i, (a, b) in enumerate(zip(fields, others, strict=True)):
        if i and a is fields[i - 1] and b is others[i - 1] and units[i] == units[i - 1]:
            new.append(new[-1])
        else:
            new.append(union(a, b, units[i]))
    return tuple(new)


def behind_stretch(field: AxisField, shape: Shape, output: Shape, axis: int, n: int) -> AxisField:
    """A gate's one unit on an axis is read by all units: whole if it sees everything, else on no grid."""
    axes = min(len(shape), len(output)) - 1
    if axis >= axes or shape[axis + 1] == output[axis + 1] or not isinstance(field, Grid):
        return field
    lo, hi = field.lo[0], field.hi[0]
    return Whole(None) if lo is not None and hi is not None and lo <= 0 and hi >= n - 1 else None


def union(a: AxisField, b: AxisField, units: int) -> AxisField:
    """The hull of two fields that meet in a unit, one of so many; 0 where they are not to be listed."""
    if a == b and not (isinstance(a, Loose) and a.start is None):
        return a
    if isinstance(a, Whole) or isinstance(b, Whole):
        jump = jump_of(a)
        return Whole(jump_of(b) if jump is None else jump)
    if isinstance(a, Loose) or isinstance(b, Loose) or a is None or b is None:
        return None
    if isinstance(a, Units) or isinstance(b, Units):
        from cnncalc.fields.listed import joined  # hardly a network needs it

        return joined(a, b, units)
    if units == 1:  # neighbours do not exist, so jumps need not agree
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


def largest(field: Grid | Units) -> int:
    """The size of the largest phase; 0 if no unit sees anything."""
    lo, hi = field.lo[0], field.hi[0]
    return hi - lo + 1 if len(field.lo) == 1 and lo is not None and hi is not None else max(sizes_of(field))


def sizes_of(field: Grid | Units) -> list[int]:
    """The size of every phase or unit; 0 where a unit sees nothing."""
    ends = zip(field.lo, field.hi, strict=True)
    return [0 if lo is None or hi is None else hi - lo + 1 for lo, hi in ends]


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
