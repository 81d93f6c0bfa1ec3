"""Seen from a layer: how many units of every earlier map one of its units sees. One pass back over any graph.

The textbook's RF_i = (RF_{i+1} - 1) s_i + d_i (k_i - 1) + 1, with the ends of the field instead of its size
(Araujo, Norris, Sim 2019, Distill), phase by phase behind upsampling, and with the union where paths part.
Fields are those of the forward pass that starts at the earlier map; where ends alone do not say which units in
between are seen, and upsampling takes units apart, that pass is run.
"""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

from cnncalc.analysis.fields.forward import TELLING, Pass
from cnncalc.analysis.fields.steps import lands, stretch, union
from cnncalc.analysis.fields.values import (
    LARGEST_SPAN,
    LONGEST_PERIOD,
    AxisField,
    Fields,
    Grid,
    Units,
    Whole,
    highest,
    lowest,
    rising,
    sizes_of,
)
from cnncalc.graph import Graph
from cnncalc.layers.base import FLATTENED, MIXED, PARTED, POINTWISE, STACKED, WHOLE, Facts
from cnncalc.layers.windows import Listed, Phases, Window

MOST_STEPS = 300_000  # of passes that start at one map after the other
ORIGIN = Grid((0,), (0,), 1)


class Behind(NamedTuple):
    """What units see of a map along an axis.

    dense  they see all that lies between the ends
    sure   the ends are right; otherwise a pass forward has to tell
    """

    field: AxisField
    dense: bool = True
    sure: bool = True


def look_back(graph: Graph, number: int) -> list[Fields | None]:
    """For each value what the units of a node see of it, in elements of that map; None where nothing leads there."""
    first = len(graph.inputs)
    target = first + number
    rank = len(graph.shape(target)) - 1
    if rank < 1:
        all_seen = behind_a_dense_layer(graph, target)
        return by_passes(graph, target, range(target + 1), {}) if all_seen is None else all_seen
    # A single unit has no neighbours to jump to: where paths part, only its ends matter.
    one_unit = max(graph.shape(target)[1:]) == 1
    small = any(map(has_so_many_units, graph.facts[: number + 1]))
    found: dict[int, tuple[Behind, ...]] = {target: (Behind(ORIGIN),) * rank}
    # Backwards, so that all readers of a value were asked before it is.
    for v in range(target, first - 1, -1):
        behind = found.get(v)
        if behind is None:
            continue
        facts = graph.facts[v - first]
        for read in graph.nodes[v - first].reads:
            before = through(facts, graph.shape(read), behind)
            # Units that may see padding alone see nothing: then "the whole axis" is too much.
            if not all(surely_lands(b, n, small or n == 1) for b, n in zip(behind, facts.output[1:], strict=False)):
                before = tuple([b._replace(sure=False) if isinstance(b.field, Whole) else b for b in before])
            if read in found and len(found[read]) == len(before):
                both = zip(found[read], before, strict=True)
                before = tuple([together(a, b, int(one_unit)) for a, b in both])
            found[read] = before
    # A walk back takes channels for alike and gaps for filled: where that may be wrong a pass forward tells.
    unsure = tells_apart(graph, number)
    open_values = [v for v, behind in found.items() if v != target and (unsure or not all(b.sure for b in behind))]
    known: dict[int, Fields] = {v: tuple([b.field for b in behind]) for v, behind in found.items()}
    return by_passes(graph, target, open_values, known)


def behind_a_dense_layer(graph: Graph, target: int) -> list[Fields | None] | None:
    """The fields where each unit of a vector reads all units of the layer before; None where that is not so."""
    first = len(graph.inputs)
    # Behind the dense layer activations may follow, each on its own unit.
    last = target
    while last >= first and graph.facts[last - first].reach == POINTWISE and len(graph.nodes[last - first].reads) == 1:
        last = graph.nodes[last - first].reads[0]
    if last < first or graph.facts[last - first].reach != WHOLE or reads_parts(graph, last):
        return None
    if graph.nodes[last - first].layer.channels != MIXED:
        return None  # channels that are told apart
    found: list[Fields | None] = [None] * (target + 1)
    reached = {target}
    for v in range(target, -1, -1):
        if v in reached:
            found[v] = (Whole(None),) * (len(graph.shape(v)) - 1)
            reached.update(graph.nodes[v - first].reads if v >= first else ())
    return found


def reads_parts(graph: Graph, last: int) -> bool:
    """Whether a vector is on the way that may hold a part of a map alone."""
    nodes = zip(graph.nodes[: last + 1 - len(graph.inputs)], graph.facts, strict=False)
    return any(node.layer.channels in TELLING and len(facts.output) == 1 for node, facts in nodes)


def by_passes(graph: Graph, target: int, values: list[int] | range, known: dict[int, Fields]) -> list[Fields | None]:
    """What is known, and the rest by a pass forward from each of `values`; not known where that is too much."""
    result: list[Fields | None] = [known.get(v) for v in range(target + 1)]
    too_much = len(values) * (target + 1) > MOST_STEPS
    for v in values:
        axes = len(graph.shape(v)) - 1
        result[v] = (None,) * axes if too_much else Pass(graph, origins={v: 0}, last=target).values[target].seen.get(0)
    return result


def through(facts: Facts, shape: tuple[int, ...], behind: tuple[Behind, ...]) -> tuple[Behind, ...]:
    """What is seen of the input of a layer, where so much is seen of its output."""
    reach, rank = facts.reach, len(shape) - 1
    if reach == WHOLE:
        return (Behind(Whole(None), sure=all(b.sure for b in behind)),) * rank
    if reach == FLATTENED or len(behind) != rank:  # from a vector on, fields are no longer those of a place
        whole = bool(behind) and all(isinstance(b.field, Whole) for b in behind)
        return (Behind(Whole(None) if whole else None, sure=whole),) * rank
    result: list[Behind] = []
    for axis, b in enumerate(behind):
        step = reach if isinstance(reach, str) or reach is None else reach[axis]
        if shape[1 + axis] != facts.output[1 + axis] and step == POINTWISE:
            result.append(Behind(Whole(None), sure=b.sure))  # the one unit of a gate
        elif step == WHOLE:
            result.append(Behind(Whole(None), sure=b.sure))
        elif isinstance(b.field, Whole):
            reads = isinstance(step, str) or (step is not None and lands(step, shape[1 + axis], facts.output[1 + axis]))
            result.append(Behind(Whole(None), sure=b.sure and reads))
        elif b.field is None or step is None or isinstance(step, Listed):
            result.append(Behind(None, sure=b.sure and step is not None and not isinstance(step, Listed)))
        elif isinstance(step, Window):
            result.append(slide_behind(b, step))
        elif isinstance(step, Phases):
            result.append(stretch_behind(b, step))
        else:
            result.append(b)
    return tuple(result)


def has_so_many_units(facts: Facts) -> bool:
    """Whether a layer may give a map of so many units at any size of the input, and of more than one."""
    reach = facts.reach
    return reach is None or (isinstance(reach, tuple) and any(isinstance(step, Listed) for step in reach))


def surely_lands(behind: Behind, units: int, bounded: bool) -> bool:
    """Whether of a map of so many units one is seen for sure. `bounded`: there may be no more on a larger image, so
    that all taps of a window may miss them.
    """
    field = behind.field
    if not isinstance(field, Grid):
        return isinstance(field, Whole)
    lo, hi = lowest(field, [0]), highest(field, [0])
    if None in field.lo or lo is None or hi is None:
        return False
    return not bounded or (behind.sure and behind.dense and lo < units and hi >= 0)


def slide_behind(behind: Behind, window: Window) -> Behind:
    """Units u up to v of a map read u*s - before up to v*s - before + d(k - 1) of the one before."""
    assert isinstance(behind.field, Grid)
    lo, hi, span, _without = behind.field
    k, s, before, d = window.kernel, window.stride, window.before, window.dilation
    # Nobody reads such a number, and strides would make it grow without an end.
    if span > LARGEST_SPAN:
        return Behind(None)
    new = Grid(
        tuple([None if u is None else u * s - before for u in lo]),
        tuple([None if v is None else v * s - before + (k - 1) * d for v in hi]),
        span * s,
    )
    if lo == hi:  # one unit: its own taps
        dense = k == 1 or d == 1
    else:
        # Windows of stride s touch if k >= s; with holes of d they fill those of one another at stride 1 alone.
        dense = behind.dense and (k >= s if d == 1 else s == 1 and (k == 1 or min(sizes_of(behind.field)) >= d))
    return Behind(new, dense, behind.sure)


def stretch_behind(behind: Behind, phases: Phases) -> Behind:
    """Units of a longer axis read the taps of their phases; unit o of the target begins at phase lo(o) mod U."""
    # An axis of U phases, seen at a stride of `span`: after U / gcd(span, U) turns the phases come again.
    outer = behind.field
    assert isinstance(outer, Grid)
    inner = stretch(ORIGIN, phases)
    up = len(phases.taps)
    times = up // gcd(outer.span, up)
    period = len(outer.lo) * times
    if inner is None or period > LONGEST_PERIOD:
        return Behind(None, sure=False)
    ordered = rising(inner)
    lo: list[int | None] = []
    hi: list[int | None] = []
    for o in range(period):
        turns, phase = divmod(o, len(outer.lo))
        u, v = outer.lo[phase], outer.hi[phase]
        if u is None or v is None:
            lo.append(None)
            hi.append(None)
            continue
        u, v = u + turns * outer.span, v + turns * outer.span
        # Where later units may begin earlier, the least of two turns is looked for: no tap lies further than one turn
        # away.
        lo.append(lowest(inner, [u] if ordered else range(u, min(v, u + 2 * up) + 1)))
        hi.append(highest(inner, [v] if ordered else range(max(u, v - 2 * up), v + 1)))
    single = outer.lo == outer.hi
    contiguous = all(list(t) == list(range(t[0], t[0] + len(t))) for t in phases.taps if t)
    dense = contiguous and (single or (behind.dense and ordered))
    wide = all(max(map(abs, t), default=0) <= up for t in phases.taps)  # else the lowest tap may lie further in
    sure = behind.sure and (ordered or single or (behind.dense and wide))
    return Behind(Grid(tuple(lo), tuple(hi), outer.span * times // up), dense, sure)


def together(one: Behind, other: Behind, units: int) -> Behind:
    """What is seen by way of either of two readers."""
    field = union(one.field, other.field, units)
    if isinstance(field, Units) and isinstance(one.field, Grid):  # of one unit: whatever jumps there may be
        field = Grid(field.lo[:1], field.hi[:1], one.field.span)
    sure = one.sure and other.sure and not (field is None and one.field is not None and other.field is not None)
    dense = (
        one.dense
        and other.dense
        and isinstance(one.field, Grid)
        and isinstance(other.field, Grid)
        and touch(one.field, other.field)
    )
    return Behind(field, dense or (one.field == other.field and one.dense), sure)


def touch(one: Grid, other: Grid) -> bool:
    """Whether no unit sees a gap between two fields: of one period, and each begins before the other has ended."""
    if len(one.lo) != len(other.lo):
        return False
    ends = zip(one.lo, one.hi, other.lo, other.hi, strict=True)
    return all(
        u is not None and v is not None and x is not None and y is not None and u <= y + 1 and x <= v + 1
        for u, v, x, y in ends
    )


def tells_apart(graph: Graph, number: int) -> bool:
    """Whether on the way to a node some channels are left out that see otherwise than those that are read."""
    first = len(graph.inputs)
    # Which values have channels that see differently: made by concats and splits, undone by what mixes them.
    differ = [False] * first
    for node, facts in zip(graph.nodes[: number + 1], graph.facts, strict=False):
        channels = node.layer.channels
        several = any(differ[v] for v in node.reads)
        if facts.reach == FLATTENED and several:
            return True
        if channels in TELLING and several:
            links = node.layer.links(graph.shape(node.reads[0])) if facts.reach is not None else ()
            read = {i for link in links for i in link.inputs}
            if any(link.reach for link in links) or len(read) < graph.shape(node.reads[0])[0]:
                return True
        differ.append(channels in (STACKED, PARTED) or (several and channels != MIXED))
    return False
